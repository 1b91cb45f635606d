//! What was seen of the dialogue at the receivers, against what was said.

use attache_platforms::genesys::{AgentMessage, Receipt};
use attache_platforms::whatsapp::SentMessage;

use super::dialogue::{Proof, Spoken};
use super::stage::Outcome;
use crate::standins::StandIns;

/// What both receivers have.
pub(super) struct Receivers {
    agent: Vec<AgentMessage>,
    receipts: Vec<Receipt>,
    customer: Vec<SentMessage>,
}

impl Receivers {
    pub(super) fn of(standins: &StandIns) -> Self {
        Self {
            agent: standins.genesys.messages(),
            receipts: standins.genesys.receipts(),
            customer: standins.whatsapp.sent(),
        }
    }

    /// How often the proof is there.
    pub(super) fn count(&self, proof: &Proof) -> usize {
        match proof {
            Proof::AgentReads(words) => {
                let read = |message: &&AgentMessage| message.text.as_deref() == Some(words);
                self.agent.iter().filter(read).count()
            }
            Proof::CustomerReads(words) => {
                let read = |message: &&SentMessage| message.text() == Some(words);
                self.customer.iter().filter(read).count()
            }
            Proof::CustomerHas(bytes, caption) => {
                let has = |message: &&SentMessage| {
                    let media = message.media.as_ref();
                    media.is_some_and(|media| media.bytes == *bytes)
                        && message.text() == caption.as_deref()
                };
                self.customer.iter().filter(has).count()
            }
            Proof::Refused(_) => 0,
        }
    }

    /// What is not as it was promised.
    pub(super) fn complaints(&self, spoken: &Spoken, outcome: &Outcome) -> Vec<String> {
        let mut complaints = Vec::new();
        if !spoken.expected.contains(&outcome.stage) {
            complaints.push(format!(
                "ended as {}, expected {:?}; {}",
                outcome.stage, spoken.expected, outcome.why
            ));
        }
        let copies = self.count(&spoken.proof);
        let wanted = usize::from(!matches!(spoken.proof, Proof::Refused(_)));
        if copies != wanted {
            complaints.push(format!(
                "its receiver has it {copies} times, expected {wanted}"
            ));
        }
        complaints.extend(self.receipt_complaint(spoken));
        complaints
    }

    /// An agent's message has one last word, and the right one.
    fn receipt_complaint(&self, spoken: &Spoken) -> Option<String> {
        let expected = match spoken.proof {
            Proof::AgentReads(_) => return None,
            Proof::CustomerReads(_) | Proof::CustomerHas(..) => ("Delivered", None),
            Proof::Refused(code) => ("Failed", Some(code)),
        };
        let last: Vec<_> = self
            .receipts
            .iter()
            .filter(|receipt| receipt.is_final && receipt.id == spoken.message)
            .map(|receipt| {
                let code = receipt.request["reasons"][0]["code"].as_str();
                (receipt.status.as_str(), code)
            })
            .collect();
        (last != [expected]).then(|| format!("receipts {last:?}, expected {expected:?} once"))
    }

    /// Messages of the agent's desk that nobody said and that are no notice.
    pub(super) fn strangers(&self, known: impl Fn(&str) -> bool) -> Vec<String> {
        let strange = |message: &&AgentMessage| {
            let id = message.channel_message_id.as_deref().unwrap_or_default();
            let notice = message
                .text
                .as_deref()
                .is_some_and(|text| text.starts_with("[Attaché]"));
            !notice && !known(id)
        };
        let all = self.agent.iter().filter(strange);
        all.map(|message| format!("the agent got a message nobody sent: {:?}", message.text))
            .collect()
    }

    /// How many notices the agent got.
    pub(super) fn notices(&self) -> usize {
        let notice = |message: &&AgentMessage| {
            message
                .text
                .as_deref()
                .is_some_and(|text| text.starts_with("[Attaché]"))
        };
        self.agent.iter().filter(notice).count()
    }
}
