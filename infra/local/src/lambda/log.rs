//! What functions print, line by line.

/// Where a line comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogSource {
    /// The function's standard output.
    Stdout,
    /// The function's standard error.
    Stderr,
    /// The host: starts, ends, timeouts and errors, as Lambda writes them into the same log.
    Platform,
}

/// One line.
#[derive(Clone, Debug)]
pub struct LogLine<'a> {
    /// The logical id of the function.
    pub function: &'a str,
    /// The instance, short and unique within the run.
    pub instance: &'a str,
    /// Where the line comes from.
    pub source: LogSource,
    /// The line without its end. Bytes that are not UTF-8 are replaced.
    pub text: &'a str,
}

/// Takes the lines. Called from the tasks that read them, so it must not block for long.
pub trait LogSink: Send + Sync {
    /// Takes one line.
    fn line(&self, line: &LogLine<'_>);
}

/// Drops every line.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLog;

impl LogSink for NoLog {
    fn line(&self, _: &LogLine<'_>) {}
}
