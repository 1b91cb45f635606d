//! How much one step may look at, looks at the same bytes counted again: what keeps a scan for tokens from becoming a scan for
//! each token.

/// So many looks at each byte are no sign of anything.
const PER_BYTE: u64 = 16;
/// What a step may look at, however short the text.
const LEAST: u64 = 64 << 10;

/// What is left, in bytes.
#[derive(Debug)]
pub(crate) struct Work {
    left: u64,
    #[cfg(test)]
    spent: u64,
}

impl Work {
    /// Enough for a text of this length, whatever honest writers put into it.
    pub(crate) fn over(length: usize) -> Self {
        Self {
            left: LEAST + PER_BYTE * length as u64,
            #[cfg(test)]
            spent: 0,
        }
    }

    /// Counts bytes that were looked at.
    pub(crate) fn looked_at(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes as u64);
        #[cfg(test)]
        {
            self.spent += bytes as u64;
        }
    }

    /// Whether there is nothing left: what was not looked at by then is not judged.
    pub(crate) fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// All that was counted.
    #[cfg(test)]
    pub(crate) fn spent(&self) -> u64 {
        self.spent
    }
}

/// Fails where twice as much of something takes more than about twice the work.
#[cfg(test)]
pub(crate) fn assert_grows_with_length(name: &str, work: impl Fn(usize) -> u64) {
    let (once, twice) = (work(2_000), work(4_000));
    assert!(
        twice <= once * 9 / 4 + 64,
        "{name}: {once} looks become {twice}"
    );
    assert!(once > 0, "{name}: nothing is counted");
}
