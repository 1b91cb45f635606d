//! Files sent from a shell: to a customer and to an agent, once for each key, and what is wrong is told in the shell alone.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use attache_e2e::media;
use serde_json::Value;

use super::BOUND;
use super::command::{Command, Ended, Signal};
use super::platforms::{CUSTOMERS, Platforms};

const NUMBER: &str = "4915112345678";
const INVOICE: &str = "Rechnung März (1).pdf";

/// Runs `attache send` about the local run.
async fn send(home: &Path, arguments: &[&str]) -> Result<Ended> {
    let mut command = Command::in_folder(home);
    command.args(["send", "--json", "--local", "data"]);
    command.args(arguments.iter().copied());
    command.run(BOUND).await
}

/// Its last line.
fn outcome(ended: &Ended) -> Result<Value> {
    let line = ended.output.lines().last();
    let line = line.with_context(|| format!("it said nothing: {}", ended.errors))?;
    serde_json::from_str(line).with_context(|| line.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_from_the_shell_arrives_once() -> Result<()> {
    let home = tempfile::tempdir()?;
    let path = home.path();
    let platforms = Platforms::start().await?;
    // Who wrote when is noted where somebody may answer.
    let back = format!("\n[[route]]\nfrom = \"agents\"\nto = \"{CUSTOMERS}\"\n");
    let toml = platforms.connections_toml() + &back;
    std::fs::write(path.join("one.toml"), toml)?;
    for name in ["photo.jpg", INVOICE, "invoice.png"] {
        std::fs::write(path.join(name), media::bytes(name))?;
    }
    let mut command = Command::in_folder(path);
    command.args("local --json --connections one.toml --data data".split(' '));
    let running = command.with_secrets(platforms.secrets()).start().await?;
    let callback = format!("{}/webhooks/front-door", running.api()?);
    platforms.whatsapp.set_callback(callback.parse()?);
    let customer = platforms.whatsapp.customer_named(NUMBER, "Jörg", 0);
    customer.send_text("Hello");
    platforms.genesys.wait_for_messages(1, BOUND).await?;

    to_the_customer(path, &platforms).await?;
    to_the_agent(path, &platforms).await?;
    what_is_wrong(path, &platforms).await?;
    running.stop(Signal::Int, BOUND).await?;
    let breaches = platforms.breaches();
    ensure!(breaches.is_empty(), "{breaches:?}");
    Ok(())
}

async fn to_the_customer(path: &Path, platforms: &Platforms) -> Result<()> {
    let to = format!("to=+{NUMBER}");
    let call = |file: &'static str, key: &'static str| {
        let to = to.clone();
        async move {
            let arguments = [file, "--to", CUSTOMERS, "--address", &to];
            let rest = ["--text", "As you asked", "--key", key];
            send(path, &[arguments.as_slice(), rest.as_slice()].concat()).await
        }
    };
    let first = call("photo.jpg", "order 7").await?;
    ensure!(first.status.success(), "{first:?}");
    let first = outcome(&first)?;
    let sent = platforms.whatsapp.sent();
    let [message] = sent.as_slice() else {
        anyhow::bail!("{sent:?}");
    };
    ensure!(first["message"] == message.id.as_str(), "{first}");
    ensure!(
        message.body["image"]["id"] == first["attachment"],
        "{first}"
    );
    ensure!(
        message.body["image"]["caption"] == "As you asked",
        "{message:?}"
    );
    ensure!(message.body["to"] == NUMBER, "{message:?}");

    let again = outcome(&call("photo.jpg", "order 7").await?)?;
    for key in ["media", "attachment", "message"] {
        ensure!(again[key] == first[key], "{again} is not {first}");
    }
    ensure!(platforms.whatsapp.sent().len() == 1, "sent again");
    let other = call(INVOICE, "order 7").await?;
    ensure!(!other.status.success(), "{other:?}");
    ensure!(
        other
            .errors
            .contains("something else was sent under key order 7"),
        "{other:?}"
    );

    // The same bytes under another key: another message, with what the platform has already.
    let second = outcome(&call("photo.jpg", "order 8").await?)?;
    ensure!(second["attachment"] == first["attachment"], "{second}");
    ensure!(second["message"] != first["message"], "{second}");
    Ok(())
}

async fn to_the_agent(path: &Path, platforms: &Platforms) -> Result<()> {
    let from = format!("from={NUMBER}");
    let arguments = [INVOICE, "--to", "agents", "--address", &from];
    let ended = send(
        path,
        &[&arguments[..], &["--address", "nickname=Jörg"]].concat(),
    )
    .await?;
    ensure!(ended.status.success(), "{ended:?}");
    let shown = platforms.genesys.wait_for_messages(2, BOUND).await?;
    let file = shown.iter().find(|message| !message.attachments.is_empty());
    let file = file.context("the agent sees no file")?;
    let bytes = file.attachments[0].bytes().context("not fetched")?;
    ensure!(*bytes == media::bytes(INVOICE), "other bytes");
    ensure!(outcome(&ended)?["state"] == "sent", "{ended:?}");
    Ok(())
}

async fn what_is_wrong(path: &Path, platforms: &Platforms) -> Result<()> {
    let to = format!("to={NUMBER}");
    let stranger = "to=4915100000000";
    let told = platforms.genesys.posts().len();
    for (file, connection, address, expected) in [
        (
            "invoice.png",
            CUSTOMERS,
            to.as_str(),
            "\"state\":\"quarantined\"",
        ),
        ("photo.jpg", CUSTOMERS, stranger, "window-closed"),
        (
            "photo.jpg",
            "nobody",
            &to,
            "has no connection nobody; it has agents, customers",
        ),
        ("photo.jpg", "agents", &to, "--address to=… is unknown"),
        ("none.jpg", CUSTOMERS, &to, "none.jpg cannot be opened"),
    ] {
        let ended = send(path, &[file, "--to", connection, "--address", address]).await?;
        ensure!(ended.status.code() == Some(1), "{ended:?}");
        let said = format!("{}{}", ended.output, ended.errors);
        ensure!(said.contains(expected), "no {expected} in {said}");
    }
    ensure!(platforms.genesys.posts().len() == told, "others were told");
    Ok(())
}
