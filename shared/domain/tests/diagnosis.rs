//! The table of rules against labelled answers: `fixtures/diagnosis/known.jsonl` has recorded ones and ones made after the
//! vendors' and the source documents' descriptions, each with the rule, what follows and how sure that is;
//! `foreign.jsonl` has answers of others, of which nothing certain may be said. One JSON object a line.

use std::collections::BTreeSet;
use std::error::Error;

use attache_domain::diagnosis::rules;
use attache_domain::diagnosis::{
    Confidence, Disposition, Domain, Failure, LONGEST_EVIDENCE, LONGEST_EXCERPT, Outcome, Platform,
    Recorded, Seen, Sign, Step, judge,
};
use attache_domain::time::Timestamp;
use attache_domain::wire::{Headers, Response};
use serde_json::Value;

const KNOWN: &str = include_str!("../fixtures/diagnosis/known.jsonl");
const FOREIGN: &str = include_str!("../fixtures/diagnosis/foreign.jsonl");

fn rows(text: &str) -> Result<Vec<Value>, Box<dyn Error>> {
    let rows = text.lines().map(serde_json::from_str);
    Ok(rows.collect::<Result<_, _>>()?)
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} of {row}"))
}

/// The rows with what they are judged to be.
fn judged(text: &str) -> Result<Vec<(Value, Failure)>, Box<dyn Error>> {
    let records = Recorded::read(text, None, None)?;
    let judged = records
        .iter()
        .map(|record| record.judge(Timestamp::from_seconds(1_000)));
    let rows = rows(text)?;
    assert_eq!(rows.len(), records.len());
    Ok(rows.into_iter().zip(judged).collect())
}

fn word(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Rejected => "rejected",
        Disposition::Throttled { .. } => "throttled",
        Disposition::Unauthorised => "unauthorised",
        Disposition::Unavailable | Disposition::Down { .. } => "unavailable",
        Disposition::Deferred { .. } => "deferred",
        Disposition::Unknown => "unknown",
        Disposition::Unfit(_) => "unfit",
    }
}

/// What is wrong with a row's judgement, if anything is.
fn deviation((row, failure): &(Value, Failure)) -> Option<String> {
    let diagnosis = &failure.diagnosis;
    let follows = word(failure.disposition);
    let expected = (
        text(row, "rule"),
        text(row, "confidence"),
        row["then"].as_str().unwrap_or(follows),
    );
    let got = (
        diagnosis.rule.as_str(),
        diagnosis.confidence.as_str(),
        follows,
    );
    (expected != got).then(|| format!("{}: {got:?}, not {expected:?}", text(row, "name")))
}

