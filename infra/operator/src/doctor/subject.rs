//! What is examined: a file with the secrets it refers to, or what a system holds.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use attache_domain::connection::{Connection, Directory, Endpoint, Row, SecretName};
use attache_domain::ids::ConnectionId;
use attache_domain::signature::Secret;

use super::notebook::Notebook;
use super::rule::Rule;
use crate::connections::{ConfigError, Given, Loaded, SecretUse, Vault};
use crate::system::{System, asked};

/// The configuration, its secrets, and the system that has it or will have it.
pub(super) struct Subject {
    pub(super) directory: Directory,
    pub(super) system: Option<Arc<System>>,
    uses: Vec<SecretUse>,
    only: Vec<ConnectionId>,
}

/// Where a secret was looked for.
pub(super) enum Kept {
    /// It is there.
    Value(Secret),
    /// It is not; why.
    Missing(String),
    /// It is made once the file is applied, and nobody has it yet.
    NotYet,
}

impl Subject {
    /// Reads it; `None` if it cannot be used, which is a finding then.
    ///
    /// # Errors
    /// If the file or the system's table cannot be read.
    pub(super) async fn read(
        file: Option<&Path>,
        system: Option<Arc<System>>,
        notes: &mut Notebook,
    ) -> Result<Option<Self>> {
        let (rows, uses) = match (file, &system) {
            (Some(path), system) => {
                let stage = system.as_ref().map_or("prod", |system| &*system.stage);
                match Loaded::read(path, stage) {
                    Ok(loaded) => (loaded.rows, loaded.secrets),
                    Err(ConfigError::Wrong { problems }) => {
                        for problem in problems {
                            notes.find(Rule::ConfigWrong, path.display(), problem);
                        }
                        return Ok(None);
                    }
                    Err(ConfigError::Shape { message, .. }) => {
                        notes.find(Rule::ConfigWrong, path.display(), message);
                        return Ok(None);
                    }
                    Err(error @ ConfigError::Unreadable { .. }) => return Err(error.into()),
                }
            }
            (None, Some(system)) => (held(system, notes).await?, Vec::new()),
            (None, None) => bail!("neither a file nor a system"),
        };
        let directory = Directory::new(rows);
        Ok(Some(Self {
            directory,
            system,
            uses,
            only: Vec::new(),
        }))
    }

    /// One connection.
    ///
    /// # Errors
    /// Names those that there are, if it is none of them.
    pub(super) fn connection(&self, id: &ConnectionId) -> Result<&Connection> {
        let known = || {
            let ids = self.directory.connections().map(|it| it.id.to_string());
            ids.collect::<Vec<_>>().join(", ")
        };
        let found = self.directory.connection(id);
        found.with_context(|| format!("no connection {id}; there are: {}", known()))
    }

    /// Leaves the others alone.
    ///
    /// # Errors
    /// Names the connection that there is not.
    pub(super) fn keep_only(&mut self, only: &[ConnectionId]) -> Result<()> {
        for id in only {
            self.connection(id)?;
        }
        self.only = only.to_vec();
        Ok(())
    }

    /// The connections to be examined.
    pub(super) fn connections(&self) -> impl Iterator<Item = &Connection> {
        let all = self.directory.connections();
        all.filter(|it| self.only.is_empty() || self.only.contains(&it.id))
    }

    /// Their endpoints, each once.
    pub(super) fn endpoints(&self) -> Vec<&Endpoint> {
        let named = |endpoint: &&Endpoint| {
            self.only.is_empty()
                || self
                    .connections()
                    .any(|connection| connection.endpoint() == Some(&endpoint.id))
        };
        self.directory.endpoints().filter(named).collect()
    }

    /// A secret's value: from where the file says, else out of the system's vault.
    ///
    /// # Errors
    /// If it cannot be read or used.
    pub(super) async fn secret(&self, name: &SecretName) -> Result<Kept> {
        let of_file = self.uses.iter().find(|used| used.name == *name);
        let given = of_file.map(SecretUse::given).transpose()?;
        let missing = match given {
            Some(Given::Value(secret)) => return Ok(Kept::Value(secret)),
            Some(Given::Missing(why)) => Some(why),
            Some(Given::Named) => Some(format!("{} is in Secrets Manager: give --stack", name.0)),
            Some(Given::Generated) | None => None,
        };
        let Some(system) = &self.system else {
            return Ok(missing.map_or(Kept::NotYet, Kept::Missing));
        };
        let vault = Vault::new(system.clients.secrets_manager.clone());
        let found = vault.get(name).await?;
        let nowhere = || Kept::Missing(format!("there is no secret {}", name.0));
        Ok(found.map_or_else(nowhere, Kept::Value))
    }

    /// Every secret that the examined rows refer to, with the row it belongs to.
    pub(super) fn secret_names(&self) -> BTreeMap<String, SecretName> {
        let mut names = BTreeMap::new();
        for endpoint in self.endpoints() {
            for name in endpoint.secrets.iter().chain(&endpoint.verify_token) {
                names.insert(name.0.clone(), name.clone());
            }
        }
        names
    }
}

/// What the system's table holds; a document that is no row is a finding.
async fn held(system: &System, notes: &mut Notebook) -> Result<Vec<Row>> {
    let documents = system.connections()?.documents().await;
    let documents = documents.map_err(|error| asked("dynamodb:Scan", error))?;
    let mut rows = Vec::new();
    for (id, doc) in documents {
        match serde_json::from_str(&doc) {
            Ok(row) => rows.push(row),
            Err(error) => notes.find(
                Rule::ConfigWrong,
                id,
                format!("no row of this version's: {error}"),
            ),
        }
    }
    Ok(rows)
}
