//! Word 97: encryption by the file information block, and fields that start programs (MS-DOC §2.5.1, §2.8.25).

use super::reader::Compound;
use crate::findings::HazardKind;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// How much of the main stream is searched for fields.
const TEXT_CAP: u64 = 2 << 20;
/// Bit `fEncrypted` of the block's flags.
const ENCRYPTED: u16 = 0x0100;
/// The character that begins a field.
const FIELD: u8 = 0x13;

pub(super) fn read(source: &mut Source<'_>, file: &Compound, seen: &mut Seen) -> io::Result<()> {
    let Some(entry) = file.find("/worddocument") else {
        return Ok(());
    };
    let stream = file.read(source, entry, TEXT_CAP)?;
    let flags = stream
        .get(10..12)
        .map_or(0, |two| u16::from_le_bytes([two[0], two[1]]));
    if flags & ENCRYPTED != 0 {
        seen.add_hazard(HazardKind::Encrypted, "the document's text is encrypted");
    }
    if memchr::memchr_iter(FIELD, &stream).any(|at| is_dde(&stream[at + 1..])) {
        seen.add_hazard(HazardKind::Dde, "a DDE field");
    }
    Ok(())
}

/// Whether a field's code begins with DDE or DDEAUTO, in one byte or two a character.
fn is_dde(after: &[u8]) -> bool {
    let wide = after.first() == Some(&0);
    let letters: Vec<u8> = after
        .iter()
        .skip(usize::from(wide))
        .step_by(if wide { 2 } else { 1 })
        .take(64)
        .copied()
        .collect();
    let code = letters.trim_ascii_start();
    code.len() > 3 && code[..3].eq_ignore_ascii_case(b"DDE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        let rows: [(&[u8], bool); 5] = [
            (b" DDEAUTO c:\\\\windows", true),
            (b"\0 \0d\0d\0e\0 \0x\0", true),
            (b" PAGE ", false),
            (b"DDE", false),
            (b"", false),
        ];
        for (code, expected) in rows {
            assert_eq!(is_dde(code), expected, "{code:?}");
        }
    }
}
