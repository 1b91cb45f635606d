//! `attache webhooks`: tells platforms where their webhooks go, shows what they have registered, takes it back.
//!
//! Done again, it finds nothing to do. Where a platform has no way to be told, the steps and values for its screens are printed
//! instead, which `attache connections show` prints too.

use anyhow::{Context, Result, bail, ensure};
use attache_domain::connection::{Connection, Endpoint};
use attache_domain::ids::ConnectionId;
use attache_domain::platforms::subscription::{
    Hook, Registered, is_there, list_request, read_list, register_request, remove_requests,
};
use attache_domain::signature::Secret;
use attache_domain::wire::{Request, Response};
use attache_edge::http::Platforms;
use attache_flow::ports::{Credential, Http};
use clap::{Args, Subcommand};
use serde_json::json;
use url::Url;

use crate::connections::{Paste, Vault, reveal_command};
use crate::doctor::Tenant;
use crate::system::Target;

/// What is to be done.
#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Registers our endpoint for a connection: address, and secret or events where the platform takes them. What is there already
    /// is left as it is. Where the platform has no way to be told, it prints the steps and values to paste; exit code 1 then.
    Register(Options),
    /// Shows what the platform has registered.
    List(Options),
    /// Takes our registration back. What others registered stays.
    Remove(Options),
}

/// Options of each verb.
#[derive(Args, Debug)]
pub struct Options {
    /// The connection.
    #[arg(value_name = "CONNECTION")]
    connection: String,
    #[command(flatten)]
    target: Target,
    /// The id of the WhatsApp business account; its webhooks then go to our endpoint whatever stands in the app's dashboard.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Prints one JSON document: connection, outcome, and what is registered.
    #[arg(long)]
    json: bool,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Listed,
    Registered,
    AlreadyThere,
    Removed,
    NothingThere,
    ByHand,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Registered => "registered",
            Self::AlreadyThere => "already-there",
            Self::Removed => "removed",
            Self::NothingThere => "nothing-there",
            Self::ByHand => "by-hand",
        }
    }
}

/// Everything that a verb needs.
struct Desk<'a> {
    tenant: &'a Tenant,
    connection: &'a Connection,
    endpoint: Option<&'a Endpoint>,
    account: Option<&'a str>,
    url: Url,
    credential: Credential,
    platforms: Platforms,
}

/// Does it; `false` if it is to be done by hand.
///
/// # Errors
/// If the system or connection is not found, no token can be had, or the platform refuses.
pub async fn run(verb: &Verb) -> Result<bool> {
    let (Verb::Register(options) | Verb::List(options) | Verb::Remove(options)) = verb;
    let tenant = Tenant::of(options.target.locate().await?).await?;
    let id = ConnectionId::new(&*options.connection);
    let connection = tenant.connection(&id)?;
    let endpoint = tenant.endpoint(connection);
    let account = options.account.as_deref();
    let url = match endpoint {
        Some(endpoint) => tenant.system().callback_url(endpoint.id.as_str())?,
        None => bail!("connection {id} has no endpoint: nothing comes in over it"),
    };
    let by_hand = list_request(connection, account).is_none();
    if by_hand {
        return hand_over(options, &tenant, endpoint, Outcome::ByHand).await;
    }
    let desk = Desk {
        tenant: &tenant,
        connection,
        endpoint,
        account,
        url: Url::parse(&url)?,
        credential: tenant.token(connection).await?,
        platforms: Platforms::new(),
    };
    let known = desk.listed().await?;
    let outcome = match verb {
        Verb::List(_) => Outcome::Listed,
        Verb::Register(_) => desk.register(&known).await?,
        Verb::Remove(_) => desk.remove(&known).await?,
    };
    if outcome == Outcome::ByHand {
        return hand_over(options, &tenant, endpoint, outcome).await;
    }
    let now = read_list(connection, &desk.listed().await?);
    print(options, outcome, &now)?;
    Ok(true)
}

