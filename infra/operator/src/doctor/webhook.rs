//! Our endpoints as platforms meet them, and what platforms have registered of them.

use std::time::Duration;

use attache_domain::connection::{Connection, Endpoint};
use attache_domain::platforms::subscription::{is_there, list_request, needed_events, read_list};
use attache_domain::wire::{Auth, Body, Method, Request};
use attache_flow::ports::Credential;
use serde_json::Value;
use url::Url;

use super::accounts::{self, Accounts};
use super::notebook::Notebook;
use super::rule::Rule;
use super::subject::{Kept, Subject};
use super::tenant::refusal;
use super::token::Tokens;
use super::visit::Visitor;
use crate::system::System;

/// How long an endpoint may take to answer: a cold start, generously.
const PATIENCE: Duration = Duration::from_secs(15);

/// What Meta's verification call asks to have back; ours says who asks.
const CHALLENGE: &str = "attache-doctor";

/// Where an integration says whom it calls.
const CALLBACK: &str = "outboundNotificationWebhookUrl";

/// Calls every endpoint, and compares what platforms have registered.
pub(super) async fn check(
    subject: &Subject,
    tokens: &Tokens,
    accounts: &Accounts,
    notes: &mut Notebook,
) {
    let visitor = &tokens.visitor;
    let Some(system) = &subject.system else {
        let why = "no system was named: its address is not known";
        notes.skip("webhook", "endpoints", why);
        return;
    };
    for endpoint in subject.endpoints() {
        reach(subject, system, endpoint, visitor, notes).await;
    }
    for connection in subject.connections() {
        match accounts.get(&connection.id) {
            Some(account) if account.get(CALLBACK).is_some() => {
                registered(subject, system, connection, account, notes).await;
            }
            _ => listed(system, connection, tokens, notes).await,
        }
    }
}

/// Calls an endpoint as Meta verifies one; where there is nothing to verify, the refusal shows that it is there.
async fn reach(
    subject: &Subject,
    system: &System,
    endpoint: &Endpoint,
    visitor: &Visitor,
    notes: &mut Notebook,
) {
    let about = format!("endpoint/{}", endpoint.id);
    let url = system.callback_url(endpoint.id.as_str());
    let url = url.map(|url| Url::parse(&url));
    let Ok(Ok(mut url)) = url else {
        notes.skip("webhook", about, "the system does not know its own address");
        return;
    };
    let token = match &endpoint.verify_token {
        None => None,
        Some(name) => match subject.secret(name).await {
            Ok(Kept::Value(secret)) => Some(secret),
            // Told of with the secrets.
            Ok(Kept::Missing(_) | Kept::NotYet) | Err(_) => {
                notes.skip("webhook", about, "its verify token is not there");
                return;
            }
        },
    };
    if let Some(token) = &token {
        let token = String::from_utf8_lossy(token.expose());
        url.query_pairs_mut()
            .append_pair("hub.mode", "subscribe")
            .append_pair("hub.challenge", CHALLENGE)
            .append_pair("hub.verify_token", &token);
    }
    let request = Request {
        method: Method::Get,
        url,
        auth: Auth::None,
        body: Body::Empty,
        patience: PATIENCE,
        local: system.allow_local,
    };
    let answer = match visitor.ask(&request, &Credential::None, notes).await {
        Ok(answer) => answer,
        Err(error) => {
            notes.find(Rule::WebhookUnreachable, about, error.to_string());
            return;
        }
    };
    match (answer.status, &token) {
        (200, Some(_)) if answer.body == CHALLENGE.as_bytes() => {
            notes.well("webhook", about, "answers its verify token");
        }
        (404, _) => notes.find(Rule::WebhookUnknown, about, "404"),
        (403, Some(_)) => notes.find(
            Rule::WebhookVerifyToken,
            about,
            "403 to the token that is kept",
        ),
        (403, None) => notes.well("webhook", about, "is there"),
        (status, _) => notes.find(Rule::WebhookUnreachable, about, format!("status {status}")),
    }
}

