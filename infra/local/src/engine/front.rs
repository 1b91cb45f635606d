//! The HTTP front of every engine: a listener on a free loopback port, and the gate each request passes.
//!
//! The front learns who calls and, with the engine's help, what is called; asks the [`Observer`]; and can close the
//! connection where an answer should have been. Bodies are the engine's business: object bodies stream through untouched.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::observe::{After, AwsCall, Before, Observer};

/// The body of any answer.
pub(super) type Body = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// A whole body at once.
pub(super) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never: Infallible| match never {})
        .boxed_unsync()
}

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer")]
pub(super) struct Dropped;

/// One engine behind a front.
#[async_trait]
pub(super) trait Service: Send + Sync + 'static {
    /// Answers one request, passing it through the gate before it takes effect and its answer after.
    async fn serve(
        &self,
        gate: &Gate,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Dropped>;
}

/// Where every request is shown to the observer.
#[derive(Clone)]
pub(super) struct Gate {
    observer: Arc<dyn Observer>,
}

/// What the gate says of a request it does not drop.
pub(super) enum Entry<'a> {
    /// Carry it out.
    Open,
    /// Refuse it, for want of this permission.
    Refused(&'a AwsCall),
}

impl Gate {
    pub(super) fn new(observer: Arc<dyn Observer>) -> Self {
        Self { observer }
    }

    /// Shows the observer every permission the request needs, its own call first. Stops at the first objection.
    pub(super) fn before<'a>(&self, calls: &'a [AwsCall]) -> Result<Entry<'a>, Dropped> {
        for call in calls {
            match self.observer.before(call) {
                Before::Forward => {}
                Before::Deny => return Ok(Entry::Refused(call)),
                Before::Drop => return Err(Dropped),
            }
        }
        Ok(Entry::Open)
    }

    /// Shows the observer the outcome.
    pub(super) fn after(
        &self,
        call: Option<&AwsCall>,
        status: http::StatusCode,
    ) -> Result<(), Dropped> {
        match call.map(|call| self.observer.after(call, status.as_u16())) {
            Some(After::Drop) => Err(Dropped),
            Some(After::Answer) | None => Ok(()),
        }
    }
}

/// The caller of a request: the access key id of its header or of its presigned query.
pub(super) fn principal(head: &Parts) -> Option<String> {
    let credential = head
        .headers
        .get(http::header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| {
            value
                .split_once("Credential=")
                .map(|(_, rest)| rest.to_owned())
        })
        .or_else(|| query_value(head, "X-Amz-Credential"))?;
    credential
        .split('/')
        .next()
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
}

/// The decoded value of one query parameter.
pub(super) fn query_value(head: &Parts, name: &str) -> Option<String> {
    let query = head.uri.query()?;
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// A bound port that is not served yet: an engine may need to know its own address.
pub(super) struct Bound {
    listener: TcpListener,
    /// `http://127.0.0.1:PORT`.
    pub(super) url: String,
}

/// Takes a free port of 127.0.0.1.
pub(super) async fn bind() -> io::Result<Bound> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok(Bound { listener, url })
}

/// A served port. Dropping it ends the listener and every connection.
pub(super) struct Listening {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Bound {
    /// Serves the engine on this port until stopped.
    pub(super) fn serve(self, service: Arc<dyn Service>, gate: Gate) -> Listening {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(self.listener, service, gate, stopped));
        Listening { stop, task }
    }
}

impl Listening {
    /// Stops listening, cuts every connection, and returns when both are done.
    pub(super) async fn stop(self) {
        // A front that is gone already has nothing left to stop.
        let _ = self.stop.send(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "an engine's listener ended badly");
        }
    }
}

async fn accept(
    listener: TcpListener,
    service: Arc<dyn Service>,
    gate: Gate,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, Arc::clone(&service), gate.clone()));
                }
                Err(error) => {
                    // Out of file descriptors, most likely: let the others finish instead of spinning.
                    tracing::warn!(%error, "an engine could not accept a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            _ = stopped.changed() => break,
        }
    }
    connections.shutdown().await;
}

async fn serve_connection(stream: TcpStream, service: Arc<dyn Service>, gate: Gate) {
    // Without this every small answer waits for the other side's delayed acknowledgement: 40 ms each.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let answer = service_fn(|request| {
        let (service, gate) = (Arc::clone(&service), gate.clone());
        async move { service.serve(&gate, request).await }
    });
    if let Err(error) = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), answer)
        .await
    {
        tracing::debug!(%error, "a connection to an engine ended early");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(uri: &str, authorization: Option<&str>) -> Parts {
        let mut request = Request::builder().uri(uri);
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_access_key_id_names_the_caller() {
        let signed = "AWS4-HMAC-SHA256 Credential=IntakeFunction/20261120/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00";
        for (name, uri, authorization, expected) in [
            ("header", "/", Some(signed), Some("IntakeFunction")),
            (
                "presigned",
                "/b/k?X-Amz-Credential=operator%2F20261120%2Fus-east-1",
                None,
                Some("operator"),
            ),
            ("neither", "/b/k?x=1", None, None),
            ("another scheme", "/", Some("Bearer abc"), None),
            (
                "empty",
                "/",
                Some("AWS4-HMAC-SHA256 Credential=/2026"),
                None,
            ),
        ] {
            assert_eq!(
                principal(&head(uri, authorization)).as_deref(),
                expected,
                "{name}"
            );
        }
    }
}
