//! The host: gives a file of the length that the query asks for (`bytes`), and tells its length or, if the query says
//! `chunked`, does not.

use std::io::{self, BufReader, Write};
use std::net::TcpStream;

use super::head::Head;

/// Answers the requests of one connection.
pub(super) fn serve(mut stream: TcpStream, block: &[u8]) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut requests = BufReader::new(stream.try_clone()?);
    while let Some(head) = Head::read(&mut requests)? {
        let bytes = head.parameter("bytes").and_then(|text| text.parse().ok());
        let Some(bytes) = bytes else {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")?;
            continue;
        };
        if head.parameter("chunked").is_some() {
            give_chunked(&mut stream, block, bytes)?;
        } else {
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n");
            stream.write_all(answer.as_bytes())?;
            give(&mut stream, block, bytes)?;
        }
    }
    Ok(())
}

fn give(stream: &mut TcpStream, block: &[u8], bytes: u64) -> io::Result<()> {
    let mut left = bytes;
    while left > 0 {
        let piece = left.min(block.len() as u64);
        stream.write_all(&block[..piece as usize])?;
        left -= piece;
    }
    Ok(())
}

fn give_chunked(stream: &mut TcpStream, block: &[u8], bytes: u64) -> io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
    let mut left = bytes;
    while left > 0 {
        let piece = left.min(block.len() as u64);
        stream.write_all(format!("{piece:x}\r\n").as_bytes())?;
        stream.write_all(&block[..piece as usize])?;
        stream.write_all(b"\r\n")?;
        left -= piece;
    }
    stream.write_all(b"0\r\n\r\n")
}
