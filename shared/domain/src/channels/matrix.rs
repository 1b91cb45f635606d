//! The capability matrix: profile × direction × kind → types, bytes, caption, with a source and a date for each row.
//!
//! The rows are data (`data/channels.toml`, compiled in): a changed limit is a changed line, not changed code. Sizes are
//! published in MB without saying which; they are read strictly, as powers of ten.
//! [`Limits`] are the rows of one profile in one direction, narrowed by what is known at run time.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::media_type::{MediaType, TypePattern};

/// Which way media travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the customer into the contact centre.
    #[default]
    ToAgent,
    /// From the contact centre to the customer.
    ToCustomer,
}

/// How a channel sorts media.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// A film.
    Video,
    /// A file with a name.
    Document,
    /// A sticker.
    Sticker,
    /// The channel does not sort.
    Any,
}

/// One row of the data file, which explains the columns.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    profile: String,
    direction: Direction,
    kind: Kind,
    animated: Option<bool>,
    types: Vec<TypePattern>,
    #[serde(default)]
    live: bool,
    max_bytes: u64,
    caption_chars: Option<u32>,
    /// Where the numbers are from, when they were looked up, what else the page says: every row carries them.
    source: String,
    checked: String,
    note: Option<String>,
}

/// All rows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    row: Vec<Row>,
}

/// The data file cannot be read; the message says where.
#[derive(Debug, Error)]
#[error("the capability matrix cannot be read")]
pub struct MatrixError(#[from] toml::de::Error);

static SHIPPED: LazyLock<Matrix> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the file is compiled in and a test reads it"
    )]
    Matrix::parse(include_str!("../../data/channels.toml")).expect("the shipped matrix")
});

impl Matrix {
    /// Reads a matrix in the form of `data/channels.toml`.
    ///
    /// # Errors
    /// [`MatrixError`] with the line: not TOML, an unknown column or word, a missing source, not a MIME type.
    pub fn parse(text: &str) -> Result<Self, MatrixError> {
        Ok(toml::from_str(text)?)
    }

    /// The matrix this build ships with.
    #[must_use]
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// The limits of `profile` in `direction`; `None` if the matrix does not know them, which allows nothing.
    #[must_use]
    pub fn limits(&self, profile: &str, direction: Direction) -> Option<Limits<'_>> {
        let rows: Vec<_> = self
            .row
            .iter()
            .filter(|row| row.profile == profile && row.direction == direction)
            .map(Cow::Borrowed)
            .collect();
        (!rows.is_empty()).then_some(Limits { rows })
    }
}

/// What one profile takes in one direction.
#[derive(Clone, Debug)]
pub struct Limits<'a> {
    rows: Vec<Cow<'a, Row>>,
}

/// A file as far as limits are concerned: what its bytes turned out to be.
#[derive(Clone, Copy, Debug)]
pub struct Media<'a> {
    /// Its type, from the bytes.
    pub media_type: &'a MediaType,
    /// Its size.
    pub bytes: u64,
    /// Whether it is a moving picture of a type that can also be still.
    pub animated: bool,
}

/// How a file fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fit {
    /// As what the channel takes it.
    pub kind: Kind,
    /// Its type in the channel's spelling: declare this.
    pub declare: String,
    /// The longest caption in characters: 0 for none, `None` where no limit is published.
    pub caption_chars: Option<u32>,
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
    },
}

impl Limits<'_> {
    /// The shipped limits of `profile` in `direction`; `None` if unknown, which allows nothing.
    #[must_use]
    pub fn of(profile: &str, direction: Direction) -> Option<Limits<'static>> {
        Matrix::shipped().limits(profile, direction)
    }

    /// Puts the types of the platform's live configuration in the place of its defaults. An empty list allows nothing.
    /// Rows that are not configurable stay.
    #[must_use]
    pub fn with_live_types(mut self, types: &[TypePattern]) -> Self {
        for row in self.rows.iter_mut().filter(|row| row.live) {
            row.to_mut().types = types.to_vec();
        }
        self
    }

    /// Lowers every size limit to at most `max_bytes`.
    #[must_use]
    pub fn capped(mut self, max_bytes: u64) -> Self {
        for row in self.rows.iter_mut().filter(|row| row.max_bytes > max_bytes) {
            row.to_mut().max_bytes = max_bytes;
        }
        self
    }

    /// Is the type allowed, at least while small, still or animated?
    #[must_use]
    pub fn allows(&self, media_type: &MediaType) -> bool {
        self.max_bytes(media_type).is_some()
    }

    /// The most bytes of this type that any row takes; `None` if none takes it.
    #[must_use]
    pub fn max_bytes(&self, media_type: &MediaType) -> Option<u64> {
        let rows = self
            .rows
            .iter()
            .filter(|row| row.spelling(media_type).is_some());
        rows.map(|row| row.max_bytes).max()
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
        let mut misfit = Misfit::Type;
        for row in self
            .rows
            .iter()
            .filter(|row| row.animated.is_none_or(|it| it == media.animated))
        {
            match (row.spelling(media.media_type), misfit) {
                (None, _) => {}
                (Some(declare), _) if media.bytes <= row.max_bytes => {
                    let declare = declare.to_owned();
                    return Ok(Fit {
                        kind: row.kind,
                        declare,
                        caption_chars: row.caption_chars,
                    });
                }
                (Some(_), Misfit::Size { limit_bytes }) if limit_bytes >= row.max_bytes => {}
                (Some(_), Misfit::Type | Misfit::Size { .. }) => {
                    misfit = Misfit::Size {
                        limit_bytes: row.max_bytes,
                    }
                }
            }
        }
        Err(misfit)
    }
}

