//! A stand-in for clamd: the command `INSTREAM` over TCP, as clamd(8) and
//! <https://docs.clamav.net/manual/Usage/Scanning.html> describe it (checked 2026-11-26). It knows files by sequences of bytes, has a
//! `StreamMaxLength`, and misbehaves on request. Compared by hand with clamd 1.4 of Debian 12.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// clamd's own default, 100 MiB.
const STREAM_MAX_LENGTH: usize = 100 * 1024 * 1024;

/// The longest command that is read.
const LONGEST_COMMAND: usize = 64;

/// How a scan goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misbehaviour {
    /// It takes the file and never answers.
    Silent,
    /// It dies once it has this many bytes.
    DiesAfter(usize),
    /// It takes the file and answers with this.
    Answers(&'static str),
    /// It says that the file is fine before it has it.
    AnswersEarly,
}

#[derive(Default)]
struct State {
    signatures: Vec<(Vec<u8>, String)>,
    stream_max_length: Option<usize>,
    misbehaviours: VecDeque<Misbehaviour>,
    scans: usize,
}

/// A clamd on loopback. It ends when it is dropped.
pub struct Clamd {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    serving: Mutex<Option<JoinHandle<()>>>,
}

impl Clamd {
    /// Starts one that knows nothing.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::default();
        let serving = tokio::spawn(serve(listener, Arc::clone(&state)));
        Ok(Self {
            address,
            state,
            serving: Mutex::new(Some(serving)),
        })
    }

    /// Where it listens: `127.0.0.1:…`.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// From now on it calls files that hold `bytes` by this name.
    pub fn knows(&self, bytes: &[u8], name: &str) {
        let signature = (bytes.to_vec(), name.to_owned());
        self.state().signatures.push(signature);
    }

    /// From now on it takes files of so many bytes at the most.
    pub fn limit(&self, stream_max_length: usize) {
        self.state().stream_max_length = Some(stream_max_length);
    }

    /// The next scan that is not spoken for goes wrong like this.
    pub fn misbehave(&self, how: Misbehaviour) {
        self.state().misbehaviours.push_back(how);
    }

    /// How many scans were asked for.
    #[must_use]
    pub fn scans(&self) -> usize {
        self.state().scans
    }

    /// It goes down: what is under way is cut, and nobody listens.
    pub async fn go_down(&self) {
        let serving = self.serving().take();
        if let Some(serving) = serving {
            serving.abort();
            // An aborted task ends with an error that says so.
            drop(serving.await);
        }
    }

    /// It comes back, at the same address.
    ///
    /// # Errors
    /// If somebody else has taken the port.
    pub async fn come_back(&self) -> io::Result<()> {
        let listener = TcpListener::bind(self.address).await?;
        let serving = tokio::spawn(serve(listener, Arc::clone(&self.state)));
        *self.serving() = Some(serving);
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serving(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.serving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Clamd {
    fn drop(&mut self) {
        if let Some(serving) = self.serving().take() {
            serving.abort();
        }
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut sessions = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        sessions.spawn(async move {
            // Whoever hangs up on it learns nothing; that is the whole of the error.
            if let Err(error) = session(stream, &state).await {
                tracing::debug!(%error, "a session with clamd ended early");
            }
        });
    }
}

/// One command, one answer.
async fn session(mut stream: TcpStream, state: &Mutex<State>) -> io::Result<()> {
    let command = command(&mut stream).await?;
    if command == "PING" {
        return stream.write_all(b"PONG\0").await;
    }
    if command != "INSTREAM" {
        return stream.write_all(b"UNKNOWN COMMAND\0").await;
    }
    let (how, longest) = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.scans += 1;
        let longest = state.stream_max_length.unwrap_or(STREAM_MAX_LENGTH);
        (state.misbehaviours.pop_front(), longest)
    };
    if how == Some(Misbehaviour::AnswersEarly) {
        stream.write_all(b"stream: OK\0").await?;
    }
    let Some(file) = file(&mut stream, longest, how.as_ref()).await? else {
        return Ok(());
    };
    match how {
        Some(Misbehaviour::Silent) => std::future::pending().await,
        Some(Misbehaviour::Answers(answer)) => stream.write_all(answer.as_bytes()).await,
        Some(Misbehaviour::DiesAfter(_) | Misbehaviour::AnswersEarly) => Ok(()),
        None => {
            let answer = verdict(state, &file);
            stream.write_all(answer.as_bytes()).await
        }
    }
}

/// A command, without the `z` before it and the zero byte behind it.
async fn command(stream: &mut TcpStream) -> io::Result<String> {
    let mut command = Vec::new();
    loop {
        match stream.read_u8().await? {
            0 => break,
            byte if command.len() < LONGEST_COMMAND => command.push(byte),
            _ => return Err(io::Error::other("a command without an end")),
        }
    }
    let text = String::from_utf8_lossy(&command).into_owned();
    Ok(text.strip_prefix('z').unwrap_or_default().to_owned())
}

/// The chunks, put together; `None`: it has answered or died already.
async fn file(
    stream: &mut TcpStream,
    longest: usize,
    how: Option<&Misbehaviour>,
) -> io::Result<Option<Vec<u8>>> {
    let mut file = Vec::new();
    loop {
        let length = stream.read_u32().await? as usize;
        if length == 0 {
            return Ok(Some(file));
        }
        if file.len() + length > longest {
            stream
                .write_all(b"INSTREAM size limit exceeded. ERROR\0")
                .await?;
            return Ok(None);
        }
        let start = file.len();
        file.resize(start + length, 0);
        stream.read_exact(&mut file[start..]).await?;
        if matches!(how, Some(Misbehaviour::DiesAfter(bytes)) if file.len() >= *bytes) {
            return Ok(None);
        }
    }
}

fn verdict(state: &Mutex<State>, file: &[u8]) -> String {
    let state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let holds = |bytes: &[u8]| file.windows(bytes.len()).any(|at| at == bytes);
    let mut signatures = state.signatures.iter();
    match signatures.find(|(bytes, _)| holds(bytes)) {
        Some((_, name)) => format!("stream: {name} FOUND\0"),
        None => "stream: OK\0".to_owned(),
    }
}
