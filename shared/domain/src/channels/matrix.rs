//! The capability matrix: platform × profile × direction × kind → types, bytes, caption, with a source and a date for each row.
//!
//! The rows are data (`data/channels.toml`, compiled in): a changed limit is a changed line, not changed code. Sizes are
//! published in MB without saying which; they are read strictly, as powers of ten. Profiles that no code speaks yet are
//! rows too: what they take can be asked before they can be used.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::limits::{Layer, Limits};
use super::media_type::TypePattern;

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

impl Direction {
    /// The word used in configuration, rows and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ToAgent => "to-agent",
            Self::ToCustomer => "to-customer",
        }
    }
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

/// The directions a row holds for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Directions {
    ToAgent,
    ToCustomer,
    Both,
}

impl Directions {
    fn include(self, direction: Direction) -> bool {
        match self {
            Self::ToAgent => direction == Direction::ToAgent,
            Self::ToCustomer => direction == Direction::ToCustomer,
            Self::Both => true,
        }
    }
}

/// Whom a profile delivers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Side {
    Customer,
    Agent,
}

/// Whoever runs channels. The data file explains the columns, here and below; what it is from, everything in it says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Platform {
    name: String,
    max_bytes: Option<u64>,
    source: String,
    checked: String,
    note: Option<String>,
}

/// One wire surface.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Surface {
    /// Its name in configuration and rows.
    pub id: String,
    platform: String,
    /// What people call the channel.
    pub title: String,
    side: Side,
    #[serde(default)]
    also: Vec<String>,
    source: String,
    checked: String,
    note: Option<String>,
}

/// What a surface takes of some types.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    profile: String,
    direction: Directions,
    pub(super) kind: Kind,
    pub(super) animated: Option<bool>,
    pub(super) types: Vec<TypePattern>,
    #[serde(default)]
    pub(super) live: bool,
    #[serde(default)]
    pub(super) extensions: Vec<String>,
    #[serde(default)]
    pub(super) inline: Vec<TypePattern>,
    pub(super) max_bytes: u64,
    /// Who says that it is no more.
    #[serde(skip)]
    pub(super) bound_by: Layer,
    pub(super) caption_chars: Option<u32>,
    pub(super) source: String,
    pub(super) checked: String,
    note: Option<String>,
}

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    platform: Vec<Platform>,
    profile: Vec<Surface>,
    row: Vec<Row>,
}

/// The data file cannot be used; the message says where and why.
#[derive(Debug, Error)]
pub enum MatrixError {
    /// Not TOML, an unknown word, a missing source, not a MIME type.
    #[error("the capability matrix cannot be read")]
    Unreadable(#[from] toml::de::Error),
    /// A name that nothing in the file has.
    #[error("the capability matrix names {0:?}, which it does not hold")]
    Dangling(String),
}

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
    /// [`MatrixError`] with the line, or with the name that leads nowhere.
    pub fn parse(text: &str) -> Result<Self, MatrixError> {
        let matrix: Self = toml::from_str(text)?;
        let platforms = matrix.profile.iter().map(|profile| &profile.platform);
        let profiles = matrix.row.iter().map(|row| &row.profile);
        let dangling = platforms
            .filter(|name| !matrix.platform.iter().any(|it| it.name == **name))
            .chain(profiles.filter(|id| !matrix.profile.iter().any(|it| it.id == **id)))
            .next();
        match dangling {
            Some(name) => Err(MatrixError::Dangling(name.clone())),
            None => Ok(matrix),
        }
    }

    /// The matrix this build ships with.
    #[must_use]
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// The surface of this name, or of this other name.
    #[must_use]
    pub fn surface(&self, name: &str) -> Option<&Surface> {
        let by_id = self.surfaces().find(|surface| surface.id == name);
        by_id.or_else(|| {
            self.surfaces()
                .find(|surface| surface.also.iter().any(|also| also == name))
        })
    }

    /// Every surface.
    pub fn surfaces(&self) -> impl Iterator<Item = &Surface> {
        self.profile.iter()
    }

    /// The way media goes that is delivered over `surface`: to whom it reaches, unless only the other way is known.
    #[must_use]
    pub fn usual_direction(&self, surface: &Surface) -> Direction {
        let (usual, other) = match surface.side {
            Side::Customer => (Direction::ToCustomer, Direction::ToAgent),
            Side::Agent => (Direction::ToAgent, Direction::ToCustomer),
        };
        let known = |direction| self.limits(&surface.id, direction).is_some();
        if !known(usual) && known(other) {
            other
        } else {
            usual
        }
    }