impl Row {
    /// How this row spells the type, if it takes it.
    fn spelling<'a>(&'a self, media_type: &'a MediaType) -> Option<&'a str> {
        let pattern = self
            .types
            .iter()
            .find(|pattern| pattern.allows(media_type))?;
        Some(pattern.exact_spelling().unwrap_or(media_type.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(limits: &Limits<'_>, text: &str, bytes: u64, animated: bool) -> Result<Fit, Misfit> {
        limits.fit(Media {
            media_type: &MediaType::parse(text).unwrap(),
            bytes,
            animated,
        })
    }

    #[test]
    fn whatsapp_takes_what_its_table_says_to_the_byte() {
        let whatsapp = Limits::of("whatsapp", Direction::ToCustomer).unwrap();
        let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        for (media_type, animated, kind, declare, limit_bytes, caption) in [
            (
                "image/jpeg",
                false,
                Kind::Image,
                "image/jpeg",
                5_000_000,
                Some(1024),
            ),
            (
                "image/png",
                false,
                Kind::Image,
                "image/png",
                5_000_000,
                Some(1024),
            ),
            (
                "audio/ogg; codecs=opus",
                false,
                Kind::Audio,
                "audio/ogg",
                16_000_000,
                Some(0),
            ),
            (
                "video/mp4",
                true,
                Kind::Video,
                "video/mp4",
                16_000_000,
                Some(1024),
            ),
            (
                "video/3gpp",
                true,
                Kind::Video,
                "video/3gp",
                16_000_000,
                Some(1024),
            ),
            (
                "application/pdf",
                false,
                Kind::Document,
                "application/pdf",
                100_000_000,
                Some(1024),
            ),
            (docx, false, Kind::Document, docx, 100_000_000, Some(1024)),
            (
                "image/webp",
                false,
                Kind::Sticker,
                "image/webp",
                100_000,
                Some(0),
            ),
            (
                "image/webp",
                true,
                Kind::Sticker,
                "image/webp",
                500_000,
                Some(0),
            ),
        ] {
            let expected = Fit {
                kind,
                declare: declare.to_owned(),
                caption_chars: caption,
            };
            assert_eq!(
                fit(&whatsapp, media_type, limit_bytes, animated),
                Ok(expected),
                "{media_type}"
            );
            let over = fit(&whatsapp, media_type, limit_bytes + 1, animated);
            assert_eq!(over, Err(Misfit::Size { limit_bytes }), "{media_type}");
        }
        for refused in [
            "image/gif",
            "image/heic",
            "application/zip",
            "audio/wav",
            "text/html",
        ] {
            assert_eq!(
                fit(&whatsapp, refused, 1, false),
                Err(Misfit::Type),
                "{refused}"
            );
        }
    }

    #[test]
    fn genesys_takes_everything_in_and_pictures_out_until_its_profile_is_known() {
        let to_agent = Limits::of("genesys-open-messaging", Direction::ToAgent).unwrap();
        let to_customer = Limits::of("genesys-open-messaging", Direction::ToCustomer).unwrap();
        let pdf = MediaType::parse("application/pdf").unwrap();
        assert_eq!(to_agent.max_bytes(&pdf), Some(25_000_000));
        assert_eq!(
            fit(&to_agent, "application/pdf", 5, false).unwrap().declare,
            "application/pdf"
        );
        assert!(!to_customer.allows(&pdf));
        let live = [
            TypePattern::parse("image/*").unwrap(),
            TypePattern::parse("application/pdf").unwrap(),
        ];
        assert!(to_customer.clone().with_live_types(&live).allows(&pdf));
        assert!(
            !to_customer
                .clone()
                .with_live_types(&live)
                .allows(&MediaType::parse("text/plain").unwrap())
        );
        assert!(
            !to_agent.with_live_types(&[]).allows(&pdf),
            "an empty list allows nothing"
        );
    }

    #[test]
    fn run_time_knowledge_only_narrows_sizes_and_leaves_fixed_types() {
        let whatsapp = Limits::of("whatsapp", Direction::ToCustomer).unwrap();
        let capped = whatsapp.clone().capped(10_000_000).with_live_types(&[]);
        for (media_type, expected) in [
            ("image/png", Some(5_000_000)),
            ("application/pdf", Some(10_000_000)),
            ("image/gif", None),
        ] {
            assert_eq!(
                capped.max_bytes(&MediaType::parse(media_type).unwrap()),
                expected,
                "{media_type}"
            );
        }
        let pdf = MediaType::parse("application/pdf").unwrap();
        assert_eq!(
            whatsapp.max_bytes(&pdf),
            Some(100_000_000),
            "the shipped rows are not touched"
        );
    }

    #[test]
    fn the_shipped_file_is_complete_and_others_are_refused() {
        for row in &Matrix::shipped().row {
            assert!(
                row.max_bytes > 0 && !row.types.is_empty() && row.source.starts_with("https://"),
                "{row:?}"
            );
        }
        assert!(Limits::of("carrier-pigeon", Direction::ToAgent).is_none());
        let good = "[[row]]\nprofile='x'\ndirection='to-agent'\nkind='any'\ntypes=['*/*']\nmax_bytes=1\nsource='s'\nchecked='d'\n";
        assert!(Matrix::parse(good).is_ok());
        for (name, broken) in [
            ("no source", good.replace("source='s'\n", "")),
            ("unknown column", good.replace("kind", "max_mb=1\nkind")),
            ("unknown direction", good.replace("to-agent", "up")),
            ("not a type", good.replace("*/*", "pdf")),
            ("negative size", good.replace("max_bytes=1", "max_bytes=-1")),
        ] {
            assert!(Matrix::parse(&broken).is_err(), "{name}");
        }
    }
}
