//! What the functions printed, kept for looking things up in it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use attache_local::lambda::{LogLine, LogSink};

/// Every line of every function of a stage. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct LogBook(Arc<Mutex<Vec<String>>>);

impl LogBook {
    /// Every line so far, each as `<function>: <text>`.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.locked().clone()
    }

    /// The lines that contain `text`.
    #[must_use]
    pub fn containing(&self, text: &str) -> Vec<String> {
        let lines = self.lines().into_iter();
        lines.filter(|line| line.contains(text)).collect()
    }

    fn locked(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogSink for LogBook {
    fn line(&self, line: &LogLine<'_>) {
        self.locked()
            .push(format!("{}: {}", line.function, line.text));
    }
}
