//! The rows of one profile in one direction, narrowed by what is known at run time: what holds is the least of what the
//! platform, the channel, its live configuration and the owner say, and of what the platform was seen to refuse.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::matrix::{Kind, Row};
use super::media_type::{MediaType, TypePattern};
use super::taken::{Objection, Refused};

/// Who sets a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// Whoever runs the channel, on all of its channels.
    Platform,
    /// The channel itself.
    #[default]
    Channel,
    /// The configuration of this integration or page, as the platform tells it.
    Live,
    /// Nobody: the platform refused what everybody else allows.
    Learnt,
    /// The owner, in `connections.toml`.
    Owner,
}

impl Layer {
    /// The word used in JSON and for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Channel => "channel",
            Self::Live => "live",
            Self::Learnt => "learnt",
            Self::Owner => "owner",
        }
    }
}

/// What somebody allows beyond the published limits: never more than this, never another type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// The most bytes of a file; `None`: as the channel says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// The only types; `None`: as the channel says, an empty list: none at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<TypePattern>>,
}

impl Bounds {
    /// Whether nothing is narrowed.
    #[must_use]
    pub fn are_open(&self) -> bool {
        self.max_bytes.is_none() && self.types.is_none()
    }
}

/// What one profile takes in one direction.
#[derive(Clone, Debug)]
pub struct Limits<'a> {
    rows: Vec<Cow<'a, Row>>,
    /// Types that the platform refused of the one file they are asked for.
    refused: Vec<MediaType>,
}

/// A file as far as limits are concerned: what its bytes turned out to be.
#[derive(Clone, Copy, Debug)]
pub struct Media<'a> {
    /// Its type, from the bytes.
    pub media_type: &'a MediaType,
    /// What it is coded with, where that is not part of the type: `opus`.
    pub codec: Option<&'a str>,
    /// Its size.
    pub bytes: u64,
    /// Whether it is a moving picture of a type that can also be still.
    pub animated: bool,
}

/// Whether customers see a file where they read the message, or fetch it first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Render {
    /// It shows.
    Inline,
    /// It is there to be downloaded.
    Download,
}

impl Render {
    /// The word used in JSON and for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::Download => "download",
        }
    }
}

/// How a file fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fit {
    /// As what the channel takes it.
    pub kind: Kind,
    /// Its type in the channel's spelling: declare this.
    pub declare: String,
    /// The only extensions its name may have; empty: any of its type's.
    pub extensions: Vec<String>,
    /// The longest caption in characters: 0 for none, `None` where no limit is published.
    pub caption_chars: Option<u32>,
    /// How it shows; `None` where no source says.
    pub render: Option<Render>,
    /// How large it may be.
    pub max_bytes: u64,
    /// Who says so.
    pub bound_by: Layer,
    /// Where that is written, and when it was looked up.
    pub source: (String, String),
}

/// Why a file does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Misfit {
    /// The type is not allowed, at any size.
    #[error("the channel does not take this type")]
    Type,
    /// The type is allowed, but not as large.
    #[error("larger than the {limit_bytes} bytes the channel takes of this type")]
    Size {
        /// The most the channel takes.
        limit_bytes: u64,
        /// Who says so.
        bound_by: Layer,
    },
    /// The type is allowed, and the platform refused this very file.
    #[error("the channel takes this type, and refused this file")]
    Refused,
}

impl<'a> Limits<'a> {
    /// These rows, none above what their platform carries; `None` if there are none.
    pub(super) fn new(
        rows: impl Iterator<Item = &'a Row>,
        platform_bytes: Option<u64>,
    ) -> Option<Self> {
        let rows: Vec<_> = rows.map(Cow::Borrowed).collect();
        let refused = Vec::new();
        let limits = (!rows.is_empty()).then_some(Self { rows, refused })?;
        Some(limits.capped(platform_bytes, Layer::Platform))
    }

    /// As the platform's live configuration has it: its types stand in the place of the defaults of configurable rows, and
    /// nothing is larger than it says. An empty list allows nothing.
    #[must_use]
    pub fn with_live(mut self, live: &Bounds) -> Self {
        if let Some(types) = &live.types {
            for row in self.rows.iter_mut().filter(|row| row.live) {
                row.to_mut().types.clone_from(types);
            }
        }
        self.capped(live.max_bytes, Layer::Live)
    }

    /// As the owner allows: of each row what both take, and nothing larger.
    #[must_use]
    pub fn within(mut self, own: &Bounds) -> Self {
        if let Some(own) = &own.types {
            for row in &mut self.rows {
                let theirs = row.types.iter();
                let both = theirs.flat_map(|it| own.iter().filter_map(|own| it.and(own)));
                let both: Vec<_> = both.collect();
                row.to_mut().types = both;
            }
        }
        self.capped(own.max_bytes, Layer::Owner)
    }

