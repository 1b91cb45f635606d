//! The item's row and the words it uses.

/// Where the item is on its journey. Later is higher; the endings stand side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Claimed from the webhook and acknowledged to its sender.
    Announced,
    /// A fetch holds, or held, the lease.
    Fetching,
    /// The object is in the bucket and the row knows it.
    Stored,
    /// Judged clean; an upload may begin.
    Planned,
    /// An intent was written; with no intent open, the next attempt may be made.
    Sending,
    /// Ending: the platform said yes.
    Sent,
    /// Ending: the link died before the bytes were stored.
    Lost,
    /// Ending, until a person releases it: policy, or other bytes under the same id.
    Held,
    /// Ending, until a person resolves it: it may have been sent, and nobody can tell.
    Unconfirmed,
}

impl Stage {
    /// Whether no more work is due unless a person asks for it.
    pub fn is_ending(self) -> bool {
        self >= Self::Sent
    }

    /// Whether a row may go from `self` to `next` within one epoch.
    pub fn allows(self, next: Self) -> bool {
        self == next || (!self.is_ending() && next > self)
    }
}

/// What was decided about the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Nobody has looked yet.
    Unjudged,
    /// May leave.
    Clean,
    /// Must not leave until a person releases it.
    Held,
}

/// The content of a download. The first bytes ever stored for the item are called `First`; any later download may
/// bring the same bytes or `Other` ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bytes {
    /// The bytes that were stored first.
    First,
    /// Any bytes with another digest.
    Other,
}

/// The item's row, as every conditional write sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// Where the item is.
    pub stage: Stage,
    /// Raised whenever a person sends the item on its way again.
    pub epoch: u8,
    /// Raised by each new holder. Every later write of that holder carries it.
    pub fence: u8,
    /// Ticks the lease still lasts; 0 is free or expired, which are the same to a claim.
    pub lease: u8,
    /// Ticks until the sweep acts; `None` only when the item has ended.
    pub due: Option<u8>,
    /// Digest of the stored object, once known.
    pub digest: Option<Bytes>,
    /// What was decided about the bytes.
    pub verdict: Verdict,
    /// Ticks until the open intent may be judged; `None` when no intent is open.
    pub intent: Option<u8>,
    /// The upload job's sequence: raised by each planned wait; jobs with an older one are dropped.
    pub sequence: u8,
}

#[cfg(test)]
mod tests {
    use super::Stage;

    #[test]
    fn stages_advance_and_endings_stay() {
        let cases = [
            ("stay", Stage::Fetching, Stage::Fetching, true),
            ("advance", Stage::Fetching, Stage::Stored, true),
            ("skip", Stage::Fetching, Stage::Planned, true),
            ("end", Stage::Announced, Stage::Held, true),
            ("go back", Stage::Planned, Stage::Stored, false),
            ("leave an ending", Stage::Sent, Stage::Planned, false),
            ("change endings", Stage::Sent, Stage::Unconfirmed, false),
        ];
        for (name, from, to, expected) in cases {
            assert_eq!(from.allows(to), expected, "{name}");
        }
    }
}
