//! One instance of a function: a process, and the one invocation it may be working on.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::path::Path;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot, watch};

use super::log::{LogLine, LogSink, LogSource};
use super::request_id;

/// What a function reports: its answer, or its error document.
pub(crate) type Report = Result<Bytes, Bytes>;

/// Work on its way to an instance.
pub(crate) struct Invocation {
    pub(crate) request_id: String,
    pub(crate) payload: Bytes,
    pub(crate) deadline: SystemTime,
    reply: oneshot::Sender<Report>,
}

/// How far an instance has come.
#[derive(Clone, Debug)]
pub(crate) enum Status {
    /// Started, has not asked for work yet.
    Starting,
    /// Has asked for work at least once.
    Ready,
    /// Gone, or never came up.
    Ended(String),
}

/// How one invocation went.
pub(crate) enum Outcome {
    /// The function reported.
    Reported(Report),
    /// The process ended before it took the work: it may be given to another instance.
    NotTaken(String),
    /// The process ended while working.
    Exited(String),
    /// The time was used up. The process is still running.
    TimedOut,
}

/// What a new instance is made from.
pub(crate) struct Start<'a> {
    /// The instance's id, unique within the run.
    pub(crate) id: String,
    /// The logical id of the function.
    pub(crate) function: &'a str,
    /// The function's ARN.
    pub(crate) arn: String,
    /// The program.
    pub(crate) binary: &'a Path,
    /// The whole environment of the process.
    pub(crate) environment: BTreeMap<String, String>,
}

/// A process and its state. Shared by the pool, the Runtime API and the task that waits for its end.
pub(crate) struct Instance {
    id: String,
    function: String,
    arn: String,
    process: Mutex<Child>,
    killed: AtomicBool,
    /// Whether it stands still.
    frozen: AtomicBool,
    status: watch::Sender<Status>,
    inbox: mpsc::UnboundedSender<Invocation>,
    work: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    working_on: Mutex<Option<(String, oneshot::Sender<Report>)>>,
}

