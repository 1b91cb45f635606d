//! What the source documents' webhooks tell of an upload that is over: `genesys.cloud.messaging.file.upload.completed` (`S3-24`
//! to `S3-27`) and `media.upload.completed` (`S0-16`, `S0-17`). Not published by Genesys; read as the documents write them, both
//! into one value. What the scan found and what became of the transport are two fields of it (ruling C16).

use serde_json::Value;

use crate::diagnosis::rules::ours;
use crate::diagnosis::{Diagnosis, excerpt};
use crate::platforms::lenient::{Unreadable, object, text};
use crate::scan::Scanned;

/// The events.
const EVENTS: [&str; 2] = [
    "genesys.cloud.messaging.file.upload.completed",
    "media.upload.completed",
];

/// As whose the scan's findings are written down.
const SCANNER: &str = "Genesys Cloud";

/// One upload of ours that the platform is done with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What the platform calls the file.
    pub file: String,
    /// What became of the bytes on their way.
    pub transport: Transport,
    /// What the platform's scan found, if it tells of one.
    pub scanned: Option<Scanned>,
}

/// What became of the bytes on their way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// The platform has them.
    Arrived,
    /// It has not, or does not take them.
    Failed(Box<Diagnosis>),
    /// It does not say, or in a word that we do not know.
    Open,
}

/// Reads one body; `None`: another event, or one that names no file. Those are kept, not errors (`S3-30`).
///
/// # Errors
/// [`Unreadable`] if the body is no JSON object.
pub fn completion(body: &[u8]) -> Result<Option<Completion>, Unreadable> {
    let body = object(body)?;
    let event = text(&body, "eventType").or_else(|| text(&body, "event_type"));
    let data = body.get("data").unwrap_or(&body);
    let file = ["fileId", "media_id"]
        .iter()
        .find_map(|key| text(data, key));
    let known = event.is_some_and(|event| EVENTS.contains(&event.as_str()));
    Ok(file.filter(|_| known).map(|file| Completion {
        file,
        transport: transport(data),
        scanned: text(data, "virusScanResult").map(|result| scanned(&result)),
    }))
}

fn transport(data: &Value) -> Transport {
    match text(data, "status").as_deref() {
        Some("completed" | "success") => Transport::Arrived,
        Some("failed") => Transport::Failed(Box::new(failed(data))),
        _ => Transport::Open,
    }
}

/// A time-out of the CDN is the platform's own pipeline, not the provider behind it (`S0-17`).
fn failed(data: &Value) -> Diagnosis {
    let said = |key| text(data, key).map(|said| excerpt(&said, 80));
    let evidence: Vec<String> = ["error_code", "formatValidation"]
        .iter()
        .filter_map(|key| said(key).map(|said| format!("{key} {said}")))
        .collect();
    let evidence = evidence.join(", ");
    let rule = match said("error_code").as_deref() {
        Some("cdn_ingestion_timeout") => ours::CDN_TIMEOUT,
        _ => ours::UPLOAD_FAILED,
    };
    rule.diagnosis(evidence)
}

fn scanned(result: &str) -> Scanned {
    match result {
        "clean" => Scanned::clean(SCANNER),
        "malicious" => Scanned::malware(SCANNER, None),
        other => Scanned::not_scanned(SCANNER, other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Domain;

    fn read(text: &str) -> Option<Completion> {
        completion(text.as_bytes()).unwrap()
    }

    #[test]
    fn scan_and_transport_are_told_apart() {
        let (clean, malicious, failed, timeout) = (
            include_str!("fixtures/webhook-upload-completed-clean.json"),
            include_str!("fixtures/webhook-upload-completed-malicious.json"),
            include_str!("fixtures/webhook-upload-completed-failed.json"),
            include_str!("fixtures/webhook-media-upload-failed.json"),
        );
        for (body, transport, domain, scanned) in [
            (clean, "arrived", None, Some(Scanned::clean(SCANNER))),
            (
                malicious,
                "arrived",
                None,
                Some(Scanned::malware(SCANNER, None)),
            ),
            (
                failed,
                "genesys.upload-failed",
                Some(Domain::Provider),
                Some(Scanned::not_scanned(SCANNER, "error")),
            ),
            (
                timeout,
                "genesys.cdn-ingestion-timeout",
                Some(Domain::Pipeline),
                None,
            ),
        ] {
            let completion = read(body).unwrap();
            let (word, of) = match &completion.transport {
                Transport::Arrived => ("arrived", None),
                Transport::Open => ("open", None),
                Transport::Failed(diagnosis) => (diagnosis.code.as_str(), Some(diagnosis.domain)),
            };
            assert_eq!((word, of), (transport, domain), "{body}");
            assert_eq!(completion.scanned, scanned, "{body}");
            assert!(!completion.file.is_empty());
        }
    }

    #[test]
    fn other_events_are_none_and_unknown_words_stay_open() {
        let s3 = "genesys.cloud.messaging.file.upload.completed";
        for (body, expected) in [
            (
                r#"{"eventType":"conversation.ended","data":{"fileId":"f"}}"#.to_owned(),
                None,
            ),
            (format!(r#"{{"eventType":"{s3}","data":{{}}}}"#), None),
            (
                format!(
                    r#"{{"eventType":"{s3}","data":{{"fileId":"f","status":"pending","virusScanResult":"skipped"}}}}"#
                ),
                Some(Completion {
                    file: "f".to_owned(),
                    transport: Transport::Open,
                    scanned: Some(Scanned::not_scanned(SCANNER, "skipped")),
                }),
            ),
        ] {
            assert_eq!(read(&body), expected, "{body}");
        }
        assert!(completion(b"[]").is_err());
    }
}
