//! A real JPEG of any size: a photo with comments in front of its picture data.

use anyhow::{Context, Result, ensure};

const PHOTO: &[u8] = include_bytes!("../../media/photo.jpg");

/// The most a comment segment holds, its own length field included.
const LONGEST: usize = 0xFFFF;

/// Marker and length field of a segment, in bytes.
const HEADER: usize = 4;

/// A photo of exactly `bytes` bytes.
///
/// # Errors
/// If the bare photo is larger already, or the rest is too small for a segment.
pub(crate) fn of_size(bytes: usize) -> Result<Vec<u8>> {
    let mut missing = bytes.checked_sub(PHOTO.len()).with_context(|| {
        format!(
            "the smallest picture has {} bytes, {bytes} are asked for",
            PHOTO.len()
        )
    })?;
    // Comments may stand after the JFIF segment, which comes first of all.
    let length = PHOTO.get(4..6).context("the photo is cut short")?;
    let first = 4 + usize::from(u16::from_be_bytes([length[0], length[1]]));
    let (start, rest) = PHOTO.split_at(first);
    let mut picture = Vec::with_capacity(bytes);
    picture.extend_from_slice(start);
    while missing > 0 {
        ensure!(
            missing >= HEADER,
            "{missing} bytes are too few for a comment: ask for {HEADER} more"
        );
        let mut segment = missing.min(LONGEST + 2);
        // What is left after it must be nothing, or a segment of its own.
        if missing - segment < HEADER && missing > segment {
            segment -= HEADER;
        }
        picture.extend([0xFF, 0xFE]);
        picture.extend(u16::try_from(segment - 2)?.to_be_bytes());
        picture.extend(filling(segment - HEADER));
        missing -= segment;
    }
    picture.extend_from_slice(rest);
    Ok(picture)
}

/// Bytes that no compression shortens much and no search for another format's beginning finds anything in.
fn filling(length: usize) -> impl Iterator<Item = u8> {
    let mut state = 0x9E37_79B9_u32;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        0x80 | (state.to_be_bytes()[0] & 0x3F)
    })
    .take(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_is_met_exactly_and_is_a_whole_picture() {
        let bare = PHOTO.len();
        for more in [0, 4, 65_537, 65_538, 65_540, 65_541, 926_888] {
            let picture = of_size(bare + more).unwrap();
            assert_eq!(picture.len(), bare + more, "{more} more");
            // Segment by segment, as a reader goes, to the start of the scan.
            let mut at = 2;
            while picture[at + 1] != 0xDA {
                assert_eq!(picture[at], 0xFF, "{more} more, at {at}");
                at += 2 + usize::from(u16::from_be_bytes([picture[at + 2], picture[at + 3]]));
            }
        }
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        for bytes in [0, PHOTO.len() - 1, PHOTO.len() + 3] {
            assert!(of_size(bytes).is_err(), "{bytes}");
        }
    }
}
