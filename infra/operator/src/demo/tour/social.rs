//! A page, or its Instagram account: several files in one message, an answer with a file, a lost answer, a death in the middle, a
//! closed window, and what a customer takes back.

use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use attache_domain::connection::Profile;
use attache_domain::event::FollowUp;
use attache_domain::ids::AttachmentId;
use attache_platforms::faults::{Aim, Fault, Point, Times};
use attache_platforms::genesys::AgentFile;
use attache_platforms::messenger::{File, Say, SentMessage};

use super::{Scene, Tour};
use crate::site::{STAGE, Seed};
use crate::standins::{Social, StandIns};

/// How long a single thing is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A customer who has never written.
const STRANGER: &str = "4930901820";

macro_rules! media {
    ($name:literal) => {
        include_bytes!(concat!("../../../../../tests/media/", $name)).to_vec()
    };
}

/// One of the two.
pub(super) struct Page(pub(super) Social);

#[async_trait(?Send)]
impl Tour for Page {
    fn profile(&self) -> Profile {
        self.0.profile
    }

    fn seed(&self, standins: &StandIns) -> Result<Seed> {
        standins.social_seed(STAGE)
    }

    async fn subscribe(&self, standins: &StandIns, api_url: &str) -> Result<()> {
        let subscribed = standins.subscribe_social(api_url).await;
        subscribed.context("Meta's verification calls")
    }

    async fn play(&self, scene: &mut Scene<'_>) -> Result<()> {
        self.files(scene).await?;
        self.killed(scene).await?;
        self.answer(scene)?;
        scene.settle().await?;
        self.lost_answer(scene)?;
        self.closed_window(scene)
    }
}

impl Page {
    /// Three files in one message, in this order; its webhook comes five times.
    async fn files(&self, scene: &mut Scene<'_>) -> Result<()> {
        let files = vec![
            File::new(media!("photo.jpg"), "image/jpeg"),
            File::new(media!("Rechnung März (1).pdf"), "application/pdf")
                .named("Rechnung März (1).pdf"),
            File::new(media!("clip.mp4"), "video/mp4"),
        ];
        let messenger = &scene.standins.messenger;
        let customer = messenger.customer(self.0.surface);
        let id = customer.say(Say::Files(
            files.clone(),
            Some("Is this covered?".to_owned()),
        ));
        scene
            .timeline
            .say("three files", "the customer sends them in one message");
        messenger.wait_for_delivery(&id, PATIENCE).await?;
        messenger.redeliver(&id, 4).await;
        scene
            .timeline
            .say("three files", "the webhook has come five times");
        for (position, (name, file)) in ["photo", "PDF", "film"].into_iter().zip(files).enumerate()
        {
            self.promise_file(scene, name, (id.as_str(), position), file);
        }
        Ok(())
    }

    /// The process that fetches a file dies; Meta says the message again.
    async fn killed(&self, scene: &mut Scene<'_>) -> Result<()> {
        let messenger = &scene.standins.messenger;
        let file = File::new(media!("photo-1mb.jpg"), "image/jpeg");
        let customer = messenger.customer(self.0.surface);
        let message = customer.compose(Say::Files(vec![file.clone()], None));
        let id = message.id().clone();
        let aim = Aim {
            point: Some(Point::Download),
            subject: Some(id.as_str()),
            ..Aim::default()
        };
        messenger.faults().arm_aimed(Fault::Stall, aim)?;
        messenger.send_batch(vec![message]);
        scene.timeline.say("photo of 1 MB", "the customer sends it");
        self.promise_file(scene, "photo of 1 MB", (id.as_str(), 0), file);
        let held = messenger.faults().wait_until_held(PATIENCE);
        scene
            .follow(held)
            .await?
            .context("the download never began")?;
        let killed = scene.run.kill_function("IntakeFunction");
        messenger.faults().release();
        let line =
            format!("intake is killed in the middle of the transfer (kill -9, {killed} process)");
        scene.timeline.say("photo of 1 MB", &line);
        Ok(())
    }

