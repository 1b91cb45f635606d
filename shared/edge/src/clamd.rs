//! Asking clamd over TCP: one connection for each file, the bytes in chunks, one line back.
//!
//! **Promises.** Memory is bounded: one chunk at a time. Everything but an answer about all of the file is an [`Outage`]: no
//! connection, one that breaks, silence, an answer before the file was there. The protocol itself is
//! [`attache_domain::scan::clamd`].
//!
//! The connection is neither encrypted nor authenticated; clamd knows nothing else. It belongs into a private network.

use std::io::{self, SeekFrom};
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::scan::clamd::{
    COMMAND, END, LONGEST_REPLY, NAME, Trouble, chunk_header, reply,
};
use attache_domain::scan::{Outcome, Scanned};
use attache_flow::ports::{Answer, Bytestream, Outage, Scanner};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long one scan may take: clamd's own default gives up on a file after two minutes (`MaxScanTime`), a function of ours has
/// no more for everything.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How many bytes go into one chunk.
const CHUNK: usize = 64 * 1024;

/// A clamd.
#[derive(Clone, Debug)]
pub struct Clamd {
    address: String,
    patience: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error("the connection failed")]
    Broken(#[from] io::Error),
    #[error("it hung up without an answer")]
    HungUp,
    #[error("it answered before it had the whole file")]
    Early,
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl Clamd {
    /// The one at `address`, `host:port`, which may take `patience` for each file.
    #[must_use]
    pub fn new(address: impl Into<String>, patience: Duration) -> Self {
        Self {
            address: address.into(),
            patience,
        }
    }

    async fn ask(&self, bytes: &mut dyn Bytestream) -> Result<Scanned, NoAnswer> {
        bytes.seek(SeekFrom::Start(0))?;
        let mut stream = TcpStream::connect(&self.address).await?;
        let (from, to) = stream.split();
        let (answer, sending) = (answer(from), send(bytes, to));
        tokio::pin!(answer, sending);
        tokio::select! {
            biased;
            early = &mut answer => match early? {
                // It cannot know that yet.
                Scanned { outcome: Outcome::Clean, .. } => Err(NoAnswer::Early),
                scanned => Ok(scanned),
            },
            sent = &mut sending => match sent {
                Ok(()) => answer.await,
                // Who hangs up in the middle may have said why.
                Err(error) => match answer.await {
                    Ok(scanned) if scanned.outcome != Outcome::Clean => Ok(scanned),
                    Ok(_) | Err(_) => Err(error.into()),
                },
            },
        }
    }
}

async fn send(bytes: &mut dyn Bytestream, mut to: impl AsyncWrite + Unpin) -> io::Result<()> {
    to.write_all(COMMAND).await?;
    let mut chunk = vec![0; END.len() + CHUNK];
    loop {
        // The file is spooled beside us: reading it is no waiting.
        let read = bytes.read(&mut chunk[END.len()..])?;
        if read == 0 {
            break;
        }
        let header = chunk_header(u32::try_from(read).map_err(io::Error::other)?);
        chunk[..END.len()].copy_from_slice(&header);
        to.write_all(&chunk[..END.len() + read]).await?;
    }
    to.write_all(&END).await?;
    to.flush().await
}

/// What comes back, up to its zero byte.
async fn answer(mut from: impl AsyncRead + Unpin) -> Result<Scanned, NoAnswer> {
    let mut said = Vec::new();
    while said.len() < LONGEST_REPLY && !said.contains(&0) {
        if from.read_buf(&mut said).await? == 0 {
            break;
        }
    }
    if said.is_empty() {
        return Err(NoAnswer::HungUp);
    }
    Ok(reply(&said)?)
}

#[async_trait(?Send)]
impl Scanner for Clamd {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn scan(&self, bytes: &mut dyn Bytestream) -> Answer<Scanned> {
        let doing = || format!("asking clamd at {}", self.address);
        match tokio::time::timeout(self.patience, self.ask(bytes)).await {
            Ok(answered) => answered.map_err(|e| Outage::new(doing(), e)),
            Err(_) => {
                let late = format!("no answer within {} s", self.patience.as_secs());
                Err(Outage::new(doing(), late))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use attache_flow::conformance;
    use attache_platforms::clamd::{self, Misbehaviour};

    use super::*;

    const SIGNATURE: &[u8] = b"a signature";
    const LONGEST: usize = 300_000;

    async fn stand_in() -> clamd::Clamd {
        let clamd = clamd::Clamd::start().await.unwrap();
        clamd.knows(SIGNATURE, "Test.Signature");
        clamd.limit(LONGEST);
        clamd
    }

    fn asking(clamd: &clamd::Clamd, patience: Duration) -> Clamd {
        Clamd::new(clamd.address(), patience)
    }

    #[tokio::test]
    async fn it_is_a_scanner_like_any_other() {
        let clamd = stand_in().await;
        let scanner = asking(&clamd, PATIENCE);
        conformance::scanner(&scanner, (SIGNATURE, "Test.Signature"), LONGEST).await;
    }

    #[tokio::test]
    async fn whatever_is_no_answer_about_the_whole_file_is_an_outage() {
        let clamd = stand_in().await;
        let file = || vec![b'.'; 2 * CHUNK];
        for how in [
            Misbehaviour::DiesAfter(1),
            Misbehaviour::DiesAfter(2 * CHUNK),
            Misbehaviour::Answers(""),
            Misbehaviour::Answers("OK\0"),
            Misbehaviour::Answers("stream: Can't allocate memory ERROR\0"),
            Misbehaviour::Answers("HTTP/1.1 400 Bad Request\r\n\r\n"),
        ] {
            clamd.misbehave(how.clone());
            let scanner = asking(&clamd, PATIENCE);
            let scanned = scanner.scan(&mut Cursor::new(file())).await;
            assert!(scanned.is_err(), "{how:?}: {scanned:?}");
        }
        clamd.misbehave(Misbehaviour::Silent);
        let scanner = asking(&clamd, Duration::from_millis(200));
        conformance::scanner_in_trouble(&scanner, file()).await;
        // It is not out of step.
        let scanned = asking(&clamd, PATIENCE)
            .scan(&mut Cursor::new(file()))
            .await;
        assert_eq!(scanned.unwrap(), Scanned::clean(NAME));
        clamd.go_down().await;
        conformance::scanner_in_trouble(&asking(&clamd, PATIENCE), file()).await;
        clamd.come_back().await.unwrap();
        let scanned = asking(&clamd, PATIENCE)
            .scan(&mut Cursor::new(file()))
            .await;
        assert_eq!(scanned.unwrap(), Scanned::clean(NAME));
    }

    #[tokio::test]
    async fn what_is_said_before_the_file_was_there_clears_nothing() {
        let clamd = stand_in().await;
        // More than sockets hold.
        let length = 32 * 1024 * 1024;
        clamd.limit(length);
        clamd.misbehave(Misbehaviour::AnswersEarly);
        let scanner = asking(&clamd, PATIENCE);
        conformance::scanner_in_trouble(&scanner, vec![b'.'; length]).await;
    }

    #[tokio::test]
    async fn a_host_that_does_not_exist_is_named() {
        let scanner = Clamd::new("127.0.0.1:0", PATIENCE);
        let told = scanner
            .scan(&mut Cursor::new(Vec::new()))
            .await
            .unwrap_err();
        assert_eq!(told.to_string(), "asking clamd at 127.0.0.1:0");
    }
}
