//! What is wrong between a running system and its platforms, and in what AWS holds.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use attache_platforms::whatsapp::WhatsApp;
use aws_sdk_sqs::types::QueueAttributeName;
use url::Url;

use super::home::{Running, Scene};

/// A local run of the scene's file, with both platforms' webhooks registered.
pub(super) async fn running(scene: &Scene) -> Result<Running> {
    scene.home.write("connections.toml", &scene.file)?;
    let running = scene.home.local("--connections connections.toml").await?;
    let api = running.ready["api"].as_str().context("no api")?;
    scene.genesys.set_callback(callback(api, "agents")?);
    Ok(running)
}

pub(super) fn callback(api: &str, endpoint: &str) -> Result<Url> {
    Ok(Url::parse(&format!("{api}/webhooks/{endpoint}"))?)
}

async fn verified(whatsapp: &WhatsApp, api: &str) -> Result<()> {
    whatsapp.set_callback(callback(api, "front")?);
    whatsapp.verify_callback().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_registered_is_compared_with_what_runs() -> Result<()> {
    let mut scene = Scene::new(|_| {}).await?;
    let running = running(&scene).await?;
    let api = running.ready["api"].as_str().context("no api")?.to_owned();
    verified(&scene.whatsapp, &api).await?;

    // What the system holds, and the file against it.
    for further in ["--local", "--local --connections connections.toml"] {
        let examined = scene.home.doctor(further).await?;
        ensure!(examined.found.is_empty(), "{further}: {examined:#?}");
        let in_order = examined.document["in_order"].to_string();
        for check in ["webhook", "registered", "webhook-secret", "queue"] {
            ensure!(
                in_order.contains(&format!("\"{check}\"")),
                "no {check}: {in_order}"
            );
        }
    }

    scene
        .genesys
        .set_callback("https://elsewhere.example/hook?key=k".parse()?);
    let examined = scene.home.doctor("--local").await?;
    ensure!(examined.found == ["webhook.elsewhere"], "{examined:#?}");
    scene.genesys.set_callback(callback(&api, "agents")?);

    scene
        .genesys
        .set_webhook_secret("another-webhook-secret-nobody-sees");
    let examined = scene.home.doctor("--local").await?;
    ensure!(examined.found == ["webhook.secret"], "{examined:#?}");
    scene
        .genesys
        .set_webhook_secret(&scene.genesys.options().webhook_secret);

    scene.home.set("VERIFY", "another-token-nobody-sees");
    let examined = scene.examine("--local").await?;
    ensure!(examined.found == ["webhook.verify-token"], "{examined:#?}");

    let front = "[[endpoint]]\nid = \"front\"";
    scene.replace(front, "[[endpoint]]\nid = \"new\"")?;
    scene.replace("endpoint = \"front\"", "endpoint = \"new\"")?;
    let examined = scene.examine("--local").await?;
    ensure!(
        examined.found == ["webhook.unknown-endpoint"],
        "{examined:#?}"
    );
    running.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queues_that_were_changed_by_hand_are_found() -> Result<()> {
    let scene = Scene::new(|_| {}).await?;
    let running = running(&scene).await?;
    let sqs = running.ready["aws"]["sqs"].as_str().context("no sqs")?;
    let endpoints = attache_local::engine::Endpoints::everywhere(sqs);
    let clients = attache_local::Clients::new(&endpoints, attache_local::iam::OPERATOR);
    let urls = clients.sqs.list_queues().send().await?;
    let url = |name: &str| {
        let mut urls = urls.queue_urls().iter();
        let found = urls.find(|url| url.to_lowercase().ends_with(name));
        found
            .cloned()
            .with_context(|| format!("no {name} in {urls:?}", urls = urls))
    };
    let text_queue = url("-text")?;
    let asked = clients.sqs.get_queue_attributes().queue_url(&text_queue);
    let asked = asked
        .attribute_names(QueueAttributeName::All)
        .send()
        .await?;
    let before = asked.attributes.unwrap_or_default();
    for (attribute, value, id) in [
        (
            QueueAttributeName::VisibilityTimeout,
            "30",
            "aws.visibility-short",
        ),
        (QueueAttributeName::RedrivePolicy, "", "aws.no-dead-letters"),
    ] {
        let set = |value: String| {
            let change = HashMap::from([(attribute.clone(), value)]);
            let set = clients.sqs.set_queue_attributes().queue_url(&text_queue);
            set.set_attributes(Some(change)).send()
        };
        set(value.to_owned()).await?;
        let examined = scene.home.doctor("--local").await?;
        ensure!(examined.found == [id], "{id}: {examined:#?}");
        let was = before.get(&attribute).cloned().unwrap_or_default();
        set(was).await?;
    }
    clients
        .sqs
        .delete_queue()
        .queue_url(&text_queue)
        .send()
        .await?;
    let examined = scene.home.doctor("--local").await?;
    ensure!(examined.found == ["aws.missing"], "{examined:#?}");
    running.stop().await
}
