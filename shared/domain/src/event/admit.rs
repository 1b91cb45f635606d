//! Which connection and route an announcement belongs to, and which items it becomes.

use serde::{Deserialize, Serialize};

use super::origin::{Content, FollowUp, Origin, Words};
use super::said::{Announcement, Link, Message, Part, Said, Status};
use crate::connection::{Connection, Directory, Endpoint, Retention, Route};
use crate::ids::{AttachmentId, ConnectionId, MediaId};

/// Why an announcement is kept rather than carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeptBecause {
    /// Nobody configured the number it was sent to. Alarmed; replayable once configured.
    UnknownBusiness,
    /// The connection has no route; replayable once it has.
    NoRoute,
    /// No message to or from a customer.
    NotCarried,
    /// The status of a message that is not one of ours.
    NotOurs,
}

impl KeptBecause {
    /// Every reason.
    pub const ALL: [Self; 4] = [
        Self::UnknownBusiness,
        Self::NoRoute,
        Self::NotCarried,
        Self::NotOurs,
    ];

    /// The word in tables and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownBusiness => "unknown-business",
            Self::NoRoute => "no-route",
            Self::NotCarried => "not-carried",
            Self::NotOurs => "not-ours",
        }
    }

    /// Whether it was kept for lack of configuration, and can be taken in again once there is more.
    #[must_use]
    pub fn is_replayable(self) -> bool {
        matches!(self, Self::UnknownBusiness | Self::NoRoute)
    }
}

/// An item to be: what is remembered of it, and the link it can be had from, which is never remembered in the clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What is remembered.
    pub origin: Origin,
    /// Where the file can be had.
    pub link: Option<Link>,
}

/// What happens to an announcement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission<'a> {
    /// Items to be brought on their way, in the order in which they are to arrive.
    Carry(Vec<Member>),
    /// What became of one of our messages over this connection.
    Status(&'a Status, ConnectionId),
    /// The agent is writing to the customer of the target.
    Typing {
        /// Where it came in.
        from: ConnectionId,
        /// Whose customer is to see it.
        target: ConnectionId,
    },
    /// Kept with its slice of the webhook.
    Keep(KeptBecause),
    /// Of no use to anybody: typing that nobody can be shown.
    Drop,
}

/// Finds the connection and route of an announcement that came to `endpoint`, and what is to be done about it.
#[must_use]
pub fn admit<'a>(
    announcement: &'a Announcement,
    endpoint: &Endpoint,
    directory: &Directory,
) -> Admission<'a> {
    if matches!(announcement.said, Said::Notice(_)) {
        return Admission::Keep(KeptBecause::NotCarried);
    }
    let Some(connection) = directory.business(&endpoint.id, &announcement.business) else {
        return match announcement.said {
            Said::Typing => Admission::Drop,
            Said::Message(_) | Said::Status(_) | Said::Notice(_) => {
                Admission::Keep(KeptBecause::UnknownBusiness)
            }
        };
    };
    let message = match &announcement.said {
        Said::Message(message) => message,
        Said::Status(status) => return Admission::Status(status, connection.id.clone()),
        Said::Notice(_) => return Admission::Keep(KeptBecause::NotCarried),
        Said::Typing => {
            let target = directory.route(&connection.id).and_then(|r| r.to.clone());
            return match target {
                Some(target) if !endpoint.shadow => Admission::Typing {
                    from: connection.id.clone(),
                    target,
                },
                Some(_) | None => Admission::Drop,
            };
        }
    };
    match directory.route(&connection.id) {
        Some(route) => Admission::Carry(members(
            announcement,
            message,
            (connection, route),
            endpoint.shadow,
        )),
        None => Admission::Keep(KeptBecause::NoRoute),
    }
}

/// The items of a message, each after the one before.
fn members(
    announcement: &Announcement,
    message: &Message,
    (connection, route): (&Connection, &Route),
    shadow: bool,
) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::new();
    for (position, part) in message.parts.iter().enumerate() {
        let (attachment, content, link) = match part {
            Part::File(attachment) => (
                attachment.id.clone(),
                Content::File(attachment.file.clone()),
                attachment.link.clone(),
            ),
            Part::Words(text) => (
                words_part(position),
                Content::Words(Words {
                    text: text.clone(),
                    notice: false,
                }),
                None,
            ),
        };
        let origin = Origin {
            target: route.to.clone(),
            customer_name: announcement.customer_name.clone(),
            shadow,
            reference_only: connection.retention == Retention::ReferenceOnly,
            ..Origin::new(
                (connection.id.clone(), connection.profile().direction()),
                (announcement.message.clone(), attachment),
                (&announcement.customer, announcement.sent_at),
                content,
            )
        };
        members.push(Member { origin, link });
    }
    if members.len() > 1 {
        let bundle: Vec<MediaId> = members.iter().map(|m| m.origin.media_id()).collect();
        for member in &mut members {
            member.origin.bundle.clone_from(&bundle);
        }
    }
    members
}

