//! A measured figure beside the bar it is held against, and the middle of several runs.

use std::fmt;

use serde::Serialize;

/// Which side of the bar is the good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Side {
    AtMost,
    AtLeast,
}

/// One figure and its bar.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Bar {
    what: String,
    measured: f64,
    unit: &'static str,
    side: Side,
    bar: f64,
    met: bool,
}

impl Bar {
    /// `what`, measured in `unit`, held against `bar`.
    pub(crate) fn new(
        what: impl Into<String>,
        (measured, unit): (f64, &'static str),
        side: Side,
        bar: f64,
    ) -> Self {
        let met = match side {
            Side::AtMost => measured <= bar,
            Side::AtLeast => measured >= bar,
        };
        Self {
            what: what.into(),
            measured,
            unit,
            side,
            bar,
            met,
        }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            measured,
            unit,
            bar,
            ..
        } = self;
        let side = match self.side {
            Side::AtMost => "at most",
            Side::AtLeast => "at least",
        };
        let met = if self.met { "met" } else { "missed" };
        write!(
            f,
            "{what:<42} {measured:>8.3}{unit}, bar {side} {bar:.3}{unit}: {met}"
        )
    }
}

/// Every bar on a line of its own.
pub(crate) fn write_all(f: &mut fmt::Formatter<'_>, bars: &[Bar]) -> fmt::Result {
    bars.iter().try_for_each(|bar| writeln!(f, "{bar}"))
}

/// The middle one of these figures; of an even number, the mean of the two in the middle. `None` if there are none.
pub(crate) fn median(figures: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = figures.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get(sorted.len().checked_sub(1)? / 2)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_that_of_the_sorted_figures() {
        for (figures, expected) in [
            (vec![], None),
            (vec![4.0], Some(4.0)),
            (vec![9.0, 1.0], Some(5.0)),
            (vec![9.0, 1.0, 2.0], Some(2.0)),
            (vec![9.0, 1.0, 2.0, 4.0], Some(3.0)),
        ] {
            assert_eq!(median(figures.clone()), expected, "{figures:?}");
        }
    }

    #[test]
    fn a_bar_is_met_on_its_good_side_and_on_the_line() {
        for (measured, side, expected) in [
            (0.5, Side::AtLeast, false),
            (0.55, Side::AtLeast, true),
            (0.56, Side::AtLeast, true),
            (0.5, Side::AtMost, true),
            (0.55, Side::AtMost, true),
            (0.56, Side::AtMost, false),
        ] {
            let bar = Bar::new("throughput", (measured, "x"), side, 0.55);
            assert_eq!(bar.met, expected, "{bar}");
        }
    }
}