    /// As a refusal teaches: nothing of the kind is as large as what was too large; what was not taken is not taken again.
    #[must_use]
    pub fn refusing(mut self, refused: &Refused) -> Self {
        match refused.objection {
            Objection::TooLarge => {
                let ceiling = refused.bytes.saturating_sub(1);
                let rows = self.rows.iter_mut();
                for row in rows.filter(|row| row.kind == refused.kind && row.max_bytes > ceiling) {
                    let row = row.to_mut();
                    (row.max_bytes, row.bound_by) = (ceiling, Layer::Learnt);
                }
            }
            Objection::Unsupported => self.refused.extend(MediaType::parse(&refused.mime).ok()),
        }
        self
    }

    fn capped(mut self, max_bytes: Option<u64>, by: Layer) -> Self {
        let Some(max_bytes) = max_bytes else {
            return self;
        };
        for row in self.rows.iter_mut().filter(|row| row.max_bytes > max_bytes) {
            let row = row.to_mut();
            (row.max_bytes, row.bound_by) = (max_bytes, by);
        }
        self
    }

    /// The allowed types as the channel spells them, for telling a person.
    pub fn types(&self) -> impl Iterator<Item = &TypePattern> {
        self.rows.iter().flat_map(|row| &row.types)
    }

    /// Does the channel take this file, and as what? The first row that does decides.
    ///
    /// # Errors
    /// [`Misfit`] with the largest limit among the rows of this type.
    pub fn fit(&self, media: Media<'_>) -> Result<Fit, Misfit> {
        if self.refused.contains(media.media_type) {
            return Err(Misfit::Refused);
        }
        let mut misfit = Misfit::Type;
        for row in self
            .rows
            .iter()
            .filter(|row| row.animated.is_none_or(|it| it == media.animated))
        {
            match (row.takes(&media), misfit) {
                (None, _) => {}
                (Some(pattern), _) if media.bytes <= row.max_bytes => {
                    return Ok(row.fit(pattern, &media));
                }
                (Some(_), Misfit::Size { limit_bytes, .. }) if limit_bytes >= row.max_bytes => {}
                (Some(_), _) => {
                    misfit = Misfit::Size {
                        limit_bytes: row.max_bytes,
                        bound_by: row.bound_by,
                    }
                }
            }
        }
        Err(misfit)
    }
}

impl Row {
    /// The pattern by which this row takes the file's type, if it does.
    fn takes(&self, media: &Media<'_>) -> Option<&TypePattern> {
        let mut types = self.types.iter();
        types.find(|pattern| pattern.allows(media.media_type, media.codec))
    }

