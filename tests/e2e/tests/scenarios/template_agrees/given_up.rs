//! What was given up by one who died before that was told: `sweep` tells it, in each of the three queues of dead letters.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use attache_domain::journey::Stage as Journey;
use attache_e2e::media::{bytes, sample_named};
use attache_e2e::{Sent, Setup, Stage, eventually};
use attache_local::iam::When;
use attache_platforms::genesys::AgentFile;

use super::exercise::{BOUND, kill};
use super::grants::{Call, called};

/// The calls of a stage where all three who give up die at it.
pub(super) async fn given_up() -> Result<BTreeSet<Call>> {
    let stage = Stage::start(Setup::default()).await?;
    // Slot and claim, then the end is written down.
    kill(&stage, "TextFunction", 3, When::After);
    kill(&stage, "UploadFunction", 3, When::After);
    // Three times a claim, the error counted, a copy for later and that it was sent; a claim and the error, then the same.
    kill(&stage, "FetchFunction", 15, When::After);
    // The customer never wrote: nothing may be said.
    let words = stage.agent_says("Anybody there?");
    let file = AgentFile::new(bytes("screenshot.png"), "image/png").named("plan.png");
    let plan = stage.agent_sends(file, "")?;
    for sent in [&words, &plan] {
        ends_as(&stage, sent, Journey::Failed).await?;
    }
    let (photo, composed) = stage.compose(sample_named("photo.jpg"))?;
    let options = stage.standins.whatsapp.options();
    options
        .clock
        .advance(options.media_life + Duration::from_secs(1));
    stage.standins.whatsapp.send_batch(vec![composed]);
    ends_as(&stage, &photo, Journey::Lost).await?;
    let look = || async { Ok((stage.dead_letters().await? == 3).then_some(())) };
    eventually("a dead letter of each", BOUND, look).await?;
    for sent in [&words, &plan] {
        let genesys = &stage.standins.genesys;
        let receipt = genesys.wait_for_final_receipt(&sent.message, BOUND).await?;
        ensure!(receipt.status == "Failed", "{receipt:?}");
    }
    stage.quiet(BOUND).await?;
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    let calls = called(stage.run.template(), &stage.run.calls());
    stage.stop().await?;
    Ok(calls)
}

async fn ends_as(stage: &Stage, sent: &Sent, end: Journey) -> Result<()> {
    let item = stage.at_rest(sent, BOUND).await?;
    ensure!(
        item.gate.stage == end,
        "ended as {:?}: {:?}",
        item.gate.stage,
        item.record.diagnosis
    );
    Ok(())
}
