//! The end record and the list of entries.

use super::super::rfind;
use crate::source::Source;
use std::io::{self, Read, Seek};

const END_RECORD: &[u8] = b"PK\x05\x06";
const END_RECORD_BYTES: usize = 22;
/// The fixed part of a local header: what every entry takes at least.
const LOCAL_HEADER_BYTES: u64 = 30;

/// Where an archive says it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EndRecord {
    /// Entries it claims; 65 535 where the larger record of ZIP64 counts.
    pub(crate) entries: u64,
    /// The offset behind the record and its comment.
    pub(crate) after: u64,
    /// How many bytes of that are the comment.
    pub(crate) comment: u64,
    /// Where the directory begins if it ends where the record begins.
    pub(crate) directory_at: Option<u64>,
}

/// The last end record in the tail whose comment fits the file.
pub(crate) fn end_record(source: &mut Source<'_>) -> io::Result<Option<EndRecord>> {
    let (tail_at, tail) = source.tail()?;
    let mut search = tail;
    while let Some(at) = rfind(search, END_RECORD) {
        if let Some(record) = tail.get(at..at + END_RECORD_BYTES) {
            let half =
                |offset: usize| u64::from(u16::from_le_bytes([record[offset], record[offset + 1]]));
            let directory_bytes = half(12) | half(14) << 16;
            let comment = half(20);
            if at as u64 + END_RECORD_BYTES as u64 + comment <= tail.len() as u64 {
                let begin = tail_at + at as u64;
                return Ok(Some(EndRecord {
                    entries: half(10),
                    after: begin + END_RECORD_BYTES as u64 + comment,
                    comment,
                    directory_at: begin.checked_sub(directory_bytes),
                }));
            }
        }
        search = &tail[..at];
    }
    Ok(None)
}

/// One entry, reduced to what judging needs.
#[derive(Debug)]
pub(super) struct Entry {
    /// In lower case, with `/` for `\`.
    pub(super) name: String,
    /// Its number in the archive.
    pub(super) index: usize,
    pub(super) encrypted: bool,
    /// Bytes it claims to unpack to.
    pub(super) unpacked: u64,
    pub(super) packed: u64,
}

/// What the central directory says.
#[derive(Debug, Default)]
pub(super) struct Directory {
    pub(super) entries: Vec<Entry>,
    pub(super) duplicate_names: bool,
    /// Start and least end of every entry, in order of start.
    extents: Vec<(u64, u64)>,
}

impl Directory {
    pub(super) fn read<R: Read + Seek>(archive: &zip::ZipArchive<R>) -> Self {
        let mut directory = Self {
            duplicate_names: archive.has_duplicate_names(),
            ..Self::default()
        };
        for index in 0..archive.len() {
            let Ok(entry) = archive.by_index_data(index) else {
                continue;
            };
            let start = entry.header_start();
            let least = LOCAL_HEADER_BYTES + entry.name_raw().len() as u64;
            let end = start
                .saturating_add(least)
                .saturating_add(entry.compressed_size());
            directory.extents.push((start, end));
            directory.entries.push(Entry {
                name: String::from_utf8_lossy(entry.name_raw())
                    .to_lowercase()
                    .replace('\\', "/"),
                index,
                encrypted: entry.encrypted(),
                unpacked: entry.size(),
                packed: entry.compressed_size(),
            });
        }
        directory.extents.sort_unstable();
        directory
    }

    /// The entry of this name, also where it is written with a leading slash.
    pub(super) fn find(&self, name: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|one| one.name.trim_start_matches('/') == name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// The sum of the uncompressed sizes claimed.
    pub(super) fn unpacked(&self) -> u64 {
        self.entries
            .iter()
            .fold(0, |sum, entry| sum.saturating_add(entry.unpacked))
    }

    /// The sum of the compressed sizes claimed.
    pub(super) fn packed(&self) -> u64 {
        self.entries
            .iter()
            .fold(0, |sum, entry| sum.saturating_add(entry.packed))
    }

    /// Whether two entries share bytes, as the densest bombs do.
    pub(super) fn overlaps(&self) -> bool {
        self.extents.windows(2).any(|pair| pair[0].1 > pair[1].0)
    }

    /// Where the first entry begins.
    pub(super) fn first_at(&self) -> u64 {
        self.extents.first().map_or(0, |extent| extent.0)
    }

    pub(super) fn past_the_end(&self, length: u64) -> bool {
        self.extents.iter().any(|extent| extent.1 > length)
    }
}
