//! Small state on disk: one JSON file, replaced as a whole.
//!
//! A reader sees the old state or the new one, never half of either: the new state is written beside the file and renamed
//! over it. That survives the death of the process; it is not flushed for the death of the machine.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads a state back, `None` if there is none yet.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces a state. Only the owner may read the file: some of these hold keys and secrets.
pub(super) fn write_json<T: Serialize>(path: &Path, state: &T) -> io::Result<()> {
    write(path, &serde_json::to_vec(state)?)
}

/// Replaces a file by these bytes.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&beside)?.write_all(bytes)?;
    fs::rename(beside, path)
}
