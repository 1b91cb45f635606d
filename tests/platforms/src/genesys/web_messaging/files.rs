//! The files: where they are kept, looked up and taken back.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use serde_json::json;

use super::{Progress, Uploaded};
use crate::{
    delivery::Address,
    genesys::{
        error,
        state::{State, lock},
    },
    signature,
    wire::{Answer, Request},
};

/// The header that completion events are signed under.
const SIGNATURE: &str = "x-genesys-signature";

/// All files of the surface.
pub(in crate::genesys) struct Uploads {
    files: Mutex<Vec<Uploaded>>,
    /// Where completion events go.
    address: Arc<Address>,
}

impl Uploads {
    /// None yet; events will be signed with this secret.
    pub(in crate::genesys) fn new(secret: &str) -> Self {
        let secret = secret.to_owned();
        let headers = move |body: &[u8]| {
            vec![
                ("content-type".to_owned(), "application/json".to_owned()),
                (SIGNATURE.to_owned(), signature::genesys(&secret, body)),
            ]
        };
        Self {
            files: Mutex::default(),
            address: Address::new(None, headers),
        }
    }

    pub(super) fn all(&self) -> &Mutex<Vec<Uploaded>> {
        &self.files
    }

    pub(super) fn address(&self) -> &Arc<Address> {
        &self.address
    }

    pub(super) fn get(&self, id: &str) -> Option<Uploaded> {
        let files = lock(&self.files);
        files.iter().find(|file| file.file_id == id).cloned()
    }

    /// Changes a file, if there is one with this id.
    pub(super) fn change(&self, id: &str, how: impl FnOnce(&mut Uploaded)) {
        let mut files = lock(&self.files);
        if let Some(file) = files.iter_mut().find(|file| file.file_id == id) {
            how(file);
        }
    }
}

/// By what a fault may be aimed at a file: its id, its message's, and its name.
pub(super) fn subjects(file: &Uploaded) -> Vec<String> {
    let named = ["messageId", "fileName"].map(|key| file.metadata[key].as_str());
    let named = named.into_iter().flatten().map(str::to_owned);
    std::iter::once(file.file_id.clone()).chain(named).collect()
}

/// The file behind both ids, if there is one that was not taken back.
fn known(state: &State, message: &str, id: &str) -> Option<Uploaded> {
    let file = state.uploads.get(id)?;
    let of_message = file.metadata["messageId"] == message;
    (of_message && file.progress != Progress::Cancelled).then_some(file)
}

/// A path's part without its percent signs.
fn decoded(part: &str) -> String {
    let whole = format!("x={}", part.replace('+', "%2B"));
    let mut pairs = url::form_urlencoded::parse(whole.as_bytes());
    pairs
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

/// Answers a look-up.
pub(in crate::genesys) fn look_up(state: &State, (message, id): (&str, &str)) -> Answer {
    let Some(file) = known(state, &decoded(message), id) else {
        return error::not_found();
    };
    let (status, scan) = match file.progress {
        Progress::Announced | Progress::Cancelled => ("uploading", None),
        Progress::Queued => ("queued", None),
        Progress::Processing => ("processing", None),
        Progress::Completed => ("completed", Some("clean")),
        Progress::Malicious => ("completed", Some("malicious")),
        Progress::TurnedAway => ("failed", Some("clean")),
        Progress::ScanFailed => {
            let message = "Virus scanning failed: the engine could not read the file.";
            let code = "internal.server.error";
            return error::answer(StatusCode::INTERNAL_SERVER_ERROR, code, message);
        }
    };
    let mut body = json!({
        "id": file.file_id, "fileName": file.metadata["fileName"],
        "contentType": file.metadata["contentType"], "fileSize": file.metadata["fileSize"],
        "status": status,
    });
    if let Some(scan) = scan {
        body["virusScanResult"] = json!(scan);
    }
    if file.progress == Progress::TurnedAway {
        turned_away(&mut body);
    }
    if file.progress == Progress::Completed {
        let dies_at = state.options.clock.now() + state.options.signed_life;
        let link = state.files.signed(&file.file_id, dies_at.unix_timestamp());
        body["downloadUrl"] = json!(link);
    }
    Answer::json(StatusCode::OK, &body)
}

/// What the first of the documents has a report say of a provider's refusal.
pub(super) fn turned_away(report: &mut serde_json::Value) {
    report["error_code"] = json!("media_upload_failed");
    report["provider_status"] = json!(403);
}

/// Takes a file back.
pub(in crate::genesys) fn cancel(state: &State, (message, id): (&str, &str)) -> Answer {
    let Some(file) = known(state, &decoded(message), id) else {
        return error::not_found();
    };
    state
        .uploads
        .change(&file.file_id, |file| file.progress = Progress::Cancelled);
    state.background.changed();
    Answer::new(StatusCode::NO_CONTENT, "application/json", "")
}

/// The metadata of a request, if it has all the fields.
pub(super) fn metadata(request: &Request) -> Option<serde_json::Value> {
    let body: serde_json::Value = serde_json::from_slice(&request.body).ok()?;
    let text = |key: &str| body[key].as_str().is_some_and(|text| !text.is_empty());
    let texts = ["fileName", "contentType", "channelId", "messageId"];
    let whole = texts.into_iter().all(text)
        && body["fileSize"].as_u64().is_some()
        && body["uploadType"] == "webmessaging";
    whole.then_some(body)
}
