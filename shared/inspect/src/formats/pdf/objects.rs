//! Every object of a PDF, in the order of the file: also those no table lists, and those inside object streams.
//!
//! Readers rebuild broken tables by looking for objects, and so do we from the start: an action hides neither behind a
//! wrong offset nor in an older revision. Streams are stepped over by their length where it proves right.

use super::attachments::{self, Objects, Places};
use super::filters;
use super::flags::Flags;
use super::key::{Id, Key};
use super::lexer::Lexer;
use super::value::Value;
use crate::findings::HazardKind;
use crate::formats::find;
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::borrow::Cow;
use std::io;
use std::rc::Rc;

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
struct Walk {
    seen: Seen,
    flags: Flags,
    places: Places,
    /// Strings and streams are locked, and there is no key.
    locked: bool,
}

/// Walks the file from byte `from` and adds what it finds. `locked` says that an encryption dictionary was named: one
/// that opens for everybody is walked once more, with its key.
pub(super) fn walk(
    source: &mut Source<'_>,
    from: u64,
    locked: bool,
    seen: &mut Seen,
) -> io::Result<()> {
    source.hold(HOLD)?;
    let mut walk = Walk::through(source, from, locked, None)?;
    if locked || walk.flags.is_locked() {
        walk.locked = true;
        if let Some(key) = walk.key(source)? {
            walk = Walk::through(source, from, false, Some(Rc::new(key)))?;
            let open = "locked against changes or printing, and opens without a password";
            seen.add_hazard(HazardKind::Restricted, open);
        } else {
            let named = "the trailer names an encryption dictionary";
            seen.add_hazard(HazardKind::Encrypted, named);
        }
    }
    for hazard in std::mem::take(&mut walk.seen.hazards) {
        seen.add_hazard(hazard.kind, hazard.evidence);
    }
    let key = walk.flags.key.clone();
    let pending = walk.flags.finish(seen);
    let objects = Objects {
        places: &walk.places,
        key: key.as_deref(),
        locked: walk.locked,
    };
    attachments::judge(source, &objects, pending, seen)
}

impl Walk {
    fn through(
        source: &mut Source<'_>,
        from: u64,
        locked: bool,
        key: Option<Rc<Key>>,
    ) -> io::Result<Self> {
        let mut walk = Self {
            seen: Seen::certain(FileType::Pdf),
            flags: Flags::with(key),
            places: Places::default(),
            locked,
        };
        let mut at = from;
        while let Some((id, begin)) = walk.next_object(source, at)? {
            walk.places.add(id, begin);
            at = walk.object(source, id, begin)?;
        }
        Ok(walk)
    }

    /// The key for an empty password. Of several encryption dictionaries readers could take any: then there is none.
    fn key(&mut self, source: &mut Source<'_>) -> io::Result<Option<Key>> {
        let Some((dictionary, ids)) = self.flags.lock() else {
            return Ok(None);
        };
        let mut revisions = self.places.of(dictionary);
        let (Some((_, begin)), None) = (revisions.next(), revisions.next()) else {
            return Ok(None);
        };
        let bytes = source.at(begin, STEP)?;
        let Some(encrypt) = Lexer::new(bytes, 0).value() else {
            return Ok(None);
        };
        Ok(ids.iter().find_map(|id| Key::of(&encrypt, id)))
    }

    /// The next object at or after `at`, and where its value begins. Trailers on the way are looked at.
    fn next_object(
        &mut self,
        source: &mut Source<'_>,
        mut at: u64,
    ) -> io::Result<Option<(Id, u64)>> {
        loop {
            let bytes = source.at(at, STEP)?;
            if bytes.len() < 7 {
                return Ok(None);
            }
            let word = find(bytes, b"obj").map(|offset| (offset, object_id(&bytes[..offset])));
            let gap = &bytes[..word.map_or(bytes.len(), |(offset, _)| offset)];
            for trailer in memchr::memmem::find_iter(gap, b"trailer") {
                let mut lexer = Lexer::new(bytes, trailer + 7);
                if let Some(value) = lexer.value() {
                    self.flags.begin(None);
                    self.flags.look(&value, None, &mut self.seen);
                }
            }
            match word {
                Some((offset, Some(id))) => return Ok(Some((id, at + offset as u64 + 3))),
                Some((offset, None)) => at += offset as u64 + 3,
                // Enough is kept that a number before the word is seen whole.
                None if (bytes.len() as u64) < STEP => return Ok(None),
                None => at += bytes.len() as u64 - 32,
            }
        }
    }

