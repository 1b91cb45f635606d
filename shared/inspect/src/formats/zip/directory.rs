//! The end record and the list of entries.

use crate::source::Source;
use crate::work::Work;
use std::io::{self, Read, Seek};
use std::ops::Range;

const END_RECORD: &[u8] = b"PK\x05\x06";
const END_RECORD_BYTES: usize = 22;
/// The fixed part of a local header: what every entry takes at least.
const LOCAL_HEADER_BYTES: u64 = 30;

/// What stands behind an entry or before its bytes: a descriptor, and local fields that the directory does not count.
const FIELDS_BYTES: u64 = 32;

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
    Ok(last_record(tail_at, tail, &mut Work::over(tail.len())))
}

/// The last one in bytes that stand at `tail_at` and end the file: found forwards, in one pass.
fn last_record(tail_at: u64, tail: &[u8], work: &mut Work) -> Option<EndRecord> {
    memchr::memmem::find_iter(tail, END_RECORD)
        .filter_map(|at| {
            work.looked_at(END_RECORD_BYTES);
            let record = tail.get(at..at + END_RECORD_BYTES)?;
            let half =
                |offset: usize| u64::from(u16::from_le_bytes([record[offset], record[offset + 1]]));
            let (directory_bytes, comment) = (half(12) | half(14) << 16, half(20));
            let (begin, length) = (tail_at + at as u64, END_RECORD_BYTES as u64 + comment);
            (at as u64 + length <= tail.len() as u64).then(|| EndRecord {
                entries: half(10),
                after: begin + length,
                comment,
                directory_at: begin.checked_sub(directory_bytes),
            })
        })
        .last()
}

/// Where an archive ends that begins with these bytes, wherever in them its end stands.
pub(crate) fn end_within(bytes: &[u8]) -> Option<usize> {
    let word = |at: usize| {
        let four = bytes.get(at..at + 4)?;
        usize::try_from(u32::from_le_bytes([four[0], four[1], four[2], four[3]])).ok()
    };
    memchr::memmem::find_iter(bytes, END_RECORD).find_map(|at| {
        let (length, begin) = (word(at + 12)?, word(at + 16)?);
        let directory = bytes.get(begin..)?.starts_with(b"PK\x01\x02");
        let comment = bytes.get(at + 20..at + END_RECORD_BYTES)?;
        let comment = usize::from(u16::from_le_bytes([comment[0], comment[1]]));
        (directory && begin.checked_add(length)? == at).then_some(at + END_RECORD_BYTES + comment)
    })
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

    /// Whether this is the directory of an office document.
    pub(super) fn is_office(&self) -> bool {
        self.has("[content_types].xml") || self.has("meta-inf/manifest.xml")
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

    /// The room between entries, and between the last one and `end`, that is more than fields of an entry fill.
    pub(super) fn gaps(&self, end: u64) -> impl Iterator<Item = Range<u64>> + '_ {
        let next = self.extents.iter().skip(1).map(|extent| extent.0);
        let begins = self.extents.iter().map(|extent| extent.1);
        begins
            .zip(next.chain([end]))
            .filter(|(begin, end)| end.saturating_sub(*begin) > FIELDS_BYTES)
            .map(|(begin, end)| begin..end)
    }

    /// Where the first entry begins.
    pub(super) fn first_at(&self) -> u64 {
        self.extents.first().map_or(0, |extent| extent.0)
    }

    pub(super) fn past_the_end(&self, length: u64) -> bool {
        self.extents.iter().any(|extent| extent.1 > length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::assert_grows_with_length;

    #[test]
    fn an_end_belongs_to_what_begins_with_the_file() {
        let record = [&b"PK\x01\x02"[..], &[0; 42]].concat();
        let end = |at: u32, comment: &[u8]| {
            let length = u32::try_from(record.len()).unwrap();
            let parts: [&[u8]; 6] = [
                b"PK\x05\x06\0\0\0\0\x01\0\x01\0",
                &length.to_le_bytes(),
                &at.to_le_bytes(),
                &u16::try_from(comment.len()).unwrap().to_le_bytes(),
                comment,
                b"more",
            ];
            parts.concat()
        };
        let archive =
            |at: u32, comment: &[u8]| [b"PK\x03\x04", &record[..], &end(at, comment)].concat();
        let plain = archive(4, b"");
        assert_eq!(end_within(&plain), Some(plain.len() - 4));
        let noted = archive(4, b"a note");
        assert_eq!(end_within(&noted), Some(noted.len() - 4));
        assert_eq!(end_within(&archive(0, b"")), None, "of an inner archive");
        assert_eq!(end_within(&plain[..70]), None, "cut");
        assert_eq!(end_within(b"PK\x05\x06"), None);
    }

    #[test]
    fn gaps_are_more_than_fields() {
        let directory = Directory {
            extents: vec![(0, 100), (120, 200), (900, 1000)],
            ..Directory::default()
        };
        assert!(directory.gaps(1010).eq(std::iter::once(200..900)));
        assert_eq!(
            directory.gaps(2000).collect::<Vec<_>>(),
            [200..900, 1000..2000]
        );
        assert_eq!(Directory::default().gaps(9).count(), 0);
    }

    #[test]
    fn the_last_record_that_fits_is_found_in_one_pass() {
        let record = |comment: u8| [&b"PK\x05\x06"[..], &[0; 16], &[comment, 0]].concat();
        let tail = [record(0), record(4), b"note".to_vec(), record(200)].concat();
        let last = last_record(100, &tail, &mut Work::over(tail.len())).unwrap();
        assert_eq!((last.after, last.comment), (148, 4));
        for token in ["PK\x05\x06", "PK\x05\x06\u{7f}\u{7f}"] {
            assert_grows_with_length(token, |times| {
                let tail = token.repeat(times);
                let mut work = Work::over(tail.len());
                last_record(0, tail.as_bytes(), &mut work);
                work.spent()
            });
        }
    }
}
