//! AMR and AMR-WB as phones record them: frames to the end (RFC 4867 §5).

use crate::findings::Integrity;
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// Files up to this size are walked; an hour of narrow-band speech is some 5 MB.
const HOLD: u64 = 1 << 20;

/// Bytes behind the header of a frame, by its type (§5.3, with the bits of §3 rounded up); `None`: no such type.
const NARROW: [Option<u64>; 16] =
    sizes([12, 13, 15, 17, 19, 20, 26, 31, 5, 6, 5, 5, NO, NO, NO, 0]);
const WIDE: [Option<u64>; 16] =
    sizes([17, 23, 32, 36, 40, 46, 50, 58, 60, 5, NO, NO, NO, NO, 0, 0]);
const NO: u64 = u64::MAX;

const fn sizes(bytes: [u64; 16]) -> [Option<u64>; 16] {
    let mut sizes = [None; 16];
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != NO {
            sizes[at] = Some(bytes[at]);
        }
        at += 1;
    }
    sizes
}

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    let head = source.head();
    let (kind, begin, sizes) = if head.starts_with(b"#!AMR-WB\n") {
        (FileType::AmrWideband, 9, &WIDE)
    } else if head.starts_with(b"#!AMR\n") {
        (FileType::Amr, 6, &NARROW)
    } else {
        return Ok(None);
    };
    let mut seen = Seen::certain(kind);
    if source.is_deep() {
        source.hold(HOLD)?;
        if source.head().len() as u64 == source.len() {
            seen.integrity = integrity(source.head(), begin, sizes);
        }
    }
    Ok(Some(seen))
}

fn integrity(bytes: &[u8], begin: u64, sizes: &[Option<u64>; 16]) -> Integrity {
    let (mut at, length) = (begin, bytes.len() as u64);
    while let Some(&header) = usize::try_from(at).ok().and_then(|at| bytes.get(at)) {
        let Some(size) = sizes[usize::from(header >> 3 & 15)].filter(|_| header & 0x83 == 0) else {
            return Integrity::damaged(format!("no frame begins at byte {at}"));
        };
        at += 1 + size;
    }
    if at > length {
        return Integrity::truncated(format!(
            "the last frame ends at byte {at}, the file at {length}"
        ));
    }
    Integrity::Whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Depth;
    use std::io::Cursor;

    #[test]
    fn frames_to_the_end() {
        let narrow = |bytes: &[u8]| [b"#!AMR\n", bytes].concat();
        let speech = [&[0x3C][..], &[0x55; 31]].concat();
        let wide = [&b"#!AMR-WB\n\x04"[..], &[0x11; 17], &[0x7C]].concat();
        let whole = narrow(&[speech.clone(), speech.clone(), vec![0x7C]].concat());
        let rows = [
            ("whole", whole.clone(), "whole"),
            ("no sound", narrow(b""), "whole"),
            ("cut", whole[..50].to_vec(), "truncated"),
            ("a hole", [&whole[..38], &[0xFF; 20]].concat(), "damaged"),
            ("wide", wide.clone(), "whole"),
            ("wide, cut", wide[..20].to_vec(), "truncated"),
        ];
        for (name, bytes, expected) in rows {
            let mut cursor = Cursor::new(bytes);
            let mut source = Source::open(&mut cursor, Depth::Deep).unwrap();
            let seen = read(&mut source).unwrap().unwrap();
            let state = serde_json::to_value(&seen.integrity).unwrap();
            assert_eq!(state["state"], expected, "{name}");
        }
    }
}
