//! Reading and writing the columns of a row.

use std::collections::HashMap;
use std::io::{self, Read, Write};

use attache_domain::time::Timestamp;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::de::DeserializeOwned;

/// A row: columns by name.
pub(super) type Row = HashMap<String, AttributeValue>;

/// A row that is not as we write it: somebody else wrote it, or a newer version of this code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {id:?} of table {table}: column {column} {problem}")]
pub struct Undecodable {
    /// The table.
    pub table: String,
    /// The row's id.
    pub id: String,
    /// The column.
    pub column: String,
    /// What is wrong with it.
    pub problem: String,
}

/// A text column.
pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A text column, compressed (raw DEFLATE, RFC 1951): for what is written often and read rarely. A row takes 400 KB, and is
/// paid for by the kilobyte.
///
/// # Errors
/// None in practice: it writes to memory.
pub(super) fn packed(value: &str) -> io::Result<AttributeValue> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(value.as_bytes())?;
    Ok(AttributeValue::B(Blob::new(encoder.finish()?)))
}

/// A number column.
pub(super) fn number(value: impl Into<u64>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// An instant in milliseconds.
pub(super) fn instant(at: Timestamp) -> AttributeValue {
    number(at.as_millis())
}

/// A row being read.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    table: &'a str,
    row: &'a Row,
}

impl<'a> Columns<'a> {
    pub(super) fn new(table: &'a str, row: &'a Row) -> Self {
        Self { table, row }
    }

    /// An error about one column.
    pub(super) fn wrong(&self, column: &str, problem: impl Into<String>) -> Undecodable {
        let id = self.row.get("id").and_then(|id| id.as_s().ok());
        Undecodable {
            table: self.table.to_owned(),
            id: id.cloned().unwrap_or_else(|| "?".to_owned()),
            column: column.to_owned(),
            problem: problem.into(),
        }
    }

    fn needed<T>(&self, column: &str, value: Option<T>) -> Result<T, Undecodable> {
        value.ok_or_else(|| self.wrong(column, "is missing"))
    }

