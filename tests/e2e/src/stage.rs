//! The whole system on this machine, with short times, and what a scenario asks of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use attache_domain::ids::{AttachmentId, ConnectionId, MediaId, MessageId};
use attache_domain::journey::Item;
use attache_domain::token::{Purpose, row_id};
use attache_edge::dynamodb::{ItemsTable, TokensTable};
use attache_flow::ports::{Items as _, Tokens as _};
use attache_local::LocalRun;
use attache_operator::site::{self, STAGE, SiteOptions, table_name};
use attache_operator::standins::StandIns;
use attache_platforms::canary::Canary;
use attache_platforms::genesys::{Genesys, GenesysOptions};
use attache_platforms::whatsapp::{Composed, MediaFile, WhatsApp, WhatsAppOptions};
use aws_sdk_sqs::types::QueueAttributeName as Attribute;

use crate::{LogBook, binaries, eventually};

/// The connection that files come in by.
pub const CUSTOMER_SIDE: &str = "whatsapp-demo";

/// The connection that they go out by.
const AGENT_SIDE: &str = "genesys-demo";

/// Times as short as they can be without losing their order: a lease is over before its item is swept, and a send
/// before it is judged.
const PARAMETERS: [(&str, &str); 4] = [
    ("LeaseSeconds", "2"),
    ("SweepSchedule", "rate(1 second)"),
    ("SendPatienceSeconds", "2"),
    ("IntentGraceSeconds", "2"),
];

/// So often in a row must nothing be going on before a stage counts as quiet.
const QUIET_LOOKS: u32 = 3;

/// How long functions may take to come up and get their tokens.
const CURTAIN_UP: Duration = Duration::from_secs(60);

/// What differs from stage to stage.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The customer's platform.
    pub whatsapp: WhatsAppOptions,
    /// The agent's platform.
    pub genesys: GenesysOptions,
    /// Template parameters over the stage's own.
    pub parameters: Vec<(&'static str, &'static str)>,
}

/// A running system with its stand-ins. Ends when it is dropped; [`Stage::stop`] ends it in order.
pub struct Stage {
    /// Both platforms, and who saw tokens.
    pub standins: StandIns,
    /// The system.
    pub run: LocalRun,
    /// What the functions printed.
    pub log: LogBook,
    items: ItemsTable,
    tokens: TokensTable,
}

/// A file on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The message that carries it.
    pub message: attache_platforms::whatsapp::MessageId,
    /// The item it becomes: its row's key follows from what the platform announces.
    pub id: MediaId,
}

impl Stage {
    /// Starts a stage: everything is up, tokens are there, WhatsApp has made its verification call.
    ///
    /// # Errors
    /// If something cannot be built or started.
    pub async fn start(setup: Setup) -> Result<Self> {
        let binaries = binaries::folder().await?.to_owned();
        let canary = Canary::default();
        let whatsapp = WhatsApp::start(WhatsAppOptions {
            canary: canary.clone(),
            ..setup.whatsapp
        })
        .await?;
        let genesys = Genesys::start(GenesysOptions {
            canary: canary.clone(),
            ..setup.genesys
        })
        .await?;
        let standins = StandIns {
            whatsapp,
            genesys,
            canary,
        };
        let log = LogBook::default();
        let parameters = PARAMETERS.into_iter().chain(setup.parameters);
        let options = SiteOptions {
            parameters: parameters
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect::<BTreeMap<_, _>>(),
            log: Some(Arc::new(log.clone())),
            ..SiteOptions::default()
        };
        let provisioned = site::provision(binaries, options).await?;
        let run = site::start(provisioned, &standins.seed(STAGE)?).await?;
        let table = |logical_id| table_name(run.template(), logical_id);
        let dynamodb = || run.clients().dynamodb.clone();
        let items = ItemsTable::new(dynamodb(), table("MediaTable")?);
        let tokens = TokensTable::new(dynamodb(), table("TokensTable")?);
        let stage = Self {
            standins,
            run,
            log,
            items,
            tokens,
        };
        stage
            .standins
            .subscribe(stage.run.api_url())
            .await
            .context("WhatsApp's verification call")?;
        stage.tokens_are_there().await?;
        Ok(stage)
    }

