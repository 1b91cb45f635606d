//! Asynchronous invocations: retried when they fail, recorded when all retries are used up.
//!
//! Lambda waits one minute before the first retry and two before the second; here the waits are shorter, so that a
//! failure can be watched. The record follows
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html> (checked 2026-11-20).

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use bytes::Bytes;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::lambda::{Fleet, InvokeError, request_id};

/// Waits before the retries.
const RETRY_AFTER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// Where failed invocations are recorded.
pub(crate) struct Destination {
    /// The queue's URL.
    pub(crate) url: String,
    /// Calls SQS for the function.
    pub(crate) sqs: Client,
}

/// Invokes one function asynchronously.
pub(crate) struct AsyncInvoker {
    /// The logical id of the function.
    pub(crate) function: String,
    /// Its ARN.
    pub(crate) arn: String,
    /// Retries after the first attempt.
    pub(crate) max_retries: u32,
    /// Takes the record of a failure, if the template names a place.
    pub(crate) on_failure: Option<Destination>,
    /// Where the function runs.
    pub(crate) fleet: Arc<Fleet>,
}

impl AsyncInvoker {
    /// Invokes, retries, and records the failure. Returns when the event has been dealt with for good.
    pub(crate) async fn invoke(&self, event: Value) {
        let payload = Bytes::from(event.to_string());
        let mut waits = RETRY_AFTER.iter().take(self.max_retries as usize);
        let mut attempts = 0;
        loop {
            attempts += 1;
            let error = match self.fleet.invoke(&self.function, payload.clone()).await {
                Ok(_) | Err(InvokeError::Stopped) => return,
                Err(error) => error,
            };
            match waits.next() {
                Some(wait) => tokio::time::sleep(*wait).await,
                None => return self.record(event, &error, attempts).await,
            }
        }
    }

    async fn record(&self, event: Value, error: &InvokeError, attempts: u32) {
        let function = &self.function;
        let Some(destination) = &self.on_failure else {
            tracing::warn!(%function, %error, attempts, "an event is lost: no destination for failures");
            return;
        };
        let now = OffsetDateTime::now_utc()
            .format(&Rfc3339)
            .unwrap_or_default();
        let record = failure(&self.arn, &now, event, error, attempts);
        let sent = destination
            .sqs
            .send_message()
            .queue_url(&destination.url)
            .message_body(record.to_string())
            .send()
            .await;
        if let Err(error) = sent {
            let error = aws_sdk_sqs::error::DisplayErrorContext(&error).to_string();
            tracing::warn!(%function, %error, "a failed event could not be recorded");
        }
    }
}

fn failure(arn: &str, now: &str, event: Value, error: &InvokeError, attempts: u32) -> Value {
    json!({
        "version": "1.0",
        "timestamp": now,
        "requestContext": {
            "requestId": request_id(),
            "functionArn": format!("{arn}:$LATEST"),
            "condition": "RetriesExhausted",
            "approximateInvokeCount": attempts,
        },
        "requestPayload": event,
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "responsePayload": error.document(),
    })
}
