//! What answers tell of limits before they are hit, and how the pace follows: full below 80 %, slower above, none at 100 %
//! until the window resets.
//!
//! | header | sender | tells |
//! |---|---|---|
//! | `X-App-Usage` | Meta | percent of the app's calls and time; a rolling hour |
//! | `X-Business-Use-Case-Usage` | Meta | the same for an account, and in how many minutes it may call again |
//! | `inin-ratelimit-count`, `-allowed`, `-reset` | Genesys | calls made of calls allowed, and the seconds to the reset |
//!
//! A header is a stranger's number: what cannot be is no hint, and no pause is longer than [`LONGEST_PAUSE`]. Limits of an app,
//! an account and a client are shared by many processes, and so is what is told of them: every answer has the header, so a
//! process learns of the others' calls with its own next one, and nothing has to be written down for that.

use std::time::Duration;

use serde_json::Value;

use super::rate::Rate;
use crate::time::Timestamp;
use crate::wire::Headers;

/// From this share of a limit on, in percent, the pace slows down (`meta.md` §1.6).
pub const SLOW_FROM: u32 = 80;

/// The longest pause that is believed: Meta's window.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// The pause at 100 % where nobody says how long: Genesys' window.
const PAUSE: Duration = Duration::from_secs(60);

/// For so long a hint says anything about now.
const LIFE: Duration = Duration::from_secs(5 * 60);

/// The slowest pace, in percent of the full one.
const SLOWEST: u32 = 10;

/// More used up than this is as good as this: a limit that shrank, or was not kept to.
const MOST_PERCENT: u64 = 1_000;

/// More than this is no percentage.
const ABSURD_PERCENT: u64 = 1_000_000;

/// A day and more is no window.
const MOST_SECONDS: u64 = 24 * 60 * 60;

/// How much of the tightest limit is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint {
    /// In percent; may exceed 100.
    pub used_share: u32,
    /// When it is free again, if that was said.
    pub resets_in: Option<Duration>,
}

impl Hint {
    /// Reads the headers of an answer; of several limits the one most used up.
    #[must_use]
    pub fn read(headers: &Headers) -> Option<Self> {
        let app = headers.get("x-app-usage").and_then(of_app);
        let account = headers
            .get("x-business-use-case-usage")
            .and_then(of_account);
        let client = of_client(headers);
        [app, account, client]
            .into_iter()
            .flatten()
            .max_by_key(|hint| (hint.used_share, hint.resets_in))
    }

    /// The pace it allows, in percent of the full one: 100 below [`SLOW_FROM`], from there 80 and falling to 10; `None`: none.
    #[must_use]
    pub fn pace(self) -> Option<u32> {
        match self.used_share {
            ..SLOW_FROM => Some(100),
            100.. => None,
            used => Some(((100 - used) * 4).max(SLOWEST)),
        }
    }

    fn pause(self) -> Duration {
        self.resets_in.unwrap_or(PAUSE)
    }
}

fn percent(value: &Value) -> Option<u32> {
    let whole = value.as_u64().or_else(|| {
        let real = value
            .as_f64()
            .filter(|it| (0.0..=1_000_000.0).contains(it))?;
        // In range, and a fraction of a percent does not matter.
        format!("{real:.0}").parse().ok()
    })?;
    believed(whole)
}

fn believed(percent: u64) -> Option<u32> {
    let believed = (percent <= ABSURD_PERCENT).then_some(percent.min(MOST_PERCENT))?;
    u32::try_from(believed).ok()
}

/// The highest of the three percentages Meta gives.
fn usage(value: &Value) -> Option<u32> {
    ["call_count", "total_time", "total_cputime"]
        .iter()
        .filter_map(|name| percent(value.get(name)?))
        .max()
}

fn of_app(text: &str) -> Option<Hint> {
    let value: Value = serde_json::from_str(text).ok()?;
    Some(Hint {
        used_share: usage(&value)?,
        resets_in: None,
    })
}

fn of_account(text: &str) -> Option<Hint> {
    let value: Value = serde_json::from_str(text).ok()?;
    let accounts = value.as_object()?.values();
    let limits = accounts.filter_map(Value::as_array).flatten();
    let hint = |limit: &Value| {
        let used_share = usage(limit)?;
        let minutes = limit.get("estimated_time_to_regain_access");
        let seconds = minutes
            .and_then(Value::as_u64)
            .map(|it| it.saturating_mul(60));
        Some(match span(seconds.filter(|it| *it > 0)) {
            Some(left) => Hint {
                used_share: used_share.max(100),
                resets_in: Some(left),
            },
            None => Hint {
                used_share,
                resets_in: None,
            },
        })
    };
    limits
        .filter_map(hint)
        .max_by_key(|hint| (hint.used_share, hint.resets_in))
}

