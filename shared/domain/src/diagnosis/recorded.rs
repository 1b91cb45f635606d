//! What was seen, as people keep it: to be judged later, in tests and by `attache diagnose`.
//!
//! JSON, one object after another: `platform`, `step`, and one of `status` (with `headers`, an object, and `body`, text or
//! JSON), `report` (what a webhook or a look-up says of a message or an upload), or `lost` (`kind` and `text` of a call without an
//! answer). Other fields are for readers. Or one answer as HTTP has it: status line, headers, an empty line, body. Or the text of
//! an error, as a program shows it: `curl: (35) … SSL_ERROR_SYSCALL`.

use serde_json::Value;

use super::seen::{Outcome, Platform, Seen, Step};
use super::{Failure, LONGEST_EVIDENCE, judge, redact};
use crate::time::Timestamp;
use crate::wire::{CallError, Handshake, Headers, Response};

/// Something that was seen.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Whose answer it should be.
    pub platform: Platform,
    /// What was being done.
    pub step: Step,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Answer(Response),
    Report(Value),
    Lost(CallError),
}

/// A record that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Not JSON.
    #[error("record {record}: not JSON: {source}")]
    Json {
        /// Which one, from 1.
        record: usize,
        /// What is wrong with it, and where.
        source: serde_json::Error,
    },
    /// A field is missing, or not what it should be.
    #[error("record {record}: {field} should be {expected}")]
    Field {
        /// Which one, from 1.
        record: usize,
        /// Its name.
        field: &'static str,
        /// What it should be.
        expected: String,
    },
    /// No status line.
    #[error("the first line should be a status line like `HTTP/1.1 400 Bad Request`, not {0:?}")]
    StatusLine(String),
}

impl Recorded {
    /// Reads all records of a text. `platform` and `step` stand in where a record names none.
    ///
    /// # Errors
    /// [`Unreadable`] names the record and what is wrong with it.
    pub fn read(
        text: &str,
        platform: Option<Platform>,
        step: Option<Step>,
    ) -> Result<Vec<Self>, Unreadable> {
        let text = text.trim_start_matches('\u{feff}').trim_start();
        if text.starts_with('{') {
            let rows = serde_json::Deserializer::from_str(text).into_iter::<Value>();
            let read = |(index, row): (usize, Result<Value, _>)| {
                let record = index + 1;
                let row = row.map_err(|source| Unreadable::Json { record, source })?;
                Row { record, row: &row }.read(platform, step)
            };
            return rows.enumerate().map(read).collect();
        }
        let row = Row {
            record: 1,
            row: &Value::Null,
        };
        let platform = row.platform(platform)?;
        let what = match text.starts_with("HTTP/") {
            true => What::Answer(answer(text)?),
            false => What::Lost(lost(text.trim())),
        };
        Ok(vec![Self {
            platform,
            step: row.step(step)?,
            what,
        }])
    }

    /// Judges it, as if it were seen at `now`.
    #[must_use]
    pub fn judge(&self, now: Timestamp) -> Failure {
        let outcome = match &self.what {
            What::Answer(answer) => Outcome::Answer(answer),
            What::Report(report) => Outcome::Report(report),
            What::Lost(error) => Outcome::Lost(error),
        };
        let seen = Seen {
            platform: self.platform,
            step: self.step,
            outcome,
        };
        judge(&seen, now)
    }
}

/// One record of JSON.
struct Row<'a> {
    record: usize,
    row: &'a Value,
}

impl Row<'_> {
    fn read(&self, platform: Option<Platform>, step: Option<Step>) -> Result<Recorded, Unreadable> {
        let what = match (
            self.row.get("status"),
            self.row.get("report"),
            self.row.get("lost"),
        ) {
            (Some(status), None, None) => What::Answer(self.answer(status)?),
            (None, Some(report), None) => What::Report(report.clone()),
            (None, None, Some(lost)) => What::Lost(self.lost(lost)?),
            _ => {
                return Err(self.bad(
                    "status",
                    "there, or else report or lost, and one of them only",
                ));
            }
        };
        Ok(Recorded {
            platform: self.platform(platform)?,
            step: self.step(step)?,
            what,
        })
    }

    fn bad(&self, field: &'static str, expected: impl Into<String>) -> Unreadable {
        Unreadable::Field {
            record: self.record,
            field,
            expected: expected.into(),
        }
    }

    fn platform(&self, otherwise: Option<Platform>) -> Result<Platform, Unreadable> {
        let named = self.row.get("platform").and_then(Value::as_str);
        let found = match named {
            Some(name) => Platform::named(name),
            None => otherwise,
        };
        let names = || Platform::ALL.map(Platform::as_str).join(", ");
        found.ok_or_else(|| self.bad("platform", format!("one of {}", names())))
    }

    fn step(&self, otherwise: Option<Step>) -> Result<Step, Unreadable> {
        let named = self.row.get("step").and_then(Value::as_str);
        let found = match named {
            Some(name) => Step::named(name),
            None => otherwise,
        };
        let names = || Step::ALL.map(Step::as_str).join(", ");
        found.ok_or_else(|| self.bad("step", format!("one of {}", names())))
    }

    fn answer(&self, status: &Value) -> Result<Response, Unreadable> {
        let status = status.as_u64().and_then(|it| u16::try_from(it).ok());
        let status = status.ok_or_else(|| self.bad("status", "a number up to 65535"))?;
        let mut headers = Vec::new();
        for (name, value) in self
            .row
            .get("headers")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let text = value.as_str();
            let text = text.ok_or_else(|| self.bad("headers", "an object of texts"))?;
            headers.push((name.clone(), text.to_owned()));
        }
        let body = match self.row.get("body") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(text)) => text.clone().into_bytes(),
            Some(json) => json.to_string().into_bytes(),
        };
        Ok(Response {
            status,
            headers: Headers::new(headers),
            body,
        })
    }

    fn lost(&self, lost: &Value) -> Result<CallError, Unreadable> {
        let text = |key: &str| lost.get(key).and_then(Value::as_str);
        let why = text("text").unwrap_or_default().to_owned();
        let tls = |handshake| CallError::Tls(handshake, why.clone());
        Ok(match text("kind").unwrap_or_default() {
            "refused" => CallError::Refused(why),
            "name" => CallError::NoName(why),
            "not-sent" => CallError::NotSent(why),
            "no-answer" => CallError::NoAnswer(why),
            "tls-chain" => tls(Handshake::Chain),
            "tls-expired" => tls(Handshake::Expired),
            "tls-name" => tls(Handshake::Name),
            "tls-version" => tls(Handshake::Version),
            "tls-refused" => tls(Handshake::Refused),
            "tls-cut" => tls(Handshake::Cut),
            _ => {
                let kinds = "an object whose kind is refused, name, not-sent, no-answer, or tls- and chain, expired, name, version, refused or cut";
                return Err(self.bad("lost", kinds));
            }
        })
    }
}

