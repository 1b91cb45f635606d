//! What in a PDF's dictionaries starts, loads, sends or carries something (ISO 32000-2 §12.6, §7.11.4, §13).

use super::form_script;
use super::key::{Id, Key};
use super::value::Value;
use crate::findings::HazardKind;
use crate::formats::attached;
use crate::seen::{Seen, too_many_pixels};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Actions that are asked for when the document or a page opens, those that open an address or send the form, and what
/// else needs another object to be judged.
#[derive(Default)]
pub(super) struct Flags {
    automatic: BTreeSet<u32>,
    leaving: BTreeSet<u32>,
    pending: Pending,
    /// What opens the strings, where they are locked.
    pub(super) key: Option<Rc<Key>>,
    /// The object around what is looked at, where its strings are locked by themselves.
    within: Option<Id>,
    /// Encryption dictionaries that were named: by their objects, or within the trailer.
    locks: BTreeSet<Option<u32>>,
    /// The first identifiers of the document that trailers name; empty where one names none.
    ids: BTreeSet<Vec<u8>>,
}

/// Objects that dictionaries pointed to, to be looked at once all are known where they stand.
#[derive(Default)]
pub(super) struct Pending {
    /// Streams that are attached files, with the names they go by.
    pub(super) files: BTreeMap<u32, String>,
    /// Dictionaries of such streams, likewise.
    pub(super) folders: BTreeMap<u32, String>,
    /// Strings or streams with JavaScript.
    pub(super) scripts: BTreeSet<u32>,
    /// Streams whose XML makes up XFA forms, in their order.
    pub(super) forms: Vec<u32>,
}

/// References remembered at most.
const REMEMBERED: usize = 4096;
/// Identifiers remembered at most: each is tried with the key.
const IDS_CAP: usize = 8;

impl Flags {
    pub(super) fn with(key: Option<Rc<Key>>) -> Self {
        Self {
            key,
            ..Self::default()
        }
    }

    /// What is looked at next stands in this object, or in none whose strings are locked by themselves.
    pub(super) fn begin(&mut self, within: Option<Id>) {
        self.within = within;
    }

    /// Whether an encryption dictionary was named.
    pub(super) fn is_locked(&self) -> bool {
        !self.locks.is_empty()
    }

    /// The object of the only encryption dictionary, and the identifiers it may go with.
    pub(super) fn lock(&self) -> Option<(u32, &BTreeSet<Vec<u8>>)> {
        let mut locks = self.locks.iter();
        match (locks.next(), locks.next()) {
            (Some(&Some(object)), None) => Some((object, &self.ids)),
            _ => None,
        }
    }

    /// The characters of a string, unlocked where it is locked.
    fn text(&self, raw: &[u8]) -> String {
        match (&self.key, self.within) {
            (Some(key), Some(id)) => {
                form_script::characters(&key.string(id, &form_script::bytes_of(raw)))
            }
            _ => form_script::text(raw),
        }
    }

