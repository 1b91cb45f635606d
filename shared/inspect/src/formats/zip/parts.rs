//! An archive with its directory and an allowance: entries come out by name or number, never more than allowed.

use super::directory::Directory;
use crate::allowance::Allowance;
use crate::formats::text::unicode;
use std::io::{Read, Seek};
use zip::ZipArchive;

pub(super) struct Parts<R> {
    archive: ZipArchive<R>,
    pub(super) directory: Directory,
    pub(super) allowance: Allowance,
    pub(super) troubles: Troubles,
}

/// What came up while entries were unpacked.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    /// One is cut, holds more bytes than it states, or its checksum is of other bytes.
    pub(super) damaged: bool,
    /// One is packed by a method that is not undone here.
    pub(super) unread: bool,
    /// One was not unpacked because enough was.
    pub(super) spent: bool,
}

impl<R: Read + Seek> Parts<R> {
    pub(super) fn new(archive: ZipArchive<R>, allowance: Allowance) -> Self {
        Self {
            directory: Directory::read(&archive),
            archive,
            allowance,
            troubles: Troubles::default(),
        }
    }

    /// The first bytes of an entry. Empty where it is locked, damaged, or the allowance is spent.
    pub(super) fn bytes(&mut self, index: usize, cap: u64) -> Vec<u8> {
        let cap = cap.min(self.allowance.unpacking() as u64);
        self.troubles.spent |= cap == 0;
        let locked = self
            .archive
            .by_index_data(index)
            .is_ok_and(|about| about.encrypted());
        let Ok(mut entry) = self.archive.by_index(index) else {
            self.troubles.unread |= !locked;
            return Vec::new();
        };
        // The checksum is looked at where the end is.
        let stated = entry.size();
        let mut bytes = Vec::new();
        let outcome = (&mut entry)
            .take(cap.min(stated.saturating_add(1)))
            .read_to_end(&mut bytes);
        self.troubles.damaged |= outcome.is_err() || bytes.len() as u64 > stated;
        self.allowance.unpacked(bytes.len());
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