fn of_client(headers: &Headers) -> Option<Hint> {
    let number = |name: &str| headers.get(name)?.trim().parse::<u64>().ok();
    let count = number("inin-ratelimit-count")?;
    let allowed = number("inin-ratelimit-allowed").filter(|allowed| *allowed > 0)?;
    Some(Hint {
        used_share: believed(count.checked_mul(100)? / allowed)?,
        resets_in: span(number("inin-ratelimit-reset")),
    })
}

/// A believable time, at most [`LONGEST_PAUSE`].
fn span(seconds: Option<u64>) -> Option<Duration> {
    let seconds = seconds.filter(|it| *it < MOST_SECONDS)?;
    Some(Duration::from_secs(seconds).min(LONGEST_PAUSE))
}

/// What a process knows of how much of a connection's limits is used up. The default: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    last: Option<(Hint, Timestamp)>,
}

impl Usage {
    /// Takes in the hint of an answer that came at `now`.
    pub fn learn(&mut self, hint: Hint, now: Timestamp) {
        self.last = Some((hint, now));
    }

    /// Whether the last hint asks for less than the full pace.
    #[must_use]
    pub fn is_tight(&self) -> bool {
        self.last.is_some_and(|(hint, _)| hint.pace() != Some(100))
    }

    /// Until when no call may be made at all, if so at `now`.
    #[must_use]
    pub fn shut_until(&self, now: Timestamp) -> Option<Timestamp> {
        let (hint, at) = self.last.filter(|(hint, _)| hint.pace().is_none())?;
        Some(at + hint.pause()).filter(|until| *until > now)
    }

