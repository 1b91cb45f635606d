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

/// The code of the reason that says that no copy was kept of what is quarantined.
pub const DELETED: &str = "deleted-at-once";

/// One reason behind a verdict: a stable code and the evidence for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Stable, kebab-case, safe to alarm on: `executable`, `truncated`, `type-differs`.
    pub code: String,
    /// What was seen, in words; never bytes of the file.
    pub evidence: String,
}

/// A file as it goes out. Names are short because they lie in the row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The type on the wire, in the channel's spelling: always from the bytes.
    #[serde(rename = "m")]
    pub mime: String,
    /// The file name on the wire, made to fit the target's rule.
    #[serde(rename = "n")]
    pub name: String,
    /// As what the channel takes it.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Whether its caption goes as words of their own: the channel takes none with it, or not as long a one.
    #[serde(rename = "c", default, skip_serializing_if = "std::ops::Not::not")]
    pub caption_apart: bool,
}

/// Why the target does not take the original.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// As a stable code: `channel.type`, `channel.size`, `channel.refused`, `channel.unknown`, `ours.connection-removed`.
    #[serde(rename = "c")]
    pub code: String,
    /// In words an agent understands: the reason, the limit, what is allowed.
    #[serde(rename = "r")]
    pub reason: String,
}

/// What the target allows for these bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "p", rename_all = "kebab-case")]
pub enum Plan {
    /// Deliver the original as its sender called it.
    AsIs(Delivery),
    /// Deliver the original under another type or ending than its sender gave it: the bytes' own, as the channel spells it.
    ReTyped(Delivery),
    /// A rendition of it would fit: another type, or smaller.
    Converted {
        /// The rendition.
        #[serde(rename = "d")]
        to: Delivery,
        /// The most bytes it may have.
        #[serde(rename = "b")]
        max_bytes: u64,
        /// Why not the original.
        #[serde(rename = "y")]
        why: Refusal,
    },
    /// A link to the original in its place.
    Link {
        /// Its type, from the bytes.
        #[serde(rename = "m")]
        mime: String,
        /// Its name for people.
        #[serde(rename = "n")]
        name: String,
        /// Whether its caption goes as words of their own.
        #[serde(rename = "c", default, skip_serializing_if = "std::ops::Not::not")]
        caption_apart: bool,
        /// Why not the original.
        #[serde(rename = "y")]
        why: Refusal,
    },
    /// Words in its place that say what it is.
    Summary {
        /// The words.
        #[serde(rename = "t")]
        text: String,
        /// Whether its caption goes as words of their own.
        #[serde(rename = "c", default, skip_serializing_if = "std::ops::Not::not")]
        caption_apart: bool,
        /// Why not the original.
        #[serde(rename = "y")]
        why: Refusal,
    },
    /// The target cannot take it.
    Rejected(Refusal),
    /// The route ends here: archive only.
    Keep,
}

impl Plan {
    /// How the file goes out, if it does: the original, or its rendition.
    #[must_use]
    pub fn delivery(&self) -> Option<&Delivery> {
        match self {
            Self::AsIs(delivery) | Self::ReTyped(delivery) => Some(delivery),
            Self::Converted { to, .. } => Some(to),
            Self::Link { .. } | Self::Summary { .. } | Self::Rejected(_) | Self::Keep => None,
        }
    }

    /// Whether anything goes out: the file in some form, or words in its place.
    #[must_use]
    pub fn goes_out(&self) -> bool {
        self.delivery().is_some() || self.is_in_words()
    }

    /// Whether words go out in the place of the file: a link to it, or what it is.
    #[must_use]
    pub fn is_in_words(&self) -> bool {
        matches!(self, Self::Link { .. } | Self::Summary { .. })
    }

    /// Whether the file's caption goes out as words of its own, behind what goes out.
    #[must_use]
    pub fn leaves_caption(&self) -> bool {
        match self {
            Self::AsIs(it) | Self::ReTyped(it) | Self::Converted { to: it, .. } => it.caption_apart,
            Self::Link { caption_apart, .. } | Self::Summary { caption_apart, .. } => {
                *caption_apart
            }
            Self::Rejected(_) | Self::Keep => false,
        }
    }

    /// Why the original does not go out, if it does not.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Converted { why, .. } | Self::Link { why, .. } | Self::Summary { why, .. } => {
                Some(why)
            }
            Self::Rejected(why) => Some(why),
            Self::AsIs(_) | Self::ReTyped(_) | Self::Keep => None,
        }
    }

    /// The word used in rows, logs and JSON.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::AsIs(_) => "as-is",
            Self::ReTyped(_) => "re-typed",
            Self::Converted { .. } => "converted",
            Self::Link { .. } => "link",
            Self::Summary { .. } => "summary",
            Self::Rejected(_) => "rejected",
            Self::Keep => "keep",
        }
    }
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

    #[test]
    fn plans_are_read_as_they_were_written_before() {
        let delivery = |kind, caption_apart| Delivery {
            mime: "image/png".to_owned(),
            name: "a.png".to_owned(),
            kind,
            caption_apart,
        };
        let refusal = || Refusal {
            code: "channel.type".to_owned(),
            reason: "No.".to_owned(),
        };
        for (row, plan) in [
            (
                r#"{"p":"as-is","m":"image/png","n":"a.png"}"#,
                Plan::AsIs(delivery(None, false)),
            ),
            (
                r#"{"p":"as-is","m":"image/png","n":"a.png","k":"image","c":true}"#,
                Plan::AsIs(delivery(Some(Kind::Image), true)),
            ),
            (
                r#"{"p":"rejected","c":"channel.type","r":"No."}"#,
                Plan::Rejected(refusal()),
            ),
            (r#"{"p":"keep"}"#, Plan::Keep),
            (
                r#"{"p":"re-typed","m":"image/png","n":"a.png"}"#,
                Plan::ReTyped(delivery(None, false)),
            ),
            (
                r#"{"p":"converted","d":{"m":"image/png","n":"a.png"},"b":5,"y":{"c":"channel.type","r":"No."}}"#,
                Plan::Converted {
                    to: delivery(None, false),
                    max_bytes: 5,
                    why: refusal(),
                },
            ),
            (
                r#"{"p":"link","m":"image/png","n":"a.png","y":{"c":"channel.type","r":"No."}}"#,
                Plan::Link {
                    mime: "image/png".to_owned(),
                    name: "a.png".to_owned(),
                    caption_apart: false,
                    why: refusal(),
                },
            ),
            (
                r#"{"p":"summary","t":"A file.","y":{"c":"channel.type","r":"No."}}"#,
                Plan::Summary {
                    text: "A file.".to_owned(),
                    caption_apart: false,
                    why: refusal(),
                },
            ),
        ] {
            assert_eq!(serde_json::from_str::<Plan>(row).unwrap(), plan);
            assert_eq!(serde_json::to_string(&plan).unwrap(), row);
            assert!(row.contains(&format!("\"p\":\"{}\"", plan.as_str())));
        }
    }
}
