//! Which rule what was seen falls under, and the failure that follows: the first row of the table that applies, whose
//! confidence is lowered where the answer bears no mark of its vendor.

use std::time::Duration;

use super::facts::Facts;
use super::passage::Passage;
use super::redact;
use super::rule::{Rule, Sign};
use super::rules::{self, Group};
use super::seen::{Outcome, Seen, Step};
use super::{Confidence, Diagnosis, Disposition, Failure};
use crate::pacing::retry_after::RetryAfter;
use crate::time::Timestamp;
use crate::wire::Headers;

/// The longest evidence a row keeps, in characters.
pub const LONGEST_EVIDENCE: usize = 400;

/// The longest excerpt of a body that a log gets, in bytes.
pub const LONGEST_EXCERPT: usize = 4 * 1024;

/// Judges what was seen at `now`. Whatever came, a rule applies: the last ones say that nobody can tell.
#[must_use]
pub fn judge(seen: &Seen<'_>, now: Timestamp) -> Failure {
    let facts = Facts::of(seen);
    let rule = find(&facts);
    let confidence = match rule.confidence {
        Confidence::Certain if facts.trouble.is_none() && !facts.signed => Confidence::Likely,
        other => other,
    };
    let disposition = match rule.disposition(asked(&facts, now)) {
        // Of a message it is the last word.
        _ if facts.step == Step::Webhook && facts.platform.is_meta() => Disposition::Rejected,
        other => other,
    };
    let diagnosis = Diagnosis {
        domain: rule.domain,
        code: rule.code_for(facts.platform).into_owned(),
        evidence: evidence(&facts, seen),
        remedy: rule.remedy.to_owned(),
        confidence,
        rule: rule.id.to_owned(),
    };
    let mut failure = Failure::new(disposition, diagnosis);
    if let Outcome::Answer(answer) = seen.outcome {
        failure.excerpt = redact::body(&answer.body, LONGEST_EXCERPT).into();
        let passage = Passage::read(&answer.headers);
        return match facts.step {
            // A message that an old error answers may be out all the same.
            Step::Send => failure.came_by(&passage),
            _ => failure.passed(&passage, false),
        };
    }
    failure
}

fn find(facts: &Facts) -> &'static Rule {
    let groups = rules::GROUPS
        .iter()
        .filter(|group| group.platforms.contains(&facts.platform));
    let mut rules = groups.flat_map(|Group { rules, .. }| rules.iter());
    rules
        .find(|rule| applies(rule, facts))
        .unwrap_or(&rules::UNKNOWN)
}

fn applies(rule: &Rule, facts: &Facts) -> bool {
    let when = &rule.when;
    let any = |empty: bool, found: bool| empty || found;
    let in_range = |status: u16| {
        when.statuses
            .iter()
            .any(|(a, b)| (*a..=*b).contains(&status))
    };
    any(when.steps.is_empty(), when.steps.contains(&facts.step))
        && any(
            when.platforms.is_empty(),
            when.platforms.contains(&facts.platform),
        )
        && any(when.statuses.is_empty(), facts.status.is_some_and(in_range))
        && any(
            when.says.is_empty(),
            when.says.iter().any(|phrase| facts.words.contains(phrase)),
        )
        && when
            .header
            .is_none_or(|name| facts.headers.get(name).is_some())
        && when.worded.is_none_or(|worded| worded == facts.worded)
        && has(when.sign, facts)
}

fn has(sign: Sign, facts: &Facts) -> bool {
    match sign {
        Sign::Any => facts.trouble.is_none(),
        Sign::Ours => false,
        Sign::Transient => facts.transient,
        Sign::Wire(troubles) => facts.trouble.is_some_and(|it| troubles.contains(&it)),
        Sign::Number(ranges, subcodes) => {
            let in_range = |code: i64| ranges.iter().any(|(a, b)| (*a..=*b).contains(&code));
            facts.number.is_some_and(in_range)
                && (subcodes.is_empty() || facts.subcode.is_some_and(|sub| subcodes.contains(&sub)))
        }
        Sign::Field(names, values) => names.iter().any(|name| {
            let found = facts.field(name);
            found.is_some_and(|found| {
                values.is_empty() || values.iter().any(|value| found.eq_ignore_ascii_case(value))
            })
        }),
    }
}

/// How long the other side asks us to wait: `Retry-After`, else the time to the reset of its window, else what the body
/// says.
fn asked(facts: &Facts, now: Timestamp) -> Option<Duration> {
    let headers = ["retry-after", "inin-ratelimit-reset"];
    let header = headers
        .iter()
        .find_map(|name| RetryAfter::parse(facts.headers.get(name)?, now));
    let body = || RetryAfter::parse(&facts.field("retryAfter")?, now);
    header.or_else(body).map(RetryAfter::wait)
}

/// What was seen, in one line: status, codes, ids, what a header hints at, and the vendor's words without what is secret
/// or somebody's.
fn evidence(facts: &Facts, seen: &Seen<'_>) -> String {
    if let Outcome::Lost(error) = seen.outcome {
        // Our own words: the edge leaves out whatever is secret.
        return super::excerpt(&error.to_string(), LONGEST_EVIDENCE);
    }
    let mut parts = vec![match facts.status {
        Some(status) => format!("status {status}"),
        None => format!("{} reported", seen.step.as_str()),
    }];
    if let Some(number) = facts.number {
        parts.push(format!("code {number}"));
    }
    if let Some(subcode) = facts.subcode {
        parts.push(format!("subcode {subcode}"));
    }
    if facts.worded && !facts.platform.is_meta() {
        for name in [
            "code",
            "errorCode",
            "error_code",
            "status",
            "virusScanResult",
            "formatValidation",
        ] {
            let value = facts.field(name).filter(|value| !value.is_empty());
            parts.extend(value.map(|value| format!("{name} {}", redact::line(&value, 60))));
        }
    }
    let id = |name: &str| {
        facts
            .field(name)
            .map(|id| format!("{name} {}", super::excerpt(&id, 40)))
    };
    parts.extend(
        ["fbtrace_id", "contextId"]
            .iter()
            .filter_map(|name| id(name)),
    );
    parts.extend(from_headers(&facts.headers));
    let words = words(facts);
    let mut line = parts.join(", ");
    if !words.is_empty() {
        line = format!("{line}: {words}");
    }
    super::excerpt(&line, LONGEST_EVIDENCE)
}

fn from_headers(headers: &Headers) -> impl Iterator<Item = String> + '_ {
    let ids = [
        "inin-correlation-id",
        "www-authenticate",
        "x-amz-request-id",
    ];
    ids.into_iter().filter_map(|name| {
        let value = headers.get(name)?;
        let value = match name {
            // A challenge may name anything; an id names nothing but the request.
            "www-authenticate" => redact::line(value, 80),
            _ => super::excerpt(value, 40),
        };
        Some(format!("{name} {value}"))
    })
}

fn words(facts: &Facts) -> String {
    if facts.is_page() {
        return "an HTML page".to_owned();
    }
    if !facts.worded {
        return String::new();
    }
    let pointers = [
        "/error/error_data/details",
        "/error_data/details",
        "/error/message",
        "/message",
        "/errorMessage",
        "/description",
        "/error_description",
        "/title",
    ];
    let said = pointers
        .iter()
        .find_map(|pointer| facts.body.pointer(pointer)?.as_str());
    redact::line(said.unwrap_or_default(), 160)
}
