//! `attache webhooks`: platforms are told where we are, once.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::home::Scene;
use super::system::{callback, running};

/// Adds a channel of web messaging, with its endpoint.
fn with_events(scene: &mut Scene) {
    let (api, login) = (scene.genesys.api_url(), scene.genesys.login_url());
    let client = &scene.genesys.options().client_id;
    let further = format!(
        r#"
[[endpoint]]
id = "events"
profile = "genesys-web-messaging"
secrets = [{{ env = "WEBHOOK_SECRET" }}]

[[connection]]
id = "web"
profile = "genesys-web-messaging"
endpoint = "events"
local = true
api_url = "{api}"
login_url = "{login}"
channel_id = "7d3a0c11"
client_id = "{client}"
client_secret = {{ env = "CLIENT_SECRET" }}
"#
    );
    scene.file.push_str(&further);
}

/// Runs a verb that has to succeed; its document.
async fn done(scene: &Scene, arguments: &str) -> Result<Value> {
    let command = format!("webhooks {arguments} --local --json");
    let (is_success, output, errors) = scene.home.attache(&command).await?;
    ensure!(is_success, "`{command}`: {output}{errors}");
    serde_json::from_str(&output).with_context(|| format!("`{command}`: {output}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn platforms_are_told_once_and_doctor_agrees() -> Result<()> {
    let mut scene = Scene::new(|_| {}).await?;
    with_events(&mut scene);
    let running = running(&scene).await?;
    let api = running.ready["api"].as_str().context("no api")?.to_owned();

    // Genesys calls somebody else, and signs with another secret.
    scene
        .genesys
        .set_callback("https://elsewhere.example/hook".parse()?);
    scene
        .genesys
        .set_webhook_secret("another-webhook-secret-nobody-sees");
    let told = done(&scene, "register org").await?;
    ensure!(told["outcome"] == "registered", "{told}");
    let ours = callback(&api, "agents")?.to_string();
    ensure!(told["registered"][0]["url"] == *ours, "{told}");
    let told = done(&scene, "register org").await?;
    ensure!(told["outcome"] == "already-there", "{told}");
    let examined = scene.home.doctor("--local --connection org").await?;
    ensure!(examined.found.is_empty(), "{examined:#?}");

    let examined = scene.home.doctor("--local --connection web").await?;
    ensure!(examined.found == ["webhook.elsewhere"], "{examined:#?}");

    // The documents' events, listed and taken back.
    let events = callback(&api, "events")?.to_string();
    for (verb, outcome, left) in [
        ("list", "listed", 0),
        ("register", "registered", 1),
        ("register", "already-there", 1),
        ("list", "listed", 1),
        ("remove", "removed", 0),
        ("remove", "nothing-there", 0),
    ] {
        let told = done(&scene, &format!("{verb} web")).await?;
        ensure!(told["outcome"] == outcome, "{verb}: {told}");
        let registered = told["registered"].as_array().context("no list")?;
        ensure!(registered.len() == left, "{verb}: {told}");
        let is_ours = registered.iter().all(|it| it["url"] == *events);
        ensure!(is_ours, "{verb}: {told}");
    }

    // The business account's own address, which Meta verifies before it takes it.
    let account = scene.whatsapp.options().numbers[0].waba_id.clone();
    for (verb, outcome) in [
        ("register", "registered"),
        ("register", "already-there"),
        ("remove", "removed"),
        ("remove", "nothing-there"),
    ] {
        let told = done(&scene, &format!("{verb} number --account {account}")).await?;
        ensure!(told["outcome"] == outcome, "{verb}: {told}");
    }
    let violations = [scene.genesys.violations(), scene.whatsapp.violations()].concat();
    ensure!(violations.is_empty(), "{violations:?}");
    running.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_platform_can_be_told_is_printed_to_be_pasted() -> Result<()> {
    let scene = Scene::new(|_| {}).await?;
    let running = running(&scene).await?;
    let (is_success, output, errors) = scene
        .home
        .attache("webhooks register number --local")
        .await?;
    ensure!(!is_success, "{output}{errors}");
    for expected in [
        "Do it by hand",
        "Callback URL",
        "/webhooks/front",
        "Verify token",
    ] {
        ensure!(
            output.contains(expected),
            "no {expected:?} in:\n{output}{errors}"
        );
    }
    // An integration always has an address: it is changed on the platform's screen.
    let (is_success, output, errors) = scene.home.attache("webhooks remove org --local").await?;
    ensure!(
        !is_success && output.contains("Outbound Notification Webhook URL"),
        "{output}{errors}"
    );
    let (is_success, _, errors) = scene.home.attache("webhooks list nobody --local").await?;
    ensure!(
        !is_success && errors.contains("there are: number, org"),
        "{errors}"
    );
    running.stop().await
}
