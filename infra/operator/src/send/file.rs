//! The file: looked through once for its length and digest, then read again while it is stored.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use attache_domain::digest::{Hasher, Sha256Digest};
use attache_domain::transfer::LARGEST_BYTES;
use attache_flow::ports::{Source, SourceError};
use bytes::Bytes;

/// What is read at once.
const PIECE: usize = 256 * 1024;

/// A file to be sent.
pub(super) struct Outgoing {
    pub(super) name: String,
    pub(super) size_bytes: u64,
    pub(super) digest: Sha256Digest,
    file: File,
}

impl Outgoing {
    /// Looks through the file.
    ///
    /// # Errors
    /// If it cannot be read, is empty, or longer than is taken at all.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        let mut file = File::open(path).with_context(|| format!("{shown} cannot be opened"))?;
        let unread = || format!("{shown} cannot be read");
        let size = file.metadata().with_context(unread)?.len();
        ensure!(size > 0, "{shown} is empty");
        ensure!(
            size <= LARGEST_BYTES,
            "{shown} has {size} bytes; at most {LARGEST_BYTES} are taken"
        );
        let mut hasher = Hasher::new();
        let mut size_bytes = 0;
        loop {
            let piece = piece(&mut file).with_context(unread)?;
            if piece.is_empty() {
                break;
            }
            hasher.update(&piece);
            size_bytes += piece.len() as u64;
        }
        file.seek(SeekFrom::Start(0)).with_context(unread)?;
        let name = path.file_name().unwrap_or_default();
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            size_bytes,
            digest: hasher.finish(),
            file,
        })
    }
}

#[async_trait(?Send)]
impl Source for Outgoing {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        let piece = piece(&mut self.file).map_err(|e| SourceError::Broken(e.to_string()))?;
        Ok((!piece.is_empty()).then(|| piece.into()))
    }
}

/// The next bytes; none at the end.
fn piece(file: &mut File) -> io::Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(PIECE);
    file.take(PIECE as u64).read_to_end(&mut piece)?;
    Ok(piece)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_read_twice_and_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("an Übersicht.txt");
        let bytes = vec![7; PIECE + 1];
        std::fs::write(&path, &bytes).unwrap();
        let mut outgoing = Outgoing::open(&path).unwrap();
        assert_eq!(outgoing.name, "an Übersicht.txt");
        assert_eq!(outgoing.size_bytes, bytes.len() as u64);
        assert_eq!(outgoing.digest, Sha256Digest::of(&bytes));
        let mut got = Vec::new();
        while let Some(piece) = outgoing.next().await.unwrap() {
            got.extend_from_slice(&piece);
        }
        assert_eq!(got, bytes);
    }

    #[test]
    fn what_cannot_be_sent_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("empty.pdf"), b"").unwrap();
        let long = File::create(path("long.pdf")).unwrap();
        long.set_len(LARGEST_BYTES + 1).unwrap();
        for (name, expected) in [
            ("empty.pdf", "empty.pdf is empty"),
            ("long.pdf", "has 104857601 bytes; at most 104857600"),
            ("none.pdf", "none.pdf cannot be opened"),
        ] {
            let error = Outgoing::open(&path(name)).err().unwrap().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
