//! What becomes of a file at its target: the plan, from the matrix and what the bytes turned out to be.
//!
//! The first that holds is taken: the original as it is called, or as its bytes are; a rendition that would fit; a link;
//! for office files, words that say what it is; refused. All but the first and the last are the owner's to allow ([`Ways`]).

use data_encoding::BASE64;

use super::limits::{Fit, Layer, Limits, Media, Misfit};
use super::matrix::{Direction, Kind, Matrix};
use super::media_type::{MediaType, codec_of, is_known_extension};
use super::taken::{Refused, Taken};
use super::ways::{self, Ways};
use super::wire_name::{display_name, wire_name_among};
use crate::connection::Connection;
use crate::event::Origin;
use crate::time::Timestamp;
use crate::verdict::{Delivery, Plan, Refusal};

/// The longest caption that goes with words in its file's place, in characters: as long as channels let go with files, so that
/// a link has room beside it.
const LONGEST_CAPTION_IN_WORDS: u32 = 1024;

/// So many of a channel's types are named to a person.
const NAMED_TYPES: usize = 8;

/// What the bytes of a file turned out to be.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// Their type, with its codec where one name covers several: `audio/ogg; codecs=opus`.
    pub content_type: &'a str,
    /// What a person calls it.
    pub label: &'a str,
    /// Whether it is a moving picture of a type that can also be still.
    pub animated: bool,
    /// Their number.
    pub bytes: u64,
}

/// A file that somebody wants to be delivered: what its sender says of it, and what it is.
#[derive(Clone, Copy, Debug)]
pub struct Offered<'a> {
    /// Its name; `None`: it has none.
    pub file_name: Option<&'a str>,
    /// The type it was declared with, parameters included.
    pub declared: Option<&'a str>,
    /// Words with it.
    pub caption: Option<&'a str>,
    /// Whether they are on their way already, as words of their own.
    pub caption_left: bool,
    /// What it is.
    pub found: Found<'a>,
}

/// Where it is to go.
#[derive(Clone, Debug)]
pub struct Channel<'a> {
    /// What people call it.
    pub title: &'a str,
    /// Which way it goes.
    pub direction: Direction,
    /// What holds there.
    pub limits: Limits<'a>,
}

/// What is known of a file's way beside the matrix.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// What is known of its target.
    pub taken: &'a Taken,
    /// What the target refused of this very file.
    pub refused: Option<&'a Refused>,
    /// Whether a rendition of it was refused. There is one of a file, and no other is made of it.
    pub converted: bool,
    /// What was planned for it before, if it is planned anew.
    pub before: Option<&'a Plan>,
    /// Now.
    pub now: Timestamp,
}

/// What the target of `origin` allows for a file whose bytes are `found`, as far as is `known`.
#[must_use]
pub fn plan(
    origin: &Origin,
    target: Option<&Connection>,
    known: Known<'_>,
    found: Found<'_>,
) -> Plan {
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
    let Some(limits) = Matrix::shipped().limits(profile.as_str(), origin.direction) else {
        let reason = format!("Nothing is known of what {profile} takes.");
        return rejected("channel.unknown", reason);
    };
    let limits = known.taken.narrow(limits, known.now).within(&target.limits);
    let channel = Channel {
        title: target.channel_name(),
        direction: origin.direction,
        limits: match known.refused.filter(|refused| refused.holds(known.now)) {
            Some(refused) => limits.refusing(refused),
            None => limits,
        },
    };
    let file = origin.file();
    let offered = Offered {
        file_name: file.and_then(|file| file.file_name.as_deref()),
        declared: file.and_then(|file| file.declared_type.as_deref()),
        caption: file.and_then(|file| file.caption.as_deref()),
        caption_left: known.before.is_some_and(Plan::leaves_caption),
        found,
    };
    let ways = Ways {
        convert: target.ways.convert && !known.converted,
        ..target.ways
    };
    plan_for(&channel, &offered, ways)
}

