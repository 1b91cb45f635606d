//! How to run a template.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use crate::engine::Clock;
use crate::lambda::{LogSink, NoLog};
use crate::source::HttpLimits;

/// How to run a template.
#[derive(Clone)]
pub struct LocalOptions {
    /// The template.
    pub template: PathBuf,
    /// The directory of the compiled function binaries.
    pub binaries: PathBuf,
    /// Template parameters, over their defaults.
    pub parameters: BTreeMap<String, String>,
    /// Where the embedded engines keep everything; `None` keeps nothing.
    pub data_dir: Option<PathBuf>,
    /// Another AWS endpoint to use instead of the embedded engines, with the keys of [`Signing::of_environment`].
    /// Permissions, counts and kill points need the embedded ones.
    ///
    /// [`Signing::of_environment`]: super::Signing::of_environment
    pub aws_endpoint: Option<String>,
    /// The port of the HTTP API on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// Takes what the functions print.
    pub log: Arc<dyn LogSink>,
    /// The time by which presigned URLs end.
    pub clock: Clock,
    /// The limits of the HTTP API.
    pub http_limits: HttpLimits,
}

impl LocalOptions {
    /// This template with these binaries; everything else at its default.
    #[must_use]
    pub fn new(template: impl Into<PathBuf>, binaries: impl Into<PathBuf>) -> Self {
        Self {
            template: template.into(),
            binaries: binaries.into(),
            parameters: BTreeMap::new(),
            data_dir: None,
            aws_endpoint: None,
            port: 0,
            log: Arc::new(NoLog),
            clock: Arc::new(SystemTime::now),
            http_limits: HttpLimits::default(),
        }
    }
}
