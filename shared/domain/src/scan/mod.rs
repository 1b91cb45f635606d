//! What a scanner says of a file's bytes. What became of their transport is another matter and another field (ruling C16); and
//! "not scanned" is not "clean".

pub mod clamd;
pub mod guardduty;

use std::time::Duration;

use crate::diagnosis::excerpt;

/// As whose findings are written down what the platform found that a file was sent to.
pub const TARGET: &str = "the target's scan";

/// The longest signature's name or reason that is kept.
const LONGEST_WORDS: usize = 120;

/// The shortest and the longest pause between two tries of a scan.
const PAUSES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));

/// What a scan found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing, in all of it.
    Clean,
    /// It is malware.
    Malware {
        /// What the scanner calls it, if it says.
        threat: Option<String>,
    },
    /// The scanner answered, and did not look at all of it; asked again it would answer the same.
    NotScanned {
        /// Why.
        why: String,
    },
}

/// An outcome and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// The scanner: `clamd`, `GuardDuty`, a platform's name.
    pub scanner: &'static str,
    /// What it found.
    pub outcome: Outcome,
}

impl Scanned {
    /// Nothing was found.
    #[must_use]
    pub fn clean(scanner: &'static str) -> Self {
        let outcome = Outcome::Clean;
        Self { scanner, outcome }
    }

    /// Malware was found. Its name is foreign text: made printable, and cut.
    #[must_use]
    pub fn malware(scanner: &'static str, threat: Option<&str>) -> Self {
        let threat = threat.map(|it| excerpt(it, LONGEST_WORDS));
        let outcome = Outcome::Malware { threat };
        Self { scanner, outcome }
    }

    /// It was not scanned. Why is foreign text as well.
    #[must_use]
    pub fn not_scanned(scanner: &'static str, why: &str) -> Self {
        let why = excerpt(why, LONGEST_WORDS);
        let outcome = Outcome::NotScanned { why };
        Self { scanner, outcome }
    }

    /// What is written down beside the flag that the outcome raises: the scanner, and what it says.
    #[must_use]
    pub fn evidence(&self) -> String {
        let says = match &self.outcome {
            Outcome::Clean => "nothing found",
            Outcome::Malware { threat } => threat.as_deref().unwrap_or("malware"),
            Outcome::NotScanned { why } => why,
        };
        format!("{}: {says}", self.scanner)
    }
}

/// How long to wait before a scan that failed is tried again: as long as it has failed so far, between 5 s and 5 minutes, so
/// that the pauses double.
#[must_use]
pub fn pause(failing_for: Duration) -> Duration {
    failing_for.clamp(PAUSES.0, PAUSES.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_names_the_scanner_and_breaks_no_line() {
        let long = "x".repeat(500);
        for (scanned, expected) in [
            (Scanned::clean("clamd"), "clamd: nothing found".to_owned()),
            (
                Scanned::malware("clamd", Some("Win.Test\nEICAR")),
                "clamd: Win.Test EICAR".to_owned(),
            ),
            (
                Scanned::malware("GuardDuty", None),
                "GuardDuty: malware".to_owned(),
            ),
            (
                Scanned::not_scanned("clamd", &long),
                format!("clamd: {}", "x".repeat(120)),
            ),
        ] {
            assert_eq!(scanned.evidence(), expected);
        }
    }

    #[test]
    fn pauses_double_and_have_an_end() {
        let mut failing_for = Duration::ZERO;
        let mut pauses = Vec::new();
        for _ in 0..9 {
            let pause = pause(failing_for);
            pauses.push(pause.as_secs());
            failing_for += pause;
        }
        assert_eq!(pauses, [5, 5, 10, 20, 40, 80, 160, 300, 300]);
    }
}