impl Desk<'_> {
    async fn listed(&self) -> Result<Response> {
        let request = list_request(self.connection, self.account).context("it cannot be asked")?;
        let response = self.call(&request).await?;
        ensure!(
            response.status == 200,
            "{}",
            self.refused(&request, &response)
        );
        Ok(response)
    }

    async fn register(&self, known: &Response) -> Result<Outcome> {
        let endpoint = self.endpoint.context("it has no endpoint")?;
        let secret = self.secret(endpoint.secrets.first()).await?;
        let verify_token = self.secret(endpoint.verify_token.as_ref()).await?;
        let all = read_list(self.connection, known);
        let same_secret = shows(known, secret.as_ref());
        if is_there(self.connection, &all, &self.url) && same_secret {
            return Ok(Outcome::AlreadyThere);
        }
        let hook = Hook {
            url: &self.url,
            secret: secret.as_ref(),
            verify_token: verify_token.as_ref(),
        };
        let request = register_request(self.connection, self.account, &hook, known);
        let Some(request) = request else {
            return Ok(Outcome::ByHand);
        };
        let response = self.call(&request).await?;
        match response.status {
            200..=299 => Ok(Outcome::Registered),
            // Somebody was faster (`S3-25`).
            409 => Ok(Outcome::AlreadyThere),
            _ => bail!("{}", self.refused(&request, &response)),
        }
    }

    async fn remove(&self, known: &Response) -> Result<Outcome> {
        let all = read_list(self.connection, known);
        let requests = remove_requests(self.connection, self.account, &all, &self.url);
        if requests.is_empty() {
            let has_address = is_there(self.connection, &all, &self.url);
            return Ok(match has_address {
                true => Outcome::ByHand,
                false => Outcome::NothingThere,
            });
        }
        for request in &requests {
            let response = self.call(request).await?;
            // 404: it went meanwhile.
            let is_gone = matches!(response.status, 200..=299 | 404);
            ensure!(is_gone, "{}", self.refused(request, &response));
        }
        Ok(Outcome::Removed)
    }

    async fn call(&self, request: &Request) -> Result<Response> {
        let answer = self.platforms.call(request, &self.credential).await;
        answer.with_context(|| request.describe())
    }

    async fn secret(
        &self,
        name: Option<&attache_domain::connection::SecretName>,
    ) -> Result<Option<Secret>> {
        let Some(name) = name else { return Ok(None) };
        let vault = Vault::new(self.tenant.system().clients.secrets_manager.clone());
        let found = vault.get(name).await?;
        let missing = || format!("there is no secret {}: apply the file first", name.0);
        found.with_context(missing).map(Some)
    }

    fn refused(&self, request: &Request, response: &Response) -> String {
        let failure = self.tenant.judged(self.connection, response);
        let diagnosis = &failure.diagnosis;
        format!(
            "{}: {} ({}). {}",
            request.describe(),
            diagnosis.evidence,
            diagnosis.code,
            diagnosis.remedy
        )
    }
}

/// Whether a listing that shows its secret shows this one; one that shows none is not doubted.
fn shows(known: &Response, secret: Option<&Secret>) -> bool {
    let body: serde_json::Value = serde_json::from_slice(&known.body).unwrap_or_default();
    let theirs = body.get("outboundNotificationWebhookSignatureSecretToken");
    match (theirs.and_then(serde_json::Value::as_str), secret) {
        (Some(theirs), Some(ours)) if !theirs.contains('*') => ours.matches(theirs.as_bytes()),
        _ => true,
    }
}

/// What a person does where no platform can be told.
async fn hand_over(
    options: &Options,
    tenant: &Tenant,
    endpoint: Option<&Endpoint>,
    outcome: Outcome,
) -> Result<bool> {
    let endpoint = endpoint.context("it has no endpoint")?;
    let mut paste = Paste::of(endpoint, tenant.system())?;
    let vault = Vault::new(tenant.system().clients.secrets_manager.clone());
    paste.look_up(&vault, false).await?;
    if options.json {
        let document = json!({ "connection": options.connection, "outcome": outcome.as_str(), "paste": paste });
        println!("{document}");
    } else {
        println!("Its platform cannot be told from here. Do it by hand:\n");
        print!("{}", paste.lines(&reveal_command(tenant.system())));
    }
    Ok(false)
}

fn print(options: &Options, outcome: Outcome, all: &[Registered]) -> Result<()> {
    let shown = |one: &Registered| {
        let url = one
            .url
            .as_deref()
            .map(|url| url.split('?').next().unwrap_or_default());
        json!({ "id": one.id, "url": url, "events": one.events })
    };
    if options.json {
        let all: Vec<_> = all.iter().map(shown).collect();
        let document = json!({ "connection": options.connection, "outcome": outcome.as_str(), "registered": all });
        println!("{document}");
        return Ok(());
    }
    println!("{}: {}", options.connection, outcome.as_str());
    for one in all {
        let url = one
            .url
            .as_deref()
            .unwrap_or("the address in the app's dashboard");
        let url = url.split('?').next().unwrap_or_default();
        let id = one.id.as_deref().unwrap_or("-");
        println!("  {id}  {url}  {}", one.events.join(", "));
    }
    Ok(())
}
