//! The only source of chance: a small generator of our own, so that a seed means the same run for good, whatever
//! becomes of any library's generators.

use std::cell::Cell;
use std::time::Duration;

/// `SplitMix64` behind a shared reference: every part of a run throws the same dice, in the order of the run.
#[derive(Debug)]
pub struct Dice(Cell<u64>);

impl Dice {
    /// The dice of one seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let dice = Self(Cell::new(seed));
        // Neighbouring seeds begin far apart.
        dice.0.set(dice.draw() ^ seed.rotate_left(32));
        dice
    }

    /// Any number.
    pub fn draw(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if `end` is 0.
    pub fn below(&self, end: usize) -> usize {
        let end = end.max(1) as u64;
        usize::try_from(self.draw() % end).unwrap_or(0)
    }

    /// A number of `low ..= high`.
    pub fn between(&self, low: u64, high: u64) -> u64 {
        low + self.draw() % (high.saturating_sub(low) + 1)
    }

    /// True in `permille` of a thousand cases.
    pub fn chance(&self, permille: u32) -> bool {
        self.draw() % 1000 < u64::from(permille)
    }

    /// A time of `low ..= high` milliseconds.
    pub fn millis(&self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.between(low, high))
    }

    /// One of several; `None` if there are none.
    pub fn pick<'a, T>(&self, several: &'a [T]) -> Option<&'a T> {
        several.get(self.below(several.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_neighbours_differ() {
        let three = |seed| {
            let dice = Dice::new(seed);
            [dice.draw(), dice.draw(), dice.draw()]
        };
        assert_eq!(three(7), three(7));
        assert_ne!(three(7), three(8));
    }

    #[test]
    fn bounds_are_kept() {
        let dice = Dice::new(1);
        for _ in 0..1000 {
            assert!(dice.below(3) < 3 && (5..=9).contains(&dice.between(5, 9)));
        }
        assert!(!dice.chance(0) && dice.chance(1000));
        assert_eq!((dice.below(0), dice.pick::<u8>(&[])), (0, None));
    }
}
