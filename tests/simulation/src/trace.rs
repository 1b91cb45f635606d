//! What happened in a run, line by line: printed, or folded into one number by which two runs are compared.

use std::cell::{Cell, RefCell};
use std::fmt;

use attache_domain::digest::Sha256Digest;
use attache_domain::time::Timestamp;

/// What is done with the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Nothing; they are not even made.
    #[default]
    Nothing,
    /// They are folded into a digest.
    Digest,
    /// They are kept as text.
    Text,
}

/// The lines of one run.
#[derive(Debug)]
pub struct Trace {
    keep: Keep,
    lines: RefCell<Vec<String>>,
    digest: Cell<Sha256Digest>,
    begun: Timestamp,
}

impl Trace {
    /// An empty trace; times count from `begun`.
    #[must_use]
    pub fn new(keep: Keep, begun: Timestamp) -> Self {
        Self {
            keep,
            lines: RefCell::default(),
            digest: Cell::new(Sha256Digest::of(b"")),
            begun,
        }
    }

    /// Adds a line.
    pub fn note(&self, now: Timestamp, line: fmt::Arguments<'_>) {
        if self.keep == Keep::Nothing {
            return;
        }
        let at = now.saturating_since(self.begun);
        let line = format!("{:>7}.{:03} {line}", at.as_secs(), at.subsec_millis());
        match self.keep {
            Keep::Nothing => {}
            Keep::Digest => self.digest.set(Sha256Digest::of(
                format!("{}{line}", self.digest.get()).as_bytes(),
            )),
            Keep::Text => self.lines.borrow_mut().push(line),
        }
    }

    /// The lines kept as text.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.lines.borrow().clone()
    }

    /// The digest over all lines, each chained to the one before.
    #[must_use]
    pub fn digest(&self) -> Sha256Digest {
        self.digest.get()
    }
}
