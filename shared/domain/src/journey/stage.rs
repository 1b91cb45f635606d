//! The stages of the journey and their order.

use serde::{Deserialize, Serialize};

macro_rules! stages {
    ($($(#[$doc:meta])* $name:ident = $number:literal $word:literal,)*) => {
        /// Where a media item is. The numbers are stored and chained into the audit trail: they never change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        #[repr(u8)]
        pub enum Stage {
            $($(#[$doc])* $name = $number,)*
        }

        impl Stage {
            /// Every stage, in order.
            pub const ALL: [Self; [$($number),*].len()] = [$(Self::$name),*];

            /// The word used in logs, tables and JSON.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

stages! {
    /// A webhook named it; nothing was fetched yet.
    Announced = 1 "announced",
    /// A holder is bringing the bytes in, or was.
    Fetching = 2 "fetching",
    /// The bytes are in the media bucket, whole.
    Stored = 3 "stored",
    /// Judged, and what the target allows is known.
    Planned = 4 "planned",
    /// A rendition is being made.
    Converting = 5 "converting",
    /// Ready to be delivered.
    Waiting = 6 "waiting",
    /// Bytes are being handed to the target.
    Uploading = 7 "uploading",
    /// The target has the bytes and is working on them.
    Processing = 8 "processing",
    /// The target holds the bytes, ready to be sent.
    Ready = 9 "ready",
    /// The message that carries it is being sent, or its outcome is open.
    Sending = 10 "sending",
    /// The target accepted the message.
    Sent = 11 "sent",
    /// It reached the recipient.
    Delivered = 12 "delivered",
    /// The recipient saw it.
    Read = 13 "read",
    /// Ended: archived, as its route asks.
    Kept = 20 "kept",
    /// Ended: the bytes could not be had any more.
    Lost = 21 "lost",
    /// Ended: judged dangerous, or the target cannot take it.
    Rejected = 22 "rejected",
    /// Ended: out of attempts, or refused for good.
    Failed = 23 "failed",
    /// Ended until a person resolves it: the send may or may not have happened.
    Unconfirmed = 24 "unconfirmed",
    /// Ended: the target took it and reported that it could not deliver it.
    Undelivered = 25 "undelivered",
    /// Ended: removed on request; only the tombstone is left.
    Erased = 26 "erased",
}

impl Stage {
    /// The stage with this stored number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| *stage as u8 == number)
    }

    /// Whether the item's own work is over (statuses may still arrive).
    #[must_use]
    pub fn is_over(self) -> bool {
        self >= Self::Sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_words_and_order_agree() {
        assert!(
            Stage::ALL
                .windows(2)
                .all(|pair| pair[0] < pair[1] && (pair[0] as u8) < (pair[1] as u8))
        );
        for stage in Stage::ALL {
            assert_eq!(Stage::from_number(stage as u8), Some(stage));
            assert_eq!(
                serde_json::to_string(&stage).unwrap(),
                format!("\"{}\"", stage.as_str())
            );
        }
        assert_eq!(Stage::from_number(14), None);
        assert!(Stage::Sent.is_over() && Stage::Failed.is_over() && !Stage::Sending.is_over());
    }
}
