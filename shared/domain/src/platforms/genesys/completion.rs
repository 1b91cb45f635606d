//! What the source documents' surfaces tell of an upload: the webhooks `genesys.cloud.messaging.file.upload.completed` (`S3-24`
//! to `S3-27`) and `media.upload.completed` (`S0-16`, `S0-17`), and the same fields where they are looked up. Not published by
//! Genesys; read as the documents write them, both into one value. What the scan found and what became of the transport are two
//! fields of it (ruling C16).

use serde_json::Value;

use crate::diagnosis::{Outcome, Platform, Seen, Step, judge};
use crate::event::{Announcement, Said};
use crate::ids::MessageId;
use crate::platforms::lenient::{Unreadable, kept, object, text, unnamed};
use crate::processing::{Completion, Told, Transport};
use crate::scan::Scanned;
use crate::time::Timestamp;

/// The events.
const EVENTS: [&str; 2] = [
    "genesys.cloud.messaging.file.upload.completed",
    "media.upload.completed",
];

/// As whose the scan's findings are written down.
const SCANNER: &str = "Genesys Cloud";

/// What a scan that could not be made says, or one that is not over.
const SCAN_FAILED: [&str; 4] = ["failed", "error", "timeout", "unscannable"];
const SCAN_OPEN: [&str; 3] = ["pending", "in_progress", "scanning"];

/// What one body of the surface of `S3` announces. Other events are kept, not errors (`S3-30`).
///
/// # Errors
/// [`Unreadable`] if the body is no JSON object.
pub fn parse_completion(body: &[u8]) -> Result<Vec<Announcement>, Unreadable> {
    let body = object(body)?;
    let slice = body.to_string();
    let completion = read(&body);
    let message = match &completion {
        Some(completion) => completion.file.clone(),
        None => unnamed(&slice),
    };
    let kind = event_of(&body).unwrap_or_default();
    Ok(vec![Announcement {
        business: String::new(),
        message: MessageId::new(message),
        customer: String::new(),
        customer_name: None,
        sent_at: text(&body, "timestamp")
            .and_then(|time| Timestamp::parse_rfc3339(&time))
            .unwrap_or_default(),
        said: match completion {
            Some(completion) => Said::Completion(Box::new(completion)),
            None => Said::Notice(kind),
        },
        slice: kept(slice),
    }])
}

fn event_of(body: &Value) -> Option<String> {
    text(body, "eventType").or_else(|| text(body, "event_type"))
}

/// `None`: another event, or one that names no file.
fn read(body: &Value) -> Option<Completion> {
    let known = event_of(body).is_some_and(|event| EVENTS.contains(&event.as_str()));
    let data = body.get("data").unwrap_or(body);
    let file = ["fileId", "media_id"]
        .iter()
        .find_map(|key| text(data, key).filter(|id| !id.is_empty()));
    Some(Completion {
        file: file.filter(|_| known)?,
        told: told(data, Step::Webhook),
    })
}

/// What `data` tells of a file: that of an event, or what was answered to a look-up.
pub(super) fn told(data: &Value, step: Step) -> Told {
    let scan = text(data, "virusScanResult");
    Told {
        transport: transport(data, scan.as_deref(), step),
        scanned: scan.as_deref().map(scanned),
    }
}

fn transport(data: &Value, scan: Option<&str>, step: Step) -> Transport {
    let status = text(data, "status").unwrap_or_default();
    let is = |words: &[&str], said: &str| words.iter().any(|it| said.eq_ignore_ascii_case(it));
    let format = text(data, "formatValidation").unwrap_or_default();
    if is(&["failed", "invalid"], &status)
        || is(&["failed", "invalid", "rejected"], &format)
        || scan.is_some_and(|scan| is(&SCAN_FAILED, scan))
    {
        let seen = Seen {
            platform: Platform::Genesys,
            step,
            outcome: Outcome::Report(data),
        };
        // A report asks for no pause, so no time is needed to read one.
        return Transport::Failed(judge(&seen, Timestamp::default()));
    }
    if scan.is_some_and(|scan| is(&SCAN_OPEN, scan)) {
        return Transport::Working(format!("scan {}", scan.unwrap_or_default()));
    }
    match status.to_ascii_lowercase().as_str() {
        // `valid` is the published surface's word (genesys.md §6).
        "completed" | "success" | "valid" => Transport::Arrived,
        "queued" => Transport::Queued,
        _ => Transport::Working(status),
    }
}

