//! The system on this machine with connections and secrets in place: the step between the template and a run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use attache_domain::connection::{Row, SecretName};
use attache_edge::dynamodb::ConnectionsTable;
use attache_local::lambda::{LogLine, LogSink};
use attache_local::{Clients, LocalOptions, LocalRun, LocalStack, Provisioned};

use crate::binaries;
use crate::connections::{Loaded, SecretReference};

/// The stage of a local run; part of its resources' and secrets' names.
pub const STAGE: &str = "local";

/// What a local run sets differently from a deployed one: shorter waits, so that recovery can be watched, and
/// stand-ins over plain HTTP.
const PARAMETERS: [(&str, &str); 6] = [
    ("Stage", STAGE),
    ("LeaseSeconds", "5"),
    ("SweepSchedule", "rate(10 seconds)"),
    ("SendPatienceSeconds", "10"),
    ("IntentGraceSeconds", "10"),
    ("AllowLocal", "true"),
];

/// How long the start waits for the first tokens.
const FIRST_RENEWAL: Duration = Duration::from_secs(2);

/// Rows and secrets to be in place before the first function starts.
#[derive(Debug, Default)]
pub struct Seed {
    /// Rows of the `connections` table.
    pub rows: Vec<Row>,
    /// Secrets by name. Held in memory only on their way into Secrets Manager.
    pub secrets: Vec<(SecretName, String)>,
}

impl Seed {
    /// Takes the secrets of a configuration from where they are.
    ///
    /// # Errors
    /// Names the variable or file that is missing, and secrets that only a deployment can have.
    pub fn from_loaded(loaded: Loaded) -> Result<Self> {
        let mut secrets = Vec::new();
        for (name, reference) in loaded.secrets {
            let value = match reference {
                SecretReference::Env(variable) => std::env::var(&variable).with_context(|| {
                    format!(
                        "environment variable {variable} (for secret {}) is not set",
                        name.0
                    )
                })?,
                SecretReference::File(path) => std::fs::read_to_string(&path)
                    .with_context(|| {
                        format!("secret file {} (for secret {})", path.display(), name.0)
                    })?
                    .trim_end_matches(['\r', '\n'])
                    .to_owned(),
                SecretReference::Name(_) => {
                    bail!(
                        "secret {} is in Secrets Manager; a local run takes {{ env = … }} or {{ file = … }}",
                        name.0
                    )
                }
            };
            if value.is_empty() {
                bail!("secret {} is empty", name.0);
            }
            secrets.push((name, value));
        }
        Ok(Self {
            rows: loaded.rows,
            secrets,
        })
    }
}

/// How to bring a site up.
#[derive(Clone, Default)]
pub struct SiteOptions {
    /// Keeps state here; `None` keeps nothing.
    pub data_dir: Option<PathBuf>,
    /// Another AWS endpoint instead of the embedded engines.
    pub aws_endpoint: Option<String>,
    /// Port of the HTTP API; 0 takes any free one.
    pub port: u16,
    /// Template parameters over the local ones.
    pub parameters: BTreeMap<String, String>,
    /// Takes what the functions print.
    pub log: Option<Arc<dyn LogSink>>,
}

/// Provisions what the template declares, without starting anything yet.
///
/// # Errors
/// As [`LocalStack::provision`].
pub async fn provision(binaries: PathBuf, options: SiteOptions) -> Result<Provisioned> {
    let mut parameters: BTreeMap<_, _> = PARAMETERS
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    parameters.extend(options.parameters);
    let defaults = LocalOptions::new(binaries::root().join("template.yaml"), binaries);
    LocalStack::provision(LocalOptions {
        parameters,
        data_dir: options.data_dir,
        aws_endpoint: options.aws_endpoint,
        port: options.port,
        log: options.log.unwrap_or_else(|| Arc::new(Errors)),
        ..defaults
    })
    .await
}

/// Puts the seed in place and starts the functions.
///
/// # Errors
/// If a secret or row cannot be written, or the sources cannot start.
pub async fn start(provisioned: Provisioned, seed: &Seed) -> Result<LocalRun> {
    let clients = provisioned.clients();
    for (name, value) in &seed.secrets {
        put_secret(clients, name, value).await?;
    }
    let table = table_name(provisioned.template(), "ConnectionsTable")?;
    let connections = ConnectionsTable::new(clients.dynamodb.clone(), table);
    connections
        .apply(&seed.rows)
        .await
        .context("writing the connections")?;
    let run = provisioned.run().await?;
    first_renewal(&run).await;
    Ok(run)
}

/// Waits until `refresh` had its first turn, so that the first file meets a token; not for long, because a platform
/// that cannot be reached is no reason not to be up.
async fn first_renewal(run: &LocalRun) {
    let turned = async {
        loop {
            let refresh = run.invocations("RefreshFunction");
            if refresh.succeeded + refresh.failed > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(FIRST_RENEWAL, turned).await.is_err() {
        tracing::info!("refresh is still at its first turn; the first files wait for it");
    }
}

/// The physical name of one of the template's tables.
///
/// # Errors
/// If the template has no such table.
pub fn table_name(
    template: &attache_local::template::Template,
    logical_id: &str,
) -> Result<String> {
    let table = template
        .tables
        .iter()
        .find(|table| table.logical_id == logical_id);
    table
        .map(|table| table.name.clone())
        .with_context(|| format!("template.yaml declares no {logical_id}"))
}

async fn put_secret(clients: &Clients, name: &SecretName, value: &str) -> Result<()> {
    let doing = || format!("writing secret {}", name.0);
    let created = clients
        .secrets_manager
        .create_secret()
        .name(&name.0)
        .secret_string(value)
        .send()
        .await;
    match created.map_err(aws_sdk_secretsmanager::error::SdkError::into_service_error) {
        Ok(_) => Ok(()),
        Err(error) if error.is_resource_exists_exception() => {
            let put = clients
                .secrets_manager
                .put_secret_value()
                .secret_id(&name.0)
                .secret_string(value);
            put.send().await.map(drop).with_context(doing)
        }
        Err(error) => Err(error).with_context(doing),
    }
}

/// Shows what functions report as errors, and what breaks them; keeps the rest quiet.
struct Errors;

impl LogSink for Errors {
    fn line(&self, line: &LogLine<'_>) {
        if line.text.contains("\"ERROR\"") || line.text.contains("panicked") {
            eprintln!("{}: {}", line.function, line.text);
        }
    }
}
