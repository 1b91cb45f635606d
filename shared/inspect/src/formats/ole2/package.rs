//! Files packed into documents as objects: the stream `\1Ole10Native` (MS-OLEDS §2.3.6) with the label the packager gave.

use super::reader::Compound;
use crate::findings::HazardKind;
use crate::formats::{attached, executable};
use crate::seen::Seen;
use crate::source::Source;
use std::io;

const STREAM: &str = "/\u{1}ole10native";
/// How much of a package is looked at: its names and the beginning of the file.
const HEAD: u64 = 2048;
/// Packages looked at.
const CAP: usize = 32;

pub(super) fn read(source: &mut Source<'_>, file: &Compound, seen: &mut Seen) -> io::Result<()> {
    let packages = file
        .entries
        .iter()
        .filter(|entry| entry.path.ends_with(STREAM));
    for entry in packages.take(CAP) {
        let head = file.read(source, entry, HEAD)?;
        // Other objects of OLE 1 are kept in such streams as well: charts, pictures, equations.
        if let Some(package) = head.get(4..).filter(|package| is_package(package)) {
            judge(package, seen);
        }
    }
    Ok(())
}

/// Whether bytes are what the packager writes: the word 2, then a label and a path, each ended by a zero.
fn is_package(bytes: &[u8]) -> bool {
    let Some(names) = bytes.strip_prefix(&[2, 0]) else {
        return false;
    };
    let mut parts = names.splitn(3, |&b| b == 0);
    let printable = |part: &[u8]| part.len() <= 260 && part.iter().all(|&b| b >= 0x20);
    parts.next().is_some_and(printable)
        && parts.next().is_some_and(printable)
        && parts.next().is_some()
}

/// Adds what a package is, from the bytes after its length: flags, label, original path, and so on.
pub(in crate::formats) fn judge(package: &[u8], seen: &mut Seen) {
    seen.add_hazard(HazardKind::OlePackage, "a packed file as an object");
    let names = package.get(2..).unwrap_or_default();
    for name in names.split(|&b| b == 0).take(2) {
        attached::by_name(
            attached::Carrier::Document,
            &String::from_utf8_lossy(name),
            seen,
        );
    }
    if contents(package).is_some_and(executable::is_program) {
        let program = "a packed file that is a program";
        seen.add_hazard(HazardKind::EmbeddedExecutable, program);
    }
}

/// The beginning of the packed file: behind label and path four bytes, the length and letters of a second path, and the
/// file's own length.
fn contents(package: &[u8]) -> Option<&[u8]> {
    let mut parts = package.get(2..)?.splitn(3, |&b| b == 0);
    let rest = parts.nth(2)?.get(4..)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let path = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    rest.get(path.checked_add(4)?..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(seen: &Seen, kind: HazardKind) -> bool {
        seen.hazards.iter().any(|one| one.kind == kind)
    }
    use crate::kind::FileType;

    #[test]
    fn names_and_bytes_tell_programs() {
        let packed = |file: &[u8]| {
            let names = &b"\x02\0a.txt\0C:\\a.txt\0\0\0\x03\0\x09\0\0\0C:\\a.txt\0"[..];
            [names, &(file.len() as u32).to_le_bytes(), file].concat()
        };
        for (package, runs) in [
            (b"\x02\0setup.EXE\0C:\\x\0".to_vec(), true),
            (packed(b"hello"), false),
            (packed(b"\x7FELF\x02\x01\x01\0"), true),
            (Vec::new(), false),
        ] {
            let mut seen = Seen::certain(FileType::Doc);
            judge(&package, &mut seen);
            assert!(has(&seen, HazardKind::OlePackage));
            assert_eq!(
                has(&seen, HazardKind::EmbeddedExecutable),
                runs,
                "{package:?}"
            );
            assert_eq!(is_package(&package), !package.is_empty());
        }
    }
}
