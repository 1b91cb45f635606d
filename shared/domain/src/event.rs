//! What any webhook becomes: the one event model that the rest of the system knows. Nothing behind it can tell which
//! platform a word or a file came from.

use serde::{Deserialize, Serialize};

use crate::connection::Directory;
use crate::digest::Sha256Digest;
use crate::ids::{AttachmentId, ConnectionId, EndpointId, MediaId, MessageId};
use crate::time::Timestamp;

/// The kinds of media the platforms tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MediaKind {
    /// A picture.
    Image,
    /// A sound file or voice note.
    Audio,
    /// A film.
    Video,
    /// A file with a name.
    Document,
    /// A small picture that is shown without a bubble.
    Sticker,
}

/// One attachment of one message, as its platform announced it. Everything optional may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The platform's id for it.
    pub id: AttachmentId,
    /// What the platform calls it.
    pub kind: MediaKind,
    /// The type the sender declared, parameters included. One of three voices, never believed alone.
    pub declared_type: Option<String>,
    /// The name the sender gave it.
    pub file_name: Option<String>,
    /// The digest the platform computed.
    pub digest: Option<Sha256Digest>,
    /// Text that belongs to the file.
    pub caption: Option<String>,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A file.
    Media(Attachment),
    /// A kind of message this version does not carry yet, by its platform's name for it. It is kept, and can be replayed.
    Other(String),
    /// Something else the platform tells, by its name: no message to or from a customer. It is kept.
    Notice(String),
}

/// One message or status out of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The business side's address on the platform (WhatsApp's phone number id): finds the connection.
    pub business: String,
    /// The platform's id of the message.
    pub message: MessageId,
    /// The customer's address.
    pub sender: String,
    /// The customer's name, if the platform tells it.
    pub sender_name: Option<String>,
    /// When the customer sent it.
    pub sent_at: Timestamp,
    /// What it says.
    pub said: Said,
    /// Its own slice of the webhook, as JSON text, for replay.
    pub slice: String,
}

/// What is remembered of an announced file: everything its delivery needs later. Names are short in the row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Where it came in.
    #[serde(rename = "c")]
    pub connection: ConnectionId,
    /// Where its route leads; `None`: archive only.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub target: Option<ConnectionId>,
    /// The message it belongs to.
    #[serde(rename = "i")]
    pub message: MessageId,
    /// The platform's id for the attachment.
    #[serde(rename = "a")]
    pub attachment: AttachmentId,
    /// The customer's address.
    #[serde(rename = "s")]
    pub sender: String,
    /// The customer's name.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub sender_name: Option<String>,
    /// When it was sent.
    #[serde(rename = "t")]
    pub sent_at: Timestamp,
    /// What the platform calls it.
    #[serde(rename = "k")]
    pub kind: MediaKind,
    /// The type the sender declared.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub declared_type: Option<String>,
    /// The name the sender gave it.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// The digest the platform announced.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Sha256Digest>,
    /// Text that belongs to the file.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
}

impl Origin {
    /// The item this becomes.
    #[must_use]
    pub fn media_id(&self) -> MediaId {
        MediaId::derive(&self.connection, &self.message, &self.attachment)
    }

    /// Whether `other` says the same under the same id: ids, sender, type, text and digest; never links, times or
    /// envelope. A changed fingerprint under a known id is refused and alarmed.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        let fingerprint = |o: &Self| {
            (
                o.media_id(),
                o.sender.clone(),
                o.kind,
                o.declared_type.clone(),
                o.file_name.clone(),
                o.digest,
                o.caption.clone(),
            )
        };
        fingerprint(self) == fingerprint(other)
    }
}

/// Why an announcement is kept rather than carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeptBecause {
    /// Nobody configured the number it was sent to. Alarmed; replayable once configured.
    UnknownBusiness,
    /// The connection has no route.
    NoRoute,
    /// A kind of message this version does not carry.
    NotCarried,
}

