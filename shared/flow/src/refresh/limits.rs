//! What platforms tell of their limits, read every hour into the `limits` table, for whoever plans.
//!
//! It comes after the tokens and never in their way: it is given up for this run once it has taken too long. Nothing waits for it: a
//! platform that does not answer is asked again after a while, and what it told last holds for a day.

use std::time::Duration;

use attache_domain::channels::{Bounds, Taken};
use attache_domain::connection::{Connection, Directory};
use attache_domain::diagnosis::{Failure, Outcome, Platform, Seen, Step, judge};
use attache_domain::platforms::genesys::{self, Question};
use attache_domain::signature::Secret;
use attache_domain::token::{Fitness, Purpose, row_id};
use attache_domain::wire::{Request, Response};

use super::Refresh;
use crate::batch::chain;
use crate::bearer::SEALED_AS;
use crate::learning::change;
use crate::ports::{Answer, Credential};

/// No connection's limits are begun to be read once a run has taken so long.
const PATIENCE: Duration = Duration::from_secs(20);

impl Refresh<'_> {
    /// Reads what is due. What fails is said in the log: it is no failure of the run.
    pub(super) async fn read_limits(&self, directory: &Directory) {
        let began = self.clock.now();
        for connection in directory.connections() {
            let Some(question) = genesys::limits_question(connection) else {
                continue;
            };
            if self.clock.now().saturating_since(began) >= PATIENCE {
                tracing::warn!(connection.id = %connection.id, "no time left to read its limits; the next run does");
                return;
            }
            if let Err(outage) = self.read_limits_of(connection, &question).await {
                tracing::warn!(connection.id = %connection.id, error = %chain(&outage), "limits not read; the next run tries again");
            }
        }
    }

    async fn read_limits_of(&self, connection: &Connection, question: &Question) -> Answer<()> {
        let key = Taken::key(&connection.id);
        let known = self.limits.known(&key).await?;
        // What is no document of ours is written anew.
        let known: Taken = known
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        if !known.is_due(self.clock.now()) {
            return Ok(());
        }
        let Some(token) = self.token(connection).await? else {
            return Ok(());
        };
        let told = self.ask(connection, question, &token).await;
        let now = self.clock.now();
        let told = match told {
            Ok(bounds) => {
                if let Some(before) = known.told().filter(|before| **before != bounds) {
                    // What a file that was refused in spite of them is explained by (`S2-32`).
                    tracing::warn!(connection.id = %connection.id, limits.max_bytes_before = ?before.max_bytes, limits.max_bytes = ?bounds.max_bytes, limits.types_before = ?before.types, limits.types = ?bounds.types, "limits changed");
                }
                tracing::info!(connection.id = %connection.id, limits.max_bytes = ?bounds.max_bytes, limits.types = ?bounds.types.as_ref().map(Vec::len), "limits read");
                Some(bounds)
            }
            Err(failure) => {
                let diagnosis = &failure.diagnosis;
                tracing::warn!(connection.id = %connection.id, failure.code = %diagnosis.code, evidence = %diagnosis.evidence, remedy = %diagnosis.remedy, "limits not read; those known hold");
                None
            }
        };
        let take = |taken: &mut Taken| taken.asked(told.clone(), now);
        change((self.limits, self.clock), &key, take)
            .await
            .map(drop)
    }

    /// The token its messages go out with; `None`: there is none that is fit now.
    async fn token(&self, connection: &Connection) -> Answer<Option<Secret>> {
        let id = row_id(&connection.id, Purpose::Messages);
        let row = self.tokens.load(&id).await?;
        let now = self.clock.now();
        let fit = row.filter(|row| row.fitness(now, 0) == Fitness::Fit);
        match fit.and_then(|row| row.sealed) {
            Some(sealed) => self.vault.open(SEALED_AS, &id, &sealed).await.map(Some),
            None => Ok(None),
        }
    }

    /// What a connection of Genesys takes.
    async fn ask(
        &self,
        connection: &Connection,
        question: &Question,
        token: &Secret,
    ) -> Result<Bounds, Failure> {
        let told = match question {
            Question::Limits(request) => self.get(request, token).await?,
            Question::Integration(request) => {
                let integration = self.get(request, token).await?;
                let profile = genesys::read_integration(&integration, self.clock.now())?;
                let request = genesys::supported_content_request(connection, &profile)
                    .ok_or_else(|| Failure::misconfigured("api_url takes no path"))?;
                self.get(&request, token).await?
            }
        };
        genesys::read_limits(connection, &told, self.clock.now())
    }

    async fn get(&self, request: &Request, token: &Secret) -> Result<Response, Failure> {
        let credential = Credential::Bearer(token.clone());
        let answer = self.http.call(request, &credential).await;
        answer.map_err(|error| {
            let seen = Seen {
                platform: Platform::Genesys,
                step: Step::Configuration,
                outcome: Outcome::Lost(&error),
            };
            judge(&seen, self.clock.now())
        })
    }
}
