//! The system under measurement: a local run with stand-ins, and one customer sending files into it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use attache_domain::ids::{AttachmentId, ConnectionId, MediaId, MessageId};
use attache_local::{LocalRun, Provisioned};
use attache_operator::site;
use attache_operator::standins::StandIns;
use attache_platforms::whatsapp::MediaFile;

/// How long one file may take before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running system with its stand-ins.
pub(crate) struct Stack {
    pub(crate) run: LocalRun,
    pub(crate) standins: StandIns,
    sent: usize,
}

/// One file that arrived.
pub(crate) struct Arrived {
    /// Its row.
    pub(crate) media: MediaId,
    /// From the moment its webhook was posted until the agent saw the file, fetched and whole.
    pub(crate) took: Duration,
}

impl Stack {
    /// Starts the functions of what was provisioned, with the stand-ins as its platforms.
    pub(crate) async fn start(provisioned: Provisioned) -> Result<Self> {
        let standins = StandIns::start().await?;
        let run = site::start(provisioned, &standins.seed(site::STAGE)?).await?;
        standins
            .subscribe(run.api_url())
            .await
            .context("WhatsApp's verification call")?;
        Ok(Self {
            run,
            standins,
            sent: 0,
        })
    }

    /// Has the customer send a picture, and waits until the agent sees it.
    ///
    /// # Errors
    /// If it does not arrive, or arrives changed.
    pub(crate) async fn relay(&mut self, picture: &[u8]) -> Result<Arrived> {
        self.sent += 1;
        relay(&self.standins, self.sent, picture).await
    }
}

/// Has the customer send a picture, and waits until the agent sees it, as the message of this number.
///
/// # Errors
/// If it does not arrive, or arrives changed.
pub(crate) async fn relay(standins: &StandIns, number: usize, picture: &[u8]) -> Result<Arrived> {
    let file = MediaFile::new(picture.to_vec(), "image/jpeg");
    let message = standins.whatsapp.customer().compose_media(file);
    let id = message.id().clone();
    let medium = standins.whatsapp.medium(&id);
    let medium = medium.context("the stand-in does not know the file it just took")?;
    let posted = Instant::now();
    standins.whatsapp.send_batch(vec![message]);
    let shown = standins.genesys.wait_for_messages(number, PATIENCE).await?;
    let last = shown.last().context("no message")?;
    let whole = last
        .attachments
        .iter()
        .any(|a| a.sha256() == Some(&medium.sha256_hex()));
    ensure!(
        whole,
        "message {} arrived without its file: {:?}",
        last.id,
        last.attachments
    );
    Ok(Arrived {
        media: MediaId::derive(
            &ConnectionId::new("whatsapp-demo"),
            &MessageId::new(id.as_str()),
            &AttachmentId::new(&medium.id),
        ),
        took: last.shown.saturating_duration_since(posted),
    })
}
