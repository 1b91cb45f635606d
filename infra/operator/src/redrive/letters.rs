//! The messages of a queue of dead letters, each once. What is not removed is put back, as it was.

use std::time::Duration;

use anyhow::{Context, Result};
use attache_domain::job::{DeadLetter, VERSION};
use attache_domain::time::Timestamp;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};

use crate::system::asked;

/// For how long what was read stays out of sight, unless it is put back before.
const OUT_OF_SIGHT: i32 = 600;

/// A queue of several servers shows only some of its messages at a time: so many empty answers mean that it is empty.
const EMPTY: u32 = 2;

/// One message.
#[derive(Debug)]
pub(super) struct Letter {
    /// Names it to the queue.
    pub(super) receipt: String,
    /// When it was laid down.
    pub(super) sent_at: Timestamp,
    /// `None`: it is a job whose function died several times, and not something that was given up.
    pub(super) dead: Option<DeadLetter>,
}

/// A queue being read.
pub(super) struct Letters<'a> {
    client: &'a Client,
    url: &'a str,
    read: Vec<Letter>,
    left: Vec<String>,
}

impl<'a> Letters<'a> {
    pub(super) fn new(client: &'a Client, url: &'a str) -> Self {
        Self {
            client,
            url,
            read: Vec::new(),
            left: Vec::new(),
        }
    }

    /// The next message; `None`: there is none that was not read.
    pub(super) async fn next(&mut self) -> Result<Option<Letter>> {
        let mut empty = 0;
        while self.read.is_empty() && empty < EMPTY {
            let received = self.client.receive_message().queue_url(self.url);
            let received = received
                .max_number_of_messages(10)
                .visibility_timeout(OUT_OF_SIGHT)
                .wait_time_seconds(1)
                .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
                .send()
                .await
                .map_err(|error| asked("sqs:ReceiveMessage", error))?;
            let letters = received.messages().iter().map(letter);
            self.read = letters.collect::<Result<_>>()?;
            empty += u32::from(self.read.is_empty());
        }
        Ok(self.read.pop())
    }

    /// It has nothing more to say.
    pub(super) async fn remove(&self, letter: Letter) -> Result<()> {
        let delete = self.client.delete_message().queue_url(self.url);
        let deleted = delete.receipt_handle(letter.receipt).send().await;
        deleted.map_err(|error| asked("sqs:DeleteMessage", error))?;
        Ok(())
    }

    /// It is to be put back.
    pub(super) fn leave(&mut self, letter: Letter) {
        self.left.push(letter.receipt);
    }

    /// Puts back what was left.
    pub(super) async fn put_back(self) -> Result<()> {
        for receipt in self.left {
            let change = self.client.change_message_visibility().queue_url(self.url);
            let changed = change
                .receipt_handle(receipt)
                .visibility_timeout(0)
                .send()
                .await;
            changed.map_err(|error| asked("sqs:ChangeMessageVisibility", error))?;
        }
        Ok(())
    }
}

fn letter(message: &Message) -> Result<Letter> {
    let receipt = message
        .receipt_handle()
        .context("a message without receipt")?;
    let sent = message
        .attributes()
        .and_then(|all| all.get(&MessageSystemAttributeName::SentTimestamp));
    let millis: u64 = sent.context("a message without time")?.parse()?;
    let dead: Option<DeadLetter> = serde_json::from_str(message.body().unwrap_or_default()).ok();
    Ok(Letter {
        receipt: receipt.to_owned(),
        sent_at: Timestamp::default() + Duration::from_millis(millis),
        dead: dead.filter(|dead| dead.v == VERSION),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> Message {
        Message::builder()
            .receipt_handle("r")
            .attributes(MessageSystemAttributeName::SentTimestamp, "1768484400000")
            .body(body)
            .build()
    }

    #[test]
    fn letters_are_told_from_jobs() {
        let dead = r#"{"v":1,"media":"abcdefghijklmnopqrstuvwxyz","epoch":2,"diagnosis":{"d":"ours","c":"x","e":"","r":""}}"#;
        let job = r#"{"v":1,"media":"abcdefghijklmnopqrstuvwxyz","connection":"wa","epoch":0,"sequence":0}"#;
        for (body, epoch) in [(dead, Some(2)), (job, None), ("no JSON", None)] {
            let letter = letter(&message(body)).unwrap();
            assert_eq!(letter.dead.map(|it| it.epoch), epoch, "{body}");
            assert_eq!(letter.sent_at.to_rfc3339(), "2026-01-15T13:40:00.000Z");
        }
    }
}
