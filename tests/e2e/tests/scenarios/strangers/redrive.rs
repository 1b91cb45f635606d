//! What a platform refused to the end is put back on its way by the command, once the platform is well again.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use attache_e2e::eventually;
use attache_e2e::media::sample_named;
use attache_platforms::faults::{Fault, Point, Times};
use serde_json::Value;

use super::BOUND;
use super::command::{Command, Signal};
use super::platforms::Platforms;

/// Runs the command about the local run; whether it succeeded, and its lines.
async fn lines(home: &Path, arguments: &[&str]) -> Result<(bool, Vec<Value>)> {
    let mut command = Command::in_folder(home);
    command.args(arguments.iter().copied());
    command.args(["--json", "--local", "data", "--reason", "it is up again"]);
    let ended = command.run(BOUND).await?;
    let lines = ended.output.lines().map(serde_json::from_str);
    let lines = lines.collect::<Result<_, _>>();
    let lines = lines.with_context(|| format!("{arguments:?}: {}", ended.errors))?;
    Ok((ended.status.success(), lines))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_given_up_arrives_once_its_cause_is_mended() -> Result<()> {
    let home = tempfile::tempdir()?;
    let path = home.path();
    let platforms = Platforms::start().await?;
    std::fs::write(path.join("one.toml"), platforms.connections_toml())?;
    let mut command = Command::in_folder(path);
    let arguments = "local --json --connections one.toml --data data";
    command.args(arguments.split(' '));
    let running = command.with_secrets(platforms.secrets()).start().await?;
    let callback = format!("{}/webhooks/front-door", running.api()?);
    platforms.whatsapp.set_callback(callback.parse()?);

    let faults = platforms.genesys.faults();
    faults.arm_at(Fault::FiveHundreds, Times(4), Point::Inbound)?;
    let customer = platforms
        .whatsapp
        .customer_named("4915112345678", "Jörg", 0);
    customer.send_media(sample_named("photo.jpg"));
    platforms.genesys.wait_for_messages(1, BOUND).await?;
    ensure!(
        platforms.genesys.texts().len() == 1,
        "the notice that it was given up"
    );

    let by_cause = |more: &'static str| async move {
        let arguments = ["redrive", "--cause", "genesys.", more];
        let used = 3 + usize::from(!more.is_empty());
        lines(path, &arguments[..used]).await
    };
    // The dead letter is laid down before the notice is sent.
    let (_, foreseen) = by_cause("--dry-run").await?;
    let [foreseen] = foreseen.as_slice() else {
        anyhow::bail!("{foreseen:?}");
    };
    ensure!(foreseen["outcome"] == "would be redriven", "{foreseen}");
    let (_, redriven) = by_cause("").await?;
    ensure!(redriven.len() == 1, "{redriven:?}");
    ensure!(redriven[0]["outcome"] == "redriven", "{redriven:?}");
    platforms.genesys.wait_for_messages(2, BOUND).await?;
    let arrived = || async {
        let files = platforms.genesys.posts().len() - platforms.genesys.texts().len();
        Ok((files == 1).then_some(()))
    };
    eventually("the file arrives", BOUND, arrived).await?;

    let (well, nothing) = by_cause("").await?;
    ensure!(well && nothing.is_empty(), "{nothing:?}");
    let id = redriven[0]["media"].as_str().context("no id")?;
    for (arguments, outcome) in [
        (["redrive", "--id", id], "left"),
        (["resolve", "--sent", id], "not open"),
    ] {
        let (well, said) = lines(path, &arguments).await?;
        ensure!(!well && said[0]["outcome"] == outcome, "{said:?}");
    }
    running.stop(Signal::Int, BOUND).await?;
    let breaches = platforms.breaches();
    ensure!(breaches.is_empty(), "{breaches:?}");
    Ok(())
}
