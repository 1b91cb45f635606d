//! What customers write to a number before anybody has configured it: kept, and delivered once somebody has.

use std::path::Path;

use anyhow::{Result, ensure};
use attache_e2e::eventually;
use attache_e2e::media::sample_named;
use attache_flow::intake::KEPT_UNKNOWN;
use serde_json::Value;

use super::BOUND;
use super::command::{Command, Signal};
use super::platforms::Platforms;

/// Runs the command to its end and reads its JSON document.
async fn document<const N: usize>(
    home: &Path,
    platforms: &Platforms,
    arguments: [&str; N],
) -> Result<Value> {
    let mut command = Command::in_folder(home);
    command.args(arguments);
    command.args(["--json", "--local", "data"]);
    let ended = command.with_secrets(platforms.secrets()).run(BOUND).await?;
    ensure!(ended.status.success(), "{arguments:?}: {}", ended.errors);
    Ok(serde_json::from_str(&ended.output)?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_for_a_number_nobody_configured_arrives_once_it_is() -> Result<()> {
    let home = tempfile::tempdir()?;
    let platforms = Platforms::start().await?;
    let path = home.path();
    std::fs::write(path.join("one.toml"), platforms.connections_toml())?;
    std::fs::write(path.join("both.toml"), platforms.toml_of_both_numbers())?;
    let mut command = Command::in_folder(path);
    command.args([
        "local",
        "--json",
        "--connections",
        "one.toml",
        "--data",
        "data",
    ]);
    let running = command.with_secrets(platforms.secrets()).start().await?;
    let callback = format!("{}/webhooks/front-door", running.api()?);
    platforms.whatsapp.set_callback(callback.parse()?);

    let customer = platforms
        .whatsapp
        .customer_named("4915112345678", "Jörg", 1);
    customer.send_text("Is anybody there?");
    customer.send_media(sample_named("photo.jpg"));
    let replay = |more: &'static str| document(path, &platforms, ["replay", more]);
    let look = || async {
        let foreseen = replay("--dry-run").await?;
        Ok((foreseen["sum"]["waiting"] == 2).then_some(()))
    };
    eventually("both messages kept", BOUND, look).await?;
    let in_vain = replay("--reason=too early").await?;
    ensure!(in_vain["sum"]["waiting"] == 2, "{in_vain}");
    ensure!(platforms.genesys.posts().is_empty(), "nobody is connected");

    let applied = document(path, &platforms, ["connections", "apply", "both.toml"]).await?;
    ensure!(applied["applied"] == true, "{applied}");
    let replayed = replay("--reason=the number is ours").await?;
    ensure!(
        replayed["sum"] == serde_json::json!({"carried": 2}),
        "{replayed}"
    );
    let shown = platforms.genesys.wait_for_messages(2, BOUND).await?;
    ensure!(
        shown.len() == 2 && platforms.genesys.texts() == ["Is anybody there?"],
        "the agent sees {shown:?}"
    );

    let again = replay("--reason=once more").await?;
    ensure!(again["events"] == serde_json::json!([]), "{again}");
    let ended = running.stop(Signal::Int, BOUND).await?;
    let lines = ended
        .errors
        .lines()
        .filter_map(|line| line.split_once(": "));
    let logged: Vec<Value> = lines
        .filter_map(|(_, line)| serde_json::from_str(line).ok())
        .collect();
    let alarming = logged.iter().filter(|line| line["message"] == KEPT_UNKNOWN);
    ensure!(
        alarming.count() == 2,
        "the alarm's filter finds nothing in {logged:?}"
    );
    ensure!(platforms.genesys.posts().len() == 2, "something came twice");
    let breaches = platforms.breaches();
    ensure!(breaches.is_empty(), "{breaches:?}");
    Ok(())
}
