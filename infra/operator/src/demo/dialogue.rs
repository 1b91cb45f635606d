//! The second act: a conversation. Words around files, both ways, and what must not go wrong with them: an album in its
//! order, an answer that is lost and not repeated, a window that is closed, poison beside healthy work.

use std::time::Duration;

use anyhow::{Context, Result};
use attache_domain::event::FollowUp;
use attache_domain::ids::{AttachmentId, ConnectionId, MediaId, MessageId as OurMessageId};
use attache_local::LocalRun;
use attache_platforms::faults::{Fault, Point, Times};
use attache_platforms::genesys::{Agent, AgentFile};
use attache_platforms::whatsapp::{Customer, MessageId, Say, SentMessage};

use super::stage::Watch;
use super::timeline::Timeline;
use crate::site::STAGE;
use crate::standins::{AGENTS, CUSTOMERS, StandIns};

/// How long a single answer is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// The customer, as WhatsApp's documents know her.
const CUSTOMER: &str = "16505551234";

/// A customer who has never written.
const STRANGER: &str = "4930901820";

/// What has to be seen of one message at its receiver.
#[derive(Clone, Debug)]
pub(super) enum Proof {
    /// The agent reads these words, once.
    AgentReads(String),
    /// The customer reads these words, once.
    CustomerReads(String),
    /// The customer has these bytes, once, with this caption.
    CustomerHas(Vec<u8>, Option<String>),
    /// The agent is told by receipt and notice that it was not sent, with this reason code; the customer has nothing.
    Refused(&'static str),
}

/// One message of the dialogue.
#[derive(Clone, Debug)]
pub(super) struct Spoken {
    pub(super) name: String,
    pub(super) proof: Proof,
    /// The stage in which it has to end.
    pub(super) expected: &'static [&'static str],
    /// The id its platform gave it.
    pub(super) message: String,
}

const ARRIVED: &[&str] = &["sent"];
const DELIVERED: &[&str] = &["delivered"];
const READ: &[&str] = &["read"];

/// The dialogue while it is spoken.
pub(super) struct Dialogue<'a> {
    standins: &'a StandIns,
    timeline: &'a Timeline,
    watch: &'a mut Watch,
    customer: Customer,
    agent: Agent,
    spoken: Vec<Spoken>,
}

macro_rules! media {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/media/", $name))
    };
}

impl<'a> Dialogue<'a> {
    pub(super) fn new(
        standins: &'a StandIns,
        timeline: &'a Timeline,
        watch: &'a mut Watch,
    ) -> Self {
        Self {
            customer: standins.whatsapp.customer(),
            agent: standins.genesys.agent(),
            spoken: Vec::new(),
            standins,
            timeline,
            watch,
        }
    }

    /// Speaks it; what was said.
    pub(super) async fn perform(mut self, run: &LocalRun) -> Result<Vec<Spoken>> {
        self.poison(run).await?;
        self.ask().await?;
        let answer = self.answer().await?;
        self.album()?;
        // After the album: its throttle must not meet the lost answer, and what is replied to is known by its name then.
        self.watch.until_over(self.timeline, PATIENCE).await?;
        self.reply(&answer)?;
        self.lost_answer()?;
        self.closed_window()?;
        Ok(self.spoken)
    }

    /// A message that is no job, right in front of everybody else's.
    async fn poison(&self, run: &LocalRun) -> Result<()> {
        let sqs = &run.clients().sqs;
        let queue = sqs
            .get_queue_url()
            .queue_name(format!("attache-{STAGE}-text"))
            .send()
            .await;
        let queue = queue
            .context("looking for the queue of words")?
            .queue_url
            .unwrap_or_default();
        let sent = sqs
            .send_message()
            .queue_url(queue)
            .message_body("poison")
            .send()
            .await;
        sent.context("putting poison into the queue")?;
        self.timeline.say(
            "poison",
            "a message that is no job lies in the queue of words; it fails alone",
        );
        Ok(())
    }

    /// The customer's words, and a place.
    async fn ask(&mut self) -> Result<()> {
        let text = "Good morning! The parcel has not come yet.";
        let id = self.customer.send_text(text);
        self.heard("“Good morning! …”", &id, text.to_owned());
        let place = Say::Location(52.5163, 13.3777, Some("Brandenburg Gate".to_owned()), None);
        let id = self.customer.say(place);
        let words = "[location] Brandenburg Gate\n52.5163, 13.3777\nhttps://www.google.com/maps/search/?api=1&query=52.5163%2C13.3777";
        self.heard("a location", &id, words.to_owned());
        let delivery = self
            .standins
            .whatsapp
            .wait_for_delivery(&id, PATIENCE)
            .await?;
        anyhow::ensure!(
            delivery.attempts.iter().any(|a| a.acknowledged()),
            "the location was not acknowledged"
        );
        Ok(())
    }

    /// The agent's PDF, which the customer reads.
    async fn answer(&mut self) -> Result<MessageId> {
        let bytes = media!("Rechnung März (1).pdf").to_vec();
        let file = AgentFile::new(bytes.clone(), "application/pdf").named("Rechnung März (1).pdf");
        let id = self
            .agent
            .send_file(CUSTOMER, file, "Here is your invoice.")?;
        let proof = Proof::CustomerHas(bytes, Some("Here is your invoice.".to_owned()));
        self.watch_file("the agent's PDF", id.as_str(), 0, (proof, READ))?;
        let sent = self.wait_for_text("Here is your invoice.").await?;
        let wamid = MessageId::new(&sent.id);
        self.standins
            .whatsapp
            .wait_for_status(&wamid, "delivered", PATIENCE)
            .await?;
        self.standins.whatsapp.read(&wamid)?;
        self.timeline
            .say("the agent's PDF", "the customer has read it");
        Ok(wamid)
    }

