//! Answers that break HTTP's own rules, or keep them in ways no server library would: written by hand on the connection.

use std::io;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::answer::pace;

/// How the end of the body is told, and how the headers come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// As HTTP wants it: one true `Content-Length`, the headers at once.
    True,
    /// These values of `Content-Length`, a header each. Without any, the body ends with the connection.
    Lengths(Vec<u64>),
    /// In chunks.
    Chunked,
    /// The headers at this many bytes per second.
    SlowHeaders(u64),
    /// This many more header lines.
    MoreHeaders(usize),
    /// A header line that never ends.
    EndlessHeader,
}

/// One answer, whole. The connection is closed after it.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) framing: Framing,
}

/// Length of one chunk.
const CHUNK: usize = 16 * 1024;

impl Raw {
    /// Writes the answer, as far as the peer takes it.
    ///
    /// # Errors
    /// If the peer goes away first.
    pub(super) async fn write(&self, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let head = self.head();
        match self.framing {
            Framing::SlowHeaders(rate) => {
                let (piece, pause) = pace(rate);
                for piece in head.chunks(piece) {
                    tokio::time::sleep(pause).await;
                    to.write_all(piece).await?;
                    to.flush().await?;
                }
            }
            Framing::EndlessHeader => {
                to.write_all(&head).await?;
                to.write_all(b"x-endless: ").await?;
                // Ends with the peer's patience.
                loop {
                    to.write_all(&[b'a'; 1024]).await?;
                }
            }
            _ => to.write_all(&head).await?,
        }
        match self.framing {
            Framing::Chunked => {
                for chunk in self.body.chunks(CHUNK) {
                    to.write_all(format!("{:x}\r\n", chunk.len()).as_bytes())
                        .await?;
                    to.write_all(chunk).await?;
                    to.write_all(b"\r\n").await?;
                }
                to.write_all(b"0\r\n\r\n").await?;
            }
            _ => to.write_all(&self.body).await?,
        }
        to.shutdown().await
    }

    /// Status line and headers, with the empty line where they have an end.
    fn head(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {}\r\nconnection: close\r\n", self.status).into_bytes();
        let mut line = |name: &str, value: &[u8]| {
            head.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        };
        for (name, value) in &self.headers {
            line(name.as_str(), value.as_bytes());
        }
        let length = self.body.len() as u64;
        let lengths = match &self.framing {
            Framing::Lengths(lengths) => lengths.as_slice(),
            Framing::Chunked | Framing::EndlessHeader => &[],
            Framing::True | Framing::SlowHeaders(_) | Framing::MoreHeaders(_) => &[length],
        };
        for length in lengths {
            line("content-length", length.to_string().as_bytes());
        }
        match self.framing {
            Framing::Chunked => line("transfer-encoding", b"chunked"),
            Framing::MoreHeaders(count) => {
                (0..count).for_each(|number| line(&format!("x-flood-{number}"), b"flood"));
            }
            _ => {}
        }
        if self.framing != Framing::EndlessHeader {
            head.extend(b"\r\n");
        }
        head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bodies_end_as_told() {
        let rows = [
            (Framing::True, "content-length: 4\r\n\r\nbody"),
            (
                Framing::Lengths(vec![4, 9]),
                "content-length: 4\r\ncontent-length: 9\r\n\r\nbody",
            ),
            (Framing::Lengths(vec![]), "\r\n\r\nbody"),
            (
                Framing::Chunked,
                "transfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
            ),
            (
                Framing::MoreHeaders(2),
                "content-length: 4\r\nx-flood-0: flood\r\nx-flood-1: flood\r\n\r\nbody",
            ),
        ];
        for (framing, expected) in rows {
            let raw = Raw {
                status: StatusCode::OK,
                headers: HeaderMap::new(),
                body: Bytes::from_static(b"body"),
                framing: framing.clone(),
            };
            let mut written = Vec::new();
            raw.write(&mut written).await.expect("memory takes all");
            let written = String::from_utf8(written).expect("text");
            assert!(
                written.starts_with("HTTP/1.1 200 OK\r\n"),
                "{framing:?}: {written}"
            );
            assert!(written.ends_with(expected), "{framing:?}: {written}");
        }
    }
}
