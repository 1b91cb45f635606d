//! One file's findings and judgement as one flat record: the JSON line that `attache inspect --json` prints.

use crate::claim::{Agreement, Claim};
use crate::findings::{Confidence, Findings, Hazard, Integrity};
use crate::judgement::{Judgement, Reason, Verdict};
use serde::Serialize;

/// What an inspection says about one file, flat and without nested states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report<'a> {
    /// The file as the caller named it.
    pub file: &'a str,
    /// The MIME essence by the bytes; `application/octet-stream` where nothing fits.
    pub r#type: &'static str,
    /// The type's stable name: finer than the MIME essence, which animated WebP or Opus share with others.
    pub kind: &'static str,
    /// How surely the bytes settle the type.
    pub confidence: Confidence,
    /// The declared content type's essence, where one was given that names a type.
    pub declared: Option<String>,
    /// The name's extension, where it has one.
    pub extension: Option<String>,
    /// Whether neither of the two contradicts the bytes.
    pub agrees: bool,
    /// `whole`, `truncated`, `damaged`, `trailing` or `not-checked`.
    pub integrity: &'static str,
    /// What is dangerous or cannot be judged.
    pub hazards: &'a [Hazard],
    /// What the policy makes of it.
    pub verdict: Verdict,
    /// Why, worst first.
    pub reasons: &'a [Reason],
}

impl<'a> Report<'a> {
    /// Puts together what was found and judged about `file`.
    #[must_use]
    pub fn new(
        file: &'a str,
        claim: &Claim<'_>,
        findings: &'a Findings,
        judgement: &'a Judgement,
    ) -> Self {
        let differs = [&findings.declared, &findings.extension]
            .into_iter()
            .any(Agreement::differs);
        Self {
            file,
            r#type: findings.kind.mime(),
            kind: findings.kind.as_str(),
            confidence: findings.confidence,
            declared: claim.essence(),
            extension: claim.extension(),
            agrees: !differs,
            integrity: state(&findings.integrity),
            hazards: &findings.hazards,
            verdict: judgement.verdict,
            reasons: &judgement.reasons,
        }
    }
}

fn state(integrity: &Integrity) -> &'static str {
    match integrity {
        Integrity::Whole => "whole",
        Integrity::Truncated { .. } => "truncated",
        Integrity::Damaged { .. } => "damaged",
        Integrity::Trailing { .. } => "trailing",
        Integrity::NotChecked => "not-checked",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use std::io::Cursor;

    #[test]
    fn a_line_says_everything_once() {
        let claim = Claim {
            declared: Some("text/plain; charset=utf-8"),
            file_name: Some("notes.png"),
        };
        let findings = crate::inspect(&mut Cursor::new(b"hello\n"), &claim).unwrap();
        let judgement = Policy::default().judge(&findings);
        let line = serde_json::to_value(Report::new("x/notes.png", &claim, &findings, &judgement))
            .unwrap();
        let expected = serde_json::json!({
            "file": "x/notes.png", "type": "text/plain", "kind": "text", "confidence": "likely",
            "declared": "text/plain", "extension": "png", "agrees": false, "integrity": "whole",
            "hazards": [], "verdict": "clean",
            "reasons": [{
                "code": "extension-differs", "verdict": "clean",
                "evidence": "named png, the bytes are: plain text",
            }],
        });
        assert_eq!(line, expected);
    }
}
