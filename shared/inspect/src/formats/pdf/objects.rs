//! Every object of a PDF, in the order of the file: also those no table lists, and those inside object streams.
//!
//! Readers rebuild broken tables by looking for objects, and so do we from the start: an action hides neither behind a
//! wrong offset nor in an older revision. Streams are stepped over by their length where it proves right.

use super::attachments::{self, Places};
use super::filters;
use super::flags::Flags;
use super::lexer::Lexer;
use super::value::Value;
use crate::findings::HazardKind;
use crate::formats::find;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// Files up to this size are read whole.
const HOLD: u64 = 1 << 20;
/// What is looked at in one go in larger files, and the most that one object may take.
const STEP: u64 = 16 << 10;
const OBJECT_CAP: u64 = 1 << 20;
/// The most that is unpacked of one stream.
pub(super) const UNPACKED_CAP: usize = 4 << 20;
/// Streams longer than this are not held to look whether they are bombs, or what they are.
pub(super) const STREAM_CAP: u64 = 2 << 20;

/// The state of a walk.
struct Walk<'a> {
    seen: &'a mut Seen,
    flags: Flags,
    places: Places,
}

/// Walks the file from byte `from` and adds what it finds.
pub(super) fn walk(source: &mut Source<'_>, from: u64, seen: &mut Seen) -> io::Result<()> {
    source.hold(HOLD)?;
    let mut walk = Walk {
        seen,
        flags: Flags::default(),
        places: Places::default(),
    };
    let mut at = from;
    while let Some((number, begin)) = walk.next_object(source, at)? {
        walk.places.add(number, begin);
        at = walk.object(source, number, begin)?;
    }
    let Walk {
        seen,
        flags,
        places,
    } = walk;
    let pending = flags.finish(seen);
    attachments::judge(source, &places, pending, seen)
}

impl Walk<'_> {
    /// The number of the next object at or after `at`, and where its value begins. Trailers on the way are looked at.
    fn next_object(
        &mut self,
        source: &mut Source<'_>,
        mut at: u64,
    ) -> io::Result<Option<(u32, u64)>> {
        loop {
            let bytes = source.at(at, STEP)?;
            if bytes.len() < 7 {
                return Ok(None);
            }
            let word = find(bytes, b"obj").map(|offset| (offset, object_number(&bytes[..offset])));
            let gap = &bytes[..word.map_or(bytes.len(), |(offset, _)| offset)];
            if let Some(trailer) = find(gap, b"trailer") {
                let mut lexer = Lexer::new(bytes, trailer + 7);
                if let Some(value) = lexer.value() {
                    self.flags.look(&value, None, self.seen);
                }
            }
            match word {
                Some((offset, Some(number))) => return Ok(Some((number, at + offset as u64 + 3))),
                Some((offset, None)) => at += offset as u64 + 3,
                // Enough is kept that a number before the word is seen whole.
                None if (bytes.len() as u64) < STEP => return Ok(None),
                None => at += bytes.len() as u64 - 32,
            }
        }
    }

    /// Looks at the object whose value begins at `begin`; answers where to go on.
    fn object(&mut self, source: &mut Source<'_>, number: u32, begin: u64) -> io::Result<u64> {
        let mut wanted = STEP;
        loop {
            let bytes = source.at(begin, wanted)?;
            let whole = (bytes.len() as u64) < wanted || wanted >= OBJECT_CAP;
            let mut lexer = Lexer::new(bytes, 0);
            let telling = lexer.step();
            // A value that reaches the end of the window may go on behind it.
            if !whole && (telling.is_none() || lexer.at + 16 > bytes.len()) && !ends_before(bytes) {
                wanted *= 8;
                continue;
            }
            let Some(telling) = telling else {
                return Ok(begin + 1);
            };
            let behind = begin + lexer.at as u64;
            let streams = lexer.word(b"stream");
            if !telling && !streams {
                return Ok(behind);
            }
            let Some(value) = Lexer::new(bytes, 0).value() else {
                return Ok(begin + 1);
            };
            self.flags.look(&value, Some(number), self.seen);
            if !streams {
                return Ok(behind);
            }
            let data = begin + lexer.at as u64 + line_end(&bytes[lexer.at..]);
            let plan = Plan::of(&value);
            return self.stream(source, data, &plan);
        }
    }

    fn stream(&mut self, source: &mut Source<'_>, data: u64, plan: &Plan) -> io::Result<u64> {
        let end = plan.end(source, data)?;
        let length = end.saturating_sub(data);
        if plan.objects {
            let room = source.unpacking();
            let taken = self.object_stream(source.at(data, length.min(STREAM_CAP))?, plan, room);
            source.unpacked(taken);
        } else if plan.unfolds(length) && length <= STREAM_CAP {
            let raw = source.at(data, length)?;
            if let Some(evidence) = filters::bomb(raw, &plan.filters()) {
                self.seen.add_hazard(HazardKind::Bomb, evidence);
            }
        }
        Ok(end)
    }

    /// Looks at the objects packed into a stream, as far as `room` bytes; answers how many it took. An encrypted one
    /// cannot be read, and is flagged as that.
    fn object_stream(&mut self, raw: &[u8], plan: &Plan, room: usize) -> usize {
        if self.seen.has(HazardKind::Encrypted) {
            return 0;
        }
        let cap = UNPACKED_CAP.min(room);
        let Some(bytes) = filters::undo(raw, &plan.filters(), cap) else {
            let locked = "an object stream behind a filter we do not undo";
            self.seen.add_hazard(HazardKind::BeyondLimits, locked);
            return 0;
        };
        if bytes.len() >= cap {
            let long = format!("object streams of more than {cap} bytes");
            self.seen.add_hazard(HazardKind::BeyondLimits, long);
        }
        self.packed_objects(&bytes, plan);
        bytes.len()
    }

    fn packed_objects(&mut self, bytes: &[u8], plan: &Plan) {
        let mut lexer = Lexer::new(bytes, 0);
        let mut numbers = Vec::new();
        while (lexer.at as u64) < plan.first {
            match lexer.value().and_then(|value| value.whole()) {
                Some(number) => numbers.push(number),
                None => break,
            }
        }
        let mut numbers = numbers
            .into_iter()
            .step_by(2)
            .map(|number| u32::try_from(number).ok());
        lexer.at = usize::try_from(plan.first)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        loop {
            let (start, number) = (lexer.at, numbers.next().flatten());
            match lexer.step() {
                Some(true) => {}
                Some(false) => continue,
                None => return,
            }
            if let Some(value) = Lexer::new(bytes, start).value() {
                self.flags.look(&value, number, self.seen);
            }
        }
    }
}

