//! Media a business uploads: the published table of types and sizes, tenants, thirty days of life.
//!
//! The content is not inspected: Meta refuses bytes that are not what they are called, this stand-in does not notice.

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use super::{
    graph::enter,
    media::{Medium, essence, sha256},
    state::{State, lock},
};
use crate::{
    faults::Point,
    meta::{error::GraphError, form, graph::Struck},
    specs::Operation,
    spoil::marred,
    wire::{Answer, Request},
};

/// Kind, greatest size in bytes, types: the media page's table (`video/3gp` there, `video/3gpp` in files).
pub(super) const TABLE: &[(&str, usize, &[&str])] = &[
    ("image", 5 << 20, &["image/jpeg", "image/png"]),
    (
        "audio",
        16 << 20,
        &[
            "audio/aac",
            "audio/amr",
            "audio/mpeg",
            "audio/mp4",
            "audio/ogg",
        ],
    ),
    ("video", 16 << 20, &["video/mp4", "video/3gp", "video/3gpp"]),
    ("sticker", 500 << 10, &["image/webp"]),
    (
        "document",
        100 << 20,
        &[
            "text/plain",
            "application/pdf",
            "application/msword",
            "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ],
    ),
];

/// Takes an upload in.
pub(super) async fn upload(state: &State, request: &Request, phone_number_id: &str) -> Answer {
    let fault = match enter(state, request, Point::Upload, &[phone_number_id.to_owned()]).await {
        Struck::Refused(answer) => return answer.of(Operation::MediaUpload),
        Struck::Proceeds(fault) => fault,
    };
    let taken = take_upload(state, request, phone_number_id).await;
    let answer = match taken {
        Ok(id) => Answer::json(StatusCode::OK, &json!({ "id": id })),
        Err(error) => error.answer(),
    };
    let answer = answer.of(Operation::MediaUpload);
    marred(answer, fault, &state.faults)
}

async fn take_upload(
    state: &State,
    request: &Request,
    phone_number_id: &str,
) -> Result<String, GraphError> {
    let number = state
        .number(phone_number_id)
        .ok_or_else(|| GraphError::no_such_object(phone_number_id))?;
    let form = Form::read(request)
        .await
        .ok_or_else(|| GraphError::parameter("The body is not a readable form"))?;
    if form.messaging_product.as_deref() != Some("whatsapp") {
        return Err(GraphError::parameter(
            "The parameter messaging_product is required.",
        ));
    }
    let bytes = form
        .file
        .ok_or_else(|| GraphError::parameter("The parameter file is required."))?;
    let mime = form
        .mime
        .ok_or_else(|| GraphError::parameter("The parameter type is required."))?;
    let essence = essence(&mime);
    let row = TABLE
        .iter()
        .find(|(_, _, types)| types.contains(&essence.as_str()));
    let Some((kind, most, _)) = row else {
        let why = format!(
            "Param file must be a file with one of the supported types. Received file of type '{essence}'."
        );
        return Err(GraphError::parameter(&why));
    };
    if bytes.len() > *most {
        return Err(GraphError::parameter(&format!(
            "The file is larger than {kind} may be ({most} bytes)."
        )));
    }
    let created_at = state.options.clock.now();
    let medium = Medium {
        id: crate::random::digits(16),
        message_id: None,
        phone_number_id: number.phone_number_id,
        mime,
        filename: form.filename,
        sha256: sha256(&bytes),
        bytes,
        created_at,
        dies_at: created_at + state.options.upload_life,
    };
    let id = medium.id.clone();
    lock(&state.media).insert(medium);
    Ok(id)
}

/// An upload's form.
#[derive(Default)]
struct Form {
    messaging_product: Option<String>,
    mime: Option<String>,
    filename: Option<String>,
    file: Option<Bytes>,
}

impl Form {
    async fn read(request: &Request) -> Option<Self> {
        let mut form = Self::default();
        for part in form::read(request).await? {
            match part.name.as_str() {
                "messaging_product" => form.messaging_product = Some(part.text()?),
                "type" => form.mime = Some(part.text()?),
                "file" => {
                    form.filename = part.filename;
                    form.mime = form.mime.or(part.mime);
                    form.file = Some(part.bytes);
                }
                _ => {}
            }
        }
        Some(form)
    }
}
