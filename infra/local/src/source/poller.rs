//! A queue as the source of a function's work: long polling, batches, partial failures.
//!
//! As on Lambda, a message that was not done is not touched: it becomes visible again when its visibility timeout
//! ends, and moves to the dead-letter queue when it was received too often.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName};
use bytes::Bytes;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::batch::{Done, done, event};
use crate::lambda::Fleet;
use crate::template::QueueEvent;

/// SQS's longest wait for a message, in seconds.
const LONG_POLL_SECONDS: i32 = 20;
/// SQS's largest batch in one call.
const RECEIVE_LIMIT: usize = 10;
/// After a failed call, before the next.
const PAUSE: Duration = Duration::from_millis(500);
/// How long running batches may take to finish when the run ends.
const DRAIN: Duration = Duration::from_secs(2);

/// One event source mapping.
pub(crate) struct QueueSource {
    /// The logical id of the function.
    pub(crate) function: String,
    /// What the template says about the mapping.
    pub(crate) event: QueueEvent,
    /// The queue's ARN.
    pub(crate) arn: String,
    /// The queue's URL.
    pub(crate) url: String,
    /// Batches at once.
    pub(crate) concurrency: usize,
    /// Where the function runs.
    pub(crate) fleet: Arc<Fleet>,
    /// Calls SQS for the event source.
    pub(crate) sqs: Client,
}

impl QueueSource {
    /// Polls until told to stop, then lets running batches finish for a moment.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let source = Arc::new(self);
        let permits = Arc::new(Semaphore::new(source.concurrency.max(1)));
        let mut running = JoinSet::new();
        while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
            let batch = tokio::select! {
                batch = source.batch() => batch,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            if !batch.is_empty() {
                let source = Arc::clone(&source);
                running.spawn(async move {
                    source.process(batch).await;
                    drop(permit);
                });
            }
            while running.try_join_next().is_some() {}
        }
        let drained = async { while running.join_next().await.is_some() {} };
        // What is still running now is ended with its process; its messages come back by themselves.
        let _ = tokio::time::timeout(DRAIN, drained).await;
    }

    /// The next batch: the first messages that come, and, within the window, more of them.
    async fn batch(&self) -> Vec<Message> {
        let mut batch = self.receive(self.event.batch_size, LONG_POLL_SECONDS).await;
        if batch.is_empty() || self.event.window.is_zero() {
            return batch;
        }
        let until = Instant::now() + self.event.window;
        while batch.len() < self.event.batch_size && Instant::now() < until {
            let room = self.event.batch_size - batch.len();
            let more = tokio::time::timeout_at(until, self.receive(room, 1)).await;
            batch.extend(more.unwrap_or_default());
        }
        batch
    }

    async fn receive(&self, room: usize, wait_seconds: i32) -> Vec<Message> {
        let size = i32::try_from(room.min(RECEIVE_LIMIT)).unwrap_or(1);
        let received = self
            .sqs
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(size)
            .wait_time_seconds(wait_seconds)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .send()
            .await;
        match received {
            Ok(output) => output.messages.unwrap_or_default(),
            Err(error) => {
                let error = aws_sdk_sqs::error::DisplayErrorContext(&error).to_string();
                tracing::warn!(queue = %self.url, %error, "cannot receive messages");
                tokio::time::sleep(PAUSE).await;
                Vec::new()
            }
        }
    }

    async fn process(&self, batch: Vec<Message>) {
        let payload = Bytes::from(event(&self.arn, &batch).to_string());
        let Ok(answer) = self.fleet.invoke(&self.function, payload).await else {
            return;
        };
        let ids: BTreeSet<String> = batch
            .iter()
            .filter_map(|message| message.message_id.clone())
            .collect();
        let undone = match self.event.partial_responses {
            false => BTreeSet::new(),
            true => match done(&answer, &ids) {
                Done::All => BTreeSet::new(),
                Done::Except(undone) => undone,
                Done::Nothing => {
                    tracing::warn!(function = %self.function, "the batch response cannot be understood: the whole batch failed");
                    ids
                }
            },
        };
        let is_done = |message: &Message| {
            let id = message.message_id.as_ref();
            !id.is_some_and(|id| undone.contains(id))
        };
        self.delete(batch.into_iter().filter(is_done)).await;
    }

    async fn delete(&self, messages: impl Iterator<Item = Message>) {
        let entries: Vec<DeleteMessageBatchRequestEntry> = messages
            .enumerate()
            .filter_map(|(index, message)| {
                DeleteMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(message.receipt_handle?)
                    .build()
                    .ok()
            })
            .collect();
        for entries in entries.chunks(RECEIVE_LIMIT) {
            let deleted = self
                .sqs
                .delete_message_batch()
                .queue_url(&self.url)
                .set_entries(Some(entries.to_vec()))
                .send()
                .await;
            if let Err(error) = deleted {
                let error = aws_sdk_sqs::error::DisplayErrorContext(&error).to_string();
                tracing::warn!(queue = %self.url, %error, "cannot delete finished messages: they will come again");
            }
        }
    }
}
