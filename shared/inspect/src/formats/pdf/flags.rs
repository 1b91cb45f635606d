//! What in a PDF's dictionaries starts, loads, sends or carries something (ISO 32000-2 §12.6, §7.11.4, §13).

use super::lexer::Value;
use crate::findings::HazardKind;
use crate::formats::runnable;
use crate::seen::{Seen, too_many_pixels};
use std::collections::BTreeSet;

/// Actions that are asked for when the document or a page opens, and those that open an address.
#[derive(Default)]
pub(super) struct Flags {
    automatic: BTreeSet<u32>,
    addresses: BTreeSet<u32>,
}

/// References remembered at most.
const REMEMBERED: usize = 4096;

impl Flags {
    /// Looks at a value and all values in it. `object` is its number, where it has one.
    pub(super) fn look(&mut self, value: &Value<'_>, object: Option<u32>, seen: &mut Seen) {
        match value {
            Value::List(list) => {
                for one in list {
                    self.look(one, None, seen);
                }
            }
            Value::Dictionary(pairs) => {
                self.dictionary(value, object, seen);
                for (_, one) in pairs {
                    self.look(one, None, seen);
                }
            }
            _ => {}
        }
    }

    /// Settles what needs two objects to see: an action on opening that opens an address.
    pub(super) fn finish(self, seen: &mut Seen) {
        if self
            .automatic
            .intersection(&self.addresses)
            .next()
            .is_some()
        {
            seen.add_hazard(HazardKind::PdfAction, "an address that is opened by itself");
        }
    }

    fn dictionary(&mut self, value: &Value<'_>, object: Option<u32>, seen: &mut Seen) {
        action(value, seen);
        attachment(value, seen);
        media(value, seen);
        if matches!(
            value.get(b"Encrypt"),
            Some(Value::Reference(_) | Value::Dictionary(_))
        ) {
            seen.add_hazard(
                HazardKind::Encrypted,
                "the trailer names an encryption dictionary",
            );
        }
        if opens_address(value)
            && let Some(object) = object.filter(|_| self.addresses.len() < REMEMBERED)
        {
            self.addresses.insert(object);
        }
        let triggers = value
            .get(b"OpenAction")
            .into_iter()
            .chain(match value.get(b"AA") {
                Some(Value::Dictionary(pairs)) => pairs.iter().map(|(_, action)| action).collect(),
                _ => Vec::new(),
            });
        for trigger in triggers {
            match trigger {
                Value::Reference(object) if self.automatic.len() < REMEMBERED => {
                    _ = self.automatic.insert(*object)
                }
                _ if opens_address(trigger) => {
                    seen.add_hazard(HazardKind::PdfAction, "an address that is opened by itself");
                }
                _ => {}
            }
        }
    }
}

fn opens_address(value: &Value<'_>) -> bool {
    value.is(b"S", b"URI") || value.is(b"S", b"GoToR")
}

fn action(value: &Value<'_>, seen: &mut Seen) {
    let code = matches!(value.get(b"JS"), Some(Value::Text(_) | Value::Reference(_)));
    // The action's name may itself be a reference; what else bears code is a rendition.
    let unnamed = !matches!(value.get(b"S"), Some(Value::Name(_)));
    if value.is(b"S", b"JavaScript") || (code && (unnamed || value.is(b"S", b"Rendition"))) {
        seen.add_hazard(HazardKind::PdfJavascript, "a JavaScript action");
    }
    if value.is(b"S", b"Launch") {
        seen.add_hazard(
            HazardKind::PdfLaunch,
            "an action that starts a program or opens a file",
        );
    }
    for (name, evidence) in [
        (&b"SubmitForm"[..], "an action that sends the form"),
        (b"ImportData", "an action that imports data"),
    ] {
        if value.is(b"S", name) {
            seen.add_hazard(HazardKind::PdfAction, evidence);
        }
    }
    if value.is(b"S", b"GoToE") {
        seen.add_hazard(
            HazardKind::EmbeddedFile,
            "an action that opens an attached file",
        );
    }
}

fn attachment(value: &Value<'_>, seen: &mut Seen) {
    if !matches!(
        value.get(b"EF"),
        Some(Value::Dictionary(_) | Value::Reference(_))
    ) && !value.is(b"Type", b"EmbeddedFile")
    {
        return;
    }
    seen.add_hazard(HazardKind::EmbeddedFile, "an attached file");
    for key in [&b"UF"[..], b"F", b"DOS", b"Unix"] {
        if let Some(Value::Text(name)) = value.get(key)
            && let Some(extension) = runnable::extension(&letters(name))
        {
            let inside = format!("an attached file that ends with .{extension}");
            seen.add_hazard(HazardKind::ExecutableInside, inside);
        }
    }
}

