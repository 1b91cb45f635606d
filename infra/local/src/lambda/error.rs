//! How an invocation can fail, and what Lambda would answer then.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

/// Why an invocation brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// No function of that name is in the fleet.
    #[error("no function {function} is declared")]
    Unknown {
        /// The logical id asked for.
        function: String,
    },
    /// The payload is over Lambda's limit of 6 MB. Nothing was started.
    #[error("the payload of {bytes} bytes is over the limit")]
    TooLarge {
        /// The payload's size.
        bytes: usize,
    },
    /// The fleet has been stopped.
    #[error("the run is stopping")]
    Stopped,
    /// The function's process could not be started.
    #[error("cannot start {}", binary.display())]
    Spawn {
        /// The binary.
        binary: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The function's process did not get as far as asking for work.
    #[error("{function} failed to initialise: {reason}")]
    Init {
        /// The logical id.
        function: String,
        /// The exit status, the reported error, or the time limit.
        reason: String,
    },
    /// The function answered with an error.
    #[error(
        "{function} answered with an error: {}",
        String::from_utf8_lossy(payload)
    )]
    Function {
        /// The logical id.
        function: String,
        /// The error as the function reported it, `{"errorType":…,"errorMessage":…}`.
        payload: Bytes,
    },
    /// The function's process ended while it worked.
    #[error("{function} exited while it worked: {status}")]
    Exited {
        /// The logical id.
        function: String,
        /// How it ended.
        status: String,
    },
    /// The function used up its time and was killed.
    #[error("{function} timed out after {:.2} seconds", limit.as_secs_f64())]
    TimedOut {
        /// The logical id.
        function: String,
        /// The time limit the template sets.
        limit: Duration,
    },
}

impl InvokeError {
    /// The error document Lambda gives in place of an answer.
    #[must_use]
    pub fn document(&self) -> Value {
        let of = |kind: &str| json!({ "errorType": kind, "errorMessage": self.to_string() });
        match self {
            Self::Function { payload, .. } => serde_json::from_slice(payload)
                .unwrap_or_else(|_| json!({ "errorMessage": String::from_utf8_lossy(payload) })),
            Self::Exited { .. } => of("Runtime.ExitError"),
            Self::TimedOut { .. } => of("Sandbox.Timedout"),
            Self::Init { .. } | Self::Spawn { .. } => of("Runtime.InitError"),
            Self::TooLarge { .. } => of("RequestTooLargeException"),
            Self::Unknown { .. } => of("ResourceNotFoundException"),
            Self::Stopped => of("ServiceException"),
        }
    }
}
