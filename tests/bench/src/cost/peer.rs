//! The peer, running: its template and its program, behind the same engines and beside the same stand-ins.

use std::path::Path;

use anyhow::{Context, Result};
use attache_local::{LocalOptions, LocalRun, LocalStack, Provisioned};
use attache_operator::binaries;
use attache_operator::standins::StandIns;
use serde_json::json;

use crate::meter::Meter;
use crate::python;

const TEMPLATE: &str = include_str!("peer.yaml");
const SOURCE: &str = include_str!("peer.py");

/// Starts it, and points WhatsApp's webhooks at it.
///
/// # Errors
/// If it cannot be built or started, or does not answer the challenge.
pub(super) async fn start(folder: &Path, standins: &StandIns, meter: &Meter) -> Result<LocalRun> {
    let beside = binaries::binaries_beside(&std::env::current_exe()?);
    python::peer(&beside, folder, SOURCE).await?;
    let template = folder.join("peer.yaml");
    std::fs::write(&template, TEMPLATE)?;
    let (whatsapp, genesys) = (standins.whatsapp.options(), standins.genesys.options());
    let secrets = [
        ("app", &whatsapp.app_secret),
        ("verify", &whatsapp.verify_token),
        ("whatsapp", &whatsapp.access_token),
        ("genesys", &genesys.client_secret),
    ];
    let names = secrets.map(|(name, _)| (name.to_owned(), json!(format!("peer/{name}"))));
    let names: serde_json::Map<_, _> = names.into_iter().collect();
    let parameters = [
        ("DynamoDb", meter.url().to_owned()),
        ("Secrets", json!(names).to_string()),
        ("GraphUrl", standins.whatsapp.graph_url()),
        ("ApiUrl", standins.genesys.api_url()),
        ("LoginUrl", standins.genesys.login_url()),
        ("ClientId", genesys.client_id.clone()),
        ("IntegrationId", genesys.integration_id.clone()),
    ];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value));
    let options = LocalOptions {
        parameters: parameters.into(),
        ..LocalOptions::new(&template, folder)
    };
    let provisioned = LocalStack::provision(options).await?;
    meter.connect(&provisioned.endpoints().dynamodb);
    for (name, value) in secrets {
        put_secret(&provisioned, name, value).await?;
    }
    let run = provisioned.run().await?;
    standins
        .subscribe(run.api_url())
        .await
        .context("WhatsApp's verification call")?;
    Ok(run)
}

async fn put_secret(provisioned: &Provisioned, name: &str, value: &str) -> Result<()> {
    let secrets = &provisioned.clients().secrets_manager;
    secrets
        .create_secret()
        .name(format!("peer/{name}"))
        .secret_string(value)
        .send()
        .await?;
    Ok(())
}
