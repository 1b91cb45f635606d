//! What Lambda hands to a function, as the loops take it, and their answers as Lambda takes them.
//!
//! Shapes as AWS documents them: HTTP API payload format 2.0, SQS batches with partial failures, S3 notifications,
//! EventBridge schedules and scan results.

use attache_domain::scan::guardduty::{self, ObjectScan};
use attache_flow::batch::Record;
use attache_flow::intake::{Reply, Request};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body;
use aws_lambda_events::s3::S3Event;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use data_encoding::BASE64;
use http::HeaderMap;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use serde_json::Value;
use url::form_urlencoded;

/// The records of a batch.
#[must_use]
pub fn records(event: SqsEvent) -> Vec<Record> {
    let record = |message: aws_lambda_events::sqs::SqsMessage| Record {
        id: message.message_id.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
    };
    event.records.into_iter().map(record).collect()
}

/// The partial batch response: these records failed, the others are done.
#[must_use]
pub fn partial(failed: Vec<String>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    response.set_failures(failed);
    response
}

/// What started a function that has triggers of several kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A batch of a queue.
    Batch(Vec<Record>),
    /// New objects, by key. Empty for the test event that S3 sends when a notification is set up.
    Objects(Vec<String>),
    /// GuardDuty's result of the scan of an object.
    Scanned(ObjectScan),
    /// A schedule's tick.
    Tick,
}

