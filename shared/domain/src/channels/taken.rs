//! What is known of what one connection takes beyond the matrix: what its platform tells of its configuration, and what it
//! refused although everything known said that it would fit. Kept in the `limits` table, one document a connection.
//!
//! What a platform tells is fresh for [`FRESH`] and used for [`STALE`]: what cannot be read any more is better forgotten than
//! believed. A refusal for size is a ceiling for all files of the kind, for [`REMEMBERED`]: short, because one wrong answer must
//! not shut a channel for long, and because a file that tries it again costs one upload that nobody sees. A refusal for type
//! speaks of the one file alone: whoever refuses a broken JPEG has not stopped taking JPEGs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::limits::{Bounds, Limits, Media};
use super::matrix::{Direction, Kind, Matrix};
use super::media_type::{MediaType, codec_of};
use crate::connection::Connection;
use crate::ids::ConnectionId;
use crate::time::Timestamp;

/// How old what a platform told may be before it is asked again.
pub const FRESH: Duration = Duration::from_secs(3600);

/// How old it may be and still be used.
pub const STALE: Duration = Duration::from_secs(24 * 3600);

/// How long after a question without an answer it is asked again.
pub const ASKED_AGAIN: Duration = Duration::from_secs(600);

/// How long a ceiling holds that a refusal taught.
pub const REMEMBERED: Duration = Duration::from_secs(3600);

/// Why a platform refused a file that should have fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objection {
    /// It is too large.
    TooLarge,
    /// It is not of a type, or in a form, that is taken.
    Unsupported,
}

impl Objection {
    /// The word used in logs and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::Unsupported => "unsupported",
        }
    }
}

/// A file that was refused although everything known said that it would fit. Names are short because it lies in the row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// As what it was sent.
    #[serde(rename = "k")]
    pub kind: Kind,
    /// Its type on the wire.
    #[serde(rename = "m")]
    pub mime: String,
    /// Its size.
    #[serde(rename = "b")]
    pub bytes: u64,
    /// How large it might have been, as far as was known.
    #[serde(rename = "w")]
    pub within: u64,
    /// What the platform says.
    #[serde(rename = "o")]
    pub objection: Objection,
    /// When.
    #[serde(rename = "t")]
    pub at: Timestamp,
}

/// What a platform told of its configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Live {
    at: Timestamp,
    bounds: Bounds,
}

/// What is known of one connection. The default: nothing beyond the matrix.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    live: Option<Live>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ceilings: Vec<Refused>,
}

impl Taken {
    /// The key of a connection's document.
    #[must_use]
    pub fn key(connection: &ConnectionId) -> String {
        format!("taken/{connection}")
    }

    /// Whether the platform is to be asked for its configuration.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        let told = self.live.as_ref().map(|live| live.at);
        let pause = match self.asked_at {
            // It was not asked since it last answered.
            asked_at if asked_at == told => FRESH,
            _ => ASKED_AGAIN,
        };
        self.asked_at
            .is_none_or(|asked_at| now.saturating_since(asked_at) >= pause)
    }

    /// The platform was asked, and told this; `None`: it did not answer, or nothing that could be read.
    pub fn asked(&mut self, told: Option<Bounds>, now: Timestamp) {
        self.asked_at = Some(now);
        if let Some(bounds) = told {
            self.live = Some(Live { at: now, bounds });
        }
    }

    /// What the platform told of its configuration last.
    #[must_use]
    pub fn told(&self) -> Option<&Bounds> {
        self.live.as_ref().map(|live| &live.bounds)
    }

    /// When the platform last told of its configuration, if that is too long ago to be used.
    #[must_use]
    pub fn stale_since(&self, now: Timestamp) -> Option<Timestamp> {
        let live = self.live.as_ref()?;
        (now.saturating_since(live.at) >= STALE).then_some(live.at)
    }

    /// Takes in a refusal: a size is a ceiling from now on, the lowest of its kind, and the platform is to be asked anew.
    pub fn refused(&mut self, refused: &Refused, now: Timestamp) {
        self.asked_at = None;
        self.ceilings.retain(|it| it.holds(now));
        if refused.objection != Objection::TooLarge {
            return;
        }
        let known = self.ceilings.iter_mut().find(|it| it.kind == refused.kind);
        match known {
            Some(known) if known.bytes < refused.bytes => {}
            Some(known) => *known = refused.clone(),
            None => self.ceilings.push(refused.clone()),
        }
    }

    /// What the connection takes, as far as is known: never more than `limits`.
    #[must_use]
    pub fn narrow<'a>(&self, limits: Limits<'a>, now: Timestamp) -> Limits<'a> {
        let live = self.live.as_ref();
        let limits = match live.filter(|_| self.stale_since(now).is_none()) {
            Some(live) => limits.with_live(&live.bounds),
            None => limits,
        };
        let ceilings = self.ceilings.iter().filter(|it| it.holds(now));
        ceilings.fold(limits, Limits::refusing)
    }
}

impl Refused {
    /// What `connection` refused of `media`, which it was sent as `kind`.
    #[must_use]
    pub fn by(
        connection: &Connection,
        direction: Direction,
        (kind, mime, bytes): (Kind, &str, u64),
        objection: Objection,
        at: Timestamp,
    ) -> Self {
        let limits = Matrix::shipped().limits(connection.profile().as_str(), direction);
        let limits = limits.map(|limits| limits.within(&connection.limits));
        let (media_type, codec) = (MediaType::parse(mime).ok(), codec_of(mime));
        let fit = limits.zip(media_type).and_then(|(limits, media_type)| {
            let media = Media {
                media_type: &media_type,
                codec: codec.as_deref(),
                bytes,
                animated: false,
            };
            limits.fit(media).ok()
        });
        Self {
            kind,
            mime: mime.to_owned(),
            bytes,
            within: fit.map_or(bytes, |fit| fit.max_bytes),
            objection,
            at,
        }
    }

