//! The whole system on this machine, with short times: how it is started, given files, and watched until they rest.

mod looks;
mod social;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attache_domain::audit::Actor;
use attache_domain::connection::{Connection, Retention, Row};
use attache_domain::event::{FollowUp, Origin};
use attache_domain::ids::{AttachmentId, ConnectionId, MediaId, MessageId};
use attache_domain::job::ItemJob;
use attache_domain::journey::{Item, RETENTION};
use attache_domain::token::{Purpose, row_id};
use attache_edge::clock::SystemClock;
use attache_edge::dynamodb::{ItemsTable, TokensTable};
use attache_flow::ports::{Announced, Clock, Items as _, Saved, Tokens as _};
use attache_local::LocalRun;
use attache_operator::content::LocalContent;
use attache_operator::site::{self, STAGE, Seed, SiteOptions, table_name};
use attache_operator::standins::{Social, StandIns, integrations};
use attache_platforms::canary::Canary;
use attache_platforms::genesys::{AgentFile, Genesys, GenesysOptions};
use attache_platforms::messenger::{Messenger, MessengerOptions};
use attache_platforms::whatsapp::{Composed, MediaFile, Say, WhatsApp, WhatsAppOptions};
use url::Url;

use crate::{LogBook, binaries, eventually};

/// The connection that files come in by.
pub const CUSTOMER_SIDE: &str = "whatsapp-demo";

/// The customer, as WhatsApp's documents know her.
pub const CUSTOMER: &str = "16505551234";

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

/// How long functions may take to come up and get their tokens.
const CURTAIN_UP: Duration = Duration::from_secs(60);

/// Rows of a configuration, once the platforms are there to be named.
pub type Rows = fn(&StandIns) -> Result<Vec<Row>>;

/// What differs from stage to stage.
#[derive(Debug, Default)]
pub struct Setup {
    /// The customer's platform.
    pub whatsapp: WhatsAppOptions,
    /// Messenger and Instagram, if customers write over them too.
    pub messenger: Option<MessengerOptions>,
    /// The agent's platform.
    pub genesys: GenesysOptions,
    /// Template parameters over the stage's own.
    pub parameters: Vec<(&'static str, &'static str)>,
    /// What is configured besides the two platforms and the routes between them; a later row replaces an earlier one.
    pub rows: Option<Rows>,
    /// What is configured besides that, with secrets of its own: of platforms that the scenario brings along.
    pub more: Seed,
    /// Who watches for tokens, on all platforms.
    pub canary: Canary,
    /// Where both endpoints pass webhooks on to.
    pub forward_to: Option<Url>,
    /// Whether both endpoints only watch.
    pub shadow: bool,
    /// How long both sides' files stay.
    pub retention: Retention,
    /// Where a clamd listens that is asked for each file, `host:port`.
    pub clamd: Option<String>,
    /// The name of a content domain, from which platforms fetch files.
    pub content_domain: Option<&'static str>,
    /// What else differs at both connections.
    pub connections: Option<fn(&mut Connection)>,
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

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The message that carries it.
    pub message: attache_platforms::whatsapp::MessageId,
    /// The item it becomes: its row's key follows from what the platform announces.
    pub id: MediaId,
}

fn sent(side: &str, message: attache_platforms::whatsapp::MessageId, part: AttachmentId) -> Sent {
    let id = MediaId::derive(
        &ConnectionId::new(side),
        &MessageId::new(message.as_str()),
        &part,
    );
    Sent { message, id }
}

impl Stage {
    /// Starts a stage: everything is up, tokens are there, WhatsApp has made its verification call.
    ///
    /// # Errors
    /// If something cannot be built or started.
    pub async fn start(setup: Setup) -> Result<Self> {
        let binaries = binaries::folder().await?.to_owned();
        let canary = setup.canary;
        let whatsapp = WhatsApp::start(WhatsAppOptions {
            canary: canary.clone(),
            ..setup.whatsapp
        })
        .await?;
        let is_social = setup.messenger.is_some();
        let messenger = Messenger::start(MessengerOptions {
            canary: canary.clone(),
            ..setup.messenger.unwrap_or_default()
        })
        .await?;
        let mut genesys = setup.genesys;
        if is_social {
            genesys.integrations.extend(integrations());
        }
        let genesys = Genesys::start(GenesysOptions {
            canary: canary.clone(),
            outbound_types: vec!["*/*".to_owned()],
            ..genesys
        })
        .await?;
        let standins = StandIns {
            whatsapp,
            messenger,
            genesys,
            canary,
        };
        let log = LogBook::default();
        let parameters = PARAMETERS.into_iter().chain(setup.parameters);
        let mut parameters: BTreeMap<_, _> = parameters
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        if let Some(address) = setup.clamd {
            parameters.insert("Scanner".to_owned(), format!("clamd://{address}"));
        }
        let content = setup.content_domain.map(LocalContent::named).transpose()?;
        if let Some(content) = &content {
            parameters.extend(content.parameters.clone());
        }
        let options = SiteOptions {
            parameters,
            log: Some(Arc::new(log.clone())),
            ..SiteOptions::default()
        };
        let provisioned = site::provision(binaries, options).await?;
        let mut seed = standins.seed(STAGE)?;
        if is_social {
            seed = seed.and(standins.social_seed(STAGE)?);
        }
        seed.secrets.extend(content.map(|content| content.secret));
        for row in &mut seed.rows {
            match row {
                Row::Endpoint(endpoint) => {
                    endpoint.forward_to.clone_from(&setup.forward_to);
                    endpoint.shadow = setup.shadow;
                }
                Row::Connection(connection) => {
                    connection.retention = setup.retention;
                    setup
                        .connections
                        .into_iter()
                        .for_each(|change| change(connection));
                }
                Row::Route(_) | Row::Policy(_) => {}
            }
        }
        if let Some(rows) = setup.rows {
            seed.rows.extend(rows(&standins)?);
        }
        seed.rows.extend(setup.more.rows);
        seed.secrets.extend(setup.more.secrets);
        let run = site::start(provisioned, &seed).await?;
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
        if is_social {
            let subscribed = stage.standins.subscribe_social(stage.run.api_url());
            subscribed.await.context("Meta's verification calls")?;
        }
        stage.tokens_are_there(is_social).await?;
        Ok(stage)
    }

