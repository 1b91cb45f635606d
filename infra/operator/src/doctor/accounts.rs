//! Whether the platform knows what a connection names, lets it be seen, and takes what the other side of its route sends.

use std::collections::BTreeMap;

use attache_domain::channels::{Bounds, Direction, MediaType, TypePattern, live};
use attache_domain::connection::{Connection, Profile};
use attache_domain::diagnosis::Failure;
use attache_domain::ids::ConnectionId;
use attache_domain::platforms::genesys::{self, Question};
use attache_domain::platforms::{account_request, read_account};
use attache_flow::ports::Credential;
use serde_json::Value;

use super::notebook::Notebook;
use super::rule::Rule;
use super::subject::Subject;
use super::token::Tokens;

/// Types that agents send and every channel of customers takes (meta.md §2.7, §3, §4).
const USUAL: [&str; 2] = ["application/pdf", "image/jpeg"];

/// What platforms say of what connections name there.
pub(super) type Accounts = BTreeMap<ConnectionId, Value>;

/// Asks for each account, and for what it takes.
pub(super) async fn check(subject: &Subject, tokens: &Tokens, notes: &mut Notebook) -> Accounts {
    let mut accounts = Accounts::new();
    for connection in subject.connections() {
        let Some(credential) = tokens.of(&connection.id) else {
            continue;
        };
        let Some(request) = account_request(connection) else {
            let why = "its platform tells nothing of what it names";
            notes.skip("account", &connection.id, why);
            limits(connection, tokens, &credential, None, notes).await;
            continue;
        };
        let answer = tokens.visitor.ask(&request, &credential, notes).await;
        match read_account(connection, answer.as_ref(), tokens.visitor.now()) {
            Ok(account) => {
                notes.well("account", &connection.id, described(&account));
                limits(connection, tokens, &credential, Some(&account), notes).await;
                accounts.insert(connection.id.clone(), account);
            }
            Err(failure) => refused(connection, &failure, notes),
        }
    }
    accounts
}

/// What a person knows an account by.
fn described(account: &Value) -> String {
    let keys = ["display_phone_number", "name", "quality_rating", "status"];
    let known = keys.iter().filter_map(|key| account.get(*key)?.as_str());
    let known: Vec<&str> = known.collect();
    match known.is_empty() {
        true => "it is known".to_owned(),
        false => known.join(", "),
    }
}

/// By the diagnosis: the table of rules knows what a refusal means.
pub(super) fn refused(connection: &Connection, failure: &Failure, notes: &mut Notebook) {
    let code = &failure.diagnosis.code;
    let is = |end: &str| code.ends_with(end);
    let rule = if is(".permission") {
        Rule::PermissionMissing
    } else if is(".token-refused") {
        Rule::TokenRefused
    } else if is(".not-found") {
        Rule::AccountUnknown
    } else {
        Rule::AccountUnanswered
    };
    let evidence = format!("{code}: {}", failure.diagnosis.evidence);
    notes.find(rule, &connection.id, evidence);
}

/// Asks for the limits that an account has, where its platform tells them.
async fn limits(
    connection: &Connection,
    tokens: &Tokens,
    credential: &Credential,
    account: Option<&Value>,
    notes: &mut Notebook,
) {
    let request = match (genesys::limits_question(connection), account) {
        (Some(Question::Limits(request)), _) => Some(request),
        (Some(Question::Integration(_)), Some(account)) => {
            let profile = account.pointer("/supportedContent/id");
            let profile = profile.and_then(Value::as_str).unwrap_or("default");
            genesys::supported_content_request(connection, profile)
        }
        (Some(Question::Integration(_)), None) | (None, _) => None,
    };
    let Some(request) = request else {
        return;
    };
    let answer = match tokens.visitor.ask(&request, credential, notes).await {
        Ok(answer) => answer,
        Err(error) => {
            notes.find(Rule::AccountUnanswered, &connection.id, error.to_string());
            return;
        }
    };
    match genesys::read_limits(connection, &answer, tokens.visitor.now()) {
        Ok(taken) => wider(connection, &taken, notes),
        Err(failure) => return refused(connection, &failure, notes),
    }
    if connection.profile() == Profile::GenesysOpenMessaging && connection.endpoint().is_some() {
        let document = serde_json::from_slice(&answer.body).unwrap_or_default();
        let from_agents = live::read("genesys-open-messaging", Direction::ToCustomer, document);
        match from_agents {
            Ok(from_agents) => usual(connection, &from_agents, notes),
            Err(error) => notes.skip("content", &connection.id, error.to_string()),
        }
    }
}

/// What agents cannot send although customers' channels take it.
fn usual(connection: &Connection, live: &Bounds, notes: &mut Notebook) {
    let takes = |name: &&str| {
        let Ok(wanted) = MediaType::parse(name) else {
            return false;
        };
        let types = live.types.as_deref();
        types.is_none_or(|types| types.iter().any(|taken| taken.allows(&wanted, None)))
    };
    let refused: Vec<&str> = USUAL.into_iter().filter(|name| !takes(name)).collect();
    match refused.is_empty() {
        true => notes.well("content", &connection.id, "agents may send what is usual"),
        false => {
            let evidence = format!("agents may not send {}", refused.join(", "));
            notes.find(Rule::ContentRefused, &connection.id, evidence);
        }
    }
}

/// Where the owner's limits promise more than the platform takes.
fn wider(connection: &Connection, live: &Bounds, notes: &mut Notebook) {
    let own = &connection.limits;
    let larger = own
        .max_bytes
        .zip(live.max_bytes)
        .filter(|(own, live)| own > live);
    if let Some((own, live)) = larger {
        let evidence = format!("max_bytes is {own}, the platform takes {live}");
        notes.find(Rule::LimitWider, &connection.id, evidence);
    }
    let (Some(own), Some(live)) = (&own.types, &live.types) else {
        return;
    };
    let is_taken = |own: &&TypePattern| live.iter().any(|taken| taken.and(own).is_some());
    let beyond = own.iter().filter(|own| !is_taken(own));
    let beyond: Vec<String> = beyond.map(ToString::to_string).collect();
    if !beyond.is_empty() {
        let evidence = format!(
            "types has {}, which the platform does not take",
            beyond.join(", ")
        );
        notes.find(Rule::LimitWider, &connection.id, evidence);
    }
}