/// What `channel` allows for a file, if the owner allows these ways out.
#[must_use]
pub fn plan_for(channel: &Channel<'_>, offered: &Offered<'_>, ways: Ways) -> Plan {
    let found = offered.found;
    let Ok(media_type) = MediaType::parse(found.content_type) else {
        let reason = "Its type has no name that could be put on the wire.";
        return rejected("channel.unknown", reason.to_owned());
    };
    let fit = channel.limits.fit(Media {
        media_type: &media_type,
        codec: codec_of(found.content_type).as_deref(),
        bytes: found.bytes,
        animated: found.animated,
    });
    let misfit = match fit {
        Ok(fit) => {
            let delivery = delivery(channel, offered, &fit, &media_type);
            return if is_as_called(offered, &delivery) {
                Plan::AsIs(delivery)
            } else {
                Plan::ReTyped(delivery)
            };
        }
        Err(misfit) => misfit,
    };
    let why = refusal(channel, offered, misfit);
    if ways.convert
        && let Some((to, fit)) = ways::rendition(&channel.limits, &media_type, found.bytes)
    {
        return Plan::Converted {
            to: delivery(channel, offered, &fit, &to),
            max_bytes: fit.max_bytes,
            why,
        };
    }
    let name = display_name(offered.file_name, &media_type);
    let caption_apart = leaves_caption(channel, offered, Some(LONGEST_CAPTION_IN_WORDS));
    if ways.link {
        Plan::Link {
            mime: media_type.to_string(),
            name,
            caption_apart,
            why,
        }
    } else if ways.summary && ways::is_office(&media_type) {
        let (label, size, title) = (found.label, megabytes(found.bytes), channel.title);
        let text = format!("{name} ({label}, {size}): {title} does not carry files like this one.");
        Plan::Summary {
            text: match ways.base64_summary {
                true => BASE64.encode(text.as_bytes()),
                false => text,
            },
            caption_apart,
            why,
        }
    } else {
        Plan::Rejected(why)
    }
}

fn rejected(code: &str, reason: String) -> Plan {
    Plan::Rejected(Refusal {
        code: code.to_owned(),
        reason,
    })
}

/// How it goes out as `media_type`, which fits like this.
fn delivery(
    channel: &Channel<'_>,
    offered: &Offered<'_>,
    fit: &Fit,
    media_type: &MediaType,
) -> Delivery {
    Delivery {
        mime: fit.declare.clone(),
        name: wire_name_among(offered.file_name, media_type, &fit.extensions),
        // A channel that does not sort is told nothing.
        kind: (fit.kind != Kind::Any).then_some(fit.kind),
        caption_apart: leaves_caption(channel, offered, fit.caption_chars),
    }
}

/// Does the caption go out as words of its own, where at most so many characters go with what goes out?
fn leaves_caption(channel: &Channel<'_>, offered: &Offered<'_>, most: Option<u32>) -> bool {
    let is_longer =
        |caption: &str| most.is_some_and(|most| caption.chars().count() > most as usize);
    channel.direction == Direction::ToCustomer
        && offered
            .caption
            .is_some_and(|caption| offered.caption_left || is_longer(caption))
}

/// Does it go out under the type and the ending that its sender gave it, or that nobody contradicts?
fn is_as_called(offered: &Offered<'_>, delivery: &Delivery) -> bool {
    let plain = |text: &str| text.replace(' ', "").to_ascii_lowercase();
    let said = plain(offered.declared.unwrap_or(offered.found.content_type));
    let wire = plain(&delivery.mime);
    // Parameters that the channel's spelling does not have are dropped: a character set, say.
    let is_type = said == wire || said.split(';').next() == Some(&wire);
    let ending = |name: &str| {
        let (_, extension) = name.rsplit_once('.')?;
        Some(extension.to_ascii_lowercase())
    };
    let given = offered.file_name.and_then(ending);
    let is_ending = given
        .filter(|given| is_known_extension(given))
        .is_none_or(|given| ending(&delivery.name) == Some(given));
    is_type && is_ending
}

