//! One rule: the sign it goes by, and what it then says. A rule is data; reading the sign is [`judge`](super::judge)'s.

use std::borrow::Cow;

use crate::channels::Objection;

use super::seen::{Platform, Step, Trouble};
use super::{Confidence, Diagnosis, Disposition, Domain, Failure};

/// What is to follow, before the answer's own hints are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It would be refused again.
    Reject,
    /// It would be refused again, unless one bad answer was to blame: bytes are asked for three times more.
    Doubt,
    /// Told to slow down: wait as long as it asks, if it does.
    Throttle,
    /// A newer token first.
    Renew,
    /// Certainly without effect: back off and try again.
    Again,
    /// The same, and it said when it may work again: nobody asks before.
    Pause,
    /// Try again once, after five minutes (`S3-54`).
    AgainLater,
    /// It may have happened.
    Open,
    /// Too large, although it should have fitted: planned anew below this size.
    Smaller,
    /// Not taken for what it is, although it should have been: planned anew in another form.
    OtherForm,
}

impl Then {
    /// The word in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reject => "given up",
            Self::Doubt => "again three times, then given up",
            Self::Throttle => "waits, then again",
            Self::Renew => "again with a newer token",
            Self::Again => "again",
            Self::Pause => "again, after the pause it asks for",
            Self::AgainLater => "once more after 5 min",
            Self::Open => "outcome open",
            Self::Smaller => "planned anew, smaller",
            Self::OtherForm => "planned anew, in another form",
        }
    }
}

/// Whose limit a throttle is about: what is to go slower beside the call that was refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// One customer's messages from one number.
    Pair,
    /// What goes to the connection by this lane.
    #[default]
    Lane,
    /// Everything that goes to the connection: its number or page.
    Connection,
    /// Everything that goes out by the same access token: an app's or an account's connections.
    Token,
}

/// The sign in an answer's body, or in that there is none.
#[derive(Clone, Copy, Debug)]
pub enum Sign {
    /// Any answer, or any report.
    Any,
    /// Never seen in an answer: our own code says it by name.
    Ours,
    /// The vendor's numeric code lies in one of the ranges (ends included), with one of the subcodes if any are given.
    Number(&'static [(i64, i64)], &'static [i64]),
    /// One of the fields has one of the values. Letters' case does not matter.
    Field(&'static [&'static str], &'static [&'static str]),
    /// The vendor calls it passing.
    Transient,
    /// There is no answer, for this reason.
    Wire(&'static [Trouble]),
}

/// When a rule applies: everything that is named must hold.
#[derive(Clone, Copy, Debug)]
pub struct When {
    /// The sign.
    pub sign: Sign,
    /// Status ranges, ends included; empty: any.
    pub statuses: &'static [(u16, u16)],
    /// Steps; empty: any.
    pub steps: &'static [Step],
    /// Platforms; empty: those of the rule's group.
    pub platforms: &'static [Platform],
    /// One of these phrases is in the words that the answer has for people.
    pub says: &'static [&'static str],
    /// A header that must be there.
    pub header: Option<&'static str>,
    /// Only an answer in the vendor's own form (`true`), or only one that is not (`false`).
    pub worded: Option<bool>,
}

impl When {
    const fn sign(sign: Sign) -> Self {
        Self {
            sign,
            statuses: &[],
            steps: &[],
            platforms: &[],
            says: &[],
            header: None,
            worded: None,
        }
    }

    pub(super) const fn at(self, steps: &'static [Step]) -> Self {
        Self { steps, ..self }
    }

    pub(super) const fn of(self, platforms: &'static [Platform]) -> Self {
        Self { platforms, ..self }
    }

    pub(super) const fn says(self, says: &'static [&'static str]) -> Self {
        Self { says, ..self }
    }

    pub(super) const fn with(self, header: &'static str) -> Self {
        let header = Some(header);
        Self { header, ..self }
    }

    /// Only in the vendor's own form.
    pub(super) const fn worded(self) -> Self {
        let worded = Some(true);
        Self { worded, ..self }
    }

    /// Only in somebody else's form, or in none.
    pub(super) const fn bare(self) -> Self {
        let worded = Some(false);
        Self { worded, ..self }
    }

    pub(super) const fn status(self, statuses: &'static [(u16, u16)]) -> Self {
        Self { statuses, ..self }
    }
}