    /// Whether it still says something.
    pub(super) fn holds(&self, now: Timestamp) -> bool {
        now.saturating_since(self.at) < REMEMBERED
    }
}

#[cfg(test)]
mod tests {
    use super::super::limits::{Layer, Misfit};
    use super::*;
    use crate::connection::tests::whatsapp;
    use Objection::{TooLarge, Unsupported};

    const NOW: Timestamp = Timestamp::from_seconds(100_000);

    fn after(seconds: u64) -> Timestamp {
        NOW + Duration::from_secs(seconds)
    }

    fn refused(mime: &str, bytes: u64, objection: Objection, at: Timestamp) -> Refused {
        let what = (Kind::Image, mime, bytes);
        Refused::by(&whatsapp(), Direction::ToCustomer, what, objection, at)
    }

    fn bounds(max_bytes: u64) -> Bounds {
        Bounds {
            max_bytes: Some(max_bytes),
            types: None,
        }
    }

    /// The most bytes of a picture, or of a PDF, and who says so.
    fn most(taken: &Taken, mime: &str, now: Timestamp) -> String {
        let limits = Matrix::shipped().limits("whatsapp", Direction::ToCustomer);
        let limits = taken.narrow(limits.unwrap(), now);
        let media_type = MediaType::parse(mime).unwrap();
        let fit = limits.fit(Media {
            media_type: &media_type,
            codec: None,
            bytes: 0,
            animated: false,
        });
        let fit = fit.unwrap();
        format!("{} {}", fit.max_bytes, fit.bound_by.as_str())
    }

    #[test]
    fn a_platform_is_asked_every_hour_and_sooner_where_it_did_not_answer() {
        let mut taken = Taken::default();
        assert!(taken.is_due(NOW), "never asked");
        taken.asked(Some(bounds(10)), NOW);
        let asked = |taken: &Taken, seconds| taken.is_due(after(seconds));
        assert_eq!([3599, 3600].map(|it| asked(&taken, it)), [false, true]);
        taken.asked(None, after(3600));
        let seconds = [4199, 4200];
        assert_eq!(seconds.map(|it| asked(&taken, it)), [false, true]);
        taken.refused(&refused("image/png", 9, TooLarge, after(4200)), after(4200));
        assert!(asked(&taken, 4200), "a refusal asks anew at once");
    }

    #[test]
    fn what_a_platform_told_a_day_ago_is_not_used() {
        let mut taken = Taken::default();
        taken.asked(Some(bounds(10)), NOW);
        for (seconds, expected, stale) in [
            (0, "10 live", None),
            (86_399, "10 live", None),
            (86_400, "5000000 channel", Some(NOW)),
        ] {
            assert_eq!(most(&taken, "image/png", after(seconds)), expected);
            assert_eq!(taken.stale_since(after(seconds)), stale);
        }
    }

    #[test]
    fn a_refused_size_is_a_ceiling_of_its_kind_for_an_hour() {
        let mut taken = Taken::default();
        taken.refused(&refused("image/png", 4_000_000, TooLarge, NOW), NOW);
        let larger = refused("image/jpeg", 4_500_000, TooLarge, after(60));
        taken.refused(&larger, after(60));
        for (mime, seconds, expected) in [
            ("image/jpeg", 60, "3999999 learnt"),
            ("application/pdf", 60, "100000000 channel"),
            ("image/jpeg", 3600, "5000000 channel"),
        ] {
            assert_eq!(most(&taken, mime, after(seconds)), expected, "{mime}");
        }
        let smaller = refused("image/png", 3_000_000, TooLarge, after(3000));
        taken.refused(&smaller, after(3000));
        assert_eq!(most(&taken, "image/png", after(3600)), "2999999 learnt");
    }

    #[test]
    fn a_refused_type_is_said_of_the_one_file_alone() {
        let refused = refused("image/png", 7, Unsupported, NOW);
        assert_eq!(refused.within, 5_000_000);
        let mut taken = Taken::default();
        taken.refused(&refused, NOW);
        assert_eq!(most(&taken, "image/png", NOW), "5000000 channel");
        let limits = Matrix::shipped().limits("whatsapp", Direction::ToCustomer);
        let limits = limits.unwrap().refusing(&refused);
        for (mime, expected) in [
            ("image/png", Err(Misfit::Refused)),
            ("image/jpeg", Ok(Layer::Channel)),
        ] {
            let fit = limits.fit(Media {
                media_type: &MediaType::parse(mime).unwrap(),
                codec: None,
                bytes: 7,
                animated: false,
            });
            assert_eq!(fit.map(|fit| fit.bound_by), expected, "{mime}");
        }
    }

    #[test]
    fn the_stored_form_is_stable() {
        let json = r#"{"live":{"at":100000000,"bounds":{"max_bytes":10}},"ceilings":[{"k":"image","m":"image/png","b":9,"w":5000000,"o":"too-large","t":100000000}]}"#;
        let mut taken = Taken::default();
        taken.asked(Some(bounds(10)), NOW);
        taken.refused(&refused("image/png", 9, TooLarge, NOW), NOW);
        assert_eq!(serde_json::to_string(&taken).unwrap(), json);
        assert_eq!(serde_json::from_str::<Taken>(json).unwrap(), taken);
    }
}
