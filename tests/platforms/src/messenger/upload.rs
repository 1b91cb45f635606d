//! Files that pages hand over (`message_attachments`): kinds, sizes, types, ninety days of life.
//!
//! Handing over by link is documented and not modelled here: such a request is refused. The content is not inspected.

use std::collections::HashMap;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{
    graph::{enter, not_taken, parameter, too_large},
    state::{State, lock},
    surface::Surface,
    talk::SentFile,
};
use crate::{
    faults::Point,
    meta::{error::GraphError, form, graph::Struck},
    spoil::marred,
    wire::{Answer, Request},
};

const MB: usize = 1 << 20;

/// Instagram's formats (meta.md §4): kind, greatest size, types. Messenger publishes no such list: 25 MB, and sound is sound.
const INSTAGRAM: &[(&str, usize, &[&str])] = &[
    ("image", 8 * MB, &["image/png", "image/jpeg", "image/gif"]),
    (
        "audio",
        25 * MB,
        &[
            "audio/aac",
            "audio/mp4",
            "audio/x-m4a",
            "audio/m4a",
            "audio/wav",
            "audio/x-wav",
        ],
    ),
    (
        "video",
        25 * MB,
        &[
            "video/mp4",
            "video/ogg",
            "video/x-msvideo",
            "video/avi",
            "video/quicktime",
            "video/webm",
        ],
    ),
    ("file", 25 * MB, &["application/pdf"]),
];

/// A file that was handed over.
#[derive(Clone, Debug)]
pub(super) struct Uploaded {
    pub(super) file: SentFile,
    page_id: String,
    surface: Surface,
    dies_at: OffsetDateTime,
}

/// Files that were handed over, by attachment id.
#[derive(Debug, Default)]
pub(super) struct Uploads(HashMap<String, Uploaded>);

impl Uploads {
    /// A page's file for a surface, if its id is known and alive.
    pub(super) fn alive(
        &self,
        id: &str,
        (page_id, surface): (&str, Surface),
        now: OffsetDateTime,
    ) -> Option<&Uploaded> {
        let found = self.0.get(id).filter(|it| now < it.dies_at);
        found.filter(|it| it.page_id == page_id && it.surface == surface)
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}

/// Takes a file in.
pub(super) async fn upload(state: &State, request: &Request, page_id: &str) -> Answer {
    let page = (page_id, &[page_id.to_owned()][..]);
    let fault = match enter(state, request, Point::Upload, page).await {
        Struck::Refused(answer) => return answer,
        Struck::Proceeds(fault) => fault,
    };
    let answer = match take(state, request, page_id).await {
        Ok(id) => Answer::json(StatusCode::OK, &json!({ "attachment_id": id })),
        Err(error) => error.answer(),
    };
    marred(answer, fault, &state.faults)
}

async fn take(state: &State, request: &Request, page_id: &str) -> Result<String, GraphError> {
    let asked = Asked::read(state, request).await?;
    let (kind, bytes) = (asked.kind.as_str(), &asked.bytes);
    fits(asked.surface, (kind, &asked.mime), bytes.len())?;
    let id = crate::random::digits(16);
    let uploaded = Uploaded {
        file: SentFile {
            kind: asked.kind.clone(),
            bytes: bytes.clone(),
            mime: asked.mime,
            name: asked.name,
        },
        page_id: page_id.to_owned(),
        surface: asked.surface,
        dies_at: state.options.clock.now() + state.options.upload_life,
    };
    lock(&state.uploads).0.insert(id.clone(), uploaded);
    Ok(id)
}

/// Whether a surface takes a file of this kind, type and size.
fn fits(surface: Surface, (kind, mime): (&str, &str), size: usize) -> Result<(), GraphError> {
    let essence = mime.split(';').next().unwrap_or_default().trim();
    let row = INSTAGRAM.iter().find(|(of, _, _)| *of == kind);
    let (most, taken) = match (surface, row) {
        (Surface::Instagram, Some((_, most, types))) => (*most, types.contains(&essence)),
        (Surface::Instagram, None) => (0, false),
        (Surface::Messenger, _) => {
            let family = essence.split('/').next().unwrap_or_default();
            (25 * MB, kind == "file" || family == kind)
        }
    };
    match (taken, size <= most) {
        (false, _) => Err(not_taken("Upload attachment failure.")),
        (_, false) => Err(too_large()),
        (true, true) => Ok(()),
    }
}

/// What an upload asks for.
struct Asked {
    surface: Surface,
    kind: String,
    bytes: Bytes,
    mime: String,
    name: Option<String>,
}

impl Asked {
    async fn read(state: &State, request: &Request) -> Result<Self, GraphError> {
        let refused = |problem: &str| parameter(state, problem);
        let parts = form::read(request).await;
        let parts = parts.ok_or_else(|| refused("The body is not a readable form"))?;
        let (mut message, mut surface, mut file) = (Value::Null, Surface::Messenger, None);
        for part in parts {
            match part.name.as_str() {
                "message" => message = serde_json::from_slice(&part.bytes).unwrap_or_default(),
                "platform" => match part.text().as_deref() {
                    Some("instagram") => surface = Surface::Instagram,
                    Some("messenger") => {}
                    _ => return Err(refused("platform is messenger or instagram")),
                },
                "filedata" => file = Some(part),
                other => return Err(refused(&format!("Unexpected part {other:?}"))),
            }
        }
        let kind = message.pointer("/attachment/type").and_then(Value::as_str);
        let known = |kind: &&str| ["image", "audio", "video", "file"].contains(kind);
        let kind = kind.filter(known).map(str::to_owned);
        let (Some(kind), Some(file)) = (kind, file) else {
            return Err(refused(
                "message with an attachment type, and filedata, are required",
            ));
        };
        let mime = file.mime.ok_or_else(|| refused("filedata has no type"))?;
        Ok(Self {
            surface,
            kind,
            bytes: file.bytes,
            mime,
            name: file.filename,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_surface_takes() {
        use Surface::{Instagram, Messenger};
        let rows = [
            (Messenger, "image", "image/webp", 25 * MB, true),
            (Messenger, "image", "image/png", 25 * MB + 1, false),
            (Messenger, "audio", "application/pdf", 1, false),
            (Messenger, "file", "application/zip", 1, true),
            (Instagram, "image", "image/png", 8 * MB, true),
            (Instagram, "image", "image/png", 8 * MB + 1, false),
            (Instagram, "image", "image/webp", 1, false),
            (Instagram, "file", "application/pdf", 25 * MB, true),
            (Instagram, "file", "text/plain", 1, false),
        ];
        for (surface, kind, mime, size, expected) in rows {
            let fits = fits(surface, (kind, mime), size).is_ok();
            assert_eq!(fits, expected, "{surface:?} {kind} {mime} {size}");
        }
    }
}
