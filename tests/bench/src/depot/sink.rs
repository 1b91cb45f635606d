//! The store: as much of S3 as a relay needs. Objects in one PUT, plain or in S3's own chunks with the digest behind them
//! (`aws-chunked`), and in parts. Signatures are not looked at.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Error, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use attache_domain::digest::{Hasher, Sha256Digest};

use super::head::Head;
use super::{BLOCK, Received};

/// Where a digest stands, as a header or behind the chunks.
const DIGEST: &str = "x-amz-checksum-sha256";

/// What the connections share.
pub(super) struct Store {
    verify: bool,
    /// Objects, whole.
    pub(super) received: Arc<Mutex<Vec<Received>>>,
    /// Objects in parts, by their key. Parts come in order.
    uploads: Mutex<HashMap<String, Taken>>,
}

/// Bytes that came.
#[derive(Clone, Default)]
struct Taken {
    bytes: u64,
    hasher: Option<Hasher>,
    said: Option<Sha256Digest>,
}

impl Store {
    pub(super) fn new(verify: bool) -> Self {
        Self {
            verify,
            received: Arc::default(),
            uploads: Mutex::default(),
        }
    }

    fn nothing(&self) -> Taken {
        Taken {
            hasher: self.verify.then(Hasher::new),
            ..Taken::default()
        }
    }