    /// Waits until both sides' tokens are in the table, so that what follows does not depend on who was first.
    async fn tokens_are_there(&self) -> Result<()> {
        for (connection, purpose) in [
            (CUSTOMER_SIDE, Purpose::Media),
            (AGENT_SIDE, Purpose::Messages),
        ] {
            let id = row_id(&ConnectionId::new(connection), purpose);
            let look = || async { Ok(self.tokens.load(&id).await?.and_then(|row| row.sealed)) };
            eventually(&format!("a token for {connection}"), CURTAIN_UP, look).await?;
        }
        Ok(())
    }

    /// A file, written and not sent yet.
    ///
    /// # Errors
    /// If the stand-in does not know the file it just took.
    pub fn compose(&self, file: MediaFile) -> Result<(Sent, Composed)> {
        let composed = self.standins.whatsapp.customer().compose_media(file);
        let message = composed.id().clone();
        let medium = self
            .standins
            .whatsapp
            .medium(&message)
            .context("the stand-in does not know its own file")?;
        let id = MediaId::derive(
            &ConnectionId::new(CUSTOMER_SIDE),
            &MessageId::new(message.as_str()),
            &AttachmentId::new(medium.id),
        );
        Ok((Sent { message, id }, composed))
    }

    /// Sends a file: its webhook is on its way when this returns.
    ///
    /// # Errors
    /// As [`Stage::compose`].
    pub fn send(&self, file: MediaFile) -> Result<Sent> {
        let (sent, composed) = self.compose(file)?;
        self.standins.whatsapp.send_batch(vec![composed]);
        Ok(sent)
    }

    /// The row of a file, if there is one.
    ///
    /// # Errors
    /// If the table cannot be read.
    pub async fn item(&self, sent: &Sent) -> Result<Option<Item>> {
        Ok(self.items.load(&sent.id).await?)
    }

    /// Waits until a file is where it stays: its journey is over, or only a person can carry it on. (A quarantined one is
    /// looked at once more much later, which changes nothing here.)
    ///
    /// # Errors
    /// If that is not so within the bound; says where the file is, and what the functions logged of it.
    pub async fn at_rest(&self, sent: &Sent, within: Duration) -> Result<Item> {
        let rests = |item: &Item| item.gate.due_at.is_none() || item.gate.stage.is_over();
        let look = || async { Ok(self.item(sent).await?.filter(rests)) };
        let rested = eventually("the file at rest", within, look).await;
        match rested {
            Ok(item) => Ok(item),
            Err(error) => {
                let item = self.item(sent).await?;
                let whereabouts =
                    item.map(|item| format!("{:#?}\n{:?}", item.gate, item.record.diagnosis));
                let log = self.log.containing(sent.id.as_str()).join("\n");
                Err(error.context(format!(
                    "{}\n{log}",
                    whereabouts.unwrap_or_else(|| "no row".to_owned())
                )))
            }
        }
    }

