//! An archive with its directory and a budget: entries come out by name or number, never more than allowed.

use super::directory::Directory;
use crate::formats::text::unicode;
use crate::inflate;
use std::io::{Read, Seek};
use zip::ZipArchive;

/// All that is unpacked of one archive.
const BUDGET: u64 = 12 << 20;

pub(super) struct Parts<R> {
    archive: ZipArchive<R>,
    pub(super) directory: Directory,
    budget: u64,
}

impl<R: Read + Seek> Parts<R> {
    pub(super) fn new(archive: ZipArchive<R>) -> Self {
        Self {
            directory: Directory::read(&archive),
            archive,
            budget: BUDGET,
        }
    }

    /// The first bytes of an entry. Empty where it is locked, damaged, or the budget is spent.
    pub(super) fn bytes(&mut self, index: usize, cap: u64) -> Vec<u8> {
        let cap = cap.min(self.budget);
        let Ok(entry) = self.archive.by_index(index) else {
            return Vec::new();
        };
        let bytes = inflate::take(entry, usize::try_from(cap).unwrap_or(usize::MAX));
        self.budget -= bytes.len() as u64;
        bytes
    }

    /// An entry as text, by its number.
    pub(super) fn text_at(&mut self, index: usize, cap: u64) -> String {
        unicode(&self.bytes(index, cap))
    }

    /// An entry as text, by its name in lower case.
    pub(super) fn text(&mut self, name: &str, cap: u64) -> Option<String> {
        let index = self.directory.find(name)?.index;
        Some(self.text_at(index, cap))
    }

    /// Numbers of the entries whose names fit.
    pub(super) fn indices(&self, fits: impl Fn(&str) -> bool) -> Vec<usize> {
        self.directory
            .entries
            .iter()
            .filter(|entry| !entry.encrypted && fits(&entry.name))
            .map(|entry| entry.index)
            .collect()
    }
}