    /// The limits of `profile` in `direction`, its platform's included; `None` if the matrix does not know them, which
    /// allows nothing.
    #[must_use]
    pub fn limits(&self, profile: &str, direction: Direction) -> Option<Limits<'_>> {
        let surface = self.profile.iter().find(|surface| surface.id == profile)?;
        let platform = self
            .platform
            .iter()
            .find(|platform| platform.name == surface.platform)?;
        let rows = self
            .row
            .iter()
            .filter(|row| row.profile == profile && row.direction.include(direction));
        Limits::new(rows, platform.max_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Profile;

    #[test]
    fn every_shipped_row_says_what_it_takes_since_when_and_who_says_so() {
        let matrix = Matrix::shipped();
        let demand = |id: &str| {
            let parts = id.strip_prefix('S').and_then(|rest| rest.split_once('-'));
            parts.is_some_and(|(document, number)| {
                document.parse::<u8>().is_ok() && number.parse::<u16>().is_ok()
            })
        };
        let is_source =
            |source: &str| source.starts_with("https://") || source.split(", ").all(demand);
        let is_date = |checked: &str| {
            let month = checked.split_once('-').is_some_and(|(year, month)| {
                year.len() == 4 && month.parse::<u8>().is_ok_and(|it| (1..=12).contains(&it))
            });
            month || checked == "not recorded"
        };
        let rows = matrix.row.iter().map(|it| (&it.source, &it.checked));
        let surfaces = matrix.profile.iter().map(|it| (&it.source, &it.checked));
        let platforms = matrix.platform.iter().map(|it| (&it.source, &it.checked));
        for (source, checked) in rows.chain(surfaces).chain(platforms) {
            assert!(is_source(source) && is_date(checked), "{source} {checked}");
        }
        for row in &matrix.row {
            assert!(row.max_bytes > 0 && !row.types.is_empty(), "{row:?}");
            let shown = |inline| row.types.contains(inline);
            assert!(row.inline.iter().all(shown), "{row:?}");
        }
    }

    #[test]
    fn whatever_the_map_names_has_rows_in_the_directions_it_goes() {
        use Direction::{ToAgent, ToCustomer};
        let matrix = Matrix::shipped();
        for (id, directions, usual) in [
            ("whatsapp", &[ToAgent, ToCustomer][..], ToCustomer),
            ("messenger", &[ToAgent, ToCustomer], ToCustomer),
            ("instagram", &[ToAgent, ToCustomer], ToCustomer),
            ("genesys-open-messaging", &[ToAgent, ToCustomer], ToAgent),
            ("genesys-agent", &[ToCustomer], ToCustomer),
            ("genesys-message-media", &[ToAgent, ToCustomer], ToAgent),
            ("genesys-web-chat", &[ToAgent, ToCustomer], ToAgent),
            ("genesys-web-messaging", &[ToAgent, ToCustomer], ToAgent),
            ("genesys-media-upload", &[ToAgent, ToCustomer], ToAgent),
            ("genesys-guest", &[ToAgent, ToCustomer], ToAgent),
            ("cxone-byoc", &[ToAgent, ToCustomer], ToAgent),
            ("cxone-conversations", &[ToAgent, ToCustomer], ToAgent),
        ] {
            let surface = matrix.surface(id).unwrap();
            for direction in [ToAgent, ToCustomer] {
                let known = matrix.limits(id, direction).is_some();
                assert_eq!(known, directions.contains(&direction), "{id} {direction:?}");
            }
            assert_eq!(matrix.usual_direction(surface), usual, "{id}");
        }
        for profile in Profile::ALL {
            assert!(matrix.surface(profile.as_str()).is_some(), "{profile}");
        }
        assert_eq!(
            matrix.surface("genesys").unwrap().id,
            "genesys-open-messaging"
        );
        assert!(matrix.surface("carrier-pigeon").is_none());
        assert!(matrix.limits("carrier-pigeon", ToAgent).is_none());
    }

    #[test]
    fn what_is_incomplete_or_leads_nowhere_is_refused() {
        let good = "[[platform]]\nname='p'\nsource='s'\nchecked='d'\n\
            [[profile]]\nid='x'\nplatform='p'\ntitle='X'\nside='agent'\nsource='s'\nchecked='d'\n\
            [[row]]\nprofile='x'\ndirection='both'\nkind='any'\ntypes=['*/*']\nmax_bytes=1\nsource='s'\nchecked='d'\n";
        assert!(Matrix::parse(good).is_ok());
        for (name, broken) in [
            ("no source", good.replace("source='s'\n", "")),
            ("unknown column", good.replace("kind", "max_mb=1\nkind")),
            ("unknown table", good.replace("[[row]]", "[[rows]]")),
            ("unknown direction", good.replace("'both'", "'up'")),
            ("unknown side", good.replace("'agent'", "'left'")),
            ("not a type", good.replace("*/*", "pdf")),
            ("negative size", good.replace("max_bytes=1", "max_bytes=-1")),
            (
                "unknown platform",
                good.replace("platform='p'", "platform='q'"),
            ),
            (
                "unknown profile",
                good.replace("profile='x'", "profile='y'"),
            ),
        ] {
            assert!(Matrix::parse(&broken).is_err(), "{name}");
        }
    }
}
