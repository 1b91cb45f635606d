//! One message: what the sender gave, and where it stands.

use std::collections::BTreeMap;

use data_encoding::{BASE64, HEXLOWER};
use s3s::crypto::{Checksum, Md5};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::json::Failure;

/// The largest message, attributes included.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>, checked 2026-11-20.
pub(super) const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// A message attribute as the sender wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attribute {
    pub(super) data_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) string_value: Option<String>,
    /// Base64, as on the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) binary_value: Option<String>,
}

/// What a sender asks for: `SendMessage`, or one entry of its batch form.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Outgoing {
    /// The entry's id in a batch.
    #[serde(default)]
    pub(super) id: String,
    pub(super) message_body: String,
    #[serde(default)]
    pub(super) delay_seconds: Option<u64>,
    #[serde(default)]
    pub(super) message_attributes: BTreeMap<String, Attribute>,
    #[serde(default)]
    pub(super) message_system_attributes: BTreeMap<String, Attribute>,
    #[serde(default)]
    pub(super) message_group_id: Option<String>,
    #[serde(default)]
    pub(super) message_deduplication_id: Option<String>,
}

impl Outgoing {
    /// The size that counts against the limit.
    pub(super) fn bytes(&self) -> usize {
        let attribute = |(name, value): (&String, &Attribute)| {
            name.len()
                + value.data_type.len()
                + value.string_value.as_ref().map_or(0, String::len)
                + value
                    .binary_value
                    .as_ref()
                    .map_or(0, |binary| binary.len() / 4 * 3)
        };
        self.message_body.len() + self.message_attributes.iter().map(attribute).sum::<usize>()
    }

    /// Refuses what AWS refuses.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.message_body.is_empty() {
            return Err(Failure::new(
                "MissingParameter",
                "The request must contain the parameter MessageBody.",
            )
            .known_as("MissingParameter"));
        }
        if self.bytes() > MAX_MESSAGE_BYTES {
            let message = format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {MAX_MESSAGE_BYTES} bytes."
            );
            return Err(invalid(message));
        }
        if self.delay_seconds.is_some_and(|seconds| seconds > 900) {
            let message = format!(
                "Value {} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.",
                self.delay_seconds.unwrap_or_default()
            );
            return Err(invalid(message));
        }
        if !self.message_body.chars().all(is_allowed) {
            let message = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF";
            return Err(
                Failure::new("InvalidMessageContents", message).known_as("InvalidMessageContents")
            );
        }
        Ok(())
    }
}

/// The failure for a parameter with an impossible value.
pub(super) fn invalid(message: impl Into<String>) -> Failure {
    Failure::new("InvalidParameterValue", message).known_as("InvalidParameterValue")
}

fn is_allowed(character: char) -> bool {
    matches!(character, '\u{9}' | '\u{a}' | '\u{d}' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// A message in a queue. All times are milliseconds since 1970.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) body: String,
    pub(super) attributes: BTreeMap<String, Attribute>,
    pub(super) trace_header: Option<String>,
    pub(super) group: Option<String>,
    pub(super) deduplication: Option<String>,
    pub(super) sent_at: u64,
    /// Until then nobody receives it: it is delayed, or somebody has it.
    pub(super) visible_at: u64,
    pub(super) receives: u32,
    pub(super) first_received_at: Option<u64>,
    /// Which receive counts; zero while nobody has received it from this queue.
    pub(super) receipt: u64,
    /// The ARN of the queue it was dead-lettered from.
    pub(super) dead_letter_source: Option<String>,
}

impl Message {
    pub(super) fn new(id: String, given: Outgoing, now: u64, default_delay_seconds: u64) -> Self {
        let delay = given.delay_seconds.unwrap_or(default_delay_seconds) * 1000;
        let trace_header = given
            .message_system_attributes
            .get("AWSTraceHeader")
            .and_then(|value| value.string_value.clone());
        Self {
            id,
            body: given.message_body,
            attributes: given.message_attributes,
            trace_header,
            group: given.message_group_id,
            deduplication: given.message_deduplication_id,
            sent_at: now,
            visible_at: now + delay,
            receives: 0,
            first_received_at: None,
            receipt: 0,
            dead_letter_source: None,
        }
    }

    /// Somebody has it and may still delete it.
    pub(super) fn is_in_flight(&self, now: u64) -> bool {
        self.receipt != 0 && self.visible_at > now
    }

    /// It waits for its delay to end.
    pub(super) fn is_delayed(&self, now: u64) -> bool {
        self.receipt == 0 && self.visible_at > now
    }

    /// The message as `ReceiveMessage` answers it. `system` and `custom` name the attributes asked for.
    pub(super) fn received(&self, handle: &str, system: &[String], custom: &[String]) -> Value {
        let mut answer = json!({
            "MessageId": self.id,
            "ReceiptHandle": handle,
            "Body": self.body,
            "MD5OfBody": md5_hex(self.body.as_bytes()),
        });
        let system = self.system_attributes(system);
        if !system.is_empty() {
            answer["Attributes"] = Value::Object(system);
        }
        let custom: BTreeMap<_, _> = self
            .attributes
            .iter()
            .filter(|(name, _)| is_asked_for(custom, name))
            .collect();
        if !custom.is_empty() {
            answer["MD5OfMessageAttributes"] = json!(md5_of_attributes(
                custom.iter().map(|(name, value)| (*name, *value))
            ));
            answer["MessageAttributes"] = json!(custom);
        }
        answer
    }

    fn system_attributes(&self, asked_for: &[String]) -> Map<String, Value> {
        let all = [
            ("SenderId", Some("AROAAAAAAAAAAAAAAAAAA:local".to_owned())),
            ("SentTimestamp", Some(self.sent_at.to_string())),
            ("ApproximateReceiveCount", Some(self.receives.to_string())),
            (
                "ApproximateFirstReceiveTimestamp",
                self.first_received_at.map(|at| at.to_string()),
            ),
            ("MessageGroupId", self.group.clone()),
            ("MessageDeduplicationId", self.deduplication.clone()),
            ("AWSTraceHeader", self.trace_header.clone()),
            ("DeadLetterQueueSourceArn", self.dead_letter_source.clone()),
        ];
        all.into_iter()
            .filter(|(name, _)| {
                asked_for
                    .iter()
                    .any(|asked| asked == "All" || asked == name)
            })
            .filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))))
            .collect()
    }
}