    /// The keys in one of the template's buckets, ordered.
    ///
    /// # Errors
    /// If the template has no such bucket, or it cannot be listed.
    pub async fn keys(&self, bucket: &str) -> Result<Vec<String>> {
        let bucket = self
            .run
            .template()
            .bucket(bucket)
            .context("no such bucket in the template")?;
        let s3 = &self.run.clients().s3;
        let mut pages = s3
            .list_objects_v2()
            .bucket(&bucket.name)
            .into_paginator()
            .send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            keys.extend(
                page?
                    .contents
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|object| object.key),
            );
        }
        Ok(keys)
    }

    /// The bodies of up to ten messages in one of the template's queues; they are hidden afterwards.
    ///
    /// # Errors
    /// If the template has no such queue, or it cannot be read.
    pub async fn messages(&self, queue: &str) -> Result<Vec<String>> {
        let queue = self
            .run
            .template()
            .queue(queue)
            .context("no such queue in the template")?;
        let sqs = &self.run.clients().sqs;
        let received = sqs
            .receive_message()
            .queue_url(&queue.url)
            .max_number_of_messages(10)
            .send()
            .await?;
        let messages = received.messages.unwrap_or_default().into_iter();
        Ok(messages.filter_map(|message| message.body).collect())
    }

    /// Waits until every function has done what it was given and no queue has anything for it. What a killed process had
    /// received stays hidden for longer than any scenario, and does not count.
    ///
    /// # Errors
    /// If that is not so within the bound.
    pub async fn quiet(&self, within: Duration) -> Result<()> {
        let mut quiet_looks = 0;
        let end = tokio::time::Instant::now() + within;
        // A batch is on its way for a moment after it left its queue and before its invocation counts.
        while quiet_looks < QUIET_LOOKS {
            anyhow::ensure!(
                tokio::time::Instant::now() < end,
                "not quiet within {within:?}"
            );
            let waiting = self.waiting_jobs().await?;
            quiet_looks = if waiting == 0 && !self.is_working() {
                quiet_looks + 1
            } else {
                0
            };
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Messages that a function is yet to receive, delayed ones included.
    async fn waiting_jobs(&self) -> Result<u64> {
        let mut waiting = 0;
        for queue in self
            .run
            .template()
            .queues
            .iter()
            .filter(|queue| queue.redrive.is_some())
        {
            waiting += self
                .depth(
                    &queue.url,
                    &[
                        Attribute::ApproximateNumberOfMessages,
                        Attribute::ApproximateNumberOfMessagesDelayed,
                    ],
                )
                .await?;
        }
        Ok(waiting)
    }

    async fn depth(&self, url: &str, attributes: &[Attribute]) -> Result<u64> {
        let request = self.run.clients().sqs.get_queue_attributes().queue_url(url);
        let answer = request
            .set_attribute_names(Some(attributes.to_vec()))
            .send()
            .await?;
        let counts = answer.attributes.unwrap_or_default().into_values();
        Ok(counts.filter_map(|count| count.parse::<u64>().ok()).sum())
    }

    fn is_working(&self) -> bool {
        let functions = self.run.template().functions.iter();
        let mut counts = functions.map(|function| self.run.invocations(&function.logical_id));
        counts.any(|count| count.started > count.succeeded + count.failed)
    }

    /// How many messages lie in the queues that nobody works on: dead letters and failed events.
    ///
    /// # Errors
    /// If a queue cannot be read.
    pub async fn dead_letters(&self) -> Result<u64> {
        let mut dead = 0;
        for queue in self
            .run
            .template()
            .queues
            .iter()
            .filter(|queue| queue.redrive.is_none())
        {
            dead += self
                .depth(&queue.url, &[Attribute::ApproximateNumberOfMessages])
                .await?;
        }
        Ok(dead)
    }

    /// Everything that must never be: breaches of the published schemas, tokens where they do not
    /// belong, and calls that the template does not grant.
    #[must_use]
    pub fn breaches(&self) -> Vec<String> {
        let StandIns {
            whatsapp,
            genesys,
            canary,
        } = &self.standins;
        let violations = whatsapp
            .violations()
            .into_iter()
            .chain(genesys.violations());
        let violations = violations.map(|violation| format!("specification: {violation:?}"));
        let strays = canary
            .strays()
            .into_iter()
            .map(|stray| format!("stray token: {stray:?}"));
        let denied = self.run.calls().into_iter().filter(|call| call.denied > 0);
        let denied = denied.map(|call| format!("not granted: {call:?}"));
        violations.chain(strays).chain(denied).collect()
    }

    /// Ends everything in order.
    ///
    /// # Errors
    /// If the engines' state cannot be written.
    pub async fn stop(self) -> Result<()> {
        self.run.stop().await
    }
}