/// What to do with a stream, from its dictionary.
pub(super) struct Plan {
    length: Option<u64>,
    filters: Vec<Vec<u8>>,
    objects: bool,
    image: bool,
    first: u64,
}

impl Plan {
    pub(super) fn of(dictionary: &Value<'_>) -> Self {
        Self {
            length: dictionary.get(b"Length").and_then(Value::whole),
            filters: filters::names(dictionary)
                .into_iter()
                .map(<[u8]>::to_vec)
                .collect(),
            objects: dictionary.is(b"Type", b"ObjStm"),
            image: dictionary.is(b"Subtype", b"Image"),
            first: dictionary.get(b"First").and_then(Value::whole).unwrap_or(0),
        }
    }

    /// Where the data that begin at `data` end: where the length says if that proves right, else before the next word
    /// that ends a stream.
    pub(super) fn end(&self, source: &mut Source<'_>, data: u64) -> io::Result<u64> {
        match self.length {
            Some(length) if ends_there(source, data.saturating_add(length))? => Ok(data + length),
            _ => Ok(end_of_stream(source, data)?.unwrap_or(source.len())),
        }
    }

    pub(super) fn filters(&self) -> Vec<&[u8]> {
        self.filters.iter().map(Vec::as_slice).collect()
    }

    /// Whether unfolding it may hurt: pictures are bounded by their sides, short single layers by what deflate can do.
    fn unfolds(&self, length: u64) -> bool {
        (!self.image && length > 32 << 10) || self.filters.len() > 1
    }
}

/// The number of an object whose `obj` follows these bytes: two whole numbers with white space behind each.
pub(super) fn object_number(before: &[u8]) -> Option<u32> {
    let text = before.trim_ascii_end();
    let spaced = text.len() < before.len();
    let generation = text.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let rest = &text[..text.len() - generation];
    let text = rest.trim_ascii_end();
    let digits = text.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    if generation == 0 || digits == 0 || text.len() == rest.len() || !spaced && generation > 5 {
        return None;
    }
    std::str::from_utf8(&text[text.len() - digits..])
        .ok()?
        .parse()
        .ok()
}

/// The length of the line end between `stream` and its data.
pub(super) fn line_end(bytes: &[u8]) -> u64 {
    match bytes {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    }
}

/// Whether an object surely ends in these bytes, so that a value cut short is damage and not the window's end.
fn ends_before(bytes: &[u8]) -> bool {
    find(bytes, b"endobj").is_some()
}

fn ends_there(source: &mut Source<'_>, end: u64) -> io::Result<bool> {
    Ok(source
        .at(end, 16)?
        .trim_ascii_start()
        .starts_with(b"endstream"))
}

/// Where the data of a stream of unknown length ends.
fn end_of_stream(source: &mut Source<'_>, from: u64) -> io::Result<Option<u64>> {
    let mut at = from;
    loop {
        let bytes = source.at(at, 4 * STEP)?;
        if let Some(offset) = find(bytes, b"endstream") {
            return Ok(Some(at + offset as u64));
        }
        if (bytes.len() as u64) < 4 * STEP {
            return Ok(None);
        }
        at += bytes.len() as u64 - 9;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_before_the_word() {
        let rows: [(&[u8], Option<u32>); 6] = [
            (b"endobj\n12 0 ", Some(12)),
            (b"12 0", Some(12)),
            (b"1\r\n0\r\n", Some(1)),
            (b"end", None),
            (b"0 ", None),
            (b"", None),
        ];
        for (before, expected) in rows {
            assert_eq!(object_number(before), expected, "{before:?}");
        }
    }
}
