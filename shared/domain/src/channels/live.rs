//! What a platform says of its own configuration, read into bounds: the live layer of the limits.
//!
//! | profile | document |
//! |---|---|
//! | `genesys-open-messaging`, `genesys-agent` | supported content, `GET /api/v2/conversations/messaging/supportedcontent/{id}` |
//! | `genesys-web-chat` | `GET /api/v2/webchat/configurations/{id}` (`S2-8`) |
//! | `genesys-guest` | the body of `SessionResponse` |
//! | `cxone-byoc` | a channel's configuration |
//!
//! Fields beside those that are read are nobody's business; a field that is there and is something else is an error.

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::limits::Bounds;
use super::matrix::Direction;
use super::media_type::TypePattern;

/// What web chat takes where its configuration says nothing of files, in bytes (`S2-10`).
const WEB_CHAT_BYTES: u64 = 10_485_760;

/// A configuration that says nothing we understand.
#[derive(Debug, Error)]
pub enum NotRead {
    /// The profile has none that a platform tells.
    #[error("{0} has no configuration that its platform tells")]
    Profile(String),
    /// It is of another shape.
    #[error("it is no configuration of {profile}")]
    Shape {
        /// The profile.
        profile: String,
        /// What does not fit.
        source: serde_json::Error,
    },
}

/// Reads the configuration of a profile as its platform answers it.
///
/// # Errors
/// [`NotRead`] for another profile, or a document of another shape.
pub fn read(profile: &str, direction: Direction, document: Value) -> Result<Bounds, NotRead> {
    let read = match profile {
        "genesys-open-messaging" | "genesys-agent" => {
            serde_json::from_value(document).map(|it: SupportedContent| it.bounds(direction))
        }
        "genesys-web-chat" => serde_json::from_value(document).map(WebChat::bounds),
        "genesys-guest" => serde_json::from_value(document).map(|it: Session| it.bounds(direction)),
        "cxone-byoc" => serde_json::from_value(document).map(ByocChannel::bounds),
        _ => return Err(NotRead::Profile(profile.to_owned())),
    };
    read.map_err(|source| NotRead::Shape {
        profile: profile.to_owned(),
        source,
    })
}

/// A type inside of an object of its own.
#[derive(Deserialize)]
struct Typed {
    #[serde(rename = "type", alias = "mimeType")]
    pattern: TypePattern,
}

