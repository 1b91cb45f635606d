//! Refresh: keeps every connection's tokens ahead of their end; one renewal at a time, never in an upload's way.
//!
//! The right to renew is a lease in the token's own row; the new token is written with the next version. A failed
//! renewal keeps the old token until its end and says what a person must do. With the tokens it has, it also reads what
//! platforms tell of their limits.

mod discovery;
mod limits;

use std::time::Duration;

use attache_domain::connection::{Account, Connection, Page};
use attache_domain::diagnosis::rules::ours;
use attache_domain::diagnosis::{Failure, Outcome, Seen, Step, judge};
use attache_domain::job::RefreshJob;
use attache_domain::platforms::genesys::{self, Granted};
use attache_domain::signature::Secret;
use attache_domain::time::Timestamp;
use attache_domain::token::{Purpose, Renewal, TokenRow, row_id};
use attache_domain::wire::CallError;
use url::Url;

use crate::batch::{Trouble, chain};
use crate::bearer::SEALED_AS;
use crate::ports::{
    Answer, Clock, Credential, Directories, Http, Limits, Outage, Saved, Secrets, Tokens, Vault,
};

/// How long one renewal may hold the lease: the token endpoint's patience and the writes around it.
const LEASE: Duration = Duration::from_secs(30);

/// How long after a failed renewal nobody tries again: many waiting jobs ask for the same token.
const PAUSE: Duration = Duration::from_secs(5);

/// What refresh needs.
#[derive(Clone, Copy)]
pub struct Refresh<'a> {
    /// Rows.
    pub tokens: &'a dyn Tokens,
    /// Seals new tokens.
    pub vault: &'a dyn Vault,
    /// Client secrets and static tokens.
    pub secrets: &'a dyn Secrets,
    /// What is known of limits.
    pub limits: &'a dyn Limits,
    /// The token endpoints, and the platforms.
    pub http: &'a dyn Http,
    /// Time.
    pub clock: &'a dyn Clock,
    /// The configuration.
    pub directories: &'a dyn Directories,
}

/// A token as obtained: with its life, or without end.
struct Obtained {
    token: Secret,
    life: Option<Duration>,
    /// Where the API is that it is for, where its issuer tells.
    api: Option<Url>,
}

/// How one renewal went.
enum Renewed {
    /// There is a new token.
    Done,
    /// The token is fresh, or somebody else is at it.
    NotNeeded,
    /// Refused or out of reach; said in the log, with what a person must do.
    Failed,
}

