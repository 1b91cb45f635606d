//! Texts and tables: read in whatever encoding they come, set in lines, written as a PDF.

use crate::latin::{Scribe, decoded};
use crate::layout::{self, Grid};
use crate::{LONGEST_TEXT, Rendition, Unconvertible, pdf};

/// So many characters may be missing, one in this many, before a PDF is worse than none.
const ONE_IN: usize = 10;

/// What stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Running text.
    Text,
    /// Rows of cells, separated by commas, semicolons or tabs (RFC 4180).
    Table,
}

/// Makes a PDF of a text or a table: A4, Courier, the letters of Windows-1252. UTF-8, UTF-16 with a byte order mark, and
/// Windows-1252 are read. `title` is what viewers show as the document's title.
///
/// # Errors
/// [`Unconvertible`] if it is too long, or more than a tenth of it would be missing.
pub fn document(bytes: &[u8], shape: Shape, title: &str) -> Result<Rendition, Unconvertible> {
    let length = bytes.len() as u64;
    if length > LONGEST_TEXT {
        return Err(Unconvertible::TooLong {
            bytes: length,
            limit: LONGEST_TEXT,
        });
    }
    let text = read(bytes).replace("\r\n", "\n").replace('\r', "\n");
    let mut scribe = Scribe::default();
    let plain = scribe.plain(&text);
    let (missing, characters) = scribe.missing();
    if missing > characters / ONE_IN {
        return Err(Unconvertible::Unreadable {
            missing,
            characters,
        });
    }
    let (grid, lines) = match shape {
        Shape::Table => layout::table(&rows(&plain)),
        Shape::Text => None,
    }
    .unwrap_or_else(|| running(&plain));
    Ok(Rendition {
        bytes: pdf::write(grid, &lines, title)?,
        media_type: "application/pdf",
        changes: scribe.changes(),
    })
}

fn running(text: &str) -> (Grid, Vec<String>) {
    let grid = Grid::of_text();
    (grid, layout::wrapped(text, grid.columns))
}

/// The text behind the bytes.
fn read(bytes: &[u8]) -> String {
    let wide = |rest: &[u8], of: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.as_chunks().0.iter().map(|pair| of(*pair)).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => {
            let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
            let narrow = || {
                let letter = |byte: &u8| decoded(*byte).unwrap_or(char::REPLACEMENT_CHARACTER);
                bytes.iter().map(letter).collect()
            };
            std::str::from_utf8(bytes).map_or_else(|_| narrow(), str::to_owned)
        }
    }
}

/// The cells of a table, row by row; line ends inside of cells become blanks. Whatever is no table becomes rows of one cell.
fn rows(text: &str) -> Vec<Vec<String>> {
    let separator = separator(text);
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut is_quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if is_quoted && letters.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' if is_quoted => is_quoted = false,
            '"' if cell.is_empty() => is_quoted = true,
            '\n' if !is_quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            '\n' | '\t' if is_quoted => cell.push(' '),
            _ if letter == separator && !is_quoted => row.push(std::mem::take(&mut cell)),
            _ => cell.push(letter),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows
}

/// What separates the cells: the one that the first line has most of.
fn separator(text: &str) -> char {
    let first = text.lines().next().unwrap_or_default();
    let often = |separator: &char| first.chars().filter(|it| it == separator).count();
    // Of equally many the last is taken: a comma.
    ['\t', ';', ',']
        .into_iter()
        .max_by_key(often)
        .unwrap_or(',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_in_the_encoding_they_come_in() {
        for (bytes, expected) in [
            (&b"M\xC3\xA4rz"[..], "März"),
            (b"\xEF\xBB\xBFM\xC3\xA4rz", "März"),
            (b"\xFF\xFEM\0\xE4\0", "Mä"),
            (b"\xFE\xFF\0M\0\xE4", "Mä"),
            (b"M\xE4rz \x80", "März €"),
            (b"\xFF\xFEM", ""),
            (b"", ""),
        ] {
            assert_eq!(read(bytes), expected, "{bytes:x?}");
        }
    }

    #[test]
    fn tables_are_read_as_spreadsheets_write_them() {
        for (text, expected) in [
            ("a,b\n1,2\n", vec![vec!["a", "b"], vec!["1", "2"]]),
            ("a;b,c\n", vec![vec!["a;b", "c"]]),
            ("a;b;c,d\n", vec![vec!["a", "b", "c,d"]]),
            ("a\tb", vec![vec!["a", "b"]]),
            (
                "\"x, y\",\"say \"\"hi\"\"\"\n",
                vec![vec!["x, y", "say \"hi\""]],
            ),
            ("\"two\nlines\",z", vec![vec!["two lines", "z"]]),
            ("a,\n", vec![vec!["a", ""]]),
            ("5\" wide,x", vec![vec!["5\" wide", "x"]]),
            ("", vec![]),
        ] {
            assert_eq!(rows(text), expected, "{text:?}");
        }
    }
}