    /// Remembers an encryption dictionary that a trailer names.
    fn encryption(&mut self, value: &Value<'_>) {
        let object = match value.get(b"Encrypt") {
            Some(Value::Reference(object)) => Some(*object),
            Some(Value::Dictionary(_)) => None,
            _ => return,
        };
        let id = match value.get(b"ID") {
            Some(Value::List(ids)) => match ids.first() {
                Some(Value::Text(first)) => form_script::bytes_of(first),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        if self.locks.len() < REMEMBERED && self.ids.len() < IDS_CAP {
            self.locks.insert(object);
            self.ids.insert(id);
        }
    }

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

    /// Settles what needs two objects to see: an action on opening that opens an address. Answers what remains to be
    /// looked at.
    pub(super) fn finish(self, seen: &mut Seen) -> Pending {
        if self.automatic.intersection(&self.leaving).next().is_some() {
            by_itself(seen);
        }
        self.pending
    }

    fn dictionary(&mut self, value: &Value<'_>, object: Option<u32>, seen: &mut Seen) {
        self.script(value, seen);
        self.attachment(value, object, seen);
        action(value, seen);
        media(value, seen);
        self.form(value, seen);
        self.encryption(value);
        if leaves(value)
            && let Some(object) = object.filter(|_| self.leaving.len() < REMEMBERED)
        {
            self.leaving.insert(object);
        }
        let next = value
            .get(b"Next")
            .filter(|_| matches!(value.get(b"S"), Some(Value::Name(_))));
        let triggers =
            value
                .get(b"OpenAction")
                .into_iter()
                .chain(next)
                .chain(match value.get(b"AA") {
                    Some(Value::Dictionary(pairs)) => {
                        pairs.iter().map(|(_, action)| action).collect()
                    }
                    _ => Vec::new(),
                });
        for trigger in triggers {
            match trigger {
                Value::Reference(object) if self.automatic.len() < REMEMBERED => {
                    _ = self.automatic.insert(*object)
                }
                _ if leaves(trigger) => by_itself(seen),
                _ => {}
            }
        }
    }

    /// Adds JavaScript. What stands in another object is remembered.
    fn script(&mut self, value: &Value<'_>, seen: &mut Seen) {
        let code = value.get(b"JS");
        let bears = matches!(code, Some(Value::Text(_) | Value::Reference(_)));
        // The action's name may itself be a reference; what else bears code is a rendition.
        let unnamed = !matches!(value.get(b"S"), Some(Value::Name(_)));
        if !(value.is(b"S", b"JavaScript") || bears && (unnamed || value.is(b"S", b"Rendition"))) {
            return;
        }
        match code {
            Some(Value::Text(text)) => form_script::flag(&self.text(text), seen),
            Some(Value::Reference(object)) if self.pending.scripts.len() < REMEMBERED => {
                _ = self.pending.scripts.insert(*object)
            }
            _ => seen.add_hazard(HazardKind::PdfJavascript, "a JavaScript action"),
        }
    }

    /// Adds an XFA form. Its XML stands in streams, one after another, which are remembered.
    fn form(&mut self, value: &Value<'_>, seen: &mut Seen) {
        let pieces: &[Value<'_>] = match value.get(b"XFA") {
            Some(Value::List(pieces)) => pieces,
            Some(one @ Value::Reference(_)) => std::slice::from_ref(one),
            _ => return,
        };
        seen.add_hazard(HazardKind::Xfa, "an XFA form");
        for piece in pieces {
            match piece {
                Value::Reference(stream) if self.pending.forms.len() < REMEMBERED => {
                    self.pending.forms.push(*stream);
                }
                _ => {}
            }
        }
    }

    /// Adds attached files. What they are stands in other objects, which are remembered.
    fn attachment(&mut self, value: &Value<'_>, object: Option<u32>, seen: &mut Seen) {
        let names: Vec<String> = [&b"UF"[..], b"F", b"DOS", b"Unix"]
            .into_iter()
            .filter_map(|key| match value.get(key) {
                Some(Value::Text(name)) => Some(self.text(name)),
                _ => None,
            })
            .collect();
        let name = names.first().cloned().unwrap_or_default();
        let (files, folders) = (&mut self.pending.files, &mut self.pending.folders);
        match value.get(b"EF") {
            Some(Value::Dictionary(pairs)) => {
                for (_, one) in pairs {
                    if let Value::Reference(file) = one {
                        files.insert(*file, name.clone());
                    }
                }
            }
            Some(Value::Reference(folder)) => _ = folders.insert(*folder, name),
            _ if value.is(b"Type", b"EmbeddedFile") => {
                if let Some(object) = object {
                    files.entry(object).or_default();
                }
            }
            // LibreOffice's: what the document was made from, for editing it.
            _ => match value.get(b"AdditionalStreams") {
                Some(Value::List(list)) => {
                    for one in list {
                        if let Value::Reference(file) = one {
                            files.entry(*file).or_default();
                        }
                    }
                }
                _ => return,
            },
        }
        seen.add_hazard(HazardKind::EmbeddedFile, "an attached file");
        for name in names {
            attached::by_name(attached::Carrier::Document, &name, seen);
        }
    }
}

fn by_itself(seen: &mut Seen) {
    let evidence = "an address that is opened, or a form that is sent, by itself";
    seen.add_hazard(HazardKind::PdfAction, evidence);
}

/// Whether an action opens an address or another file, or sends the form.
fn leaves(value: &Value<'_>) -> bool {
    [&b"URI"[..], b"GoToR", b"SubmitForm"]
        .into_iter()
        .any(|action| value.is(b"S", action))
}

fn action(value: &Value<'_>, seen: &mut Seen) {
    let actions: [(&[u8], HazardKind, &str); 4] = [
        (
            b"Launch",
            HazardKind::PdfLaunch,
            "an action that starts a program or opens a file",
        ),
        (
            b"SubmitForm",
            HazardKind::PdfFormSubmit,
            "an action that sends the form",
        ),
        (
            b"ImportData",
            HazardKind::PdfAction,
            "an action that imports data",
        ),
        (
            b"GoToE",
            HazardKind::EmbeddedFile,
            "an action that opens an attached file",
        ),
    ];
    for (name, kind, evidence) in actions {
        if value.is(b"S", name) {
            seen.add_hazard(kind, evidence);
        }
    }
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
        let pending = flags.finish(&mut seen);
        assert!(pending.forms.len() <= 1);
        assert!(pending.scripts.len() + pending.files.len() + pending.folders.len() <= 1);
        seen.hazards.into_iter().map(|hazard| hazard.kind).collect()
    }

    #[test]
    fn dictionaries() {
        use HazardKind::*;
        let rows: [(&[u8], &[HazardKind]); 17] = [
            (
                b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>",
                &[PdfJavascript],
            ),
            (
                b"<< /S /JavaScript /JS (print\\(true\\)) >>",
                &[PdfFormScript],
            ),
            (b"<< /#53 /J#61vaScript /#4aS (x) >>", &[PdfJavascript]),
            (b"<< /S 9 0 R /JS (x) >>", &[PdfJavascript]),
            (b"<< /S /JavaScript >>", &[PdfJavascript]),
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
            (
                b"<< /S /GoTo /Next << /S /SubmitForm /F (http://a) >> >>",
                &[PdfAction, PdfFormSubmit],
            ),
            (
                b"<< /A << /S /SubmitForm /F (http://a) >> >>",
                &[PdfFormSubmit],
            ),
            (b"<< /A << /S /URI /URI (http://a) >> >>", &[]),
            (
                b"<< /UF <FEFF0061002E006A0073> /EF << /F 3 0 R >> >>",
                &[EmbeddedFile, EmbeddedExecutable],
            ),
            (b"<< /Fields [] /XFA 3 0 R >>", &[Xfa]),
            (b"<< /Subtype /Image /Width 90000 /Height 90000 >>", &[Bomb]),
        ];
        for (bytes, expected) in rows {
            assert_eq!(flags(bytes), expected, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
