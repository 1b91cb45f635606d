//! kill -9 of the real processes before and after every side effect, and in the middle of a platform's call.
//!
//! How many effects one file causes in a function is found out by a dry run; that no effect was overlooked is shown by a
//! point beyond the last one, which must not be reached. Every point has a stage of its own: nothing another point left
//! behind can make it pass.

mod outcome;
mod platforms;
mod recovery;
mod stalled;
mod to_customer;

use std::time::Duration;

use anyhow::{Result, ensure};
use attache_e2e::media::{long_note, sample_named};
use attache_e2e::{Rows, Sent, Setup, Stage, eventually};
use attache_local::iam::{Act, CallCount, KillPoint, When};
use attache_platforms::faults::{Aim, Fault, Point, Times};
use attache_platforms::genesys::{Duplicates, GenesysOptions};
use attache_platforms::whatsapp::{RetryPlan, WhatsAppOptions};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::two_steps;
use outcome::{End, Outcome, outcome};

/// How long a file may take to come home, recovery included. Reached only by what is lost.
const BOUND: Duration = Duration::from_secs(150);

/// Stages at once. They mostly wait for leases to end.
const AT_ONCE: usize = 6;

/// WhatsApp repeats a webhook soon, and Genesys shows a message id once: what a function does again is counted at the
/// door, in [`attache_platforms::genesys::Genesys::posts`].
fn setup() -> Setup {
    let whatsapp = WhatsAppOptions::default();
    Setup {
        whatsapp: WhatsAppOptions {
            retries: RetryPlan {
                first: Duration::from_secs(1),
                ..whatsapp.retries
            },
            ..whatsapp
        },
        genesys: GenesysOptions {
            duplicates: Duplicates::Suppressed,
            ..GenesysOptions::default()
        },
        ..Setup::default()
    }
}

/// Nobody dies here, so nobody is to come to the rescue, however slow the machine is.
fn undisturbed() -> Setup {
    Setup {
        parameters: vec![("LeaseSeconds", "120"), ("SendPatienceSeconds", "45")],
        ..setup()
    }
}

/// One function at one file.
#[derive(Clone, Copy, Debug)]
struct Case {
    function: &'static str,
    sample: &'static str,
    /// Whether it goes to web messaging, in two steps.
    in_two_steps: bool,
    /// How often its download breaks off: a long file comes in parts then.
    breaks: u32,
    end: End,
}

impl Case {
    /// A stage for it.
    async fn stage(self, setup: Setup) -> Result<Stage> {
        let rows = self.in_two_steps.then_some(two_steps::rows as Rows);
        Stage::start(Setup { rows, ..setup }).await
    }

    /// Has the file sent.
    fn send(&self, stage: &Stage) -> Result<Sent> {
        let file = match self.sample {
            LONG => long_note(),
            name => sample_named(name),
        };
        let (sent, composed) = stage.compose(file)?;
        let aim = Aim {
            times: Times(self.breaks),
            point: Some(Point::Download),
            subject: Some(sent.message.as_str()),
            ..Aim::default()
        };
        let whatsapp = &stage.standins.whatsapp;
        drop(whatsapp.faults().arm_aimed(Fault::TruncatedBody, aim)?);
        whatsapp.send_batch(vec![composed]);
        Ok(sent)
    }
}

/// The file of three parts.
const LONG: &str = "long-note";

const CASES: [Case; 7] = [
    Case {
        function: "IntakeFunction",
        sample: "photo.jpg",
        in_two_steps: false,
        breaks: 0,
        end: End::Sent,
    },
    Case {
        function: "FetchFunction",
        sample: "photo.jpg",
        in_two_steps: false,
        breaks: 0,
        end: End::Sent,
    },
    Case {
        function: "FetchFunction",
        sample: LONG,
        in_two_steps: false,
        breaks: 2,
        end: End::Sent,
    },
    Case {
        function: "ValidateFunction",
        sample: "photo.jpg",
        in_two_steps: false,
        breaks: 0,
        end: End::Sent,
    },
    Case {
        function: "ValidateFunction",
        sample: "invoice.png",
        in_two_steps: false,
        breaks: 0,
        end: End::Quarantined,
    },
    Case {
        function: "UploadFunction",
        sample: "photo.jpg",
        in_two_steps: false,
        breaks: 0,
        end: End::Sent,
    },
    IN_TWO_STEPS,
];

