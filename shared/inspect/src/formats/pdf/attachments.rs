//! What stands in objects of its own: attached files and scripts, looked at once the whole file was walked.
//!
//! Electronic invoices are PDFs with their data attached as XML, portfolios carry whole folders: what the file is decides,
//! not that there is one (ISO 32000-2 §7.11.4).

use super::flags::Pending;
use super::lexer::Lexer;
use super::objects::{Plan, STREAM_CAP, UNPACKED_CAP, line_end};
use super::value::Value;
use super::{filters, form_script};
use crate::findings::HazardKind;
use crate::formats::attached::{self, Attached};
use crate::seen::Seen;
use crate::source::Source;
use std::io;
use std::ops::Range;

/// Objects whose places are remembered.
const PLACES_CAP: usize = 1 << 17;
/// The most that the dictionary of an attached file or script may take.
const DICTIONARY: u64 = 16 << 10;
/// Attached files, and scripts in objects of their own, that are looked at.
const CAP: usize = 64;

/// What looking at a stream costs, however short it is, of what may be unpacked.
const FEE: usize = 16 << 10;

/// Where the value of each object begins, in the order of the file. A later revision repeats a number.
#[derive(Default)]
pub(super) struct Places(Vec<(u32, u64)>);

impl Places {
    pub(super) fn add(&mut self, number: u32, begin: u64) {
        if self.0.len() < PLACES_CAP {
            self.0.push((number, begin));
        }
    }

    /// Every revision of an object.
    fn of(&self, number: u32) -> impl Iterator<Item = u64> + '_ {
        self.0
            .iter()
            .filter(move |(one, _)| *one == number)
            .map(|&(_, begin)| begin)
    }
}

/// A stream, unpacked.
struct Stream {
    bytes: Vec<u8>,
    /// Whether these are all of its bytes.
    whole: bool,
    /// Where it stands in the file, packed.
    place: Range<u64>,
}

/// Adds what attached files and scripts are. Those of an encrypted document cannot be read, and it is flagged as that.
pub(super) fn judge(
    source: &mut Source<'_>,
    places: &Places,
    mut pending: Pending,
    seen: &mut Seen,
) -> io::Result<()> {
    if seen.has(HazardKind::Encrypted) {
        if !pending.scripts.is_empty() {
            seen.add_hazard(HazardKind::PdfJavascript, "a JavaScript action");
        }
        return Ok(());
    }
    for (folder, name) in std::mem::take(&mut pending.folders) {
        for file in folder_of(source, places, folder)? {
            pending.files.insert(file, name.clone());
        }
    }
    if pending.files.len() > CAP {
        let many = format!("more than {CAP} attached files");
        seen.add_hazard(HazardKind::EmbeddedUnknown, many);
    }
    for (file, name) in pending.files.into_iter().take(CAP) {
        attachment(source, places, (file, &name), seen)?;
    }
    for (count, script) in pending.scripts.into_iter().enumerate() {
        let code = if count < CAP {
            code(source, places, script)?
        } else {
            None
        };
        match code {
            Some(code) => form_script::flag(&code, seen),
            None => seen.add_hazard(HazardKind::PdfJavascript, "a JavaScript action"),
        }
    }
    Ok(())
}

/// The streams that a dictionary of its own names for one attached file.
fn folder_of(source: &mut Source<'_>, places: &Places, folder: u32) -> io::Result<Vec<u32>> {
    let mut files = Vec::new();
    for begin in places.of(folder) {
        let bytes = source.at(begin, DICTIONARY)?;
        if let Some(Value::Dictionary(pairs)) = Lexer::new(bytes, 0).value() {
            files.extend(pairs.iter().filter_map(|(_, one)| match one {
                Value::Reference(file) => Some(*file),
                _ => None,
            }));
        }
    }
    // One that is packed away or missing is looked for under its own number, and found to be no stream.
    if files.is_empty() {
        files.push(folder);
    }
    Ok(files)
}

fn attachment(
    source: &mut Source<'_>,
    places: &Places,
    (file, name): (u32, &str),
    seen: &mut Seen,
) -> io::Result<()> {
    let mut found = false;
    for begin in places.of(file) {
        let Some(Stream {
            bytes,
            whole,
            place,
        }) = stream(source, begin)?
        else {
            continue;
        };
        found = true;
        seen.carried.push(place);
        let file = Attached { name, bytes, whole };
        attached::judge(source, file, seen)?;
    }
    if !found {
        let missing = "an attached file that is missing, beyond our limits, or behind a filter we do not undo";
        seen.add_hazard(HazardKind::EmbeddedUnknown, missing);
    }
    Ok(())
}

/// The code of a script in an object of its own, where there is one revision of it that can be read.
fn code(source: &mut Source<'_>, places: &Places, script: u32) -> io::Result<Option<String>> {
    let mut revisions = places.of(script);
    let (Some(begin), None) = (revisions.next(), revisions.next()) else {
        return Ok(None);
    };
    if let Some(Value::Text(text)) = Lexer::new(source.at(begin, DICTIONARY)?, 0).value() {
        return Ok(Some(form_script::text(text)));
    }
    let code = stream(source, begin)?.filter(|stream| stream.whole);
    Ok(code.map(|stream| form_script::characters(&stream.bytes)))
}

/// The stream whose object begins here; `None` where there is none, it is behind a filter that we do not undo, or enough
/// was unpacked.
fn stream(source: &mut Source<'_>, begin: u64) -> io::Result<Option<Stream>> {
    if source.unpacking() == 0 {
        return Ok(None);
    }
    let bytes = source.at(begin, DICTIONARY)?;
    let mut lexer = Lexer::new(bytes, 0);
    let Some(value) = lexer.value() else {
        return Ok(None);
    };
    if !lexer.word(b"stream") {
        return Ok(None);
    }
    let data = begin + lexer.at as u64 + line_end(&bytes[lexer.at..]);
    let plan = Plan::of(&value);
    let length = plan.end(source, data)?.saturating_sub(data);
    let cap = UNPACKED_CAP.min(source.unpacking());
    let raw = source.at(data, length.min(STREAM_CAP))?;
    let Some(bytes) = filters::undo(raw, &plan.filters(), cap) else {
        return Ok(None);
    };
    let mut bytes = bytes.into_owned();
    let whole = length <= STREAM_CAP && bytes.len() < cap;
    bytes.truncate(cap);
    source.unpacked(bytes.len().max(FEE));
    Ok(Some(Stream {
        bytes,
        whole,
        place: data..data + length,
    }))
}