fn refusal(channel: &Channel<'_>, offered: &Offered<'_>, misfit: Misfit) -> Refusal {
    let (title, content_type) = (channel.title, offered.found.content_type);
    let (code, reason) = match misfit {
        Misfit::Type => (
            "channel.type",
            format!(
                "{title} does not take files of type {content_type}. It takes {}.",
                allowed(&channel.limits)
            ),
        ),
        Misfit::Refused => (
            "channel.refused",
            format!(
                "{title} takes files of type {content_type}, and refused this one. Send it in another form."
            ),
        ),
        Misfit::Size {
            limit_bytes,
            bound_by: Layer::Learnt,
        } => (
            "channel.size",
            format!(
                "The file has {}, and {title} refused one of {} as too large, although it says that it takes larger ones. Send a smaller one.",
                megabytes(offered.found.bytes),
                megabytes(limit_bytes.saturating_add(1))
            ),
        ),
        Misfit::Size { limit_bytes, .. } => (
            "channel.size",
            format!(
                "The file has {}, and {title} takes at most {} of type {content_type}. Send a smaller one.",
                megabytes(offered.found.bytes),
                megabytes(limit_bytes)
            ),
        ),
    };
    Refusal {
        code: code.to_owned(),
        reason,
    }
}

/// The channel's types, for a person.
fn allowed(limits: &Limits<'_>) -> String {
    let mut all: Vec<String> = Vec::new();
    for spelling in limits.types().map(ToString::to_string) {
        if !all.contains(&spelling) {
            all.push(spelling);
        }
    }
    let mut named = all
        .iter()
        .take(NAMED_TYPES)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if all.is_empty() {
        named.push_str("nothing");
    } else if all.len() > NAMED_TYPES {
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
    use crate::channels::taken::Objection;
    use crate::connection::tests::{genesys, whatsapp};
    use crate::event::{Content, origin};

    fn plan(origin: &Origin, target: Option<&Connection>, found: Found<'_>) -> Plan {
        plan_knowing(origin, target, (None, false, None), found)
    }

    fn plan_knowing(
        origin: &Origin,
        target: Option<&Connection>,
        (refused, converted, before): (Option<&Refused>, bool, Option<&Plan>),
        found: Found<'_>,
    ) -> Plan {
        let known = Known {
            taken: &Taken::default(),
            refused,
            converted,
            before,
            now: Timestamp::from_seconds(100),
        };
        super::plan(origin, target, known, found)
    }

    fn found(content_type: &str, bytes: u64) -> Found<'_> {
        Found {
            content_type,
            label: "file",
            animated: false,
            bytes,
        }
    }

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
                match plan(&origin, Some(target), found(mime, 1000)) {
                    Plan::AsIs(Delivery { name, .. }) | Plan::ReTyped(Delivery { name, .. }) => {
                        let given = name.rsplit('.').next();
                        assert!(
                            given.is_some_and(|given| extensions.contains(&given)),
                            "{mime}: {name}"
                        );
                    }
                    Plan::Rejected(Refusal { code, reason }) => {
                        assert_eq!(code, "channel.type", "{mime}");
                        let (type_named, takes) =
                            (reason.contains(mime), reason.contains("It takes "));
                        assert!(type_named && takes, "{reason}");
                    }
                    other => panic!("{mime}: {other:?}"),
                }
            }
        }
    }

    #[test]
    fn what_the_channels_limits_make_of_real_files() {
        let whatsapp = whatsapp();
        let genesys = genesys();
        let reason = |plan| match plan {
            Plan::Rejected(Refusal { code, reason }) => format!("{code}: {reason}"),
            Plan::AsIs(it) | Plan::ReTyped(it) => {
                format!("{} {} {:?} {}", it.mime, it.name, it.kind, it.caption_apart)
            }
            other => other.as_str().to_owned(),
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
                "channel.type: WhatsApp does not take files of type image/heic. It takes image/jpeg, image/png, audio/aac, audio/amr, audio/mpeg, audio/mp4, audio/ogg; codecs=opus, video/mp4 and a few more.",
            ),
            (
                outgoing("hi"),
                Some(&whatsapp),
                "video/quicktime",
                1000,
                "channel.type: WhatsApp does not take files of type video/quicktime. It takes image/jpeg, image/png, audio/aac, audio/amr, audio/mpeg, audio/mp4, audio/ogg; codecs=opus, video/mp4 and a few more.",
            ),
            (
                outgoing("hi"),
                Some(&whatsapp),
                "image/gif",
                1000,
                "channel.type: WhatsApp does not take files of type image/gif. It takes image/jpeg, image/png, audio/aac, audio/amr, audio/mpeg, audio/mp4, audio/ogg; codecs=opus, video/mp4 and a few more.",
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
                "keep",
            ),
        ] {
            assert_eq!(reason(plan(&origin, target, found(mime, size))), expected);
        }
    }

    fn channel(profile: &str) -> Channel<'static> {
        let direction = Direction::ToCustomer;
        Channel {
            title: "It",
            direction,
            limits: Matrix::shipped().limits(profile, direction).unwrap(),
        }
    }

    #[test]
    fn a_file_is_re_typed_where_its_sender_called_it_otherwise() {
        // What it is, what it was declared as, what it was named | what becomes of it.
        for row in [
            "image/jpeg, image/jpeg, a.JPG | as-is image/jpeg a.jpg",
            "image/jpeg, -, - | as-is image/jpeg file.jpg",
            "image/jpeg, -, a | as-is image/jpeg a.jpg",
            "image/jpeg, image/jpg, a.jpg | re-typed image/jpeg a.jpg",
            "image/jpeg, application/octet-stream, a.jpg | re-typed image/jpeg a.jpg",
            "image/jpeg, image/jpeg, a.png | re-typed image/jpeg a.jpg",
            "audio/ogg; codecs=opus, audio/ogg;codecs=opus, - | as-is audio/ogg; codecs=opus file.ogg",
            "audio/ogg; codecs=opus, audio/ogg, v.opus | re-typed audio/ogg; codecs=opus v.opus",
            "audio/ogg; codecs=vorbis, audio/ogg, - | rejected",
            "video/3gpp, video/3gpp, v.3gp | re-typed video/3gp v.3gp",
            "text/plain, text/plain; charset=utf-8, a.txt | as-is text/plain a.txt",
            "text/plain, text/plain, a.log | re-typed text/plain a.txt",
        ] {
            let (asked, expected) = row.split_once(" | ").unwrap();
            let said: Vec<Option<&str>> = asked
                .split(", ")
                .map(|part| Some(part).filter(|part| *part != "-"))
                .collect();
            let offered = Offered {
                file_name: said[2],
                declared: said[1],
                caption: None,
                caption_left: false,
                found: found(said[0].unwrap(), 1000),
            };
            let plan = plan_for(&channel("whatsapp"), &offered, Ways::default());
            let wire = plan
                .delivery()
                .map(|it| format!(" {} {}", it.mime, it.name));
            let planned = format!("{}{}", plan.as_str(), wire.unwrap_or_default());
            assert_eq!(planned, expected, "{asked}");
        }
    }

    #[test]
    fn the_first_way_that_is_open_is_taken() {
        let ways = |open: &str| Ways {
            convert: open.contains("convert"),
            link: open.contains("link"),
            summary: open.contains("summary"),
            base64_summary: false,
        };
        // Channel, type, bytes, what is open | what becomes of it.
        for row in [
            "instagram image/png 10 convert,link,summary | as-is",
            "instagram image/png 9000000 convert,link | converted to image/jpeg, 8000000",
            "instagram image/tiff 10 convert,link | converted to image/jpeg, 8000000",
            "instagram text/csv 10 convert,link | converted to application/pdf, 25000000",
            "instagram image/heic 10 convert,link,summary | link",
            "instagram image/heic 10 convert,summary | rejected",
            "instagram video/mp4 26000000 convert,link | link",
            "instagram video/mp4 26000000 convert | rejected",
            "instagram application/msword 10 convert,link,summary | link",
            "instagram application/msword 10 summary | summary",
            "instagram application/msword 10 none | rejected",
            "instagram application/zip 10 summary | rejected",
            "whatsapp application/msword 10 convert,link,summary | as-is",
        ] {
            let (asked, expected) = row.split_once(" | ").unwrap();
            let asked: Vec<&str> = asked.split(' ').collect();
            let offered = Offered {
                file_name: Some("x"),
                declared: None,
                caption: None,
                caption_left: false,
                found: found(asked[1], asked[2].parse().unwrap()),
            };
            let plan = plan_for(&channel(asked[0]), &offered, ways(asked[3]));
            let planned = match &plan {
                Plan::Converted { to, max_bytes, .. } => {
                    format!("converted to {}, {max_bytes}", to.mime)
                }
                other => other.as_str().to_owned(),
            };
            assert_eq!(planned, expected, "{asked:?}");
            let is_explained = plan.refusal().is_some_and(|why| !why.reason.is_empty());
            assert_eq!(is_explained, expected != "as-is");
            if let Plan::Summary { text, .. } = plan {
                let words = "x.doc (file, 0.1 MB): It does not carry files like this one.";
                assert_eq!(text, words);
            }
        }
    }

    #[test]
    fn a_summary_for_programs_is_in_base64() {
        let mut target = whatsapp();
        target.limits.types = Some(Vec::new());
        let mut said = |base64_summary| {
            target.ways = Ways {
                summary: true,
                base64_summary,
                ..Ways::default()
            };
            match plan(
                &outgoing(""),
                Some(&target),
                found("application/msword", 10),
            ) {
                Plan::Summary { text, .. } => text,
                other => panic!("{other:?}"),
            }
        };
        let (words, encoded) = (said(false), said(true));
        assert!(words.contains("does not carry"), "{words}");
        assert_eq!(BASE64.decode(encoded.as_bytes()).unwrap(), words.as_bytes());
    }

    #[test]
    fn a_caption_that_left_already_goes_with_nothing_else() {
        let mut target = whatsapp();
        target.ways.link = true;
        let origin = outgoing("hi");
        let sound = plan(&origin, Some(&target), found("audio/mpeg", 1000));
        assert!(sound.leaves_caption());
        for (before, caption, expected) in [
            (None, "hi".to_owned(), false),
            (None, "x".repeat(1025), true),
            (Some(&sound), "hi".to_owned(), true),
        ] {
            let origin = outgoing(&caption);
            let known = (None, false, before);
            let plan = plan_knowing(&origin, Some(&target), known, found("text/csv", 1000));
            assert_eq!(plan.as_str(), "link");
            assert_eq!(plan.leaves_caption(), expected, "{caption}");
        }
    }

    #[test]
    fn a_refused_file_is_planned_anew_in_another_form() {
        let all = Ways {
            convert: true,
            link: true,
            summary: true,
            base64_summary: false,
        };
        let none = Ways::default();
        // What it is, what its target says of it, whether that was a rendition, what is allowed | what becomes of it.
        for (content_type, objection, converted, ways, expected) in [
            ("image/png", Objection::TooLarge, false, all, "converted"),
            ("image/png", Objection::TooLarge, true, all, "link"),
            (
                "application/pdf",
                Objection::TooLarge,
                false,
                none,
                "channel.size",
            ),
            ("image/png", Objection::Unsupported, false, all, "converted"),
            (
                "image/png",
                Objection::Unsupported,
                false,
                none,
                "channel.refused",
            ),
            ("video/3gpp", Objection::Unsupported, false, all, "link"),
        ] {
            let mut target = whatsapp();
            target.ways = ways;
            let origin = outgoing("");
            let before = plan(&origin, Some(&target), found(content_type, 1000));
            let sent = before.delivery().unwrap().clone();
            let refused = Refused::by(
                &target,
                Direction::ToCustomer,
                (sent.kind.unwrap(), &sent.mime, 1000),
                objection,
                Timestamp::from_seconds(99),
            );
            let known = (Some(&refused), converted, Some(&before));
            let plan = plan_knowing(&origin, Some(&target), known, found(content_type, 1000));
            let outcome = match &plan {
                Plan::Rejected(why) => why.code.as_str(),
                other => other.as_str(),
            };
            assert_eq!(outcome, expected, "{content_type} {objection:?}");
            let reason = &plan.refusal().unwrap().reason;
            assert!(reason.contains("refused"), "{reason}");
        }
    }

    #[test]
    fn the_owners_limits_hold_and_nothing_is_converted_unasked() {
        let mut target = whatsapp();
        target.limits.max_bytes = Some(1000);
        let origin = outgoing("");
        let fits = plan(&origin, Some(&target), found("application/pdf", 1000));
        assert!(fits.delivery().is_some());
        for (content_type, bytes, expected) in [
            ("application/pdf", 1001, "channel.size"),
            ("image/gif", 10, "channel.type"),
            ("image/png", 6_000_000, "channel.size"),
        ] {
            match plan(&origin, Some(&target), found(content_type, bytes)) {
                Plan::Rejected(why) => assert_eq!(why.code, expected),
                other => panic!("{content_type}: {other:?}"),
            }
        }
    }
}