impl Instance {
    /// Starts the process.
    pub(crate) fn spawn(start: Start<'_>, log: &Arc<dyn LogSink>) -> std::io::Result<Arc<Self>> {
        let mut command = Command::new(start.binary);
        command
            .env_clear()
            .envs(&start.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(directory) = start.binary.parent() {
            command.current_dir(directory);
        }
        // In a group of its own, so that Ctrl-C reaches only us: we then end the functions in order.
        #[cfg(unix)]
        command.process_group(0);
        let mut process = command.spawn()?;
        let stdout = process.stdout.take();
        let stderr = process.stderr.take();
        let (inbox, work) = mpsc::unbounded_channel();
        let instance = Arc::new(Self {
            id: start.id,
            function: start.function.to_owned(),
            arn: start.arn,
            process: Mutex::new(process),
            killed: AtomicBool::new(false),
            frozen: AtomicBool::new(false),
            status: watch::Sender::new(Status::Starting),
            inbox,
            work: tokio::sync::Mutex::new(work),
            working_on: Mutex::new(None),
        });
        if let Some(stream) = stdout {
            instance.copy_lines(stream, LogSource::Stdout, log);
        }
        if let Some(stream) = stderr {
            instance.copy_lines(stream, LogSource::Stderr, log);
        }
        Ok(instance)
    }

    /// The instance's id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The logical id of its function.
    pub(crate) fn function(&self) -> &str {
        &self.function
    }

    /// The ARN of its function.
    pub(crate) fn arn(&self) -> &str {
        &self.arn
    }

    /// Kills the process now. `false` when it had already ended.
    ///
    /// When this returns the signal has been sent, so whatever the caller does next the process does not live to see. It
    /// goes through the handle that also reaps the process, so that a reused process id can never be hit.
    pub(crate) fn kill(&self) -> bool {
        self.killed.store(true, Ordering::Release);
        lock(&self.process).start_kill().is_ok()
    }

    /// Whether it was given something that it did not answer yet.
    pub(crate) fn is_working(&self) -> bool {
        lock(&self.working_on).is_some()
    }

    /// Has the process stand still. `false` when it had ended, or did so already.
    pub(crate) fn freeze(&self) -> bool {
        self.send(Signal::STOP) && !self.frozen.swap(true, Ordering::AcqRel)
    }

    /// Has it go on. `false` when it had ended, or did not stand still.
    pub(crate) fn thaw(&self) -> bool {
        self.frozen.swap(false, Ordering::AcqRel) && self.send(Signal::CONT)
    }

    /// The id is that of a process that nobody has reaped, as long as the handle is held.
    fn send(&self, signal: Signal) -> bool {
        let process = lock(&self.process);
        let id = process.id().and_then(|id| i32::try_from(id).ok());
        let id = id.and_then(Pid::from_raw);
        id.is_some_and(|id| kill_process(id, signal).is_ok())
    }

    /// Whether it can still work.
    pub(crate) fn is_alive(&self) -> bool {
        let killed = self.killed.load(Ordering::Acquire);
        !killed && !matches!(*self.status.borrow(), Status::Ended(_))
    }

    /// Waits until the process has ended, and says how. Only one task may wait: the child remembers one waker.
    pub(crate) async fn exit(&self) -> std::io::Result<ExitStatus> {
        // `wait` needs the child exclusively, `kill` must be possible meanwhile: so it is locked for each poll only.
        // The waker stays registered between polls, because it is kept by the child and not by the future.
        poll_fn(|context| {
            let mut process = lock(&self.process);
            let waiting = pin!(process.wait());
            waiting.poll(context)
        })
        .await
    }

    /// Records the end.
    pub(crate) fn ended(&self, how: String) {
        self.status.send_if_modified(|status| match status {
            Status::Ended(_) => false,
            Status::Starting | Status::Ready => {
                *status = Status::Ended(how);
                true
            }
        });
    }

    /// Waits until the function asks for work. The error says how it ended instead.
    pub(crate) async fn ready(&self) -> Result<(), String> {
        let mut status = self.status.subscribe();
        loop {
            match &*status.borrow_and_update() {
                Status::Ready => return Ok(()),
                Status::Ended(how) => return Err(how.clone()),
                Status::Starting => {}
            }
            if status.changed().await.is_err() {
                return Err("the instance is gone".to_owned());
            }
        }
    }

    /// Has the function work on one payload, for at most `limit`.
    pub(crate) async fn run(&self, payload: Bytes, limit: Duration) -> Outcome {
        let (reply, mut report) = oneshot::channel();
        let id = request_id();
        let invocation = Invocation {
            request_id: id.clone(),
            payload,
            deadline: SystemTime::now() + limit,
            reply,
        };
        if self.inbox.send(invocation).is_err() {
            return Outcome::NotTaken("the instance is gone".to_owned());
        }
        tokio::select! {
            biased;
            report = &mut report => match report {
                Ok(report) => Outcome::Reported(report),
                Err(_) => Outcome::Exited("the invocation was abandoned".to_owned()),
            },
            how = self.end() => match self.finish(&id) {
                Some(_) => Outcome::Exited(how),
                // Either it never took the work, or it reported with its last breath.
                None => report.try_recv().map_or(Outcome::NotTaken(how), Outcome::Reported),
            },
            () = tokio::time::sleep(limit) => Outcome::TimedOut,
        }
    }

    /// The Runtime API's `next`: waits for work, and remembers whom to tell its outcome.
    pub(crate) async fn next(&self) -> Option<(String, Bytes, SystemTime)> {
        self.status.send_if_modified(|status| match status {
            Status::Starting => {
                *status = Status::Ready;
                true
            }
            Status::Ready | Status::Ended(_) => false,
        });
        let invocation = self.work.lock().await.recv().await?;
        let Invocation {
            request_id,
            payload,
            deadline,
            reply,
        } = invocation;
        *lock(&self.working_on) = Some((request_id.clone(), reply));
        Some((request_id, payload, deadline))
    }

    /// The Runtime API's `response` and `error`. `false` when that request is not what the instance works on.
    pub(crate) fn report(&self, request_id: &str, report: Report) -> bool {
        let mut working_on = lock(&self.working_on);
        match working_on.take_if(|(current, _)| current == request_id) {
            Some((_, reply)) => {
                // Sent under the lock: whoever finds the slot empty finds the report delivered. An invoker that has
                // stopped waiting has already judged this invocation.
                let _ = reply.send(report);
                true
            }
            None => false,
        }
    }

    fn finish(&self, request_id: &str) -> Option<oneshot::Sender<Report>> {
        let mut working_on = lock(&self.working_on);
        working_on
            .take_if(|(current, _)| current == request_id)
            .map(|(_, reply)| reply)
    }

    async fn end(&self) -> String {
        let mut status = self.status.subscribe();
        loop {
            if let Status::Ended(how) = &*status.borrow_and_update() {
                return how.clone();
            }
            if status.changed().await.is_err() {
                return "the instance is gone".to_owned();
            }
        }
    }

    fn copy_lines(
        &self,
        stream: impl AsyncRead + Unpin + Send + 'static,
        source: LogSource,
        log: &Arc<dyn LogSink>,
    ) {
        let (function, id, log) = (self.function.clone(), self.id.clone(), Arc::clone(log));
        tokio::spawn(async move {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while let Ok(1..) = reader.read_until(b'\n', &mut line).await {
                let text = String::from_utf8_lossy(&line);
                log.line(&LogLine {
                    function: &function,
                    instance: &id,
                    source,
                    text: text.trim_end_matches(['\n', '\r']),
                });
                line.clear();
            }
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
