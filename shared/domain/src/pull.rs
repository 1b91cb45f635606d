//! Links that are followed later: a platform, or whoever reads the words that stand in a file's place, fetches the bytes itself,
//! perhaps hours after it was told of them.
//!
//! What is remembered of such a link is when it was made and until when it works; never the link. By that it can be said
//! of a platform that could not fetch whether it came too late. It then gets a fresh link, twice at most.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::diagnosis::rules::ours;
use crate::diagnosis::{Diagnosis, Failure, LONGEST_EVIDENCE, excerpt};
use crate::event::Link;
use crate::time::Timestamp;

/// How often a platform that could not fetch gets a fresh link.
pub const MOST_FRESH: u32 = 2;

/// Where a link leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// The store itself: presigned. It dies with the session of the role that signed it, if that ends before its time; Lambda
    /// does not tell its functions when.
    Store,
    /// The content domain: signed with a key of its own, it lives as long as it says.
    ContentDomain,
}

impl fmt::Display for Through {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Store => "presigned",
            Self::ContentDomain => "of the content domain",
        })
    }
}

/// A link to bytes of ours for somebody without credentials. It is one itself: it goes into the call and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenLink {
    /// The link.
    pub link: Link,
    /// Until when it works, as far as whoever made it knows: what was asked, and the signing session where that ends sooner.
    pub until: Timestamp,
    /// Where it leads to.
    pub through: Through,
}

/// What is remembered of the link that was given last, in whole seconds.
///
/// In the row it is `[until, life, through, fresh]`, in seconds since 1970 and seconds, without what is 0 at its end: it has to fit
/// into the one write unit that a row takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Packed", into = "Packed")]
pub struct Pull {
    /// When it was made.
    pub given_at: Timestamp,
    /// Until when it works.
    pub until: Timestamp,
    /// Where it leads to.
    pub through: Through,
    /// How many fresh ones were given before it, because it was told that one could not be followed.
    pub fresh: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Packed(Vec<u64>);

impl From<Packed> for Pull {
    fn from(Packed(numbers): Packed) -> Self {
        let number = |place: usize| numbers.get(place).copied().unwrap_or_default();
        let until = number(0);
        Self {
            given_at: Timestamp::from_seconds(until.saturating_sub(number(1))),
            until: Timestamp::from_seconds(until),
            through: match number(2) {
                0 => Through::Store,
                _ => Through::ContentDomain,
            },
            fresh: u32::try_from(number(3)).unwrap_or(u32::MAX),
        }
    }
}

impl From<Pull> for Packed {
    fn from(pull: Pull) -> Self {
        let through = u64::from(pull.through == Through::ContentDomain);
        let (until, life) = (pull.until.as_seconds(), pull.life().as_secs());
        let mut numbers = vec![until, life, through, u64::from(pull.fresh)];
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        Self(numbers)
    }
}

impl Pull {
    /// What follows on `before`, the one that was given last, once `link` is given at `now`.
    #[must_use]
    pub fn after(before: Option<&Self>, link: &GivenLink, now: Timestamp) -> Self {
        Self {
            given_at: Timestamp::from_seconds(now.as_seconds()),
            until: Timestamp::from_seconds(link.until.as_seconds()),
            through: link.through,
            fresh: before.map_or(0, |pull| pull.fresh),
        }
    }

    /// How long the link lives.
    #[must_use]
    pub fn life(&self) -> Duration {
        self.until.saturating_since(self.given_at)
    }

    /// Why a platform that said so at `told_at` could not fetch: it came too late, or something else is the matter.
    #[must_use]
    pub fn diagnosis(&self, told_at: Timestamp, failure: &Failure) -> Diagnosis {
        let rule = match told_at > self.until {
            true => ours::PULLED_LATE,
            false => ours::NOT_PULLED,
        };
        let (life, age) = (
            self.life().as_secs(),
            told_at.saturating_since(self.given_at).as_secs(),
        );
        let (through, told) = (self.through, &failure.diagnosis.evidence);
        let evidence = format!(
            "a link {through} with a life of {life} s, {age} s old when the platform told; fresh links before it: {}; {told}",
            self.fresh
        );
        rule.diagnosis(excerpt(&evidence, LONGEST_EVIDENCE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use url::Url;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn given(through: Through) -> GivenLink {
        GivenLink {
            link: Link(Url::parse("https://media.example/a?Signature=secret").unwrap()),
            until: Timestamp::from_seconds(1_600),
            through,
        }
    }

    #[test]
    fn what_is_remembered_is_short_and_no_link() {
        let link = given(Through::Store);
        assert!(!format!("{link:?}").contains("secret"));
        let first = Pull::after(None, &link, NOW);
        let text = serde_json::to_string(&first).unwrap();
        assert_eq!(text, "[1600,600]");
        let fresh = Pull { fresh: 1, ..first };
        let next = Pull::after(Some(&fresh), &given(Through::ContentDomain), NOW);
        let text = serde_json::to_string(&next).unwrap();
        assert_eq!(text, "[1600,600,1,1]");
        for pull in [first, fresh, next] {
            let text = serde_json::to_string(&pull).unwrap();
            assert_eq!(serde_json::from_str::<Pull>(&text).unwrap(), pull);
        }
    }

    #[test]
    fn a_link_that_was_dead_was_pulled_late() {
        let pull = Pull::after(None, &given(Through::ContentDomain), NOW);
        let told = ours::INTERRUPTED.failure("code GeneralError: unable to download");
        for (at, rule, age) in [
            (1_600, ours::NOT_PULLED, "600 s old"),
            (1_601, ours::PULLED_LATE, "601 s old"),
        ] {
            let why = pull.diagnosis(Timestamp::from_seconds(at), &told);
            assert_eq!(why.rule, rule.id);
            for part in [
                "of the content domain",
                "a life of 600 s",
                age,
                "unable to download",
            ] {
                assert!(why.evidence.contains(part), "{}", why.evidence);
            }
        }
    }
}
