//! Messenger and Instagram on the stage: what their customers and the agents behind them say.

use anyhow::{Context, Result};
use attache_domain::event::FollowUp;
use attache_domain::ids::AttachmentId;
use attache_operator::standins::Social;
use attache_platforms::genesys::{Agent, AgentFile};
use attache_platforms::messenger::{Customer, File, Say};

use super::{Sent, Stage, sent};

impl Stage {
    /// The customer of the documentation.
    #[must_use]
    pub fn customer_of(&self, social: Social) -> Customer {
        self.standins.messenger.customer(social.surface)
    }

    /// Has the customer send files in one message; the items they become.
    #[must_use]
    pub fn social_files(&self, social: Social, files: Vec<File>, text: Option<&str>) -> Vec<Sent> {
        let count = files.len();
        let files = Say::Files(files, text.map(str::to_owned));
        let message = self.customer_of(social).say(files);
        let item = |n: usize| {
            let part = AttachmentId::new(n.to_string());
            sent(social.customers, message.clone(), part)
        };
        (0..count).map(item).collect()
    }

    /// Has the customer say something that becomes words.
    #[must_use]
    pub fn social_says(&self, social: Social, say: Say) -> Sent {
        let message = self.customer_of(social).say(say);
        let words = FollowUp::Words.part(&AttachmentId::new(""));
        sent(social.customers, message, words)
    }

    /// The agent behind it.
    ///
    /// # Errors
    /// If Genesys has no such integration.
    pub fn agent_behind(&self, social: Social) -> Result<Agent> {
        let agent = self.standins.genesys.agent_of(social.integration_id);
        agent.context("no integration")
    }

    /// Has the agent behind it write a text.
    ///
    /// # Errors
    /// As [`Stage::agent_behind`].
    pub fn agent_writes(&self, social: Social, text: &str) -> Result<Sent> {
        let customer = self.customer_of(social);
        let agent = self.agent_behind(social)?;
        let message = agent.send_text(customer.id(), text);
        let words = FollowUp::Words.part(&AttachmentId::new(""));
        Ok(sent(social.agents, message, words))
    }

    /// Has the agent behind it send a file, with a text if it is not empty; the file's item.
    ///
    /// # Errors
    /// If the platform does not let the agent send it.
    pub fn agent_hands(&self, social: Social, file: AgentFile, text: &str) -> Result<Sent> {
        let customer = self.customer_of(social);
        let agent = self.agent_behind(social)?;
        let message = agent.send_file(customer.id(), file, text)?;
        let known = self.standins.genesys.sent().into_iter();
        let known = known.into_iter().find(|known| known.id == message);
        let part = known
            .as_ref()
            .and_then(|known| known.body.pointer("/content/0/attachment/id")?.as_str());
        let part = AttachmentId::new(part.context("the stand-in does not know its own file")?);
        Ok(sent(social.agents, message, part))
    }
}
