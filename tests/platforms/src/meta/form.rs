//! Forms with a file in them.

use axum::extract::{DefaultBodyLimit, FromRequest, Multipart};
use bytes::Bytes;
use http::header::CONTENT_TYPE;

use crate::wire::Request;

/// One part of a form.
pub(crate) struct Part {
    pub(crate) name: String,
    /// The name of the file, if the part is one.
    pub(crate) filename: Option<String>,
    /// The declared type.
    pub(crate) mime: Option<String>,
    pub(crate) bytes: Bytes,
}

impl Part {
    /// Its text, if it is text.
    pub(crate) fn text(&self) -> Option<String> {
        String::from_utf8(self.bytes.to_vec()).ok()
    }
}

/// The parts of a form in their order; `None`: the body is none.
pub(crate) async fn read(request: &Request) -> Option<Vec<Part>> {
    let content_type = request.headers.get(CONTENT_TYPE)?.clone();
    let mut whole = http::Request::new(axum::body::Body::from(request.body.clone()));
    whole.headers_mut().insert(CONTENT_TYPE, content_type);
    DefaultBodyLimit::disable().apply(&mut whole);
    let mut form = Multipart::from_request(whole, &()).await.ok()?;
    let mut parts = Vec::new();
    while let Some(part) = form.next_field().await.ok()? {
        parts.push(Part {
            name: part.name()?.to_owned(),
            filename: part.file_name().map(str::to_owned),
            mime: part.content_type().map(str::to_owned),
            bytes: part.bytes().await.ok()?,
        });
    }
    Some(parts)
}
