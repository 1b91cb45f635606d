//! The media an account holds, and the links that lead to them.

use std::collections::HashMap;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::seal::{BadLink, Seal};

/// One medium, from a customer or uploaded by the business.
#[derive(Clone, Debug)]
pub struct Medium {
    /// The media id.
    pub id: String,
    /// The message that carried it; `None` for uploads.
    pub message_id: Option<String>,
    /// The number it belongs to.
    pub phone_number_id: String,
    /// The declared media type, parameters included.
    pub mime: String,
    /// The declared name, where the sender gave one.
    pub filename: Option<String>,
    /// The bytes.
    pub bytes: Bytes,
    /// SHA-256 of the bytes.
    pub sha256: [u8; 32],
    /// Since when it is there; downloads say so in `Last-Modified`.
    pub created_at: OffsetDateTime,
    /// From this moment on the id is unknown.
    pub dies_at: OffsetDateTime,
}

impl Medium {
    /// Lower-case hex of the digest: the form of look-ups (webhooks carry base64).
    #[must_use]
    pub fn sha256_hex(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.sha256)
    }
}

/// The digest of some bytes.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// A media type without its parameters, in lower case.
pub(super) fn essence(mime: &str) -> String {
    let essence = mime.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// All media of the account by id.
#[derive(Debug, Default)]
pub(super) struct Store(HashMap<String, Medium>);

impl Store {
    pub(super) fn insert(&mut self, medium: Medium) {
        self.0.insert(medium.id.clone(), medium);
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// The medium, if its id is known and has not died by `now`.
    pub(super) fn alive(&self, id: &str, now: OffsetDateTime) -> Option<&Medium> {
        self.0.get(id).filter(|medium| now < medium.dies_at)
    }

    /// The medium of a customer's message, dead or alive.
    pub(super) fn of_message(&self, message_id: &str) -> Option<&Medium> {
        let mut all = self.0.values();
        all.find(|medium| medium.message_id.as_deref() == Some(message_id))
    }
}

/// Path of every download link, as on the real download host.
pub(super) const LINK_PATH: &str = "/whatsapp_business/attachments/";

/// Makes and checks links.
#[derive(Debug)]
pub(super) struct Links {
    seal: Seal,
    base: String,
}

impl Links {
    pub(super) fn new(base: &str) -> Self {
        Self {
            seal: Seal::new(),
            base: base.to_owned(),
        }
    }

    /// A link to a medium that dies at this Unix second.
    pub(super) fn mint(&self, media_id: &str, dies_at: i64) -> String {
        let hash = self.seal.hash(media_id, dies_at);
        format!(
            "{}{LINK_PATH}?mid={media_id}&ext={dies_at}&hash={hash}",
            self.base
        )
    }

    /// Checks a link's parts.
    pub(super) fn check(
        &self,
        media_id: &str,
        ext: &str,
        hash: &str,
        now: i64,
    ) -> Result<(), BadLink> {
        self.seal.check(media_id, ext, hash, now)
    }
}
