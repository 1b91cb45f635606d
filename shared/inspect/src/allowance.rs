//! What a file and everything in it may cost together, however deep: bytes unpacked, and what archives claim to become.
//!
//! One archive of ten archives of ten archives is harmless on each level and a bomb as a whole, so the account goes down into
//! what is inside and comes back.

/// The most that is unpacked of a file's streams and of the files in it, all together.
const UNPACKED_CAP: usize = 12 << 20;
/// What looking at one file inside costs, however short it is.
const FEE: usize = 4 << 10;

/// More than this unpacked, at more than the ratio, is a bomb.
const CLAIMED_CAP: u64 = 1 << 30;
const RATIO_CAP: u64 = 100;
/// No honest archive of this density exists below the size cap either: deflate reaches 1032 : 1 on nothing but zeros.
const SMALL_CLAIMED_CAP: u64 = 64 << 20;
const SMALL_RATIO_CAP: u64 = 900;

/// The account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    /// How many files, one in another, carry this one.
    level: u8,
    unpacking: usize,
    /// The length of the outermost file.
    length: u64,
    /// What all archives so far say they unpack to.
    claimed: u64,
}

impl Allowance {
    /// That of a file which nothing carries.
    pub(crate) fn of(length: u64) -> Self {
        Self {
            level: 0,
            unpacking: UNPACKED_CAP,
            length,
            claimed: 0,
        }
    }

    /// That of a file inside this one.
    pub(crate) fn inside(&self) -> Self {
        Self {
            level: self.level + 1,
            ..*self
        }
    }

    /// Takes over what was spent on a file inside.
    pub(crate) fn after(&mut self, inner: &Self) {
        self.unpacking = inner.unpacking;
        self.claimed = inner.claimed;
    }

    /// How many files, one in another, carry this one.
    pub(crate) fn level(&self) -> u8 {
        self.level
    }

    /// How many bytes may still be unpacked.
    pub(crate) fn unpacking(&self) -> usize {
        self.unpacking
    }

    /// Counts bytes that were unpacked.
    pub(crate) fn unpacked(&mut self, bytes: usize) {
        self.unpacking = self.unpacking.saturating_sub(bytes);
    }

    /// Counts a look at one file inside.
    pub(crate) fn looked_into(&mut self) {
        self.unpacked(FEE);
    }

    /// Counts what an archive says it unpacks to; answers what to say if all of them together are a bomb.
    pub(crate) fn claim(&mut self, bytes: u64) -> Option<String> {
        self.claimed = self.claimed.saturating_add(bytes);
        is_dense(self.length, self.claimed).then(|| {
            let (length, claimed) = (self.length, self.claimed);
            format!("{length} bytes unpack to {claimed}, archives in it included")
        })
    }
}

/// Whether so many bytes come out of so few that no honest archive does it.
pub(crate) fn is_dense(packed: u64, unpacked: u64) -> bool {
    let ratio = unpacked / packed.max(1);
    (unpacked > CLAIMED_CAP && ratio > RATIO_CAP)
        || (unpacked > SMALL_CLAIMED_CAP && ratio > SMALL_RATIO_CAP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside_counts_with_the_rest() {
        let mut outer = Allowance::of(8_000);
        assert!(outer.claim(60_000).is_none());
        let mut inner = outer.inside();
        inner.unpacked(1_000);
        assert!(inner.claim(50 << 20).is_none());
        outer.after(&inner);
        assert_eq!((inner.level(), outer.level()), (1, 0));
        assert_eq!(outer.unpacking(), UNPACKED_CAP - 1_000);
        let mut second = outer.inside();
        assert!(second.claim(50 << 20).is_some());
    }
}
