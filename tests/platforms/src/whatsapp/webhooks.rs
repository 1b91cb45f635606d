//! The webhooks of the stand-in as its owner sees them: where they go, what came of them, the challenge.

use std::time::Duration;

use anyhow::Context as _;
use http::StatusCode;

use super::{WhatsApp, state::State};
use crate::delivery::{Attempt, Cargo, Delivery, MessageId};

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
        let callback = self.state.address.callback();
        let callback = callback.context("no callback is configured")?;
        challenge(&self.state, callback, &self.state.options.verify_token).await
    }
}

/// The GET challenge to this address.
///
/// # Errors
/// If it does not answer 200 with the bare challenge.
pub(super) async fn challenge(
    state: &State,
    mut callback: url::Url,
    verify_token: &str,
) -> anyhow::Result<()> {
    let challenge = crate::random::digits(10);
    callback
        .query_pairs_mut()
        .append_pair("hub.mode", "subscribe")
        .append_pair("hub.challenge", &challenge)
        .append_pair("hub.verify_token", verify_token);
    let request = state.client.get(callback).timeout(state.options.patience);
    let response = request
        .send()
        .await
        .context("the challenge was not answered")?;
    let status = response.status();
    let body = response
        .text()
        .await
        .context("the challenge's answer broke off")?;
    anyhow::ensure!(
        status == StatusCode::OK,
        "the challenge was answered with {status}"
    );
    anyhow::ensure!(
        body == challenge,
        "the answer {body:?} is not the challenge {challenge:?}"
    );
    Ok(())
}
