//! What a handler gives back: a status, headers, and a body that may be spoilt on purpose.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{future::BoxFuture, stream};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use serde_json::Value;

use super::connection::Connection;
use crate::{faults::SLOW_TICK, specs::Operation};

/// The body type every listener writes.
pub(crate) type WireBody = UnsyncBoxBody<Bytes, Infallible>;

/// How the body goes out.
pub(crate) enum Manner {
    /// At once and whole.
    Whole,
    /// In small pieces at this many bytes per second.
    Slow(u64),
    /// Half, then the connection closes in good order.
    Truncated,
    /// Half, then the connection is reset.
    Reset,
    /// Half, then nothing until the wait is over, then the rest.
    Stalled(BoxFuture<'static, ()>),
}

/// An answer on its way out.
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// Headers, the content type included; the length is added from the body.
    pub(crate) headers: HeaderMap,
    /// The body as it should be.
    pub(crate) body: Bytes,
    /// How the body goes out.
    pub(crate) manner: Manner,
    /// The published operation this answers, if there is one to check it against.
    pub(crate) operation: Option<Operation>,
    /// Whether the connection is closed instead of answering.
    pub(crate) lost: bool,
    /// Whether this stands in the place of the real answer and follows no schema.
    pub(crate) misplaced: bool,
}

impl Answer {
    pub(crate) fn new(status: StatusCode, content_type: &str, body: impl Into<Bytes>) -> Self {
        let answer = Self {
            status,
            headers: HeaderMap::new(),
            body: body.into(),
            manner: Manner::Whole,
            operation: None,
            lost: false,
            misplaced: false,
        };
        answer.with(CONTENT_TYPE, content_type)
    }

    /// A JSON answer.
    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        Self::new(status, "application/json; charset=UTF-8", body.to_string())
    }

    /// An HTML page, as proxies and delivery networks put in the place of an answer.
    pub(crate) fn html(status: StatusCode) -> Self {
        let page = "<!DOCTYPE html><html><head><title>Sorry, something went wrong</title></head>\
                    <body><h1>Sorry, something went wrong.</h1></body></html>";
        Self {
            misplaced: true,
            ..Self::new(status, "text/html; charset=utf-8", page)
        }
    }

    /// A redirect.
    pub(crate) fn redirect(to: &str) -> Self {
        let answer = Self::new(StatusCode::FOUND, "text/plain", "");
        Self {
            misplaced: true,
            ..answer.with(http::header::LOCATION, to)
        }
    }

    /// Adds a header; a value that cannot stand in a header is left out.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Says which published operation this answers.
    pub(crate) fn of(mut self, operation: Operation) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Sends the body in this manner.
    pub(crate) fn in_manner(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }

    /// Closes the connection instead of answering.
    pub(crate) fn lost(mut self) -> Self {
        self.lost = true;
        self
    }

    /// Turns the answer into what HTTP writes.
    pub(crate) fn into_response(self, connection: Arc<Connection>) -> http::Response<WireBody> {
        let length = self.body.len();
        let body = match self.manner {
            Manner::Whole => Full::new(self.body).boxed_unsync(),
            manner => spoilt(self.body, manner, connection),
        };
        let mut response = http::Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
        response
    }
}

/// What a spoilt body still has to do.
enum Act {
    Send(Bytes),
    Pause(Duration),
    Wait(BoxFuture<'static, ()>),
    Close,
    Reset,
}

/// A body that plays its acts in order. The pause before an ending lets HTTP flush what was sent.
fn spoilt(body: Bytes, manner: Manner, connection: Arc<Connection>) -> WireBody {
    let acts = acts(body, manner);
    let frames = stream::unfold(
        (acts.into_iter(), connection),
        |(mut acts, connection)| async {
            loop {
                match acts.next()? {
                    Act::Send(piece) => return Some((Ok(Frame::data(piece)), (acts, connection))),
                    Act::Pause(length) => tokio::time::sleep(length).await,
                    Act::Wait(wait) => wait.await,
                    Act::Close => {
                        connection.close();
                        std::future::pending::<()>().await;
                    }
                    Act::Reset => {
                        connection.reset();
                        std::future::pending::<()>().await;
                    }
                }
            }
        },
    );
    StreamBody::new(frames).boxed_unsync()
}

fn acts(body: Bytes, manner: Manner) -> Vec<Act> {
    let half = body.slice(..body.len() / 2);
    let rest = body.slice(body.len() / 2..);
    let ended = |ending| vec![Act::Send(half.clone()), Act::Pause(SLOW_TICK), ending];
    match manner {
        Manner::Whole => vec![Act::Send(body)],
        Manner::Truncated => ended(Act::Close),
        Manner::Reset => ended(Act::Reset),
        Manner::Stalled(wait) => vec![Act::Send(half.clone()), Act::Wait(wait), Act::Send(rest)],
        Manner::Slow(rate) => {
            let per_tick = u128::from(rate) * SLOW_TICK.as_millis() / 1000;
            let piece = usize::try_from(per_tick).unwrap_or(usize::MAX).max(1);
            let starts = (0..body.len()).step_by(piece);
            starts
                .flat_map(|start| {
                    let end = start.saturating_add(piece).min(body.len());
                    [Act::Pause(SLOW_TICK), Act::Send(body.slice(start..end))]
                })
                .collect()
        }
    }
}
