//! The answer of an inspection, as plain data.

use crate::claim::Agreement;
use crate::kind::FileType;
use serde::{Deserialize, Serialize};

/// Everything one inspection found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// The type by the bytes; [`FileType::Unknown`] where nothing fits.
    pub kind: FileType,
    /// How the type was settled.
    pub confidence: Confidence,
    /// Whether the declared content type agrees with the bytes.
    pub declared: Agreement,
    /// Whether the file name's extension agrees with the bytes.
    pub extension: Agreement,
    /// Whether the structure is complete.
    pub integrity: Integrity,
    /// What is dangerous or cannot be judged, in the order found. Empty is good.
    pub hazards: Vec<Hazard>,
    /// Bytes read from the source to find this out, repeated reads counted again.
    pub bytes_read: u64,
}

impl Findings {
    /// What is to be said of a file whose inspection came to no end, and how it failed.
    #[must_use]
    pub fn not_judged(evidence: impl Into<String>) -> Self {
        Self {
            kind: FileType::Unknown,
            confidence: Confidence::Guess,
            declared: Agreement::Silent,
            extension: Agreement::Silent,
            integrity: Integrity::NotChecked,
            hazards: vec![Hazard {
                kind: HazardKind::NotJudged,
                evidence: evidence.into(),
            }],
            bytes_read: 0,
        }
    }

    /// Whether a hazard of this kind was found.
    #[must_use]
    pub fn has(&self, kind: HazardKind) -> bool {
        self.hazards.iter().any(|hazard| hazard.kind == kind)
    }
}

/// How surely the bytes settle the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Nothing better fits, or only statistics of text speak for it.
    Guess,
    /// A magic number, or text that has the shape of the type.
    Likely,
    /// The structure was followed.
    Certain,
}

/// Whether the structure of the file reaches its own end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Integrity {
    /// The structure ends where the file ends.
    Whole,
    /// The structure goes on after the file's last byte.
    Truncated {
        /// What is missing.
        evidence: String,
    },
    /// The structure contradicts itself.
    Damaged {
        /// Which contradiction.
        evidence: String,
    },
    /// The structure is complete and the file goes on.
    Trailing {
        /// Bytes after the end of the structure, padding included.
        bytes: u64,
    },
    /// The format says nothing about its end, or looking for it would read too much.
    NotChecked,
}

impl Integrity {
    pub(crate) fn truncated(evidence: impl Into<String>) -> Self {
        Self::Truncated {
            evidence: evidence.into(),
        }
    }

    pub(crate) fn damaged(evidence: impl Into<String>) -> Self {
        Self::Damaged {
            evidence: evidence.into(),
        }
    }

    /// Whole if the structure ends at `end`, otherwise what the difference to the file's length says.
    pub(crate) fn ending_at(end: u64, file_length: u64) -> Self {
        match file_length.checked_sub(end) {
            Some(0) => Self::Whole,
            Some(bytes) => Self::Trailing { bytes },
            None => Self::truncated(format!(
                "the structure ends at byte {end}, the file at {file_length}"
            )),
        }
    }
}

/// One danger and what speaks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hazard {
    /// Which danger.
    pub kind: HazardKind,
    /// What was seen, in words for a person; free of the sender's text.
    pub evidence: String,
}

