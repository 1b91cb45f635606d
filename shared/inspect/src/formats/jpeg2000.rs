//! JPEG 2000: boxed (ISO/IEC 15444-1 annex I) or as a bare codestream (annex A).

use super::find;
use crate::findings::Integrity;
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

const BOXED: &[u8] = b"\0\0\0\x0CjP  \r\n\x87\n";
const BARE: &[u8] = b"\xFF\x4F\xFF\x51";
/// End of codestream.
const END: &[u8] = b"\xFF\xD9";

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    let head = source.head();
    let sides = |bytes: Option<&[u8]>| match bytes {
        Some([a, b, c, d, e, f, g, h, ..]) => (
            u32::from_be_bytes([*a, *b, *c, *d]),
            u32::from_be_bytes([*e, *f, *g, *h]),
        ),
        _ => (0, 0),
    };
    let (width, height) = if head.starts_with(BARE) {
        sides(head.get(8..))
    } else if head.starts_with(BOXED) {
        sides(find(head, b"ihdr").and_then(|at| head.get(at + 4..)))
    } else {
        return Ok(None);
    };
    let bare = head.starts_with(BARE);
    let ends = source.tail()?.1.ends_with(END);
    let integrity = match (bare, ends) {
        (_, true) => Integrity::Whole,
        (true, false) => Integrity::truncated("no end-of-codestream marker"),
        (false, false) => Integrity::NotChecked,
    };
    let seen = Seen::certain(FileType::Jpeg2000).with_pixels(width, height);
    Ok(Some(seen.with_integrity(integrity)))
}
