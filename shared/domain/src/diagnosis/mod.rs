//! Failures: what happened to a request ([`Disposition`], which decides the retry) and what it means to a person
//! ([`Diagnosis`], which names the domain, the evidence and the remedy). Whoever cannot tell says `unknown`.
//!
//! All causes stand in one table ([`rules`]): [`judge`](judge()) finds the row that what was seen falls under, and what our
//! own code sees it names by its row ([`rules::ours`]).

mod facts;
mod judge;
mod passage;
mod recorded;
pub mod redact;
mod rule;
pub mod rules;
mod seen;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::channels::Objection;

pub use judge::{LONGEST_EVIDENCE, LONGEST_EXCERPT, judge};
pub use passage::Passage;
pub use recorded::{Recorded, Unreadable};
pub use rule::{Rule, Scope, Sign, Then, When};
pub use seen::{Outcome, Platform, Seen, Step, Trouble};

/// After so long a scan that failed is asked for once more (`S3-54`).
pub const SCAN_PAUSE: Duration = Duration::from_secs(5 * 60);

/// What happened to the request. The retry is decided from this alone, never from an error's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Understood and refused; it would be refused again.
    Rejected,
    /// Refused for what the file is, although it should have fitted: the same again would be refused again, another form of it
    /// perhaps not.
    Unfit(Objection),
    /// Told to slow down; certainly without effect.
    Throttled {
        /// How long the other side asked us to wait, if it said.
        retry_after: Option<Duration>,
    },
    /// The token was refused; certainly without effect. One forced renewal, then [`Disposition::Rejected`].
    Unauthorised,
    /// Certainly without effect for another reason: no connection, or an explicit "not processed".
    Unavailable,
    /// The same, and it asked to be left alone until it works again (503 with `Retry-After`). A failure, not a request for less.
    Down {
        /// For how long, if it said so in a form that can be read.
        retry_after: Option<Duration>,
    },
    /// Certainly without effect, and of a kind that soon would be no better: once more after this long, and no more.
    Deferred {
        /// How long.
        wait: Duration,
    },
    /// Sent, but no answer that tells: it may have happened.
    Unknown,
}

/// Whose fault it is, as far as the evidence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Domain {
    /// The customer's file or message.
    Customer,
    /// The messaging provider (Meta), the contact-centre platform or a system that is forwarded to refused.
    Provider,
    /// A platform's own media pipeline dropped it (502, 504, a silent 202).
    Pipeline,
    /// DNS, TCP, TLS on the way.
    Network,
    /// An edge cache answers with an old error.
    Cache,
    /// The token, or what it may do.
    Token,
    /// A limit is another than is known of it.
    Limits,
    /// Our code or configuration.
    Ours,
    /// The evidence does not tell.
    Unknown,
}

impl Domain {
    /// The word in the row and in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Provider => "provider",
            Self::Pipeline => "pipeline",
            Self::Network => "network",
            Self::Cache => "cache",
            Self::Token => "token",
            Self::Limits => "limits",
            Self::Ours => "ours",
            Self::Unknown => "unknown",
        }
    }
}

/// How sure a diagnosis is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Confidence {
    /// The vendor's own word, or what we saw ourselves.
    #[serde(rename = "c")]
    Certain,
    /// A sign that mostly means this.
    #[serde(rename = "l")]
    Likely,
    /// Nobody can tell: the code says what was seen, not why. Also what was written before this was recorded.
    #[default]
    #[serde(rename = "u")]
    Unknown,
}

impl Confidence {
    /// The word in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Likely => "likely",
            Self::Unknown => "unknown",
        }
    }

    fn is_unknown(&self) -> bool {
        *self == Self::Unknown
    }
}

/// Why something failed, in a form a person can act on. Holds no token, link or body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Whose fault.
    #[serde(rename = "d")]
    pub domain: Domain,
    /// Stable code: `whatsapp.media-expired`, `genesys.rate-limited`.
    #[serde(rename = "c")]
    pub code: String,
    /// What was seen: status, vendor code, request id.
    #[serde(rename = "e")]
    pub evidence: String,
    /// What to do about it.
    #[serde(rename = "r")]
    pub remedy: String,
    /// How sure it is.
    #[serde(rename = "s", default, skip_serializing_if = "Confidence::is_unknown")]
    pub confidence: Confidence,
    /// The id of the rule it comes from; empty in what was written before there were rules.
    #[serde(rename = "i", default, skip_serializing_if = "String::is_empty")]
    pub rule: String,
}

impl Diagnosis {
    /// The same cause at the end of all attempts: what was a passing trouble is now a person's business.
    #[must_use]
    pub fn given_up(mut self, attempts: u32) -> Self {
        self.remedy = format!(
            "Given up after {attempts} attempts. Once the cause is mended, ask the sender for the file again."
        );
        self
    }
}

/// A failed step: what to do about it and how to explain it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} ({})", diagnosis.code, diagnosis.evidence)]
pub struct Failure {
    /// Decides the retry.
    pub disposition: Disposition,
    /// Explains it. Boxed, so that results stay small.
    pub diagnosis: Box<Diagnosis>,
    /// What of the answer's body may be logged ([`redact`]), at most [`LONGEST_EXCERPT`] bytes; never kept in a row.
    pub excerpt: Box<str>,
}

