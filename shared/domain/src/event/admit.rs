//! Which connection and route an announcement belongs to, and which items it becomes.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::origin::{Content, File, FollowUp, Origin, Words};
use super::said::{Announcement, Attachment, Link, Part, Reached, Said, Status};
use crate::channels::LongestText;
use crate::connection::{Connection, Directory, Endpoint, Retention, Route};
use crate::ids::{AttachmentId, ConnectionId, MediaId};
use crate::processing::Completion;

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
    /// The status of a message, or the end of an upload, that is not one of ours.
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
    /// What became of all our messages to the customer over this connection up to a moment.
    Reached(&'a Reached, ConnectionId),
    /// What became of one of our uploads over this connection.
    Completion(&'a Completion, ConnectionId),
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
            Said::Message(_)
            | Said::Status(_)
            | Said::Reached(_)
            | Said::Completion(_)
            | Said::Notice(_) => Admission::Keep(KeptBecause::UnknownBusiness),
        };
    };
    let message = match &announcement.said {
        Said::Message(message) => message,
        Said::Status(status) => return Admission::Status(status, connection.id.clone()),
        Said::Reached(reached) => return Admission::Reached(reached, connection.id.clone()),
        Said::Completion(completion) => {
            return Admission::Completion(completion, connection.id.clone());
        }
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
        Some(route) => {
            let target = route.to.as_ref().and_then(|id| directory.connection(id));
            let longest = target.and_then(|target| target.profile().longest_text());
            let parts = fitting(&message.parts, longest);
            Admission::Carry(members(
                announcement,
                &parts,
                (connection, route),
                endpoint.shadow,
            ))
        }
        None => Admission::Keep(KeptBecause::NoRoute),
    }
}

/// The parts of a message, where no words are longer than their target takes: what is left of a caption goes behind its file.
fn fitting(parts: &[Part], longest: Option<LongestText>) -> Cow<'_, [Part]> {
    let Some(longest) = longest else {
        return Cow::Borrowed(parts);
    };
    let mut fitting = Vec::with_capacity(parts.len());
    for part in parts {
        let words = match part {
            Part::Words(words) => Some(words),
            Part::File(attachment) => attachment.file.caption.as_ref(),
        };
        let mut pieces = words
            .map(|it| longest.pieces(it))
            .unwrap_or_default()
            .into_iter();
        match part {
            Part::File(attachment) => {
                let caption = pieces.next().map(str::to_owned);
                let file = File {
                    caption,
                    ..attachment.file.clone()
                };
                let attachment = (**attachment).clone();
                fitting.push(Part::File(Box::new(Attachment { file, ..attachment })));
            }
            // Words that say nothing stay what they are.
            Part::Words(words) if words.is_empty() => fitting.push(part.clone()),
            Part::Words(_) => {}
        }
        fitting.extend(pieces.map(|piece| Part::Words(piece.to_owned())));
    }
    Cow::Owned(fitting)
}

/// The items of a message, each after the one before.
fn members(
    announcement: &Announcement,
    parts: &[Part],
    (connection, route): (&Connection, &Route),
    shadow: bool,
) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::new();
    for (position, part) in parts.iter().enumerate() {
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
    use super::super::said::{MediaKind, Message};
    use super::*;
    use crate::connection::tests::{directory, endpoint};
    use crate::connection::{Directory, Row};
    use crate::ids::{EndpointId, MessageId};
    use crate::time::Timestamp;

    /// WhatsApp's.
    const LONGEST: usize = 4096;

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
    fn words_longer_than_the_target_takes_come_in_pieces() {
        let long = "\u{e4}".repeat(LONGEST + 1);
        let parts = vec![file("1", Some(&long)), Part::Words(long)];
        let long = saying(Said::Message(Message {
            parts,
            answers: None,
            takes_back: None,
        }));
        let to_customer = Announcement {
            business: "2d1f6a3c".to_owned(),
            ..long
        };
        let endpoint = Endpoint {
            id: EndpointId::new("genesys"),
            ..endpoint()
        };
        let directory = directory();
        let Admission::Carry(members) = admit(&to_customer, &endpoint, &directory) else {
            panic!("carried");
        };
        let lengths: Vec<_> = members
            .iter()
            .map(|member| match &member.origin.content {
                Content::Words(words) => words.text.chars().count(),
                Content::File(file) => file.caption.as_ref().unwrap().chars().count(),
                Content::Receipt(_) => 0,
            })
            .collect();
        assert_eq!(lengths, [LONGEST, 1, LONGEST, 1]);
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
