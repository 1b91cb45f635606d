//! Bodies of answers: small ones whole, files piece by piece.

use std::time::Duration;

use async_trait::async_trait;
use attache_flow::batch::chain;
use attache_flow::ports::{Source, SourceError};
use bytes::Bytes;
use reqwest::Response;

/// The most of an answer that is read. Answers of calls are a few KB; of one that is longer (an error page, say) the
/// status tells enough, and what is cut off is no JSON any more.
pub(super) const CAP: usize = 1024 * 1024;

/// Reads an answer, at most [`CAP`] bytes of it; of a longer one the rest is left unread and its connection closed.
pub(super) async fn read(mut answer: Response) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await? {
        let room = CAP - body.len();
        body.extend_from_slice(&piece[..piece.len().min(room)]);
        if body.len() == CAP {
            break;
        }
    }
    Ok(body)
}

/// A download. Its pieces may come slowly, but none may let the reader wait longer than `idle`.
pub(super) struct Streamed {
    answer: Response,
    idle: Duration,
}

impl Streamed {
    pub(super) fn new(answer: Response, idle: Duration) -> Self {
        Self { answer, idle }
    }
}

#[async_trait(?Send)]
impl Source for Streamed {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        match tokio::time::timeout(self.idle, self.answer.chunk()).await {
            Ok(piece) => piece.map_err(|e| SourceError::Broken(chain(&e.without_url()))),
            Err(_) => Err(SourceError::Broken(format!("no bytes for {:?}", self.idle))),
        }
    }
}
