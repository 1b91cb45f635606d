//! What the bytes were judged to be, and what follows for the target: the verdict and the plan of one media item.

use serde::{Deserialize, Serialize};

use crate::channels::Kind;

/// The judgement over the bytes. It only ever gets worse, except that a person may release a held item.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Verdict {
    /// Nobody has looked yet. Not the same as clean: nothing leaves without a verdict.
    #[default]
    Unjudged = 0,
    /// May be delivered.
    Clean = 1,
    /// Kept back by policy until a person releases or rejects it.
    Held = 2,
    /// Dangerous; moved to the quarantine bucket, which nobody reads.
    Quarantined = 3,
}

impl Verdict {
    /// Every verdict, best first.
    pub const ALL: [Self; 4] = [Self::Unjudged, Self::Clean, Self::Held, Self::Quarantined];

    /// The worse of the two: a late "clean" cannot undo "quarantined".
    #[must_use]
    pub fn worsen(self, other: Self) -> Self {
        self.max(other)
    }

    /// The word used in logs, tables and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unjudged => "unjudged",
            Self::Clean => "clean",
            Self::Held => "held",
            Self::Quarantined => "quarantined",
        }
    }
}

/// One reason behind a verdict: a stable code and the evidence for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Stable, kebab-case, safe to alarm on: `executable`, `truncated`, `type-differs`.
    pub code: String,
    /// What was seen, in words; never bytes of the file.
    pub evidence: String,
}

/// What the target allows for these bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "p", rename_all = "kebab-case")]
pub enum Plan {
    /// Deliver the original under this type and name.
    AsIs {
        /// The type on the wire: always from the bytes.
        #[serde(rename = "m")]
        mime: String,
        /// The file name on the wire, made to fit the target's rule.
        #[serde(rename = "n")]
        name: String,
        /// As what the channel takes it.
        #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
        kind: Option<Kind>,
        /// Whether its caption goes as words of their own: the channel takes none with it, or not as long a one.
        #[serde(rename = "c", default, skip_serializing_if = "std::ops::Not::not")]
        caption_apart: bool,
    },
    /// The target cannot take it.
    Rejected {
        /// Why, as a stable code: `channel.type`, `channel.size`, `channel.unknown`, `ours.connection-removed`.
        #[serde(rename = "c")]
        code: String,
        /// In words an agent understands: the reason, the limit, what is allowed.
        #[serde(rename = "r")]
        reason: String,
    },
    /// The route ends here: archive only.
    Keep,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_only_get_worse() {
        for a in Verdict::ALL {
            for b in Verdict::ALL {
                assert!(a.worsen(b) >= a && a.worsen(b) >= b);
            }
        }
        assert_eq!(
            Verdict::Quarantined.worsen(Verdict::Clean),
            Verdict::Quarantined
        );
    }
}
