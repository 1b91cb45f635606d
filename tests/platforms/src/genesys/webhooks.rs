//! The webhooks of the stand-in as its owner sees them: where they go and what came of them.

use std::time::Duration;

use super::{Genesys, state::lock};
use crate::delivery::{Attempt, Delivery, MessageId};

impl Genesys {
    /// Sets where the webhooks of the first integration go, from the next try on.
    pub fn set_callback(&self, callback: url::Url) {
        self.state.lines[0].address.set_callback(callback);
    }

    /// Sets what the webhooks of the first integration are signed with, from the next try on.
    pub fn set_webhook_secret(&self, secret: &str) {
        *lock(&self.state.lines[0].secret) = secret.to_owned();
    }

    /// Sets where the webhooks of the integration with this id go, from the next try on.
    ///
    /// # Errors
    /// If there is no such integration.
    pub fn set_callback_of(&self, integration_id: &str, callback: url::Url) -> anyhow::Result<()> {
        let line = self.state.line(integration_id);
        let line =
            line.ok_or_else(|| anyhow::anyhow!("there is no integration {integration_id}"))?;
        line.address.set_callback(callback);
        Ok(())
    }

    /// Posts the webhook of a message `times` more, all at once; the tries, in the order they ended.
    pub async fn redeliver(&self, message: &MessageId, times: usize) -> Vec<Attempt> {
        self.state.courier.redeliver(message, times).await
    }

    /// Every webhook so far with its tries, `message:message-media` events included.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.state.courier.deliveries()
    }

    /// Waits until the webhook of a message is acknowledged or given up, which means lost.
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
}
