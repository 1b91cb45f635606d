//! The table of rules against labelled answers: `fixtures/diagnosis/known.jsonl` has recorded ones and ones made after the
//! vendors' and the source documents' descriptions, each with the rule, what follows and how sure that is;
//! `foreign.jsonl` has answers of others, of which nothing certain may be said. One JSON object a line.

use std::collections::BTreeSet;

use attache_domain::diagnosis::rules;
use attache_domain::diagnosis::{
    Confidence, Disposition, Domain, Failure, LONGEST_EVIDENCE, LONGEST_EXCERPT, Outcome, Platform,
    Seen, Sign, Step, judge,
};
use attache_domain::time::Timestamp;
use attache_domain::wire::{CallError, Handshake, Headers, Response};
use serde_json::Value;

const KNOWN: &str = include_str!("../fixtures/diagnosis/known.jsonl");
const FOREIGN: &str = include_str!("../fixtures/diagnosis/foreign.jsonl");

fn rows(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line is an object"))
        .collect()
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} of {row}"))
}

fn platform(row: &Value) -> Platform {
    let name = text(row, "platform");
    let mut all = Platform::ALL.into_iter();
    all.find(|it| it.as_str() == name).expect("a platform")
}

fn step(row: &Value) -> Step {
    let name = text(row, "step");
    let mut all = Step::ALL.into_iter();
    all.find(|it| it.as_str() == name).expect("a step")
}

fn lost(row: &Value) -> CallError {
    let why = text(row, "text").to_owned();
    let tls = |handshake| CallError::Tls(handshake, why.clone());
    match text(row, "kind") {
        "refused" => CallError::Refused(why),
        "name" => CallError::NoName(why),
        "not-sent" => CallError::NotSent(why),
        "no-answer" => CallError::NoAnswer(why),
        "chain" => tls(Handshake::Chain),
        "expired" => tls(Handshake::Expired),
        "host-name" => tls(Handshake::Name),
        "version" => tls(Handshake::Version),
        "handshake" => tls(Handshake::Refused),
        "cut" => tls(Handshake::Cut),
        other => panic!("no kind {other}"),
    }
}

fn answer(row: &Value) -> Response {
    let headers = row["headers"].as_object();
    let pair =
        |(name, value): (&String, &Value)| (name.clone(), value.as_str().unwrap().to_owned());
    let body = match &row["body"] {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        json => json.to_string().into_bytes(),
    };
    Response {
        status: u16::try_from(row["status"].as_u64().expect("a status")).unwrap(),
        headers: Headers::new(headers.into_iter().flatten().map(pair)),
        body,
    }
}

fn judged(row: &Value) -> Failure {
    let (platform, step) = (platform(row), step(row));
    let judged = |outcome| {
        let seen = Seen {
            platform,
            step,
            outcome,
        };
        judge(&seen, Timestamp::from_seconds(1_000))
    };
    match (&row["lost"], &row["report"]) {
        (Value::Null, Value::Null) => judged(Outcome::Answer(&answer(row))),
        (Value::Null, report) => judged(Outcome::Report(report)),
        (error, _) => judged(Outcome::Lost(&lost(error))),
    }
}

fn word(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Rejected => "rejected",
        Disposition::Throttled { .. } => "throttled",
        Disposition::Unauthorised => "unauthorised",
        Disposition::Unavailable => "unavailable",
        Disposition::Deferred { .. } => "deferred",
        Disposition::Unknown => "unknown",
    }
}

/// What is wrong with a row's judgement, if anything is.
fn deviation(row: &Value) -> Option<String> {
    let failure = judged(row);
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

fn all_fit(rows: &[Value]) {
    let wrong: Vec<String> = rows.iter().filter_map(deviation).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn known_answers_fall_under_their_rules() {
    let rows = rows(KNOWN);
    assert!(rows.len() >= 60, "{}", rows.len());
    all_fit(&rows);
}

#[test]
fn of_foreign_answers_nothing_certain_is_said() {
    let rows = rows(FOREIGN);
    assert!(rows.len() >= 40, "{}", rows.len());
    all_fit(&rows);
    // A gateway's status is a sign of a dropped request, whoever's gateway it is; nothing else is more than seen.
    let gateways = ["http-502", "genesys-504", "genesys-503-bare", "cxone-502"];
    for row in &rows {
        let diagnosis = judged(row).diagnosis;
        let name = text(row, "name");
        assert_ne!(diagnosis.confidence, Confidence::Certain, "{name}");
        if diagnosis.confidence == Confidence::Likely {
            assert!(gateways.contains(&diagnosis.rule.as_str()), "{name}");
            assert_eq!(diagnosis.domain, Domain::Pipeline, "{name}");
        }
    }
}

#[test]
fn every_rule_is_known_by_one_id_and_met_by_a_labelled_answer() {
    let rows = rows(KNOWN);
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