    pub(super) fn text_if(&self, column: &str) -> Result<Option<&'a str>, Undecodable> {
        let read = |value: &'a AttributeValue| match value.as_s() {
            Ok(text) => Ok(text.as_str()),
            Err(_) => Err(self.wrong(column, "is not text")),
        };
        self.row.get(column).map(read).transpose()
    }

    pub(super) fn text(&self, column: &str) -> Result<&'a str, Undecodable> {
        self.text_if(column)
            .and_then(|text| self.needed(column, text))
    }

    /// The texts of a list; none if there is no such column.
    pub(super) fn texts(&self, column: &str) -> Result<impl Iterator<Item = &'a str>, Undecodable> {
        let wrong = || self.wrong(column, "is no list of texts");
        let list = match self.row.get(column) {
            Some(value) => value.as_l().map_err(|_| wrong())?.as_slice(),
            None => &[],
        };
        let texts: Option<Vec<&str>> = list
            .iter()
            .map(|entry| entry.as_s().ok().map(String::as_str))
            .collect();
        texts.map(Vec::into_iter).ok_or_else(wrong)
    }

    pub(super) fn number_if<T: TryFrom<u64>>(
        &self,
        column: &str,
    ) -> Result<Option<T>, Undecodable> {
        let read = |value: &AttributeValue| {
            let number = value.as_n().ok().and_then(|text| text.parse::<u64>().ok());
            let fitting = number.and_then(|number| T::try_from(number).ok());
            fitting.ok_or_else(|| self.wrong(column, "is not a whole number within range"))
        };
        self.row.get(column).map(read).transpose()
    }

    pub(super) fn number<T: TryFrom<u64>>(&self, column: &str) -> Result<T, Undecodable> {
        self.number_if(column)
            .and_then(|number| self.needed(column, number))
    }

    pub(super) fn instant_if(&self, column: &str) -> Result<Option<Timestamp>, Undecodable> {
        Ok(self.number_if(column)?.map(Timestamp::from_millis))
    }

    pub(super) fn instant(&self, column: &str) -> Result<Timestamp, Undecodable> {
        self.number(column).map(Timestamp::from_millis)
    }

    pub(super) fn bytes(&self, column: &str) -> Result<&'a [u8], Undecodable> {
        let value = self.needed(column, self.row.get(column))?;
        match value.as_b() {
            Ok(blob) => Ok(blob.as_ref()),
            Err(_) => Err(self.wrong(column, "is not binary")),
        }
    }

    /// What [`packed`] wrote, or plain text, as rows had it before; of `most` bytes at the most.
    pub(super) fn unpacked(&self, column: &str, most: usize) -> Result<String, Undecodable> {
        if let Some(AttributeValue::S(text)) = self.row.get(column) {
            return Ok(text.clone());
        }
        let mut text = String::new();
        let most = most as u64;
        let decoder = DeflateDecoder::new(self.bytes(column)?);
        let read = decoder.take(most + 1).read_to_string(&mut text);
        match read {
            Ok(read) if read as u64 <= most => Ok(text),
            Ok(_) => Err(self.wrong(column, format!("unpacks to more than {most} bytes"))),
            Err(e) => Err(self.wrong(column, format!("does not unpack: {e}"))),
        }
    }

    pub(super) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, Undecodable> {
        // The parser's message names fields and positions; it does not quote the text.
        serde_json::from_str(self.text(column)?)
            .map_err(|e| self.wrong(column, format!("is not the expected JSON: {e}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        let row = Row::from([
            ("id".to_owned(), text("x")),
            ("t".to_owned(), text("word")),
            ("n".to_owned(), number(70_000_u64)),
        ]);
        let columns = Columns::new("media", &row);
        let said = |error: Undecodable| error.to_string();
        for (got, expected) in [
            (columns.text("u").map_err(said).err(), "column u is missing"),
            (
                columns.text("n").map_err(said).err(),
                "column n is not text",
            ),
            (
                columns.number::<u16>("n").map_err(said).err(),
                "column n is not a whole",
            ),
            (
                columns.number::<u64>("t").map_err(said).err(),
                "column t is not a whole",
            ),
            (
                columns.bytes("t").map_err(said).err(),
                "column t is not binary",
            ),
            (
                columns.json::<u32>("t").map_err(said).err(),
                "column t is not the expected JSON",
            ),
        ] {
            let got = got.unwrap();
            assert!(
                got.starts_with(&format!("row \"x\" of table media: {expected}")),
                "{got}"
            );
        }
        assert_eq!(columns.number::<u32>("n"), Ok(70_000));
        assert_eq!(columns.number_if::<u32>("u"), Ok(None));
    }

    #[test]
    fn packed_text_is_read_again_and_plain_text_too() {
        let long = r#"{"id":"wamid.A","type":"order","items":[1,2,3]}"#.repeat(50);
        for (value, most, expected) in [
            (packed(&long).unwrap(), long.len(), Ok(long.as_str())),
            (packed("").unwrap(), 0, Ok("")),
            (text("{}"), 0, Ok("{}")),
            (
                packed(&long).unwrap(),
                long.len() - 1,
                Err("unpacks to more than"),
            ),
            (
                AttributeValue::B(Blob::new(*b"no")),
                9,
                Err("does not unpack"),
            ),
            (number(1_u64), 9, Err("is not binary")),
        ] {
            let row = Row::from([("slice".to_owned(), value)]);
            let read = Columns::new("claims", &row).unpacked("slice", most);
            match (read, expected) {
                (Ok(read), Ok(expected)) => assert_eq!(read, expected),
                (Err(error), Err(expected)) => assert!(error.problem.starts_with(expected)),
                (read, _) => panic!("{read:?}"),
            }
        }
        let AttributeValue::B(small) = packed(&long).unwrap() else {
            panic!("not binary");
        };
        assert!(small.as_ref().len() * 10 < long.len());
    }
}
