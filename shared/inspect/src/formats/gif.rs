//! GIF: blocks up to the trailer (GIF89a specification, §§17–27).

use crate::findings::Integrity;
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// Above this size a file that ends with an empty block and the trailer is not walked.
const WALK_WHOLE: u64 = 256 << 10;

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
    let seen = Seen::certain(FileType::Gif).with_pixels(u32::from(width), u32::from(height));
    if source.len() > WALK_WHOLE && source.tail()?.1.ends_with(b"\0;") {
        return Ok(Some(seen.with_integrity(Integrity::Whole)));
    }
    let integrity = walk(source, 13 + colour_table(flags))?;
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

fn walk(source: &mut Source<'_>, mut at: u64) -> io::Result<Integrity> {
    loop {
        let next = match source.at(at, 10)? {
            [b';', ..] => return Ok(Integrity::ending_at(at + 1, source.len())),
            [b'!', _, ..] => sub_blocks(source, at + 2)?,
            [b',', _, _, _, _, _, _, _, _, flags] => {
                let data = at + 11 + colour_table(*flags);
                sub_blocks(source, data)?
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

/// Where the chain of sub-blocks ends, or `None` if the file ends first.
fn sub_blocks(source: &mut Source<'_>, mut at: u64) -> io::Result<Option<u64>> {
    while let Some([length]) = source.exactly::<1>(at)? {
        at += 1 + u64::from(length);
        if length == 0 {
            return Ok(Some(at));
        }
    }
    Ok(None)
}
