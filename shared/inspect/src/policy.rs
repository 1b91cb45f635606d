//! From findings to a verdict: a pure table, edited by the owner.
//!
//! The standard table is `policy.toml` beside this file; an owner's own TOML overlays it entry by entry. Every reason
//! is kept, also the harmless ones: a clean verdict can say why it nearly was not.

use crate::claim::Agreement;
use crate::findings::{Findings, HazardKind, Integrity};
use crate::judgement::{Judgement, Notice, Reason, ReasonCode, Verdict};
use crate::kind::{Family, FileType};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const STANDARD: &str = include_str!("policy.toml");

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
    disguised: ByFamily,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ByFamily {
    executable: Verdict,
    script: Verdict,
    markup: Verdict,
    markup_as_text: Verdict,
    archive: Verdict,
}

impl ByFamily {
    /// What to do about bytes of one family that were said to be of another.
    fn verdict(&self, bytes: Family, said: Family) -> Option<Verdict> {
        match (bytes, said) {
            (Family::Executable, _) => Some(self.executable),
            (Family::Script, _) => Some(self.script),
            (Family::Markup, Family::Text) => Some(self.markup_as_text),
            (Family::Markup, _) => Some(self.markup),
            (Family::Archive, _) => Some(self.archive),
            _ => None,
        }
    }
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
                        .map(|(key, verdict)| (key, toml::Value::from(verdict.as_str()))),
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
        let mut disguised = None;
        for (agreement, code, verdict, how) in voices {
            if let Agreement::Differs { said } = agreement {
                notice(
                    code,
                    verdict,
                    format!("{how} {said}, the bytes are: {label}"),
                );
                disguised = disguised.max(self.disguise(findings.kind, said));
            }
        }
        if let Some(verdict) = disguised {
            notice(
                Notice::Disguised,
                verdict,
                format!("{label} under the name of another type"),
            );
        }
    }

    /// What to do if `said` names types, and all of them are of other families than the bytes.
    fn disguise(&self, kind: FileType, said: &str) -> Option<Verdict> {
        let named = |one: &&FileType| one.goes_by_mime(said) || one.goes_by_extension(said);
        let families: Vec<Family> = FileType::ALL
            .iter()
            .filter(named)
            .map(|one| one.family())
            .collect();
        if families.contains(&kind.family()) {
            return None;
        }
        // XML that is neither a page nor a picture is data, and data under a text's name deceives nobody.
        let data = kind == FileType::Xml;
        families
            .into_iter()
            .filter(|said| !(data && *said == Family::Text))
            .filter_map(|family| self.disguised.verdict(kind.family(), family))
            .max()
    }
}

/// An owner's file: sections of entries.
#[derive(Deserialize)]
struct Changes(BTreeMap<String, BTreeMap<String, Verdict>>);

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
        let said = |said: &str| Agreement::Differs {
            said: said.to_owned(),
        };
        let differs = || said("image/png");
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
                "page as text",
                Findings {
                    extension: said("txt"),
                    ..findings(FileType::Html)
                },
                Verdict::Held,
                Some("disguised"),
            ),
            (
                "picture as page",
                Findings {
                    extension: said("html"),
                    ..findings(FileType::Svg)
                },
                Verdict::Clean,
                Some("extension-differs"),
            ),
            (
                "data under a name of its own",
                Findings {
                    extension: said("drawio"),
                    ..findings(FileType::Xml)
                },
                Verdict::Clean,
                Some("extension-differs"),
            ),
            (
                "data under a text's name",
                Findings {
                    extension: said("txt"),
                    ..findings(FileType::Xml)
                },
                Verdict::Clean,
                Some("extension-differs"),
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
}
