//! The Runtime API, version 2018-06-01: what a function asks and reports.
//!
//! Each instance has a port of its own, as each sandbox has on Lambda: that is how instances are told apart.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response};

use super::fleet::PAYLOAD_LIMIT;
use super::instance::Instance;
use crate::serve::{Port, Server};

const VERSION: &str = "2018-06-01";

/// Serves the Runtime API for one instance.
pub(crate) fn serve(port: Port, instance: Arc<Instance>) -> Server {
    port.serve(move |request, _| {
        let instance = Arc::clone(&instance);
        async move { answer(&instance, request).await }
    })
}

async fn answer(instance: &Instance, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let segments: Vec<&str> = parts.uri.path().trim_matches('/').split('/').collect();
    let [VERSION, "runtime", rest @ ..] = segments.as_slice() else {
        return refuse(StatusCode::NOT_FOUND, "UnknownPath", "no such call");
    };
    match (&parts.method, rest) {
        (&Method::GET, ["invocation", "next"]) => next(instance).await,
        (&Method::POST, ["init", "error"]) => {
            let reason =
                String::from_utf8_lossy(&read(body).await.unwrap_or_default()).into_owned();
            instance.ended(reason);
            accepted()
        }
        (&Method::POST, ["invocation", id, kind @ ("response" | "error")]) => {
            let report = match (read(body).await, *kind) {
                (None, _) => Err(Bytes::from_static(
                    br#"{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}"#,
                )),
                (Some(body), "response") => Ok(body),
                (Some(body), _) => Err(body),
            };
            match instance.report(id, report) {
                true => accepted(),
                false => refuse(
                    StatusCode::BAD_REQUEST,
                    "InvalidRequestID",
                    "Invalid request ID",
                ),
            }
        }
        _ => refuse(StatusCode::NOT_FOUND, "UnknownPath", "no such call"),
    }
}

async fn next(instance: &Instance) -> Response<Full<Bytes>> {
    let Some((request_id, payload, deadline)) = instance.next().await else {
        return refuse(StatusCode::GONE, "Stopped", "the instance is stopping");
    };
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default();
    let trace: u128 = rand::random();
    let seconds = deadline.as_secs() & 0xFFFF_FFFF;
    let trace = format!("Root=1-{seconds:08x}-{:024x};Sampled=0", trace >> 32);
    let mut response = Response::new(Full::new(payload));
    let headers = response.headers_mut();
    for (name, value) in [
        ("lambda-runtime-aws-request-id", request_id),
        (
            "lambda-runtime-deadline-ms",
            deadline.as_millis().to_string(),
        ),
        (
            "lambda-runtime-invoked-function-arn",
            instance.arn().to_owned(),
        ),
        ("lambda-runtime-trace-id", trace),
        ("content-type", "application/json".to_owned()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// The body, or `None` when it is over Lambda's limit or the function went away.
async fn read(body: Incoming) -> Option<Bytes> {
    let body = Limited::new(body, PAYLOAD_LIMIT).collect().await.ok()?;
    Some(body.to_bytes())
}

fn accepted() -> Response<Full<Bytes>> {
    with_status(StatusCode::ACCEPTED, r#"{"status":"OK"}"#.to_owned())
}

fn refuse(status: StatusCode, kind: &str, message: &str) -> Response<Full<Bytes>> {
    with_status(
        status,
        format!(r#"{{"errorType":"{kind}","errorMessage":"{message}"}}"#),
    )
}

fn with_status(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
}