fn patterns(types: Vec<Typed>) -> Option<Vec<TypePattern>> {
    Some(types.into_iter().map(|it| it.pattern).collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SupportedContent {
    media_types: MediaTypes,
}

#[derive(Deserialize)]
struct MediaTypes {
    /// "If this field is empty, all inbound and outbound media will be blocked."
    #[serde(default)]
    allow: MediaTypeAccess,
}

#[derive(Default, Deserialize)]
struct MediaTypeAccess {
    #[serde(default)]
    inbound: Vec<Typed>,
    #[serde(default)]
    outbound: Vec<Typed>,
}

impl SupportedContent {
    fn bounds(self, direction: Direction) -> Bounds {
        let allow = self.media_types.allow;
        Bounds {
            max_bytes: None,
            types: patterns(match direction {
                Direction::ToAgent => allow.inbound,
                Direction::ToCustomer => allow.outbound,
            }),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WebChat {
    file_attachments: Option<FileAttachments>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileAttachments {
    max_size: Option<u64>,
    #[serde(default)]
    allowed_mime_types: Vec<TypePattern>,
}

impl WebChat {
    fn bounds(self) -> Bounds {
        let (max_size, types) = self.file_attachments.map_or((None, Vec::new()), |it| {
            (it.max_size, it.allowed_mime_types)
        });
        Bounds {
            max_bytes: Some(max_size.unwrap_or(WEB_CHAT_BYTES)),
            // An empty list is the server's strict one (`S2-11`): what is not known is refused, and what is known stands in the
            // matrix.
            types: Some(types).filter(|types| !types.is_empty()),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    allowed_media: AllowedMedia,
}

#[derive(Deserialize)]
struct AllowedMedia {
    inbound: Option<AllowedFiles>,
    outbound: Option<AllowedFiles>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AllowedFiles {
    file_types: Vec<Typed>,
    #[serde(rename = "maxFileSizeKB")]
    max_file_size_kb: Option<u64>,
}

impl Session {
    fn bounds(self, direction: Direction) -> Bounds {
        let allowed = match direction {
            Direction::ToAgent => self.allowed_media.inbound,
            Direction::ToCustomer => self.allowed_media.outbound,
        };
        allowed.map_or_else(Bounds::default, |files| Bounds {
            max_bytes: files.max_file_size_kb.map(|kb| kb.saturating_mul(1000)),
            types: patterns(files.file_types),
        })
    }
}

#[derive(Deserialize)]
struct ByocChannel {
    settings: ByocSettings,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ByocSettings {
    file_restrictions: FileRestrictions,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileRestrictions {
    /// In MB, in quotes.
    allowed_file_size: Megabytes,
    allowed_file_types: Vec<Typed>,
    is_attachments_enabled: Option<bool>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Megabytes(u64);

impl TryFrom<String> for Megabytes {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.trim().parse().map(Self)
    }
}

impl ByocChannel {
    fn bounds(self) -> Bounds {
        let files = self.settings.file_restrictions;
        let types = match files.is_attachments_enabled {
            Some(false) => Vec::new(),
            Some(true) | None => files.allowed_file_types,
        };
        Bounds {
            max_bytes: Some(files.allowed_file_size.0.saturating_mul(1_000_000)),
            types: patterns(types),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_platform_says_it_in_its_own_way() {
        use Direction::{ToAgent, ToCustomer};
        let content = || {
            json!({ "mediaTypes": { "allow": {
                "inbound": [{ "type": "*/*" }],
                "outbound": [{ "type": "image/*" }, { "type": "application/pdf" }],
            } } })
        };
        let chat = |files: Value| json!({ "id": "c", "fileAttachments": files });
        let guest = || {
            json!({ "connected": true, "allowedMedia": { "inbound": {
                "fileTypes": [{ "type": "image/png" }], "maxFileSizeKB": 10240,
            } } })
        };
        let byoc = |enabled: bool| {
            json!({ "settings": { "fileRestrictions": {
                "allowedFileSize": "40", "isAttachmentsEnabled": enabled,
                "allowedFileTypes": [{ "mimeType": "image/png", "description": "PNG" }],
            } } })
        };
        for (profile, direction, document, bytes, types) in [
            (
                "genesys-open-messaging",
                ToAgent,
                content(),
                None,
                Some("*/*"),
            ),
            (
                "genesys-agent",
                ToCustomer,
                content(),
                None,
                Some("image/* application/pdf"),
            ),
            (
                "genesys-agent",
                ToCustomer,
                json!({ "mediaTypes": {} }),
                None,
                Some(""),
            ),
            (
                "genesys-web-chat",
                ToAgent,
                chat(json!({ "maxSize": 5, "allowedMimeTypes": ["image/png"] })),
                Some(5),
                Some("image/png"),
            ),
            (
                "genesys-web-chat",
                ToAgent,
                chat(json!({})),
                Some(WEB_CHAT_BYTES),
                None,
            ),
            (
                "genesys-web-chat",
                ToAgent,
                json!({ "id": "c" }),
                Some(WEB_CHAT_BYTES),
                None,
            ),
            (
                "genesys-guest",
                ToAgent,
                guest(),
                Some(10_240_000),
                Some("image/png"),
            ),
            ("genesys-guest", ToCustomer, guest(), None, None),
            (
                "cxone-byoc",
                ToAgent,
                byoc(true),
                Some(40_000_000),
                Some("image/png"),
            ),
            (
                "cxone-byoc",
                ToAgent,
                byoc(false),
                Some(40_000_000),
                Some(""),
            ),
        ] {
            let bounds = read(profile, direction, document).unwrap();
            assert_eq!(bounds.max_bytes, bytes, "{profile}");
            let spelt = bounds.types.map(|types| {
                let spelt: Vec<String> = types.iter().map(ToString::to_string).collect();
                spelt.join(" ")
            });
            assert_eq!(spelt.as_deref(), types, "{profile}");
        }
    }

    #[test]
    fn what_is_no_configuration_is_no_permission() {
        for (profile, document) in [
            ("whatsapp", json!({})),
            ("genesys-open-messaging", json!({})),
            (
                "genesys-web-chat",
                json!({ "fileAttachments": { "maxSize": -1 } }),
            ),
            (
                "genesys-web-chat",
                json!({ "fileAttachments": { "allowedMimeTypes": ["png"] } }),
            ),
            ("genesys-guest", json!([])),
            (
                "cxone-byoc",
                json!({ "settings": { "fileRestrictions": { "allowedFileSize": "much", "allowedFileTypes": [] } } }),
            ),
        ] {
            assert!(
                read(profile, Direction::ToAgent, document).is_err(),
                "{profile}"
            );
        }
    }
}