pub(super) const fn number(ranges: &'static [(i64, i64)]) -> When {
    When::sign(Sign::Number(ranges, &[]))
}

pub(super) const fn subcode(ranges: &'static [(i64, i64)], subcodes: &'static [i64]) -> When {
    When::sign(Sign::Number(ranges, subcodes))
}

pub(super) const fn field(names: &'static [&'static str], values: &'static [&'static str]) -> When {
    When::sign(Sign::Field(names, values))
}

pub(super) const fn status(statuses: &'static [(u16, u16)]) -> When {
    When::sign(Sign::Any).status(statuses)
}

pub(super) const fn wire(troubles: &'static [Trouble]) -> When {
    When::sign(Sign::Wire(troubles))
}

pub(super) const TRANSIENT: When = When::sign(Sign::Transient);
pub(super) const ANY: When = When::sign(Sign::Any);
pub(super) const OURS: When = When::sign(Sign::Ours);

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Names the rule; never used for another one.
    pub id: &'static str,
    /// What the row, the log and the dead letter say; `*` stands for the platform's name.
    pub code: &'static str,
    /// When it applies.
    pub when: When,
    /// Whose fault.
    pub domain: Domain,
    /// What follows.
    pub then: Then,
    /// How sure it is. An answer that carries no mark of its vendor never gets more than [`Confidence::Likely`].
    pub confidence: Confidence,
    /// What a person does.
    pub remedy: &'static str,
    /// Where it comes from: a row of the source documents, or the vendor's page.
    pub source: &'static str,
    /// Whose limit it is about, where it is about one.
    pub scope: Scope,
}

/// A row; the arguments are in the order of the table.
pub(super) const fn rule(
    id: &'static str,
    code: &'static str,
    when: When,
    (domain, then, confidence): (Domain, Then, Confidence),
    remedy: &'static str,
    source: &'static str,
) -> Rule {
    Rule {
        id,
        code,
        when,
        domain,
        then,
        confidence,
        remedy,
        source,
        scope: Scope::Lane,
    }
}

impl Rule {
    pub(super) const fn about(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// The code, for `platform`.
    #[must_use]
    pub fn code_for(&self, platform: Platform) -> Cow<'static, str> {
        match self.code.strip_prefix('*') {
            Some(rest) => format!("{}{rest}", platform.as_str()).into(),
            None => self.code.into(),
        }
    }

    /// A diagnosis by this rule, of a thing that our own code saw.
    pub fn diagnosis(&self, evidence: impl Into<String>) -> Diagnosis {
        Diagnosis {
            domain: self.domain,
            code: self.code.to_owned(),
            evidence: evidence.into(),
            remedy: self.remedy.to_owned(),
            confidence: self.confidence,
            rule: self.id.to_owned(),
        }
    }

    /// A failure by this rule, of a thing that our own code saw.
    pub fn failure(&self, evidence: impl Into<String>) -> Failure {
        Failure::new(self.disposition(None), self.diagnosis(evidence))
    }

    pub(super) fn disposition(&self, retry_after: Option<std::time::Duration>) -> Disposition {
        match self.then {
            Then::Reject | Then::Doubt => Disposition::Rejected,
            Then::Throttle => Disposition::Throttled { retry_after },
            Then::Renew => Disposition::Unauthorised,
            Then::Again => Disposition::Unavailable,
            Then::Pause => Disposition::Down { retry_after },
            Then::AgainLater => Disposition::Deferred {
                wait: super::SCAN_PAUSE,
            },
            Then::Open => Disposition::Unknown,
            Then::Smaller => Disposition::Unfit(Objection::TooLarge),
            Then::OtherForm => Disposition::Unfit(Objection::Unsupported),
        }
    }
}
