//! MPEG audio and its neighbours without a container: MP3 (with and without ID3), layers I and II, AAC in ADTS.
//!
//! A sync word is eleven bits: a type is only said when a second frame stands where the first one ends, or the file
//! ends there. Sources: ISO/IEC 11172-3 §2.4.1.3 and 13818-3 (MP3), 13818-7 §6.2 (ADTS), id3.org.

use crate::findings::{Confidence, Integrity};
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// How far after an ID3 tag a first frame is looked for: writers pad.
const SEARCH: u64 = 4096;
/// Files up to this size are walked whole to find their end.
const HOLD: u64 = 1 << 20;

/// Kilobits per second of layer III by index: MPEG 1, then MPEG 2 and 2.5.
const BITRATES: [[u16; 15]; 2] = [
    [
        0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
    ],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
/// Kilobits per second of layers I and II: MPEG 1 each, then MPEG 2 each.
const ELDER_BITRATES: [[[u16; 15]; 2]; 2] = [
    [
        [
            0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448,
        ],
        [
            0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
        ],
    ],
    [
        [
            0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256,
        ],
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    ],
];
/// Hertz by index for MPEG 1; halved for MPEG 2, quartered for 2.5.
const RATES: [u32; 3] = [44_100, 48_000, 32_000];

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    let head = source.head();
    if head.starts_with(b"ADIF") {
        return Ok(Some(Seen::likely(FileType::Aac)));
    }
    let mut seen = match tag_length(head) {
        Some(tag) => tagged(source, tag)?,
        None => match frames(source, 0)? {
            Some(kind) => Seen::certain(kind),
            None if free_format(source.head()) => Seen::likely(FileType::Mp3),
            None => return Ok(None),
        },
    };
    seen.asides
        .extend(tag_length(source.head()).map(|length| 10..length));
    if source.is_deep() && seen.confidence == Confidence::Certain {
        seen.reach = reach(source)?;
        let cut = seen.reach.filter(|end| *end > source.len());
        // Players pass over a cut frame of MP3, and many are cut in the middle of one: it tells nothing there.
        if let Some(end) = cut.filter(|_| seen.kind == FileType::Aac) {
            let length = source.len();
            seen.integrity = Integrity::truncated(format!(
                "the last frame ends at byte {end}, the file at {length}"
            ));
        }
    }
    Ok(Some(seen))
}

/// Where the last frames end: of short files all are walked, of longer ones those in the tail. `None` where none are found.
fn reach(source: &mut Source<'_>) -> io::Result<Option<u64>> {
    source.hold(HOLD)?;
    let whole = source.head().len() as u64 == source.len();
    let (begin, bytes) = if whole {
        (0, source.head())
    } else {
        source.tail()?
    };
    Ok(last_frame(bytes).map(|end| begin + end as u64))
}

/// Where the last run of at least three frames ends.
fn last_frame(bytes: &[u8]) -> Option<usize> {
    let next = |at: usize| {
        let (kind, length) = frame(bytes.get(at..at + 6)?)?;
        Some((kind, at + usize::try_from(length).ok()?))
    };
    let (mut end, mut at) = (None, 0);
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr(0xFF, rest)) {
        let start = at + found;
        let (mut behind, mut frames, mut sort) = (start, 0, None);
        while let Some((kind, after)) =
            next(behind).filter(|(kind, _)| sort.is_none_or(|one| one == *kind))
        {
            (behind, frames, sort) = (after, frames + 1, Some(kind));
        }
        at = start + 1;
        if frames >= 3 {
            (end, at) = (Some(behind), behind);
        }
    }
    end
}

/// Whether frames of layer III without a stated bitrate follow each other: the same header, twice at the same distance.
fn free_format(head: &[u8]) -> bool {
    let [0xFF, second, third, fourth, ..] = *head else {
        return false;
    };
    if second & 0xE6 != 0xE2 || second & 0x18 == 8 || third >> 4 != 0 || third & 0xC == 0xC {
        return false;
    }
    let same = |at: usize| matches!(head.get(at..at + 4), Some(&[0xFF, s, t, f]) if s == second && t & 0xFD == third & 0xFD && f & 0xC0 == fourth & 0xC0);
    let first = (64..4096).find(|&at| same(at));
    first.is_some_and(|first| (2 * first - 1..=2 * first + 1).any(same))
}

/// The length of an ID3v2 tag at the start, header and footer included.
fn tag_length(head: &[u8]) -> Option<u64> {
    let [b'I', b'D', b'3', 2..=4, _, flags, size @ ..] = head else {
        return None;
    };
    let size = size.get(..4)?;
    if size.iter().any(|&b| b & 0x80 != 0) {
        return None;
    }
    let body = size.iter().fold(0, |sum, &b| (sum << 7) | u64::from(b));
    Some(10 + body + if flags & 0x10 == 0 { 0 } else { 10 })
}

fn tagged(source: &mut Source<'_>, tag: u64) -> io::Result<Seen> {
    if tag >= source.len() {
        let cut = Integrity::truncated("the file ends within its tag");
        return Ok(Seen::likely(FileType::Mp3).with_integrity(cut));
    }
    if source.at(tag, 4)? == b"fLaC" {
        return Ok(Seen::certain(FileType::Flac));
    }
    for at in tag..tag + SEARCH {
        if let Some(kind) = frames(source, at)? {
            return Ok(Seen::certain(kind));
        }
    }
    Ok(Seen::new(FileType::Mp3, Confidence::Guess))
}

