//! Failures: what happened to a request ([`Disposition`], which decides the retry) and what it means to a person
//! ([`Diagnosis`], which names the domain, the evidence and the remedy). Whoever cannot tell says `unknown`.

mod passage;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::channels::Objection;

pub use passage::Passage;

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
    /// Our code or configuration.
    Ours,
    /// The evidence does not tell.
    Unknown,
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
}

impl Diagnosis {
    /// Builds one; the arguments are in the order a person reads them.
    pub fn new(domain: Domain, code: &str, evidence: impl Into<String>, remedy: &str) -> Self {
        Self {
            domain,
            code: code.to_owned(),
            evidence: evidence.into(),
            remedy: remedy.to_owned(),
        }
    }
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
}

impl Failure {
    /// Builds one.
    #[must_use]
    pub fn new(disposition: Disposition, diagnosis: Diagnosis) -> Self {
        Self {
            disposition,
            diagnosis: Box::new(diagnosis),
        }
    }
}

impl Failure {
    /// The same failure with the way its answer took as further evidence. `repeated`: an answer of the same request id was
    /// seen before. An error out of a cache says nothing of the platform: it may be asked again.
    #[must_use]
    pub fn passed(mut self, passage: &Passage, repeated: bool) -> Self {
        let way = passage.to_string();
        if !way.is_empty() {
            self.diagnosis.evidence = format!("{}; {way}", self.diagnosis.evidence);
        }
        if !repeated && !passage.is_from_cache() {
            return self;
        }
        let was = std::mem::replace(&mut self.diagnosis.code, CACHED.to_owned());
        self.diagnosis.evidence = format!("{} ({was})", self.diagnosis.evidence);
        self.diagnosis.domain = Domain::Pipeline;
        self.diagnosis.remedy = PURGE.to_owned();
        self.disposition = Disposition::Unavailable;
        self
    }

    /// The same failure of a step that nobody can see and that may be repeated: an open outcome is none.
    #[must_use]
    pub fn harmless(mut self) -> Self {
        if self.disposition == Disposition::Unknown {
            self.disposition = Disposition::Unavailable;
        }
        self
    }

    /// The connection does not fit what is asked of it.
    #[must_use]
    pub fn misconfigured(evidence: &str) -> Self {
        let remedy = "Correct the connection in connections.toml and apply it again.";
        let code = "ours.connection-misconfigured";
        Self::new(
            Disposition::Rejected,
            Diagnosis::new(Domain::Ours, code, evidence, remedy),
        )
    }

    /// The connection an item needs is not configured, or not any more.
    #[must_use]
    pub fn removed(connection: &crate::ids::ConnectionId) -> Self {
        let evidence = format!("connection {connection} is not configured (any more)");
        let remedy = "Put the connection back, and ask the sender for the file again.";
        let code = "ours.connection-removed";
        Self::new(
            Disposition::Rejected,
            Diagnosis::new(Domain::Ours, code, evidence, remedy),
        )
    }
}

const CACHED: &str = "pipeline.cached-error";
const PURGE: &str = "An edge cache repeats an old error. Attaché asks again past it; if it stays, have the cache of that edge node purged for this path.";

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
        let refused = || {
            let diagnosis = Diagnosis::new(Domain::Provider, "x.refused", "status 429", "Wait.");
            Failure::new(Disposition::Rejected, diagnosis)
        };
        let passage = |age_s| Passage {
            age_s,
            node: Some("FRA60-P1".to_owned()),
            ..Passage::default()
        };
        let evidence = "status 429; edge node FRA60-P1";
        let cached = "status 429; edge node FRA60-P1, Age 7 (x.refused)";
        for (passage, repeated, code, disposition, evidence) in [
            (
                Passage::default(),
                false,
                "x.refused",
                Disposition::Rejected,
                "status 429",
            ),
            (
                passage(None),
                false,
                "x.refused",
                Disposition::Rejected,
                evidence,
            ),
            (
                passage(Some(7)),
                false,
                CACHED,
                Disposition::Unavailable,
                cached,
            ),
            (
                Passage::default(),
                true,
                CACHED,
                Disposition::Unavailable,
                "status 429 (x.refused)",
            ),
        ] {
            let failure = refused().passed(&passage, repeated);
            assert_eq!(failure.disposition, disposition, "{passage:?} {repeated}");
            assert_eq!(failure.diagnosis.code, code);
            assert_eq!(failure.diagnosis.evidence, evidence);
        }
    }

    #[test]
    fn an_excerpt_is_one_short_line() {
        assert_eq!(excerpt("a\r\nb\u{1b}[31m", 4), "a  b");
        assert_eq!(excerpt("äöü", 2), "äö");
    }
}
