//! What the owner of the stand-in sees: the desk, what came in, who saw tokens.

use std::time::Duration;

use anyhow::Context as _;

use super::{AgentMessage, Genesys, Post, Receipt, SentByAgent, state::lock};
use crate::{canary::Sighting, delivery::MessageId, journal::Exchange, specs::Violation};

impl Genesys {
    /// Every message the agent sees, in the order in which they were accepted. A message is seen once its attachments were
    /// fetched or given up, so one that was accepted earlier may still come in between.
    #[must_use]
    pub fn messages(&self) -> Vec<AgentMessage> {
        lock(&self.state.messages).clone()
    }

    /// The texts the agent sees, in the same order; messages without one are left out.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        let messages = lock(&self.state.messages);
        let texts = messages.iter().filter_map(|message| message.text.clone());
        texts.collect()
    }

    /// Waits until the agent sees at least `count` messages.
    ///
    /// # Errors
    /// If that does not happen `within` this real time; says how many there were.
    pub async fn wait_for_messages(
        &self,
        count: usize,
        within: Duration,
    ) -> anyhow::Result<Vec<AgentMessage>> {
        let found = || Some(self.messages()).filter(|messages| messages.len() >= count);
        let waited = self.state.background.until(within, found).await;
        waited.with_context(|| {
            format!(
                "the agent sees {} of {count} messages",
                self.messages().len()
            )
        })
    }

    /// Every inbound message that was accepted, repetitions included.
    #[must_use]
    pub fn posts(&self) -> Vec<Post> {
        lock(&self.state.posts).clone()
    }

    /// Every receipt that was accepted.
    #[must_use]
    pub fn receipts(&self) -> Vec<Receipt> {
        lock(&self.state.receipts).clone()
    }

    /// Waits until the final receipt for a message of an agent is there.
    ///
    /// # Errors
    /// If that does not happen `within` this real time; says what was received.
    pub async fn wait_for_final_receipt(
        &self,
        message: &MessageId,
        within: Duration,
    ) -> anyhow::Result<Receipt> {
        let of_message = |receipt: &Receipt| receipt.id == message.as_str();
        let found = || {
            let mut receipts = self.receipts().into_iter();
            receipts.find(|receipt| receipt.is_final && of_message(receipt))
        };
        let waited = self.state.background.until(within, found).await;
        waited.with_context(|| {
            let received = self.receipts().into_iter().filter(of_message);
            let received: Vec<String> = received.map(|receipt| receipt.status).collect();
            format!("no final receipt for {message}, only {received:?}")
        })
    }

    /// The bodies of every event that was accepted.
    #[must_use]
    pub fn events(&self) -> Vec<serde_json::Value> {
        lock(&self.state.events).clone()
    }

    /// What agents have written, by whichever integration.
    #[must_use]
    pub fn sent(&self) -> Vec<SentByAgent> {
        lock(&self.state.sent).clone()
    }

    /// How many tokens were issued so far.
    #[must_use]
    pub fn tokens_issued(&self) -> usize {
        lock(&self.state.tokens).issued()
    }

    /// Kills every token issued so far: each answers 401 `bad.credentials` from now on.
    pub fn revoke_tokens(&self) {
        lock(&self.state.tokens).kill_all();
    }

    /// Every request so far, on every host, refused ones included.
    #[must_use]
    pub fn requests(&self) -> Vec<Exchange> {
        self.journal.exchanges()
    }

    /// What did not fit the published schemas.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        self.state.checker.violations()
    }

    /// Where tokens were seen (those of every platform that shares the canary).
    #[must_use]
    pub fn token_sightings(&self) -> Vec<Sighting> {
        self.state.options.canary.sightings()
    }
}
