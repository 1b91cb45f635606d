//! BMP: two letters are no signature, so the header behind them must have a known size and possible sides
//! (Win32 `BITMAPFILEHEADER`, `BITMAPINFOHEADER` and its kin).

use crate::findings::Integrity;
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    let Some(head) = source
        .head()
        .get(..34)
        .filter(|head| head.starts_with(b"BM"))
    else {
        return Ok(None);
    };
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let half = |at: usize| u32::from(u16::from_le_bytes([head[at], head[at + 1]]));
    let (pixels_at, header) = (u64::from(word(10)), word(14));
    let (width, height, planes, bits, packing) = match header {
        12 => (half(18), half(20), half(22), half(24), 0),
        16 | 40 | 52 | 56 | 64 | 108 | 124 => {
            // Heights are negative where the rows run down.
            (
                word(18),
                (word(22) as i32).unsigned_abs(),
                half(26),
                half(28),
                word(30),
            )
        }
        _ => return Ok(None),
    };
    let possible = planes <= 1 && matches!(bits, 0 | 1 | 2 | 4 | 8 | 16 | 24 | 32) && packing <= 13;
    // Some writers leave the place of the pixels open; then the rest must be beyond doubt.
    if !possible || pixels_at < 14 && (planes != 1 || bits == 0) {
        return Ok(None);
    }
    let seen = Seen::certain(FileType::Bmp).with_pixels(width, height);
    // Only plain rows have a length that can be told.
    let integrity = if matches!(packing, 0 | 3) && bits > 0 {
        let row = (u64::from(width) * u64::from(bits)).div_ceil(32) * 4;
        let end = pixels_at + row * u64::from(height);
        let padding = source.len().saturating_sub(end) <= 4;
        if padding && end <= source.len() {
            Integrity::Whole
        } else {
            Integrity::ending_at(end, source.len())
        }
    } else {
        Integrity::NotChecked
    };
    Ok(Some(seen.with_integrity(integrity)))
}
