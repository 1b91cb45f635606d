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

use super::{
    connection::Connection,
    raw::{Framing, Raw},
};
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
    /// This many bytes, then nothing until the wait is over, then the rest.
    Stalled(usize, BoxFuture<'static, ()>),
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
    /// How its end is told and the headers come; anything but the truth sends the body whole.
    pub(crate) framing: Framing,
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
            framing: Framing::True,
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

    /// Frames the body like this.
    pub(crate) fn framed(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// The answer as it must be written by hand, if it must be.
    pub(super) fn raw(&self) -> Option<Raw> {
        (self.framing != Framing::True).then(|| Raw {
            status: self.status,
            headers: self.headers.clone(),
            body: self.body.clone(),
            framing: self.framing.clone(),
        })
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

/// The acts of a spoilt body, made one by one: a body that trickles has millions.
type Acts = Box<dyn Iterator<Item = Act> + Send>;

/// A body that plays its acts in order. The pause before an ending lets HTTP flush what was sent.
fn spoilt(body: Bytes, manner: Manner, connection: Arc<Connection>) -> WireBody {
    let frames = stream::unfold(
        (acts(body, manner), connection),
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

fn acts(body: Bytes, manner: Manner) -> Acts {
    let half = body.slice(..body.len() / 2);
    let ended = |ending| {
        let acts = [Act::Send(half), Act::Pause(SLOW_TICK), ending];
        Box::new(acts.into_iter())
    };
    match manner {
        Manner::Whole => Box::new(std::iter::once(Act::Send(body))),
        Manner::Truncated => ended(Act::Close),
        Manner::Reset => ended(Act::Reset),
        Manner::Stalled(sent, wait) => {
            let rest = body.slice(sent..);
            let acts = [
                Act::Send(body.slice(..sent)),
                Act::Wait(wait),
                Act::Send(rest),
            ];
            Box::new(acts.into_iter())
        }
        Manner::Slow(rate) => {
            let (piece, pause) = pace(rate);
            let starts = (0..body.len()).step_by(piece);
            Box::new(starts.flat_map(move |start| {
                let end = start.saturating_add(piece).min(body.len());
                [Act::Pause(pause), Act::Send(body.slice(start..end))]
            }))
        }
    }
}

/// The pieces in which so many bytes per second (at least 1) go out, and the pause before each.
pub(super) fn pace(rate: u64) -> (usize, Duration) {
    let per_tick = u128::from(rate) * SLOW_TICK.as_millis() / 1000;
    match usize::try_from(per_tick).unwrap_or(usize::MAX) {
        0 => (1, Duration::from_secs(1).div_f64(rate.max(1) as f64)),
        piece => (piece, SLOW_TICK),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_kept_in_pieces_or_in_pauses() {
        for (rate, piece, millis) in [
            (1, 1, 1000),
            (10, 1, 100),
            (20, 1, 50),
            (8192, 409, 50),
            (0, 1, 1000),
        ] {
            let expected = (piece, Duration::from_millis(millis));
            assert_eq!(pace(rate), expected, "{rate}");
        }
    }
}
