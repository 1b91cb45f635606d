//! Where the system is: a deployed stack, or a local run on this machine. Either way the same clients and the same names,
//! so that a command is written once.
//!
//! Names are the outputs of `template.yaml` (`ConnectionsTableName`, `MediaQueueUrl`, …); a local run gives its resources
//! under the same keys.

mod denied;
mod record;
mod stack;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use attache_edge::dynamodb::{CachedDirectories, ConnectionsTable};
use attache_local::Clients;
use attache_local::iam::OPERATOR;
use clap::{ArgGroup, Args};

pub use denied::asked;
pub use record::{Posted, Record};

/// Which system a command is about.
#[derive(Args, Debug)]
#[group(skip)]
#[command(group = ArgGroup::new("system").required(true).args(["stack", "local"]))]
pub struct Target {
    /// A deployed stack, by the name it has in CloudFormation.
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,
    /// The stack's region, over that of the environment and of the profile.
    #[arg(long, requires = "stack")]
    pub region: Option<String>,
    /// The profile of the AWS configuration files to take credentials from.
    #[arg(long, requires = "stack")]
    pub profile: Option<String>,
    /// The local run on this machine; with DIR the one that was started with `--data DIR`. FILE goes before it.
    #[arg(long, value_name = "DIR", num_args = 0..=1)]
    pub local: Option<Option<PathBuf>>,
}

/// A system that was found.
pub struct System {
    /// Acting as the person who runs the command; towards a local run, as its operator.
    pub clients: Clients,
    /// The stage: part of the names of secrets.
    pub stage: String,
    /// Whether its functions accept connections marked `local`.
    pub allow_local: bool,
    /// Within how many seconds running functions notice a changed configuration.
    pub connections_max_age_seconds: u64,
    place: Place,
    outputs: BTreeMap<String, String>,
    /// Of a deployed stack.
    cloudformation: Option<aws_sdk_cloudformation::Client>,
}

/// Where it is, in a person's words and in those of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Stack { name: String, region: String },
    Local { process: u32, data: Option<PathBuf> },
}

impl Target {
    /// Finds the system.
    ///
    /// # Errors
    /// If there is no such stack or local run, it lacks a name this command needs, or AWS refuses; the message says what
    /// to do.
    pub async fn locate(&self) -> Result<System> {
        match (&self.stack, &self.local) {
            (Some(name), _) => {
                stack::locate(name, self.region.as_deref(), self.profile.as_deref()).await
            }
            (None, Some(data)) => local(data.clone()),
            (None, None) => anyhow::bail!("which system? Give --stack NAME or --local"),
        }
    }
}

impl System {
    /// The value of one of the template's outputs.
    ///
    /// # Errors
    /// Names the output that the system lacks.
    pub fn output(&self, name: &str) -> Result<&str> {
        let value = self.outputs.get(name).map(String::as_str);
        value.with_context(|| {
            format!(
                "{self} has no output {name}; expected one made from this version's template.yaml"
            )
        })
    }

    /// The `connections` table.
    ///
    /// # Errors
    /// As [`System::output`].
    pub fn connections(&self) -> Result<ConnectionsTable> {
        let table = self.output("ConnectionsTableName")?;
        Ok(ConnectionsTable::new(self.clients.dynamodb.clone(), table))
    }

    /// The configuration, as its functions see it: read once, unless read anew.
    ///
    /// # Errors
    /// As [`System::output`].
    pub fn directories(&self) -> Result<CachedDirectories> {
        let table = self.connections()?;
        Ok(CachedDirectories::new(
            table,
            Duration::MAX,
            self.allow_local,
        ))
    }

    /// Where a platform calls an endpoint of ours.
    ///
    /// # Errors
    /// As [`System::output`].
    pub fn callback_url(&self, endpoint: &str) -> Result<String> {
        let base = self.output("WebhookUrl")?.trim_end_matches('/');
        Ok(format!("{base}/{endpoint}"))
    }

    /// The logical ids of what a deployed stack has; none of a local run.
    ///
    /// # Errors
    /// If CloudFormation refuses.
    pub async fn resources(&self) -> Result<BTreeSet<String>> {
        match (&self.cloudformation, &self.place) {
            (Some(client), Place::Stack { name, .. }) => stack::resources(client, name).await,
            _ => Ok(BTreeSet::new()),
        }
    }

    /// The template that a deployed stack was made from, as it was written.
    ///
    /// # Errors
    /// If CloudFormation refuses, or it is a local run.
    pub async fn template(&self) -> Result<String> {
        match (&self.cloudformation, &self.place) {
            (Some(client), Place::Stack { name, .. }) => stack::template(client, name).await,
            _ => anyhow::bail!("{self} is not made by CloudFormation"),
        }
    }

    /// Whether it is a run on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(self.place, Place::Local { .. })
    }

    /// The options that name this system on the command line.
    #[must_use]
    pub fn options(&self) -> String {
        match &self.place {
            Place::Stack { name, region } => format!("--stack {name} --region {region}"),
            Place::Local { data: None, .. } => "--local".to_owned(),
            Place::Local {
                data: Some(folder), ..
            } => format!("--local {}", folder.display()),
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Stack { name, region } => write!(f, "stack {name} in {region}"),
            Place::Local { process, .. } => write!(f, "the local run (process {process})"),
        }
    }
}

fn local(data: Option<PathBuf>) -> Result<System> {
    let path = Record::path(data.as_deref())?;
    let record = Record::read(&path)?;
    Ok(System {
        clients: Clients::new(&record.endpoints()?, OPERATOR),
        stage: record.stage,
        allow_local: true,
        connections_max_age_seconds: record.connections_max_age_seconds,
        place: Place::Local {
            process: record.pid,
            data,
        },
        outputs: record.outputs,
        cloudformation: None,
    })
}
