//! A bounded reader of compound files: the directory as a list of paths, and the beginnings of streams.
//!
//! Written here because strict readers refuse files that Office opens (directories out of order, free sectors in use,
//! tables cut short), and because judging needs only names and a few beginnings, never the whole tree. Every chain is
//! cut at a cap, so loops end. Source: MS-CFB §§2.2–2.6.

use crate::source::Source;
use std::io;

/// Directory entries looked at.
const ENTRIES_CAP: usize = 4096;
/// Sectors of the allocation table that are read: enough for a file of 500 MiB.
const TABLE_SECTORS_CAP: usize = 8192;
/// How deep storages may nest.
const DEPTH_CAP: usize = 32;
const NO_STREAM: u32 = u32::MAX;
/// The first sector number that is none but a mark.
const MARKS: u32 = 0xFFFF_FFFA;

/// One storage or stream.
pub(super) struct Entry {
    /// Path in lower case, from `/`; control characters stay as they are.
    pub(super) path: String,
    pub(super) is_stream: bool,
    pub(super) length: u64,
    start: u32,
}

/// An open compound file.
pub(super) struct Compound {
    sector: u64,
    table: Vec<u32>,
    small_table: Vec<u32>,
    small_cutoff: u64,
    small_start: u32,
    /// The root's class, as stored: mixed-endian GUID bytes.
    pub(super) root_class: [u8; 16],
    pub(super) entries: Vec<Entry>,
    /// Where the last sector in use begins; zero where none is.
    pub(super) last_sector_at: u64,
}

/// A directory entry as it stands in the file.
struct Raw {
    name: String,
    kind: u8,
    left: u32,
    right: u32,
    child: u32,
    class: [u8; 16],
    start: u32,
    length: u64,
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..at + 4)
        .and_then(|four| four.try_into().ok())
        .map_or(NO_STREAM, u32::from_le_bytes)
}

impl Compound {
    /// Reads header, tables and directory; `None` where there is no directory to be found.
    pub(super) fn open(source: &mut Source<'_>) -> io::Result<Option<Self>> {
        let header = source.at(0, 512)?.to_vec();
        let shift = header.get(30).copied().unwrap_or(0);
        if header.len() < 512 || !matches!(shift, 7..=16) {
            return Ok(None);
        }
        let mut file = Self {
            sector: 1 << shift,
            table: Vec::new(),
            small_table: Vec::new(),
            small_cutoff: u64::from(word(&header, 56)),
            small_start: NO_STREAM,
            root_class: [0; 16],
            entries: Vec::new(),
            last_sector_at: 0,
        };
        file.read_table(source, &header)?;
        let directory = file.chain_bytes(source, word(&header, 48), ENTRIES_CAP as u64 * 128)?;
        let raw: Vec<Raw> = directory.chunks_exact(128).map(raw_entry).collect();
        let Some(root) = raw.first().filter(|root| root.kind == 5) else {
            return Ok(None);
        };
        (file.root_class, file.small_start) = (root.class, root.start);
        file.name(&raw);
        if !source.is_deep() {
            return Ok(Some(file));
        }
        let small = file.chain_bytes(source, word(&header, 60), TABLE_SECTORS_CAP as u64 * 512)?;
        file.small_table = words(&small);
        Ok(Some(file))
    }

    /// Where the last used sector ends.
    pub(super) fn used(&self) -> u64 {
        self.last_sector_at + self.sector
    }

    fn offset(&self, sector: u32) -> u64 {
        (u64::from(sector) + 1) * self.sector
    }

    /// The allocation table: its sectors are listed in the header, then in a chain of lists.
    fn read_table(&mut self, source: &mut Source<'_>, header: &[u8]) -> io::Result<()> {
        let mut sectors: Vec<u32> = words(&header[76..512]);
        let mut next = word(header, 68);
        let per_list = (self.sector / 4) as usize;
        while next < MARKS && sectors.len() < TABLE_SECTORS_CAP {
            let list = words(source.at(self.offset(next), self.sector)?);
            if list.len() < per_list {
                break;
            }
            sectors.extend_from_slice(&list[..per_list - 1]);
            next = list[per_list - 1];
        }
        sectors.truncate(TABLE_SECTORS_CAP);
        for sector in sectors.into_iter().filter(|&sector| sector < MARKS) {
            let part = words(source.at(self.offset(sector), self.sector)?);
            if part.is_empty() {
                break;
            }
            self.table.extend(part);
        }
        let used = self.table.iter().rposition(|&next| next != u32::MAX);
        self.last_sector_at = used.map_or(0, |last| self.offset(last as u32));
        Ok(())
    }

    /// The bytes of a chain of sectors, up to a limit.
    fn chain_bytes(&self, source: &mut Source<'_>, start: u32, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut sector = start;
        while sector < MARKS && (bytes.len() as u64) < limit {
            let part = source.at(self.offset(sector), self.sector)?;
            bytes.extend_from_slice(part);
            if (part.len() as u64) < self.sector {
                break;
            }
            sector = self
                .table
                .get(sector as usize)
                .copied()
                .unwrap_or(NO_STREAM);
        }
        bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(bytes)
    }

