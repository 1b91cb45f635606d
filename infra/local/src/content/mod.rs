//! What stands in for the content domain's distribution: it gives objects of the media bucket to whoever has a signed link.
//!
//! As CloudFront with the template's settings: a link is verified by the public keys of the template; only the parameters that
//! the cache policy names reach S3; ranges are honoured; nothing is compressed and nothing kept. It speaks plain HTTP, on a
//! port of its own: functions are told of that address where the template tells them of the domain.

mod link;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use bytes::Bytes;
use data_encoding::BASE64;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};

use crate::engine::Clock;
use crate::serve::{Port, Server};
use crate::template::{Distribution, PublicKey};
use link::{Keys, Refused, verify};

/// A distribution that answers.
pub(crate) struct ContentDomain {
    /// The name that the template gives it.
    pub(crate) alias: String,
    /// Where it is.
    pub(crate) url: String,
    /// Answers while it is held.
    _server: Server,
}

struct Edge {
    url: String,
    bucket: String,
    keys: Keys,
    s3: aws_sdk_s3::Client,
    clock: Clock,
}

impl ContentDomain {
    /// Starts the distribution.
    ///
    /// # Errors
    /// If it cannot listen, or a public key is none.
    pub(crate) async fn start(
        distribution: &Distribution,
        keys: &[PublicKey],
        (s3, clock): (aws_sdk_s3::Client, Clock),
    ) -> Result<Self> {
        let port = Port::take(0).await?;
        let url = format!("http://{}", port.address());
        let keys = keys.iter().map(|key| {
            let der = der(&key.pem).with_context(|| format!("{} is no public key", key.id))?;
            Ok((key.id.clone(), der))
        });
        let edge = Arc::new(Edge {
            url: url.clone(),
            bucket: distribution.bucket.clone(),
            keys: keys.collect::<Result<_>>()?,
            s3,
            clock,
        });
        let server = port.serve(move |request, _| {
            let edge = Arc::clone(&edge);
            async move { edge.answer(&request).await }
        });
        Ok(Self {
            alias: distribution.alias.clone(),
            url,
            _server: server,
        })
    }
}

fn der(pem: &str) -> Option<Vec<u8>> {
    let lines = pem.lines().filter(|line| !line.starts_with("-----"));
    let lines: String = lines.collect();
    BASE64.decode(lines.as_bytes()).ok()
}

impl Edge {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let path_and_query = request.uri().path_and_query();
        let path_and_query = path_and_query.map_or("/", |it| it.as_str());
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return refusal(Refused {
                code: "AccessDenied",
                message: "This distribution is not configured to allow the HTTP request method",
            });
        }
        let now = (self.clock)().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |since| since.as_secs());
        if let Err(refused) = verify(&self.keys, (&self.url, path_and_query), now) {
            return refusal(refused);
        }
        match self.fetch(request).await {
            Ok(got) => given(got, *request.method() == Method::HEAD).await,
            Err(error) => origin_error(&error),
        }
    }

    /// The object, with the parameters that the cache policy passes on, and the part that is asked for.
    async fn fetch(
        &self,
        request: &Request<Incoming>,
    ) -> Result<GetObjectOutput, SdkError<GetObjectError>> {
        let uri = request.uri();
        let query: BTreeMap<_, _> =
            url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        let parameter = |name: &str| query.get(name).cloned();
        let header = |name: HeaderName| {
            let value = request.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let get = self.s3.get_object().bucket(&self.bucket);
        get.key(uri.path().trim_start_matches('/'))
            .set_response_cache_control(parameter("response-cache-control"))
            .set_response_content_disposition(parameter("response-content-disposition"))
            .set_response_content_type(parameter("response-content-type"))
            .set_range(header(header::RANGE))
            .set_if_none_match(header(header::IF_NONE_MATCH))
            .send()
            .await
    }
}

async fn given(got: GetObjectOutput, head: bool) -> Response<Full<Bytes>> {
    let status = match got.content_range {
        Some(_) => StatusCode::PARTIAL_CONTENT,
        None => StatusCode::OK,
    };
    let mut headers = HeaderMap::new();
    let length = got.content_length.map(|length| length.to_string());
    for (name, value) in [
        (header::CONTENT_TYPE, got.content_type),
        (header::CONTENT_LENGTH, length),
        (header::CONTENT_DISPOSITION, got.content_disposition),
        (header::CONTENT_RANGE, got.content_range),
        (header::ETAG, got.e_tag),
        (header::ACCEPT_RANGES, Some("bytes".to_owned())),
    ] {
        if let Some(value) = value.and_then(|it| HeaderValue::from_str(&it).ok()) {
            headers.insert(name, value);
        }
    }
    match got.body.collect().await {
        Ok(_) if head => answer(status, headers, Bytes::new()),
        Ok(body) => answer(status, headers, body.into_bytes()),
        Err(_) => answer(StatusCode::BAD_GATEWAY, HeaderMap::new(), Bytes::new()),
    }
}

/// What S3 answers otherwise is passed on. What is not there answers 403: the distribution may not list.
fn origin_error(error: &SdkError<GetObjectError>) -> Response<Full<Bytes>> {
    let status = error.raw_response().map(|it| it.status().as_u16());
    match status {
        Some(403 | 404) => refusal(Refused {
            code: "AccessDenied",
            message: "Access Denied",
        }),
        Some(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            answer(status, HeaderMap::new(), Bytes::new())
        }
        None => answer(StatusCode::BAD_GATEWAY, HeaderMap::new(), Bytes::new()),
    }
}

fn refusal(refused: Refused) -> Response<Full<Bytes>> {
    let Refused { code, message } = refused;
    let body = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"#
    );
    let xml = HeaderValue::from_static("text/xml");
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, xml)]);
    answer(StatusCode::FORBIDDEN, headers, body.into())
}

/// With what every answer of the distribution bears.
fn answer(status: StatusCode, mut headers: HeaderMap, body: Bytes) -> Response<Full<Bytes>> {
    let cache = match status.is_success() {
        true => "Miss from cloudfront",
        false => "Error from cloudfront",
    };
    for (name, value) in [
        ("x-cache", cache),
        ("x-amz-cf-pop", "LOCAL-P1"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("referrer-policy", "no-referrer"),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
