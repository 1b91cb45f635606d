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
                    directory_at: begin.checked_sub(directory_bytes),
                }));
            }
        }
        search = &tail[..at];
    }
    Ok(None)
}

/// What the central directory says, reduced to what judging needs.
#[derive(Debug, Default)]
pub(super) struct Directory {
    /// Names in lower case, with `/` for `\`.
    pub(super) names: Vec<String>,
    pub(super) encrypted: bool,
    pub(super) duplicate_names: bool,
    /// The sum of the uncompressed sizes claimed.
    pub(super) unpacked_bytes: u64,
    /// The sum of the compressed sizes claimed.
    pub(super) packed_bytes: u64,
    /// Start and least end of every entry, in order of start.
    extents: Vec<(u64, u64)>,
}

impl Directory {
    pub(super) fn read<R: Read + Seek>(archive: &zip::ZipArchive<R>) -> Self {
        let mut directory = Self {
            duplicate_names: archive.has_duplicate_names(),
            ..Self::default()
        };
        for entry in (0..archive.len()).filter_map(|index| archive.by_index_data(index).ok()) {
            let name = String::from_utf8_lossy(entry.name_raw())
                .to_lowercase()
                .replace('\\', "/");
            directory.names.push(name);
            directory.encrypted |= entry.encrypted();
            directory.unpacked_bytes = directory.unpacked_bytes.saturating_add(entry.size());
            directory.packed_bytes = directory
                .packed_bytes
                .saturating_add(entry.compressed_size());
            let start = entry.header_start();
            directory.extents.push((
                start,
                start
                    .saturating_add(LOCAL_HEADER_BYTES)
                    .saturating_add(entry.compressed_size()),
            ));
        }
        directory.extents.sort_unstable();
        directory
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|one| one == name)
    }

    /// Whether two entries share bytes, as the densest bombs do.
    pub(super) fn overlaps(&self) -> bool {
        self.extents.windows(2).any(|pair| pair[0].1 > pair[1].0)
    }

    pub(super) fn past_the_end(&self, length: u64) -> bool {
        self.extents.iter().any(|extent| extent.1 > length)
    }
}