/// Compares what a Genesys integration has with what it should have.
async fn registered(
    subject: &Subject,
    system: &System,
    connection: &Connection,
    account: &Value,
    notes: &mut Notebook,
) {
    let text = |key: &str| account.get(key).and_then(Value::as_str);
    let Some(url) = text(CALLBACK) else {
        return;
    };
    let endpoint = connection
        .endpoint()
        .and_then(|id| subject.directory.endpoint(id));
    let Some(endpoint) = endpoint else {
        notes.skip(
            "registered",
            &connection.id,
            "it has no endpoint: agents cannot write back",
        );
        return;
    };
    match system.callback_url(endpoint.id.as_str()) {
        Ok(ours) if ours == url => notes.well("registered", &connection.id, ours),
        Ok(ours) => {
            let evidence = format!("it calls {}, not {ours}", without_query(url));
            notes.find(Rule::WebhookElsewhere, &connection.id, evidence);
            return;
        }
        Err(error) => {
            notes.skip("registered", &connection.id, format!("{error:#}"));
            return;
        }
    }
    let Some(theirs) = text("outboundNotificationWebhookSignatureSecretToken") else {
        notes.skip(
            "webhook-secret",
            &connection.id,
            "its platform does not show it",
        );
        return;
    };
    if theirs.is_empty() || theirs.contains('*') {
        notes.skip(
            "webhook-secret",
            &connection.id,
            "its platform does not show it",
        );
        return;
    }
    let mut known = 0;
    for name in &endpoint.secrets {
        if let Ok(Kept::Value(secret)) = subject.secret(name).await {
            known += 1;
            if secret.matches(theirs.as_bytes()) {
                notes.well("webhook-secret", &connection.id, "the one that is kept");
                return;
            }
        }
    }
    if known > 0 {
        let evidence = format!("it signs with none of the {known} secrets that are kept");
        notes.find(Rule::WebhookSecret, &connection.id, evidence);
    }
}

/// Asks for what is registered, where that is a list of its own, and whether we are on it with all that is needed.
async fn listed(system: &System, connection: &Connection, tokens: &Tokens, notes: &mut Notebook) {
    let Some(credential) = tokens.of(&connection.id) else {
        return;
    };
    let url = connection
        .endpoint()
        .and_then(|id| system.callback_url(id.as_str()).ok())
        .and_then(|url| Url::parse(&url).ok());
    let request = list_request(connection, None);
    let Some((request, url)) = request.zip(url) else {
        let why = "its platform tells nobody what is registered, or not without more ids: `attache webhooks list`";
        notes.skip("registered", &connection.id, why);
        return;
    };
    let answer = match tokens.visitor.ask(&request, &credential, notes).await {
        Ok(answer) if answer.status == 200 => answer,
        Ok(answer) => {
            let failure = refusal(connection, &answer, tokens.visitor.now());
            return accounts::refused(connection, &failure, notes);
        }
        Err(error) => {
            notes.find(Rule::AccountUnanswered, &connection.id, error.to_string());
            return;
        }
    };
    let all = read_list(connection, &answer);
    if is_there(connection, &all, &url) {
        notes.well("registered", &connection.id, "all that is needed");
        return;
    }
    let needed = needed_events(connection.profile());
    let has = |event: &&&str| {
        all.iter()
            .any(|one| one.events.iter().any(|it| it == **event))
    };
    let lacking: Vec<&str> = needed.iter().filter(|event| !has(event)).copied().collect();
    match lacking.is_empty() {
        true => {
            let evidence = format!("{} are registered, none of them leads to {url}", all.len());
            notes.find(Rule::WebhookElsewhere, &connection.id, evidence);
        }
        false => {
            let evidence = format!("not subscribed: {}", lacking.join(", "));
            notes.find(Rule::WebhookEvents, &connection.id, evidence);
        }
    }
}

/// A link without what may be secret in it.
fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}