/// Whether three frames of MPEG sound follow each other somewhere in these bytes.
pub(crate) fn sounds_like_frames(bytes: &[u8]) -> bool {
    let next = |at: usize| {
        let (kind, length) = frame(bytes.get(at..at + 6)?)?;
        Some((kind, at + usize::try_from(length).ok()?))
    };
    memchr::memchr_iter(0xFF, bytes).any(|at| {
        let second = next(at);
        let third = second.and_then(|(kind, at)| next(at).filter(|(same, _)| *same == kind));
        third
            .and_then(|(kind, at)| next(at).filter(|(same, _)| *same == kind))
            .is_some()
    })
}

/// The type of two adjacent frames at `at`.
fn frames(source: &mut Source<'_>, at: u64) -> io::Result<Option<FileType>> {
    let Some((kind, length)) = frame(source.at(at, 6)?) else {
        return Ok(None);
    };
    let next = at + length;
    let confirmed = next == source.len()
        || frame(source.at(next, 6)?).is_some_and(|(second, _)| second == kind);
    Ok(confirmed.then_some(kind))
}

/// The type and length in bytes of the frame that begins with these six bytes.
fn frame(header: &[u8]) -> Option<(FileType, u64)> {
    let [0xFF, second, third, fourth, fifth, sixth] = *header else {
        return None;
    };
    match (second & 0xF6, second & 0xE6) {
        // Twelve sync bits, layer zero: ADTS. Its length is thirteen bits across three bytes.
        (0xF0, _) if third >> 2 & 0xF < 13 => {
            let length =
                (u64::from(fourth & 3) << 11) | (u64::from(fifth) << 3) | u64::from(sixth >> 5);
            (length > 7).then_some((FileType::Aac, length))
        }
        (_, 0xE2) => layer_three(second, third).map(|length| (FileType::Mp3, length)),
        (_, 0xE4 | 0xE6) => elder_layer(second, third).map(|length| (FileType::Mp2, length)),
        _ => None,
    }
}

fn layer_three(second: u8, third: u8) -> Option<u64> {
    let version = second >> 3 & 3;
    let (table, divisor) = match version {
        3 => (0, 1),
        2 => (1, 2),
        0 => (1, 4),
        _ => return None,
    };
    let kilobits = BITRATES[table]
        .get(usize::from(third >> 4))
        .copied()
        .filter(|&rate| rate > 0)?;
    let hertz = RATES.get(usize::from(third >> 2 & 3))? / divisor;
    let samples_per_byte = if version == 3 { 144 } else { 72 };
    Some(
        u64::from(samples_per_byte * u32::from(kilobits) * 1000 / hertz)
            + u64::from(third >> 1 & 1),
    )
}

/// The length of a frame of layer I (slots of four bytes) or II.
fn elder_layer(second: u8, third: u8) -> Option<u64> {
    let (first_layer, first_version) = (second & 6 == 6, second & 0x18 == 0x18);
    if second & 0x10 == 0 {
        return None;
    }
    let kilobits = ELDER_BITRATES[usize::from(!first_version)][usize::from(!first_layer)]
        .get(usize::from(third >> 4))
        .copied()
        .filter(|&rate| rate > 0)?;
    let hertz = RATES.get(usize::from(third >> 2 & 3))? / if first_version { 1 } else { 2 };
    let (bits, padding) = (u64::from(kilobits) * 1000, u64::from(third >> 1 & 1));
    let hertz = u64::from(hertz);
    Some(if first_layer {
        (12 * bits / hertz + padding) * 4
    } else {
        144 * bits / hertz + padding
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_lengths() {
        // 128 kbit/s at 44.1 kHz is 417 bytes, 418 with padding; 64 kbit/s MPEG 2 at 22.05 kHz is 208.
        assert_eq!(
            frame(&[0xFF, 0xFB, 0x90, 0, 0, 0]),
            Some((FileType::Mp3, 417))
        );
        assert_eq!(
            frame(&[0xFF, 0xFB, 0x92, 0, 0, 0]),
            Some((FileType::Mp3, 418))
        );
        assert_eq!(
            frame(&[0xFF, 0xF3, 0x80, 0, 0, 0]),
            Some((FileType::Mp3, 208))
        );
        assert_eq!(
            frame(&[0xFF, 0xF1, 0x50, 0x80, 0x17, 0x3F]),
            Some((FileType::Aac, 185))
        );
        assert_eq!(frame(&[0xFF, 0xFB, 0xF0, 0, 0, 0]), None);
        assert_eq!(frame(&[0xFF, 0xFE, 0, 0, 0, 0]), None);
    }

    #[test]
    fn the_last_frames_end_where_something_else_begins() {
        let mut frame = vec![0; 417];
        frame[..3].copy_from_slice(b"\xFF\xFB\x90");
        let run = frame.repeat(4);
        let rows = [
            (run.clone(), Some(1668)),
            ([&run[..], b"PK\x03\x04"].concat(), Some(1668)),
            (
                [&run[..], b"ID3 junk \xFF\xFB", &run[..]].concat(),
                Some(3347),
            ),
            (frame.repeat(2), None),
            (vec![0xFF; 5000], None),
        ];
        for (bytes, expected) in rows {
            assert_eq!(last_frame(&bytes), expected, "{}", bytes.len());
        }
    }

    #[test]
    fn tags_are_syncsafe() {
        assert_eq!(tag_length(b"ID3\x04\0\0\0\0\x02\x01rest"), Some(10 + 257));
        assert_eq!(tag_length(b"ID3\x04\0\x10\0\0\0\x01"), Some(21));
        assert_eq!(tag_length(b"ID3\x04\0\0\x80\0\0\x01"), None);
        assert_eq!(tag_length(b"ID3 is a tag format"), None);
    }
}
