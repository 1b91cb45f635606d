//! What every function must do before it has a system: name what it lacks, and never wait for what is not there.

use std::path::{Path, PathBuf};

use super::{Alone, InvokeError};

/// A binary and the settings it cannot do without.
pub struct Trial {
    binary: PathBuf,
    needed: Vec<(&'static str, &'static str)>,
}

/// What was seen instead of what must be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failed(String);

impl Trial {
    /// Tries the binary at `binary`, which needs these settings and no others.
    #[must_use]
    pub fn new(binary: &str, needed: &[(&'static str, &'static str)]) -> Self {
        Self {
            binary: Path::new(binary).to_owned(),
            needed: needed.to_vec(),
        }
    }

    /// The function with everything it needs.
    ///
    /// # Errors
    /// If no port on 127.0.0.1 can be had.
    pub async fn complete(&self) -> Result<Alone, Failed> {
        self.start("", None).await
    }

    /// Every missing setting ends the process at its start, by name.
    ///
    /// # Errors
    /// Names the setting that was not told.
    pub async fn names_what_is_missing(&self) -> Result<(), Failed> {
        for (key, _) in &self.needed {
            let function = self.start(key, None).await?;
            ends_saying(&function, &format!("{key} is not set")).await?;
        }
        Ok(())
    }

    /// A setting that cannot be read ends the process at its start, by name and value.
    ///
    /// # Errors
    /// What was said instead.
    pub async fn refuses(&self, key: &'static str, value: &'static str) -> Result<(), Failed> {
        let function = self.start("", Some((key, value))).await?;
        ends_saying(&function, &format!("{key} is {value:?}, expected")).await
    }

    /// A function that cannot reach AWS at its start ends, saying so.
    ///
    /// # Errors
    /// What was said instead.
    pub async fn ends_without_aws(&self, words: &str) -> Result<(), Failed> {
        ends_saying(&self.complete().await?, words).await
    }

    async fn start(&self, without: &str, over: Option<(&str, &str)>) -> Result<Alone, Failed> {
        let given = self
            .needed
            .iter()
            .copied()
            .filter(|(key, _)| *key != without);
        let settings = given
            .chain(over)
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let alone = Alone::new(&self.binary, settings).await;
        alone.map_err(|error| Failed(error.to_string()))
    }
}

/// The function hands exactly these messages of a batch back to its queue.
///
/// # Errors
/// What it answered instead.
pub async fn hands_back(function: &Alone, batch: Vec<u8>, failed: &[&str]) -> Result<(), Failed> {
    let answer = function.invoke(batch).await;
    let answer = answer.map_err(|error| Failed(error.to_string()))?;
    let failures: Vec<_> = failed
        .iter()
        .map(|id| format!(r#"{{"itemIdentifier":"{id}"}}"#))
        .collect();
    let expected = format!(r#"{{"batchItemFailures":[{}]}}"#, failures.join(","));
    match String::from_utf8_lossy(&answer) {
        answer if answer == expected => Ok(()),
        answer => Err(Failed(format!("expected {expected}, got {answer}"))),
    }
}

/// The invocation fails with an error whose message holds these words.
///
/// # Errors
/// What happened instead.
pub async fn fails_saying(function: &Alone, event: Vec<u8>, words: &str) -> Result<(), Failed> {
    match function.invoke(event).await {
        Err(error @ InvokeError::Function { .. }) => {
            let message = error.document()["errorMessage"].to_string();
            if message.contains(words) {
                return Ok(());
            }
            Err(Failed(format!("expected {words:?}, got {message}")))
        }
        Err(other) => Err(Failed(format!("expected {words:?}, got {other}"))),
        Ok(_) => Err(Failed(format!("expected {words:?}, but it succeeded"))),
    }
}

async fn ends_saying(function: &Alone, words: &str) -> Result<(), Failed> {
    match function.invoke("{}").await {
        Err(InvokeError::Init { .. }) => {}
        Err(other) => return Err(Failed(format!("expected {words:?}, got {other}"))),
        Ok(_) => return Err(Failed(format!("expected {words:?}, but it began"))),
    }
    for words in [words, "exit status: 1"] {
        let said = function.until_said(words).await;
        said.map_err(|said| Failed(format!("expected {words:?} in:\n{said}")))?;
    }
    Ok(())
}
