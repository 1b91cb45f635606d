//! Files as customers send them.

use bytes::Bytes;
use serde_json::{Value, json};

/// A file as a customer sends it. Nothing is checked: customers' clients declare what they like.
#[derive(Clone, Debug)]
pub struct MediaFile {
    /// The content.
    pub bytes: Bytes,
    /// The declared type; parameters allowed (`audio/ogg; codecs=opus`).
    pub mime: String,
    /// The declared name; only documents carry it.
    pub filename: Option<String>,
    /// The text under it; not for audio and stickers.
    pub caption: Option<String>,
    /// The message type, if it should not follow from `mime`: `image`, `audio`, `video`, `document`, `sticker`.
    pub kind: Option<&'static str>,
    /// Whether an audio file was recorded in the chat; every `audio/ogg` unless told otherwise.
    pub voice: bool,
    /// Whether a sticker moves.
    pub animated: bool,
}

impl MediaFile {
    /// A file with a declared type and nothing else.
    #[must_use]
    pub fn new(bytes: impl Into<Bytes>, mime: &str) -> Self {
        Self {
            bytes: bytes.into(),
            mime: mime.to_owned(),
            filename: None,
            caption: None,
            kind: None,
            voice: mime.starts_with("audio/ogg"),
            animated: false,
        }
    }

    /// With a name. Names travel only with documents.
    #[must_use]
    pub fn named(mut self, filename: &str) -> Self {
        self.filename = Some(filename.to_owned());
        self
    }

    /// With a text under it.
    #[must_use]
    pub fn captioned(mut self, caption: &str) -> Self {
        self.caption = Some(caption.to_owned());
        self
    }

    /// As a document, whatever its type.
    #[must_use]
    pub fn as_document(mut self) -> Self {
        self.kind = Some("document");
        self
    }

    /// The media object of its message: everything but what the platform adds.
    pub(super) fn object(&self, id: &str, sha256: &[u8; 32]) -> Value {
        let kind = self.message_type();
        let mut object = json!({
            "id": id, "mime_type": self.mime, "sha256": data_encoding::BASE64.encode(sha256),
        });
        if let Some(caption) = &self.caption
            && !matches!(kind, "audio" | "sticker")
        {
            object["caption"] = caption.as_str().into();
        }
        match (kind, &self.filename) {
            ("document", Some(filename)) => object["filename"] = filename.as_str().into(),
            ("audio", _) => object["voice"] = self.voice.into(),
            ("sticker", _) => object["animated"] = self.animated.into(),
            _ => {}
        }
        object
    }

    /// The message type it travels as.
    pub(super) fn message_type(&self) -> &'static str {
        let essence = self.mime.split(';').next().unwrap_or_default().trim();
        self.kind.unwrap_or(match essence.split_once('/') {
            Some(("image", "webp")) => "sticker",
            Some(("image", "jpeg" | "png")) => "image",
            Some(("audio", _)) => "audio",
            Some(("video", _)) => "video",
            _ => "document",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_travel_as_the_type_their_mime_says_unless_told_otherwise() {
        let rows = [
            (MediaFile::new("x", "image/jpeg"), "image"),
            (MediaFile::new("x", "image/gif"), "document"),
            (MediaFile::new("x", "image/webp"), "sticker"),
            (MediaFile::new("x", "audio/ogg; codecs=opus"), "audio"),
            (MediaFile::new("x", "video/mp4"), "video"),
            (MediaFile::new("x", "application/pdf"), "document"),
            (MediaFile::new("x", "image/png").as_document(), "document"),
        ];
        for (file, expected) in rows {
            assert_eq!(file.message_type(), expected, "{}", file.mime);
        }
    }
}
