//! Where Meta's webhooks go, and its rules for them.
//!
//! 200 acknowledges (every other answer is a failure). A failed webhook comes again with decreasing frequency for seven days by the
//! stand-in's clock. Meta's SHA-1 header is left out: the documents say to ignore it.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use http::StatusCode;

use crate::{
    delivery::{Address, Patience, Terms},
    signature,
};

/// When an unacknowledged webhook is posted again. Meta publishes "decreasing frequency" and seven days, not the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPlan {
    /// From the first try to the second.
    pub first: Duration,
    /// Each wait is this many times the one before.
    pub factor: u32,
    /// No wait is longer.
    pub longest: Duration,
    /// Counted from the first try; after it the message is given up.
    pub horizon: Duration,
}

impl RetryPlan {
    /// The wait after try number `tries` (from 1).
    #[must_use]
    pub fn wait_after(&self, tries: u32) -> Duration {
        let growth = self.factor.saturating_pow(tries.saturating_sub(1));
        self.first.saturating_mul(growth).min(self.longest)
    }
}

/// When and how often webhooks come; each is waited for this long, in real time.
pub(crate) fn terms(plan: RetryPlan, patience: Duration) -> Terms {
    Terms {
        patience: Patience::Real(patience),
        acknowledges: |status| status == StatusCode::OK,
        again: Box::new(move |tries, _, since| {
            let wait = plan.wait_after(tries);
            (since + wait <= plan.horizon).then_some(wait)
        }),
    }
}

/// A callback of the app with this secret, with what its webhooks bear.
pub(crate) fn address(callback: Option<url::Url>, app_secret: &str) -> Arc<Address> {
    let secret = app_secret.to_owned();
    Address::new(callback, move |body| {
        let signature = signature::meta(&secret, body);
        [
            ("content-type", "application/json"),
            ("user-agent", "facebookexternalua"),
            (signature::HEADER, &signature),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    })
}

/// Makes the GET challenge that Meta makes when a callback is configured.
///
/// # Errors
/// If the callback does not answer 200 with the bare challenge.
pub(crate) async fn verify(
    client: &reqwest::Client,
    address: &Address,
    verify_token: &str,
    patience: Duration,
) -> anyhow::Result<()> {
    let callback = address.callback().context("no callback is configured")?;
    challenge(client, callback, verify_token, patience).await
}

/// The same, to this address.
///
/// # Errors
/// If it does not answer 200 with the bare challenge.
pub(crate) async fn challenge(
    client: &reqwest::Client,
    mut callback: url::Url,
    verify_token: &str,
    patience: Duration,
) -> anyhow::Result<()> {
    let challenge = crate::random::digits(10);
    callback
        .query_pairs_mut()
        .append_pair("hub.mode", "subscribe")
        .append_pair("hub.challenge", &challenge)
        .append_pair("hub.verify_token", verify_token);
    let request = client.get(callback).timeout(patience);
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
