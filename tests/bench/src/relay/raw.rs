//! The least a relay can be: bytes read from one socket and written to another. No client, no library, no error but the
//! system's. Hashed, it sends the digest behind the bytes, as S3 takes it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context, Result, ensure};
use attache_domain::digest::Sha256Digest;
use aws_lc_rs::digest::{self, SHA256};

use super::child::{Task, Way};

/// What is read at once: 64 KiB.
const BUFFER: usize = 64 * 1024;

/// Relays one file of known length.
pub(super) fn relay(task: Task, source: SocketAddr, sink: SocketAddr) -> Result<()> {
    ensure!(
        task.at_once == 1 && !task.chunked,
        "the raw relay takes one file, of known length"
    );
    let bytes = task.bytes;
    let mut from = BufReader::new(TcpStream::connect(source)?);
    let get = format!("GET /x?bytes={bytes} HTTP/1.1\r\n\r\n");
    from.get_mut().write_all(get.as_bytes())?;
    pass_head(&mut from)?;
    let mut to = TcpStream::connect(sink)?;
    if task.way == Way::RawHashed {
        let put = format!("PUT /x HTTP/1.1\r\ncontent-encoding: aws-chunked\r\n\r\n{bytes:x}\r\n");
        to.write_all(put.as_bytes())?;
        let mut hashed = digest::Context::new(&SHA256);
        copy(&mut from, &mut to, bytes, |piece| hashed.update(piece))?;
        let digest: [u8; 32] = hashed.finish().as_ref().try_into()?;
        let digest = Sha256Digest::from_bytes(digest).to_base64();
        let end = format!("\r\n0\r\nx-amz-checksum-sha256:{digest}\r\n\r\n");
        to.write_all(end.as_bytes())?;
    } else {
        let put = format!("PUT /x HTTP/1.1\r\ncontent-length: {bytes}\r\n\r\n");
        to.write_all(put.as_bytes())?;
        copy(&mut from, &mut to, bytes, |_| ())?;
    }
    pass_head(&mut BufReader::new(to))
}

fn copy(
    from: &mut impl Read,
    to: &mut impl Write,
    bytes: u64,
    mut seen: impl FnMut(&[u8]),
) -> Result<()> {
    let mut buffer = vec![0; BUFFER];
    let mut left = bytes;
    while left > 0 {
        // What the head's reader has in hand comes first; reads as large as ours go past its own buffer.
        let got = from.read(&mut buffer)?;
        ensure!(got > 0, "the host broke off with {left} bytes to go");
        seen(&buffer[..got]);
        to.write_all(&buffer[..got])?;
        left = left.checked_sub(got as u64).context("too many bytes")?;
    }
    Ok(())
}

fn pass_head(stream: &mut impl BufRead) -> Result<()> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    ensure!(line.starts_with("HTTP/1.1 200"), "answered {line:?}");
    while !line.trim_end().is_empty() {
        line.clear();
        stream.read_line(&mut line)?;
    }
    Ok(())
}
