//! Which requests a fault strikes.

use std::time::Duration;

use super::Point;

/// How many requests a fault meets before it is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times(pub u32);

impl Times {
    /// Until [`Faults::disarm_all`](super::Faults::disarm_all).
    pub const ALWAYS: Self = Self(u32::MAX);
}

/// Which requests a fault strikes; by default the next one that can show it.
#[derive(Clone, Copy, Debug)]
pub struct Aim<'a> {
    /// How many.
    pub times: Times,
    /// Those at this point only.
    pub point: Option<Point>,
    /// Those about this medium id, message id or, at Genesys, file name only.
    pub subject: Option<&'a str>,
    /// Those within this time from now, by the platform's clock.
    pub lasting: Option<Duration>,
    /// Those within this time from the first that it strikes.
    pub once_begun: Option<Duration>,
}

impl Default for Aim<'_> {
    fn default() -> Self {
        Self {
            times: Times(1),
            point: None,
            subject: None,
            lasting: None,
            once_begun: None,
        }
    }
}
