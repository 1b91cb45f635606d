//! Uploads of web messaging, as one of the documents describes them; no published schema knows this surface.
//!
//! A metadata request names the file and gets an id and a signed link that lives five minutes. The bytes come by PUT with the id in
//! a header, their own type and exact length, and without a token. Then the file is scanned: its state can be looked up, and an
//! event tells of its end, signed under a header of its own. A clean file can be had from a signed link of the object store, so
//! the message that names it is fetched like any other.

mod fate;
mod files;
mod place;
mod put;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use time::OffsetDateTime;

pub(super) use files::{Uploads, cancel, look_up};
pub(super) use place::place;
pub(super) use put::{put, upload_of};

use super::state::{State, lock};

/// How far a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Its metadata are there, its bytes are not.
    Announced,
    /// Nobody has begun with it.
    Queued,
    /// It is being scanned.
    Processing,
    /// It is over: clean and to be had.
    Completed,
    /// It is over: malware, given to nobody.
    Malicious,
    /// It is over: the provider behind refused it (403).
    TurnedAway,
    /// It is over: the scan could not read it.
    ScanFailed,
    /// Taken back.
    Cancelled,
}

/// A file as the stand-in holds it.
#[derive(Clone, Debug)]
pub struct Uploaded {
    /// `fileId`.
    pub file_id: String,
    /// The metadata request.
    pub metadata: Value,
    /// Its bytes, once they came.
    pub bytes: Option<Bytes>,
    /// When they came, by the stand-in's clock.
    pub accepted_at: Option<OffsetDateTime>,
    /// How far it is.
    pub progress: Progress,
}

/// The surface from its owner's side.
#[derive(Clone)]
pub struct WebMessaging {
    pub(super) state: Arc<State>,
}

impl WebMessaging {
    /// Sets where completion events go, from the next try on; without it none are sent.
    pub fn set_callback(&self, callback: url::Url) {
        self.state.uploads.address().set_callback(callback);
    }

    /// Every file so far, in the order of their metadata requests.
    #[must_use]
    pub fn files(&self) -> Vec<Uploaded> {
        lock(self.state.uploads.all()).clone()
    }

    /// The completion events so far, as posted; several of one file where it was told so.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        let deliveries = self.state.courier.deliveries();
        let bodies = deliveries
            .iter()
            .filter_map(|delivery| serde_json::from_slice::<Value>(&delivery.body).ok());
        bodies
            .filter(|body| body["eventType"] == fate::EVENT)
            .collect()
    }
}
