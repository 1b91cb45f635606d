//! The contracts of the queues: what one function asks of another. Versioned, small, and free of links, tokens and
//! names: a job says which item it is about, the item's row says the rest. The exception is [`ForwardJob`], which has
//! no row behind it and holds what it is about.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::diagnosis::Diagnosis;
use crate::ids::{ConnectionId, EndpointId, MediaId};
use crate::token::Purpose;

/// The only version of the contracts so far.
pub const VERSION: u8 = 1;

/// Work on one media item: queues `fetch`, `judge`, `media` and `media-retry`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemJob {
    /// Contract version ([`VERSION`]).
    pub v: u8,
    /// Which item.
    pub media: MediaId,
    /// The connection whose limits this work counts against (to group a batch before any row is read).
    pub connection: ConnectionId,
    /// The item's epoch this job belongs to; a job of an older epoch is dropped.
    pub epoch: u16,
    /// Which copy this is. A planned wait is a copy with the next sequence; older sequences are dropped.
    pub sequence: u32,
    /// When this copy's place in the limiter comes up, if it already has one (milliseconds since the epoch).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<u64>,
    /// Under which pace of the limiter's line that place was reserved ([`crate::pacing::line::Line::generation`]).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pace: u32,
    /// When this copy's place in its contact's line comes up, if it already has one (milliseconds since the epoch).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<u64>,
    /// Whether another item of the same message goes before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bundled: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// Queue `judge`: the platform that a file was sent to found malware in it. Named by another key than [`ItemJob`], so that neither
/// reads as the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MalwareJob {
    /// Contract version ([`VERSION`]).
    pub v: u8,
    /// Which item.
    pub malware: MediaId,
    /// What the platform calls it, if it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threat: Option<String>,
}

/// What the queue `judge` carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JudgeJob {
    /// An item to be judged, or judged again.
    Item(ItemJob),
    /// An item to be taken out of reach.
    Malware(MalwareJob),
}

/// Queue `text`: the agent is writing. Worth something for seconds only, so there is no row behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypingJob {
    /// Contract version ([`VERSION`]).
    pub v: u8,
    /// The connection over which the customer is shown it.
    pub typing: ConnectionId,
    /// The customer.
    pub customer: String,
    /// When it came in, milliseconds since the epoch.
    pub at: u64,
}

/// What the queue `text` carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextJob {
    /// An item without bytes.
    Item(ItemJob),
    /// Typing.
    Typing(TypingJob),
}

/// Queue `refresh`: somebody met a token that is missing, dying or refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshJob {
    /// Contract version ([`VERSION`]).
    pub v: u8,
    /// Whose token.
    pub connection: ConnectionId,
    /// Which of its tokens.
    pub purpose: Purpose,
    /// The version that was seen; a newer one in the table means the work is already done.
    pub version_seen: u32,
}

/// Queue `media` dead letters: an item that was given up, with why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Contract version ([`VERSION`]).
    pub v: u8,
    /// Which item.
    pub media: MediaId,
    /// The epoch that ended.
    pub epoch: u16,
    /// Why, and what to do.
    pub diagnosis: Diagnosis,
}

/// Queue `forward`: a verified webhook on its way to another system. Its dead letters have the same form, with
/// `diagnosis`: moved back to the queue they start anew. It is somebody's message: only its size ever shows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForwardJob {
    /// Contract version ([`VERSION`]).
    pub v: u8,
    /// The endpoint it came to.
    pub endpoint: EndpointId,
    /// How many attempts were made before.
    pub attempts: u32,
    /// The headers that belong to the bytes, exactly as received; names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The bytes, deflated, in base64 ([`crate::forward`]).
    pub body: String,
    /// Why it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<Diagnosis>,
}

impl fmt::Debug for ForwardJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ForwardJob({}, {} attempts, {} characters)",
            self.endpoint,
            self.attempts,
            self.body.len()
        )
    }
}

/// A queue message that is not a job of ours.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// Not JSON, or not the job's shape.
    #[error("not a job of this queue: {0}")]
    Shape(#[from] serde_json::Error),
    /// A contract version this code does not know (a newer deployment's job, say).
    #[error("job version {0} is not known here")]
    Version(u8),
    /// What it carries cannot be unpacked.
    #[error("what it carries does not unpack")]
    Packing,
}

impl ItemJob {
    /// Reads a message body.
    ///
    /// # Errors
    /// [`Malformed`] if it is not one, or of an unknown version.
    pub fn parse(body: &str) -> Result<Self, Malformed> {
        let job: Self = serde_json::from_str(body)?;
        if job.v == VERSION {
            Ok(job)
        } else {
            Err(Malformed::Version(job.v))
        }
    }
}

