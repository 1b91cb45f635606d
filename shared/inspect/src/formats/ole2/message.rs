//! Outlook messages: what their attachments are called and begin with (MS-OXMSG §2.2.2, MS-OXPROPS).

use super::reader::Compound;
use crate::findings::HazardKind;
use crate::formats::{executable, runnable};
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// Long file name, short file name, extension; each as Unicode and as bytes.
const NAMES: [&str; 6] = [
    "substg1.0_3707001f",
    "substg1.0_3707001e",
    "substg1.0_3704001f",
    "substg1.0_3704001e",
    "substg1.0_3703001f",
    "substg1.0_3703001e",
];
/// The attached bytes.
const DATA: &str = "substg1.0_37010102";
/// Streams looked at.
const CAP: usize = 256;

pub(super) fn read(source: &mut Source<'_>, file: &Compound, seen: &mut Seen) -> io::Result<()> {
    let attached = file
        .entries
        .iter()
        .filter(|entry| entry.is_stream && entry.path.contains("/__attach_version1.0_"));
    for entry in attached.take(CAP) {
        if entry.path.ends_with(DATA) {
            if executable::is_program(&file.read(source, entry, 1024)?) {
                seen.add_hazard(
                    HazardKind::ExecutableInside,
                    "an attachment that is a program",
                );
            }
        } else if NAMES.iter().any(|name| entry.path.ends_with(name)) {
            let name: Vec<u8> = file
                .read(source, entry, 512)?
                .into_iter()
                .filter(|&b| b != 0)
                .collect();
            if let Some(extension) = runnable::extension(&String::from_utf8_lossy(&name)) {
                let inside = format!("an attachment that ends with .{extension}");
                seen.add_hazard(HazardKind::ExecutableInside, inside);
            }
        }
    }
    Ok(())
}
