//! A system's connections with the tokens that doctor gets for them, for commands that then do more than look.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use attache_domain::connection::{Connection, Endpoint};
use attache_domain::diagnosis::{Failure, Outcome, Seen, Step, judge};
use attache_domain::ids::ConnectionId;
use attache_domain::time::Timestamp;
use attache_domain::wire::Response;
use attache_edge::clock::SystemClock;
use attache_flow::ports::{Clock, Credential};

use super::notebook::Notebook;
use super::subject::Subject;
use super::token;
use crate::system::System;

/// What a system holds.
pub(crate) struct Tenant {
    subject: Subject,
    system: Arc<System>,
}

impl Tenant {
    /// Reads it.
    ///
    /// # Errors
    /// If its table cannot be read.
    pub(crate) async fn of(system: System) -> Result<Self> {
        let mut notes = Notebook::default();
        let system = Arc::new(system);
        let read = Subject::read(None, Some(Arc::clone(&system)), &mut notes).await?;
        let subject = read.context("the system's configuration cannot be used")?;
        Ok(Self { subject, system })
    }

    /// The system.
    pub(crate) fn system(&self) -> &System {
        &self.system
    }

    /// The connection of this name.
    ///
    /// # Errors
    /// Names those that there are.
    pub(crate) fn connection(&self, id: &ConnectionId) -> Result<&Connection> {
        self.subject.connection(id)
    }

    /// Its endpoint.
    pub(crate) fn endpoint(&self, connection: &Connection) -> Option<&Endpoint> {
        self.subject.directory.endpoint(connection.endpoint()?)
    }

    /// A token of its own.
    ///
    /// # Errors
    /// As doctor would say it.
    pub(crate) async fn token(&self, connection: &Connection) -> Result<Credential> {
        let mut notes = Notebook::default();
        let tokens = token::of_one(&self.subject, connection, &mut notes).await;
        match (tokens, notes.findings.into_iter().next()) {
            (Some(credential), _) => Ok(credential),
            (None, Some(it)) => bail!("{}: {} ({}). {}", it.about, it.evidence, it.id, it.remedy),
            (None, None) => bail!("no token can be had for {}", connection.id),
        }
    }

    /// What a refusal means.
    pub(crate) fn judged(&self, connection: &Connection, response: &Response) -> Failure {
        refusal(connection, response, SystemClock::new().now())
    }
}

/// What the refusal of a registration, or of the question for them, means by the table of rules.
pub(super) fn refusal(connection: &Connection, response: &Response, now: Timestamp) -> Failure {
    let seen = Seen {
        platform: connection.profile().platform(),
        step: Step::Register,
        outcome: Outcome::Answer(response),
    };
    judge(&seen, now)
}
