//! A machine in the way that speaks no newer TLS than 1.1: `tls-downgrade` on the first hop, where our own connection ends.
//!
//! It answers each greeting with its own (RFC 4346 §7.4.1.3) and keeps everything that it is sent after that, to show that nothing was
//! entrusted to it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The type of a record that holds an application's data (RFC 5246 §6.2.1).
pub const APPLICATION_DATA: u8 = 0x17;

/// TLS 1.1, as records and greetings write it.
const TLS_1_1: [u8; 2] = [3, 2];

/// A cipher suite of its time: `TLS_RSA_WITH_AES_128_CBC_SHA`.
const SUITE: [u8; 2] = [0, 0x2f];

/// The machine. Ends when it is dropped.
pub struct OldTls {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Vec<u8>>>>,
    task: JoinHandle<()>,
}

impl OldTls {
    /// Listens on a free port.
    ///
    /// # Errors
    /// If there is none.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let received = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let kept = Arc::clone(&received);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                tokio::spawn(async move {
                    let heard = converse(stream).await;
                    lock(&kept).push(heard);
                });
            }
        });
        Ok(Self {
            address,
            received,
            task,
        })
    }

    /// Where it is: `https://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// What it was sent, connection by connection, once they are over.
    #[must_use]
    pub fn received(&self) -> Vec<Vec<u8>> {
        lock(&self.received).clone()
    }
}

impl Drop for OldTls {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The types of the records that were sent over a connection.
#[must_use]
pub fn record_types(mut bytes: &[u8]) -> Vec<u8> {
    let mut types = Vec::new();
    while let [kind, _, _, high, low, rest @ ..] = bytes {
        types.push(*kind);
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        bytes = rest.get(length..).unwrap_or_default();
    }
    types
}

/// Answers the first that comes, and hears the rest until the other side ends it.
async fn converse(mut stream: TcpStream) -> Vec<u8> {
    let mut heard = Vec::new();
    let greeted = stream.read_buf(&mut heard).await.is_ok();
    if greeted && stream.write_all(&greeting()).await.is_ok() {
        // However it ends: what came is kept.
        let _ = stream.read_to_end(&mut heard).await;
    }
    heard
}

/// A `ServerHello` in its record.
fn greeting() -> Vec<u8> {
    let mut hello = TLS_1_1.to_vec();
    hello.extend([0x5a; 32]);
    // No session, the suite, no compression.
    hello.push(0);
    hello.extend(SUITE);
    hello.push(0);
    let length = u8::try_from(hello.len()).unwrap_or(u8::MAX);
    let mut record = vec![0x16, TLS_1_1[0], TLS_1_1[1], 0, length + 4, 2, 0, 0, length];
    record.extend(hello);
    record
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