    /// The agent has it once, byte for byte.
    fn promise_file(
        &self,
        scene: &mut Scene<'_>,
        name: &str,
        (id, position): (&str, usize),
        file: File,
    ) {
        let part = AttachmentId::new(position.to_string());
        let seen = move |standins: &StandIns| {
            let all = standins.genesys.messages().into_iter();
            let files = all.flat_map(|message| message.attachments);
            files.filter(|it| it.bytes() == Some(&file.bytes)).count()
        };
        let of = (self.0.customers, id, part);
        scene.promise(name, of, &["sent"], (1, Box::new(seen)));
    }

    /// The agent's picture and words, which arrive apart.
    fn answer(&self, scene: &mut Scene<'_>) -> Result<()> {
        let bytes = media!("screenshot.png");
        let file = AgentFile::new(bytes.clone(), "image/png").named("plan.png");
        let agent = scene.standins.genesys.agent_of(self.0.integration_id);
        let agent = agent.context("no integration")?;
        let to = scene.standins.messenger.customer(self.0.surface);
        let id = agent.send_file(to.id(), file, "Here is the plan.")?;
        scene
            .timeline
            .say("the agent's picture", "the agent sends it, with words");
        let sent = scene.standins.genesys.sent();
        let sent = sent.iter().find(|sent| sent.id == id);
        let part = sent.and_then(|sent| sent.body.pointer("/content/0/attachment/id")?.as_str());
        let part = AttachmentId::new(part.context("the stand-in does not know its own file")?);
        let seen = move |standins: &StandIns| {
            let shows =
                |sent: &&SentMessage| sent.file.as_ref().is_some_and(|it| it.bytes == bytes);
            standins.messenger.sent().iter().filter(shows).count()
        };
        let of = (self.0.agents, id.as_str(), part);
        scene.promise(
            "the agent's picture",
            of,
            self.arrived(),
            (1, Box::new(seen)),
        );
        Ok(())
    }

    /// Instagram tells of reading alone.
    fn arrived(&self) -> &'static [&'static str] {
        match self.0.profile == Profile::Messenger {
            true => &["delivered"],
            false => &["sent"],
        }
    }

    /// The message arrives and its answer is lost: Messenger's echo tells, Instagram's cannot. Nobody sends it again.
    fn lost_answer(&self, scene: &mut Scene<'_>) -> Result<()> {
        let faults = scene.standins.messenger.faults();
        faults.arm_at(Fault::LostAnswer, Times(1), Point::Send)?;
        let until: &[&str] = match self.0.profile == Profile::Messenger {
            true => &["delivered"],
            false => &["unconfirmed"],
        };
        let to = scene
            .standins
            .messenger
            .customer(self.0.surface)
            .id()
            .to_owned();
        self.words(scene, (&to, "It will be there tomorrow."), (until, 1))?;
        scene.timeline.say(
            "“It will be there …”",
            "it is taken, and its answer is lost",
        );
        Ok(())
    }

    /// A customer who never wrote cannot be written to.
    fn closed_window(&self, scene: &mut Scene<'_>) -> Result<()> {
        self.words(
            scene,
            (STRANGER, "Are you still interested?"),
            (&["failed"], 0),
        )
    }

    fn words(
        &self,
        scene: &mut Scene<'_>,
        (to, text): (&str, &'static str),
        (until, wanted): (&'static [&'static str], usize),
    ) -> Result<()> {
        let agent = scene.standins.genesys.agent_of(self.0.integration_id);
        let id = agent.context("no integration")?.send_text(to, text);
        let part = FollowUp::Words.part(&AttachmentId::new(""));
        let seen = move |standins: &StandIns| {
            let says = |sent: &&SentMessage| sent.text() == Some(text);
            standins.messenger.sent().iter().filter(says).count()
        };
        let name: String = text.chars().take(16).collect();
        let of = (self.0.agents, id.as_str(), part);
        scene.promise(&format!("“{name}…”"), of, until, (wanted, Box::new(seen)));
        Ok(())
    }
}
