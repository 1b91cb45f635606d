//! One standard queue: delay, visibility, receive counts and redrive, as plain data. The time is always given.
//!
//! Messages come out in the order they went in, except that AWS promises no order and code must not rely on one. A
//! message that was received as often as its queue allows is handed out for the dead-letter queue instead.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::json::Failure;
use super::message::{Message, invalid};

/// A queue with everything in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Queue {
    /// As set, in the text form of the protocol.
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) tags: BTreeMap<String, String>,
    /// Seconds since 1970.
    pub(super) created_at: u64,
    /// Seconds since 1970.
    pub(super) modified_at: u64,
    messages: BTreeMap<u64, Message>,
    next: u64,
}

/// Where a queue sends what was received too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redrive {
    pub(super) dead_letter_arn: String,
    pub(super) max_receives: u32,
}

/// What a receive found.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Each with the handle that deletes it.
    pub(super) messages: Vec<(String, Message)>,
    /// Received too often: to be put into the dead-letter queue.
    pub(super) exhausted: Vec<Message>,
}

impl Queue {
    pub(super) fn new(
        attributes: BTreeMap<String, String>,
        tags: BTreeMap<String, String>,
        now: u64,
    ) -> Self {
        let seconds = now / 1000;
        Self {
            attributes,
            tags,
            created_at: seconds,
            modified_at: seconds,
            messages: BTreeMap::new(),
            next: 1,
        }
    }

    /// A numeric attribute, or AWS's default for it.
    pub(super) fn setting(&self, name: &str) -> u64 {
        self.attributes
            .get(name)
            .and_then(|value| value.parse().ok())
            .unwrap_or(match name {
                "VisibilityTimeout" => 30,
                "MessageRetentionPeriod" => 4 * 24 * 3600,
                _ => 0,
            })
    }

    /// The redrive policy, if one is set. `maxReceiveCount` may be a number or text, as on AWS.
    pub(super) fn redrive(&self) -> Result<Option<Redrive>, Failure> {
        self.attributes
            .get("RedrivePolicy")
            .filter(|policy| !policy.is_empty())
            .map(|policy| parse_redrive(policy))
            .transpose()
    }

    pub(super) fn put(&mut self, message: Message) {
        self.messages.insert(self.next, message);
        self.next += 1;
    }

    /// Takes up to `max` visible messages for `visibility_seconds`.
    pub(super) fn take(
        &mut self,
        now: u64,
        max: usize,
        visibility_seconds: u64,
        redrive: Option<&Redrive>,
    ) -> Taken {
        self.forget_expired(now);
        let mut taken = Taken::default();
        let mut exhausted = Vec::new();
        for (place, message) in &mut self.messages {
            if taken.messages.len() == max {
                break;
            }
            if message.visible_at > now {
                continue;
            }
            if redrive.is_some_and(|redrive| message.receives >= redrive.max_receives) {
                exhausted.push(*place);
                continue;
            }
            message.receives += 1;
            message.first_received_at.get_or_insert(now);
            message.visible_at = now + visibility_seconds * 1000;
            message.receipt = rand::random::<u64>().max(1);
            taken
                .messages
                .push((format!("{place}.{:016x}", message.receipt), message.clone()));
        }
        taken.exhausted = exhausted
            .into_iter()
            .filter_map(|place| self.messages.remove(&place))
            .collect();
        taken
    }

    /// When the next message that is now hidden can be received.
    pub(super) fn next_visible_at(&self) -> Option<u64> {
        self.messages
            .values()
            .map(|message| message.visible_at)
            .min()
    }

    /// Deletes by receipt. A receipt that is no longer the newest deletes nothing and is no failure, as on AWS.
    pub(super) fn delete(&mut self, handle: &Handle) {
        if self
            .messages
            .get(&handle.place)
            .is_some_and(|message| message.receipt == handle.receipt)
        {
            self.messages.remove(&handle.place);
        }
    }

