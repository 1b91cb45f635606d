//! `attache demo`: the tours, one for each profile that can be shown (`tour`). WhatsApp's: real files and words travel between a WhatsApp customer and a Genesys agent through the real
//! functions, while webhooks repeat, a platform throttles, answers get lost, and a function is killed in the middle. Ends well only if everything
//! that is promised was seen: by hash, at the receiving side.

mod cast;
mod dialogue;
mod seen;
mod stage;
mod table;
mod timeline;
mod tour;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use attache_domain::ids::{AttachmentId, ConnectionId, MediaId, MessageId};
use attache_local::LocalRun;
use attache_platforms::faults::{Fault, Point, Times};
use clap::Args;

use crate::binaries;
use crate::site::{self, STAGE, SiteOptions};
use crate::standins::{CUSTOMERS, StandIns};
use cast::{Expected, Piece};
use dialogue::{Dialogue, Proof, Spoken};
use stage::{Outcome, Watch};
use timeline::Timeline;

/// How long everything may take once the last file was sent.
const CURTAIN: Duration = Duration::from_secs(60);

/// Options of `attache demo`.
#[derive(Args, Debug)]
pub struct Options {
    /// Whose tour it is: whatsapp, messenger, instagram or genesys-web-messaging.
    #[arg(long, value_name = "NAME", default_value = "whatsapp")]
    pub profile: String,
    /// Your own file instead of the demo's (several: repeat the option).
    #[arg(long = "file", value_name = "PATH")]
    pub files: Vec<PathBuf>,
    /// Another AWS endpoint instead of the embedded engines, which keeps what is created there. Calls are signed with
    /// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, else with `test` and `test`.
    #[arg(long, value_name = "URL")]
    pub aws_endpoint: Option<String>,
    /// The last line of standard output is the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Runs the tour; `true` if everything promised was seen.
///
/// # Errors
/// If something cannot be built or started.
pub async fn run(options: &Options) -> Result<bool> {
    match tour::named(&options.profile)? {
        Some(tour) => tour::play(tour, options).await,
        None => whatsapp(options).await,
    }
}

/// WhatsApp's own tour.
async fn whatsapp(options: &Options) -> Result<bool> {
    let pieces = if options.files.is_empty() {
        cast::programme()
    } else {
        cast::of_files(&options.files)?
    };
    println!("Building the functions …");
    let folder = binaries::build().await?;
    let standins = StandIns::start().await?;
    let site_options = SiteOptions {
        aws_endpoint: options.aws_endpoint.clone(),
        ..SiteOptions::default()
    };
    let provisioned = site::provision(folder, site_options).await?;
    let run = site::start(provisioned, &standins.seed(STAGE)?).await?;
    standins
        .subscribe(run.api_url())
        .await
        .context("WhatsApp's verification call")?;
    println!(
        "Up: functions as processes behind {}, stand-ins for WhatsApp and Genesys beside them.\n",
        run.api_url()
    );

    let timeline = Timeline::start();
    let mut watch = Watch::new(&run)?;
    perform(&pieces, &standins, &run, &mut watch, &timeline).await?;
    let spoken = if options.files.is_empty() {
        let dialogue = Dialogue::new(&standins, &timeline, &mut watch);
        dialogue.perform(&run).await?
    } else {
        Vec::new()
    };
    let mut outcomes = watch.until_at_rest(&timeline, CURTAIN).await?;
    let of_words = outcomes.split_off(pieces.len());
    settle(&standins, pieces.len(), &spoken).await?;
    let seen = table::judge(&pieces, outcomes, (&spoken, of_words), &standins, &run);
    run.stop().await?;
    table::print(&seen, &timeline);
    if options.json {
        println!("{}", seen.to_json());
    }
    Ok(seen.ok())
}

/// Waits for the last receipts and notices: they follow the ends they tell of.
async fn settle(standins: &StandIns, files: usize, spoken: &[Spoken]) -> Result<()> {
    // Every file of the customer reaches the agent, or a notice does in its place.
    let told = |one: &&Spoken| matches!(one.proof, Proof::AgentReads(_) | Proof::Refused(_));
    let messages = files + spoken.iter().filter(told).count();
    if let Err(error) = standins.genesys.wait_for_messages(messages, CURTAIN).await {
        // The table says which.
        println!("{error:#}");
    }
    for one in spoken
        .iter()
        .filter(|one| !matches!(one.proof, Proof::AgentReads(_)))
    {
        let id = attache_platforms::whatsapp::MessageId::new(&one.message);
        let receipt = standins.genesys.wait_for_final_receipt(&id, CURTAIN).await;
        receipt.with_context(|| format!("the receipt of {}", one.name))?;
    }
    Ok(())
}

/// Sends everything, with the trouble each piece is cast for.
async fn perform(
    pieces: &[Piece],
    standins: &StandIns,
    run: &LocalRun,
    watch: &mut Watch,
    timeline: &Timeline,
) -> Result<()> {
    let customer = standins.whatsapp.customer();
    for piece in pieces {
        let message = customer.compose_media(piece.media());
        let (id, medium) = (message.id().clone(), standins.whatsapp.medium(message.id()));
        let medium = medium.context("the stand-in does not know the file it just took")?;
        let item = MediaId::derive(
            &ConnectionId::new(CUSTOMERS),
            &MessageId::new(id.as_str()),
            &AttachmentId::new(&*medium.id),
        );
        watch.add(&piece.file_name, id.as_str(), item, piece.until());
        match piece.trouble {
            cast::Trouble::None | cast::Trouble::Repeated => {}
            cast::Trouble::Throttled => drop(standins.genesys.faults().arm_on(
                Fault::RateLimit,
                Times(2),
                id.as_str(),
            )?),
            cast::Trouble::Killed => drop(standins.whatsapp.faults().arm_at(
                Fault::Stall,
                Times(1),
                Point::Download,
            )?),
        }
        timeline.say(&piece.file_name, "the customer sends it");
        standins.whatsapp.send_batch(vec![message]);
        match piece.trouble {
            cast::Trouble::None => {}
            cast::Trouble::Throttled => {
                timeline.say(&piece.file_name, "Genesys will answer 429 twice")
            }
            cast::Trouble::Repeated => {
                standins
                    .whatsapp
                    .wait_for_delivery(&id, Duration::from_secs(20))
                    .await?;
                let again = standins.whatsapp.redeliver(&id, 4).await;
                let fine = again
                    .iter()
                    .filter(|attempt| attempt.acknowledged())
                    .count();
                timeline.say(
                    &piece.file_name,
                    &format!("WhatsApp delivers the webhook four more times; {fine} answered 200"),
                );
            }
            cast::Trouble::Killed => {
                let held = watch.follow_while(
                    timeline,
                    standins
                        .whatsapp
                        .faults()
                        .wait_until_held(Duration::from_secs(20)),
                );
                held.await?.context("the download never began")?;
                let killed = run.kill_function("FetchFunction");
                standins.whatsapp.faults().release();
                timeline.say(
                    &piece.file_name,
                    &format!(
                        "fetch is killed in the middle of the transfer (kill -9, {killed} process)"
                    ),
                );
            }
        }
    }
    Ok(())
}

/// Whether an outcome is the one its piece is cast for.
fn as_expected(piece: &Piece, outcome: &Outcome) -> bool {
    match piece.expected {
        Expected::Anything => outcome.at_rest,
        Expected::Delivered => outcome.stage == "sent",
        Expected::Quarantined => outcome.verdict == "quarantined" && outcome.stage == "rejected",
        Expected::Held => outcome.verdict == "held",
    }
}
