//! The timeline a person reads while the tour runs: seconds since the first file, the file, what happened.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Prints lines with the time since it began.
pub(super) struct Timeline {
    began: Instant,
    colour: bool,
}

impl Timeline {
    pub(super) fn start() -> Self {
        Self {
            began: Instant::now(),
            colour: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        }
    }

    /// One line. Output that cannot be written (a closed pipe) does not end the tour.
    pub(super) fn say(&self, file: &str, what: &str) {
        let seconds = self.began.elapsed().as_secs_f32();
        let (dim, plain) = if self.colour {
            ("\u{1b}[2m", "\u{1b}[0m")
        } else {
            ("", "")
        };
        let line = writeln!(
            std::io::stdout(),
            "{dim}{seconds:>6.2} s{plain}  {file:<22} {what}"
        );
        if let Err(error) = line {
            eprintln!("standard output: {error}");
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}
