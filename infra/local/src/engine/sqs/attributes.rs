//! Queue attributes: what may be set, and what the engine says of itself.

use serde_json::{Map, Value};

use super::super::arn::regional;
use super::super::json::Failure;
use super::Texts;
use super::message::{MAX_MESSAGE_BYTES, invalid};
use super::queue::Queue;

/// Numeric attributes with the range AWS accepts.
const RANGES: [(&str, u64, u64); 5] = [
    ("DelaySeconds", 0, 900),
    ("MaximumMessageSize", 1024, MAX_MESSAGE_BYTES as u64),
    ("MessageRetentionPeriod", 60, 1_209_600),
    ("ReceiveMessageWaitTimeSeconds", 0, 20),
    ("VisibilityTimeout", 0, 43_200),
];

/// Attributes kept as they are; the encryption ones change nothing here.
const TEXTS: [&str; 7] = [
    "Policy",
    "RedrivePolicy",
    "RedriveAllowPolicy",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled",
    "ContentBasedDeduplication",
];

/// Refuses attributes AWS does not know and values it does not take.
pub(super) fn check(attributes: &Texts) -> Result<(), Failure> {
    for (name, value) in attributes {
        match RANGES.iter().find(|(known, _, _)| known == name) {
            Some((_, least, most)) => {
                if !value
                    .parse::<u64>()
                    .is_ok_and(|number| (*least..=*most).contains(&number))
                {
                    return Err(invalid(format!("Invalid value for the parameter {name}.")));
                }
            }
            None if TEXTS.contains(&name.as_str()) => {}
            None => {
                return Err(Failure::new(
                    "InvalidAttributeName",
                    format!("Unknown Attribute {name}."),
                )
                .known_as("InvalidAttributeName"));
            }
        }
    }
    Ok(())
}

/// The attributes asked for by name, or `All`.
pub(super) fn describe(
    name: &str,
    queue: &Queue,
    now: u64,
    asked_for: &[String],
) -> Map<String, Value> {
    let (ready, in_flight, delayed) = queue.counts(now);
    let mut all: Texts = RANGES
        .iter()
        .map(|(name, _, _)| ((*name).to_owned(), queue.setting(name).to_string()))
        .collect();
    all.insert(
        "MaximumMessageSize".to_owned(),
        MAX_MESSAGE_BYTES.to_string(),
    );
    all.extend(queue.attributes.clone());
    all.extend(
        [
            ("QueueArn", regional("sqs", name)),
            ("ApproximateNumberOfMessages", ready.to_string()),
            (
                "ApproximateNumberOfMessagesNotVisible",
                in_flight.to_string(),
            ),
            ("ApproximateNumberOfMessagesDelayed", delayed.to_string()),
            ("CreatedTimestamp", queue.created_at.to_string()),
            ("LastModifiedTimestamp", queue.modified_at.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    all.into_iter()
        .filter(|(name, value)| {
            !value.is_empty()
                && asked_for
                    .iter()
                    .any(|asked| asked == "All" || asked == name)
        })
        .map(|(name, value)| (name, Value::String(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_outside_the_range_are_refused() {
        for (name, value, accepted) in [
            ("VisibilityTimeout", "0", true),
            ("VisibilityTimeout", "43200", true),
            ("VisibilityTimeout", "43201", false),
            ("VisibilityTimeout", "soon", false),
            ("DelaySeconds", "901", false),
            ("RedrivePolicy", "anything", true),
            ("NoSuchAttribute", "1", false),
        ] {
            let attributes = Texts::from([(name.to_owned(), value.to_owned())]);
            assert_eq!(check(&attributes).is_ok(), accepted, "{name}={value}");
        }
    }
}
