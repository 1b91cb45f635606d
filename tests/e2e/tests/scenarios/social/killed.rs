//! kill -9 in the middle of a page's work, both ways.

use anyhow::{Context, Result, ensure};
use attache_domain::journey::Stage as Journey;
use attache_e2e::media::bytes;
use attache_e2e::{Stage, eventually};
use attache_local::iam::{Act, KillPoint, When};
use attache_operator::standins::Social;
use attache_platforms::faults::{Fault, Point, Times};
use attache_platforms::genesys::{AgentFile, Duplicates, GenesysOptions};
use attache_platforms::messenger::{File, MessengerOptions, Say};
use attache_platforms::whatsapp::RetryPlan;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{BOUND, arrived, desk, setup};

/// Effects of one file's way to a customer: reservation, upload, its id, intent, call, record. Later ones are statuses.
const EFFECTS: u64 = 4;

/// Stages at once. They mostly wait.
const AT_ONCE: usize = 4;

/// Meta repeats a webhook soon, and Genesys shows a message id once.
fn impatient() -> attache_e2e::Setup {
    let messenger = MessengerOptions::default();
    attache_e2e::Setup {
        genesys: GenesysOptions {
            duplicates: Duplicates::Suppressed,
            ..GenesysOptions::default()
        },
        ..setup(MessengerOptions {
            retries: RetryPlan {
                first: std::time::Duration::from_secs(1),
                ..messenger.retries
            },
            ..messenger
        })
    }
}

/// The webhook's files are half here when the process that fetches them dies: Meta hears nothing, and says it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_while_files_are_fetched_loses_none_of_them() -> Result<()> {
    let stage = Stage::start(impatient()).await?;
    let faults = stage.standins.messenger.faults();
    for social in Social::ALL {
        let held = faults.arm_at(Fault::Stall, Times(1), Point::Download)?;
        let files = vec![
            File::new(bytes("photo-1mb.jpg"), "image/jpeg"),
            File::new(bytes("screenshot.png"), "image/png"),
        ];
        let given: Vec<_> = files.iter().map(|file| file.bytes.clone()).collect();
        let sent = stage.social_files(social, files, None);
        faults.wait_until_held(BOUND).await?;
        let killed = stage.run.kill_function("IntakeFunction");
        ensure!(killed > 0, "nobody was at it");
        faults.release();
        arrived(&stage, &sent).await?;
        stage.quiet(BOUND).await?;
        let files = desk(&stage, social).into_iter();
        let files: Vec<_> = files.flat_map(|message| message.attachments).collect();
        ensure!(files.len() == given.len(), "{social:?}: {files:?}");
        for (file, bytes) in files.iter().zip(&given) {
            ensure!(
                file.bytes() == Some(bytes),
                "another file, or another order"
            );
        }
        ensure!(held.fired() == 1, "{}", held.fired());
    }
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    stage.stop().await
}

/// Whatever dies where, the customer has the file once, or has nothing and the agent is told that nobody knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_gets_a_file_at_most_once_whenever_its_upload_dies() -> Result<()> {
    let points = (1..=EFFECTS).flat_map(|nth| [When::Before, When::After].map(|when| (nth, when)));
    let killed = stream::iter(points).map(|(nth, when)| async move {
        let killed = killed_at(nth, when).await;
        killed.with_context(|| format!("{nth} {when:?}"))
    });
    let killed: Vec<bool> = killed.buffered(AT_ONCE).try_collect().await?;
    let reached = killed.into_iter().filter(|reached| *reached).count();
    ensure!(reached > 4, "only {reached} points were reached");
    Ok(())
}

async fn killed_at(nth: u64, when: When) -> Result<bool> {
    let social = Social::MESSENGER;
    let stage = Stage::start(impatient()).await?;
    let hello = stage.social_says(social, Say::Text("Hello".to_owned()));
    stage.at_rest(&hello, BOUND).await?;
    stage.quiet(BOUND).await?;
    let armed = stage.run.arm(KillPoint {
        function: "UploadFunction".to_owned(),
        act: Act::Kill,
        nth_effect: nth,
        when,
    });
    let file = AgentFile::new(bytes("screenshot.png"), "image/png").named("plan.png");
    let sent = stage.agent_hands(social, file, "")?;
    let end = || async {
        let item = stage.item(&sent).await?;
        let ends = [Journey::Delivered, Journey::Unconfirmed];
        Ok(item.filter(|item| ends.contains(&item.gate.stage)))
    };
    let died = || async {
        let died = stage.run.invocations("UploadFunction").failed > 0;
        Ok((died || end().await?.is_some()).then_some(died))
    };
    if eventually("the kill, or the end", BOUND, died).await? {
        // Two minutes, for the bytes.
        stage.end_lease(&sent).await?;
    }
    let item = eventually("delivered or unconfirmed", BOUND, end).await?;
    stage.quiet(BOUND).await?;
    let copies = stage.standins.messenger.sent().len();
    let expected = usize::from(item.gate.stage == Journey::Delivered);
    ensure!(copies == expected, "{:?}, {copies} copies", item.gate.stage);
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    stage.stop().await?;
    Ok(armed.fired())
}
