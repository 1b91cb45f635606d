//! From findings to a verdict: a pure table, edited by the owner.
//!
//! The standard table is `policy.toml` beside this file; an owner's own TOML overlays it entry by entry. Every reason
//! is kept, also the harmless ones: a clean verdict can say why it nearly was not.

use crate::claim::Agreement;
use crate::findings::{Findings, HazardKind, Integrity};
use crate::kind::{Family, FileType};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const STANDARD: &str = include_str!("policy.toml");

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

/// A policy file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("reading the inspection policy")]
pub struct PolicyError(#[from] Box<toml::de::Error>);

/// What to do about each finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    hazards: BTreeMap<HazardKind, Verdict>,
    integrity: ByIntegrity,
    unknown: ByType,
    differs: ByVoice,
    disguised: BTreeMap<Family, Verdict>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ByIntegrity {
    truncated: Verdict,
    damaged: Verdict,
    trailing: Verdict,
    not_checked: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ByType {
    r#type: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ByVoice {
    declared: Verdict,
    extension: Verdict,
}

impl Default for Policy {
    /// The standard policy.
    fn default() -> Self {
        #[expect(
            clippy::expect_used,
            reason = "the file is part of the program, and a test reads it"
        )]
        Self::from_toml("").expect("the standard policy is well formed")
    }
}

impl Policy {
    /// Reads a policy: the standard one with the entries of `text` in place of its own.
    ///
    /// # Errors
    /// Malformed TOML, an entry that does not exist, or a verdict that is none. The source names the key and the place.
    pub fn from_toml(text: &str) -> Result<Self, PolicyError> {
        let mut table: toml::Table = toml::from_str(STANDARD).map_err(Box::new)?;
        // Read alone first, so that an error points into the owner's text.
        let changes: Changes = toml::from_str(text).map_err(Box::new)?;
        for (section, entries) in changes.0 {
            match table.get_mut(&section).and_then(toml::Value::as_table_mut) {
                Some(standard) => standard.extend(
                    entries
                        .into_iter()
                        .map(|(key, verdict)| (key, verdict.to_value())),
                ),
                None => _ = table.insert(section, toml::Value::Table(toml::Table::new())),
            }
        }
        Ok(table.try_into().map_err(Box::new)?)
    }

    /// Judges findings. A hazard the table does not name counts as quarantined.
    #[must_use]
    pub fn judge(&self, findings: &Findings) -> Judgement {
        let mut reasons = Vec::new();
        for hazard in &findings.hazards {
            let verdict = self
                .hazards
                .get(&hazard.kind)
                .copied()
                .unwrap_or(Verdict::Quarantined);
            reasons.push(Reason {
                code: ReasonCode::Hazard(hazard.kind),
                verdict,
                evidence: hazard.evidence.clone(),
            });
        }
        let mut notice = |notice, verdict, evidence| {
            reasons.push(Reason {
                code: ReasonCode::Notice(notice),
                verdict,
                evidence,
            })
        };
        match &findings.integrity {
            Integrity::Whole => {}
            Integrity::Truncated { evidence } => notice(
                Notice::Truncated,
                self.integrity.truncated,
                evidence.clone(),
            ),
            Integrity::Damaged { evidence } => {
                notice(Notice::Damaged, self.integrity.damaged, evidence.clone())
            }
            Integrity::Trailing { bytes } => {
                notice(
                    Notice::TrailingBytes,
                    self.integrity.trailing,
                    format!("{bytes} bytes after the end"),
                );
            }
            Integrity::NotChecked => {
                notice(
                    Notice::IntegrityNotChecked,
                    self.integrity.not_checked,
                    "the end was not looked at".to_owned(),
                );
            }
        }
        if findings.kind == FileType::Unknown {
            notice(
                Notice::UnknownType,
                self.unknown.r#type,
                "no known type fits these bytes".to_owned(),
            );
        }
        self.voices(findings, &mut notice);
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.verdict));
        Judgement {
            verdict: reasons
                .first()
                .map_or(Verdict::Clean, |worst| worst.verdict),
            reasons,
        }
    }

    fn voices(&self, findings: &Findings, notice: &mut impl FnMut(Notice, Verdict, String)) {
        let label = findings.kind.label();
        let voices = [
            (
                &findings.declared,
                Notice::DeclaredDiffers,
                self.differs.declared,
                "declared",
            ),
            (
                &findings.extension,
                Notice::ExtensionDiffers,
                self.differs.extension,
                "named",
            ),
        ];
        let mut disguised = false;
        for (agreement, code, verdict, how) in voices {
            if let Agreement::Differs { said } = agreement {
                notice(
                    code,
                    verdict,
                    format!("{how} {said}, the bytes are: {label}"),
                );
                disguised = true;
            }
        }
        if let Some(&verdict) = self
            .disguised
            .get(&findings.kind.family())
            .filter(|_| disguised)
        {
            notice(
                Notice::Disguised,
                verdict,
                format!("{label} under another type's name"),
            );
        }
    }
}