impl Refresh<'_> {
    /// The scheduled run: every token of every connection, those that end first first; then what is due of their limits.
    ///
    /// # Errors
    /// An outage of the configuration, or, after every connection had its turn, the names of those whose token could
    /// not be renewed.
    pub async fn run(&self) -> Answer<()> {
        let directory = self.directories.current().await?;
        let mut due = Vec::new();
        for connection in directory.connections() {
            for purpose in connection.purposes() {
                match self.tokens.load(&row_id(&connection.id, *purpose)).await {
                    Ok(row) => due.push((
                        row.as_ref().and_then(|row| row.expires_at),
                        connection,
                        *purpose,
                    )),
                    Err(outage) => {
                        tracing::error!(connection.id = %connection.id, error = %chain(&outage), "token row unreadable")
                    }
                }
            }
        }
        due.sort_by_key(|(end, ..)| *end);
        let mut failed = Vec::new();
        for (_, connection, purpose) in due {
            match self.renew(connection, purpose, 0).await {
                Ok(Renewed::Failed) => failed.push(connection.id.as_str()),
                Ok(Renewed::Done | Renewed::NotNeeded) => {}
                Err(outage) => {
                    tracing::error!(connection.id = %connection.id, error = %chain(&outage), "token not renewed; the next run tries again");
                    failed.push(connection.id.as_str());
                }
            }
        }
        self.read_limits(&directory).await;
        if failed.is_empty() {
            return Ok(());
        }
        // After everybody had a turn: a failed run is what the function's alarm sees.
        Err(Outage::new(
            "renewing tokens",
            format!("not renewed: {}", failed.join(", ")),
        ))
    }

    /// Handles one message of the `refresh` queue: somebody met a token of `version_seen` unfit.
    ///
    /// # Errors
    /// [`Trouble`] if the world failed or the message is no job.
    pub async fn handle(&self, body: &str) -> Result<(), Trouble> {
        let job = RefreshJob::parse(body)?;
        let directory = self.directories.knowing(&job.connection).await?;
        match directory.connection(&job.connection) {
            Some(connection) => {
                // A refusal is logged with its remedy; the next tick tries again and reports it.
                self.renew(connection, job.purpose, job.version_seen + 1)
                    .await?;
                Ok(())
            }
            None => Err(Trouble::Dangling(format!(
                "refresh job for unknown connection {}",
                job.connection
            ))),
        }
    }

    /// Renews one token if it is due or older than version `floor`.
    async fn renew(
        &self,
        connection: &Connection,
        purpose: Purpose,
        floor: u32,
    ) -> Answer<Renewed> {
        let id = row_id(&connection.id, purpose);
        let now = self.clock.now();
        let mut row = self.tokens.load(&id).await?.unwrap_or_else(|| fresh(id));
        match row.renewal(now, floor) {
            Renewal::NotDue => return Ok(Renewed::NotNeeded),
            Renewal::Held { until } => {
                tracing::info!(token.id = %row.id, lease.until = %until, "another refresher is at it");
                return Ok(Renewed::NotNeeded);
            }
            Renewal::Now => {}
        }
        row.lease_until = Some(now + LEASE);
        if self.tokens.save(&mut row).await? == Saved::Overtaken {
            tracing::info!(token.id = %row.id, "another refresher was first");
            return Ok(Renewed::NotNeeded);
        }
        let obtained = self.obtain(connection).await?;
        row.lease_until = None;
        let renewed = match obtained {
            Ok(obtained) => {
                self.accept(&mut row, &obtained).await?;
                Renewed::Done
            }
            Err(failure) => {
                let (code, evidence, remedy) = (
                    &failure.diagnosis.code,
                    &failure.diagnosis.evidence,
                    &failure.diagnosis.remedy,
                );
                let left = row
                    .expires_at
                    .map(|end| end.saturating_since(now).as_secs());
                tracing::error!(token.id = %row.id, token.seconds_left = ?left, failure.code = %code, evidence = %evidence, remedy = %remedy, "token not renewed");
                row.lease_until = Some(self.clock.now() + PAUSE);
                Renewed::Failed
            }
        };
        if self.tokens.save(&mut row).await? == Saved::Overtaken {
            tracing::warn!(token.id = %row.id, "renewal outlived its lease; the newer one stands");
        }
        Ok(renewed)
    }

    async fn accept(&self, row: &mut TokenRow, obtained: &Obtained) -> Answer<()> {
        let now = self.clock.now();
        row.sealed = Some(self.vault.seal(SEALED_AS, &row.id, &obtained.token).await?);
        row.obtained_at = now;
        row.expires_at = obtained.life.map(|life| now + life);
        row.api.clone_from(&obtained.api);
        row.version += 1;
        tracing::info!(token.id = %row.id, token.version = row.version, token.life_seconds = ?obtained.life.map(|life| life.as_secs()), "token renewed");
        Ok(())
    }

    async fn obtain(&self, connection: &Connection) -> Answer<Result<Obtained, Failure>> {
        let org = match &connection.account {
            // A system-user token does not expire and cannot be renewed by us: the secret holds it.
            Account::WhatsApp { token, .. }
            | Account::Messenger {
                page: Page { token, .. },
            }
            | Account::Instagram {
                page: Page { token, .. },
                ..
            } => {
                return Ok(Ok(Obtained {
                    token: self.secrets.get(token).await?,
                    life: None,
                    api: None,
                }));
            }
            Account::CxoneByoc { tenant, .. } | Account::CxoneConversations { tenant, .. } => {
                return self.by_discovery(connection, tenant).await;
            }
            Account::GenesysOpenMessaging { org, .. }
            | Account::GenesysMessageMedia { org, .. }
            | Account::GenesysWebMessaging { org, .. }
            | Account::GenesysWebChat { org, .. }
            | Account::GenesysMediaUpload { org, .. }
            | Account::GenesysAgent { org, .. } => org,
        };
        let Some(request) = genesys::token_request(connection) else {
            return Ok(Err(no_endpoint()));
        };
        let credential = Credential::Basic {
            id: org.client_id.clone(),
            secret: self.secrets.get(&org.client_secret).await?,
        };
        let answer = self.http.call(&request, &credential).await;
        let now = self.clock.now();
        let granted = answer
            .map_err(|e| unanswered(connection, &e))
            .and_then(|response| genesys::read_token(&response, now));
        Ok(granted.map(|Granted { token, life }| Obtained {
            token,
            life: Some(life),
            api: None,
        }))
    }
}

fn fresh(id: String) -> TokenRow {
    TokenRow {
        id,
        sealed: None,
        obtained_at: Timestamp::default(),
        expires_at: None,
        version: 0,
        revision: 0,
        lease_until: None,
        api: None,
    }
}

fn unanswered(connection: &Connection, error: &CallError) -> Failure {
    let seen = Seen {
        platform: connection.profile().platform(),
        step: Step::Token,
        outcome: Outcome::Lost(error),
    };
    judge(&seen, Timestamp::default())
}

fn no_endpoint() -> Failure {
    ours::NO_TOKEN_ENDPOINT.failure("login_url takes no path")
}
