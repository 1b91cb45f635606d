//! Excel 5 to 2003: the globals of the workbook: encryption, Excel 4 macro sheets, DDE links.
//!
//! Source: MS-XLS §2.1.4, §2.4.28 BoundSheet8, §2.4.117 FilePass, §2.4.271 SupBook, §2.5.277 VirtualPath.

use super::reader::Compound;
use crate::findings::HazardKind;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// How much of the workbook stream is followed: the globals come first.
const GLOBALS_CAP: u64 = 1 << 20;
const END: u16 = 0x0A;
const FILE_PASS: u16 = 0x2F;
const BOUND_SHEET: u16 = 0x85;
const EXTERN_SHEET: u16 = 0x17;
const SUP_BOOK: u16 = 0x1AE;
/// BoundSheet's type of an Excel 4 macro sheet.
const MACRO_SHEET: u8 = 1;
/// What stands between a DDE server and its topic in a virtual path.
const DDE_SEPARATOR: u8 = 3;

pub(super) fn read(source: &mut Source<'_>, file: &Compound, seen: &mut Seen) -> io::Result<()> {
    let Some(entry) = file.find("/workbook").or_else(|| file.find("/book")) else {
        return Ok(());
    };
    globals(&file.read(source, entry, GLOBALS_CAP)?, seen);
    Ok(())
}

/// Follows the records of the globals.
fn globals(stream: &[u8], seen: &mut Seen) {
    let mut rest = stream;
    // The version in the first record: 6 for Excel 97 and later, where links have records of their own.
    let elder = stream.get(5) != Some(&6);
    while let [t1, t2, l1, l2, more @ ..] = rest {
        let (id, length) = (
            u16::from_le_bytes([*t1, *t2]),
            u16::from_le_bytes([*l1, *l2]),
        );
        let data = &more[..more.len().min(usize::from(length))];
        match id {
            FILE_PASS => {
                seen.add_hazard(HazardKind::Encrypted, "the workbook is encrypted");
                // The types of sheets stay readable, names and links do not.
            }
            BOUND_SHEET if data.get(5) == Some(&MACRO_SHEET) => {
                seen.add_hazard(HazardKind::Macro, "an Excel 4 macro sheet");
            }
            SUP_BOOK if is_dde(data.get(4..).unwrap_or_default()) => {
                seen.add_hazard(HazardKind::Dde, "a DDE link");
            }
            EXTERN_SHEET
                if elder
                    && data.get(1) != Some(&3)
                    && is_dde(data.get(1..).unwrap_or_default()) =>
            {
                seen.add_hazard(HazardKind::Dde, "a DDE link");
            }
            END => return,
            _ => {}
        }
        rest = more.get(usize::from(length)..).unwrap_or_default();
    }
}

/// Whether an encoded path is `server` ‖ 3 ‖ `topic`. Paths to workbooks carry the mark only after their drive.
fn is_dde(path: &[u8]) -> bool {
    let letters: Vec<u8> = path
        .iter()
        .filter(|&&b| b != 0)
        .take(256)
        .copied()
        .collect();
    letters
        .iter()
        .position(|&b| b == DDE_SEPARATOR)
        .is_some_and(|at| at > 0 && !letters[..at].contains(&1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::FileType;

    fn record(id: u16, data: &[u8]) -> Vec<u8> {
        [
            &id.to_le_bytes()[..],
            &(data.len() as u16).to_le_bytes(),
            data,
        ]
        .concat()
    }

    #[test]
    fn globals_are_followed_to_their_end() {
        let sheet = |kind| record(BOUND_SHEET, &[0, 0, 0, 0, 0, kind, 1, 0, b'a']);
        let rows = [
            (sheet(0), None),
            (sheet(1), Some(HazardKind::Macro)),
            (record(FILE_PASS, &[0; 6]), Some(HazardKind::Encrypted)),
            (
                record(SUP_BOOK, b"\0\0\x09\0\0cmd\x03/c calc"),
                Some(HazardKind::Dde),
            ),
            (record(SUP_BOOK, b"\0\0\x09\0\0\x01\x01Cdir\x03a.xls"), None),
            (record(SUP_BOOK, b"\x01\0\x01\x04"), None),
            ([record(END, b""), sheet(1)].concat(), None),
        ];
        for (stream, expected) in rows {
            let mut seen = Seen::certain(FileType::Xls);
            globals(&stream, &mut seen);
            assert_eq!(
                seen.hazards.first().map(|hazard| hazard.kind),
                expected,
                "{stream:?}"
            );
        }
    }
}
