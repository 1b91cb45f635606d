//! What becomes of a file at its target: the plan, from the matrix and what the bytes turned out to be.

use super::matrix::{Direction, Fit, Kind, Limits, Media, Misfit};
use super::media_type::MediaType;
use super::wire_name::wire_name;
use crate::connection::Connection;
use crate::event::Origin;
use crate::verdict::Plan;

/// So many of a channel's types are named to a person.
const NAMED_TYPES: usize = 8;

/// What the target of `origin` allows for a file whose bytes are of type `mime` and `size_bytes` long.
#[must_use]
pub fn plan(origin: &Origin, target: Option<&Connection>, mime: &str, size_bytes: u64) -> Plan {
    let rejected = |code: &str, reason: String| Plan::Rejected {
        code: code.to_owned(),
        reason,
    };
    let Some(target) = target else {
        return match &origin.target {
            None => Plan::Keep,
            Some(id) => rejected(
                "ours.connection-removed",
                format!("The connection {id} it was meant for is not configured."),
            ),
        };
    };
    let profile = target.profile();
    let Ok(media_type) = MediaType::parse(mime) else {
        let reason = "Its type has no name that could be put on the wire.";
        return rejected("channel.unknown", reason.to_owned());
    };
    let Some(limits) = Limits::of(profile.as_str(), origin.direction) else {
        let reason = format!("Nothing is known of what {profile} takes.");
        return rejected("channel.unknown", reason);
    };
    let media = Media {
        media_type: &media_type,
        bytes: size_bytes,
        animated: false,
    };
    match limits.fit(media) {
        Ok(fit) => as_is(origin, fit, &media_type),
        Err(Misfit::Type) => rejected(
            "channel.type",
            format!(
                "{} does not take files of type {mime}. It takes {}.",
                target.channel_name(),
                allowed(&limits)
            ),
        ),
        Err(Misfit::Size { limit_bytes }) => rejected(
            "channel.size",
            format!(
                "The file has {}, and {} takes at most {} of type {mime}. Send a smaller one.",
                megabytes(size_bytes),
                target.channel_name(),
                megabytes(limit_bytes)
            ),
        ),
    }
}

fn as_is(origin: &Origin, fit: Fit, media_type: &MediaType) -> Plan {
    let file = origin.file();
    let caption = file.and_then(|file| file.caption.as_deref());
    let fits = |caption: &str| {
        fit.caption_chars
            .is_none_or(|most| caption.chars().count() <= most as usize)
    };
    Plan::AsIs {
        mime: fit.declare,
        name: wire_name(file.and_then(|file| file.file_name.as_deref()), media_type),
        // A channel that does not sort is told nothing.
        kind: (fit.kind != Kind::Any).then_some(fit.kind),
        caption_apart: origin.direction == Direction::ToCustomer
            && caption.is_some_and(|caption| !fits(caption)),
    }
}

/// The channel's types, for a person.
fn allowed(limits: &Limits<'_>) -> String {
    let all: Vec<String> = limits.types().map(ToString::to_string).collect();
    let mut named = all
        .iter()
        .take(NAMED_TYPES)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if all.len() > NAMED_TYPES {
        named.push_str(" and a few more");
    }
    named
}

fn megabytes(bytes: u64) -> String {
    let tenths = bytes.div_ceil(100_000);
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::known_types::KNOWN;
    use crate::connection::tests::{genesys, whatsapp};
    use crate::event::{Content, origin};

    fn outgoing(caption: &str) -> Origin {
        let mut origin = Origin {
            direction: Direction::ToCustomer,
            target: Some(whatsapp().id),
            ..origin()
        };
        if let Content::File(file) = &mut origin.content {
            file.caption = Some(caption.to_owned());
            file.file_name = Some("Rechnung März (1).pdf".to_owned());
        }
        origin
    }

    #[test]
    fn every_type_we_know_has_an_outcome_in_words() {
        let (whatsapp, genesys) = (whatsapp(), genesys());
        for (mime, extensions, _) in KNOWN {
            for (origin, target) in [(outgoing(""), &whatsapp), (origin(), &genesys)] {
                match plan(&origin, Some(target), mime, 1000) {
                    Plan::AsIs { name, .. } => {
                        let given = name.rsplit('.').next();
                        assert!(
                            given.is_some_and(|given| extensions.contains(&given)),
                            "{mime}: {name}"
                        );
                    }
                    Plan::Rejected { code, reason } => {
                        assert_eq!(code, "channel.type", "{mime}");
                        let (type_named, takes) =
                            (reason.contains(mime), reason.contains("It takes "));
                        assert!(type_named && takes, "{reason}");
                    }
                    Plan::Keep => panic!("{mime} is kept"),
                }
            }
        }
    }

    #[test]
    fn what_the_channels_limits_make_of_real_files() {
        let whatsapp = whatsapp();
        let genesys = genesys();
        let reason = |plan| match plan {
            Plan::Rejected { code, reason } => format!("{code}: {reason}"),
            Plan::AsIs {
                mime,
                name,
                kind,
                caption_apart,
            } => format!("{mime} {name} {kind:?} {caption_apart}"),
            Plan::Keep => "kept".to_owned(),
        };
        for (origin, target, mime, size, expected) in [
            (
                outgoing("hi"),
                Some(&whatsapp),
                "application/pdf",
                1000,
                "application/pdf Rechnung_Maerz_1.pdf Some(Document) false",
            ),
            (
                outgoing("hi"),
                Some(&whatsapp),
                "audio/mpeg",
                1000,
                "audio/mpeg Rechnung_Maerz_1.mp3 Some(Audio) true",
            ),
            (
                outgoing(&"x".repeat(1025)),
                Some(&whatsapp),
                "image/png",
                1000,
                "image/png Rechnung_Maerz_1.png Some(Image) true",
            ),
            (
                outgoing("hi"),
                Some(&whatsapp),
                "image/heic",
                1000,
                "channel.type: WhatsApp does not take files of type image/heic. It takes image/jpeg, image/png, audio/aac, audio/amr, audio/mpeg, audio/mp4, audio/ogg, video/mp4 and a few more.",
            ),
            (
                outgoing("hi"),
                Some(&whatsapp),
                "video/quicktime",
                1000,
                "channel.type: WhatsApp does not take files of type video/quicktime. It takes image/jpeg, image/png, audio/aac, audio/amr, audio/mpeg, audio/mp4, audio/ogg, video/mp4 and a few more.",
            ),
            (
                outgoing("hi"),
                Some(&whatsapp),
                "image/gif",
                1000,
                "channel.type: WhatsApp does not take files of type image/gif. It takes image/jpeg, image/png, audio/aac, audio/amr, audio/mpeg, audio/mp4, audio/ogg, video/mp4 and a few more.",
            ),
            (
                origin(),
                Some(&genesys),
                "video/mp4",
                30_000_000,
                "channel.size: The file has 30.0 MB, and Genesys Cloud takes at most 25.0 MB of type video/mp4. Send a smaller one.",
            ),
            (
                origin(),
                Some(&genesys),
                "image/heic",
                1000,
                "image/heic file.heic None false",
            ),
            (
                origin(),
                None,
                "image/png",
                1,
                "ours.connection-removed: The connection genesys it was meant for is not configured.",
            ),
            (
                Origin {
                    target: None,
                    ..origin()
                },
                None,
                "image/png",
                1,
                "kept",
            ),
        ] {
            assert_eq!(reason(plan(&origin, target, mime, size)), expected);
        }
    }
}
