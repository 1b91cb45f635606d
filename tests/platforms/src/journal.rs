//! A record of every request a platform received and what it answered.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, Method, header::AUTHORIZATION};
use time::OffsetDateTime;

use crate::wire::{Answer, Request};

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No answer yet, or the peer left before one was ready.
    Pending,
    /// Answered with this status.
    Answered(u16),
    /// The request took effect and its answer was withheld on purpose.
    Lost,
}

/// One request and its answer. `Debug` shows credentials as `…`; the fields hold them as sent.
#[derive(Clone)]
pub struct Exchange {
    /// When the request was complete, by the platform's clock.
    pub at: OffsetDateTime,
    /// `host:port` of the listener that received it.
    pub listener: String,
    /// HTTP method.
    pub method: Method,
    /// Path as sent.
    pub path: String,
    /// Query as sent, without the question mark.
    pub query: String,
    /// Headers as sent.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// What became of it.
    pub outcome: Outcome,
    /// Headers of the answer.
    pub answer_headers: HeaderMap,
    /// Body of the answer, before any fault spoilt it.
    pub answer_body: Bytes,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut headers = self.headers.clone();
        if let Some(value) = headers.get_mut(AUTHORIZATION) {
            *value = http::HeaderValue::from_static("...");
        }
        f.debug_struct("Exchange")
            .field("at", &self.at)
            .field("listener", &self.listener)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &headers)
            .field("body_bytes", &self.body.len())
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

/// The shared record. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<Exchange>>>);

impl Journal {
    /// Notes a request; the number is for [`Journal::answer`].
    pub(crate) fn request(&self, at: OffsetDateTime, listener: &str, request: &Request) -> usize {
        let mut exchanges = self.locked();
        exchanges.push(Exchange {
            at,
            listener: listener.to_owned(),
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            outcome: Outcome::Pending,
            answer_headers: HeaderMap::new(),
            answer_body: Bytes::new(),
        });
        exchanges.len() - 1
    }

    /// Notes the answer to a request.
    pub(crate) fn answer(&self, number: usize, answer: &Answer) {
        if let Some(exchange) = self.locked().get_mut(number) {
            exchange.answer_headers = answer.headers.clone();
            exchange.answer_body = answer.body.clone();
            exchange.outcome = match answer.lost {
                true => Outcome::Lost,
                false => Outcome::Answered(answer.status.as_u16()),
            };
        }
    }

    /// Everything so far, oldest first.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.locked().clone()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Vec<Exchange>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_do_not_show_in_debug_output() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "Bearer hush".parse().expect("a header"));
        let journal = Journal::default();
        let request = Request {
            method: Method::GET,
            target: "/x?access_token=hush".into(),
            path: "/x".into(),
            query: "access_token=hush".into(),
            headers,
            body: Bytes::new(),
        };
        journal.request(OffsetDateTime::UNIX_EPOCH, "h:1", &request);
        let exchanges = journal.exchanges();
        assert!(!format!("{exchanges:?}").contains("hush"));
        assert_eq!(exchanges[0].headers[AUTHORIZATION], "Bearer hush");
    }
}