/// What happens to an announcement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// A file to be brought in.
    Carry(Box<Origin>),
    /// Kept with its slice of the webhook.
    Keep(KeptBecause),
}

/// Finds the connection and route of an announcement that came to `endpoint`.
#[must_use]
pub fn admit(
    announcement: &Announcement,
    endpoint: &EndpointId,
    directory: &Directory,
) -> Admission {
    if matches!(announcement.said, Said::Notice(_)) {
        return Admission::Keep(KeptBecause::NotCarried);
    }
    let Some(connection) = directory.whatsapp(endpoint, &announcement.business) else {
        return Admission::Keep(KeptBecause::UnknownBusiness);
    };
    let Said::Media(attachment) = &announcement.said else {
        return Admission::Keep(KeptBecause::NotCarried);
    };
    let Some(route) = directory.route(&connection.id) else {
        return Admission::Keep(KeptBecause::NoRoute);
    };
    Admission::Carry(Box::new(Origin {
        connection: connection.id.clone(),
        target: route.to.clone(),
        message: announcement.message.clone(),
        attachment: attachment.id.clone(),
        sender: announcement.sender.clone(),
        sender_name: announcement.sender_name.clone(),
        sent_at: announcement.sent_at,
        kind: attachment.kind,
        declared_type: attachment.declared_type.clone(),
        file_name: attachment.file_name.clone(),
        digest: attachment.digest,
        caption: attachment.caption.clone(),
    }))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::connection::tests::directory;
    use crate::connection::{Directory, Row};

    pub(crate) fn announcement() -> Announcement {
        Announcement {
            business: "106540352242922".to_owned(),
            message: MessageId::new(
                "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA=",
            ),
            sender: "16505551234".to_owned(),
            sender_name: Some("Sheena Nelson".to_owned()),
            sent_at: Timestamp::from_seconds(1_744_344_496),
            said: Said::Media(Attachment {
                id: AttachmentId::new("1003383421387256"),
                kind: MediaKind::Image,
                declared_type: Some("image/jpeg".to_owned()),
                file_name: None,
                digest: None,
                caption: Some("Taj Mahal".to_owned()),
            }),
            slice: "{}".to_owned(),
        }
    }

    pub(crate) fn origin() -> Origin {
        match admit(&announcement(), &EndpointId::new("whatsapp"), &directory()) {
            Admission::Carry(origin) => *origin,
            Admission::Keep(because) => panic!("{because:?}"),
        }
    }

    #[test]
    fn routed_kept_and_why() {
        assert_eq!(origin().target.unwrap().as_str(), "genesys");
        let endpoint = EndpointId::new("whatsapp");
        let strange = Announcement {
            business: "1".to_owned(),
            ..announcement()
        };
        assert_eq!(
            admit(&strange, &endpoint, &directory()),
            Admission::Keep(KeptBecause::UnknownBusiness)
        );
        let text = Announcement {
            said: Said::Other("text".to_owned()),
            ..announcement()
        };
        assert_eq!(
            admit(&text, &endpoint, &directory()),
            Admission::Keep(KeptBecause::NotCarried)
        );
        let routeless = Directory::new([Row::Connection(crate::connection::tests::whatsapp())]);
        assert_eq!(
            admit(&announcement(), &endpoint, &routeless),
            Admission::Keep(KeptBecause::NoRoute)
        );
    }

    #[test]
    fn the_fingerprint_ignores_time_and_name_and_sees_content() {
        let first = origin();
        let later = Origin {
            sent_at: Timestamp::from_seconds(9),
            sender_name: None,
            ..first.clone()
        };
        assert!(first.same_content(&later));
        for other in [
            Origin {
                caption: Some("other".to_owned()),
                ..first.clone()
            },
            Origin {
                sender: "1".to_owned(),
                ..first.clone()
            },
            Origin {
                digest: Some(Sha256Digest::of(b"x")),
                ..first.clone()
            },
            Origin {
                kind: MediaKind::Document,
                ..first.clone()
            },
        ] {
            assert!(!first.same_content(&other), "{other:?}");
        }
    }
}