    /// Three pictures in one message of the agent: the first meets a throttle, and the others wait for it.
    fn album(&mut self) -> Result<()> {
        let pictures: [(&str, &[u8], &str); 3] = [
            ("front.jpg", media!("photo.jpg"), "image/jpeg"),
            ("label.png", media!("screenshot.png"), "image/png"),
            ("back.jpg", media!("photo-1mb.jpg"), "image/jpeg"),
        ];
        let files = pictures
            .iter()
            .map(|(name, bytes, mime)| AgentFile::new(bytes.to_vec(), mime).named(name));
        self.standins
            .whatsapp
            .faults()
            .arm_at(Fault::MetaThrottleAs400, Times(1), Point::Send)?;
        let id = self
            .agent
            .send_files(CUSTOMER, files.collect(), "Is it one of these?")?;
        self.timeline.say(
            "album of three",
            "the agent sends it; WhatsApp will throttle the first",
        );
        for (position, (name, bytes, _)) in pictures.iter().enumerate() {
            let caption = (position == 0).then(|| "Is it one of these?".to_owned());
            let proof = Proof::CustomerHas(bytes.to_vec(), caption);
            self.watch_file(
                &format!("album {}: {name}", position + 1),
                id.as_str(),
                position,
                (proof, DELIVERED),
            )?;
        }
        Ok(())
    }

    /// The customer answers the agent's message, and the agent sees which.
    fn reply(&mut self, to: &MessageId) -> Result<()> {
        let id = self.customer.reply(to, Say::Text("Thank you!".to_owned()));
        self.heard(
            "a reply",
            &id,
            "↪ “Here is your invoice.” (document)\nThank you!".to_owned(),
        );
        Ok(())
    }

    /// WhatsApp takes a message and its answer is lost: nobody may send it again.
    fn lost_answer(&mut self) -> Result<()> {
        self.standins
            .whatsapp
            .faults()
            .arm_at(Fault::LostAnswer, Times(1), Point::Send)?;
        let text = "It will be there tomorrow.";
        let id = self.agent.send_text(CUSTOMER, text);
        self.timeline.say(
            "“It will be there …”",
            "WhatsApp takes it and its answer is lost",
        );
        self.watch_words(
            "“It will be there …”",
            id.as_str(),
            (Proof::CustomerReads(text.to_owned()), DELIVERED),
        );
        Ok(())
    }

    /// A customer who never wrote cannot be written to.
    fn closed_window(&mut self) -> Result<()> {
        let id = self.agent.send_text(STRANGER, "Are you still interested?");
        self.watch_words(
            "“Are you still …”",
            id.as_str(),
            (Proof::Refused("MessageExpired"), &["failed"]),
        );
        Ok(())
    }

    async fn wait_for_text(&mut self, text: &str) -> Result<SentMessage> {
        let wanted = |sent: &SentMessage| sent.text() == Some(text);
        let standins = self.standins;
        let found = async {
            let within = tokio::time::Instant::now() + PATIENCE;
            for count in 1.. {
                let left = within.saturating_duration_since(tokio::time::Instant::now());
                let sent = standins.whatsapp.wait_for_sent(count, left).await?;
                if let Some(sent) = sent.into_iter().find(wanted) {
                    return Ok(sent);
                }
            }
            anyhow::bail!("nothing was sent")
        };
        self.watch.follow_while(self.timeline, found).await?
    }

    fn heard(&mut self, name: &str, id: &MessageId, words: String) {
        self.timeline.say(name, "the customer sends it");
        let part = FollowUp::Words.part(&AttachmentId::new(""));
        self.add(
            name,
            (CUSTOMERS, id.as_str(), part),
            (Proof::AgentReads(words), ARRIVED),
        );
    }

    fn watch_words(&mut self, name: &str, id: &str, end: (Proof, &'static [&'static str])) {
        let part = FollowUp::Words.part(&AttachmentId::new(""));
        self.add(name, (AGENTS, id, part), end);
    }

    fn watch_file(
        &mut self,
        name: &str,
        id: &str,
        position: usize,
        end: (Proof, &'static [&'static str]),
    ) -> Result<()> {
        let sent = self.standins.genesys.sent();
        let sent = sent.iter().find(|sent| sent.id.as_str() == id);
        let pointer = format!("/content/{position}/attachment/id");
        let part = sent.and_then(|sent| sent.body.pointer(&pointer)?.as_str());
        let part = part.context("the stand-in does not know the file it just sent")?;
        self.add(name, (AGENTS, id, AttachmentId::new(part)), end);
        Ok(())
    }

    fn add(
        &mut self,
        name: &str,
        (connection, message, part): (&str, &str, AttachmentId),
        (proof, expected): (Proof, &'static [&'static str]),
    ) {
        let id = MediaId::derive(
            &ConnectionId::new(connection),
            &OurMessageId::new(message),
            &part,
        );
        self.watch.add(name, message, id, expected);
        self.spoken.push(Spoken {
            name: name.to_owned(),
            proof,
            expected,
            message: message.to_owned(),
        });
    }
}
