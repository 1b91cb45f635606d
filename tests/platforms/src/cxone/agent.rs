//! The agent: CXone calls the middleware with what he writes, by either contract, with the token that the middleware issued.

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::state::{ISSUER, State, Stored, lock};

const ONE: &str = include_str!("../../examples/cxone/byoc-outbound-1.0-request.json");
const TWO: &str = include_str!("../../examples/cxone/byoc-outbound-2.0-request.json");

/// By which contract a channel type calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contract {
    /// `POST {box}/1.0/posts/{id}/messages`.
    One,
    /// `POST {box}/2.0/channel/{channelId}/outbound`.
    Two,
}

/// What the agent writes.
#[derive(Clone, Debug)]
pub struct Outbound {
    /// How the channel type is set up.
    pub contract: Contract,
    /// The conversation's thread, as the middleware named it.
    pub thread: String,
    /// The text.
    pub text: String,
    /// Files: name, type, bytes.
    pub files: Vec<(String, String, Bytes)>,
    /// How often the same call is made, to the byte.
    pub times: u32,
}

/// How the middleware answered.
#[derive(Clone, Debug)]
pub struct Call {
    /// Each call's status, refused ones included.
    pub statuses: Vec<u16>,
    /// The bodies of those that were not refused, as JSON.
    pub answers: Vec<Value>,
    /// What was sent.
    pub body: Value,
}

pub(super) async fn send(state: &State, outbound: &Outbound) -> anyhow::Result<Call> {
    let base = lock(&state.box_url)
        .clone()
        .context("no middleware is set")?;
    let path = match outbound.contract {
        Contract::One => "1.0/posts/p1/messages".to_owned(),
        Contract::Two => format!("2.0/channel/{}/outbound", state.options.channel_id),
    };
    let url = format!("{base}/{path}");
    let body = body(state, outbound)?;
    let mut call = Call {
        statuses: Vec::new(),
        answers: Vec::new(),
        body: body.clone(),
    };
    for _ in 0..outbound.times {
        let answer = loop {
            let token = lock(&state.middleware_token).clone();
            let request = state.client.post(&url).json(&body);
            let request = match &token {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            let answer = request.send().await.context("the middleware")?;
            call.statuses.push(answer.status().as_u16());
            if answer.status() != StatusCode::UNAUTHORIZED || call.statuses.len() > 6 {
                break answer;
            }
            fetch_token(state, &format!("{base}/1.0/token")).await?;
        };
        if answer.status() == StatusCode::OK {
            let text = answer.text().await?;
            call.answers
                .push(serde_json::from_str(&text).context("an answer that is no JSON")?);
        }
    }
    Ok(call)
}

/// The client-credentials grant, as the public sample sends it: JSON.
async fn fetch_token(state: &State, url: &str) -> anyhow::Result<()> {
    let (id, secret) = &state.options.middleware_client;
    let body =
        json!({ "client_id": id, "client_secret": secret, "grant_type": "client_credentials" });
    let answer = state.client.post(url).json(&body).send().await?;
    let status = answer.status();
    ensure!(status == StatusCode::OK, "no token: {status}");
    let answer: Value = serde_json::from_str(&answer.text().await?)?;
    let token = answer
        .get("access_token")
        .and_then(Value::as_str)
        .context("no access_token")?;
    let kind = answer.get("token_type").and_then(Value::as_str);
    ensure!(kind == Some("Bearer"), "token_type {kind:?}");
    // No host of ours may ever see it.
    state.options.canary.watch(ISSUER, token, &[]);
    *lock(&state.middleware_token) = Some(token.to_owned());
    Ok(())
}

fn body(state: &State, outbound: &Outbound) -> anyhow::Result<Value> {
    let mut body: Value = serde_json::from_str(match outbound.contract {
        Contract::One => ONE,
        Contract::Two => TWO,
    })?;
    body["thread"]["idOnExternalPlatform"] = json!(outbound.thread);
    let now = state.options.clock.now();
    let mut attachments = Vec::new();
    for (name, mime, bytes) in &outbound.files {
        let id = crate::random::uuid();
        let file = Stored {
            bytes: bytes.clone(),
            mime: mime.clone(),
            created_at: now,
        };
        let url = state.store(&id, file, state.options.link_life);
        attachments.push(json!({
            "id": id, "friendlyName": name, "url": url, "mimeType": mime, "isInline": false, "previewUrl": null, "canBeStored": true,
        }));
    }
    match outbound.contract {
        Contract::One => body["message"]["text"] = json!(outbound.text),
        Contract::Two => {
            let customer = outbound.thread.rsplit('_').next().unwrap_or_default();
            for list in ["endUserRecipients", "recipients"] {
                body[list][0]["idOnExternalPlatform"] = json!(customer);
            }
            body["messageContent"]["payload"]["text"] = json!(outbound.text);
            let milliseconds = time::macros::format_description!(
                "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
            );
            body["createdAtWithMilliseconds"] = json!(now.format(&milliseconds)?);
        }
    }
    body["attachments"] = json!(attachments);
    Ok(body)
}