    /// An object is whole; whether it is what its sender said.
    fn receive(&self, taken: Taken) -> bool {
        let received = Received {
            bytes: taken.bytes,
            said: taken.said,
            seen: taken.hasher.map(Hasher::finish),
        };
        let fits =
            received.seen.is_none() || received.said.is_none() || received.seen == received.said;
        if fits {
            lock(&self.received).push(received);
        }
        fits
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers the requests of one connection.
pub(super) fn serve(mut stream: TcpStream, store: &Store) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut requests = BufReader::with_capacity(BLOCK, stream.try_clone()?);
    while let Some(head) = Head::read(&mut requests)? {
        if head.header("expect").is_some() {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let answer = answer(&head, &mut requests, store)?;
        stream.write_all(answer.as_bytes())?;
    }
    Ok(())
}

fn answer(head: &Head, body: &mut impl BufRead, store: &Store) -> io::Result<String> {
    let key = head.target.split('?').next().unwrap_or_default().to_owned();
    if head.method == "POST" && head.parameter("uploads").is_some() {
        lock(&store.uploads).insert(key, store.nothing());
        return Ok(xml(
            "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>",
        ));
    }
    if head.method == "PUT" && head.parameter("uploadId").is_some() {
        let so_far = lock(&store.uploads).remove(&key).unwrap_or_default();
        let taken = take(head, body, so_far)?;
        lock(&store.uploads).insert(
            key,
            Taken {
                said: None,
                ..taken
            },
        );
        return Ok(tagged(None));
    }
    let taken = take(head, body, store.nothing())?;
    match head.method.as_str() {
        "PUT" => {
            let said = taken.said;
            if store.receive(taken) {
                return Ok(tagged(said));
            }
            Ok(refused("400 Bad Request"))
        }
        "POST" => {
            let upload = lock(&store.uploads).remove(&key).unwrap_or_default();
            store.receive(upload);
            Ok(xml(
                "<CompleteMultipartUploadResult><ETag>\"e\"</ETag></CompleteMultipartUploadResult>",
            ))
        }
        _ => Ok(refused("404 Not Found")),
    }
}

fn xml(text: &str) -> String {
    let length = text.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/xml\r\ncontent-length: {length}\r\n\r\n{text}"
    )
}

fn tagged(said: Option<Sha256Digest>) -> String {
    let digest = said.map(|digest| format!("{DIGEST}: {}\r\n", digest.to_base64()));
    let digest = digest.unwrap_or_default();
    format!("HTTP/1.1 200 OK\r\netag: \"e\"\r\n{digest}content-length: 0\r\n\r\n")
}

fn refused(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n")
}

/// Takes a body in, behind what came before.
fn take(head: &Head, body: &mut impl BufRead, so_far: Taken) -> io::Result<Taken> {
    let mut taken = so_far;
    if head.header("content-encoding") != Some("aws-chunked") {
        taken.said = head.header(DIGEST).map(said).transpose()?;
        pass(body, head.content_length(), &mut taken)?;
        return Ok(taken);
    }
    loop {
        let line = line(body)?;
        let size = line.split(';').next().unwrap_or_default();
        let size = u64::from_str_radix(size, 16).map_err(Error::other)?;
        if size == 0 {
            break;
        }
        pass(body, size, &mut taken)?;
        line_end(body)?;
    }
    loop {
        let line = line(body)?;
        let Some((name, value)) = line.split_once(':') else {
            return Ok(taken);
        };
        if name == DIGEST {
            taken.said = Some(said(value)?);
        }
    }
}

fn said(value: &str) -> io::Result<Sha256Digest> {
    Sha256Digest::from_base64(value.trim()).map_err(Error::other)
}

fn line(body: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    body.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

fn line_end(body: &mut impl BufRead) -> io::Result<()> {
    line(body).and_then(|rest| match rest.is_empty() {
        true => Ok(()),
        false => Err(Error::other("a chunk is longer than it said")),
    })
}

/// Passes `length` bytes by.
fn pass(body: &mut impl BufRead, length: u64, taken: &mut Taken) -> io::Result<()> {
    let mut left = length;
    while left > 0 {
        let there = body.fill_buf()?;
        if there.is_empty() {
            return Err(Error::other("the body ended early"));
        }
        let piece = (there.len() as u64).min(left);
        if let Some(hasher) = &mut taken.hasher {
            hasher.update(&there[..piece as usize]);
        }
        body.consume(piece as usize);
        taken.bytes += piece;
        left -= piece;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(store: &Store, head: &str, body: &str) -> String {
        let text = format!("PUT /media/arrivals/a HTTP/1.1\r\n{head}\r\n\r\n{body}");
        let mut stream = text.as_bytes();
        let head = Head::read(&mut stream).unwrap().unwrap();
        answer(&head, &mut stream, store).unwrap()
    }

    #[test]
    fn an_object_is_taken_whole_if_it_is_what_was_said() {
        let right = Sha256Digest::of(b"abcdef").to_base64();
        let wrong = Sha256Digest::of(b"abcdeF").to_base64();
        let chunks =
            |digest: &str| format!("4\r\nabcd\r\n2\r\nef\r\n0\r\n{DIGEST}:{digest}\r\n\r\n");
        for (name, head, body, fits) in [
            (
                "plain",
                "content-length: 6".to_owned(),
                "abcdef".to_owned(),
                true,
            ),
            (
                "said",
                format!("content-length: 6\r\n{DIGEST}: {right}"),
                "abcdef".to_owned(),
                true,
            ),
            (
                "lie",
                format!("content-length: 6\r\n{DIGEST}: {wrong}"),
                "abcdef".to_owned(),
                false,
            ),
            (
                "chunks",
                "content-encoding: aws-chunked".to_owned(),
                chunks(&right),
                true,
            ),
            (
                "lie behind",
                "content-encoding: aws-chunked".to_owned(),
                chunks(&wrong),
                false,
            ),
        ] {
            let store = Store::new(true);
            let answer = put(&store, &head, &body);
            assert_eq!(answer.starts_with("HTTP/1.1 200"), fits, "{name}: {answer}");
            let received = lock(&store.received).clone();
            let bytes: Vec<u64> = received.iter().map(|it| it.bytes).collect();
            assert_eq!(bytes, if fits { vec![6] } else { vec![] }, "{name}");
        }
    }

    #[test]
    fn a_body_that_breaks_off_is_no_object() {
        let store = Store::new(false);
        let head = Head::read(&mut &b"PUT /k HTTP/1.1\r\ncontent-length: 9\r\n\r\n"[..]);
        let head = head.unwrap().unwrap();
        assert!(answer(&head, &mut &b"abc"[..], &store).is_err());
        assert!(lock(&store.received).is_empty());
    }
}
