//! The facts that rules go by, and two questions: is an answer in its vendor's own form, and does it bear a mark that others do
//! not set?

use serde_json::Value;

use super::seen::{Outcome, Platform, Seen, Step, Trouble};
use crate::wire::Headers;

/// The facts that rules go by, taken out of what was seen.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) platform: Platform,
    pub(super) step: Step,
    pub(super) status: Option<u16>,
    pub(super) headers: Headers,
    pub(super) body: Value,
    pub(super) number: Option<i64>,
    pub(super) subcode: Option<i64>,
    pub(super) transient: bool,
    /// The words for people, in small letters.
    pub(super) words: String,
    /// In the vendor's own form.
    pub(super) worded: bool,
    /// With a mark that only the vendor sets.
    pub(super) signed: bool,
    pub(super) trouble: Option<Trouble>,
}

/// Where words for people stand, whoever wrote them.
const WORDS: [&str; 14] = [
    "/message",
    "/errorMessage",
    "/error_message",
    "/description",
    "/error_description",
    "/reason",
    "/title",
    "/details",
    "/error/message",
    "/error/error_data/details",
    "/error_data/details",
    "/body/errorMessage",
    "/data/message",
    "/data/error_message",
];

impl Facts {
    pub(super) fn of(seen: &Seen<'_>) -> Self {
        let (status, headers, body, text) = match seen.outcome {
            Outcome::Answer(answer) => {
                let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
                let text = match body {
                    Value::Null => String::from_utf8_lossy(&answer.body).to_lowercase(),
                    _ => String::new(),
                };
                (Some(answer.status), answer.headers.clone(), body, text)
            }
            Outcome::Report(value) => (None, Headers::default(), value.clone(), String::new()),
            Outcome::Lost(_) => (None, Headers::default(), Value::Null, String::new()),
        };
        let mut facts = Self {
            platform: seen.platform,
            step: seen.step,
            status,
            headers,
            number: None,
            subcode: None,
            transient: false,
            words: text,
            worded: false,
            signed: false,
            trouble: match seen.outcome {
                Outcome::Lost(error) => Some(Trouble::of(error)),
                Outcome::Answer(_) | Outcome::Report(_) => None,
            },
            body,
        };
        for pointer in WORDS {
            if let Some(word) = facts.body.pointer(pointer).and_then(Value::as_str) {
                facts.words.push(' ');
                facts.words.push_str(&word.to_lowercase());
            }
        }
        facts.read_form(matches!(seen.outcome, Outcome::Report(_)));
        facts
    }

    /// Whether it is in the vendor's form, and bears its mark. A report was verified by whoever handed it in.
    fn read_form(&mut self, report: bool) {
        let text = |pointer: &str| self.body.pointer(pointer).and_then(Value::as_str);
        if self.platform.is_meta() {
            let error = self.body.get("error").filter(|error| error.is_object());
            let error = error.or(report.then_some(&self.body));
            let get = |key: &str| error.and_then(|error| error.get(key));
            let kind = get("type").and_then(Value::as_str).unwrap_or_default();
            // Google's errors are alike, but for a status in words; those of JSON-RPC are for their version.
            let foreign = get("status").is_some() || self.body.get("jsonrpc").is_some();
            let number = get("code").and_then(Value::as_i64).filter(|_| !foreign);
            let signed = get("fbtrace_id").is_some_and(Value::is_string)
                || kind.ends_with("Exception")
                || self.headers.get("x-fb-trace-id").is_some();
            let subcode = get("error_subcode").and_then(Value::as_i64);
            let transient = get("is_transient").and_then(Value::as_bool) == Some(true);
            self.worded = number.is_some();
            self.signed = report || (self.worded && signed);
            (self.number, self.subcode) = (number, subcode);
            self.transient = transient && self.worded;
            return;
        }
        let correlated = self.headers.get("inin-correlation-id").is_some();
        let oauth = self.step == Step::Token && text("/error").is_some();
        match self.platform {
            Platform::Genesys => {
                let coded = text("/code").is_some() || text("/errorCode").is_some();
                let framed = text("/class").is_some() && self.body.get("body").is_some();
                let event = text("/error_code").is_some() || text("/data/error_code").is_some();
                self.worded = report || coded || framed || event || oauth;
                self.signed = report || correlated || text("/contextId").is_some();
            }
            Platform::Cxone => {
                let told = text("/message").or_else(|| text("/error_description"));
                self.worded = report || oauth || told.is_some() || self.has_limits();
                // Nothing in the published material marks an answer as CXone's.
                self.signed = report;
            }
            Platform::Host => {
                let store = self.headers.get("x-amz-request-id").is_some();
                self.worded = self.words.contains("<error>") && self.words.contains("<code>");
                self.signed = store && self.worded;
            }
            Platform::WhatsApp | Platform::Messenger | Platform::Instagram => {}
        }
    }

    /// A refusal in the form of the limits that were broken (cxone.md §5).
    fn has_limits(&self) -> bool {
        self.body.get("allowedFileSize").is_some() && self.body.get("allowedFileTypes").is_some()
    }

    /// The value of a field, at the top, or under `data`, `body`, `error` or `limits`.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        let found = ["", "/data", "/body", "/error"]
            .iter()
            .find_map(|at| self.body.pointer(&format!("{at}/{name}")));
        match found? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Array(_) | Value::Object(_) => Some(String::new()),
            Value::Null | Value::Bool(_) => None,
        }
    }

    pub(super) fn is_page(&self) -> bool {
        let kind = self.headers.get("content-type").unwrap_or_default();
        let begins = self.words.trim_start();
        kind.to_ascii_lowercase().starts_with("text/html")
            || begins.starts_with("<!doctype html")
            || begins.starts_with("<html")
    }
}
