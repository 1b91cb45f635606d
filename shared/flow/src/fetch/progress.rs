//! What is in hand of a file that comes in parts: the checkpoint, and the bytes behind it.

use attache_domain::diagnosis::Failure;
use attache_domain::digest::{Hasher, Sha256Digest};
use attache_domain::event::File;
use attache_domain::transfer::{self, Announced, Checkpoint, LARGEST_BYTES, Part, Rest};
use bytes::{Bytes, BytesMut};

/// A file on its way in.
pub(super) struct Progress {
    /// What the row knows.
    pub(super) checkpoint: Checkpoint,
    /// Has seen the parts.
    hasher: Hasher,
    /// What came behind the parts.
    pub(super) buffer: BytesMut,
    /// What it must turn out to be.
    pub(super) digest: Option<Sha256Digest>,
    /// What the platform declared.
    pub(super) declared_type: Option<String>,
    /// Of a body that begins anew: what is still to be passed over, and its digest so far.
    skip: Option<(u64, Hasher)>,
}

/// What came now is not what came before.
pub(super) struct Changed;

impl Progress {
    /// Where the row left it; `None`: what the row says is damaged.
    pub(super) fn of(checkpoint: Checkpoint, file: Option<&File>) -> Option<Self> {
        Some(Self {
            hasher: checkpoint.hasher()?,
            checkpoint,
            buffer: BytesMut::new(),
            digest: file.and_then(|file| file.digest),
            declared_type: file.and_then(|file| file.declared_type.clone()),
            skip: None,
        })
    }

    fn more(&self) -> u64 {
        self.buffer.len() as u64
    }

    /// How many bytes are in hand or stored.
    pub(super) fn position(&self) -> u64 {
        self.checkpoint.offset + self.more()
    }

    /// What to ask for.
    pub(super) fn rest(&self) -> Option<Rest> {
        self.checkpoint.rest(self.more())
    }

    /// Whether nothing is missing.
    pub(super) fn is_whole(&self) -> bool {
        self.checkpoint.is_whole(self.more())
    }

    /// A body is about to come, with these headers.
    pub(super) fn begin(&mut self, announced: Announced) -> Result<(), Changed> {
        let position = self.position();
        let known = self.checkpoint.size_bytes;
        if position > 0 && known.is_some() && announced.size_bytes.is_some_and(|n| Some(n) != known)
        {
            return Err(Changed);
        }
        self.checkpoint.size_bytes = announced.size_bytes.or(known);
        self.digest = announced.digest.or(self.digest);
        self.declared_type = announced.declared_type.or(self.declared_type.take());
        self.skip = None;
        if announced.starts_at != position {
            // The host gives the whole again.
            self.skip = Some((position, Hasher::new()));
        }
        if announced.starts_at == 0 {
            self.checkpoint.validator = announced.validator;
        }
        Ok(())
    }

    /// Takes a piece of the body.
    pub(super) fn take(&mut self, mut piece: Bytes) -> Result<(), Changed> {
        if let Some((left, hasher)) = &mut self.skip {
            let passed = piece.split_to(
                piece
                    .len()
                    .min(usize::try_from(*left).unwrap_or(usize::MAX)),
            );
            hasher.update(&passed);
            *left -= passed.len() as u64;
            if *left > 0 {
                return Ok(());
            }
            let seen = hasher.clone().finish();
            self.skip = None;
            if seen != self.digest_so_far() {
                return Err(Changed);
            }
        }
        self.buffer.extend_from_slice(&piece);
        Ok(())
    }

    /// More bytes than there may be.
    pub(super) fn too_much(&self) -> Option<Failure> {
        let position = self.position();
        if position > LARGEST_BYTES {
            return Some(transfer::size_refused(position));
        }
        let size = self.checkpoint.size_bytes?;
        (position > size)
            .then(|| transfer::interrupted(&format!("expected {size} bytes, got {position}")))
    }

    /// The body ended. `Ok(None)`: with it the file.
    pub(super) fn end(&mut self) -> Result<Option<Failure>, Changed> {
        if self.skip.is_some() {
            return Err(Changed);
        }
        let position = self.position();
        let size = *self.checkpoint.size_bytes.get_or_insert(position);
        Ok((position < size)
            .then(|| transfer::interrupted(&format!("expected {size} bytes, got {position}"))))
    }

    /// What is next to be waited for: the end of a part or of the file.
    pub(super) fn until(&self, part_bytes: usize) -> u64 {
        let part = self.checkpoint.offset + part_bytes as u64;
        self.checkpoint
            .size_bytes
            .map_or(part, |size| size.min(part))
    }

    /// Takes a part off the buffer.
    pub(super) fn part(&mut self, part_bytes: usize) -> Bytes {
        self.buffer.split_to(part_bytes).freeze()
    }

    /// The store has it.
    pub(super) fn stored(&mut self, part: Part, bytes: &Bytes) {
        self.hasher.update(bytes);
        self.checkpoint.took(part, bytes.len() as u64, &self.hasher);
    }

    /// The digest of everything in hand or stored.
    pub(super) fn digest_so_far(&self) -> Sha256Digest {
        let mut hasher = self.hasher.clone();
        hasher.update(&self.buffer);
        hasher.finish()
    }
}