impl Failure {
    /// Builds one.
    #[must_use]
    pub fn new(disposition: Disposition, diagnosis: Diagnosis) -> Self {
        Self {
            disposition,
            diagnosis: Box::new(diagnosis),
            excerpt: Box::default(),
        }
    }
}

impl Failure {
    /// The same failure with the way its answer took as further evidence. `repeated`: an answer of the same request id was
    /// seen before. An error out of a cache says nothing of the platform: it may be asked again.
    #[must_use]
    pub fn passed(self, passage: &Passage, repeated: bool) -> Self {
        let this = self.came_by(passage);
        let cached = &rules::ours::CACHED;
        if (!repeated && !passage.is_from_cache()) || this.diagnosis.rule == cached.id {
            return this;
        }
        let evidence = format!("{} ({})", this.diagnosis.evidence, this.diagnosis.code);
        let failure = cached.failure(evidence);
        Self {
            excerpt: this.excerpt,
            ..failure
        }
    }

    /// The same failure with the way its answer took as further evidence, and nothing more.
    #[must_use]
    pub fn came_by(mut self, passage: &Passage) -> Self {
        let way = passage.to_string();
        if !way.is_empty() && !self.diagnosis.evidence.contains(&way) {
            self.diagnosis.evidence = format!("{}; {way}", self.diagnosis.evidence);
        }
        self
    }

    /// Whose limit it is about, if it is a throttle.
    #[must_use]
    pub fn scope(&self) -> Scope {
        rules::by_id(&self.diagnosis.rule).map_or_else(Scope::default, |rule| rule.scope)
    }

    /// Whether our own code saw it, so that it says nothing of whether the platform works.
    #[must_use]
    pub fn is_our_own(&self) -> bool {
        rules::ours::has(&self.diagnosis.rule)
    }

    /// A failure that was written down by its diagnosis: what follows is what its rule says; of a rule that is not known here,
    /// that it is given up.
    #[must_use]
    pub fn recalled(diagnosis: Diagnosis) -> Self {
        let rule = rules::by_id(&diagnosis.rule);
        let disposition = rule.map_or(Disposition::Rejected, |rule| rule.disposition(None));
        Self::new(disposition, diagnosis)
    }

    /// The connection does not fit what is asked of it.
    #[must_use]
    pub fn misconfigured(evidence: &str) -> Self {
        rules::ours::MISCONFIGURED.failure(evidence)
    }

    /// The connection an item needs is not configured, or not any more.
    #[must_use]
    pub fn removed(connection: &crate::ids::ConnectionId) -> Self {
        let evidence = format!("connection {connection} is not configured (any more)");
        rules::ours::REMOVED.failure(evidence)
    }
}

/// The first `limit` characters of a foreign text, without control characters: evidence must not break a log line.
#[must_use]
pub fn excerpt(text: &str, limit: usize) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(limit)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_out_of_a_cache_is_called_so_and_asked_again() {
        let refused = || rules::ours::NO_LINK.failure("status 429");
        let passage = |age_s| Passage {
            age_s,
            node: Some("FRA60-P1".to_owned()),
            ..Passage::default()
        };
        let evidence = "status 429; edge node FRA60-P1";
        let cached = "status 429; edge node FRA60-P1, Age 7 (transfer.no-link)";
        for (passage, repeated, code, disposition, evidence) in [
            (
                Passage::default(),
                false,
                "transfer.no-link",
                Disposition::Rejected,
                "status 429",
            ),
            (
                passage(None),
                false,
                "transfer.no-link",
                Disposition::Rejected,
                evidence,
            ),
            (
                passage(Some(7)),
                false,
                "pipeline.cached-error",
                Disposition::Unavailable,
                cached,
            ),
            (
                Passage::default(),
                true,
                "pipeline.cached-error",
                Disposition::Unavailable,
                "status 429 (transfer.no-link)",
            ),
        ] {
            let failure = refused().passed(&passage, repeated);
            assert_eq!(failure.disposition, disposition, "{passage:?} {repeated}");
            assert_eq!(failure.diagnosis.code, code);
            assert_eq!(failure.diagnosis.evidence, evidence);
        }
    }

    #[test]
    fn the_stored_form_is_stable_and_rows_from_before_are_read() {
        let diagnosis = rules::ours::NO_LINK.diagnosis("none");
        let json = serde_json::to_value(&diagnosis).unwrap();
        let remedy = diagnosis.remedy.clone();
        let expected = serde_json::json!({"d": "provider", "c": "transfer.no-link", "e": "none", "r": remedy, "s": "c", "i": "no-link"});
        assert_eq!(json, expected);
        assert_eq!(
            serde_json::from_value::<Diagnosis>(json).unwrap(),
            diagnosis
        );
        let before =
            r#"{"d":"ours","c":"whatsapp.token-refused","e":"status 401","r":"Renew it."}"#;
        let read: Diagnosis = serde_json::from_str(before).unwrap();
        assert_eq!(
            (read.confidence, read.rule.as_str()),
            (Confidence::Unknown, "")
        );
        assert_eq!(serde_json::to_string(&read).unwrap(), before);
    }

    #[test]
    fn an_excerpt_is_one_short_line() {
        assert_eq!(excerpt("a\r\nb\u{1b}[31m", 4), "a  b");
        assert_eq!(excerpt("äöü", 2), "äö");
    }
}
