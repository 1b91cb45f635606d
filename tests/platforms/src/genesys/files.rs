//! The files of agents and events, and the links that lead to them.

use std::{collections::HashMap, sync::Mutex};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::options::AttachmentLinks;
use crate::{
    background::lock,
    seal::{BadLink, Seal},
};

/// A file the platform holds.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) id: String,
    /// The message or event that carries it.
    pub(super) message_id: String,
    pub(super) bytes: Bytes,
    /// Lower-case hex SHA-256 of the bytes.
    pub(super) sha256_hex: String,
    /// Its name, if the sender gave one.
    pub(super) name: Option<String>,
    /// Its type, as the store says it.
    pub(super) mime: String,
    /// Since when it is there.
    pub(super) created_at: OffsetDateTime,
    /// From this moment on it is gone; `None` never.
    pub(super) dies_at: Option<OffsetDateTime>,
}

impl Stored {
    /// A file without a name of a message or event, for ever.
    pub(super) fn new(
        (id, message_id): (&str, &str),
        bytes: Bytes,
        mime: String,
        created_at: OffsetDateTime,
    ) -> Self {
        Self {
            id: id.to_owned(),
            message_id: message_id.to_owned(),
            sha256_hex: data_encoding::HEXLOWER.encode(&Sha256::digest(&bytes)),
            bytes,
            name: None,
            mime,
            created_at,
            dies_at: None,
        }
    }
}

/// All files, and where they are served.
#[derive(Debug)]
pub(super) struct Files {
    stored: Mutex<HashMap<String, Stored>>,
    seal: Seal,
    hosts: Hosts,
}

/// Bases of the hosts that serve files, `http://host:port`.
#[derive(Debug)]
pub(super) struct Hosts {
    pub(super) api: String,
    pub(super) apps: String,
    pub(super) store: String,
    /// Nobody's.
    pub(super) elsewhere: String,
}

impl Files {
    pub(super) fn new(hosts: Hosts) -> Self {
        Self {
            stored: Mutex::default(),
            seal: Seal::new(),
            hosts,
        }
    }

    pub(super) fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    pub(super) fn insert(&self, file: Stored) {
        lock(&self.stored).insert(file.id.clone(), file);
    }

    pub(super) fn get(&self, id: &str) -> Option<Stored> {
        lock(&self.stored).get(id).cloned()
    }

    /// By what a fault may be aimed at a file: its id, its message's, and its name.
    pub(super) fn subjects(&self, id: &str) -> Vec<String> {
        let of_file = |file: Stored| [Some(file.message_id), file.name].into_iter().flatten();
        std::iter::once(id.to_owned())
            .chain(self.get(id).into_iter().flat_map(of_file))
            .collect()
    }

    /// A link as webhooks carry it.
    pub(super) fn link(&self, form: AttachmentLinks, id: &str, dies_at: i64) -> String {
        match form {
            AttachmentLinks::ApiDownloads => format!("{}/api/v2/downloads/{id}", self.hosts.api),
            AttachmentLinks::AppsDownloads => {
                format!("{}/platform/api/v2/downloads/{id}", self.hosts.apps)
            }
            AttachmentLinks::Signed => self.signed(id, dies_at),
        }
    }

    /// A signed link of the object store that dies at this Unix second.
    pub(super) fn signed(&self, id: &str, dies_at: i64) -> String {
        let hash = self.seal.hash(id, dies_at);
        format!(
            "{}/{id}?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires={dies_at}&Signature={hash}",
            self.hosts.store
        )
    }

    /// Checks a signed link's parts.
    pub(super) fn check(
        &self,
        id: &str,
        expires: &str,
        signature: &str,
        now: i64,
    ) -> Result<(), BadLink> {
        self.seal.check(id, expires, signature, now)
    }
}
