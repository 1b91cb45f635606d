//! What a room of `formats` reports: a type with what was noticed on the way.

use crate::findings::{Confidence, Hazard, HazardKind, Integrity};
use crate::kind::{Family, FileType};
use std::ops::Range;

/// More pixels than this is a decompression bomb: 16384 × 16384, the most a plain WebP can hold.
const PIXELS_CAP: u64 = 1 << 28;

/// The report of one room. Integrity starts as not checked.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) kind: FileType,
    pub(crate) confidence: Confidence,
    pub(crate) integrity: Integrity,
    pub(crate) hazards: Vec<Hazard>,
    /// Where files stand that it carries, and that were judged as that.
    pub(crate) carried: Vec<Range<u64>>,
    /// Places that the format leaves to its writers or to nobody: comments, private chunks, gaps between its parts.
    pub(crate) asides: Vec<Range<u64>>,
    /// Whether those are all such places, as long as the structure is complete: then no other needs a look.
    pub(crate) mapped: bool,
    /// What stands in such places, put together where the format cuts it up.
    pub(crate) notes: Vec<u8>,
    /// How far what is known of the structure reaches, where the format leaves open whether more belongs to it.
    pub(crate) reach: Option<u64>,
}

impl Seen {
    /// A type with the given confidence. Executables and scripts are hazards by what they are.
    pub(crate) fn new(kind: FileType, confidence: Confidence) -> Self {
        let seen = Self {
            kind,
            confidence,
            integrity: Integrity::NotChecked,
            hazards: Vec::new(),
            carried: Vec::new(),
            asides: Vec::new(),
            mapped: false,
            notes: Vec::new(),
            reach: None,
        };
        match kind.family() {
            Family::Executable => seen.with_hazard(HazardKind::Executable, kind.label()),
            Family::Script => seen.with_hazard(HazardKind::Script, kind.label()),
            _ => seen,
        }
    }

    /// A type whose structure was followed.
    pub(crate) fn certain(kind: FileType) -> Self {
        Self::new(kind, Confidence::Certain)
    }

    /// A type that its magic number or its shape speaks for.
    pub(crate) fn likely(kind: FileType) -> Self {
        Self::new(kind, Confidence::Likely)
    }

    pub(crate) fn with_integrity(mut self, integrity: Integrity) -> Self {
        self.integrity = integrity;
        self
    }

    pub(crate) fn with_hazard(mut self, kind: HazardKind, evidence: impl Into<String>) -> Self {
        self.add_hazard(kind, evidence);
        self
    }

    /// Adds a hazard; the first evidence for each kind is kept.
    pub(crate) fn add_hazard(&mut self, kind: HazardKind, evidence: impl Into<String>) {
        if self.hazards.iter().all(|hazard| hazard.kind != kind) {
            self.hazards.push(Hazard {
                kind,
                evidence: evidence.into(),
            });
        }
    }

    /// Flags a picture that would unfold to more pixels than the cap.
    pub(crate) fn with_pixels(mut self, width: u32, height: u32) -> Self {
        if let Some(evidence) = too_many_pixels(width, height) {
            self.add_hazard(HazardKind::Bomb, evidence);
        }
        self
    }
}

/// What to say about a picture of these sides, if it would unfold to more pixels than the cap.
pub(crate) fn too_many_pixels(width: u32, height: u32) -> Option<String> {
    (u64::from(width) * u64::from(height) > PIXELS_CAP)
        .then(|| format!("{width} × {height} pixels"))
}
