//! The system on this machine with connections and secrets in place: the step between the template and a run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use attache_domain::connection::{Row, SecretName};
use attache_domain::signature::Secret;
use attache_edge::dynamodb::ConnectionsTable;
use attache_local::lambda::{LogLine, LogSink};
use attache_local::{Clients, LocalOptions, LocalRun, LocalStack, Provisioned};

use crate::binaries;
use crate::connections::{self, Given, Loaded, Vault};

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
    /// Secrets of our own making, drawn unless kept data has them.
    pub generated: Vec<SecretName>,
}

impl Seed {
    /// Takes the secrets of a configuration from where they are.
    ///
    /// # Errors
    /// Names the variable or file that is missing, and secrets that only a deployment can have.
    pub fn from_loaded(loaded: Loaded) -> Result<Self> {
        let mut seed = Self {
            rows: loaded.rows,
            ..Self::default()
        };
        for secret in loaded.secrets {
            match secret.given()? {
                Given::Value(value) => {
                    let text = String::from_utf8(value.expose().to_vec())?;
                    seed.secrets.push((secret.name, text));
                }
                Given::Missing(why) => bail!("{}: {why}; expected the secret there", secret.place),
                Given::Generated => seed.generated.push(secret.name),
                Given::Named => bail!(
                    "{}: secret {} is in Secrets Manager; a local run takes {{ env = … }} or {{ file = … }}",
                    secret.place,
                    secret.name.0
                ),
            }
        }
        Ok(seed)
    }

    /// With what another seed has.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.rows.extend(other.rows);
        self.secrets.extend(other.secrets);
        self.generated.extend(other.generated);
        self
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
    for name in &seed.generated {
        draw_secret(clients, name).await?;
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
    let vault = Vault::new(clients.secrets_manager.clone());
    let value = Secret::new(value).with_context(|| format!("secret {}", name.0))?;
    vault.put(name, &value).await
}

async fn draw_secret(clients: &Clients, name: &SecretName) -> Result<()> {
    let vault = Vault::new(clients.secrets_manager.clone());
    match vault.get(name).await? {
        Some(_) => Ok(()),
        None => vault.put(name, &connections::generated()?).await,
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