    /// Hides a received message until `seconds` from now; zero shows it at once.
    pub(super) fn change_visibility(
        &mut self,
        handle: &Handle,
        seconds: u64,
        now: u64,
    ) -> Result<(), Failure> {
        if seconds > 43_200 {
            return Err(invalid(format!(
                "Value {seconds} for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200."
            )));
        }
        let held = self
            .messages
            .get_mut(&handle.place)
            .filter(|message| message.receipt == handle.receipt && message.is_in_flight(now));
        let Some(message) = held else {
            let reason = "Value for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.";
            return Err(Failure::new("MessageNotInflight", reason)
                .known_as("AWS.SimpleQueueService.MessageNotInflight"));
        };
        message.visible_at = now + seconds * 1000;
        Ok(())
    }

    pub(super) fn purge(&mut self) {
        self.messages.clear();
    }

    /// Takes everything out that is not in flight, for a move back to its source.
    pub(super) fn drain_visible(&mut self, now: u64) -> Vec<Message> {
        let places: Vec<u64> = self
            .messages
            .iter()
            .filter(|(_, message)| message.visible_at <= now)
            .map(|(place, _)| *place)
            .collect();
        places
            .into_iter()
            .filter_map(|place| self.messages.remove(&place))
            .collect()
    }

    /// Messages ready, in flight, and delayed.
    pub(super) fn counts(&self, now: u64) -> (usize, usize, usize) {
        let in_flight = self
            .messages
            .values()
            .filter(|message| message.is_in_flight(now))
            .count();
        let delayed = self
            .messages
            .values()
            .filter(|message| message.is_delayed(now))
            .count();
        (
            self.messages.len() - in_flight - delayed,
            in_flight,
            delayed,
        )
    }

    fn forget_expired(&mut self, now: u64) {
        let retention = self.setting("MessageRetentionPeriod") * 1000;
        self.messages
            .retain(|_, message| message.sent_at + retention > now);
    }
}

/// A receipt handle: the place of the message and which receive it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Handle {
    place: u64,
    receipt: u64,
}

impl Handle {
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        text.split_once('.')
            .and_then(|(place, receipt)| {
                Some(Self {
                    place: place.parse().ok()?,
                    receipt: u64::from_str_radix(receipt, 16).ok()?,
                })
            })
            .ok_or_else(|| {
                Failure::new(
                    "ReceiptHandleIsInvalid",
                    format!("The input receipt handle \"{text}\" is not a valid receipt handle."),
                )
                .known_as("ReceiptHandleIsInvalid")
            })
    }
}

