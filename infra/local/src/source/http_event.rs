//! HTTP requests as events of payload format 2.0, and what a function answers as HTTP responses.
//!
//! Follows <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
//! (checked 2026-11-20).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use data_encoding::BASE64;
use http::header::{CONTENT_TYPE, COOKIE, HOST, SET_COOKIE, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use super::route::{Match, decode};
use crate::lambda::request_id;
use crate::template::ACCOUNT;

/// The event for one request.
pub(crate) fn event(
    parts: &Parts,
    body: &Bytes,
    found: Match<'_>,
    peer: SocketAddr,
    now: SystemTime,
) -> Value {
    let path = parts.uri.path();
    let query = parts.uri.query().unwrap_or_default();
    let header = |name: HeaderName| {
        let value = parts.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let domain = header(HOST);
    let route_key = found.route.key();
    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers(&parts.headers, peer),
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": domain,
            "domainPrefix": "local",
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": peer.ip().to_string(),
                "userAgent": header(USER_AGENT),
            },
            "requestId": request_id(),
            "routeKey": route_key,
            "stage": "$default",
            "time": clock(now),
            "timeEpoch": millis(now),
        },
        "isBase64Encoded": false,
    });
    let cookies = cookies(&parts.headers);
    for (name, value) in [
        ("cookies", json!(cookies)),
        ("queryStringParameters", json!(query_parameters(query))),
        ("pathParameters", json!(found.parameters)),
    ] {
        if !is_empty(&value) {
            event[name] = value;
        }
    }
    if !body.is_empty() {
        match text(header(CONTENT_TYPE), body) {
            Some(text) => event["body"] = json!(text),
            None => {
                event["body"] = json!(BASE64.encode(body));
                event["isBase64Encoded"] = json!(true);
            }
        }
    }
    event
}

/// The response a function's answer stands for; `None` when it is none, which API Gateway answers with 500.
///
/// An object with a `statusCode` is a full response. Anything else is the body of a 200: a text as it is, other JSON
/// as JSON.
pub(crate) fn response(answer: &Bytes) -> Option<Response<Full<Bytes>>> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let Some(status) = answer.get("statusCode") else {
        let body = match answer {
            Value::String(text) => text,
            other => other.to_string(),
        };
        return Some(json_response(StatusCode::OK, body));
    };
    let status = u16::try_from(status.as_u64()?).ok()?;
    let status = StatusCode::from_u16(status).ok()?;
    let body = answer
        .get("body")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let body = match answer.get("isBase64Encoded").and_then(Value::as_bool) {
        Some(true) => BASE64.decode(body.as_bytes()).ok()?,
        _ => body.as_bytes().to_vec(),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    for (name, value) in answer
        .get("headers")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        // The length is counted here, as API Gateway does.
        if name != http::header::CONTENT_LENGTH {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_str(&value).ok()?);
        }
    }
    for cookie in answer
        .get("cookies")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let cookie = HeaderValue::from_str(cookie.as_str()?).ok()?;
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    let default = HeaderValue::from_static("text/plain; charset=utf-8");
    response
        .headers_mut()
        .entry(CONTENT_TYPE)
        .or_insert(default);
    Some(response)
}

/// An answer of the front itself.
pub(crate) fn message(status: StatusCode, message: &str) -> Response<Full<Bytes>> {
    json_response(status, json!({ "message": message }).to_string())
}

fn json_response(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

/// Names in lower case, several values joined by commas, cookies apart, and what API Gateway adds.
fn headers(given: &HeaderMap, peer: SocketAddr) -> BTreeMap<String, String> {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in given {
        if name == COOKIE {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes());
        headers
            .entry(name.as_str().to_owned())
            .and_modify(|joined| {
                joined.push(',');
                joined.push_str(&value);
            })
            .or_insert_with(|| value.clone().into_owned());
    }
    for (name, value) in [
        ("x-forwarded-for", peer.ip().to_string()),
        ("x-forwarded-proto", "http".to_owned()),
        ("x-forwarded-port", "80".to_owned()),
    ] {
        headers.entry(name.to_owned()).or_insert(value);
    }
    headers
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|value| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            value.split("; ").map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let plain = |text: &str| decode(&text.replace('+', " "));
        let (name, value) = (plain(name), plain(value));
        parameters
            .entry(name)
            .and_modify(|joined| {
                joined.push(',');
                joined.push_str(&value);
            })
            .or_insert(value);
    }
    parameters
}

/// The body as text, if its type says text and its bytes are.
fn text<'b>(content_type: &str, body: &'b Bytes) -> Option<&'b str> {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    let textual = kind.is_empty()
        || kind.starts_with("text/")
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
        || matches!(
            kind.as_str(),
            "application/json" | "application/xml" | "application/javascript"
        );
    textual.then(|| std::str::from_utf8(body).ok()).flatten()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        _ => false,
    }
}

