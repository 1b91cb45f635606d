//! Bounded, counted, cached reading: the only way a room touches the file.
//!
//! The head is read once; small files are read whole with it. Everything else is served from the tail or from one block
//! at a time, so that walking a structure costs few reads. Past the cap the file seems to end, and the inspection says
//! so by not judging integrity.

use crate::allowance::Allowance;
use std::borrow::Cow;
use std::io::{self, Read, Seek, SeekFrom};

/// The most bytes one inspection reads, whatever the file says: 16 MiB. Typical files need 64 to 200 KiB.
pub const READ_CAP: u64 = 16 << 20;

/// Files up to this size are read whole at once.
const WHOLE: u64 = 128 << 10;
/// What is read of the beginning of larger files.
const HEAD: u64 = 64 << 10;
/// What is read of the end: more than a ZIP's longest comment and more than the longest Ogg page.
const TAIL: u64 = 68 << 10;
/// The least that is read at a time elsewhere.
const BLOCK: u64 = 8 << 10;

/// How far an inspection goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// The type, and what shows on the way to it.
    Type,
    /// Also what is inside.
    Deep,
}

/// A reader that can seek, as one object.
pub(crate) trait ReadSeek: Read + Seek {}
impl<R: Read + Seek> ReadSeek for R {}

/// A stretch of the file held in memory.
#[derive(Default)]
struct Stretch {
    at: u64,
    bytes: Vec<u8>,
}

impl Stretch {
    fn get(&self, from: u64, wanted: u64) -> Option<&[u8]> {
        let start = usize::try_from(from.checked_sub(self.at)?).ok()?;
        let end = start.checked_add(usize::try_from(wanted).ok()?)?;
        self.bytes.get(start..end)
    }
}

/// The file under inspection.
pub(crate) struct Source<'a> {
    inner: &'a mut dyn ReadSeek,
    length: u64,
    cursor: u64,
    head: Stretch,
    tail: Option<Stretch>,
    block: Stretch,
    read: u64,
    cap: u64,
    exhausted: bool,
    depth: Depth,
    allowance: Allowance,
}

impl<'a> Source<'a> {
    /// Measures the file and reads its head.
    pub(crate) fn open(inner: &'a mut dyn ReadSeek, depth: Depth) -> io::Result<Self> {
        let length = inner.seek(SeekFrom::End(0))?;
        let mut source = Self {
            inner,
            length,
            cursor: 0,
            head: Stretch::default(),
            tail: None,
            block: Stretch::default(),
            read: 0,
            cap: READ_CAP,
            exhausted: false,
            depth,
            allowance: Allowance::of(length),
        };
        source.head = source.load(0, if length <= WHOLE { length } else { HEAD })?;
        Ok(source)
    }

    /// Makes this a file carried by another, whose allowance it shares.
    pub(crate) fn with_allowance(mut self, allowance: Allowance) -> Self {
        self.allowance = allowance;
        self
    }

    /// What this file, and what is in it, may still cost.
    pub(crate) fn allowance(&mut self) -> &mut Allowance {
        &mut self.allowance
    }

    /// Whether hazards inside the structure are asked for, not the type alone.
    pub(crate) fn is_deep(&self) -> bool {
        self.depth == Depth::Deep
    }

    /// Keeps the whole file at hand if it is no longer than `limit` and the caps allow it. What would be read in pieces
    /// again and again is then read once.
    pub(crate) fn hold(&mut self, limit: u64) -> io::Result<()> {
        let have = self.head.bytes.len() as u64;
        let missing = self.length - have;
        if missing == 0 || self.length > limit || missing > self.cap.saturating_sub(self.read) {
            return Ok(());
        }
        let rest = self.load(have, missing)?;
        self.head.bytes.extend_from_slice(&rest.bytes);
        Ok(())
    }

