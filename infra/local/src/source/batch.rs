//! The event a batch of messages becomes, and which of them a function's answer leaves undone.
//!
//! Follows <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html> (checked 2026-11-20).

use std::collections::BTreeSet;

use aws_sdk_sqs::types::{Message, MessageAttributeValue};
use data_encoding::BASE64;
use serde_json::{Map, Value, json};

use crate::template::REGION;

/// The event for a batch from the queue with this ARN.
pub(crate) fn event(queue_arn: &str, messages: &[Message]) -> Value {
    let records: Vec<Value> = messages
        .iter()
        .map(|message| record(queue_arn, message))
        .collect();
    json!({ "Records": records })
}

fn record(queue_arn: &str, message: &Message) -> Value {
    let attributes: Map<String, Value> = message
        .attributes()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str().to_owned(), json!(value)))
        .collect();
    let message_attributes: Map<String, Value> = message
        .message_attributes()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), attribute(value)))
        .collect();
    json!({
        "messageId": message.message_id(),
        "receiptHandle": message.receipt_handle(),
        "body": message.body(),
        "md5OfBody": message.md5_of_body(),
        "attributes": attributes,
        "messageAttributes": message_attributes,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    })
}

fn attribute(value: &MessageAttributeValue) -> Value {
    let mut attribute = json!({
        "dataType": value.data_type(),
        "stringListValues": [],
        "binaryListValues": [],
    });
    if let Some(text) = value.string_value() {
        attribute["stringValue"] = json!(text);
    }
    if let Some(bytes) = value.binary_value() {
        attribute["binaryValue"] = json!(BASE64.encode(bytes.as_ref()));
    }
    attribute
}

/// What a function's answer says about its batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// All messages are done.
    All,
    /// All but these, by message id.
    Except(BTreeSet<String>),
    /// None: the answer cannot be understood, or names a message that is not in the batch.
    Nothing,
}

/// Reads a partial batch response the way Lambda does: nothing, an empty list or no list is success; an item without
/// an identifier, with an empty one or with an unknown one fails the whole batch.
pub(crate) fn done(answer: &[u8], batch: &BTreeSet<String>) -> Done {
    if answer.is_empty() {
        return Done::All;
    }
    let failures = match serde_json::from_slice(answer) {
        Ok(Value::Null) => return Done::All,
        Ok(Value::Object(mut object)) => object.remove("batchItemFailures"),
        Ok(_) | Err(_) => return Done::Nothing,
    };
    let failures = match failures {
        None | Some(Value::Null) => return Done::All,
        Some(Value::Array(failures)) => failures,
        Some(_) => return Done::Nothing,
    };
    let named: Option<BTreeSet<String>> = failures
        .iter()
        .map(|failure| {
            let id = failure.get("itemIdentifier").and_then(Value::as_str)?;
            batch.get(id).cloned()
        })
        .collect();
    match named {
        None => Done::Nothing,
        Some(named) if named.is_empty() => Done::All,
        Some(named) => Done::Except(named),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_sqs::types::MessageSystemAttributeName;

    #[test]
    fn answers_are_read_as_lambda_reads_them() {
        let batch = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
        let except = |id: &str| Done::Except(BTreeSet::from([id.to_owned()]));
        let rows = [
            ("", Done::All),
            ("null", Done::All),
            ("{}", Done::All),
            (r#"{"batchItemFailures":[]}"#, Done::All),
            (r#"{"batchItemFailures":null}"#, Done::All),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"a"}]}"#,
                except("a"),
            ),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
                Done::Nothing,
            ),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
                Done::Nothing,
            ),
            (r#"{"batchItemFailures":[{"item":"a"}]}"#, Done::Nothing),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"c"}]}"#,
                Done::Nothing,
            ),
            (r#"{"batchItemFailures":"a"}"#, Done::Nothing),
            ("\"ok\"", Done::Nothing),
            ("not json", Done::Nothing),
        ];
        for (answer, expected) in rows {
            assert_eq!(done(answer.as_bytes(), &batch), expected, "{answer}");
        }
    }

    #[test]
    fn records_have_the_shape_of_sqs_events() {
        let attribute = MessageAttributeValue::builder()
            .data_type("String")
            .string_value("x")
            .build()
            .unwrap();
        let message = Message::builder()
            .message_id("id")
            .receipt_handle("handle")
            .body("{}")
            .attributes(MessageSystemAttributeName::ApproximateReceiveCount, "2")
            .attributes(MessageSystemAttributeName::MessageGroupId, "g")
            .message_attributes("kind", attribute)
            .build();
        let event = event("arn:q", &[message]);
        for (pointer, expected) in [
            ("/Records/0/messageId", "id"),
            ("/Records/0/receiptHandle", "handle"),
            ("/Records/0/body", "{}"),
            ("/Records/0/attributes/ApproximateReceiveCount", "2"),
            ("/Records/0/attributes/MessageGroupId", "g"),
            ("/Records/0/messageAttributes/kind/stringValue", "x"),
            ("/Records/0/eventSource", "aws:sqs"),
            ("/Records/0/eventSourceARN", "arn:q"),
            ("/Records/0/awsRegion", "us-east-1"),
        ] {
            assert_eq!(event.pointer(pointer), Some(&json!(expected)), "{pointer}");
        }
    }
}