/// The dangers we name. The kebab-case names are stable: rows, metrics and policy files use them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HazardKind {
    /// Machine code, an installer, a shortcut, or bytecode that a double click runs.
    Executable,
    /// Text that a double click or an interpreter runs.
    Script,
    /// An archive, message or document that carries an executable or a script.
    ExecutableInside,
    /// Code in an office document: VBA, Excel 4 macro sheets, Basic.
    Macro,
    /// A field, link or cell that starts another program to fetch its value (DDE).
    Dde,
    /// An arbitrary file packed into an office document as an object.
    OlePackage,
    /// An office document that loads its template from somewhere else.
    ExternalTemplate,
    /// An office document that loads an object, frame or part from somewhere else when it is opened.
    ExternalObject,
    /// An office document that shows a picture or plays a recording from the web.
    ExternalMedia,
    /// A control in an office document, or the data of one.
    #[serde(rename = "activex")]
    ActiveX,
    /// Script in SVG, HTML or XML.
    MarkupScript,
    /// XML that has its reader fetch something else.
    ExternalEntity,
    /// JavaScript in a PDF.
    PdfJavascript,
    /// A PDF that starts a program or opens a file.
    PdfLaunch,
    /// A PDF form that formats its fields, adds them up, or prints itself: JavaScript that can do nothing else.
    PdfFormScript,
    /// A PDF that sends its form or opens an address by itself, or imports data.
    PdfAction,
    /// A PDF form with a button that sends it.
    PdfFormSubmit,
    /// A file attached to a PDF. What it is has flags of its own.
    EmbeddedFile,
    /// A program or a script attached to a PDF or packed into an office document.
    EmbeddedExecutable,
    /// A file attached to a PDF or packed into an office document that is no plain data, or that we cannot look at.
    EmbeddedUnknown,
    /// Flash, video, sound or 3D content in a PDF.
    RichMedia,
    /// An XFA form in a PDF: what it runs and sends has flags of its own.
    Xfa,
    /// Contents we cannot look at without a password.
    Encrypted,
    /// Locked against changes, copying or printing, but open to everybody: read like any other.
    Restricted,
    /// An executable behind the end of another format.
    TrailingExecutable,
    /// Bytes behind the end of a format that are neither padding nor what phones append.
    TrailingData,
    /// The same bytes are valid as a second format.
    Polyglot,
    /// Small file, huge contents: more entries, bytes or pixels than we accept.
    Bomb,
    /// The test file by which virus scanners are checked.
    Eicar,
    /// Judging it would take more reading or unpacking than the caps allow.
    BeyondLimits,
    /// A scanner calls it malware. Never found by inspection: whoever scans adds it.
    Malware,
    /// Its hash is on the owner's block list. Never found by inspection: whoever hashes adds it.
    BlockListed,
    /// An archive, a packed file or a container whose contents were not listed: a format that is not unpacked here.
    UnseenInside,
    /// Inspecting it came to no end, as often as it was tried. Never found by inspection: whoever tried adds it.
    NotJudged,
    /// A scan was asked for and did not happen. Never found by inspection: "not scanned" is not "clean".
    NotScanned,
}

impl HazardKind {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 35] = [
        Self::Executable,
        Self::Script,
        Self::ExecutableInside,
        Self::Macro,
        Self::Dde,
        Self::OlePackage,
        Self::ExternalTemplate,
        Self::ExternalObject,
        Self::ExternalMedia,
        Self::ActiveX,
        Self::MarkupScript,
        Self::ExternalEntity,
        Self::PdfJavascript,
        Self::PdfLaunch,
        Self::PdfFormScript,
        Self::PdfAction,
        Self::PdfFormSubmit,
        Self::EmbeddedFile,
        Self::EmbeddedExecutable,
        Self::EmbeddedUnknown,
        Self::RichMedia,
        Self::Xfa,
        Self::Encrypted,
        Self::Restricted,
        Self::TrailingExecutable,
        Self::TrailingData,
        Self::Polyglot,
        Self::Bomb,
        Self::Eicar,
        Self::BeyondLimits,
        Self::Malware,
        Self::BlockListed,
        Self::UnseenInside,
        Self::NotJudged,
        Self::NotScanned,
    ];

    /// The stable name, the same as in serialised form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Executable => "executable",
            Self::Script => "script",
            Self::ExecutableInside => "executable-inside",
            Self::Macro => "macro",
            Self::Dde => "dde",
            Self::OlePackage => "ole-package",
            Self::ExternalTemplate => "external-template",
            Self::ExternalObject => "external-object",
            Self::ExternalMedia => "external-media",
            Self::ActiveX => "activex",
            Self::MarkupScript => "markup-script",
            Self::ExternalEntity => "external-entity",
            Self::PdfJavascript => "pdf-javascript",
            Self::PdfLaunch => "pdf-launch",
            Self::PdfFormScript => "pdf-form-script",
            Self::PdfAction => "pdf-action",
            Self::PdfFormSubmit => "pdf-form-submit",
            Self::EmbeddedFile => "embedded-file",
            Self::EmbeddedExecutable => "embedded-executable",
            Self::EmbeddedUnknown => "embedded-unknown",
            Self::RichMedia => "rich-media",
            Self::Xfa => "xfa",
            Self::Encrypted => "encrypted",
            Self::Restricted => "restricted",
            Self::TrailingExecutable => "trailing-executable",
            Self::TrailingData => "trailing-data",
            Self::Polyglot => "polyglot",
            Self::Bomb => "bomb",
            Self::Eicar => "eicar",
            Self::BeyondLimits => "beyond-limits",
            Self::Malware => "malware",
            Self::BlockListed => "block-listed",
            Self::UnseenInside => "unseen-inside",
            Self::NotJudged => "not-judged",
            Self::NotScanned => "not-scanned",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_serialised_form() {
        for kind in HazardKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn an_end_is_compared_with_the_length() {
        assert_eq!(Integrity::ending_at(10, 10), Integrity::Whole);
        assert_eq!(
            Integrity::ending_at(10, 13),
            Integrity::Trailing { bytes: 3 }
        );
        assert!(matches!(
            Integrity::ending_at(10, 9),
            Integrity::Truncated { .. }
        ));
    }
}
