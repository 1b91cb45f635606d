//! New objects as events: S3's notification record, and which functions asked for it.
//!
//! Follows <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html> (checked
//! 2026-11-20). The key in a record is form-encoded, but slashes stay.

use std::sync::Arc;

use aws_sdk_sqs::Client;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::AsyncInvoker;
use crate::engine::ObjectCreated;
use crate::template::{ObjectEvent, REGION, arn};

/// A function that wants to know about objects.
pub(crate) struct Subscription {
    /// The name of the bucket.
    pub(crate) bucket: String,
    /// Which of its objects.
    pub(crate) event: ObjectEvent,
    /// The function.
    pub(crate) invoker: Arc<AsyncInvoker>,
}

impl Subscription {
    fn wants(&self, bucket: &str, key: &str, event_name: &str) -> bool {
        let of_kind = |wanted: &String| match wanted.strip_suffix('*') {
            Some(kind) => event_name.starts_with(kind),
            None => event_name == wanted,
        };
        self.bucket == bucket
            && self.event.events.iter().any(of_kind)
            && key.starts_with(&self.event.prefix)
            && key.ends_with(&self.event.suffix)
    }
}

/// Hands records to those who subscribed.
pub(crate) struct Dispatcher {
    subscriptions: Vec<Subscription>,
    running: JoinSet<()>,
}

impl Dispatcher {
    /// A dispatcher for these subscriptions.
    pub(crate) fn new(subscriptions: Vec<Subscription>) -> Self {
        Self {
            subscriptions,
            running: JoinSet::new(),
        }
    }

    /// Starts one asynchronous invocation for each function that wants this record.
    fn dispatch(&mut self, record: &Value) {
        let part = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
        let name = part("/eventName").unwrap_or_default();
        let name = name.strip_prefix("s3:").unwrap_or(name);
        let (Some(bucket), Some(key)) = (part("/s3/bucket/name"), part("/s3/object/key")) else {
            return;
        };
        let key = super::route::decode(&key.replace('+', " "));
        while self.running.try_join_next().is_some() {}
        for subscription in &self.subscriptions {
            if subscription.wants(bucket, &key, name) {
                let invoker = Arc::clone(&subscription.invoker);
                let event = json!({ "Records": [record] });
                self.running
                    .spawn(async move { invoker.invoke(event).await });
            }
        }
    }
}

/// Dispatches what the embedded store announces.
pub(crate) async fn announced(
    mut dispatcher: Dispatcher,
    mut objects: mpsc::UnboundedReceiver<ObjectCreated>,
) {
    while let Some(object) = objects.recv().await {
        dispatcher.dispatch(&record(&object));
    }
}

/// Dispatches what another store sends to a queue of ours. A message is deleted once its functions are started.
pub(crate) async fn forwarded(
    mut dispatcher: Dispatcher,
    sqs: Client,
    url: String,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let receive = sqs
            .receive_message()
            .queue_url(&url)
            .max_number_of_messages(10)
            .wait_time_seconds(20)
            .send();
        let received = tokio::select! {
            received = receive => received,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let messages = match received {
            Ok(output) => output.messages.unwrap_or_default(),
            Err(error) => {
                let error = aws_sdk_sqs::error::DisplayErrorContext(&error).to_string();
                tracing::warn!(%error, "cannot receive object notifications");
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                continue;
            }
        };
        for message in messages {
            let body = message.body.unwrap_or_default();
            // A test event, which S3 sends once when notifications are set up, has no records.
            let body: Value = serde_json::from_str(&body).unwrap_or_default();
            for record in body["Records"].as_array().into_iter().flatten() {
                dispatcher.dispatch(record);
            }
            if let Some(handle) = message.receipt_handle {
                let delete = sqs.delete_message().queue_url(&url).receipt_handle(handle);
                if let Err(error) = delete.send().await {
                    let error = aws_sdk_sqs::error::DisplayErrorContext(&error).to_string();
                    tracing::warn!(%error, "cannot delete an object notification: it will come again");
                }
            }
        }
    }
}

fn record(object: &ObjectCreated) -> Value {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    let at = OffsetDateTime::from(object.at)
        .format(format)
        .unwrap_or_default();
    json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventTime": at,
        "eventName": object.event_name,
        "userIdentity": { "principalId": "AWS:local" },
        "requestParameters": { "sourceIPAddress": "127.0.0.1" },
        "responseElements": { "x-amz-request-id": object.sequencer, "x-amz-id-2": "local" },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "attache",
            "bucket": {
                "name": object.bucket,
                "ownerIdentity": { "principalId": "local" },
                "arn": arn("s3", &object.bucket),
            },
            "object": {
                "key": encode(&object.key),
                "size": object.size,
                "eTag": object.etag,
                "sequencer": object.sequencer,
            },
        },
    })
}

fn encode(key: &str) -> String {
    let segments = key.split('/');
    let encoded: Vec<String> = segments
        .map(|segment| url::form_urlencoded::byte_serialize(segment.as_bytes()).collect())
        .collect();
    encoded.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn keys_are_form_encoded_but_keep_their_slashes() {
        for (key, expected) in [
            ("arrivals/abc", "arrivals/abc"),
            ("in/a b+c.png", "in/a+b%2Bc.png"),
            ("ä", "%C3%A4"),
        ] {
            assert_eq!(encode(key), expected);
        }
    }

    #[test]
    fn a_record_says_what_s3_says() {
        let record = record(&ObjectCreated {
            bucket: "media".to_owned(),
            key: "arrivals/a b".to_owned(),
            size: 7,
            etag: "e".to_owned(),
            event_name: "ObjectCreated:Put",
            sequencer: "01".to_owned(),
            at: UNIX_EPOCH + Duration::from_millis(1_500),
        });
        for (pointer, expected) in [
            ("/eventTime", json!("1970-01-01T00:00:01.500Z")),
            ("/eventName", json!("ObjectCreated:Put")),
            ("/s3/bucket/arn", json!("arn:aws:s3:::media")),
            ("/s3/object/key", json!("arrivals/a+b")),
            ("/s3/object/size", json!(7)),
            ("/s3/object/eTag", json!("e")),
        ] {
            assert_eq!(record.pointer(pointer), Some(&expected), "{pointer}");
        }
    }
}
