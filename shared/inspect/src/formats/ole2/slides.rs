//! PowerPoint 97: encryption by its user record, macros and packed objects inside the document stream.
//!
//! Source: MS-PPT §2.3.2 CurrentUserAtom, §2.4.10 VBAInfoContainer, §2.10.34 ExOleObjStg.

use super::reader::Compound;
use crate::findings::HazardKind;
use crate::inflate;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// How much of the document stream is followed.
const STREAM_CAP: u64 = 3 << 20;
/// The token that the current user's record carries in an encrypted file.
const ENCRYPTED: &[u8] = b"\xDF\xC4\xD1\xF3";
const VBA_INFO: u16 = 0x0400;
const OBJECT_STORAGE: u16 = 0x1011;
/// What is unpacked of one object.
const OBJECT_CAP: usize = 1 << 20;
/// Objects that are unpacked.
const OBJECTS_CAP: usize = 16;

pub(super) fn read(source: &mut Source<'_>, file: &Compound, seen: &mut Seen) -> io::Result<()> {
    if let Some(entry) = file.find("/current user") {
        let record = file.read(source, entry, 64)?;
        if record.get(12..16) == Some(ENCRYPTED) {
            seen.add_hazard(HazardKind::Encrypted, "the presentation is encrypted");
        }
    }
    let Some(entry) = file.find("/powerpoint document") else {
        return Ok(());
    };
    let stream = file.read(source, entry, STREAM_CAP)?;
    let mut objects = 0;
    for (kind, packed, data) in Records(&stream) {
        match kind {
            VBA_INFO if data.get(4..8).is_some_and(|flag| flag != [0; 4]) => {
                seen.add_hazard(HazardKind::Macro, "a VBA project");
            }
            OBJECT_STORAGE if objects < OBJECTS_CAP => {
                objects += 1;
                let object = if packed {
                    inflate::zlib(data.get(4..).unwrap_or_default(), OBJECT_CAP)
                } else {
                    data.to_vec()
                };
                super::object(object, seen)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Type, instance 1 (packed), and data of every record, containers entered.
struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = (u16, bool, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let [v1, v2, t1, t2, l1, l2, l3, l4, more @ ..] = self.0 else {
            return None;
        };
        let (version, kind) = (
            u16::from_le_bytes([*v1, *v2]),
            u16::from_le_bytes([*t1, *t2]),
        );
        let length = u32::from_le_bytes([*l1, *l2, *l3, *l4]) as usize;
        let data = &more[..more.len().min(length)];
        self.0 = if version & 0xF == 0xF {
            more
        } else {
            &more[data.len()..]
        };
        Some((
            kind,
            version >> 4 == 1,
            if version & 0xF == 0xF { &[] } else { data },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_entered() {
        let atom = [
            &[0, 0, 0, 4, 12, 0, 0, 0][..],
            &[1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0],
        ]
        .concat();
        let container = [&[0x1F, 0, 0xFF, 3, 20, 0, 0, 0][..], &atom].concat();
        let seen: Vec<_> = Records(&container)
            .map(|(kind, packed, data)| (kind, packed, data.len()))
            .collect();
        assert_eq!(seen, [(0x3FF, true, 0), (VBA_INFO, false, 12)]);
        assert_eq!(Records(&container[..20]).count(), 2);
    }
}