fn all_fit(judged: &[(Value, Failure)]) {
    let wrong: Vec<String> = judged.iter().filter_map(deviation).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn known_answers_fall_under_their_rules() -> Result<(), Box<dyn Error>> {
    let judged = judged(KNOWN)?;
    assert!(judged.len() >= 60, "{}", judged.len());
    all_fit(&judged);
    Ok(())
}

#[test]
fn of_foreign_answers_nothing_certain_is_said() -> Result<(), Box<dyn Error>> {
    let judged = judged(FOREIGN)?;
    assert!(judged.len() >= 40, "{}", judged.len());
    all_fit(&judged);
    // A gateway's status is a sign of a dropped request, whoever's gateway it is; nothing else is more than seen.
    let gateways = ["http-502", "genesys-504", "genesys-503-bare", "cxone-502"];
    for (row, Failure { diagnosis, .. }) in &judged {
        let name = text(row, "name");
        assert_ne!(diagnosis.confidence, Confidence::Certain, "{name}");
        if diagnosis.confidence == Confidence::Likely {
            assert!(gateways.contains(&diagnosis.rule.as_str()), "{name}");
            assert_eq!(diagnosis.domain, Domain::Pipeline, "{name}");
        }
    }
    Ok(())
}

#[test]
fn every_rule_is_known_by_one_id_and_met_by_a_labelled_answer() -> Result<(), Box<dyn Error>> {
    let rows = rows(KNOWN)?;
    let met: BTreeSet<&str> = rows.iter().map(|row| text(row, "rule")).collect();
    let mut ids = BTreeSet::new();
    let mut unmet = Vec::new();
    for (_, rule) in rules::all() {
        assert!(ids.insert(rule.id), "{} is the id of two rules", rule.id);
        assert!(
            !rule.remedy.is_empty() && !rule.source.is_empty(),
            "{}",
            rule.id
        );
        let seen = !matches!(rule.when.sign, Sign::Ours);
        if seen && !met.contains(rule.id) {
            unmet.push(rule.id);
        }
    }
    assert!(unmet.is_empty(), "no labelled answer for {unmet:?}");
    Ok(())
}

/// `S0-8`, `S0-25`: which request, by which edge node, out of which cache. Of a message it changes nothing about what follows.
#[test]
fn what_a_message_met_shows_which_way_its_answer_took() {
    let headers = [
        ("X-Request-ID", "8f14e45f-ceea"),
        ("X-CDN-Edge-Node", "fra-7"),
        ("X-Cache", "Hit from cloudfront"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    for platform in [Platform::WhatsApp, Platform::Genesys, Platform::Cxone] {
        let judged = |headers: Headers| {
            let answer = Response {
                status: 502,
                headers,
                body: Vec::new(),
            };
            let seen = Seen {
                platform,
                step: Step::Send,
                outcome: Outcome::Answer(&answer),
            };
            judge(&seen, Timestamp::default())
        };
        let (bare, told) = (
            judged(Headers::default()),
            judged(Headers::new(headers.clone())),
        );
        assert_eq!(bare.disposition, told.disposition, "{platform:?}");
        assert_eq!(bare.diagnosis.rule, told.diagnosis.rule);
        let way = "X-Cache Hit from cloudfront, edge node fra-7, X-Request-ID 8f14e45f-ceea";
        assert!(told.diagnosis.evidence.ends_with(way), "{told:?}");
    }
}

/// What a row gets must not grow without end, and what a log gets neither.
#[test]
fn evidence_and_excerpt_are_bounded() {
    let long = "word ".repeat(100_000);
    for body in [
        serde_json::json!({"error": {"code": 190, "message": long, "fbtrace_id": long}})
            .to_string(),
        serde_json::json!({"code": "bad.request", "message": long, "contextId": long}).to_string(),
        long.clone(),
    ] {
        for platform in Platform::ALL {
            let answer = Response {
                status: 400,
                headers: Headers::new([("WWW-Authenticate".to_owned(), long.clone())]),
                body: body.clone().into_bytes(),
            };
            let seen = Seen {
                platform,
                step: Step::Send,
                outcome: Outcome::Answer(&answer),
            };
            let failure = judge(&seen, Timestamp::default());
            assert!(failure.diagnosis.evidence.chars().count() <= LONGEST_EVIDENCE);
            assert!(failure.excerpt.len() <= LONGEST_EXCERPT);
        }
    }
}

/// The sources' troubleshooting tables: each of these rows is the source of a rule.
#[test]
fn every_row_of_the_sources_tables_is_a_rule() {
    let sources: Vec<&str> = rules::all().map(|(_, rule)| rule.source).collect();
    let rows: [(&str, &[u32]); 5] = [
        (
            "S0",
            &[
                25, 26, 27, 28, 29, 30, 31, 32, 36, 39, 42, 44, 49, 53, 54, 57, 64, 70, 71, 72, 73,
                75, 76, 78, 80, 81, 82, 83, 84, 85, 86,
            ],
        ),
        ("S1", &[16, 31, 32, 38, 45, 46, 47, 49]),
        ("S2", &[21, 22, 25, 26, 27, 28, 30, 31, 32, 33, 34]),
        ("S3", &[25, 26, 27, 50, 51, 52, 53, 54, 58]),
        ("S4", &[3, 4, 5, 6, 7, 8, 9, 10, 13, 16]),
    ];
    for (document, numbers) in rows {
        for number in numbers {
            assert!(
                sources
                    .iter()
                    .any(|source| cites(source, document, *number)),
                "{document}-{number}"
            );
        }
    }
}

/// Whether `source` names a row of `document`: by itself, or as one of a span like `S0-81…86`.
fn cites(source: &str, document: &str, number: u32) -> bool {
    source.split([',', ';', ' ', '(']).any(|word| {
        let Some((named, span)) = word.trim().split_once('-') else {
            return false;
        };
        let (first, last) = span.split_once('…').unwrap_or((span, span));
        let bounds = first.parse::<u32>().ok().zip(last.parse::<u32>().ok());
        named == document && bounds.is_some_and(|(first, last)| (first..=last).contains(&number))
    })
}