    /// The rate at which calls may be made now instead of `full`.
    ///
    /// # Errors
    /// Until when none may be made.
    pub fn rate(&self, full: Rate, now: Timestamp) -> Result<Rate, Timestamp> {
        let Some((hint, at)) = self.last else {
            return Ok(full);
        };
        let since = now.saturating_since(at);
        if let Some(until) = self.shut_until(now) {
            return Err(until);
        }
        match hint.pace() {
            // It should be free again; the first answer will tell.
            None if since < hint.pause() + LIFE => Ok(full.slowed(SLOWEST)),
            Some(share) if since < hint.resets_in.unwrap_or(LIFE) => Ok(full.slowed(share)),
            Some(_) | None => Ok(full),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXAMPLE: &str = r#"{"102290129340398":[{"type":"whatsapp","call_count":95,"total_cputime":20,"total_time":20,"estimated_time_to_regain_access":0}]}"#;

    fn read(headers: &[(&str, &str)]) -> Option<(u32, Option<u64>)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let hint = Hint::read(&Headers::new(headers.iter().map(owned)))?;
        Some((hint.used_share, hint.resets_in.map(|it| it.as_secs())))
    }

    #[test]
    fn published_headers_and_absurd_ones() {
        let app = "X-App-Usage";
        let account = "X-Business-Use-Case-Usage";
        let limit = |minutes: &str| {
            format!(r#"{{"1":[{{"call_count":5,"estimated_time_to_regain_access":{minutes}}}]}}"#)
        };
        for (name, value, expected) in [
            (
                app,
                r#"{"call_count":28,"total_time":25,"total_cputime":25}"#,
                Some((28, None)),
            ),
            (
                app,
                r#"{"call_count":28.6,"total_time":91}"#,
                Some((91, None)),
            ),
            (app, r#"{"call_count":-5}"#, None),
            (app, r#"{"call_count":1e300}"#, None),
            (app, r#"{"call_count":"95"}"#, None),
            (app, r#"{"call_count":1666}"#, Some((1000, None))),
            (app, r#"{"call_count":1666.5}"#, Some((1000, None))),
            (app, "{", None),
            (app, "[]", None),
            (account, EXAMPLE, Some((95, None))),
            (account, &limit("0"), Some((5, None))),
            (account, &limit("7"), Some((100, Some(420)))),
            (account, &limit("90"), Some((100, Some(3600)))),
            (account, &limit("99999999999999"), Some((5, None))),
            (account, &limit("-3"), Some((5, None))),
            (
                account,
                r#"{"1":[{"call_count":10},{"call_count":82}],"2":[{"call_count":40}]}"#,
                Some((82, None)),
            ),
            (account, r#"{"1":{}}"#, None),
        ] {
            assert_eq!(read(&[(name, value)]), expected, "{name}: {value}");
        }
    }

    #[test]
    fn genesys_counts_calls() {
        for (count, allowed, reset, expected) in [
            ("121", "180", "61", Some((67, Some(61)))),
            ("300", "300", "41", Some((100, Some(41)))),
            ("301", "300", "0", Some((100, Some(0)))),
            ("240", "300", "soon", Some((80, None))),
            ("240", "300", "999999999", Some((80, None))),
            ("5", "0", "1", None),
            ("5", "-1", "1", None),
            ("99999999999999999999", "300", "1", None),
            ("18446744073709551615", "1", "1", None),
            ("5000", "300", "1", Some((1000, Some(1)))),
            ("5000000", "300", "1", None),
        ] {
            let headers = [
                ("inin-ratelimit-count", count),
                ("inin-ratelimit-allowed", allowed),
                ("inin-ratelimit-reset", reset),
            ];
            assert_eq!(read(&headers), expected, "{headers:?}");
        }
        assert_eq!(read(&[("inin-ratelimit-count", "5")]), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn the_tightest_limit_counts() {
        let headers = [
            ("X-App-Usage", r#"{"call_count":28}"#),
            ("X-Business-Use-Case-Usage", EXAMPLE),
        ];
        assert_eq!(read(&headers), Some((95, None)));
    }

    fn rate() -> Rate {
        Rate::new(10, Duration::from_secs(1), 10).unwrap()
    }

    #[test]
    fn the_pace_follows_and_recovers() {
        let at = Timestamp::from_seconds;
        let hint = |used_share, seconds: Option<u64>| Hint {
            used_share,
            resets_in: seconds.map(Duration::from_secs),
        };
        let every = |ms| Ok(Duration::from_millis(ms));
        for (name, hint, seconds, expected) in [
            ("calm", hint(79, None), 0, every(100)),
            ("80 %", hint(80, None), 0, every(125)),
            ("90 %", hint(90, None), 0, every(250)),
            ("99 %", hint(99, None), 0, every(1000)),
            ("99 %, its window over", hint(99, Some(30)), 30, every(100)),
            ("99 %, long ago", hint(99, None), 300, every(100)),
            (
                "full, until the reset",
                hint(100, Some(41)),
                40,
                Err(at(1041)),
            ),
            (
                "full, nobody says how long",
                hint(140, None),
                59,
                Err(at(1060)),
            ),
            (
                "free again: slow at first",
                hint(100, Some(41)),
                41,
                every(1000),
            ),
            ("free for long", hint(100, Some(41)), 341, every(100)),
        ] {
            let mut usage = Usage::default();
            usage.learn(hint, at(1000));
            assert_eq!(usage.is_tight(), hint.used_share >= SLOW_FROM, "{name}");
            let got = usage.rate(rate(), at(1000 + seconds)).map(Rate::interval);
            assert_eq!(got, expected, "{name}");
        }
        assert_eq!(Usage::default().rate(rate(), at(1)), Ok(rate()));
    }

    proptest! {
        #[test]
        fn whatever_is_told_the_pace_stays_within_bounds(
            value in "\\PC{0,40}|\\{\"call_count\":[0-9e.+-]{1,12}\\}",
            numbers in prop::array::uniform3("[0-9]{0,22}|\\PC{0,5}"),
            since in 0_u64..20_000,
        ) {
            let headers = Headers::new([
                ("X-App-Usage".to_owned(), value.clone()),
                ("X-Business-Use-Case-Usage".to_owned(), value),
                ("inin-ratelimit-count".to_owned(), numbers[0].clone()),
                ("inin-ratelimit-allowed".to_owned(), numbers[1].clone()),
                ("inin-ratelimit-reset".to_owned(), numbers[2].clone()),
            ]);
            let begun = Timestamp::from_seconds(1000);
            let mut usage = Usage::default();
            if let Some(hint) = Hint::read(&headers) {
                usage.learn(hint, begun);
            }
            match usage.rate(rate(), begun + Duration::from_secs(since)) {
                Ok(slowed) => {
                    prop_assert!(slowed.interval() >= rate().interval());
                    prop_assert!(slowed.interval() <= rate().interval() * 10);
                    prop_assert!(slowed.burst() <= rate().burst());
                }
                Err(until) => prop_assert!(until <= begun + LONGEST_PAUSE),
            }
        }

        #[test]
        fn more_used_is_never_faster(used in 0_u32..200) {
            let pace = |used_share| Hint { used_share, resets_in: None }.pace().unwrap_or(0);
            prop_assert!(pace(used + 1) <= pace(used));
        }
    }
}
