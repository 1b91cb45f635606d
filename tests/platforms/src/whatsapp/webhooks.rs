//! The webhooks of the stand-in as its owner sees them: where they go, what came of them, the challenge.

use std::time::Duration;

use super::{WhatsApp, state::State};
use crate::{
    delivery::{Attempt, Cargo, Delivery, MessageId},
    meta::callback,
};

impl WhatsApp {
    /// Sets where webhooks go, from the next try on.
    pub fn set_callback(&self, callback: url::Url) {
        self.state.address.set_callback(callback);
    }

    /// Signs a body as it is and posts it like any webhook, retries included.
    pub fn send_raw(&self, body: impl Into<Vec<u8>>) {
        let cargo = Cargo {
            body: body.into(),
            ..Cargo::default()
        };
        self.state.courier.queue(&self.state.address, cargo);
    }

    /// Posts the webhook of a message `times` more, all at once; the tries, in the order they ended.
    pub async fn redeliver(&self, message: &MessageId, times: usize) -> Vec<Attempt> {
        self.state.courier.redeliver(message, times).await
    }

    /// Every webhook so far with its tries.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.state.courier.deliveries()
    }

    /// Waits until the webhook of a message is acknowledged or given up.
    ///
    /// # Errors
    /// If neither happens `within` this real time.
    pub async fn wait_for_delivery(
        &self,
        message: &MessageId,
        within: Duration,
    ) -> anyhow::Result<Delivery> {
        self.state.courier.wait_for_delivery(message, within).await
    }

    /// Waits until the webhook of a message was posted at least `tries` times, whatever the answers.
    ///
    /// # Errors
    /// If that does not happen `within` this real time.
    pub async fn wait_for_attempts(
        &self,
        message: &MessageId,
        tries: usize,
        within: Duration,
    ) -> anyhow::Result<Delivery> {
        let courier = &self.state.courier;
        courier.wait_for_attempts(message, tries, within).await
    }

    /// Makes the GET challenge that Meta makes when a callback is configured.
    ///
    /// # Errors
    /// If the callback does not answer 200 with the bare challenge.
    pub async fn verify_callback(&self) -> anyhow::Result<()> {
        let State {
            client,
            address,
            options,
            ..
        } = &*self.state;
        callback::verify(client, address, &options.verify_token, options.patience).await
    }
}