/// An owner's file: sections of entries.
#[derive(Deserialize)]
struct Changes(BTreeMap<String, BTreeMap<String, Verdict>>);

impl Verdict {
    fn to_value(self) -> toml::Value {
        toml::Value::String(
            match self {
                Self::Clean => "clean",
                Self::Held => "held",
                Self::Quarantined => "quarantined",
            }
            .to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::{Confidence, Hazard};

    fn findings(kind: FileType) -> Findings {
        Findings {
            kind,
            confidence: Confidence::Certain,
            declared: Agreement::Silent,
            extension: Agreement::Silent,
            integrity: Integrity::Whole,
            hazards: Vec::new(),
            bytes_read: 0,
        }
    }

    #[test]
    fn the_standard_policy_names_every_hazard() {
        let policy = Policy::default();
        assert!(
            HazardKind::ALL
                .iter()
                .all(|kind| policy.hazards.contains_key(kind))
        );
    }

    #[test]
    fn verdicts() {
        let differs = || Agreement::Differs {
            said: "image/png".to_owned(),
        };
        let hazard = |kind| Hazard {
            kind,
            evidence: String::new(),
        };
        let rows = [
            (
                "nothing said",
                findings(FileType::Png),
                Verdict::Clean,
                None,
            ),
            (
                "other picture",
                Findings {
                    declared: differs(),
                    ..findings(FileType::Jpeg)
                },
                Verdict::Clean,
                Some("declared-differs"),
            ),
            (
                "archive as picture",
                Findings {
                    declared: differs(),
                    ..findings(FileType::Zip)
                },
                Verdict::Held,
                Some("disguised"),
            ),
            (
                "page as picture",
                Findings {
                    extension: differs(),
                    ..findings(FileType::Html)
                },
                Verdict::Quarantined,
                Some("disguised"),
            ),
            (
                "unknown",
                findings(FileType::Unknown),
                Verdict::Held,
                Some("unknown-type"),
            ),
            (
                "cut",
                Findings {
                    integrity: Integrity::truncated(""),
                    ..findings(FileType::Pdf)
                },
                Verdict::Held,
                Some("truncated"),
            ),
            (
                "locked and cut, with macros",
                Findings {
                    integrity: Integrity::truncated(""),
                    hazards: vec![hazard(HazardKind::Encrypted), hazard(HazardKind::Macro)],
                    ..findings(FileType::Docm)
                },
                Verdict::Quarantined,
                Some("macro"),
            ),
        ];
        for (name, findings, verdict, code) in rows {
            let judgement = Policy::default().judge(&findings);
            assert_eq!(judgement.verdict, verdict, "{name}");
            assert_eq!(
                judgement.reasons.first().map(|reason| reason.code.as_str()),
                code,
                "{name}"
            );
        }
    }

    #[test]
    fn an_owner_changes_single_entries() {
        let policy = Policy::from_toml("[hazards]\nmacro = \"held\"\n").unwrap();
        assert_eq!(policy.hazards[&HazardKind::Macro], Verdict::Held);
        assert_eq!(policy.hazards[&HazardKind::Script], Verdict::Quarantined);
        for wrong in [
            "[hazards]\nmarco = \"held\"",
            "[hazards]\nmacro = \"fine\"",
            "[hazard]\nmacro = \"held\"",
            "hazards",
        ] {
            assert!(Policy::from_toml(wrong).is_err(), "{wrong}");
        }
    }

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
}
