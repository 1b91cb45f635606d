//! Kills in the middle of a call to a platform, where no engine sees a side effect.

use anyhow::{Result, ensure};
use attache_e2e::Stage;
use attache_e2e::media::sample_named;
use attache_platforms::faults::{Fault, Faults, Point, Times};

use super::outcome::{End, outcome};
use super::{BOUND, setup};

/// Which platform holds which request.
#[derive(Clone, Copy, Debug)]
enum Held {
    /// WhatsApp stops in the middle of the bytes.
    Download,
    /// WhatsApp does not say where the bytes are.
    LookUp,
    /// Genesys has the request and does not answer.
    Inbound,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_survives_a_kill_while_a_platform_holds_the_call() -> Result<()> {
    let plays = [Held::Download, Held::LookUp, Held::Inbound].map(killed_while_held);
    let lines = futures_util::future::try_join_all(plays).await?;
    println!("{}", lines.join("\n"));
    Ok(())
}

async fn killed_while_held(what: Held) -> Result<String> {
    let stage = Stage::start(setup()).await?;
    let (faults, point, function): (&Faults, _, _) = match what {
        Held::Download => (
            stage.standins.whatsapp.faults(),
            Point::Download,
            "FetchFunction",
        ),
        Held::LookUp => (
            stage.standins.whatsapp.faults(),
            Point::LookUp,
            "FetchFunction",
        ),
        Held::Inbound => (
            stage.standins.genesys.faults(),
            Point::Inbound,
            "UploadFunction",
        ),
    };
    let armed = faults.arm_at(Fault::Stall, Times(1), point)?;
    let sent = stage.send(sample_named("photo-1mb.jpg"))?;
    faults.wait_until_held(BOUND).await?;
    let killed = stage.run.kill_function(function);
    faults.release();
    ensure!(
        killed > 0 && armed.fired() == 1,
        "{what:?}: {killed} processes killed, {} requests held",
        armed.fired()
    );
    let outcome = outcome(&stage, &sent, End::Sent)
        .await
        .map_err(|error| error.context(format!("{what:?}")))?;
    ensure!(outcome.sweeps > 0, "{what:?}: {outcome:?}");
    stage.stop().await?;
    Ok(format!(
        "{function} killed while {what:?} was held: {outcome:?}"
    ))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_repeated_on_record_and_seen_once() -> Result<()> {
    let stage = Stage::start(setup()).await?;
    let armed =
        stage
            .standins
            .genesys
            .faults()
            .arm_at(Fault::LostAnswer, Times(1), Point::Inbound)?;
    let sent = stage.send(sample_named("photo.jpg"))?;
    let outcome = outcome(&stage, &sent, End::Sent).await?;
    ensure!(
        armed.fired() == 1 && outcome.posts == 2 && outcome.repeats == 1,
        "{outcome:?}"
    );
    stage.stop().await
}