    /// The first bytes of a stream, up to a limit.
    pub(super) fn read(
        &self,
        source: &mut Source<'_>,
        entry: &Entry,
        limit: u64,
    ) -> io::Result<Vec<u8>> {
        let wanted = entry.length.min(limit);
        if entry.length >= self.small_cutoff {
            return self.chain_bytes(source, entry.start, wanted);
        }
        // Small streams live in sectors of 64 bytes inside the root's own stream.
        let mut bytes = Vec::new();
        let mut sector = entry.start;
        let mut host = (self.small_start, 0_u64);
        while sector < MARKS && (bytes.len() as u64) < wanted {
            let at = u64::from(sector) * 64;
            let Some(place) = self.within(&mut host, at) else {
                break;
            };
            bytes.extend_from_slice(source.at(place, 64)?);
            sector = self
                .small_table
                .get(sector as usize)
                .copied()
                .unwrap_or(NO_STREAM);
        }
        bytes.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
        Ok(bytes)
    }

    /// Where byte `at` of the root's stream lies in the file. `host` remembers a sector and its place in the chain.
    fn within(&self, host: &mut (u32, u64), at: u64) -> Option<u64> {
        let index = at / self.sector;
        if index < host.1 {
            *host = (self.small_start, 0);
        }
        while host.1 < index {
            *host = (self.table.get(host.0 as usize).copied()?, host.1 + 1);
        }
        (host.0 < MARKS).then(|| self.offset(host.0) + at % self.sector)
    }

    /// Gives every entry its path. Entries that no storage claims are kept under a path of their own: damage must not
    /// hide them, nor make them part of the root.
    fn name(&mut self, raw: &[Raw]) {
        let mut paths: Vec<Option<String>> = vec![None; raw.len()];
        let mut open: Vec<(u32, String, usize)> = raw
            .first()
            .map(|root| (root.child, String::new(), 0))
            .into_iter()
            .collect();
        while let Some((id, parent, depth)) = open.pop() {
            let Some(entry) = raw.get(id as usize).filter(|_| depth < DEPTH_CAP) else {
                continue;
            };
            if id == 0 || paths[id as usize].is_some() {
                continue;
            }
            let path = format!("{parent}/{}", entry.name);
            open.push((entry.left, parent.clone(), depth));
            open.push((entry.right, parent, depth));
            if entry.kind == 1 {
                open.push((entry.child, path.clone(), depth + 1));
            }
            paths[id as usize] = Some(path);
        }
        for (entry, path) in raw.iter().zip(paths).skip(1) {
            if matches!(entry.kind, 1 | 2) {
                self.entries.push(Entry {
                    path: path.unwrap_or_else(|| format!("/lost/{}", entry.name)),
                    is_stream: entry.kind == 2,
                    length: entry.length,
                    start: entry.start,
                });
            }
        }
    }

    /// The entry at exactly this path.
    pub(super) fn find(&self, path: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.path == path)
    }
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes
        .chunks_exact(4)
        .map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
        .collect()
}

fn raw_entry(bytes: &[u8]) -> Raw {
    let length = usize::from(u16::from_le_bytes([bytes[64], bytes[65]])).min(64);
    let units = bytes[..length.saturating_sub(2)]
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let mut class = [0; 16];
    class.copy_from_slice(&bytes[80..96]);
    Raw {
        name: char::decode_utf16(units)
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect::<String>()
            .to_lowercase(),
        kind: bytes[66],
        left: word(bytes, 68),
        right: word(bytes, 72),
        child: word(bytes, 76),
        class,
        start: word(bytes, 116),
        // The high half is garbage in files of version 3.
        length: u64::from(word(bytes, 120)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Depth;
    use std::io::{Cursor, Write};

    fn sample() -> Vec<u8> {
        let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
        file.create_storage("/Macros").unwrap();
        for (path, length) in [("/Small", 100), ("/Macros/Tiny", 3), ("/Large", 9000)] {
            let bytes: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            file.create_stream(path).unwrap().write_all(&bytes).unwrap();
        }
        file.into_inner().into_inner()
    }

    #[test]
    fn streams_come_out_as_they_went_in() {
        let mut cursor = Cursor::new(sample());
        let mut source = Source::open(&mut cursor, Depth::Deep).unwrap();
        let file = Compound::open(&mut source).unwrap().unwrap();
        for (path, length) in [("/small", 100), ("/macros/tiny", 3), ("/large", 9000)] {
            let entry = file.find(path).unwrap();
            assert_eq!(entry.length, length);
            let expected: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            assert_eq!(
                file.read(&mut source, entry, 1 << 20).unwrap(),
                expected,
                "{path}"
            );
            assert_eq!(
                file.read(&mut source, entry, 2).unwrap(),
                expected[..2],
                "{path}"
            );
        }
        assert!(!file.find("/macros").unwrap().is_stream);
        assert!((1..source.len()).contains(&file.last_sector_at));
    }

    #[test]
    fn loops_end() {
        let mut bytes = sample();
        let table = 512 * (1 + word(&bytes, 76) as usize);
        for sector in 0..60_u32 {
            let at = table + 4 * sector as usize;
            bytes[at..at + 4].copy_from_slice(&sector.to_le_bytes());
        }
        let mut cursor = Cursor::new(bytes);
        let mut source = Source::open(&mut cursor, Depth::Deep).unwrap();
        let file = Compound::open(&mut source).unwrap().unwrap();
        let entry = file.find("/large").unwrap();
        assert!(file.read(&mut source, entry, 1 << 20).unwrap().len() <= 9000);
    }
}