/// An event that is none of these.
#[derive(Debug, thiserror::Error)]
pub enum NotATrigger {
    /// It says it comes from somewhere else.
    #[error("an event of {0:?}, expected a queue's, a bucket's, a scanner's or a schedule's")]
    Source(String),
    /// It has not the shape of what it says it is.
    #[error("not the shape of its kind")]
    Shape(#[from] serde_json::Error),
}

impl Trigger {
    /// Reads an event by its own word about where it comes from.
    ///
    /// # Errors
    /// [`NotATrigger`] if it comes from elsewhere, or is not what it says.
    pub fn read(event: Value) -> Result<Self, NotATrigger> {
        let word = |pointer| event.pointer(pointer).and_then(Value::as_str);
        let source = word("/Records/0/eventSource").or_else(|| word("/source"));
        match source.or_else(|| word("/Service")) {
            Some("aws:sqs") => Ok(Self::Batch(records(serde_json::from_value(event)?))),
            Some("aws:s3") => Ok(Self::Objects(keys(serde_json::from_value(event)?))),
            Some("Amazon S3") => Ok(Self::Objects(Vec::new())),
            Some(guardduty::SOURCE) if word("/detail-type") == Some(guardduty::DETAIL_TYPE) => {
                Ok(Self::Scanned(guardduty::read(&event)?))
            }
            _ if word("/detail-type") == Some("Scheduled Event") => Ok(Self::Tick),
            other => Err(NotATrigger::Source(other.unwrap_or("nothing").to_owned())),
        }
    }
}

/// The keys of new objects as they were given: S3 writes them form-encoded into its events.
fn keys(event: S3Event) -> Vec<String> {
    let keys = event
        .records
        .into_iter()
        .filter_map(|record| record.s3.object.key);
    keys.map(|key| decoded(&key)).collect()
}

/// A form-encoded word. `&` and `=` come encoded, so the whole is one name without a value.
fn decoded(key: &str) -> String {
    let (name, _) = form_urlencoded::parse(key.as_bytes())
        .next()
        .unwrap_or_default();
    name.into_owned()
}

/// A webhook, byte for byte. A body that says it is base64 and is not becomes empty: its signature cannot fit.
#[must_use]
pub fn request(event: ApiGatewayV2httpRequest) -> Request {
    let text = event.body.unwrap_or_default();
    let body = if event.is_base64_encoded {
        BASE64.decode(text.as_bytes()).unwrap_or_default()
    } else {
        text.into_bytes()
    };
    let value = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = event
        .headers
        .iter()
        .map(|(name, v)| (name.as_str().to_owned(), value(v)));
    Request {
        method: event.request_context.http.method.to_string(),
        endpoint: event
            .path_parameters
            .get("endpoint")
            .cloned()
            .unwrap_or_default(),
        path: event
            .path_parameters
            .get("path")
            .cloned()
            .unwrap_or_default(),
        query: event.raw_query_string.unwrap_or_default(),
        headers: headers.collect(),
        body,
        correlation_id: event.request_context.request_id.unwrap_or_default(),
    }
}

/// How soon a webhook that was answered 503 may be sent again, in seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("2");

/// The answer to a webhook: never cached, and what it says it is also to a browser (a challenge is the caller's own text).
#[must_use]
pub fn response(reply: Reply) -> ApiGatewayV2httpResponse {
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = i64::from(reply.status);
    let content_type = match reply.is_json {
        true => "application/json",
        false => "text/plain; charset=utf-8",
    };
    response.headers = HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ]);
    if reply.status == 503 {
        response.headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
    }
    response.body = Some(Body::Text(reply.body));
    response
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(id: &str, body: &str) -> Record {
        Record {
            id: id.to_owned(),
            body: body.to_owned(),
        }
    }

    #[test]
    fn triggers_are_told_apart() {
        let batch = json!({"Records": [
            {"messageId": "m-1", "receiptHandle": "h", "body": "{\"v\":1}", "eventSource": "aws:sqs", "attributes": {}},
            {"messageId": "m-2", "body": "two", "eventSource": "aws:sqs"},
        ]});
        let objects = json!({"Records": [{
            "eventVersion": "2.1", "eventSource": "aws:s3", "eventTime": "2026-01-15T13:40:00.000Z",
            "eventName": "ObjectCreated:Put", "userIdentity": {"principalId": "p"},
            "requestParameters": {"sourceIPAddress": "127.0.0.1"}, "responseElements": {},
            "s3": {
                "s3SchemaVersion": "1.0", "bucket": {"name": "b", "arn": "arn:aws:s3:::b"},
                "object": {"key": "arrivals/a%2Bb+%C3%A4%3D", "size": 3, "eTag": "e"},
            },
        }]});
        let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"});
        let tick = json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}});
        let scan: Value = serde_json::from_str(include_str!(
            "../../domain/src/scan/fixtures/guardduty-threats-found.json"
        ))
        .unwrap();
        let scanned = guardduty::read(&scan).unwrap();
        for (event, expected) in [
            (scan, Trigger::Scanned(scanned)),
            (
                batch,
                Trigger::Batch(vec![record("m-1", "{\"v\":1}"), record("m-2", "two")]),
            ),
            (
                objects,
                Trigger::Objects(vec!["arrivals/a+b ä=".to_owned()]),
            ),
            (test, Trigger::Objects(vec![])),
            (tick, Trigger::Tick),
        ] {
            assert_eq!(Trigger::read(event).unwrap(), expected);
        }
    }

    #[test]
    fn other_events_are_refused() {
        for (event, expected) in [
            (json!({}), "an event of \"nothing\""),
            (
                json!({"source": "aws.guardduty", "detail-type": "GuardDuty Finding", "detail": {}}),
                "an event of \"aws.guardduty\"",
            ),
            (
                json!({"source": guardduty::SOURCE, "detail-type": guardduty::DETAIL_TYPE, "detail": {}}),
                "not the shape",
            ),
            (
                json!({"Records": [{"eventSource": "aws:kinesis"}]}),
                "an event of \"aws:kinesis\"",
            ),
            (
                json!({"Records": [{"eventSource": "aws:sqs", "body": 1}]}),
                "not the shape",
            ),
        ] {
            let error = Trigger::read(event).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn failures_are_named_as_lambda_reads_them() {
        let text = serde_json::to_string(&partial(vec!["m-2".to_owned()])).unwrap();
        assert_eq!(text, r#"{"batchItemFailures":[{"itemIdentifier":"m-2"}]}"#);
        let text = serde_json::to_string(&partial(vec![])).unwrap();
        assert_eq!(text, r#"{"batchItemFailures":[]}"#);
    }

    fn webhook(body: &str, encoded: bool) -> Request {
        request(serde_json::from_value(json!({
            "version": "2.0", "routeKey": "POST /webhooks/{endpoint}", "rawPath": "/webhooks/whatsapp",
            "rawQueryString": "hub.mode=subscribe&hub.challenge=a%2Bb",
            "headers": {"X-Hub-Signature-256": "sha256=ab", "content-type": "application/json"},
            "pathParameters": {"endpoint": "whatsapp", "path": "1.0/token"},
            "requestContext": {
                "requestId": "r-1", "stage": "$default", "accountId": "0", "apiId": "a", "time": "", "timeEpoch": 0,
                "http": {"method": "POST", "path": "/webhooks/whatsapp", "protocol": "HTTP/1.1", "sourceIp": "::1", "userAgent": "t"},
            },
            "body": body, "isBase64Encoded": encoded,
        })).unwrap())
    }

    #[test]
    fn a_webhook_arrives_byte_for_byte() {
        let plain = webhook("{\"ä\": 1}\r\n", false);
        assert_eq!(
            (plain.method.as_str(), plain.endpoint.as_str()),
            ("POST", "whatsapp")
        );
        assert_eq!(plain.path, "1.0/token");
        assert_eq!(plain.query, "hub.mode=subscribe&hub.challenge=a%2Bb");
        assert_eq!(plain.headers.get("x-hub-signature-256"), Some("sha256=ab"));
        assert_eq!(plain.correlation_id, "r-1");
        assert_eq!(plain.body, "{\"ä\": 1}\r\n".as_bytes());
        assert_eq!(webhook("/wD+", true).body, [0xff, 0x00, 0xfe]);
        assert_eq!(webhook("no base64", true).body, b"");
    }

    #[test]
    fn an_answer_says_what_it_is_and_when_to_come_again() {
        for (status, retry_after, is_json) in [
            (200, None, false),
            (200, None, true),
            (401, None, false),
            (503, Some("2"), false),
        ] {
            let answer = response(Reply {
                status,
                body: "text".to_owned(),
                is_json,
            });
            let json = serde_json::to_value(answer).unwrap();
            assert_eq!(
                (&json["statusCode"], &json["body"]),
                (&json!(status), &json!("text"))
            );
            let expected = match is_json {
                true => "application/json",
                false => "text/plain; charset=utf-8",
            };
            assert_eq!(json["headers"]["content-type"], expected);
            assert_eq!(json["headers"]["retry-after"].as_str(), retry_after);
        }
    }
}
