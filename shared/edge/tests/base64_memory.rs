//! A file of 40 MB on its way in base64 takes no more memory than its pieces. Alone in its process: what is measured is the process.

#![expect(clippy::expect_used, reason = "a test: what does not work ends it")]

use std::time::Duration;

use async_trait::async_trait;
use attache_domain::signature::Secret;
use attache_domain::wire::{Auth, Base64Body, Body, Method, Request};
use attache_edge::http::Platforms;
use attache_flow::ports::{Credential, Http, Source, SourceError};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What CXone takes (cxone.md §9).
const SIZE: u64 = 40_000_000;

/// As the store gives them.
const PIECE: usize = 64 * 1024;

/// The server and the sockets' buffers included; the file in base64 alone would be 53 MB.
const MOST_GROWTH: u64 = 6 * 1024 * 1024;

struct Zeros(u64);

#[async_trait(?Send)]
impl Source for Zeros {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        let length = self.0.min(PIECE as u64);
        self.0 -= length;
        let piece = usize::try_from(length).map(|length| Bytes::from(vec![0; length]));
        Ok(piece.ok().filter(|piece| !piece.is_empty()))
    }
}

/// Reads a request and forgets it; how long its body was.
async fn swallow(mut stream: TcpStream) -> u64 {
    let mut buffer = vec![0; 16 * 1024];
    let (mut head, mut body) = (Vec::new(), 0);
    let mut expected = None;
    loop {
        let read = stream.read(&mut buffer).await.expect("a request");
        assert_ne!(read, 0, "the request ended early");
        match expected {
            Some(_) => body += read as u64,
            None => {
                head.extend_from_slice(&buffer[..read]);
                let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") else {
                    continue;
                };
                let text = String::from_utf8_lossy(&head[..end]).to_ascii_lowercase();
                let length = text
                    .lines()
                    .find_map(|it| it.strip_prefix("content-length: "));
                expected = length.and_then(|it| it.parse::<u64>().ok());
                body = (head.len() - end - 4) as u64;
            }
        }
        if expected.is_some_and(|expected| body >= expected) {
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
            stream.write_all(answer).await.expect("an answer");
            return body;
        }
    }
}

/// A figure of the kernel's about this process, in bytes.
fn figure(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|rest| rest.trim_start_matches(':').split_whitespace().next());
    kib.and_then(|kib| kib.parse::<u64>().ok())
        .expect("a figure")
        * 1024
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn forty_megabytes_in_base64_take_no_more_than_their_pieces() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("its address"));
    let server = tokio::spawn(async move {
        // The first one makes everything that is made once.
        for _ in 0..2 {
            let (stream, _) = listener.accept().await.expect("a connection");
            let _ = swallow(stream).await;
        }
    });
    let platforms = Platforms::new();
    let credential = Credential::Bearer(Secret::new("token").expect("a secret"));
    let mut before = 0;
    for size in [PIECE as u64 * 4, SIZE] {
        let body = Base64Body::new("content", &[("mimeType", "application/pdf")], size);
        let request = Request {
            method: Method::Post,
            url: url.parse().expect("a URL"),
            auth: Auth::Bearer,
            body: Body::Base64(body),
            patience: Duration::from_secs(600),
            local: true,
        };
        before = figure("VmRSS").max(before);
        let sent = platforms
            .upload(&request, &credential, Box::new(Zeros(size)))
            .await;
        assert_eq!(sent.expect("an answer").status, 200);
    }
    server.await.expect("both were read");
    let grown = figure("VmHWM").saturating_sub(before);
    assert!(grown < MOST_GROWTH, "{grown} bytes more than before");
}
