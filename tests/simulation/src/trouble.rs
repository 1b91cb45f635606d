//! A host in trouble: for a while it fails everybody who asks it for files or for links to them, or asks everybody for less.

use std::time::Duration;

use attache_domain::time::Timestamp;

use crate::dice::Dice;
use crate::faults::Fault;
use crate::scene::{API, GRAPH, LOOKASIDE, SIGNED};

/// How the host shows its trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It answers 503.
    Unavailable,
    /// It answers 503 to whoever wants something sent.
    Down,
    /// It does not answer.
    Silent,
    /// It answers 429, and says for how long it is to be left alone, or does not.
    Throttled,
}

/// How long targets may be down: soon over, longer than what goes to a customer is worth waiting for, and longer than what goes to
/// an agent is.
const DOWN: [u64; 5] = [600_000, 600_000, 5_400_000, 30_000_000, 97_200_000];

/// One host's trouble.
#[derive(Clone, Copy, Debug)]
pub struct Trouble {
    host: &'static str,
    /// How it shows.
    pub kind: Kind,
    from: Timestamp,
    until: Timestamp,
}

impl Trouble {
    /// Draws which host is in trouble in a run that begins at `now`: in most runs none.
    #[must_use]
    pub fn draw(dice: &Dice, now: Timestamp) -> Option<Self> {
        let host = *dice.pick(&[LOOKASIDE, LOOKASIDE, GRAPH, API, SIGNED])?;
        let kind = *dice.pick(&[Kind::Unavailable, Kind::Silent, Kind::Throttled])?;
        let from = now + dice.millis(0, 20_000);
        let longest = *dice.pick(&[20_000, 120_000, 900_000, 3_000_000])?;
        let until = from + dice.millis(10_000, longest);
        dice.chance(150).then_some(Self {
            host,
            kind,
            from,
            until,
        })
    }

    /// Draws whether a target is down: in most runs none. Nothing can be sent then; what is asked for is answered.
    #[must_use]
    pub fn of_target(dice: &Dice, now: Timestamp) -> Option<Self> {
        let host = *dice.pick(&[GRAPH, API, API])?;
        let from = now + dice.millis(0, 40_000);
        let longest = *dice.pick(&DOWN)?;
        let until = from + dice.millis(longest / 2, longest);
        dice.chance(120).then_some(Self {
            host,
            kind: Kind::Down,
            from,
            until,
        })
    }

    /// Whether it lasts so long at `host`.
    #[must_use]
    pub fn lasts(&self, host: &str, long: Duration) -> bool {
        self.host == host && self.until.saturating_since(self.from) >= long
    }

    /// Whether whoever asks `host` at `now` meets it.
    #[must_use]
    pub fn is_met(&self, host: &str, now: Timestamp) -> bool {
        self.host == host && (self.from..self.until).contains(&now)
    }

    /// What it counts as.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self.kind {
            Kind::Unavailable | Kind::Silent => Fault::HostDown,
            Kind::Throttled => Fault::HostThrottled,
            Kind::Down => Fault::TargetDown,
        }
    }

    /// For how long a host that asks for less says it is to be left alone; `None`: it does not say.
    #[must_use]
    pub fn hint(dice: &Dice) -> Option<Duration> {
        let seconds = dice.between(1, 90);
        dice.chance(600).then(|| Duration::from_secs(seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::BEGINNING;

    #[test]
    fn one_host_is_in_trouble_for_a_while() {
        let drawn = (0..200).filter_map(|seed| Trouble::draw(&Dice::new(seed), BEGINNING));
        let all: Vec<Trouble> = drawn.collect();
        assert!((10..60).contains(&all.len()), "{}", all.len());
        for trouble in all {
            assert!(trouble.is_met(trouble.host, trouble.from));
            assert!(!trouble.is_met("else.example", trouble.from));
            assert!(!trouble.is_met(trouble.host, trouble.until));
        }
    }
}