    /// The file's length in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    /// Bytes read so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.read
    }

    /// Whether a read was refused because of a cap.
    pub(crate) fn exhausted(&self) -> bool {
        self.exhausted
    }

    /// Lets the following step read at most this much more.
    pub(crate) fn allow(&mut self, more: u64) {
        self.cap = READ_CAP.min(self.read.saturating_add(more));
    }

    /// The first bytes: all of a small file, 64 KiB of a larger one.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head.bytes
    }

    /// The last bytes, and where they begin.
    pub(crate) fn tail(&mut self) -> io::Result<(u64, &[u8])> {
        if self.head.bytes.len() as u64 == self.length {
            let at = self.length.saturating_sub(TAIL);
            return Ok((at, self.head.get(at, self.length - at).unwrap_or_default()));
        }
        if self.tail.is_none() {
            let at = self.length.saturating_sub(TAIL);
            self.tail = Some(self.load(at, TAIL)?);
        }
        Ok(self
            .tail
            .as_ref()
            .map_or((self.length, &[]), |tail| (tail.at, tail.bytes.as_slice())))
    }

    /// Up to `wanted` bytes from `from`: fewer only where the file, or what we may read of it, ends.
    pub(crate) fn at(&mut self, from: u64, wanted: u64) -> io::Result<&[u8]> {
        let wanted = wanted.min(self.length.saturating_sub(from));
        if wanted == 0 {
            return Ok(&[]);
        }
        if self.head.get(from, wanted).is_some() {
            return Ok(self.head.get(from, wanted).unwrap_or_default());
        }
        if self
            .tail
            .as_ref()
            .is_some_and(|tail| tail.get(from, wanted).is_some())
        {
            return Ok(self
                .tail
                .as_ref()
                .and_then(|tail| tail.get(from, wanted))
                .unwrap_or_default());
        }
        if self.block.get(from, wanted).is_none() {
            self.move_block(from, wanted.max(BLOCK))?;
        }
        let start = usize::try_from(from - self.block.at).unwrap_or(usize::MAX);
        let rest = self.block.bytes.get(start..).unwrap_or_default();
        Ok(&rest[..rest
            .len()
            .min(usize::try_from(wanted).unwrap_or(usize::MAX))])
    }

    /// Moves the block to `from`, keeping what it already has of it: a walk forwards reads every byte once.
    fn move_block(&mut self, from: u64, wanted: u64) -> io::Result<()> {
        let have = self.block.at + self.block.bytes.len() as u64;
        if !(self.block.at..have).contains(&from) {
            self.block = self.load(from, wanted)?;
            return Ok(());
        }
        let kept = (from - self.block.at) as usize;
        let more = self.load(have, (from + wanted - have).max(BLOCK))?;
        self.block.bytes.drain(..kept);
        self.block.bytes.extend_from_slice(&more.bytes);
        self.block.at = from;
        Ok(())
    }

    /// The first bytes of the file, up to a limit of the caller's.
    pub(crate) fn prefix(&mut self, limit: u64) -> io::Result<Cow<'_, [u8]>> {
        let have = self.head.bytes.len() as u64;
        if have >= limit.min(self.length) {
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            return Ok(Cow::Borrowed(
                &self.head.bytes[..self.head.bytes.len().min(limit)],
            ));
        }
        let rest = self.load(have, limit - have)?;
        Ok(Cow::Owned(
            [self.head.bytes.as_slice(), rest.bytes.as_slice()].concat(),
        ))
    }

    /// Exactly `N` bytes from `from`, or `None` where the file ends before.
    pub(crate) fn exactly<const N: usize>(&mut self, from: u64) -> io::Result<Option<[u8; N]>> {
        Ok(self.at(from, N as u64)?.try_into().ok())
    }

    fn load(&mut self, at: u64, wanted: u64) -> io::Result<Stretch> {
        let wanted = wanted.min(self.length.saturating_sub(at));
        let allowed = wanted.min(self.cap.saturating_sub(self.read));
        self.exhausted |= allowed < wanted;
        let mut bytes = Vec::with_capacity(usize::try_from(allowed).unwrap_or(0));
        self.inner.seek(SeekFrom::Start(at))?;
        (&mut self.inner).take(allowed).read_to_end(&mut bytes)?;
        self.read += bytes.len() as u64;
        Ok(Stretch { at, bytes })
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let from = self.cursor;
        let bytes = self.at(from, (buffer.len() as u64).min(BLOCK))?;
        let count = bytes.len();
        buffer[..count].copy_from_slice(bytes);
        self.cursor += count as u64;
        Ok(count)
    }
}

impl Seek for Source<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.cursor.checked_add_signed(by),
        };
        self.cursor = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|n| (n % 251) as u8).collect()
    }

    #[test]
    fn every_window_is_the_file_s_own() {
        for length in [0, 1, 1000, 200_000, 300_001] {
            let data = bytes(length);
            let mut cursor = Cursor::new(data.clone());
            let mut source = Source::open(&mut cursor, Depth::Deep).unwrap();
            let (tail_at, tail) = source.tail().unwrap();
            assert_eq!(tail, &data[tail_at as usize..]);
            for (from, wanted) in [
                (0, 8),
                (70_000, 100),
                (70_050, 9000),
                (69_000, 2),
                (length as u64, 5),
                (299_990, 64),
            ] {
                let start = (from as usize).min(length);
                let end = (from as usize + wanted as usize).min(length);
                assert_eq!(
                    source.at(from, wanted).unwrap(),
                    &data[start..end.max(start)],
                    "{length} {from} {wanted}"
                );
            }
        }
    }

    #[test]
    fn small_files_are_read_once() {
        let mut cursor = Cursor::new(bytes(100_000));
        let mut source = Source::open(&mut cursor, Depth::Deep).unwrap();
        source.tail().unwrap();
        source.at(50_000, 40_000).unwrap();
        assert_eq!(source.bytes_read(), 100_000);
    }

    #[test]
    fn a_held_file_is_not_read_again() {
        let data = bytes(300_000);
        let mut cursor = Cursor::new(data.clone());
        let mut source = Source::open(&mut cursor, Depth::Deep).unwrap();
        source.hold(200_000).unwrap();
        assert_eq!(source.bytes_read(), HEAD);
        source.hold(300_000).unwrap();
        assert_eq!(source.head(), data);
        source.at(250_000, 40_000).unwrap();
        source.tail().unwrap();
        assert_eq!(source.bytes_read(), 300_000);
    }

    #[test]
    fn past_the_cap_the_file_seems_to_end() {
        let mut cursor = Cursor::new(bytes(300_000));
        let mut source = Source::open(&mut cursor, Depth::Deep).unwrap();
        source.allow(10_000);
        assert_eq!(source.at(100_000, 20_000).unwrap().len(), 10_000);
        assert!(source.exhausted());
        assert!(source.at(200_000, 1).unwrap().is_empty());
    }
}