/// The name of words by their position: the first words of a message are named alike in every message.
fn words_part(position: usize) -> AttachmentId {
    let first = FollowUp::Words.part(&AttachmentId::new(""));
    if position == 0 {
        first
    } else {
        AttachmentId::new(format!("{first}/{position}"))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::origin::File;
    use super::super::said::{Attachment, MediaKind};
    use super::*;
    use crate::connection::tests::{directory, endpoint};
    use crate::connection::{Directory, Row};
    use crate::ids::MessageId;
    use crate::time::Timestamp;

    fn file(id: &str, caption: Option<&str>) -> Part {
        Part::File(Box::new(Attachment {
            id: AttachmentId::new(id),
            file: File {
                kind: MediaKind::Image,
                declared_type: Some("image/jpeg".to_owned()),
                file_name: None,
                digest: None,
                size_bytes: None,
                caption: caption.map(str::to_owned),
            },
            link: None,
        }))
    }

    pub(crate) fn announcement() -> Announcement {
        saying(Said::Message(Message {
            parts: vec![file("1003383421387256", Some("Taj Mahal"))],
            answers: None,
            takes_back: None,
        }))
    }

    fn saying(said: Said) -> Announcement {
        Announcement {
            business: "106540352242922".to_owned(),
            message: MessageId::new(
                "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA=",
            ),
            customer: "16505551234".to_owned(),
            customer_name: Some("Sheena Nelson".to_owned()),
            sent_at: Timestamp::from_seconds(1_744_344_496),
            said,
            slice: "{}".to_owned(),
        }
    }

    pub(crate) fn origin() -> Origin {
        match admit(&announcement(), &endpoint(), &directory()) {
            Admission::Carry(mut members) => members.remove(0).origin,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn routed_kept_and_why() {
        assert_eq!(origin().target.unwrap().as_str(), "genesys");
        let strange = Announcement {
            business: "1".to_owned(),
            ..announcement()
        };
        let notice = saying(Said::Notice("account_update".to_owned()));
        let routeless = Directory::new([Row::Connection(crate::connection::tests::whatsapp())]);
        for (announcement, directory, expected) in [
            (&strange, &directory(), KeptBecause::UnknownBusiness),
            (&notice, &directory(), KeptBecause::NotCarried),
            (&announcement(), &routeless, KeptBecause::NoRoute),
        ] {
            let admission = admit(announcement, &endpoint(), directory);
            assert_eq!(admission, Admission::Keep(expected), "{announcement:?}");
        }
        let typing = saying(Said::Typing);
        assert_eq!(admit(&typing, &endpoint(), &routeless), Admission::Drop);
    }

    #[test]
    fn parts_come_one_after_the_other() {
        let parts = vec![
            file("1", None),
            Part::Words("and".to_owned()),
            file("2", None),
        ];
        let album = saying(Said::Message(Message {
            parts,
            answers: None,
            takes_back: None,
        }));
        let (endpoint, directory) = (endpoint(), directory());
        let Admission::Carry(members) = admit(&album, &endpoint, &directory) else {
            panic!("carried");
        };
        let ids: Vec<_> = members.iter().map(|m| m.origin.media_id()).collect();
        let before: Vec<_> = members.iter().map(|m| m.origin.predecessor()).collect();
        assert_eq!(before, [None, Some(&ids[0]), Some(&ids[1])]);
        let wires: std::collections::BTreeSet<_> =
            members.iter().map(|m| m.origin.wire_message()).collect();
        assert_eq!(wires.len(), 3, "each has an id of its own on the wire");
    }

    #[test]
    fn a_watching_endpoint_marks_what_it_takes_in() {
        let watching = Endpoint {
            shadow: true,
            ..endpoint()
        };
        let (album, directory) = (announcement(), directory());
        let Admission::Carry(members) = admit(&album, &watching, &directory) else {
            panic!("carried");
        };
        assert!(members[0].origin.shadow);
        assert_eq!(
            admit(&saying(Said::Typing), &watching, &directory),
            Admission::Drop
        );
    }
}
