//! S3: buckets and objects on plain files, with signatures, conditions and checksums enforced.
//!
//! The wire (XML, SigV4 in headers, chunks and presigned URLs) is `s3s`; everything behind it is here, because the file
//! store that comes with `s3s` verifies a checksum only after the object is visible, ties a multipart upload to one access
//! key, and answers some conditions wrongly. What is kept: objects and their metadata, tags, checksums, running multipart
//! uploads. Bucket settings (policy, encryption, lifecycle, ...) are accepted and have no effect. Not offered: versions,
//! ACLs, object lock, part copies.

mod actions;
mod assembly;
mod copying;
mod ingest;
mod listing;
mod multipart;
mod object;
mod objects;
mod operations;
mod precondition;
mod presigned;
mod store;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use s3s::auth::{S3Auth, SecretKey};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{HttpRequest, S3Result};
use tokio::sync::mpsc;

use super::arn::fresh_uuid;
use super::front::{Body, Dropped, Entry, Gate, Service, principal, whole};
use super::json::refusal;
use super::{Clock, ObjectCreated};
use store::Store;

/// The secret access key of every caller. Which caller it is says the access key id.
const SECRET_ACCESS_KEY: &str = "local";

/// The service behind the front.
pub(super) struct S3 {
    service: S3Service,
    clock: Clock,
}

/// The operations `s3s` dispatches to.
struct Objects {
    store: Arc<Store>,
}

/// Any access key id is somebody; all share one secret.
struct AnyCaller;

#[async_trait]
impl S3Auth for AnyCaller {
    async fn get_secret_key(&self, _access_key: &str) -> S3Result<SecretKey> {
        Ok(SecretKey::from(SECRET_ACCESS_KEY))
    }
}

impl S3 {
    /// Opens the store under `root`. New objects are announced to `events`.
    pub(super) fn start(
        root: &Path,
        events: mpsc::UnboundedSender<ObjectCreated>,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let store = Arc::new(Store::open(root, events)?);
        let mut builder = S3ServiceBuilder::new(Objects { store });
        builder.set_auth(AnyCaller);
        Ok(Self {
            service: builder.build(),
            clock,
        })
    }
}

#[async_trait]
impl Service for S3 {
    async fn serve(
        &self,
        gate: &Gate,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Dropped> {
        let (head, body) = request.into_parts();
        let is_head = head.method == Method::HEAD;
        if presigned::has_expired(&head, (self.clock)()) {
            drain(body).await;
            return Ok(denied("Request has expired", is_head));
        }
        let calls = actions::calls(principal(&head).as_deref().unwrap_or("anonymous"), &head);
        if let Entry::Refused(call) = gate.before(&calls)? {
            drain(body).await;
            return Ok(denied(&refusal(call), is_head));
        }
        let request = HttpRequest::from_parts(head, s3s::Body::from(body));
        let response = self.service.call(request).await.map_err(|error| {
            tracing::error!(?error, "the object store could not answer");
            Dropped
        })?;
        gate.after(calls.first(), response.status())?;
        Ok(response.map(BodyExt::boxed_unsync))
    }
}

/// Reads a body nobody wants, so that the sender gets to the answer.
async fn drain(mut body: Incoming) {
    while let Some(Ok(_)) = body.frame().await {}
}

fn denied(message: &str, is_head: bool) -> Response<Body> {
    let request_id = fresh_uuid();
    let escaped = message
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>{escaped}</Message>\
         <RequestId>{request_id}</RequestId><HostId>local</HostId></Error>"
    );
    let body = if is_head {
        whole(Bytes::new())
    } else {
        whole(xml)
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::FORBIDDEN;
    response.headers_mut().insert(
        "content-type",
        http::HeaderValue::from_static("application/xml"),
    );
    response
}
