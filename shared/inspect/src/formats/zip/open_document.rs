//! OpenDocument: encryption, macros by address, DDE links, templates and objects from elsewhere.
//!
//! Source: ODF 1.3 part 2 §3.4 (encryption), part 3 §§4.3, 9.4.4, 14.6 (templates, DDE).

use super::office::{elements, is_remote};
use super::parts::Parts;
use crate::findings::HazardKind;
use crate::formats::text::entities;
use crate::seen::Seen;
use std::io::{Read, Seek};

/// The most that is unpacked of each of the parts read.
const PART_CAP: u64 = 4 << 20;

pub(super) fn flag<R: Read + Seek>(parts: &mut Parts<R>, seen: &mut Seen) {
    let manifest = parts
        .text("meta-inf/manifest.xml", PART_CAP)
        .unwrap_or_default();
    elements(&manifest, |name, _| {
        if name == "encryption-data" || name == "encrypted-key" {
            seen.add_hazard(HazardKind::Encrypted, "the manifest names encrypted parts");
        }
    });
    for part in ["content.xml", "styles.xml", "meta.xml", "settings.xml"] {
        let xml = parts.text(part, PART_CAP).unwrap_or_default();
        flag_xml(&xml, seen);
        entities::flag(&xml, seen);
    }
}

/// Adds what one part, or a flat document, gives away.
pub(in crate::formats) fn flag_xml(xml: &str, seen: &mut Seen) {
    elements(xml, |name, of| {
        let href = || of.value("href");
        match name {
            "dde-connection-decl" | "dde-link" | "dde-source" => {
                seen.add_hazard(HazardKind::Dde, "a DDE link")
            }
            "template" if is_remote(&href()) => {
                seen.add_hazard(
                    HazardKind::ExternalTemplate,
                    "a template from another place",
                );
            }
            "object" | "object-ole" | "plugin" | "applet" | "floating-frame"
                if is_remote(&href()) =>
            {
                seen.add_hazard(HazardKind::ExternalObject, "an object from another place");
            }
            "event-listener" if href().starts_with("vnd.sun.star.script:") => {
                seen.add_hazard(HazardKind::Macro, "an event that calls a macro");
            }
            _ => {}
        }
    });
}
