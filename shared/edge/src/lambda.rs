//! Lambda's event shapes ↔ the loops' plain ones. Nothing is decided here.

use attache_flow::batch::Record;
use attache_flow::intake::{Reply, Request};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body;
use aws_lambda_events::s3::S3Event;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::Value;

/// The records of a queue's batch. A message without id or body cannot occur; it would be an empty record.
#[must_use]
pub fn records(event: SqsEvent) -> Vec<Record> {
    let record = |message: aws_lambda_events::sqs::SqsMessage| Record {
        id: message.message_id.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
    };
    event.records.into_iter().map(record).collect()
}

/// The partial batch response that names the failed records.
#[must_use]
pub fn partial(failed: Vec<String>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for id in failed {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = id;
        response.batch_item_failures.push(failure);
    }
    response
}

/// What may trigger a function that has more than one kind of trigger.
#[derive(Debug)]
pub enum Trigger {
    /// A queue's batch.
    Batch(Vec<Record>),
    /// Objects that came to be: their keys, decoded.
    Objects(Vec<String>),
    /// A schedule's tick.
    Tick,
}

impl Trigger {
    /// Tells the triggers apart by `Records[].eventSource`.
    ///
    /// # Errors
    /// The shape's own error if a batch or an S3 event is not one.
    pub fn read(event: Value) -> Result<Self, serde_json::Error> {
        let source = event
            .pointer("/Records/0/eventSource")
            .and_then(Value::as_str);
        match source {
            Some("aws:sqs") => Ok(Self::Batch(records(SqsEvent::deserialize(event)?))),
            Some("aws:s3") => {
                let keys = S3Event::deserialize(event)?.records.into_iter();
                Ok(Self::Objects(
                    keys.filter_map(|record| record.s3.object.key)
                        .map(|key| decode(&key))
                        .collect(),
                ))
            }
            Some(_) | None => Ok(Self::Tick),
        }
    }
}

/// Keys in events are form-encoded: `in/a+b%2Bc.png` is `in/a b+c.png`.
fn decode(key: &str) -> String {
    url::form_urlencoded::parse(
        format!("k={}", key.replace('&', "%26").replace('=', "%3D")).as_bytes(),
    )
    .next()
    .map(|(_, value)| value.into_owned())
    .unwrap_or_default()
}

/// An HTTP API request (payload 2.0). A body that API Gateway encoded is decoded before anything looks at it; one that
/// does not decode is taken as no body, which no signature fits.
#[must_use]
pub fn request(event: ApiGatewayV2httpRequest) -> Request {
    let body = event.body.unwrap_or_default();
    let body = if event.is_base64_encoded {
        BASE64.decode(body.as_bytes()).unwrap_or_default()
    } else {
        body.into_bytes()
    };
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    Request {
        method: event.request_context.http.method.to_string(),
        endpoint: event
            .path_parameters
            .get("endpoint")
            .cloned()
            .unwrap_or_default(),
        query: event.raw_query_string.unwrap_or_default(),
        headers: event.headers.iter().filter_map(header).collect(),
        body,
        correlation_id: event.request_context.request_id.unwrap_or_default(),
    }
}

/// The answer in API Gateway's form: plain text, never cached.
#[must_use]
pub fn response(reply: Reply) -> ApiGatewayV2httpResponse {
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = i64::from(reply.status);
    response.headers.insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response.headers.insert(
        http::header::CACHE_CONTROL,
        http::HeaderValue::from_static("no-store"),
    );
    if reply.status == 503 {
        response.headers.insert(
            http::header::RETRY_AFTER,
            http::HeaderValue::from_static("2"),
        );
    }
    response.body = Some(Body::Text(reply.body));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn triggers_are_told_apart() {
        let sqs = json!({"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": "b"}]});
        assert!(
            matches!(Trigger::read(sqs).unwrap(), Trigger::Batch(records) if records[0].body == "b")
        );
        let tick = json!({"version": "0", "detail-type": "Scheduled Event"});
        assert!(matches!(Trigger::read(tick).unwrap(), Trigger::Tick));
    }

    #[test]
    fn keys_are_decoded_as_s3_encodes_them() {
        for (encoded, key) in [
            ("arrivals/abc", "arrivals/abc"),
            ("in/a+b%2Bc.png", "in/a b+c.png"),
            ("a%26b=c", "a&b=c"),
        ] {
            assert_eq!(decode(encoded), key);
        }
    }

    #[test]
    fn encoded_bodies_are_decoded_to_the_byte() {
        let event = |body: &str, encoded: bool| {
            let text = json!({"version": "2.0", "routeKey": "POST /webhooks/{endpoint}", "rawPath": "/webhooks/x", "rawQueryString": "a=b",
                "headers": {"x-hub-signature-256": "sha256=1"}, "pathParameters": {"endpoint": "x"}, "isBase64Encoded": encoded, "body": body,
                "requestContext": {"requestId": "r", "http": {"method": "POST", "path": "/webhooks/x"}, "timeEpoch": 0}});
            request(serde_json::from_value(text).unwrap())
        };
        let plain = event("{\"a\":\"\\u00e4\"}", false);
        assert_eq!(
            (
                plain.method.as_str(),
                plain.endpoint.as_str(),
                plain.query.as_str()
            ),
            ("POST", "x", "a=b")
        );
        assert_eq!(plain.body, br#"{"a":"\u00e4"}"#);
        assert_eq!(plain.headers["x-hub-signature-256"], "sha256=1");
        assert_eq!(event("//79", true).body, [0xff, 0xfe, 0xfd]);
        assert!(event("not base64!", true).body.is_empty());
    }
}
