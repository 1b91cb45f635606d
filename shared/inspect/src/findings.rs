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
    /// An archive that carries an executable or a script.
    ExecutableInside,
    /// Code in an office document.
    Macro,
    /// Script in SVG, HTML or XML.
    MarkupScript,
    /// Contents we cannot look at without a password.
    Encrypted,
    /// An executable behind the end of another format.
    TrailingExecutable,
    /// The same bytes are valid as a second format.
    Polyglot,
    /// Small file, huge contents: more entries, bytes or pixels than we accept.
    Bomb,
    /// Judging it would take more reading than the cap allows.
    BeyondLimits,
}

impl HazardKind {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 10] = [
        Self::Executable,
        Self::Script,
        Self::ExecutableInside,
        Self::Macro,
        Self::MarkupScript,
        Self::Encrypted,
        Self::TrailingExecutable,
        Self::Polyglot,
        Self::Bomb,
        Self::BeyondLimits,
    ];

    /// The stable name, the same as in serialised form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Executable => "executable",
            Self::Script => "script",
            Self::ExecutableInside => "executable-inside",
            Self::Macro => "macro",
            Self::MarkupScript => "markup-script",
            Self::Encrypted => "encrypted",
            Self::TrailingExecutable => "trailing-executable",
            Self::Polyglot => "polyglot",
            Self::Bomb => "bomb",
            Self::BeyondLimits => "beyond-limits",
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
