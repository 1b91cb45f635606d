//! What stands in objects of its own: attached files and scripts, looked at once the whole file was walked.
//!
//! Electronic invoices are PDFs with their data attached as XML, portfolios carry whole folders: what the file is decides,
//! not that there is one (ISO 32000-2 §7.11.4).

use super::flags::Pending;
use super::key::{Id, Key};
use super::lexer::Lexer;
use super::objects::{Plan, STREAM_CAP, UNPACKED_CAP, line_end};
use super::value::Value;
use super::{filters, form_script, xfa};
use crate::findings::HazardKind;
use crate::formats::attached::{self, Attached, Carrier};
use crate::formats::text::unicode;
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
pub(super) struct Places(Vec<(Id, u64)>);

impl Places {
    pub(super) fn add(&mut self, id: Id, begin: u64) {
        if self.0.len() < PLACES_CAP {
            self.0.push((id, begin));
        }
    }

    /// Every revision of an object.
    pub(super) fn of(&self, number: u32) -> impl Iterator<Item = (Id, u64)> + '_ {
        self.0
            .iter()
            .copied()
            .filter(move |(one, _)| one.number == number)
    }
}

/// The objects of a document, and how they are read.
pub(super) struct Objects<'a> {
    pub(super) places: &'a Places,
    pub(super) key: Option<&'a Key>,
    /// They are locked, and there is no key.
    pub(super) locked: bool,
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
    objects: &Objects<'_>,
    mut pending: Pending,
    seen: &mut Seen,
) -> io::Result<()> {
    if objects.locked {
        if !pending.scripts.is_empty() {
            seen.add_hazard(HazardKind::PdfJavascript, "a JavaScript action");
        }
        return Ok(());
    }
    for (folder, name) in std::mem::take(&mut pending.folders) {
        for file in folder_of(source, objects, folder)? {
            pending.files.insert(file, name.clone());
        }
    }
    if pending.files.len() > CAP {
        let many = format!("more than {CAP} attached files");
        seen.add_hazard(HazardKind::EmbeddedUnknown, many);
    }
    for (file, name) in pending.files.into_iter().take(CAP) {
        attachment(source, objects, (file, &name), seen)?;
    }
    if !pending.forms.is_empty() && !form(source, objects, &pending.forms, seen)? {
        let unread =
            "an XFA form that is missing, beyond our limits, or behind a filter we do not undo";
        seen.add_hazard(HazardKind::BeyondLimits, unread);
    }
    for (count, script) in pending.scripts.into_iter().enumerate() {
        let code = if count < CAP {
            code(source, objects, script)?
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

/// Adds what the XML of forms does; answers whether all of it could be read. Its pieces stand in streams, or in streams
/// that a list of its own names.
fn form(
    source: &mut Source<'_>,
    objects: &Objects<'_>,
    pieces: &[u32],
    seen: &mut Seen,
) -> io::Result<bool> {
    let mut xml = Vec::new();
    let mut left: Vec<(u32, bool)> = pieces.iter().rev().map(|&piece| (piece, true)).collect();
    let mut count = 0;
    while let Some((piece, may_be_list)) = left.pop() {
        let mut revisions = objects.places.of(piece).peekable();
        if revisions.peek().is_none() {
            return Ok(false);
        }
        // A form that was filled in and saved has some pieces twice.
        for (id, begin) in revisions {
            count += 1;
            if let Some(Value::List(named)) = Lexer::new(source.at(begin, DICTIONARY)?, 0).value() {
                left.extend(named.iter().rev().filter_map(|one| match one {
                    Value::Reference(piece) => Some((*piece, false)),
                    _ => None,
                }));
                if may_be_list && left.len() <= CAP {
                    continue;
                }
                return Ok(false);
            }
            match stream(source, objects.key, (id, begin))? {
                Some(stream) if stream.whole && count <= CAP => xml.extend(stream.bytes),
                _ => return Ok(false),
            }
        }
    }
    xfa::flag(&unicode(&xml), seen);
    Ok(true)
}

/// The streams that a dictionary of its own names for one attached file.
fn folder_of(source: &mut Source<'_>, objects: &Objects<'_>, folder: u32) -> io::Result<Vec<u32>> {
    let mut files = Vec::new();
    for (_, begin) in objects.places.of(folder) {
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
    objects: &Objects<'_>,
    (file, name): (u32, &str),
    seen: &mut Seen,
) -> io::Result<()> {
    let mut found = false;
    for place in objects.places.of(file) {
        let Some(Stream {
            bytes,
            whole,
            place,
        }) = stream(source, objects.key, place)?
        else {
            continue;
        };
        found = true;
        seen.carried.push(place);
        let file = Attached { name, bytes, whole };
        attached::judge(source.allowance(), Carrier::Document, file, seen)?;
    }
    if !found {
        let missing = "an attached file that is missing, beyond our limits, or behind a filter we do not undo";
        seen.add_hazard(HazardKind::EmbeddedUnknown, missing);
    }
    Ok(())
}

/// The code of a script in an object of its own, where there is one revision of it that can be read.
fn code(source: &mut Source<'_>, objects: &Objects<'_>, script: u32) -> io::Result<Option<String>> {
    let mut revisions = objects.places.of(script);
    let (Some((id, begin)), None) = (revisions.next(), revisions.next()) else {
        return Ok(None);
    };
    if let Some(Value::Text(text)) = Lexer::new(source.at(begin, DICTIONARY)?, 0).value() {
        let bytes = form_script::bytes_of(text);
        let bytes = match objects.key {
            Some(key) => key.string(id, &bytes),
            None => bytes,
        };
        return Ok(Some(form_script::characters(&bytes)));
    }
    let code = stream(source, objects.key, (id, begin))?.filter(|stream| stream.whole);
    Ok(code.map(|stream| form_script::characters(&stream.bytes)))
}

/// The stream whose object begins here; `None` where there is none, it is behind a filter that we do not undo, or enough
/// was unpacked.
fn stream(
    source: &mut Source<'_>,
    key: Option<&Key>,
    (id, begin): (Id, u64),
) -> io::Result<Option<Stream>> {
    if source.allowance().unpacking() == 0 {
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
    let cap = UNPACKED_CAP.min(source.allowance().unpacking());
    let raw = plan.unlocked(key, id, source.at(data, length.min(STREAM_CAP))?);
    let Some(bytes) = filters::undo(&raw, &plan.filters(), cap) else {
        return Ok(None);
    };
    let mut bytes = bytes.into_owned();
    let whole = length <= STREAM_CAP && bytes.len() < cap;
    bytes.truncate(cap);
    source.allowance().unpacked(bytes.len().max(FEE));
    Ok(Some(Stream {
        bytes,
        whole,
        place: data..data + length,
    }))
}
