//! The bearer tokens of one process: read from the table, opened once, handed out while fit.

use std::cell::RefCell;
use std::collections::HashMap;

use attache_domain::connection::Connection;
use attache_domain::job::{self, RefreshJob};
use attache_domain::signature::Secret;
use attache_domain::token::{Fitness, Purpose, TokenRow, Version, row_id};
use url::Url;

use crate::ports::{Answer, Clock, Jobs, Outage, Queue, Tokens, Vault};

/// The purpose under which tokens are sealed; grants of the data key are bound to it.
pub const SEALED_AS: &str = "token";

/// A token and the version it has.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// The token.
    pub token: Secret,
    /// Its version; a refused one asks for the next.
    pub version: Version,
    /// Where the API is that it is for, where its issuer told.
    pub api: Option<Url>,
}

/// The cache, kept for the life of the process.
#[derive(Default)]
pub struct Cache(RefCell<HashMap<String, (TokenRow, Secret)>>);

/// Hands out tokens.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// Rows.
    pub tokens: &'a dyn Tokens,
    /// Opens them.
    pub vault: &'a dyn Vault,
    /// Asks for renewals.
    pub jobs: &'a dyn Jobs,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// What was opened before.
    pub cache: &'a Cache,
}

impl Desk<'_> {
    /// A token fit to begin work with and not older than version `floor`; `None`: there is none yet, a renewal was
    /// asked for, come back later.
    ///
    /// # Errors
    /// [`Outage`] if the table, the key or the queue failed.
    pub async fn bearer(
        &self,
        connection: &Connection,
        purpose: Purpose,
        floor: u32,
    ) -> Answer<Option<Bearer>> {
        let id = row_id(&connection.id, purpose);
        let now = self.clock.now();
        if let Some((row, token)) = self.cache.0.borrow().get(&id)
            && row.fitness(now, floor) == Fitness::Fit
        {
            return Ok(Some(Bearer {
                token: token.clone(),
                version: Version {
                    purpose,
                    number: row.version,
                },
                api: row.api.clone(),
            }));
        }
        let row = self.tokens.load(&id).await?;
        let fit = row
            .as_ref()
            .filter(|row| row.fitness(now, floor) == Fitness::Fit);
        if let Some((row, sealed)) = fit.and_then(|row| Some((row, row.sealed.as_ref()?))) {
            let token = self.vault.open(SEALED_AS, &id, sealed).await?;
            let (number, api) = (row.version, row.api.clone());
            let version = Version { purpose, number };
            self.cache
                .0
                .borrow_mut()
                .insert(id, (row.clone(), token.clone()));
            return Ok(Some(Bearer {
                token,
                version,
                api,
            }));
        }
        let version_seen = floor
            .saturating_sub(1)
            .max(row.map_or(0, |row| row.version));
        self.ask(connection, purpose, version_seen).await?;
        Ok(None)
    }

    async fn ask(
        &self,
        connection: &Connection,
        purpose: Purpose,
        version_seen: u32,
    ) -> Answer<()> {
        let job = RefreshJob {
            v: job::VERSION,
            connection: connection.id.clone(),
            purpose,
            version_seen,
        };
        let body =
            serde_json::to_string(&job).map_err(|e| Outage::new("writing a refresh job", e))?;
        tracing::info!(connection.id = %connection.id, token.purpose = purpose.as_str(), token.version_seen = version_seen, "token unfit; renewal asked for");
        self.jobs
            .send(
                Queue::Refresh,
                body,
                std::time::Duration::ZERO,
                connection.id.as_str(),
            )
            .await
    }
}