/// A name's letters, whether written as text, in UTF-16 or as hexadecimal digits.
fn letters(name: &[u8]) -> String {
    let digits = !name.is_empty()
        && name
            .iter()
            .all(|b| b.is_ascii_hexdigit() || b.is_ascii_whitespace());
    let plain: Vec<u8> = if digits {
        let digits: Vec<u32> = name
            .iter()
            .filter_map(|&b| char::from(b).to_digit(16))
            .collect();
        digits
            .chunks_exact(2)
            .map(|pair| (pair[0] << 4 | pair[1]) as u8)
            .collect()
    } else {
        name.to_vec()
    };
    plain
        .into_iter()
        .filter(|&b| b != 0)
        .map(char::from)
        .collect()
}

fn media(value: &Value<'_>, seen: &mut Seen) {
    for name in [&b"RichMedia"[..], b"3D", b"Movie", b"Sound"] {
        if value.is(b"Subtype", name)
            && (value.is(b"Type", b"Annot") || value.get(b"Rect").is_some())
        {
            seen.add_hazard(HazardKind::RichMedia, "an annotation that plays something");
        }
    }
    if value.is(b"S", b"Rendition") || value.is(b"S", b"RichMediaExecute") {
        seen.add_hazard(HazardKind::RichMedia, "an action that plays something");
    }
    if matches!(
        value.get(b"XFA"),
        Some(Value::List(_) | Value::Reference(_))
    ) {
        seen.add_hazard(HazardKind::Xfa, "an XFA form");
    }
    let side = |key: &[u8]| {
        value
            .get(key)
            .and_then(Value::whole)
            .and_then(|side| u32::try_from(side).ok())
    };
    if value.is(b"Subtype", b"Image")
        && let (Some(width), Some(height)) = (side(b"Width"), side(b"Height"))
        && let Some(evidence) = too_many_pixels(width, height)
    {
        seen.add_hazard(HazardKind::Bomb, evidence);
    }
}

#[cfg(test)]
mod tests {
    use super::super::lexer::Lexer;
    use super::*;
    use crate::kind::FileType;

    fn flags(bytes: &[u8]) -> Vec<HazardKind> {
        let mut seen = Seen::certain(FileType::Pdf);
        let mut flags = Flags::default();
        let mut lexer = Lexer::new(bytes, 0);
        while let Some(value) = lexer.value() {
            flags.look(&value, Some(7), &mut seen);
        }
        flags.finish(&mut seen);
        seen.hazards.into_iter().map(|hazard| hazard.kind).collect()
    }

    #[test]
    fn dictionaries() {
        use HazardKind::*;
        let rows: [(&[u8], &[HazardKind]); 14] = [
            (b"<< /S /JavaScript /JS 4 0 R >>", &[PdfJavascript]),
            (b"<< /#53 /J#61vaScript /#4aS (x) >>", &[PdfJavascript]),
            (b"<< /S 9 0 R /JS (x) >>", &[PdfJavascript]),
            (b"<< /Font << /JS 4 0 R /S /Span >> >>", &[]),
            (b"<< /Names << /JavaScript 4 0 R >> >>", &[]),
            (
                b"<< /Type /Catalog /OpenAction << /S /Launch /F (a) >> >>",
                &[PdfLaunch],
            ),
            (b"<< /OpenAction [3 0 R /Fit] >>", &[]),
            (
                b"<< /OpenAction << /S /URI /URI (http://a) >> >>",
                &[PdfAction],
            ),
            (
                b"<< /OpenAction 7 0 R >> << /S /URI /URI (http://a) >>",
                &[PdfAction],
            ),
            (b"<< /A << /S /URI /URI (http://a) >> >>", &[]),
            (
                b"<< /Type /Filespec /F (a.EXE) /EF << /F 3 0 R >> >>",
                &[EmbeddedFile, ExecutableInside],
            ),
            (
                b"<< /UF <FEFF0061002E006A0073> /EF << /F 3 0 R >> >>",
                &[EmbeddedFile, ExecutableInside],
            ),
            (b"<< /Fields [] /XFA 3 0 R >>", &[Xfa]),
            (b"<< /Subtype /Image /Width 90000 /Height 90000 >>", &[Bomb]),
        ];
        for (bytes, expected) in rows {
            assert_eq!(flags(bytes), expected, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