    /// Waits until all sides' tokens are in the table, so that what follows does not depend on who was first.
    async fn tokens_are_there(&self, is_social: bool) -> Result<()> {
        let social = Social::ALL.iter().filter(|_| is_social);
        let social = social.flat_map(|it| [it.customers, it.agents]);
        for connection in [CUSTOMER_SIDE, AGENT_SIDE].into_iter().chain(social) {
            for purpose in [Purpose::Media, Purpose::Messages] {
                let id = row_id(&ConnectionId::new(connection), purpose);
                let look = || async { Ok(self.tokens.load(&id).await?.and_then(|row| row.sealed)) };
                eventually(&format!("a token for {connection}"), CURTAIN_UP, look).await?;
            }
        }
        Ok(())
    }

    /// A file, written and not sent yet.
    ///
    /// # Errors
    /// If the stand-in does not know the file it just took.
    pub fn compose(&self, file: MediaFile) -> Result<(Sent, Composed)> {
        self.compose_to((0, CUSTOMER_SIDE), file)
    }

    /// The same, to the account's number with this index, which comes in by this connection.
    ///
    /// # Errors
    /// As [`Stage::compose`].
    pub fn compose_to(
        &self,
        (number, connection): (usize, &str),
        file: MediaFile,
    ) -> Result<(Sent, Composed)> {
        let whatsapp = &self.standins.whatsapp;
        let customer = whatsapp.customer_named(CUSTOMER, "Sheena Nelson", number);
        let composed = customer.compose_media(file);
        let message = composed.id().clone();
        let medium = self
            .standins
            .whatsapp
            .medium(&message)
            .context("the stand-in does not know its own file")?;
        let id = MediaId::derive(
            &ConnectionId::new(connection),
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

    /// Has the customer say something that is no file.
    #[must_use]
    pub fn says(&self, say: Say) -> Sent {
        let message = self.standins.whatsapp.customer().say(say);
        sent(
            CUSTOMER_SIDE,
            message,
            FollowUp::Words.part(&AttachmentId::new("")),
        )
    }

    /// Has the agent write a text to the customer.
    #[must_use]
    pub fn agent_says(&self, text: &str) -> Sent {
        let message = self.standins.genesys.agent().send_text(CUSTOMER, text);
        sent(
            AGENT_SIDE,
            message,
            FollowUp::Words.part(&AttachmentId::new("")),
        )
    }

    /// Has the agent send a file to the customer, with a text if it is not empty.
    ///
    /// # Errors
    /// If the platform does not let the agent send it.
    pub fn agent_sends(&self, file: AgentFile, text: &str) -> Result<Sent> {
        let genesys = &self.standins.genesys;
        let message = genesys.agent().send_file(CUSTOMER, file, text)?;
        let known = genesys.sent().into_iter().find(|known| known.id == message);
        let part = known
            .as_ref()
            .and_then(|known| known.body.pointer("/content/0/attachment/id")?.as_str());
        let part = AttachmentId::new(part.context("the stand-in does not know its own file")?);
        Ok(sent(AGENT_SIDE, message, part))
    }

    /// The row of a file, if there is one.
    ///
    /// # Errors
    /// If the table cannot be read.
    pub async fn item(&self, sent: &Sent) -> Result<Option<Item>> {
        self.row(&sent.id).await
    }

    /// The row with this id, if there is one.
    ///
    /// # Errors
    /// If the table cannot be read.
    pub async fn row(&self, id: &MediaId) -> Result<Option<Item>> {
        Ok(self.items.load(id).await?)
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

    /// Writes words of a message down that nobody has a job for: their row, and the job.
    ///
    /// # Errors
    /// If the table cannot be reached.
    pub async fn write_down(&self, origin: Origin) -> Result<(Item, ItemJob)> {
        let now = Clock::now(&SystemClock::default());
        let spans = (CURTAIN_UP, RETENTION);
        let item = Item::announce(origin, Actor::Intake, now, spans);
        ensure!(self.items.announce(&item).await? == Announced::New, "known");
        let target = item.origin.target.as_ref().context("no target")?;
        let job = item.job(target);
        Ok((item, job))
    }

    /// Ends the lease that somebody holds on a file who does nothing any more, as time would: nobody waits minutes for it.
    ///
    /// # Errors
    /// If the table cannot be reached.
    pub async fn end_lease(&self, sent: &Sent) -> Result<()> {
        let ended = || async {
            let Some(mut item) = self.item(sent).await? else {
                return Ok(Some(()));
            };
            let Some(lease) = &mut item.gate.lease else {
                return Ok(Some(()));
            };
            lease.until = lease.since;
            item.gate.due_at = Some(lease.since);
            let saved = self.items.save(&mut item).await?;
            Ok((saved == Saved::Done).then_some(()))
        };
        eventually("an ended lease", CURTAIN_UP, ended).await
    }

    /// Ends everything in order.
    ///
    /// # Errors
    /// If the engines' state cannot be written.
    pub async fn stop(self) -> Result<()> {
        self.run.stop().await
    }
}
