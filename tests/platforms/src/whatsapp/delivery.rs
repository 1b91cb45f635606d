//! Webhooks on their way to the callback: signed, posted, repeated until they are acknowledged.
//!
//! 200 acknowledges (every other answer is a failure). A failed webhook comes again with decreasing frequency for seven days by the
//! stand-in's clock, unchanged to the byte. Meta's SHA-1 header is left out: the documents say to ignore it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use time::OffsetDateTime;

use super::state::{State, lock};
use crate::signature;

/// The id of a customer's message, `wamid.…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MessageId(pub(super) String);

impl MessageId {
    /// The id as it stands in webhooks.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for MessageId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One POST to the callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it was made, by the stand-in's clock.
    pub at: OffsetDateTime,
    /// How long the answer took, in real time.
    pub took: Duration,
    /// The status of the answer, or why there was none.
    pub outcome: Result<u16, String>,
}

impl Attempt {
    /// Whether it was acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> bool {
        self.outcome == Ok(200)
    }
}

/// Where a webhook stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// Not acknowledged yet; will be posted (again).
    Pending,
    /// Answered with 200.
    Acknowledged,
    /// Never acknowledged within the horizon.
    GivenUp,
}

/// One webhook and all tries to deliver it.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The messages it carries; empty for statuses and raw bodies.
    pub messages: Vec<MessageId>,
    /// The bytes that are signed and posted.
    pub body: Bytes,
    /// Every try, redeliveries included, in the order they ended.
    pub attempts: Vec<Attempt>,
    /// Where it stands.
    pub state: DeliveryState,
}

/// Queues a webhook; its number is its place in the list of deliveries.
pub(super) fn queue(state: &Arc<State>, messages: Vec<MessageId>, body: Vec<u8>) -> usize {
    let number = {
        let mut deliveries = lock(&state.deliveries);
        deliveries.push(Delivery {
            messages,
            body: body.into(),
            attempts: Vec::new(),
            state: DeliveryState::Pending,
        });
        deliveries.len() - 1
    };
    let task_state = state.clone();
    state.spawn(async move { deliver(&task_state, number).await });
    number
}

/// Posts a webhook until it is acknowledged or given up.
async fn deliver(state: &State, number: usize) {
    let plan = state.options.retries;
    let clock = &state.options.clock;
    let gives_up_at = clock.now() + plan.horizon;
    for tries in 1.. {
        let attempt = post(state, number).await;
        if attempt.acknowledged() {
            return settle(state, number, DeliveryState::Acknowledged);
        }
        let next = clock.now() + plan.wait_after(tries);
        if next > gives_up_at {
            return settle(state, number, DeliveryState::GivenUp);
        }
        clock.sleep_until(next).await;
    }
}

fn settle(state: &State, number: usize, end: DeliveryState) {
    if let Some(delivery) = lock(&state.deliveries).get_mut(number) {
        delivery.state = end;
    }
    state.changed();
}

/// Posts a webhook once and notes what came of it.
pub(super) async fn post(state: &State, number: usize) -> Attempt {
    let body = lock(&state.deliveries)
        .get(number)
        .map(|delivery| delivery.body.clone());
    let callback = lock(&state.callback).clone();
    let at = state.options.clock.now();
    let started = tokio::time::Instant::now();
    let outcome = match (body, callback) {
        (Some(body), Some(callback)) => request(state, callback, body).await,
        (_, None) => Err("no callback is configured".to_owned()),
        (None, _) => Err("no such delivery".to_owned()),
    };
    let attempt = Attempt {
        at,
        took: started.elapsed(),
        outcome,
    };
    if let Some(delivery) = lock(&state.deliveries).get_mut(number) {
        delivery.attempts.push(attempt.clone());
    }
    state.changed();
    attempt
}

async fn request(state: &State, callback: url::Url, body: Bytes) -> Result<u16, String> {
    let signature = signature::meta(&state.options.app_secret, &body);
    let request = state
        .client
        .post(callback)
        .timeout(state.options.patience)
        .header("Content-Type", "application/json")
        .header("User-Agent", "facebookexternalua")
        .header(signature::HEADER, signature)
        .body(body);
    let response = request.send().await.map_err(|error| chain(&error))?;
    Ok(response.status().as_u16())
}

/// An error with its causes, for a record that a person reads.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