    /// Looks at the object whose value begins at `begin`; answers where to go on.
    fn object(&mut self, source: &mut Source<'_>, id: Id, begin: u64) -> io::Result<u64> {
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
            self.flags.begin(Some(id));
            self.flags.look(&value, Some(id.number), &mut self.seen);
            if !streams {
                return Ok(behind);
            }
            let data = begin + lexer.at as u64 + line_end(&bytes[lexer.at..]);
            let plan = Plan::of(&value);
            return self.stream(source, (id, data), &plan);
        }
    }

    fn stream(
        &mut self,
        source: &mut Source<'_>,
        (id, data): (Id, u64),
        plan: &Plan,
    ) -> io::Result<u64> {
        let end = plan.end(source, data)?;
        let length = end.saturating_sub(data);
        if plan.objects {
            let room = source.allowance().unpacking();
            let raw = source.at(data, length.min(STREAM_CAP))?;
            let raw = plan.unlocked(self.flags.key.as_deref(), id, raw);
            let taken = self.object_stream(&raw, plan, room);
            source.allowance().unpacked(taken);
        } else if plan.unfolds(length) && length <= STREAM_CAP {
            let raw = source.at(data, length)?;
            let raw = plan.unlocked(self.flags.key.as_deref(), id, raw);
            if let Some(evidence) = filters::bomb(&raw, &plan.filters()) {
                self.seen.add_hazard(HazardKind::Bomb, evidence);
            }
        }
        Ok(end)
    }

    /// Looks at the objects packed into a stream, as far as `room` bytes; answers how many it took. A locked one
    /// cannot be read, and the document is flagged as that.
    fn object_stream(&mut self, raw: &[u8], plan: &Plan, room: usize) -> usize {
        if self.locked || self.flags.is_locked() && self.flags.key.is_none() {
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
                // What is packed is locked with its stream, not by itself.
                self.flags.begin(None);
                self.flags.look(&value, number, &mut self.seen);
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
    open: bool,
    first: u64,
}

impl Plan {
    pub(super) fn of(dictionary: &Value<'_>) -> Self {
        let filters: Vec<_> = filters::names(dictionary)
            .into_iter()
            .map(<[u8]>::to_vec)
            .collect();
        Self {
            length: dictionary.get(b"Length").and_then(Value::whole),
            open: dictionary.is(b"Type", b"XRef") || filters.iter().any(|one| one == b"Crypt"),
            filters,
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

    /// The data as they are without encryption. Cross-reference streams are never locked, and `Crypt` has its own way.
    pub(super) fn unlocked<'a>(&self, key: Option<&Key>, id: Id, raw: &'a [u8]) -> Cow<'a, [u8]> {
        match key.filter(|_| !self.open) {
            Some(key) => key.stream(id, raw).into(),
            None => raw.into(),
        }
    }

    /// Whether unfolding it may hurt: pictures are bounded by their sides, short single layers by what deflate can do.
    fn unfolds(&self, length: u64) -> bool {
        (!self.image && length > 32 << 10) || self.filters.len() > 1
    }
}

/// The object whose `obj` follows these bytes: two whole numbers with white space behind each.
pub(super) fn object_id(before: &[u8]) -> Option<Id> {
    let text = before.trim_ascii_end();
    let spaced = text.len() < before.len();
    let generation = text.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let (rest, second) = text.split_at(text.len() - generation);
    let text = rest.trim_ascii_end();
    let digits = text.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    if generation == 0 || digits == 0 || text.len() == rest.len() || !spaced && generation > 5 {
        return None;
    }
    let number = |digits| std::str::from_utf8(digits).ok()?.parse::<u32>().ok();
    Some(Id {
        number: number(&text[text.len() - digits..])?,
        // One that is out of range is damage, and locks nothing.
        generation: number(second)
            .and_then(|generation| u16::try_from(generation).ok())
            .unwrap_or(0),
    })
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
            assert_eq!(
                object_id(before).map(|id| id.number),
                expected,
                "{before:?}"
            );
        }
    }
}
