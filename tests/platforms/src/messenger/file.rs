//! Files as customers send them, and the host that gives them out.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use http::{Method, StatusCode, header::RETRY_AFTER};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::{
    state::{State, lock},
    surface::Surface,
};
use crate::{
    faults::Fault,
    seal::{BadLink, Seal},
    serving::{self, Served},
    spoil::{cached_429, redirect},
    wire::{Answer, Request},
};

/// A file as a customer sends it. Webhooks tell its kind and where it is, and nothing else: no type, size or digest.
#[derive(Clone, Debug)]
pub struct File {
    /// The content.
    pub bytes: Bytes,
    /// The type that the delivery network tells.
    pub mime: String,
    /// Its name; only what is picked as a file has one, in its link.
    pub name: Option<String>,
    /// The attachment's type, if it should not follow from `mime`: `image`, `audio`, `video`, `file`.
    pub kind: Option<&'static str>,
}

impl File {
    /// A file of a type.
    #[must_use]
    pub fn new(bytes: impl Into<Bytes>, mime: &str) -> Self {
        Self {
            bytes: bytes.into(),
            mime: mime.to_owned(),
            name: None,
            kind: None,
        }
    }

    /// Picked as a file of this name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self.kind = Some("file");
        self
    }

    /// The attachment's type.
    pub(super) fn kind(&self) -> &'static str {
        self.kind.unwrap_or(match self.mime.split_once('/') {
            Some(("image", _)) => "image",
            Some(("audio", _)) => "audio",
            Some(("video", _)) => "video",
            _ => "file",
        })
    }
}

/// A file that the platform holds for a customer's message.
#[derive(Clone, Debug)]
pub(super) struct Asset {
    pub(super) file: File,
    /// The message that brought it.
    pub(super) message: String,
    pub(super) surface: Surface,
    pub(super) created_at: OffsetDateTime,
    pub(super) dies_at: OffsetDateTime,
}

/// What the platform holds, by number.
#[derive(Debug, Default)]
pub(super) struct Assets(HashMap<String, Asset>);

impl Assets {
    pub(super) fn insert(&mut self, asset: Asset) -> String {
        let id = crate::random::digits(17);
        self.0.insert(id.clone(), asset);
        id
    }

    pub(super) fn get(&self, id: &str) -> Option<&Asset> {
        self.0.get(id)
    }

    /// What a message brought is gone.
    pub(super) fn forget(&mut self, message: &str) {
        self.0.retain(|_, asset| asset.message != message);
    }
}

/// Path of Instagram's links.
const INSTAGRAM: &str = "/ig_messaging_cdn/";

/// Makes and checks links. They are credentials of their own: whoever has one has the file.
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

    /// A link to a file, in its surface's form.
    pub(super) fn mint(&self, id: &str, asset: &Asset) -> String {
        let dies_at = asset.dies_at.unix_timestamp();
        let (hash, base) = (self.seal.hash(id, dies_at), &self.base);
        if asset.surface == Surface::Instagram {
            return format!("{base}{INSTAGRAM}?asset_id={id}&signature={hash}");
        }
        let named = |folder: &str, extension: &str, name: &str| {
            let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
            let name = name.replace('+', "%20");
            format!("/v/{folder}/{id}_n.{extension}/{name}")
        };
        let file = &asset.file;
        let path = match file.kind() {
            "image" => format!("/v/t1.15752-9/{id}_n.jpg"),
            "audio" => named("t59.3654-21", "mp4", "audioclip.mp4"),
            "video" => named("t42.3356-2", "mp4", "video.mp4"),
            _ => named("t59.2708-21", "bin", file.name.as_deref().unwrap_or("file")),
        };
        format!("{base}{path}?oh={hash}&oe={dies_at:X}")
    }

    /// What a link leads to.
    fn read(&self, request: &Request) -> Option<(String, Option<i64>, String)> {
        if request.path == INSTAGRAM {
            let (id, hash) = (
                request.parameter("asset_id")?,
                request.parameter("signature")?,
            );
            return Some((id, None, hash));
        }
        let ["v", _, name, ..] = request.segments()[..] else {
            return None;
        };
        let (id, _) = name.split_once("_n.")?;
        let dies_at = i64::from_str_radix(&request.parameter("oe")?, 16).ok();
        Some((id.to_owned(), dies_at, request.parameter("oh")?))
    }
}