/// An answer as HTTP has it. What is no header is passed over.
fn answer(text: &str) -> Result<Response, Unreadable> {
    let end = |mark: &str| text.find(mark).map(|at| (at, at + mark.len()));
    let (head, body) = match end("\r\n\r\n").or_else(|| end("\n\n")) {
        Some((head, body)) => (&text[..head], &text[body..]),
        None => (text, ""),
    };
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default();
    let status = first
        .split_whitespace()
        .nth(1)
        .and_then(|it| it.parse().ok());
    let headers = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_owned(), value.trim().to_owned()))
    });
    Ok(Response {
        status: status.ok_or_else(|| Unreadable::StatusLine(super::excerpt(first, 60)))?,
        headers: Headers::new(headers),
        body: body.as_bytes().to_vec(),
    })
}

/// What a program's error says of a call.
fn lost(text: &str) -> CallError {
    let small = text.to_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| small.contains(phrase));
    let why = redact::line(text, LONGEST_EVIDENCE);
    if let Some(handshake) = Handshake::read(text) {
        return CallError::Tls(handshake, why);
    }
    if says(&[
        "could not resolve",
        "failed to lookup",
        "no such host",
        "name or service not known",
        "enotfound",
        "dns error",
    ]) {
        return CallError::NoName(why);
    }
    if says(&[
        "connection refused",
        "econnrefused",
        "no route to host",
        "network is unreachable",
        "failed to connect",
    ]) {
        return CallError::NotSent(why);
    }
    CallError::NoAnswer(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Result<String, String> {
        let read = Recorded::read(text, Some(Platform::WhatsApp), Some(Step::Upload));
        let read = read.map_err(|error| error.to_string())?;
        let failure = read[0].judge(Timestamp::default());
        Ok(failure.diagnosis.rule)
    }

    #[test]
    fn answers_and_errors_are_read_as_they_are_kept() {
        for (text, expected) in [
            (
                "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n\r\n{\"error\":{\"code\":130429}}",
                "wa-number-throttled",
            ),
            ("HTTP/2 502\nserver: nginx\n\n<html>", "http-502"),
            ("HTTP/1.1 429", "http-429-bare"),
            (
                r#"{"status":400,"body":{"error":{"code":4}}} {"status":1}"#,
                "meta-app-throttled",
            ),
            (
                "curl: (35) OpenSSL SSL_connect: SSL_ERROR_SYSCALL",
                "tls-cut",
            ),
            (
                "curl: (6) Could not resolve host: graph.facebook.com",
                "net-name",
            ),
            (
                "curl: (7) Failed to connect to h port 443: Connection refused",
                "net-no-connection",
            ),
            ("read timed out", "net-no-answer"),
        ] {
            assert_eq!(rule(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, expected) in [
            ("{", "record 1: not JSON"),
            (r#"{"status":400} {"#, "record 2: not JSON"),
            ("{}", "record 1: status should be there"),
            (
                r#"{"status":400,"report":{}}"#,
                "record 1: status should be there",
            ),
            (r#"{"status":"x"}"#, "record 1: status should be a number"),
            (
                r#"{"status":400,"platform":"fax"}"#,
                "record 1: platform should be one of whatsapp",
            ),
            (
                r#"{"status":400,"step":"fly"}"#,
                "record 1: step should be one of token",
            ),
            (
                r#"{"status":400,"headers":{"a":1}}"#,
                "record 1: headers should be an object of texts",
            ),
            (
                r#"{"lost":{"kind":"moon"}}"#,
                "record 1: lost should be an object",
            ),
            ("HTTP/1.1 Bad", "the first line should be a status line"),
        ] {
            let error = rule(text).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
        let nameless = Recorded::read("HTTP/1.1 400", None, None).unwrap_err();
        assert!(
            nameless
                .to_string()
                .starts_with("record 1: platform should be one of")
        );
    }
}
