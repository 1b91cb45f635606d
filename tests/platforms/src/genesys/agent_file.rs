//! Files as agents send them.

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A file as an agent sends it. What the webhook says of it can be changed field by field: nothing there need be true.
#[derive(Clone, Debug)]
pub struct AgentFile {
    /// The content.
    pub bytes: Bytes,
    /// Its type: what the profile judges and the store answers with.
    pub mime: String,
    /// `mediaType`: `Image`, `Video`, `Audio`, `File` or `Link`.
    pub media_type: &'static str,
    /// `mime`; optional on the wire.
    pub declared_mime: Option<String>,
    /// `filename`; optional on the wire.
    pub filename: Option<String>,
    /// `text`, a caption; optional on the wire.
    pub text: Option<String>,
    /// `contentSizeBytes`; optional on the wire.
    pub declared_size: Option<u64>,
    /// `sha256`; optional on the wire.
    pub declared_sha256: Option<String>,
}

impl AgentFile {
    /// A file whose type and size are declared as they are, and nothing else.
    #[must_use]
    pub fn new(bytes: impl Into<Bytes>, mime: &str) -> Self {
        let bytes = bytes.into();
        let media_type = match mime.split('/').next() {
            Some("image") => "Image",
            Some("video") => "Video",
            Some("audio") => "Audio",
            _ => "File",
        };
        Self {
            mime: mime.to_owned(),
            media_type,
            declared_mime: Some(mime.to_owned()),
            filename: None,
            text: None,
            declared_size: Some(bytes.len() as u64),
            declared_sha256: None,
            bytes,
        }
    }

    /// With a name.
    #[must_use]
    pub fn named(mut self, filename: &str) -> Self {
        self.filename = Some(filename.to_owned());
        self
    }

    /// With a text of its own.
    #[must_use]
    pub fn captioned(mut self, text: &str) -> Self {
        self.text = Some(text.to_owned());
        self
    }

    /// With its digest in lower-case hex.
    #[must_use]
    pub fn with_digest(mut self) -> Self {
        let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(&self.bytes));
        self.declared_sha256 = Some(digest);
        self
    }

    /// With none of the optional fields.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.declared_mime = None;
        self.filename = None;
        self.text = None;
        self.declared_size = None;
        self.declared_sha256 = None;
        self
    }

    /// The attachment of a webhook with this link.
    pub(super) fn described(&self, url: &str) -> Value {
        let mut attachment =
            json!({ "id": crate::random::uuid(), "mediaType": self.media_type, "url": url });
        let optional = [
            ("mime", self.declared_mime.as_deref().map(Value::from)),
            ("filename", self.filename.as_deref().map(Value::from)),
            ("text", self.text.as_deref().map(Value::from)),
            ("contentSizeBytes", self.declared_size.map(Value::from)),
            ("sha256", self.declared_sha256.as_deref().map(Value::from)),
        ];
        for (field, value) in optional {
            if let Some(value) = value {
                attachment[field] = value;
            }
        }
        attachment
    }
}
