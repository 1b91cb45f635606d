//! A verdict and the reasons for it, as plain data.

use crate::findings::HazardKind;
use serde::{Deserialize, Serialize};

/// The answer, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// May be delivered.
    Clean,
    /// Stays where it is until a person decides.
    Held,
    /// Dangerous: to be moved out of reach.
    Quarantined,
}

/// A verdict with everything that spoke for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// The worst verdict among the reasons; clean without any.
    pub verdict: Verdict,
    /// Worst first, otherwise in the order found.
    pub reasons: Vec<Reason>,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What it is about.
    pub code: ReasonCode,
    /// What the policy says about it.
    pub verdict: Verdict,
    /// What was seen; free of the sender's text, except for a type or extension made printable.
    pub evidence: String,
}

/// What a reason is about. Serialised as one kebab-case word, the names in the policy file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ReasonCode {
    /// A hazard, by its own name.
    Hazard(HazardKind),
    /// Anything else that was noticed.
    Notice(Notice),
}

/// Reasons that are no hazards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Notice {
    /// The structure goes on after the last byte.
    Truncated,
    /// The structure contradicts itself.
    Damaged,
    /// Bytes follow the structure's end.
    TrailingBytes,
    /// The structure's end was not looked at.
    IntegrityNotChecked,
    /// No known type fits.
    UnknownType,
    /// The declared type names another type.
    DeclaredDiffers,
    /// The name's extension names another type.
    ExtensionDiffers,
    /// A type of a dangerous family passes for something else.
    Disguised,
}

impl ReasonCode {
    /// The stable name, the same as in serialised form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hazard(kind) => kind.as_str(),
            Self::Notice(Notice::Truncated) => "truncated",
            Self::Notice(Notice::Damaged) => "damaged",
            Self::Notice(Notice::TrailingBytes) => "trailing-bytes",
            Self::Notice(Notice::IntegrityNotChecked) => "integrity-not-checked",
            Self::Notice(Notice::UnknownType) => "unknown-type",
            Self::Notice(Notice::DeclaredDiffers) => "declared-differs",
            Self::Notice(Notice::ExtensionDiffers) => "extension-differs",
            Self::Notice(Notice::Disguised) => "disguised",
        }
    }
}

impl Verdict {
    /// The stable name, the same as in serialised form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Held => "held",
            Self::Quarantined => "quarantined",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_one_word_and_come_back() {
        let notices = [
            Notice::Truncated,
            Notice::Damaged,
            Notice::TrailingBytes,
            Notice::IntegrityNotChecked,
            Notice::UnknownType,
            Notice::DeclaredDiffers,
            Notice::ExtensionDiffers,
            Notice::Disguised,
        ];
        let codes = HazardKind::ALL
            .map(ReasonCode::Hazard)
            .into_iter()
            .chain(notices.map(ReasonCode::Notice));
        for code in codes {
            let json = serde_json::to_value(code).unwrap();
            assert_eq!(json, code.as_str());
            assert_eq!(serde_json::from_value::<ReasonCode>(json).unwrap(), code);
        }
    }

    #[test]
    fn verdicts_get_worse() {
        assert!(Verdict::Clean < Verdict::Held && Verdict::Held < Verdict::Quarantined);
        for verdict in [Verdict::Clean, Verdict::Held, Verdict::Quarantined] {
            assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.as_str());
        }
    }
}
