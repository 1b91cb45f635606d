//! The command as a stranger runs it: from a folder of their own, with platforms of their own, without anything of AWS or
//! cargo around, until they stop it.

mod command;
mod conversations;
mod platforms;
mod redrive;
mod replay;
mod send;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attache_domain::ids::{AttachmentId, ConnectionId, MediaId, MessageId};
use attache_domain::journey::{Item, Stage as Journey};
use attache_domain::verdict::Verdict;
use attache_e2e::eventually;
use attache_e2e::media::sample_named;
use attache_edge::dynamodb::ItemsTable;
use attache_flow::ports::Items as _;
use attache_local::Clients;
use attache_local::iam::OPERATOR;
use attache_local::template::physical;
use attache_operator::site::STAGE;
use attache_platforms::whatsapp::MediaFile;

use command::{Command, Running, Signal};
use platforms::{CUSTOMERS, Platforms};

const BOUND: Duration = Duration::from_secs(60);

/// Sends a file through a run that is up; returns its item's id.
fn send(platforms: &Platforms, running: &Running, file: MediaFile) -> Result<MediaId> {
    platforms
        .whatsapp
        .set_callback(format!("{}/webhooks/front-door", running.api()?).parse()?);
    let message = platforms.whatsapp.customer().send_media(file);
    let medium = platforms.whatsapp.medium(&message).context("no medium")?;
    let (message, attachment) = (
        MessageId::new(message.as_str()),
        AttachmentId::new(medium.id),
    );
    Ok(MediaId::derive(
        &ConnectionId::new(CUSTOMERS),
        &message,
        &attachment,
    ))
}

/// Waits until the row of an item passes.
async fn row(running: &Running, id: &MediaId, passes: impl Fn(&Item) -> bool) -> Result<Item> {
    let clients = Clients::new(&running.endpoints()?, OPERATOR);
    let items = ItemsTable::new(clients.dynamodb, physical(STAGE, "MediaTable"));
    let look = || async { Ok(items.load(id).await?.filter(&passes)) };
    eventually(&format!("item {id} in the expected state"), BOUND, look).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_runs_stops_and_finds_everything_again() -> Result<()> {
    let home = tempfile::Builder::new()
        .prefix("a path with spaces ")
        .tempdir()?;
    let platforms = Platforms::start().await?;
    let connections = home.path().join("my connections.toml");
    std::fs::write(&connections, platforms.connections_toml())?;
    let command = || {
        let mut command = Command::in_folder(home.path());
        command.args([
            "local",
            "--json",
            "--connections",
            "my connections.toml",
            "--data",
            "my data",
        ]);
        command.with_secrets(platforms.secrets())
    };

    let running = command().start().await?;
    let sent = send(&platforms, &running, sample_named("photo.jpg"))?;
    let held = send(&platforms, &running, sample_named("truncated.pdf"))?;
    row(&running, &sent, |item| item.gate.stage == Journey::Sent).await?;
    let before = row(&running, &held, |item| item.gate.verdict == Verdict::Held).await?;
    stopped_cleanly(running, Signal::Int).await?;

    let running = command().start().await?;
    let after = row(&running, &held, |_| true).await?;
    ensure!(after == before, "kept differently: {after:#?}");
    row(&running, &sent, |item| item.gate.stage == Journey::Sent).await?;
    let another = send(&platforms, &running, sample_named("voice.ogg"))?;
    row(&running, &another, |item| item.gate.stage == Journey::Sent).await?;
    stopped_cleanly(running, Signal::Term).await?;

    // Two files, and a notice in the place of the third.
    let shown = platforms.genesys.wait_for_messages(3, BOUND).await?;
    let files = shown
        .iter()
        .filter(|message| !message.attachments.is_empty());
    ensure!(
        shown.len() == 3 && files.count() == 2 && platforms.genesys.posts().len() == 3,
        "the agent sees {} messages",
        shown.len()
    );
    ensure!(
        platforms.breaches().is_empty(),
        "{:?}",
        platforms.breaches()
    );
    Ok(())
}

async fn stopped_cleanly(running: Running, signal: Signal) -> Result<()> {
    let functions = running.children()?;
    ensure!(
        functions.len() >= 4,
        "only {} function processes ran",
        functions.len()
    );
    let ended = running.stop(signal, BOUND).await?;
    ensure!(
        ended.status.code() == Some(0),
        "{signal:?} ended it with {}: {}",
        ended.status,
        ended.errors
    );
    ensure!(!ended.errors.contains("panicked"), "{}", ended.errors);
    let look = || async {
        Ok((!functions.iter().any(|process| command::is_alive(*process))).then_some(()))
    };
    eventually("no function outlives the run", BOUND, look).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_are_told_with_file_and_line_before_anything_starts() -> Result<()> {
    let home = tempfile::Builder::new()
        .prefix("a path with spaces ")
        .tempdir()?;
    let platforms = Platforms::start().await?;
    let right = platforms.connections_toml();
    let line_of = |text: &str| {
        right
            .lines()
            .position(|line| line.contains(text))
            .map_or(0, |line| line + 1)
    };
    for (what, text, secrets, expected) in [
        (
            "no TOML",
            "[[endpoint]\n".to_owned(),
            true,
            vec!["mine.toml", "line 1"],
        ),
        (
            "an unknown key",
            right.replace("phone_number_id", "phone"),
            true,
            vec!["mine.toml", "line", "unknown field `phone`"],
        ),
        (
            "a route to nowhere",
            right.replace("to = \"agents\"", "to = \"nowhere\""),
            true,
            vec![
                &*format!("mine.toml:{}: ", line_of("[[route]]")),
                "connection \"nowhere\" is not configured",
            ],
        ),
        (
            "plain HTTP without leave",
            right.replace("local = true", "local = false"),
            true,
            vec![
                &*format!("mine.toml:{}: ", line_of("[[connection]]")),
                "plain http needs `local = true`",
            ],
        ),
        (
            "a secret that is not there",
            right.clone(),
            false,
            vec!["MY_APP_SECRET", "is not set"],
        ),
    ] {
        std::fs::write(home.path().join("mine.toml"), text)?;
        let mut command = Command::in_folder(home.path());
        command.args(["local", "--json", "--connections", "mine.toml"]);
        let command = if secrets {
            command.with_secrets(platforms.secrets())
        } else {
            command
        };
        let ended = command.run(BOUND).await?;
        ensure!(
            ended.status.code().is_some_and(|code| code != 0),
            "{what}: {}",
            ended.status
        );
        ensure!(
            ended.output.is_empty(),
            "{what}: something was started: {}",
            ended.output
        );
        for expected in expected {
            ensure!(
                ended.errors.contains(expected),
                "{what}: no {expected:?} in:\n{}",
                ended.errors
            );
        }
    }
    Ok(())
}
