//! A source's bytes on their way into a request: pulled piece by piece, counted, and the last piece held back until the
//! source has ended well. The other side can never complete a body whose source failed, not even at its very end.
//!
//! A [`Source`] belongs to one thread and a request's body may be sent from any: a channel joins the two. [`feed`] is
//! polled beside the request, in the same task.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use attache_flow::ports::{Source, SourceError};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc::{Receiver, Sender};

/// How long the other side may take no bytes before it counts as gone.
pub(crate) const STALL: Duration = Duration::from_secs(30);

/// How feeding ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fed {
    /// Every byte was handed over, or the request wants no more: its own outcome tells.
    Whole,
    /// The source failed.
    Ended(SourceError),
    /// The other side stopped taking bytes.
    Stalled,
}

/// Pulls `source` until its end, which must come after exactly `size` bytes, and passes the pieces on.
pub(crate) async fn feed(source: &mut dyn Source, size: u64, pieces: Sender<Bytes>) -> Fed {
    let mut got = 0;
    let mut last = None;
    loop {
        let piece = match source.next().await {
            Ok(Some(piece)) if piece.is_empty() => continue,
            Ok(Some(piece)) => piece,
            Ok(None) if got == size => break,
            Ok(None) => {
                return Fed::Ended(SourceError::Length {
                    expected: size,
                    got,
                });
            }
            Err(error) => return Fed::Ended(error),
        };
        got += piece.len() as u64;
        if got > size {
            return Fed::Ended(SourceError::Length {
                expected: size,
                got,
            });
        }
        if got == size {
            last = Some(piece);
        } else if let Some(end) = pass(&pieces, piece).await {
            return end;
        }
    }
    match last {
        Some(piece) => pass(&pieces, piece).await.unwrap_or(Fed::Whole),
        None => Fed::Whole,
    }
}

async fn pass(pieces: &Sender<Bytes>, piece: Bytes) -> Option<Fed> {
    match tokio::time::timeout(STALL, pieces.send(piece)).await {
        Ok(Ok(())) => None,
        // The request is over and dropped its end: its outcome tells why.
        Ok(Err(_)) => Some(Fed::Whole),
        Err(_) => Some(Fed::Stalled),
    }
}

/// The request's body: `size` bytes out of the channel. A channel that ends early is an error, never an end.
pub(crate) struct Feed {
    pieces: Receiver<Bytes>,
    remaining: u64,
}

impl Feed {
    /// The body of a request that [`feed`] fills through the other end of `pieces`.
    pub(crate) fn new(pieces: Receiver<Bytes>, size: u64) -> Self {
        Self {
            pieces,
            remaining: size,
        }
    }
}

/// The channel ended before the last byte.
#[derive(Debug, thiserror::Error)]
#[error("the body was given up with {remaining} bytes to go")]
pub(crate) struct GivenUp {
    remaining: u64,
}

impl Body for Feed {
    type Data = Bytes;
    type Error = GivenUp;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, GivenUp>>> {
        let remaining = self.remaining;
        if remaining == 0 {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(self.pieces.poll_recv(context)) {
            Some(piece) => {
                self.remaining = remaining.saturating_sub(piece.len() as u64);
                Some(Ok(Frame::data(piece)))
            }
            None => Some(Err(GivenUp { remaining })),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use http_body_util::BodyExt;
    use tokio::sync::mpsc;

    use super::*;

    struct Pieces(Vec<Result<&'static str, SourceError>>);

    #[async_trait(?Send)]
    impl Source for Pieces {
        async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
            if self.0.is_empty() {
                return Ok(None);
            }
            self.0.remove(0).map(|text| Some(Bytes::from(text)))
        }
    }

    fn broken() -> SourceError {
        SourceError::Broken("reset".to_owned())
    }

    #[tokio::test]
    async fn only_a_source_that_ends_well_lets_its_last_piece_go() {
        let length = |got| Fed::Ended(SourceError::Length { expected: 6, got });
        for (pieces, expected, passed) in [
            (vec![Ok("abc"), Ok("def")], Fed::Whole, "abcdef"),
            (
                vec![Ok("abc"), Ok(""), Ok("def"), Ok("")],
                Fed::Whole,
                "abcdef",
            ),
            (vec![Ok("abcdef")], Fed::Whole, "abcdef"),
            (vec![Ok("abc"), Ok("de")], length(5), "abcde"),
            (vec![Ok("abc"), Ok("def"), Ok("g")], length(7), "abc"),
            (vec![Ok("abc"), Ok("defg")], length(7), "abc"),
            (
                vec![Ok("abc"), Ok("def"), Err(broken())],
                Fed::Ended(broken()),
                "abc",
            ),
            (vec![Err(broken())], Fed::Ended(broken()), ""),
            (vec![], length(0), ""),
        ] {
            let name = format!("{pieces:?}");
            let (sender, mut receiver) = mpsc::channel(9);
            assert_eq!(
                feed(&mut Pieces(pieces), 6, sender).await,
                expected,
                "{name}"
            );
            let mut got = Vec::new();
            while let Some(piece) = receiver.recv().await {
                got.extend_from_slice(&piece);
            }
            assert_eq!(String::from_utf8(got).unwrap(), passed, "{name}");
        }
    }

    #[tokio::test]
    async fn a_body_that_was_given_up_is_an_error_and_never_an_end() {
        let (sender, receiver) = mpsc::channel(2);
        sender.send(Bytes::from("abc")).await.unwrap();
        drop(sender);
        let mut body = Feed::new(receiver, 6);
        assert_eq!(body.size_hint().exact(), Some(6));
        assert!(body.frame().await.unwrap().is_ok());
        let error = body.frame().await.unwrap().unwrap_err().to_string();
        assert_eq!(error, "the body was given up with 3 bytes to go");
    }

    #[tokio::test(start_paused = true)]
    async fn a_taker_that_takes_nothing_is_noticed() {
        let (sender, _receiver) = mpsc::channel(1);
        let mut source = Pieces(vec![Ok("abc"), Ok("def"), Ok("ghi")]);
        assert_eq!(feed(&mut source, 100, sender).await, Fed::Stalled);
    }
}
