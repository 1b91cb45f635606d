//! The webhooks of the stand-in as its owner sees them: where they go, what came of them, the challenge.

use std::time::Duration;

use super::{Messenger, Surface, reports};
use crate::{
    delivery::{Attempt, Cargo, Delivery, DeliveryState, MessageId},
    meta::callback,
};

impl Messenger {
    /// Sets where a surface's webhooks go, from the next try on.
    pub fn set_callback(&self, surface: Surface, callback: url::Url) {
        self.state.address(surface).set_callback(callback);
    }

    /// Makes the GET challenge that Meta makes when a callback is configured.
    ///
    /// # Errors
    /// If the callback does not answer 200 with the bare challenge.
    pub async fn verify_callback(&self, surface: Surface) -> anyhow::Result<()> {
        let options = &self.state.options;
        let address = self.state.address(surface);
        let (client, token) = (&self.state.client, &options.verify_token);
        callback::verify(client, address, token, options.patience).await
    }

    /// Signs a body as it is and posts it like any webhook of a surface, retries included.
    pub fn send_raw(&self, surface: Surface, body: impl Into<Vec<u8>>) {
        let cargo = Cargo {
            body: body.into(),
            ..Cargo::default()
        };
        let address = self.state.address(surface);
        self.state.courier.queue(address, cargo);
    }

    /// Posts the webhook of a message `times` more, all at once; the tries, in the order they ended.
    pub async fn redeliver(&self, message: &MessageId, times: usize) -> Vec<Attempt> {
        self.state.courier.redeliver(message, times).await
    }

    /// Holds back every echo, delivery and read from now on.
    pub fn hold_reports(&self) {
        reports::hold(&self.state, true);
    }

    /// Posts those held back, in the order they came about, and holds back no more.
    pub fn release_reports(&self) {
        reports::hold(&self.state, false);
    }

    /// Every webhook so far with its tries; those about sent messages name them and `echo`, `delivery` or `read`.
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

    /// Waits until the webhook with this report (`echo`, `delivery`, `read`) of a sent message is acknowledged or given up.
    ///
    /// # Errors
    /// If neither happens `within` this real time.
    pub async fn wait_for_report(
        &self,
        message: &str,
        word: &str,
        within: Duration,
    ) -> anyhow::Result<Delivery> {
        let wanted = (MessageId::new(message), word.to_owned());
        let settled = |delivery: &Delivery| {
            delivery.state != DeliveryState::Pending && delivery.statuses.contains(&wanted)
        };
        Ok(self.state.courier.wait_for(settled, within).await?)
    }
}
