//! Both ends of a relay, on this machine: a host that gives files and a store that takes them, as cheap as they can be,
//! so that what is measured is what lies between them. Blocking threads, one for each connection.
//!
//! Files have the same bytes wherever they are asked for: [`block`] over and over, cut to the length asked for. The store
//! keeps none of them. It counts, and where it is to verify, it digests and refuses what does not match, as S3 does.

mod head;
mod sink;
mod source;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use attache_domain::digest::{Hasher, Sha256Digest};

/// What the host sends with one call: 256 KiB.
const BLOCK: usize = 256 * 1024;

/// An object that the store has taken whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    /// Its length.
    pub(crate) bytes: u64,
    /// What its sender said the digest is; `None`: nothing, or it came in parts.
    pub(crate) said: Option<Sha256Digest>,
    /// The digest of what came, where the store verifies.
    pub(crate) seen: Option<Sha256Digest>,
}

/// Both ends. Its threads end with the process.
pub(crate) struct Depot {
    /// Where files come from.
    pub(crate) source: SocketAddr,
    /// Where they go.
    pub(crate) sink: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Depot {
    /// Opens both ends; `verify`: the store digests what it takes, which costs as much again as a relay's own digest.
    pub(crate) fn open(verify: bool) -> io::Result<Self> {
        let block: Arc<[u8]> = block().into();
        let source = serve(move |stream| source::serve(stream, &block))?;
        let store = Arc::new(sink::Store::new(verify));
        let received = Arc::clone(&store.received);
        let sink = serve(move |stream| sink::serve(stream, &store))?;
        Ok(Self {
            source,
            sink,
            received,
        })
    }

    /// Takes what was received since it was last asked.
    pub(crate) fn take_received(&self) -> Vec<Received> {
        let mut received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut received)
    }
}

/// Takes connections for as long as the process lives, each in a thread of its own.
fn serve(
    connection: impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = connection.clone();
            thread::spawn(move || {
                // Whoever breaks a connection off learns of it at the other end, and says so there.
                drop(connection(stream));
            });
        }
    });
    Ok(address)
}

/// Bytes without a pattern that a copy could profit from.
fn block() -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut word = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..BLOCK / 8).flat_map(|_| word()).collect()
}

/// The digest of a file of `bytes` bytes.
pub(crate) fn digest(bytes: u64) -> Sha256Digest {
    let block = block();
    let mut hasher = Hasher::new();
    let mut left = bytes;
    while left > 0 {
        let piece = left.min(BLOCK as u64);
        hasher.update(&block[..piece as usize]);
        left -= piece;
    }
    hasher.finish()
}