fn is_asked_for(patterns: &[String], name: &str) -> bool {
    patterns
        .iter()
        .any(|pattern| match pattern.strip_suffix(".*") {
            Some(prefix) => name.starts_with(prefix),
            None => pattern == "All" || pattern == name,
        })
}

/// The MD5 of a body, in hexadecimal.
pub(super) fn md5_hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Md5::checksum(bytes))
}

/// The MD5 AWS computes over message attributes, given in the order of their names.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>, checked 2026-11-20.
pub(super) fn md5_of_attributes<'a>(
    attributes: impl Iterator<Item = (&'a String, &'a Attribute)>,
) -> String {
    fn field(hash: &mut Md5, bytes: &[u8]) {
        hash.update(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        hash.update(bytes);
    }
    let mut hash = Md5::new();
    for (name, value) in attributes {
        field(&mut hash, name.as_bytes());
        field(&mut hash, value.data_type.as_bytes());
        match (&value.string_value, &value.binary_value) {
            (Some(text), _) => {
                hash.update(&[1]);
                field(&mut hash, text.as_bytes());
            }
            (None, binary) => {
                hash.update(&[2]);
                let decoded = BASE64
                    .decode(binary.as_deref().unwrap_or_default().as_bytes())
                    .unwrap_or_default();
                field(&mut hash, &decoded);
            }
        }
    }
    HEXLOWER.encode(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing(body: &str, delay_seconds: Option<u64>) -> Outgoing {
        let mut given: Outgoing = serde_json::from_value(json!({"MessageBody": body})).unwrap();
        given.delay_seconds = delay_seconds;
        given
    }

    #[test]
    fn what_aws_refuses_is_refused() {
        let largest = "x".repeat(MAX_MESSAGE_BYTES);
        for (name, given, expected) in [
            ("plain", outgoing("hello", None), None),
            ("largest", outgoing(&largest, None), None),
            (
                "too large",
                outgoing(&format!("{largest}x"), None),
                Some("InvalidParameterValue"),
            ),
            ("empty", outgoing("", None), Some("MissingParameter")),
            ("longest delay", outgoing("x", Some(900)), None),
            (
                "too long a delay",
                outgoing("x", Some(901)),
                Some("InvalidParameterValue"),
            ),
            (
                "control character",
                outgoing("a\u{1}b", None),
                Some("InvalidMessageContents"),
            ),
            ("emoji", outgoing("Grüße 👋\n", None), None),
        ] {
            assert_eq!(
                given.check().err().map(|failure| failure.kind),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn attributes_are_asked_for_by_name_prefix_or_all() {
        for (pattern, name, expected) in [
            ("All", "a", true),
            (".*", "a", true),
            ("trace.*", "trace.id", true),
            ("trace.*", "other", false),
            ("a", "a", true),
            ("a", "ab", false),
        ] {
            assert_eq!(
                is_asked_for(&[pattern.to_owned()], name),
                expected,
                "{pattern} {name}"
            );
        }
    }
}
