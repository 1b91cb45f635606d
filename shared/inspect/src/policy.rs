//! From findings to a verdict: a pure table, edited by the owner.
//!
//! The standard table is `policy.toml` beside this file; an owner's own verdicts take the place of single entries. Every reason
//! is kept, also the harmless ones: a clean verdict can say why it nearly was not.

use crate::claim::Agreement;
use crate::findings::{Findings, HazardKind, Integrity};
use crate::judgement::{Judgement, Notice, Reason, ReasonCode, Verdict};
use crate::kind::{Family, FileType};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const STANDARD: &str = include_str!("policy.toml");

/// Flags that whoever is asked for does not let through: to want that is to want no scanner, or a shorter list.
const NEVER_CLEAN: [HazardKind; 2] = [HazardKind::Malware, HazardKind::BlockListed];

/// An entry of an owner's policy that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// There is no such section.
    #[error("there is no section `{section}`, expected one of {}", list(&section_names()))]
    Section {
        /// As it was written.
        section: String,
    },
    /// There is no such flag in the section.
    #[error("there is no flag `{section}.{flag}`, expected one of {}", list(&flags(section)))]
    Flag {
        /// The section.
        section: String,
        /// As it was written.
        flag: String,
    },
    /// It is written `clean`, and that is the one thing it can never be.
    #[error(
        "`{section}.{flag}` is \"clean\", expected \"held\" or \"quarantined\": to let it through, take the scanner or the hash away"
    )]
    NeverClean {
        /// The section.
        section: String,
        /// The flag.
        flag: String,
    },
}

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
        toml::from_str(STANDARD).expect("the standard policy is well formed")
    }
}

impl Policy {
    /// The verdict of one flag, in the words of the policy file, from now on.
    ///
    /// # Errors
    /// If there is no such flag, or it cannot have this verdict.
    pub fn set(&mut self, section: &str, flag: &str, verdict: Verdict) -> Result<(), PolicyError> {
        let (section_given, flag_given) = (section.to_owned(), flag.to_owned());
        let never = NEVER_CLEAN.iter().any(|kind| kind.as_str() == flag);
        if section == "hazards" && never && verdict == Verdict::Clean {
            return Err(PolicyError::NeverClean {
                section: section_given,
                flag: flag_given,
            });
        }
        if !section_names().contains(&section) {
            return Err(PolicyError::Section {
                section: section_given,
            });
        }
        match self.entry(section, flag) {
            Some(entry) => *entry = verdict,
            None => {
                return Err(PolicyError::Flag {
                    section: section_given,
                    flag: flag_given,
                });
            }
        }
        Ok(())
    }

    /// The flags, as `section.flag`, that the standard policy quarantines and this one lets through.
    #[must_use]
    pub fn let_through(&self) -> Vec<String> {
        let (mut own, mut standard) = (self.clone(), Self::default());
        let mut through = Vec::new();
        for section in section_names() {
            for flag in flags(section) {
                let verdicts = own.entry(section, flag).zip(standard.entry(section, flag));
                if verdicts.is_some_and(|(own, standard)| {
                    (*own, *standard) == (Verdict::Clean, Verdict::Quarantined)
                }) {
                    through.push(format!("{section}.{flag}"));
                }
            }
        }
        through
    }