/// Answers a request to the delivery network: no token is asked for, and none should come.
pub(super) async fn answer(state: Arc<State>, request: Request) -> Answer {
    let read = (request.method == Method::GET).then(|| state.links.read(&request));
    let Some((id, dies_at, hash)) = read.flatten() else {
        return plain(StatusCode::NOT_FOUND, "Not Found");
    };
    let asset = lock(&state.assets).get(&id).cloned();
    let message = asset.as_ref().map(|asset| asset.message.clone());
    let subjects: Vec<String> = message.into_iter().chain([id.clone()]).collect();
    let fault = state.faults.take_at_download(&request, &subjects);
    if let Some(refused) = fault.and_then(|fault| refused(fault, &state, &request)) {
        return refused;
    }
    let Some(asset) = asset else {
        return plain(StatusCode::NOT_FOUND, "URL signature mismatch");
    };
    let now = state.options.clock.now().unix_timestamp();
    let dies_at = dies_at.unwrap_or(asset.dies_at.unix_timestamp());
    let checked = state
        .links
        .seal
        .check(&id, &dies_at.to_string(), &hash, now);
    match checked {
        Ok(()) => serve(&state, &request, &asset, fault),
        Err(BadLink::Expired) => expired(),
        Err(BadLink::Forged) => plain(StatusCode::FORBIDDEN, "Bad URL hash"),
    }
}

fn refused(fault: Fault, state: &State, request: &Request) -> Option<Answer> {
    match fault {
        Fault::FiveHundreds => {
            let busy = plain(StatusCode::SERVICE_UNAVAILABLE, "");
            Some(busy.with(RETRY_AFTER, "1"))
        }
        Fault::Cached429 => Some(cached_429()),
        Fault::HtmlErrorPage => Some(Answer::html(StatusCode::OK)),
        Fault::ExpiredLink => Some(expired()),
        Fault::Unauthorised => Some(plain(StatusCode::UNAUTHORIZED, "Authentication required")),
        Fault::LateAttachment => Some(plain(StatusCode::NOT_FOUND, "Not Found")),
        other => redirect(other, request, &state.elsewhere),
    }
}

fn serve(state: &State, request: &Request, asset: &Asset, fault: Option<Fault>) -> Answer {
    let digest: [u8; 32] = Sha256::digest(&asset.file.bytes).into();
    let file = Served {
        bytes: &asset.file.bytes,
        mime: &asset.file.mime,
        sha256_hex: &data_encoding::HEXLOWER.encode(&digest),
        modified_at: asset.created_at,
        ranges: state.options.ranges,
    };
    serving::serve(request, &file, fault, &state.faults)
}

fn expired() -> Answer {
    plain(StatusCode::FORBIDDEN, "URL signature expired")
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    Answer::new(status, "text/plain", text)
}

/// The host that is nobody's: it serves every file to whoever asks, so that following a redirect blindly seems to work.
pub(super) async fn nobody(state: Arc<State>, request: Request) -> Answer {
    let read = state.links.read(&request);
    let assets = lock(&state.assets);
    match read.and_then(|(id, _, _)| assets.get(&id)) {
        Some(asset) => Answer::new(StatusCode::OK, &asset.file.mime, asset.file.bytes.clone()),
        None => plain(StatusCode::NOT_FOUND, "Not Found"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_have_the_published_forms() {
        let links = Links::new("http://cdn");
        let asset = |file: File, surface| Asset {
            file,
            message: "m".into(),
            surface,
            created_at: OffsetDateTime::UNIX_EPOCH,
            dies_at: OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(0x5B0A_3B1C),
        };
        let (picture, file) = (
            File::new("x", "image/png"),
            File::new("x", "application/pdf").named("bill of may.pdf"),
        );
        let rows = [
            (
                picture.clone(),
                Surface::Messenger,
                "http://cdn/v/t1.15752-9/7_n.jpg?oh=AR",
                "&oe=5B0A3B1C",
            ),
            (
                file,
                Surface::Messenger,
                "http://cdn/v/t59.2708-21/7_n.bin/bill%20of%20may.pdf?oh=AR",
                "&oe=5B0A3B1C",
            ),
            (
                picture,
                Surface::Instagram,
                "http://cdn/ig_messaging_cdn/?asset_id=7&signature=AR",
                "",
            ),
        ];
        for (file, surface, start, end) in rows {
            let link = links.mint("7", &asset(file, surface));
            assert!(link.starts_with(start) && link.ends_with(end), "{link}");
        }
    }
}
