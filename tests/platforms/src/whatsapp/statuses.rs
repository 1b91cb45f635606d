//! The statuses of messages to customers: posted at once, or held back until a test lets them go in the order it likes.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{
    WhatsApp,
    customer::send_items,
    fate,
    options::PhoneNumber,
    sent::SentMessage,
    state::{State, lock},
    webhook::{Addressed, Item},
};
use crate::{
    delivery::{Cargo, Delivery, DeliveryState, MessageId},
    meta::error::GraphError,
};

/// One status of a message to a customer.
#[derive(Clone, Debug)]
pub struct Status {
    /// The message.
    pub message: MessageId,
    /// `sent`, `delivered`, `read` or `failed`.
    pub status: String,
    /// As it stands in the webhook.
    pub body: Value,
    /// Whether it is held back and was not posted yet.
    pub held: bool,
    number: PhoneNumber,
}

/// Every status so far, and whether new ones are held back.
#[derive(Debug, Default)]
pub(super) struct Statuses {
    all: Vec<Status>,
    holding: bool,
}

/// Makes a status known: posts it, or keeps it if statuses are held back.
pub(super) fn report(
    state: &Arc<State>,
    from: &PhoneNumber,
    sent: &SentMessage,
    status: &str,
    error: Option<&GraphError>,
) {
    let mut body = json!({
        "id": sent.id, "status": status, "recipient_id": sent.to,
        "timestamp": state.options.clock.unix_seconds().to_string(),
    });
    if let Some(data) = sent.body.get("biz_opaque_callback_data") {
        body["biz_opaque_callback_data"] = data.clone();
    }
    if let Some(error) = error {
        body["errors"] = json!([error.in_status()]);
    }
    let status = {
        let mut statuses = lock(&state.statuses);
        let status = Status {
            message: MessageId(sent.id.clone()),
            status: status.to_owned(),
            body,
            held: statuses.holding,
            number: from.clone(),
        };
        statuses.all.push(status.clone());
        status
    };
    if !status.held {
        post(state, &status);
    }
    state.background.changed();
}

fn post(state: &Arc<State>, status: &Status) {
    let cargo = Cargo {
        statuses: vec![(status.message.clone(), status.status.clone())],
        ..Cargo::default()
    };
    let item = Item::Status(status.body.clone());
    let number = status.number.clone();
    send_items(state, cargo, &[Addressed { number, item }]);
}

impl WhatsApp {
    /// Holds back every status from now on.
    pub fn hold_statuses(&self) {
        lock(&self.state.statuses).holding = true;
    }

    /// Posts the statuses held back, in the order they came about, and holds back no more. They are webhooks of their own: which
    /// arrives first is open, as it is in the world.
    pub fn release_statuses(&self) {
        let held: Vec<Status> = {
            let mut statuses = lock(&self.state.statuses);
            statuses.holding = false;
            let held = statuses.all.iter_mut().filter(|status| status.held);
            held.map(|status| {
                status.held = false;
                status.clone()
            })
            .collect()
        };
        held.iter().for_each(|status| post(&self.state, status));
    }

    /// Posts one status of a message, whether it was held back or is a repetition; others stay where they are.
    ///
    /// # Errors
    /// If the message has no such status (yet).
    pub fn post_status(&self, message: &MessageId, status: &str) -> anyhow::Result<()> {
        let status = {
            let mut statuses = lock(&self.state.statuses);
            let mut all = statuses.all.iter_mut();
            let found = all.find(|one| one.message == *message && one.status == status);
            let found = found.with_context(|| format!("{message} is not {status}"))?;
            found.held = false;
            found.clone()
        };
        post(&self.state, &status);
        Ok(())
    }

    /// The customer reads a message; with statuses held back, `read` may be posted before `delivered`.
    ///
    /// # Errors
    /// If no such message reached the customer.
    pub fn read(&self, message: &MessageId) -> anyhow::Result<()> {
        let sent = self.sent().into_iter();
        let mut sent = sent.filter(|sent| sent.id == message.as_str());
        let sent = sent.find(|sent| matches!(sent.status, "delivered" | "read"));
        let sent = sent.with_context(|| format!("{message} has not reached the customer"))?;
        let number = self.state.number(&sent.phone_number_id);
        let number = number.context("a message of a number that is gone")?;
        fate::read(&self.state, &number, &sent);
        Ok(())
    }

    /// Every status so far, in the order they came about, held ones included.
    #[must_use]
    pub fn statuses(&self) -> Vec<Status> {
        lock(&self.state.statuses).all.clone()
    }

    /// Waits until a message has a status, posted or held back.
    ///
    /// # Errors
    /// If that does not happen `within` this real time; says which it has.
    pub async fn wait_for_status(
        &self,
        message: &MessageId,
        status: &str,
        within: Duration,
    ) -> anyhow::Result<Status> {
        let of_message = || {
            let all = self.statuses().into_iter();
            all.filter(|one| one.message == *message)
        };
        let found = || of_message().find(|one| one.status == status);
        let waited = self.state.background.until(within, found).await;
        waited.with_context(|| {
            let has: Vec<String> = of_message().map(|one| one.status).collect();
            format!("{message} is not {status}, only {has:?}")
        })
    }

    /// Waits until the webhook with a status of a message is acknowledged or given up.
    ///
    /// # Errors
    /// If neither happens `within` this real time.
    pub async fn wait_for_status_delivery(
        &self,
        message: &MessageId,
        status: &str,
        within: Duration,
    ) -> anyhow::Result<Delivery> {
        let wanted = (message.clone(), status.to_owned());
        let settled = |delivery: &Delivery| {
            delivery.state != DeliveryState::Pending && delivery.statuses.contains(&wanted)
        };
        let wait = self.state.courier.wait_for(settled, within);
        wait.await.with_context(|| {
            format!("the webhook with {status} of {message} is neither acknowledged nor given up")
        })
    }
}
