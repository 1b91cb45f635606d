//! One compiled function by itself: what the functions' own tests start their binary with, and no system around it.
//!
//! The process is a [`Fleet`]'s, so it sees what every function sees: Lambda's variables, the settings it is given and
//! nothing of the test's own environment. Its AWS endpoint takes every connection and breaks it at once, so that
//! nothing it calls is ever reached and a call fails the same way on any machine.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Fleet, FleetOptions, FunctionSettings, InvokeError, LogLine, LogSink};

/// How long an invocation, and waiting for words, may take.
const BOUND: Duration = Duration::from_secs(20);

/// The function's name, wherever one is needed.
const NAME: &str = "Alone";

/// A function without a system. Dropping it kills its processes.
pub struct Alone {
    fleet: Arc<Fleet>,
    said: Arc<Said>,
    nowhere: JoinHandle<()>,
}

impl Alone {
    /// A function from its binary, with these settings. No process is started until it is invoked.
    ///
    /// # Errors
    /// If no port on 127.0.0.1 can be had.
    pub async fn new(binary: &Path, settings: BTreeMap<String, String>) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let aws = format!("http://{}", listener.local_addr()?);
        let nowhere = tokio::spawn(async move {
            loop {
                // Taken and dropped: the caller's connection breaks before an answer.
                drop(listener.accept().await);
            }
        });
        let said = Arc::new(Said(watch::Sender::new(String::new())));
        let options = FleetOptions {
            binaries: binary.parent().map(Path::to_owned).unwrap_or_default(),
            environment: BTreeMap::from([("AWS_ENDPOINT_URL".to_owned(), aws)]),
            log: Arc::clone(&said) as Arc<dyn LogSink>,
            init_limit: BOUND,
        };
        let function = FunctionSettings {
            logical_id: NAME.to_owned(),
            name: NAME.to_owned(),
            binary: binary
                .file_stem()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            timeout: BOUND,
            memory_mb: 128,
            environment: settings,
            concurrency: 1,
        };
        let fleet = Fleet::new(options, vec![function]);
        Ok(Self {
            fleet,
            said,
            nowhere,
        })
    }

    /// Invokes it with one event.
    ///
    /// # Errors
    /// One kind for each way an invocation can go wrong; never hangs.
    pub async fn invoke(&self, event: impl Into<Bytes>) -> Result<Bytes, InvokeError> {
        self.fleet.invoke(NAME, event.into()).await
    }

    /// Waits until it has printed these words, or the host has noted them, and gives all that was said so far.
    ///
    /// # Errors
    /// What was said instead, after a while.
    pub async fn until_said(&self, words: &str) -> Result<String, String> {
        let mut said = self.said.0.subscribe();
        let heard = said.wait_for(|said| said.contains(words));
        let found = matches!(tokio::time::timeout(BOUND, heard).await, Ok(Ok(_)));
        let all = self.said.0.borrow().clone();
        if found { Ok(all) } else { Err(all) }
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.nowhere.abort();
    }
}

/// Everything the processes and the host said, line by line.
struct Said(watch::Sender<String>);

impl LogSink for Said {
    fn line(&self, line: &LogLine<'_>) {
        self.0.send_modify(|said| {
            said.push_str(line.text);
            said.push('\n');
        });
    }
}
