//! The two voices that are not the bytes: the declared content type and the file's name.

use crate::kind::FileType;
use serde::{Deserialize, Serialize};

/// Essences that say "some bytes": silence, not a lie.
const SAYS_NOTHING: [&str; 6] = [
    "application/octet-stream",
    "binary/octet-stream",
    "application/binary",
    "application/unknown",
    "unknown/unknown",
    "*/*",
];

/// The longest part of a claim that is repeated in findings, in characters.
const SAID_CAP: usize = 127;

/// What the sender says about the file. Never trusted, only compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Claim<'a> {
    /// The `Content-Type` as given, parameters allowed.
    pub declared: Option<&'a str>,
    /// The file's name as given.
    pub file_name: Option<&'a str>,
}

/// Whether one voice agrees with the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "says", rename_all = "kebab-case")]
pub enum Agreement {
    /// The same type, or a usual other name for it.
    Agrees,
    /// Another type.
    Differs {
        /// The claimed MIME essence or extension: lower case, printable ASCII, at most 127 characters.
        said: String,
    },
    /// Nothing was said, nothing that names a type, or nothing that can be compared with unknown bytes.
    Silent,
}

impl Agreement {
    /// Whether this voice names another type than the bytes.
    #[must_use]
    pub fn differs(&self) -> bool {
        matches!(self, Self::Differs { .. })
    }
}

impl Claim<'_> {
    /// The declared type without parameters, lower case; `None` where it names no type.
    pub(crate) fn essence(&self) -> Option<String> {
        let essence = self
            .declared?
            .split(';')
            .next()?
            .trim()
            .to_ascii_lowercase();
        (essence.contains('/') && !SAYS_NOTHING.contains(&essence.as_str())).then_some(essence)
    }

    /// The name's extension, lower case, without the dot; `None` where the end of the name is no extension.
    ///
    /// Trailing dots and spaces are dropped first, as Windows does when it opens the file.
    pub(crate) fn extension(&self) -> Option<String> {
        let name = self.file_name?.trim_end_matches(['.', ' ', '\t']);
        let (stem, extension) = name.rsplit_once('.')?;
        let plausible = (1..=10).contains(&extension.len())
            && extension.bytes().all(|b| b.is_ascii_alphanumeric())
            && (extension.bytes().any(|b| b.is_ascii_alphabetic()));
        // A dot file's name is its name, unless that is all there is to know.
        let named = !stem.is_empty() || FileType::knows_extension(extension);
        (plausible && named).then(|| extension.to_ascii_lowercase())
    }

    pub(crate) fn declared_agreement(&self, kind: FileType) -> Agreement {
        let Some(essence) = self.essence() else {
            return Agreement::Silent;
        };
        // Any text/* of which we have no row is a name people give to plain text.
        let loosely_text = kind == FileType::Text
            && essence.starts_with("text/")
            && !FileType::knows_mime(&essence);
        compare(
            kind,
            &essence,
            loosely_text || kind.goes_by_mime(&essence),
            FileType::knows_mime(&essence),
        )
    }

    pub(crate) fn extension_agreement(&self, kind: FileType) -> Agreement {
        let Some(extension) = self.extension() else {
            return Agreement::Silent;
        };
        compare(
            kind,
            &extension,
            kind.goes_by_extension(&extension),
            FileType::knows_extension(&extension),
        )
    }
}

fn compare(kind: FileType, said: &str, agrees: bool, known: bool) -> Agreement {
    match (kind, agrees, known) {
        // A name we have no row for says nothing we could check; unknown bytes are then all there is.
        (FileType::Unknown, _, false) => Agreement::Silent,
        (FileType::Unknown, _, true) | (_, false, _) => Agreement::Differs {
            said: printable(said),
        },
        (_, true, _) => Agreement::Agrees,
    }
}

fn printable(said: &str) -> String {
    said.chars()
        .map(|c| if c.is_ascii_graphic() { c } else { '?' })
        .take(SAID_CAP)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differs(said: &str) -> Agreement {
        Agreement::Differs {
            said: said.to_owned(),
        }
    }

    #[test]
    fn declared_types() {
        let table = [
            (
                FileType::OggOpus,
                "audio/ogg; codecs=opus",
                Agreement::Agrees,
            ),
            (FileType::Jpeg, "IMAGE/JPG", Agreement::Agrees),
            (FileType::Jpeg, "image/png", differs("image/png")),
            (
                FileType::Jpeg,
                "application/octet-stream",
                Agreement::Silent,
            ),
            (FileType::Jpeg, "image", Agreement::Silent),
            (
                FileType::Jpeg,
                "image/x-unheard-of",
                differs("image/x-unheard-of"),
            ),
            (FileType::Text, "text/x-log", Agreement::Agrees),
            (FileType::Text, "text/html", differs("text/html")),
            (FileType::Unknown, "image/png", differs("image/png")),
            (
                FileType::Unknown,
                "application/x-unheard-of",
                Agreement::Silent,
            ),
        ];
        for (kind, declared, expected) in table {
            let claim = Claim {
                declared: Some(declared),
                file_name: None,
            };
            assert_eq!(
                claim.declared_agreement(kind),
                expected,
                "{kind:?} {declared}"
            );
        }
        assert_eq!(
            Claim::default().declared_agreement(FileType::Png),
            Agreement::Silent
        );
    }

    #[test]
    fn extensions() {
        let table = [
            (FileType::Jpeg, "photo.JPEG", Agreement::Agrees),
            (FileType::Pdf, "Rechnung März (1).pdf", Agreement::Agrees),
            (FileType::Pe, "invoice.png", differs("png")),
            (FileType::Pe, "setup.exe. ", Agreement::Agrees),
            (FileType::Png, "Invoice no. 5", Agreement::Silent),
            (FileType::Png, "v1.2", Agreement::Silent),
            (FileType::Png, "noextension", Agreement::Silent),
            (FileType::Png, ".png", Agreement::Agrees),
            (FileType::Docx, "a.docm", differs("docm")),
            (FileType::Docx, "a.zip", Agreement::Agrees),
            (FileType::Unknown, "a.xyzzy", Agreement::Silent),
        ];
        for (kind, name, expected) in table {
            let claim = Claim {
                declared: None,
                file_name: Some(name),
            };
            assert_eq!(claim.extension_agreement(kind), expected, "{kind:?} {name}");
        }
    }

    #[test]
    fn what_was_said_is_made_harmless() {
        let long = format!("image/{}\u{202e}\n", "x".repeat(300));
        let claim = Claim {
            declared: Some(&long),
            file_name: None,
        };
        let Agreement::Differs { said } = claim.declared_agreement(FileType::Png) else {
            panic!("should differ")
        };
        assert!(said.len() == SAID_CAP && said.is_ascii());
    }
}
