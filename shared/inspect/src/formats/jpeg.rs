//! JPEG: segments up to the scan, entropy-coded data up to EOI (ITU-T T.81, annex B).
//!
//! Thumbnails live inside application segments and are stepped over, so the first EOI met in scan data is the picture's
//! own. Phones append more pictures and clips after it: trailing bytes are common and reported, not condemned.

use crate::findings::Integrity;
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;
use std::ops::Range;

/// Above this size a file that ends with EOI is not scanned.
const SCAN_WHOLE: u64 = 256 << 10;
/// No picture has more markers outside its scan data; progressive ones have some hundred.
const MARKERS_CAP: usize = 1 << 16;
/// How much scan data is looked at in one go.
const STEP: u64 = 16 << 10;

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    if !source.head().starts_with(b"\xFF\xD8\xFF") {
        return Ok(None);
    }
    let mut frame = None;
    let mut asides = Vec::new();
    let integrity = walk(source, &mut frame, &mut asides)?;
    let frame = frame.unwrap_or_default();
    let kind = if frame.lossless_kin {
        FileType::JpegLs
    } else {
        FileType::Jpeg
    };
    let mut seen = Seen::certain(kind).with_integrity(integrity);
    seen.asides = asides;
    seen.mapped = true;
    Ok(Some(seen.with_pixels(frame.width, frame.height)))
}

/// What the first frame header says.
#[derive(Clone, Copy, Default)]
struct Frame {
    width: u32,
    height: u32,
    /// The frame is of JPEG-LS, which shares everything but the coding (ITU-T T.87).
    lossless_kin: bool,
}

/// Follows the segments; `frame` takes the first frame header, `asides` the places of comments and application data.
fn walk(
    source: &mut Source<'_>,
    frame: &mut Option<Frame>,
    asides: &mut Vec<Range<u64>>,
) -> io::Result<Integrity> {
    let cut = || Integrity::truncated("the file ends before its end-of-image marker");
    let mut at = 2;
    for _ in 0..MARKERS_CAP {
        let Some([fill, marker]) = source.exactly::<2>(at)? else {
            return Ok(cut());
        };
        match (fill, marker) {
            (0xFF, 0xFF) => at += fill_bytes(source.at(at, STEP)?),
            (0xFF, 0xD9) => return Ok(Integrity::ending_at(at + 2, source.len())),
            (0xFF, 0x01 | 0xD0..=0xD8) => at += 2,
            (0xFF, _) => {
                let Some(length) = source.exactly::<2>(at + 2)?.map(u16::from_be_bytes) else {
                    return Ok(cut());
                };
                if length < 2 {
                    return Ok(Integrity::damaged(format!(
                        "the segment at byte {at} has no length"
                    )));
                }
                if is_frame(marker) && frame.is_none() {
                    *frame = frame_size(source, at)?;
                }
                let begin = at + 4;
                at += 2 + u64::from(length);
                if matches!(marker, 0xE0..=0xEF | 0xFE) {
                    asides.push(begin..at);
                }
                if marker == 0xDA {
                    if (source.len() > SCAN_WHOLE || !source.is_deep())
                        && source.tail()?.1.ends_with(b"\xFF\xD9")
                    {
                        return Ok(Integrity::Whole);
                    }
                    if !source.is_deep() {
                        return Ok(Integrity::NotChecked);
                    }
                    let Some(end) = end_of_scan(source, at)? else {
                        return Ok(cut());
                    };
                    at = end;
                }
            }
            _ => return Ok(Integrity::damaged(format!("no marker at byte {at}"))),
        }
    }
    Ok(Integrity::damaged(format!(
        "more than {MARKERS_CAP} markers"
    )))
}

/// How many bytes of a run of fill bytes stand before the marker that the last one begins.
fn fill_bytes(bytes: &[u8]) -> u64 {
    let run = bytes.iter().take_while(|&&b| b == 0xFF).count();
    (run as u64).saturating_sub(1).max(1)
}

fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xCF | 0xF7) && !matches!(marker, 0xC4 | 0xC8 | 0xCC)
}

fn frame_size(source: &mut Source<'_>, at: u64) -> io::Result<Option<Frame>> {
    Ok(source.exactly::<9>(at)?.map(|header| {
        let [_, marker, _, _, _, h1, h2, w1, w2] = header;
        Frame {
            width: u32::from(u16::from_be_bytes([w1, w2])),
            height: u32::from(u16::from_be_bytes([h1, h2])),
            lossless_kin: marker == 0xF7,
        }
    }))
}

/// The position of the first marker after scan data that is no stuffing and no restart.
fn end_of_scan(source: &mut Source<'_>, from: u64) -> io::Result<Option<u64>> {
    let mut at = from;
    loop {
        let bytes = source.at(at, STEP)?;
        if bytes.len() < 2 {
            return Ok(None);
        }
        let marker = memchr::memchr_iter(0xFF, &bytes[..bytes.len() - 1])
            .find(|&offset| !matches!(bytes[offset + 1], 0x00 | 0x01 | 0xD0..=0xD7 | 0xFF));
        match marker {
            Some(offset) => return Ok(Some(at + offset as u64)),
            None => at += bytes.len() as u64 - 1,
        }
    }
}