impl JudgeJob {
    /// Reads a message body.
    ///
    /// # Errors
    /// [`Malformed`] if it is neither, or of an unknown version.
    pub fn parse(body: &str) -> Result<Self, Malformed> {
        match serde_json::from_str::<MalwareJob>(body) {
            Ok(job) if job.v == VERSION => Ok(Self::Malware(job)),
            Ok(job) => Err(Malformed::Version(job.v)),
            Err(_) => ItemJob::parse(body).map(Self::Item),
        }
    }
}

impl TextJob {
    /// Reads a message body.
    ///
    /// # Errors
    /// [`Malformed`] if it is neither, or of an unknown version.
    pub fn parse(body: &str) -> Result<Self, Malformed> {
        match serde_json::from_str::<TypingJob>(body) {
            Ok(typing) if typing.v == VERSION => Ok(Self::Typing(typing)),
            Ok(typing) => Err(Malformed::Version(typing.v)),
            Err(_) => ItemJob::parse(body).map(Self::Item),
        }
    }
}

impl RefreshJob {
    /// Reads a message body.
    ///
    /// # Errors
    /// [`Malformed`] if it is not one, or of an unknown version.
    pub fn parse(body: &str) -> Result<Self, Malformed> {
        let job: Self = serde_json::from_str(body)?;
        if job.v == VERSION {
            Ok(job)
        } else {
            Err(Malformed::Version(job.v))
        }
    }
}

impl ForwardJob {
    /// Reads a message body.
    ///
    /// # Errors
    /// [`Malformed`] if it is not one, or of an unknown version.
    pub fn parse(body: &str) -> Result<Self, Malformed> {
        let job: Self = serde_json::from_str(body)?;
        if job.v == VERSION {
            Ok(job)
        } else {
            Err(Malformed::Version(job.v))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contracts_are_pinned() {
        let text = r#"{"v":1,"media":"aaaaaaaaaaaaaaaaaaaaaaaaaa","connection":"genesys","epoch":0,"sequence":2}"#;
        let job = ItemJob::parse(text).unwrap();
        assert_eq!(serde_json::to_string(&job).unwrap(), text);
        assert!(matches!(TextJob::parse(text), Ok(TextJob::Item(same)) if same == job));
        assert!(matches!(JudgeJob::parse(text), Ok(JudgeJob::Item(same)) if same == job));
        let malware = r#"{"v":1,"malware":"aaaaaaaaaaaaaaaaaaaaaaaaaa","threat":"EICAR"}"#;
        match JudgeJob::parse(malware) {
            Ok(JudgeJob::Malware(job)) => assert_eq!(serde_json::to_string(&job).unwrap(), malware),
            other => panic!("{other:?}"),
        }
        assert!(matches!(
            JudgeJob::parse(&malware.replace("1", "2")),
            Err(Malformed::Version(2))
        ));
        let typing = r#"{"v":1,"typing":"wa-sales","customer":"1650","at":5}"#;
        let Ok(TextJob::Typing(job)) = TextJob::parse(typing) else {
            panic!("typing")
        };
        assert_eq!(serde_json::to_string(&job).unwrap(), typing);
        let text = r#"{"v":1,"connection":"genesys","purpose":"messages","version_seen":3}"#;
        assert_eq!(
            serde_json::to_string(&RefreshJob::parse(text).unwrap()).unwrap(),
            text
        );
        let text =
            r#"{"v":1,"endpoint":"wa","attempts":2,"headers":{"user-agent":"x"},"body":"AwA="}"#;
        let job = ForwardJob::parse(text).unwrap();
        assert_eq!(serde_json::to_string(&job).unwrap(), text);
        assert_eq!(
            format!("{job:?}"),
            "ForwardJob(wa, 2 attempts, 4 characters)"
        );
    }

    #[test]
    fn strangers_are_named() {
        for (body, expected) in [
            ("", "not a job of this queue"),
            ("{}", "missing field `v`"),
            (
                r#"{"v":9,"media":"aaaaaaaaaaaaaaaaaaaaaaaaaa","connection":"g","epoch":0,"sequence":0}"#,
                "version 9",
            ),
            (
                r#"{"v":1,"media":"../../x","connection":"g","epoch":0,"sequence":0}"#,
                "not a media id",
            ),
        ] {
            let error = ItemJob::parse(body).unwrap_err().to_string();
            assert!(error.contains(expected), "{body}: {error}");
        }
    }
}