/// Where to → written down → the bytes → has it got them? → the intent → the call → recorded.
const IN_TWO_STEPS: Case = Case {
    function: "UploadFunction",
    sample: "photo.jpg",
    in_two_steps: true,
    breaks: 0,
    end: End::Sent,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_survives_a_kill_at_every_side_effect() -> Result<()> {
    let effects: Vec<u64> = stream::iter(CASES)
        .map(effects)
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let points = CASES.into_iter().zip(effects).flat_map(|(case, effects)| {
        assert!(effects > 0, "{case:?} has no side effect");
        let of_effect =
            move |nth| [When::Before, When::After].map(|when| (case, nth, when, nth <= effects));
        // The one beyond the last is never reached.
        (1..=effects + 1).flat_map(of_effect)
    });
    let killed =
        stream::iter(points).map(|(case, nth, when, reached)| killed_at(case, nth, when, reached));
    let mut lines: Vec<String> = killed.buffered(AT_ONCE).try_collect().await?;
    lines.insert(
        0,
        format!(
            "{:<17} {:<12} {:>6} {:<7} {:>6} {:>7} {:>6}  ended",
            "function", "file", "effect", "killed", "sweeps", "repeats", "posts"
        ),
    );
    println!("{}", lines.join("\n"));
    Ok(())
}

/// How many side effects one file causes in a function when nothing goes wrong.
async fn effects(case: Case) -> Result<u64> {
    let stage = case.stage(undisturbed()).await?;
    let before = changes(&stage.run.calls(), case.function);
    let sent = case.send(&stage)?;
    outcome(&stage, &sent, case.end).await?;
    let effects = changes(&stage.run.calls(), case.function) - before;
    stage.stop().await?;
    Ok(effects)
}

/// Calls of a function that may change something, by their actions.
fn changes(calls: &[CallCount], function: &str) -> u64 {
    let reads = ["Get", "List", "Query", "Scan", "Decrypt", "GenerateDataKey"];
    let changes = |call: &&CallCount| {
        let verb = call.action.split(':').nth(1).unwrap_or_default();
        call.principal == function && !reads.iter().any(|read| verb.starts_with(read))
    };
    calls.iter().filter(changes).map(|call| call.allowed).sum()
}

/// One point; `reached` says whether the function comes that far.
async fn killed_at(case: Case, nth: u64, when: When, reached: bool) -> Result<String> {
    let name = format!(
        "{:<17} {:<12} {nth:>6} {:<7}",
        case.function,
        if case.in_two_steps {
            "in two steps"
        } else {
            case.sample
        },
        format!("{when:?}")
    );
    let play = async {
        let setup = if reached { setup() } else { undisturbed() };
        let stage = case.stage(setup).await?;
        let function = case.function.to_owned();
        let armed = stage.run.arm(KillPoint {
            function,
            act: Act::Kill,
            nth_effect: nth,
            when,
        });
        let sent = case.send(&stage)?;
        let died = || async { Ok((stage.run.invocations(case.function).failed > 0).then_some(())) };
        if reached && case.in_two_steps {
            // Two minutes, for the bytes.
            eventually("the kill", BOUND, died).await?;
            stage.end_lease(&sent).await?;
        }
        let Outcome {
            sweeps,
            repeats,
            posts,
        } = outcome(&stage, &sent, case.end).await?;
        ensure!(
            armed.fired() == reached,
            "reached: {}, expected {reached}",
            armed.fired()
        );
        if reached {
            // The file may be home before the death of the process is noticed.
            eventually("the death", BOUND, died).await?;
        } else {
            let failed = stage.run.invocations(case.function).failed;
            ensure!(failed == 0, "{failed} invocations died");
        }
        stage.stop().await?;
        let end = if reached {
            format!("{:?}", case.end)
        } else {
            "never reached".to_owned()
        };
        anyhow::Ok(format!("{name} {sweeps:>6} {repeats:>7} {posts:>6}  {end}"))
    };
    play.await
        .map_err(|error| error.context(format!("at {name}")))
}
