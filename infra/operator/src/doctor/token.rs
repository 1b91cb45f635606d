//! Whether a token can be had, and for how long.

use std::collections::BTreeMap;
use std::time::Duration;

use attache_domain::connection::{Account, Connection, SecretName};
use attache_domain::diagnosis::Disposition;
use attache_domain::ids::ConnectionId;
use attache_domain::platforms::genesys;
use attache_domain::signature::Secret;
use attache_flow::ports::Credential;

use super::notebook::Notebook;
use super::rule::Rule;
use super::subject::{Kept, Subject};
use super::visit::Visitor;

/// A batch is not begun with less (`S0-60`).
const SHORT: Duration = Duration::from_secs(300);

/// A good token of each connection that has one, and the way they were got by.
#[derive(Default)]
pub(super) struct Tokens {
    pub(super) visitor: Visitor,
    tokens: BTreeMap<ConnectionId, Secret>,
}

impl Tokens {
    /// A connection's token, as a call carries it.
    pub(super) fn of(&self, connection: &ConnectionId) -> Option<Credential> {
        self.tokens.get(connection).cloned().map(Credential::Bearer)
    }
}

/// Asks for a token for every connection that is not cut off.
pub(super) async fn check(subject: &Subject, notes: &mut Notebook) -> Tokens {
    let mut tokens = Tokens::default();
    for connection in subject.connections() {
        if notes.cut_off.contains(&connection.id) {
            notes.skip(
                "token",
                &connection.id,
                "one of its hosts has an error: nothing is sent there",
            );
            continue;
        }
        if let Some(token) = obtained(subject, connection, &tokens.visitor, notes).await {
            tokens.tokens.insert(connection.id.clone(), token);
        }
    }
    tokens
}

/// A token of one connection.
pub(super) async fn of_one(
    subject: &Subject,
    connection: &Connection,
    notes: &mut Notebook,
) -> Option<Credential> {
    let visitor = Visitor::default();
    let token = obtained(subject, connection, &visitor, notes).await;
    token.map(Credential::Bearer)
}

async fn obtained(
    subject: &Subject,
    connection: &Connection,
    visitor: &Visitor,
    notes: &mut Notebook,
) -> Option<Secret> {
    let Some(name) = secret_name(connection) else {
        notes.skip(
            "token",
            &connection.id,
            "its profile's tokens are not looked at",
        );
        return None;
    };
    let secret = match subject.secret(name).await {
        Ok(Kept::Value(secret)) => secret,
        Ok(Kept::Missing(why)) => {
            notes.find(Rule::SecretMissing, &connection.id, why);
            return None;
        }
        Ok(Kept::NotYet) => {
            notes.skip("token", &connection.id, "its secret is not there yet");
            return None;
        }
        Err(error) => {
            notes.skip("token", &connection.id, format!("{error:#}"));
            return None;
        }
    };
    let Some(request) = genesys::token_request(connection) else {
        // A long-lived token: what it is good for shows with the first question.
        return Some(secret);
    };
    let id = connection.org().map(|org| org.client_id.clone());
    let id = id.unwrap_or_default();
    let credential = Credential::Basic { id, secret };
    let answer = match visitor.ask(&request, &credential, notes).await {
        Ok(answer) => answer,
        Err(error) => {
            notes.find(Rule::TokenUnanswered, &connection.id, error.to_string());
            return None;
        }
    };
    match genesys::read_token(&answer, visitor.now()) {
        Ok(granted) => {
            let seconds = granted.life.as_secs();
            match granted.life < SHORT {
                true => notes.find(Rule::TokenShort, &connection.id, format!("{seconds} s")),
                false => notes.well("token", &connection.id, format!("lives {seconds} s")),
            }
            Some(granted.token)
        }
        Err(failure) => {
            let rule = match failure.disposition {
                Disposition::Unauthorised | Disposition::Rejected => Rule::TokenRefused,
                _ => Rule::TokenUnanswered,
            };
            notes.find(rule, &connection.id, failure.diagnosis.evidence);
            None
        }
    }
}

fn secret_name(connection: &Connection) -> Option<&SecretName> {
    match &connection.account {
        Account::WhatsApp { token, .. } => Some(token),
        _ => connection
            .org()
            .map(|org| &org.client_secret)
            .or_else(|| connection.page().map(|page| &page.token)),
    }
}
