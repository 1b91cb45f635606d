//! How fast messages are sent over a connection: the profile's default, or what its owner set because the account allows more or
//! others use it too. Files and words share it, so that files never hold up words: words have a third.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Lane, Profile};
use crate::pacing::rate::{Rate, RateError};

/// The most files a connection may be handed in a second, where its platform takes no more from anybody: a WhatsApp number 100
/// (`S0-36`, ruling `C9`), a page of Messenger's or Instagram's ten (meta.md §3, §4).
#[must_use]
pub fn most_files(profile: Profile) -> Option<u32> {
    match profile {
        Profile::WhatsApp => Some(100),
        Profile::Messenger | Profile::Instagram => Some(10),
        Profile::GenesysOpenMessaging
        | Profile::GenesysMessageMedia
        | Profile::GenesysWebMessaging
        | Profile::GenesysWebChat
        | Profile::GenesysMediaUpload
        | Profile::GenesysAgent
        | Profile::CxoneByoc
        | Profile::CxoneConversations => None,
    }
}

/// So many may come at once where the owner says nothing else.
const BURST: u32 = 20;

/// Of twenty calls that may come at once so many do: they arrive less evenly than they are sent, and the last one of a burst must not be
/// the one that is refused.
const OF_TWENTY: u64 = 19;

/// A rate an owner set for one connection: so many calls in so many seconds, files and words together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendRate {
    calls: u32,
    seconds: u32,
    burst: u32,
}

/// Why a rate was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SendRateError {
    /// A lane's share of it cannot be paced.
    #[error("{0}; files have two thirds of it, words one")]
    Share(#[from] RateError),
    /// More than the platform takes from anybody.
    #[error(
        "more than {most} files a second, which no connection of profile {profile} takes; expected `calls` of at most {} a second, of which files have two thirds", most * 3 / 2
    )]
    TooFast {
        /// Of which profile.
        profile: Profile,
        /// How many it takes.
        most: u32,
    },
}

impl SendRate {
    /// `calls` in `seconds`, of which `burst` may come at once (`None`: 20, or all calls where these are fewer).
    ///
    /// # Errors
    /// [`SendRateError`] if a lane's share cannot be paced, or if the profile's platform takes less from everybody.
    pub fn new(
        profile: Profile,
        (calls, seconds): (u32, u32),
        burst: Option<u32>,
    ) -> Result<Self, SendRateError> {
        let rate = Self {
            calls,
            seconds,
            burst: burst.unwrap_or(BURST.min(calls.max(1))),
        };
        rate.share(Lane::Text)?;
        let files = rate.share(Lane::Media)?;
        match most_files(profile) {
            Some(most) if files.interval() < Duration::from_secs(1) / most => {
                Err(SendRateError::TooFast { profile, most })
            }
            Some(_) | None => Ok(rate),
        }
    }

    /// The share of a lane; `None` never happens for what [`SendRate::new`] let pass.
    #[must_use]
    pub fn of(self, lane: Lane) -> Option<Rate> {
        self.share(lane).ok()
    }

    fn share(self, lane: Lane) -> Result<Rate, RateError> {
        if self.burst == 0 {
            return Err(RateError::NoBurst);
        }
        let thirds = match lane {
            Lane::Media => 2,
            Lane::Text => 1,
        };
        let per = Duration::from_secs(u64::from(self.seconds) * 3);
        let burst = u64::from(self.burst) * u64::from(thirds) * OF_TWENTY;
        let burst = (burst / 60).max(1);
        Rate::new(
            self.calls.saturating_mul(thirds),
            per,
            u32::try_from(burst).unwrap_or(self.burst),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(profile: Profile, calls: u32, seconds: u32, lane: Lane) -> Option<(u128, u32)> {
        let rate = SendRate::new(profile, (calls, seconds), None).ok()?;
        let rate = rate.of(lane)?;
        Some((rate.interval().as_millis(), rate.burst()))
    }

    #[test]
    fn words_have_a_third() {
        let whatsapp = Profile::WhatsApp;
        for (calls, seconds, files, words) in [
            (150, 1, (10, 12), (20, 6)),
            (80, 1, (19, 12), (38, 6)),
            (225, 60, (400, 12), (800, 6)),
            (1, 6, (9_000, 1), (18_000, 1)),
        ] {
            let lanes = [Lane::Media, Lane::Text].map(|it| share(whatsapp, calls, seconds, it));
            assert_eq!(lanes, [Some(files), Some(words)], "{calls} in {seconds} s");
        }
    }

    #[test]
    fn what_no_platform_takes_or_nobody_can_pace_is_refused() {
        let genesys = Profile::GenesysOpenMessaging;
        let too_fast = |profile, most| SendRateError::TooFast { profile, most };
        for (profile, rate, burst, expected) in [
            (
                Profile::WhatsApp,
                (170, 1),
                None,
                too_fast(Profile::WhatsApp, 100),
            ),
            (
                Profile::Instagram,
                (16, 1),
                None,
                too_fast(Profile::Instagram, 10),
            ),
            (genesys, (0, 1), None, RateError::Empty.into()),
            (genesys, (1, 0), None, RateError::Empty.into()),
            (genesys, (1, 1), Some(0), RateError::NoBurst.into()),
            (genesys, (2000, 1), None, RateError::TooFast.into()),
            (genesys, (1, 41), None, RateError::TooSlow.into()),
        ] {
            assert_eq!(
                SendRate::new(profile, rate, burst),
                Err(expected),
                "{rate:?}"
            );
        }
        assert!(SendRate::new(genesys, (900, 1), Some(5)).is_ok());
    }

    #[test]
    fn the_stored_form_is_stable() {
        let rate = SendRate::new(Profile::WhatsApp, (80, 1), Some(40)).unwrap();
        let json = r#"{"calls":80,"seconds":1,"burst":40}"#;
        assert_eq!(serde_json::to_string(&rate).unwrap(), json);
        assert_eq!(serde_json::from_str::<SendRate>(json).unwrap(), rate);
    }
}