fn scanned(result: &str) -> Scanned {
    match result.to_ascii_lowercase().as_str() {
        "clean" => Scanned::clean(SCANNER),
        "malicious" | "infected" => Scanned::malware(SCANNER, None),
        _ => Scanned::not_scanned(SCANNER, result),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Disposition, Domain, SCAN_PAUSE};

    fn said(text: &str) -> Said {
        let mut all = parse_completion(text.as_bytes()).unwrap();
        assert_eq!(all.len(), 1);
        all.remove(0).said
    }

    fn completion(text: &str) -> Completion {
        match said(text) {
            Said::Completion(completion) => *completion,
            other => panic!("a completion, not {other:?}"),
        }
    }

    #[test]
    fn scan_and_transport_are_told_apart() {
        let (clean, malicious, failed, timeout) = (
            include_str!("fixtures/webhook-upload-completed-clean.json"),
            include_str!("fixtures/webhook-upload-completed-malicious.json"),
            include_str!("fixtures/webhook-upload-completed-failed.json"),
            include_str!("fixtures/webhook-media-upload-failed.json"),
        );
        let deferred = Disposition::Deferred { wait: SCAN_PAUSE };
        let pipeline = Some(Domain::Pipeline);
        for (body, code, domain, disposition, scanned) in [
            (clean, "arrived", None, None, Some(Scanned::clean(SCANNER))),
            (
                malicious,
                "arrived",
                None,
                None,
                Some(Scanned::malware(SCANNER, None)),
            ),
            (
                failed,
                "genesys.scan-failed",
                pipeline,
                Some(deferred),
                Some(Scanned::not_scanned(SCANNER, "error")),
            ),
            (
                timeout,
                "pipeline.cdn-ingestion",
                pipeline,
                Some(Disposition::Unavailable),
                None,
            ),
        ] {
            let Completion { file, told } = completion(body);
            let read = match &told.transport {
                Transport::Failed(failure) => (
                    failure.diagnosis.code.as_str(),
                    Some(failure.diagnosis.domain),
                    Some(failure.disposition),
                ),
                Transport::Arrived => ("arrived", None, None),
                Transport::Queued | Transport::Working(_) => ("open", None, None),
            };
            assert_eq!(read, (code, domain, disposition), "{body}");
            assert_eq!(told.scanned, scanned, "{body}");
            assert!(!file.is_empty());
        }
    }

    #[test]
    fn other_events_are_kept_and_unknown_words_stay_open() {
        let s3 = "genesys.cloud.messaging.file.upload.completed";
        for body in [
            r#"{"eventType":"conversation.ended","data":{"fileId":"f"}}"#.to_owned(),
            format!(r#"{{"eventType":"{s3}","data":{{}}}}"#),
            format!(r#"{{"eventType":"{s3}","data":{{"fileId":""}}}}"#),
        ] {
            assert!(matches!(said(&body), Said::Notice(_)), "{body}");
        }
        for (fields, transport) in [
            (r#""status":"pending""#, "working pending"),
            (r#""status":"Queued""#, "queued"),
            (
                r#""status":"completed","virusScanResult":"pending""#,
                "working scan pending",
            ),
            (
                r#""status":"completed","virusScanResult":"skipped""#,
                "arrived",
            ),
            (r#""status":7"#, "working 7"),
        ] {
            let body = format!(r#"{{"eventType":"{s3}","data":{{"fileId":"f",{fields}}}}}"#);
            let told = completion(&body).told;
            let read = match &told.transport {
                Transport::Queued => "queued".to_owned(),
                Transport::Working(word) => format!("working {word}"),
                Transport::Arrived => "arrived".to_owned(),
                Transport::Failed(failure) => failure.diagnosis.code.clone(),
            };
            assert_eq!(read, transport, "{fields}");
        }
        assert!(parse_completion(b"[]").is_err());
    }
}