    fn fit(&self, pattern: &TypePattern, media: &Media<'_>) -> Fit {
        let is_inline = |inline: &TypePattern| inline.allows(media.media_type, media.codec);
        let render = match self.inline.iter().any(is_inline) {
            true => Render::Inline,
            false => Render::Download,
        };
        let spelling = pattern.exact_spelling();
        Fit {
            kind: self.kind,
            declare: spelling.unwrap_or(media.media_type.as_str()).to_owned(),
            extensions: self.extensions.clone(),
            caption_chars: self.caption_chars,
            render: (!self.inline.is_empty()).then_some(render),
            max_bytes: self.max_bytes,
            bound_by: self.bound_by,
            source: (self.source.clone(), self.checked.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::matrix::{Direction, Matrix};
    use crate::channels::media_type::codec_of;
    use Direction::{ToAgent, ToCustomer};

    fn limits(profile: &str, direction: Direction) -> Limits<'static> {
        Matrix::shipped().limits(profile, direction).unwrap()
    }

    fn fit(limits: &Limits<'_>, text: &str, bytes: u64, animated: bool) -> Result<Fit, Misfit> {
        limits.fit(Media {
            media_type: &MediaType::parse(text).unwrap(),
            codec: codec_of(text).as_deref(),
            bytes,
            animated,
        })
    }

    /// The most that is taken of a still file of this type, and who says so.
    fn most(limits: &Limits<'_>, text: &str) -> String {
        match fit(limits, text, 0, false) {
            Ok(fit) => format!("{} {}", fit.max_bytes, fit.bound_by.as_str()),
            Err(_) => "none".to_owned(),
        }
    }

    fn bounds(max_bytes: Option<u64>, types: Option<&[&str]>) -> Bounds {
        let parse = |text: &&str| TypePattern::parse(text).unwrap();
        Bounds {
            max_bytes,
            types: types.map(|types| types.iter().map(parse).collect()),
        }
    }

    #[test]
    fn whatsapp_takes_what_its_table_says_to_the_byte() {
        let whatsapp = limits("whatsapp", ToCustomer);
        for row in [
            "image/jpeg | Image image/jpeg 5000000 1024 inline",
            "image/png | Image image/png 5000000 1024 inline",
            "audio/ogg; codecs=opus | Audio audio/ogg; codecs=opus 16000000 0 inline",
            "audio/mpeg | Audio audio/mpeg 16000000 0 download",
            "video/mp4 | Video video/mp4 16000000 1024 inline",
            "video/3gpp | Video video/3gp 16000000 1024 download",
            "application/pdf | Document application/pdf 100000000 1024 inline",
            "application/msword | Document application/msword 100000000 1024 download",
            "image/webp | Sticker image/webp 100000 0 -",
            "image/webp, moving | Sticker image/webp 500000 0 -",
        ] {
            let (file, expected) = row.split_once(" | ").unwrap();
            let animated = file.ends_with(", moving");
            let media_type = file.trim_end_matches(", moving");
            let found = fit(&whatsapp, media_type, 0, animated).unwrap();
            let render = found.render.map_or("-", Render::as_str);
            let (kind, declare, most) = (found.kind, &found.declare, found.max_bytes);
            let caption = found.caption_chars.unwrap();
            let told = format!("{kind:?} {declare} {most} {caption} {render}");
            assert_eq!(told, expected, "{file}");
            assert_eq!(fit(&whatsapp, media_type, most, animated), Ok(found));
            let expected = Misfit::Size {
                limit_bytes: most,
                bound_by: Layer::Channel,
            };
            let over = fit(&whatsapp, media_type, most + 1, animated);
            assert_eq!(over, Err(expected), "{file}");
        }
        for refused in [
            "image/gif",
            "image/heic",
            "application/zip",
            "audio/wav",
            "text/html",
            "audio/ogg",
            "audio/ogg; codecs=vorbis",
        ] {
            assert_eq!(most(&whatsapp, refused), "none", "{refused}");
        }
    }

    #[test]
    fn other_channels_take_what_their_sources_say() {
        for row in [
            "messenger > image/jpeg | Image 25000000 channel",
            "messenger > audio/wav | Audio 25000000 channel",
            "messenger > application/msword | Document 25000000 channel",
            "instagram > image/png | Image 8000000 channel",
            "instagram > video/quicktime | Video 25000000 channel",
            "instagram > application/pdf | Document 25000000 channel",
            "instagram > application/msword | none",
            "instagram > image/webp | none",
            "genesys-agent > application/pdf | none",
            "genesys-message-media > application/pdf | Any 25000000 platform",
            "genesys-message-media > application/msword | none",
            "genesys-web-chat < application/pdf | Any 10485760 channel",
            "genesys-web-chat < image/gif | none",
            "genesys-web-messaging < image/gif | Any 10485760 channel",
            "genesys-media-upload > image/png | Any 16384000 channel",
            "genesys-guest < application/zip | Any 25000000 channel",
            "cxone-byoc < application/zip | Any 40000000 channel",
            "cxone-conversations < text/plain | Any 26214400 channel",
            "cxone-conversations < video/mp4 | none",
        ] {
            let (asked, expected) = row.split_once(" | ").unwrap();
            let (profile, direction, media_type) = match asked.split_once(" > ") {
                Some((profile, media_type)) => (profile, ToCustomer, media_type),
                None => {
                    let (profile, media_type) = asked.split_once(" < ").unwrap();
                    (profile, ToAgent, media_type)
                }
            };
            let limits = limits(profile, direction);
            let kind = fit(&limits, media_type, 0, false).map(|fit| format!("{:?} ", fit.kind));
            let told = kind.unwrap_or_default() + &most(&limits, media_type);
            assert_eq!(told, expected, "{asked}");
        }
    }

    #[test]
    fn genesys_takes_everything_in_and_pictures_out_until_its_profile_is_known() {
        let to_agent = limits("genesys-open-messaging", ToAgent);
        let to_customer = limits("genesys-open-messaging", ToCustomer);
        let pdf = "application/pdf";
        assert_eq!(most(&to_agent, pdf), "25000000 channel");
        assert_eq!(fit(&to_agent, pdf, 5, false).unwrap().declare, pdf);
        assert_eq!(most(&to_customer, pdf), "none");
        let live = to_customer.with_live(&bounds(Some(1000), Some(&["image/*", pdf])));
        assert_eq!(most(&live, pdf), "1000 live");
        assert_eq!(most(&live, "text/plain"), "none");
        let nothing = to_agent.with_live(&bounds(None, Some(&[])));
        assert_eq!(most(&nothing, pdf), "none", "an empty list allows nothing");
    }

    #[test]
    fn the_least_of_all_layers_holds_and_says_whose_it_is() {
        let upload = limits("genesys-message-media", ToAgent);
        let whatsapp = limits("whatsapp", ToCustomer);
        let owner = bounds(Some(10_000_000), Some(&["image/*", "application/pdf"]));
        let own = whatsapp.clone().within(&owner);
        let live = bounds(Some(9_000_000), Some(&[]));
        let live = whatsapp.clone().with_live(&live);
        let pdf = "application/pdf";
        for (limits, media_type, expected) in [
            (&upload, "image/png", "25000000 platform"),
            (&own, "image/png", "5000000 channel"),
            (&own, pdf, "10000000 owner"),
            // Whatever the owner does not name, and whatever the channel does not take.
            (&own, "text/plain", "none"),
            (&own, "image/gif", "none"),
            // The table of WhatsApp is nobody's to configure.
            (&live, pdf, "9000000 live"),
            // The shipped rows are not touched.
            (&whatsapp, pdf, "100000000 channel"),
        ] {
            assert_eq!(most(limits, media_type), expected, "{media_type}");
        }
        let spelt: Vec<String> = own.types().map(ToString::to_string).collect();
        let expected = "image/jpeg image/png application/pdf image/webp image/webp";
        assert_eq!(spelt.join(" "), expected);
    }
}
