//! GIF: blocks up to the trailer (GIF89a specification, §§17–27).

use crate::findings::{HazardKind, Integrity};
use crate::kind::FileType;
use crate::seen::{Seen, too_many_pixels};
use crate::source::Source;
use std::io;

/// Above these sizes a file that ends with an empty block and the trailer is not walked: for its type, and to look inside.
const WALK_WHOLE: u64 = 256 << 10;
const LOOK_WHOLE: u64 = 1 << 20;
/// How much of what comments and private blocks say is put together.
const NOTES_CAP: usize = 256 << 10;

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    let (width, height, flags) = match source.head() {
        [
            b'G',
            b'I',
            b'F',
            b'8',
            b'7' | b'9',
            b'a',
            w1,
            w2,
            h1,
            h2,
            flags,
            ..,
        ] => (
            u16::from_le_bytes([*w1, *w2]),
            u16::from_le_bytes([*h1, *h2]),
            *flags,
        ),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => {
            return Ok(Some(
                Seen::certain(FileType::Gif)
                    .with_integrity(Integrity::truncated("no screen descriptor")),
            ));
        }
        _ => return Ok(None),
    };
    let mut seen = Seen::certain(FileType::Gif).with_pixels(u32::from(width), u32::from(height));
    let walked = if source.is_deep() {
        source.hold(LOOK_WHOLE)?;
        LOOK_WHOLE
    } else {
        WALK_WHOLE
    };
    if source.len() > walked && source.tail()?.1.ends_with(b"\0;") {
        return Ok(Some(seen.with_integrity(Integrity::Whole)));
    }
    let integrity = walk(source, 13 + colour_table(flags), &mut seen)?;
    Ok(Some(seen.with_integrity(integrity)))
}

/// The length in bytes of the colour table that packed flags announce.
fn colour_table(flags: u8) -> u64 {
    if flags & 0x80 == 0 {
        0
    } else {
        3 << ((flags & 7) + 1)
    }
}

/// Follows the blocks. The notes take what comments (0xFE) and private blocks (0xFF) say, without their cuts. A frame may be
/// larger than the screen, and readers make room for it.
fn walk(source: &mut Source<'_>, mut at: u64, seen: &mut Seen) -> io::Result<Integrity> {
    loop {
        let next = match source.at(at, 10)? {
            [b';', ..] => return Ok(Integrity::ending_at(at + 1, source.len())),
            [b'!', 0xFE | 0xFF, ..] => sub_blocks(source, at + 2, Some(&mut seen.notes))?,
            [b'!', _, ..] => sub_blocks(source, at + 2, None)?,
            &[b',', _, _, _, _, w1, w2, h1, h2, ref flags] => {
                let [width, height] = [[w1, w2], [h1, h2]].map(u16::from_le_bytes);
                if let Some(pixels) = too_many_pixels(width.into(), height.into()) {
                    seen.add_hazard(HazardKind::Bomb, pixels);
                }
                let data = at + 11 + colour_table(*flags);
                sub_blocks(source, data, None)?
            }
            [] | [b'!' | b',', ..] => None,
            _ => return Ok(Integrity::damaged(format!("no block begins at byte {at}"))),
        };
        let Some(next) = next else {
            return Ok(Integrity::truncated("the file ends before its trailer"));
        };
        at = next;
    }
}

/// Where the chain of sub-blocks ends, or `None` if the file ends first; `notes` takes what is in them.
fn sub_blocks(
    source: &mut Source<'_>,
    mut at: u64,
    mut notes: Option<&mut Vec<u8>>,
) -> io::Result<Option<u64>> {
    while let Some([length]) = source.exactly::<1>(at)? {
        if let Some(notes) = notes.as_mut().filter(|notes| notes.len() < NOTES_CAP) {
            if length == 0 {
                // What one block says does not go on in the next.
                notes.push(0);
            }
            notes.extend_from_slice(source.at(at + 1, u64::from(length))?);
        }
        at += 1 + u64::from(length);
        if length == 0 {
            return Ok(Some(at));
        }
    }
    Ok(None)
}
