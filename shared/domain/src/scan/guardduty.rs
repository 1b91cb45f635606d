//! The event by which GuardDuty Malware Protection for S3 tells what it found in an object: EventBridge, source
//! `aws.guardduty`, detail type "GuardDuty Malware Protection Object Scan Result".
//!
//! After <https://docs.aws.amazon.com/guardduty/latest/ug/monitor-with-eventbridge-s3-malware-protection.html> (checked
//! 2026-11-26). It comes at least once, in any order with the object's own event, and sometimes never. The entity tag is
//! written without the quotes that S3 puts around it.

use serde::Deserialize;
use serde_json::Value;

use super::Scanned;

/// As which its findings are written down.
pub const NAME: &str = "GuardDuty";

/// What EventBridge says of where such an event comes from.
pub const SOURCE: &str = "aws.guardduty";

/// What EventBridge calls such an event.
pub const DETAIL_TYPE: &str = "GuardDuty Malware Protection Object Scan Result";

/// The result of the scan of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectScan {
    /// The bucket.
    pub bucket: String,
    /// The object's key.
    pub key: String,
    etag: String,
    /// What was found.
    pub scanned: Scanned,
}

impl ObjectScan {
    /// Whether it is about the bytes that have this entity tag, as S3 writes it.
    #[must_use]
    pub fn is_of(&self, etag: &str) -> bool {
        self.etag == unquoted(etag)
    }
}

fn unquoted(etag: &str) -> &str {
    etag.trim_matches('"')
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    scan_status: String,
    s3_object_details: ObjectDetails,
    scan_result_details: ResultDetails,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectDetails {
    bucket_name: String,
    object_key: String,
    e_tag: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResultDetails {
    scan_result_status: String,
    threats: Option<Vec<Threat>>,
    status_reasons: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Threat {
    name: String,
}

/// Reads the event.
///
/// # Errors
/// If it has not the published shape.
pub fn read(event: &Value) -> serde_json::Result<ObjectScan> {
    let detail = Detail::deserialize(&event["detail"])?;
    let object = detail.s3_object_details;
    Ok(ObjectScan {
        bucket: object.bucket_name,
        key: object.object_key,
        etag: unquoted(&object.e_tag).to_owned(),
        scanned: scanned(&detail.scan_status, &detail.scan_result_details),
    })
}

/// Anything but the two words that say so is not scanned, also a word that was invented after this was written.
fn scanned(scan_status: &str, result: &ResultDetails) -> Scanned {
    match (scan_status, result.scan_result_status.as_str()) {
        ("COMPLETED", "NO_THREATS_FOUND") => Scanned::clean(NAME),
        (_, "THREATS_FOUND") => {
            let threats = result.threats.iter().flatten();
            let names: Vec<&str> = threats.map(|threat| threat.name.as_str()).collect();
            let names = names.join(", ");
            Scanned::malware(NAME, Some(&*names).filter(|names| !names.is_empty()))
        }
        (_, status) => {
            let reasons = result.status_reasons.iter().flatten();
            let words: Vec<&str> = std::iter::once(status)
                .chain(reasons.map(String::as_str))
                .collect();
            Scanned::not_scanned(NAME, &words.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(scan_status: &str, status: &str, threats: Value, reasons: Value) -> Value {
        let text = include_str!("fixtures/guardduty-threats-found.json");
        let mut event: Value = serde_json::from_str(text).unwrap();
        event["detail"]["scanStatus"] = scan_status.into();
        event["detail"]["scanResultDetails"] = json!({
            "scanResultStatus": status, "threats": threats, "statusReasons": reasons,
        });
        event
    }

    #[test]
    fn the_published_event_is_read() {
        let text = include_str!("fixtures/guardduty-threats-found.json");
        let scan = read(&serde_json::from_str(text).unwrap()).unwrap();
        assert_eq!(scan.key, "arrivals/l2wfnx2ykow6332tuxvuxtr2em");
        assert_eq!(
            scan.scanned,
            Scanned::malware(NAME, Some("EICAR-Test-File (not a virus)"))
        );
        for (etag, same) in [
            ("\"5d41402abc4b2a76b9719d911017c592\"", true),
            ("5d41402abc4b2a76b9719d911017c592", true),
            ("\"5d41402abc4b2a76b9719d911017c592-2\"", false),
            ("", false),
        ] {
            assert_eq!(scan.is_of(etag), same, "{etag}");
        }
    }

    #[test]
    fn only_no_threats_in_a_completed_scan_is_clean() {
        let none = || Value::Null;
        let not_scanned = |why| Scanned::not_scanned(NAME, why);
        for (scan_status, status, threats, reasons, expected) in [
            (
                "COMPLETED",
                "NO_THREATS_FOUND",
                none(),
                none(),
                Scanned::clean(NAME),
            ),
            (
                "COMPLETED",
                "THREATS_FOUND",
                json!([{ "name": "A" }, { "name": "B" }]),
                none(),
                Scanned::malware(NAME, Some("A, B")),
            ),
            (
                "COMPLETED",
                "THREATS_FOUND",
                none(),
                none(),
                Scanned::malware(NAME, None),
            ),
            (
                "SKIPPED",
                "UNSUPPORTED",
                none(),
                json!(["PASSWORD_PROTECTED"]),
                not_scanned("UNSUPPORTED, PASSWORD_PROTECTED"),
            ),
            (
                "SKIPPED",
                "ACCESS_DENIED",
                none(),
                none(),
                not_scanned("ACCESS_DENIED"),
            ),
            ("FAILED", "FAILED", none(), none(), not_scanned("FAILED")),
            (
                "SKIPPED",
                "NO_THREATS_FOUND",
                none(),
                none(),
                not_scanned("NO_THREATS_FOUND"),
            ),
            (
                "COMPLETED",
                "MOSTLY_HARMLESS",
                none(),
                none(),
                not_scanned("MOSTLY_HARMLESS"),
            ),
        ] {
            let scan = read(&event(scan_status, status, threats, reasons)).unwrap();
            assert_eq!(scan.scanned, expected, "{scan_status} {status}");
        }
    }

    #[test]
    fn another_shape_is_refused_with_what_is_missing() {
        for (without, expected) in [
            ("/detail/s3ObjectDetails/eTag", "eTag"),
            ("/detail/scanResultDetails", "scanResultDetails"),
        ] {
            let mut event = event("COMPLETED", "NO_THREATS_FOUND", Value::Null, Value::Null);
            let (parent, key) = without.rsplit_once('/').unwrap();
            let parent = event.pointer_mut(parent).unwrap();
            parent.as_object_mut().unwrap().remove(key);
            let told = read(&event).unwrap_err().to_string();
            assert!(told.contains(expected), "{told}");
        }
    }
}