fn millis(now: SystemTime) -> u64 {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn clock(now: SystemTime) -> String {
    let format =
        format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
    OffsetDateTime::from(now).format(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Route;

    fn build(request: http::request::Builder, body: &'static [u8]) -> Value {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let route = Route {
            method: "POST".to_owned(),
            path: "/webhooks/{endpoint}".to_owned(),
        };
        let found = Match {
            route: &route,
            parameters: BTreeMap::from([("endpoint".to_owned(), "wa".to_owned())]),
        };
        let now = UNIX_EPOCH + std::time::Duration::from_millis(1_583_348_638_390);
        event(
            &parts,
            &Bytes::from_static(body),
            found,
            SocketAddr::from(([127, 0, 0, 1], 5)),
            now,
        )
    }

    #[test]
    fn a_request_becomes_an_event_of_format_2() {
        let request = http::Request::post("/webhooks/wa?a=1&b=x+y&a=2&%C3%A4=")
            .header("Host", "127.0.0.1:8080")
            .header("X-Hub-Signature-256", "sha256=abc")
            .header("X-Twice", "1")
            .header("X-Twice", "2")
            .header("Cookie", "a=1; b=2")
            .header("Content-Type", "application/json; charset=utf-8")
            .header("User-Agent", "test");
        let event = build(request, br#"{"k":"v"}"#);
        for (pointer, expected) in [
            ("/version", json!("2.0")),
            ("/routeKey", json!("POST /webhooks/{endpoint}")),
            ("/rawPath", json!("/webhooks/wa")),
            ("/rawQueryString", json!("a=1&b=x+y&a=2&%C3%A4=")),
            (
                "/queryStringParameters",
                json!({"a": "1,2", "b": "x y", "ä": ""}),
            ),
            ("/headers/x-hub-signature-256", json!("sha256=abc")),
            ("/headers/x-twice", json!("1,2")),
            ("/headers/x-forwarded-for", json!("127.0.0.1")),
            ("/cookies", json!(["a=1", "b=2"])),
            ("/pathParameters", json!({"endpoint": "wa"})),
            ("/requestContext/http/method", json!("POST")),
            ("/requestContext/http/userAgent", json!("test")),
            ("/requestContext/time", json!("04/Mar/2020:19:03:58 +0000")),
            ("/requestContext/timeEpoch", json!(1_583_348_638_390_u64)),
            ("/body", json!("{\"k\":\"v\"}")),
            ("/isBase64Encoded", json!(false)),
        ] {
            assert_eq!(event.pointer(pointer), Some(&expected), "{pointer}");
        }
        assert!(event["headers"].get("cookie").is_none());
    }

    #[test]
    fn bodies_that_are_not_text_are_encoded() {
        let rows: [(&str, &'static [u8], bool); 6] = [
            ("application/json", b"{}", false),
            ("", b"plain", false),
            ("application/problem+json", b"{}", false),
            ("application/json", b"\xff", true),
            ("application/octet-stream", b"text", true),
            ("multipart/form-data; boundary=x", b"--x", true),
        ];
        for (kind, body, encoded) in rows {
            let event = build(http::Request::post("/").header("content-type", kind), body);
            assert_eq!(event["isBase64Encoded"], encoded, "{kind}");
            if encoded {
                assert_eq!(event["body"], BASE64.encode(body), "{kind}");
            }
        }
        assert!(build(http::Request::post("/"), b"").get("body").is_none());
    }

    #[test]
    fn answers_become_responses() {
        let rows = [
            (
                r#"{"statusCode":204}"#,
                Some((204, "text/plain; charset=utf-8")),
            ),
            (r#""only text""#, Some((200, "application/json"))),
            (r#"{"any":1}"#, Some((200, "application/json"))),
            ("null", Some((200, "application/json"))),
            (
                r#"{"statusCode":200,"headers":{"Content-Type":"a/b"}}"#,
                Some((200, "a/b")),
            ),
            (r#"{"statusCode":"many"}"#, None),
            (r#"{"statusCode":99999}"#, None),
            (
                r#"{"statusCode":200,"isBase64Encoded":true,"body":"!"}"#,
                None,
            ),
            (r#"{"statusCode":200,"headers":{"bad name":"x"}}"#, None),
            ("not json", None),
        ];
        for (answer, expected) in rows {
            let read = response(&Bytes::from_static(answer.as_bytes())).map(|response| {
                let kind = response.headers()[CONTENT_TYPE]
                    .to_str()
                    .unwrap()
                    .to_owned();
                (response.status().as_u16(), kind)
            });
            let expected = expected.map(|(status, kind)| (status, kind.to_owned()));
            assert_eq!(read, expected, "{answer}");
        }
    }
}