fn parse_redrive(policy: &str) -> Result<Redrive, Failure> {
    let wrong = |reason: &str| {
        invalid(format!(
            "Value {policy} for parameter RedrivePolicy is invalid. Reason: {reason}"
        ))
    };
    let value: Value =
        serde_json::from_str(policy).map_err(|_| wrong("It is not a valid JSON document."))?;
    let count = match &value["maxReceiveCount"] {
        Value::String(text) => text.parse().ok(),
        number => number.as_u64().and_then(|count| u32::try_from(count).ok()),
    };
    let max_receives = count
        .filter(|count| (1..=1000).contains(count))
        .ok_or_else(|| wrong("maxReceiveCount must be between 1 and 1000."))?;
    let dead_letter_arn = value["deadLetterTargetArn"]
        .as_str()
        .ok_or_else(|| wrong("deadLetterTargetArn is required."))?;
    Ok(Redrive {
        dead_letter_arn: dead_letter_arn.to_owned(),
        max_receives,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn queue() -> Queue {
        Queue::new(BTreeMap::new(), BTreeMap::new(), 0)
    }

    fn message(id: &str, now: u64, delay_seconds: u64) -> Message {
        let given = serde_json::from_value(json!({"MessageBody": id})).unwrap();
        Message::new(id.to_owned(), given, now, delay_seconds)
    }

    fn ids(taken: &Taken) -> Vec<&str> {
        taken
            .messages
            .iter()
            .map(|(_, message)| message.id.as_str())
            .collect()
    }

    #[test]
    fn a_taken_message_is_hidden_until_its_visibility_ends_and_counts_each_receive() {
        let mut queue = queue();
        queue.put(message("a", 0, 0));
        assert_eq!(ids(&queue.take(0, 10, 5, None)), ["a"]);
        assert_eq!(ids(&queue.take(4_999, 10, 5, None)), [""; 0]);
        assert_eq!(queue.counts(4_999), (0, 1, 0));
        assert_eq!(queue.next_visible_at(), Some(5_000));
        let again = queue.take(5_000, 10, 5, None);
        assert_eq!((ids(&again), again.messages[0].1.receives), (vec!["a"], 2));
    }

    #[test]
    fn a_superseded_receipt_neither_deletes_nor_changes() {
        let mut queue = queue();
        queue.put(message("a", 0, 0));
        let old = Handle::parse(&queue.take(0, 1, 1, None).messages[0].0).unwrap();
        let new = Handle::parse(&queue.take(1_000, 1, 1, None).messages[0].0).unwrap();
        queue.delete(&old);
        assert_eq!(queue.counts(1_500), (0, 1, 0));
        assert_eq!(
            queue.change_visibility(&old, 0, 1_500).unwrap_err().kind,
            "MessageNotInflight"
        );
        queue.change_visibility(&new, 0, 1_500).unwrap();
        assert_eq!(queue.counts(1_500), (1, 0, 0));
        queue.delete(&new);
        assert_eq!(queue.counts(1_500), (0, 0, 0));
    }

    #[test]
    fn a_message_received_too_often_leaves_for_the_dead_letter_queue() {
        let redrive = Redrive {
            dead_letter_arn: String::new(),
            max_receives: 2,
        };
        let mut queue = queue();
        queue.put(message("poison", 0, 0));
        for now in [0, 1_000] {
            assert_eq!(ids(&queue.take(now, 1, 1, Some(&redrive))), ["poison"]);
        }
        let last = queue.take(2_000, 1, 1, Some(&redrive));
        assert!(last.messages.is_empty());
        assert_eq!(last.exhausted.len(), 1);
        assert_eq!(queue.counts(2_000), (0, 0, 0));
    }

    #[test]
    fn delays_and_retention_are_kept() {
        let mut queue = queue();
        queue
            .attributes
            .insert("MessageRetentionPeriod".to_owned(), "60".to_owned());
        queue.put(message("late", 0, 30));
        assert_eq!(queue.counts(29_999), (0, 0, 1));
        assert_eq!(ids(&queue.take(30_000, 1, 1, None)), ["late"]);
        assert!(queue.take(60_000, 1, 1, None).messages.is_empty());
        assert_eq!(queue.counts(60_000), (0, 0, 0));
    }

    #[test]
    fn the_receive_limit_may_be_a_number_or_text() {
        for (policy, expected) in [
            (
                r#"{"deadLetterTargetArn":"arn:x","maxReceiveCount":5}"#,
                Some(5),
            ),
            (
                r#"{"deadLetterTargetArn":"arn:x","maxReceiveCount":"5"}"#,
                Some(5),
            ),
            (
                r#"{"deadLetterTargetArn":"arn:x","maxReceiveCount":0}"#,
                None,
            ),
            (
                r#"{"deadLetterTargetArn":"arn:x","maxReceiveCount":"many"}"#,
                None,
            ),
            (r#"{"maxReceiveCount":5}"#, None),
            ("nonsense", None),
        ] {
            assert_eq!(
                parse_redrive(policy)
                    .ok()
                    .map(|redrive| redrive.max_receives),
                expected,
                "{policy}"
            );
        }
    }
}
