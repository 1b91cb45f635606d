//! Kills of those who bring the others home: the refresher with a renewal in its hands, the sweeper with an item.

use anyhow::{Result, ensure};
use attache_e2e::media::sample_named;
use attache_e2e::{Setup, Stage};
use attache_local::iam::{Act, KillPoint, When};

use super::outcome::{End, outcome};
use super::setup;

fn point(function: &str, nth_effect: u64, when: When) -> KillPoint {
    KillPoint {
        function: function.to_owned(),
        act: Act::Kill,
        nth_effect,
        when,
    }
}

/// The lease is written and the new token is not: the first run after the lease is over, 30 seconds later, renews. The
/// upload asks less and less often and finds the new token about a minute after it was first refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresher_killed_between_lease_and_token_holds_nobody_up_for_good() -> Result<()> {
    let parameters = vec![("RefreshSchedule", "rate(10 seconds)")];
    let stage = Stage::start(Setup {
        parameters,
        ..setup()
    })
    .await?;
    let issued = stage.standins.genesys.tokens_issued();
    stage.standins.genesys.revoke_tokens();
    let armed = stage.run.arm(point("RefreshFunction", 1, When::After));
    let sent = stage.send(sample_named("photo.jpg"))?;
    let outcome = outcome(&stage, &sent, End::Sent).await?;
    ensure!(armed.fired(), "refresh was not killed");
    ensure!(
        stage.run.invocations("RefreshFunction").failed > 0,
        "no refresher died"
    );
    ensure!(
        stage.standins.genesys.tokens_issued() == issued + 1,
        "renewals overlapped"
    );
    ensure!(outcome.posts == 1, "{outcome:?}");
    stage.stop().await
}

/// Fetch dies with the item, then sweep dies with it: before its first write the next sweep finds everything as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweeper_killed_with_an_item_in_its_hands_is_followed_by_another() -> Result<()> {
    let stage = Stage::start(setup()).await?;
    let fetch = stage.run.arm(point("FetchFunction", 1, When::After));
    let sweep = stage.run.arm(point("SweepFunction", 1, When::Before));
    let sent = stage.send(sample_named("photo.jpg"))?;
    let outcome = outcome(&stage, &sent, End::Sent).await?;
    ensure!(
        fetch.fired() && sweep.fired(),
        "fetch {}, sweep {}",
        fetch.fired(),
        sweep.fired()
    );
    ensure!(outcome.sweeps > 0, "{outcome:?}");
    stage.stop().await
}
