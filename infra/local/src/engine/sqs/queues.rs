//! All queues of the account, and the operations that need more than one queue or wait for a message.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::super::arn::{local_part, regional};
use super::super::json::Failure;
use super::message::Message;
use super::queue::Queue;

/// Queues by name, with a count that grows with every change.
pub(super) struct Queues {
    by_name: Mutex<BTreeMap<String, Queue>>,
    changed: watch::Sender<u64>,
}

/// A message and the handle that deletes it.
pub(super) type Received = (String, Message);

/// What one `ReceiveMessage` asks for.
pub(super) struct Wish<'a> {
    pub(super) queue: &'a str,
    pub(super) max: usize,
    pub(super) visibility_seconds: Option<u64>,
    pub(super) wait_seconds: Option<u64>,
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The failure for a queue nobody created.
pub(super) fn missing() -> Failure {
    Failure::new("QueueDoesNotExist", "The specified queue does not exist.")
        .known_as("AWS.SimpleQueueService.NonExistentQueue")
}

impl Queues {
    pub(super) fn new(by_name: BTreeMap<String, Queue>) -> Self {
        Self {
            by_name: Mutex::new(by_name),
            changed: watch::Sender::new(0),
        }
    }

    /// Follows changes: of any kind, in any queue.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Reads the state.
    pub(super) fn look<T>(&self, look: impl FnOnce(&BTreeMap<String, Queue>) -> T) -> T {
        look(&self.lock())
    }

    /// Changes the state and tells whoever waits.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut BTreeMap<String, Queue>) -> T) -> T {
        let outcome = change(&mut self.lock());
        self.changed.send_modify(|count| *count += 1);
        outcome
    }

    /// Changes one queue.
    pub(super) fn within<T>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Queue) -> T,
    ) -> Result<T, Failure> {
        self.change(|queues| queues.get_mut(name).map(change).ok_or_else(missing))
    }

    /// Takes messages, waiting for the first as long as the wish allows. If the caller goes away while waiting, nothing
    /// was taken.
    pub(super) async fn receive(&self, wish: &Wish<'_>) -> Result<Vec<Received>, Failure> {
        let mut changes = self.changes();
        let wait = match wish.wait_seconds {
            Some(seconds) => seconds,
            None => self.look(|queues| {
                queues
                    .get(wish.queue)
                    .map(|queue| queue.setting("ReceiveMessageWaitTimeSeconds"))
                    .ok_or_else(missing)
            })?,
        };
        let deadline = Instant::now() + Duration::from_secs(wait);
        loop {
            changes.mark_unchanged();
            let (messages, next_visible_at) = self.take(wish)?;
            let started = Instant::now();
            if !messages.is_empty() || started >= deadline {
                return Ok(messages);
            }
            let wake = next_visible_at.map_or(deadline, |at| {
                deadline.min(started + Duration::from_millis(at.saturating_sub(now()).max(1)))
            });
            tokio::select! {
                _ = changes.changed() => {}
                () = sleep_until(wake) => {}
            }
        }
    }

    fn take(&self, wish: &Wish<'_>) -> Result<(Vec<Received>, Option<u64>), Failure> {
        let now = now();
        let mut queues = self.lock();
        let redrive = queues.get(wish.queue).ok_or_else(missing)?.redrive()?;
        // A dead-letter queue that does not exist takes nothing: its messages go round in their own queue.
        let redrive =
            redrive.filter(|redrive| queues.contains_key(local_part(&redrive.dead_letter_arn)));
        let queue = queues.get_mut(wish.queue).ok_or_else(missing)?;
        let visibility = wish
            .visibility_seconds
            .unwrap_or_else(|| queue.setting("VisibilityTimeout"));
        let taken = queue.take(now, wish.max, visibility, redrive.as_ref());
        let next_visible_at = queue.next_visible_at();
        let quiet = taken.messages.is_empty() && taken.exhausted.is_empty();
        let dead_letters = redrive
            .as_ref()
            .and_then(|redrive| queues.get_mut(local_part(&redrive.dead_letter_arn)));
        if let Some(dead_letters) = dead_letters {
            for mut message in taken.exhausted {
                message.receipt = 0;
                message.dead_letter_source = Some(regional("sqs", wish.queue));
                dead_letters.put(message);
            }
        }
        drop(queues);
        if !quiet {
            self.changed.send_modify(|count| *count += 1);
        }
        Ok((taken.messages, next_visible_at))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Queue>> {
        // The state is plain data that no panic leaves half changed in a way that matters here.
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