    fn entry(&mut self, section: &str, flag: &str) -> Option<&mut Verdict> {
        let (integrity, disguised) = (&mut self.integrity, &mut self.disguised);
        Some(match (section, flag) {
            ("hazards", _) => {
                let kind = HazardKind::ALL
                    .into_iter()
                    .find(|kind| kind.as_str() == flag)?;
                self.hazards.get_mut(&kind)?
            }
            ("integrity", "truncated") => &mut integrity.truncated,
            ("integrity", "damaged") => &mut integrity.damaged,
            ("integrity", "trailing") => &mut integrity.trailing,
            ("integrity", "not-checked") => &mut integrity.not_checked,
            ("unknown", "type") => &mut self.unknown.r#type,
            ("differs", "declared") => &mut self.differs.declared,
            ("differs", "extension") => &mut self.differs.extension,
            ("disguised", "executable") => &mut disguised.executable,
            ("disguised", "script") => &mut disguised.script,
            ("disguised", "markup") => &mut disguised.markup,
            ("disguised", "markup-as-text") => &mut disguised.markup_as_text,
            ("disguised", "archive") => &mut disguised.archive,
            _ => return None,
        })
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

/// The sections of a policy besides the hazards, with their flags.
const SECTIONS: [(&str, &[&str]); 4] = [
    (
        "integrity",
        &["truncated", "damaged", "trailing", "not-checked"],
    ),
    ("unknown", &["type"]),
    ("differs", &["declared", "extension"]),
    (
        "disguised",
        &[
            "executable",
            "script",
            "markup",
            "markup-as-text",
            "archive",
        ],
    ),
];

fn section_names() -> Vec<&'static str> {
    let others = SECTIONS.iter().map(|(section, _)| *section);
    std::iter::once("hazards").chain(others).collect()
}

fn flags(section: &str) -> Vec<&'static str> {
    match SECTIONS.iter().find(|(name, _)| *name == section) {
        Some((_, flags)) => flags.to_vec(),
        None => HazardKind::ALL.map(HazardKind::as_str).to_vec(),
    }
}

fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
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
        let mut policy = Policy::default();
        policy.set("hazards", "macro", Verdict::Held).unwrap();
        assert_eq!(policy.hazards[&HazardKind::Macro], Verdict::Held);
        assert_eq!(policy.hazards[&HazardKind::Script], Verdict::Quarantined);
        for (section, flag, verdict, expected) in [
            (
                "hazard",
                "macro",
                Verdict::Held,
                "there is no section `hazard`, expected one of `hazards`, `integrity`",
            ),
            (
                "hazards",
                "marco",
                Verdict::Held,
                "there is no flag `hazards.marco`, expected one of `executable`, `script`",
            ),
            (
                "unknown",
                "macro",
                Verdict::Held,
                "there is no flag `unknown.macro`, expected one of `type`",
            ),
            (
                "hazards",
                "malware",
                Verdict::Clean,
                "`hazards.malware` is \"clean\", expected \"held\"",
            ),
            (
                "hazards",
                "block-listed",
                Verdict::Clean,
                "`hazards.block-listed` is \"clean\", expected",
            ),
        ] {
            let before = policy.clone();
            let told = policy.set(section, flag, verdict).unwrap_err().to_string();
            assert!(told.starts_with(expected), "{told}");
            assert_eq!(policy, before);
        }
    }

    #[test]
    fn what_is_dangerous_passes_only_where_exactly_that_is_written() {
        let program = || Findings {
            declared: Agreement::Differs {
                said: "image/png".to_owned(),
            },
            hazards: vec![Hazard {
                kind: HazardKind::Executable,
                evidence: String::new(),
            }],
            ..findings(FileType::Pe)
        };
        let mut policy = Policy::default();
        assert_eq!(policy.let_through(), Vec::<String>::new());
        policy.set("hazards", "executable", Verdict::Clean).unwrap();
        assert_eq!(policy.judge(&program()).verdict, Verdict::Quarantined);
        assert_eq!(policy.let_through(), ["hazards.executable"]);
        policy
            .set("disguised", "executable", Verdict::Clean)
            .unwrap();
        assert_eq!(policy.judge(&program()).verdict, Verdict::Clean);
        let through = policy.let_through();
        assert_eq!(through, ["hazards.executable", "disguised.executable"]);
    }

    #[test]
    fn every_entry_of_the_standard_policy_can_be_set() {
        let standard: toml::Table = toml::from_str(STANDARD).unwrap();
        let sections: Vec<&str> = standard.keys().map(String::as_str).collect();
        let mut known = section_names();
        known.sort_unstable();
        assert_eq!(sections, known);
        for (section, entries) in &standard {
            let entries = entries.as_table().unwrap();
            assert_eq!(entries.len(), flags(section).len(), "{section}");
            for flag in entries.keys() {
                let mut policy = Policy::default();
                policy.set(section, flag, Verdict::Held).unwrap();
            }
        }
    }
}
