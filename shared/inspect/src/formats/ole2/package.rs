//! Files packed into documents as objects: the stream `\1Ole10Native` (MS-OLEDS §2.3.6) with the label the packager gave.

use super::reader::Compound;
use crate::findings::HazardKind;
use crate::formats::runnable;
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
    let mut parts = names
        .split(|&b| b == 0)
        .take(2)
        .map(String::from_utf8_lossy);
    if let Some(extension) = parts.find_map(|name| runnable::extension(&name)) {
        let inside = format!("a packed file that ends with .{extension}");
        seen.add_hazard(HazardKind::ExecutableInside, inside);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::FileType;

    #[test]
    fn labels_tell_programs() {
        for (label, runs) in [
            (&b"\x02\0setup.EXE\0C:\\x\0"[..], true),
            (b"\x02\0a.txt\0C:\\a.txt\0", false),
            (b"", false),
        ] {
            let mut seen = Seen::certain(FileType::Doc);
            judge(label, &mut seen);
            let kinds: Vec<_> = seen.hazards.iter().map(|hazard| hazard.kind).collect();
            assert_eq!(kinds.first(), Some(&HazardKind::OlePackage));
            assert_eq!(kinds.contains(&HazardKind::ExecutableInside), runs);
            assert_eq!(is_package(label), !label.is_empty());
        }
    }
}
