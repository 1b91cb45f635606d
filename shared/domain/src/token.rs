//! Access tokens: when one is renewed, when work may begin with it, when it is no longer handed out.
//!
//! Four layers (ruling `C10`): a timer renews ten minutes before the end; a batch is not begun under 300 s; under
//! 60 s a token is never handed out; a 401 asks for a version newer than the one seen. Tokens that live shorter than
//! that still work: every margin shrinks with the life.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::ids::ConnectionId;
use crate::time::Timestamp;

/// What a token is for. Media and messages have separate accounts, so that neither disturbs the other (`S0-58`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Looking up, downloading and uploading files.
    Media,
    /// Sending messages.
    Messages,
}

impl Purpose {
    /// The word used in keys and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Media => "media",
            Self::Messages => "messages",
        }
    }
}

/// Which token work was done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// What it is for; each purpose counts its own versions.
    pub purpose: Purpose,
    /// The version.
    pub number: u32,
}

/// The key of a token's row.
#[must_use]
pub fn row_id(connection: &ConnectionId, purpose: Purpose) -> String {
    format!("{connection}/{}", purpose.as_str())
}

/// One token as the `tokens` table holds it. The token itself is sealed; its life is in the clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRow {
    /// `<connection>/<purpose>`.
    pub id: String,
    /// The sealed access token, base64; `None` until the first renewal has succeeded.
    pub sealed: Option<String>,
    /// When it was obtained.
    pub obtained_at: Timestamp,
    /// When it dies; `None`: it does not.
    pub expires_at: Option<Timestamp>,
    /// Grows with every renewal.
    pub version: u32,
    /// Raised by every write; every write is conditional on the one it was based on. 0: not written yet.
    pub revision: u32,
    /// Until when a refresher holds the right to renew it.
    pub lease_until: Option<Timestamp>,
    /// Where the API is that it is for, where its issuer tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<Url>,
}

/// Whether to renew now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Take the lease and renew.
    Now,
    /// Another refresher is at it.
    Held {
        /// Until when its lease runs.
        until: Timestamp,
    },
    /// Not yet.
    NotDue,
}

/// Whether work may begin with the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fitness {
    /// Yes.
    Fit,
    /// No: ask `refresh` and come back.
    Unfit,
}

/// How long before its end a token is renewed: ten minutes; of shorter lives a sixth, at least 90 s, at most half.
#[must_use]
pub fn renewal_lead(life: Duration) -> Duration {
    (life / 6)
        .clamp(Duration::from_secs(90), Duration::from_secs(600))
        .min(life / 2)
}

/// How much life work needs to begin: 300 s, but never more than two thirds of the renewal lead, so that a token is
/// always renewed before work stops for it; short lives come down to 60 s and below in the same way.
fn begin_margin(life: Duration) -> Duration {
    Duration::from_secs(300).min(renewal_lead(life) * 2 / 3)
}

impl TokenRow {
    /// The whole life it was issued with; `None`: unlimited.
    #[must_use]
    pub fn life(&self) -> Option<Duration> {
        self.expires_at
            .map(|end| end.saturating_since(self.obtained_at))
    }

    /// Whether to renew at `now`. `floor` is the lowest version that would do (a version seen refused, plus one).
    #[must_use]
    pub fn renewal(&self, now: Timestamp, floor: u32) -> Renewal {
        // A lease that ran out is a renewal that somebody asked for and that never came: the next run takes it up, and
        // does not wait to be asked again.
        let abandoned = self.lease_until.is_some_and(|until| until <= now);
        let wanted = abandoned
            || self.sealed.is_none()
            || self.version < floor
            || self
                .expires_at
                .zip(self.life())
                .is_some_and(|(end, life)| now + renewal_lead(life) >= end);
        match self.lease_until {
            _ if !wanted => Renewal::NotDue,
            Some(until) if until > now => Renewal::Held { until },
            Some(_) | None => Renewal::Now,
        }
    }

    /// Whether work may begin with this token at `now`, given the lowest version that would do.
    #[must_use]
    pub fn fitness(&self, now: Timestamp, floor: u32) -> Fitness {
        let alive = match self.expires_at.zip(self.life()) {
            None => true,
            Some((end, life)) => end.saturating_since(now) > begin_margin(life),
        };
        if self.sealed.is_some() && self.version >= floor && alive {
            Fitness::Fit
        } else {
            Fitness::Unfit
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(life: u64) -> TokenRow {
        TokenRow {
            id: "g/messages".to_owned(),
            sealed: Some("sealed".to_owned()),
            obtained_at: Timestamp::from_seconds(1000),
            expires_at: Some(Timestamp::from_seconds(1000 + life)),
            version: 3,
            revision: 1,
            lease_until: None,
            api: None,
        }
    }

    #[test]
    fn leads_and_margins() {
        for (life, lead, margin) in [
            (86_400, 600, 300),
            (3_600, 600, 300),
            (1_200, 200, 133),
            (600, 100, 66),
            (240, 90, 60),
            (90, 45, 30),
        ] {
            let life = Duration::from_secs(life);
            assert_eq!(renewal_lead(life).as_secs(), lead, "{life:?}");
            assert_eq!(begin_margin(life).as_secs(), margin, "{life:?}");
        }
    }

    #[test]
    fn a_token_is_renewed_before_it_becomes_unfit() {
        for life in [100, 240, 300, 600, 601, 1_200, 3_600, 86_400] {
            let token = row(life);
            let unfit = (0..=life)
                .find(|s| token.fitness(Timestamp::from_seconds(1000 + s), 0) == Fitness::Unfit);
            let due = (0..=life)
                .find(|s| token.renewal(Timestamp::from_seconds(1000 + s), 0) == Renewal::Now);
            let (unfit, due) = (unfit.unwrap(), due.unwrap());
            assert!(unfit > 0, "life {life}: usable at all");
            assert!(due < unfit, "life {life}: due at {due}, unfit at {unfit}");
        }
    }

    #[test]
    fn missing_refused_and_leased() {
        let now = Timestamp::from_seconds(1001);
        let mut token = row(3_600);
        assert_eq!(
            (token.renewal(now, 0), token.fitness(now, 0)),
            (Renewal::NotDue, Fitness::Fit)
        );
        assert_eq!(
            (token.renewal(now, 4), token.fitness(now, 4)),
            (Renewal::Now, Fitness::Unfit)
        );
        token.lease_until = Some(Timestamp::from_seconds(1010));
        assert_eq!(
            token.renewal(now, 4),
            Renewal::Held {
                until: Timestamp::from_seconds(1010)
            }
        );
        token.lease_until = Some(now);
        assert_eq!(token.renewal(now, 4), Renewal::Now);
        assert_eq!(token.renewal(now, 0), Renewal::Now, "an abandoned lease");
        token.lease_until = None;
        token.sealed = None;
        assert_eq!(token.fitness(now, 0), Fitness::Unfit);
        token.expires_at = None;
        token.sealed = Some("s".to_owned());
        assert_eq!(
            token.renewal(Timestamp::from_seconds(u64::MAX / 2000), 0),
            Renewal::NotDue
        );
    }
}
