//! The same on the way to a customer, where nothing may be sent twice: whatever dies where, the customer has the message once,
//! or has nothing and the agent is told that nobody knows.

use anyhow::{Result, ensure};
use attache_domain::journey::Stage as Journey;
use attache_e2e::media::bytes;
use attache_e2e::{Sent, Stage};
use attache_local::iam::{Act, KillPoint, When};
use attache_platforms::genesys::AgentFile;
use attache_platforms::whatsapp::Say;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{AT_ONCE, BOUND, changes, setup, undisturbed};

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// An agent's file with a text.
    File,
    /// An agent's file that WhatsApp does not take as it is.
    Moving,
    /// An agent's text.
    Text,
}

/// One function at one message.
const CASES: [(&str, What); 6] = [
    ("IntakeFunction", What::File),
    ("ValidateFunction", What::File),
    ("UploadFunction", What::File),
    ("ConvertFunction", What::Moving),
    ("IntakeFunction", What::Text),
    ("TextFunction", What::Text),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_gets_nothing_twice_whatever_dies() -> Result<()> {
    let effects: Vec<u64> = stream::iter(CASES)
        .map(|(function, what)| effects(function, what))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let points = CASES.into_iter().zip(effects).flat_map(|(case, effects)| {
        assert!(effects > 0, "{case:?} has no side effect");
        (1..=effects).flat_map(move |nth| [When::Before, When::After].map(|when| (case, nth, when)))
    });
    let killed = stream::iter(points)
        .map(|((function, what), nth, when)| killed_at(function, what, nth, when));
    let killed: Vec<Killed> = killed.buffered(AT_ONCE).try_collect().await?;
    for killed in &killed {
        println!("{}", killed.line);
    }
    for case in CASES {
        let of_case = || killed.iter().filter(|killed| killed.case == case);
        let reached = of_case().filter(|killed| killed.reached).count();
        ensure!(
            reached * 2 > of_case().count(),
            "{case:?}: only {reached} points were reached"
        );
    }
    Ok(())
}

/// What came of one point.
struct Killed {
    case: (&'static str, What),
    reached: bool,
    line: String,
}

pub(super) async fn send(stage: &Stage, what: What) -> Result<Sent> {
    match what {
        What::Text => Ok(stage.agent_says("Tomorrow at nine")),
        What::Moving => {
            let file = AgentFile::new(bytes("anim.gif"), "image/gif").named("plan.gif");
            stage.agent_sends(file, "The plan")
        }
        What::File => {
            let file = AgentFile::new(bytes("screenshot.png"), "image/png").named("plan.png");
            stage.agent_sends(file, "The plan")
        }
    }
}

/// A stage whose customer has written.
pub(super) async fn opened(setup: attache_e2e::Setup) -> Result<Stage> {
    let stage = Stage::start(setup).await?;
    let hello = stage.says(Say::Text("Hello".to_owned()));
    stage.at_rest(&hello, BOUND).await?;
    stage.quiet(BOUND).await?;
    Ok(stage)
}

/// How many side effects the message causes in the function when nothing goes wrong.
pub(super) async fn effects(function: &str, what: What) -> Result<u64> {
    let stage = opened(undisturbed()).await?;
    let before = changes(&stage.run.calls(), function);
    let sent = send(&stage, what).await?;
    let copies = outcome(&stage, &sent).await?;
    ensure!(copies == 1, "{what:?} arrived {copies} times");
    let effects = changes(&stage.run.calls(), function) - before;
    stage.stop().await?;
    Ok(effects)
}

/// One point. How many effects there are differs from run to run: statuses race each other and the answer, a
/// reservation meets another. So a point that is not reached must be one that this run had not.
async fn killed_at(function: &'static str, what: What, nth: u64, when: When) -> Result<Killed> {
    let name = format!("{function:<17} {what:?} {nth:>3} {when:?}");
    let play = async {
        let stage = opened(setup()).await?;
        let before = changes(&stage.run.calls(), function);
        let armed = stage.run.arm(KillPoint {
            function: function.to_owned(),
            act: Act::Kill,
            nth_effect: nth,
            when,
        });
        let sent = send(&stage, what).await?;
        let copies = outcome(&stage, &sent).await?;
        let (reached, made) = (
            armed.fired(),
            changes(&stage.run.calls(), function) - before,
        );
        ensure!(
            reached || made < nth,
            "never reached, though there were {made} effects"
        );
        stage.stop().await?;
        let end = if reached {
            format!("{copies} at the customer")
        } else {
            format!("not reached, {made} effects in this run")
        };
        anyhow::Ok(Killed {
            case: (function, what),
            reached,
            line: format!("{name}: {end}"),
        })
    };
    play.await
        .map_err(|error: anyhow::Error| error.context(format!("at {name}")))
}

/// Waits for the end; how many copies the customer has.
pub(super) async fn outcome(stage: &Stage, sent: &Sent) -> Result<usize> {
    let ended = || async {
        let item = stage.item(sent).await?;
        let ends = [Journey::Delivered, Journey::Unconfirmed];
        Ok(item.filter(|item| ends.contains(&item.gate.stage)))
    };
    let item = match attache_e2e::eventually("delivered or unconfirmed", BOUND, ended).await {
        Ok(item) => item,
        Err(error) => {
            let item = stage.item(sent).await?;
            let log = stage.log.containing(sent.id.as_str()).join("\n");
            return Err(error.context(format!("{item:?}\n{log}")));
        }
    };
    stage.quiet(BOUND).await?;
    let copies = stage.standins.whatsapp.sent().len();
    if item.gate.stage == Journey::Delivered {
        ensure!(
            copies == 1,
            "delivered, and the customer has {copies} copies"
        );
        let receipt = stage
            .standins
            .genesys
            .wait_for_final_receipt(&sent.message, BOUND)
            .await?;
        ensure!(receipt.status == "Delivered", "{receipt:?}");
    } else {
        ensure!(
            copies == 0,
            "unconfirmed, though the customer has {copies} copies and their status came"
        );
        let told = || async {
            let texts = stage.standins.genesys.texts();
            Ok(texts
                .into_iter()
                .find(|text| text.contains("not known whether")))
        };
        attache_e2e::eventually("the notice", BOUND, told).await?;
    }
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    Ok(copies)
}
