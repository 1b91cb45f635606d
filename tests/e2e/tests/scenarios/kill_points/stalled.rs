//! `stalled-holder-sends-late`: a process stands still behind one of its side effects, for so long that others carry on, and wakes.
//! It sends nothing that they sent, and nothing that somebody was told is not known.

use anyhow::{Result, ensure};
use attache_e2e::{Sent, Stage, eventually};
use attache_local::iam::{Act, Armed, KillPoint, When};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::to_customer::{self, What, opened};
use super::{AT_ONCE, BOUND, Case, End, IN_TWO_STEPS, outcome, setup};

/// Towards the agent, in one call and in two steps.
const TO_AGENT: [Case; 2] = [
    Case {
        in_two_steps: false,
        ..IN_TWO_STEPS
    },
    IN_TWO_STEPS,
];

/// Towards the customer.
const TO_CUSTOMER: [(&str, What); 2] =
    [("UploadFunction", What::File), ("TextFunction", What::Text)];

fn freeze(stage: &Stage, function: &str, nth_effect: u64) -> Armed {
    stage.run.arm(KillPoint {
        function: function.to_owned(),
        act: Act::Freeze,
        nth_effect,
        when: When::After,
    })
}

/// Waits until the function stands still, and lets its lease be over; `false`: it had not so many effects this time.
async fn stands_still(stage: &Stage, sent: &Sent, armed: &Armed) -> Result<bool> {
    let stands = || async {
        let item = stage.item(sent).await?;
        let over = item.is_some_and(|item| item.gate.stage.is_over()) && !stage.is_working();
        Ok((armed.fired() || over).then_some(()))
    };
    eventually("a function that stands still", BOUND, stands).await?;
    if armed.fired() {
        // An intent is over by itself, in seconds.
        let item = stage.item(sent).await?;
        if item.is_some_and(|item| item.gate.intent_until.is_none()) {
            stage.end_lease(sent).await?;
        }
    }
    Ok(armed.fired())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_that_wakes_late_sends_nothing_to_an_agent() -> Result<()> {
    let effects: Vec<u64> = stream::iter(TO_AGENT)
        .map(super::effects)
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let points = TO_AGENT.into_iter().zip(effects);
    let points = points.flat_map(|(case, effects)| (1..=effects).map(move |nth| (case, nth)));
    let plays = stream::iter(points).map(|(case, nth)| async move {
        let play = stalled_to_agent(case, nth).await;
        play.map_err(|error| error.context(format!("{case:?}, behind effect {nth}")))
    });
    let lines: Vec<String> = plays.buffered(AT_ONCE).try_collect().await?;
    println!("{}", lines.join("\n"));
    Ok(())
}

async fn stalled_to_agent(case: Case, nth: u64) -> Result<String> {
    let stage = case.stage(setup()).await?;
    let armed = freeze(&stage, case.function, nth);
    let sent = case.send(&stage)?;
    let reached = stands_still(&stage, &sent, &armed).await?;
    let item = stage.at_rest(&sent, BOUND).await?;
    stage.standins.genesys.wait_for_messages(1, BOUND).await?;
    let posts = stage.standins.genesys.posts().len();
    let woken = stage.run.thaw_function(case.function);
    ensure!((woken > 0) == reached, "{woken} processes woke");
    let ended = outcome(&stage, &sent, End::Sent).await?;
    ensure!(ended.posts == posts, "{posts} posts, then {}", ended.posts);
    stage.stop().await?;
    Ok(format!(
        "two steps: {:<5}  behind effect {nth:>2}  {:?}, {posts} posts, {} sweeps, {} repeats",
        case.in_two_steps, item.gate.stage, ended.sweeps, ended.repeats
    ))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_that_wakes_late_sends_nothing_to_a_customer() -> Result<()> {
    let effects: Vec<u64> = stream::iter(TO_CUSTOMER)
        .map(|(function, what)| to_customer::effects(function, what))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let points = TO_CUSTOMER.into_iter().zip(effects);
    let points = points.flat_map(|(case, effects)| (1..=effects).map(move |nth| (case, nth)));
    let plays = stream::iter(points).map(|(case, nth)| async move {
        let play = stalled_to_customer(case, nth).await;
        play.map_err(|error| error.context(format!("{case:?}, behind effect {nth}")))
    });
    let plays: Vec<(String, bool)> = plays.buffered(AT_ONCE).try_collect().await?;
    for (line, _) in &plays {
        println!("{line}");
    }
    let unknown = plays.iter().filter(|(_, unknown)| *unknown).count();
    ensure!(unknown >= TO_CUSTOMER.len(), "nobody held an intent");
    Ok(())
}

/// What came of it, and whether it is not known what became of the message.
async fn stalled_to_customer((function, what): (&str, What), nth: u64) -> Result<(String, bool)> {
    let stage = opened(setup()).await?;
    let armed = freeze(&stage, function, nth);
    let sent = to_customer::send(&stage, what).await?;
    let reached = stands_still(&stage, &sent, &armed).await?;
    let ends = |item: &attache_domain::journey::Item| {
        use attache_domain::journey::Stage::{Delivered, Unconfirmed};
        [Delivered, Unconfirmed].contains(&item.gate.stage)
    };
    let look = || async { Ok(stage.item(&sent).await?.filter(ends)) };
    let item = eventually("delivered or unconfirmed", BOUND, look).await?;
    let before = stage.standins.whatsapp.sent().len();
    let woken = stage.run.thaw_function(function);
    ensure!((woken > 0) == reached, "{woken} processes woke");
    let copies = to_customer::outcome(&stage, &sent).await?;
    ensure!(copies == before, "{before} copies, then {copies}");
    stage.stop().await?;
    let line = format!(
        "{function:<15} {what:?}  behind effect {nth:>2}  {:?}, {copies} at the customer",
        item.gate.stage
    );
    Ok((line, copies == 0))
}
