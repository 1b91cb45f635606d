//! Media: their places, their bytes, their states.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Conversation, MediaState, Medium};
use crate::{
    faults::{Fault, Point},
    genesys::{
        api, error,
        fetch::allowed,
        state::{State, lock},
        store::{denied, slow_down, xml},
    },
    seal::BadLink,
    specs::Operation,
    wire::{Answer, Request},
};

/// Where these bytes go at the object store.
const FOLDER: &str = "messaging/";

/// The header that comes with a link and must come back with the bytes, and nothing but its value.
const TAGGING: &str = "x-amz-tagging";

/// What no file may be called with (the schema's text).
const FORBIDDEN: &str = "\\{^}%`]\">[~<#|";

fn tags(medium: &str) -> String {
    format!("organizationId=11111111-2222-3333-4444-555555555555&mediaId={medium}")
}

/// Answers a request for a place.
pub(in crate::genesys) async fn place(
    state: &State,
    request: &Request,
    ids: (&str, &str),
) -> Answer {
    let body = serde_json::from_slice::<Value>(&request.body);
    let name = body
        .as_ref()
        .ok()
        .and_then(|body| body["fileName"].as_str());
    let subjects: Vec<String> = name.into_iter().map(str::to_owned).collect();
    let fault = state.faults.take(Point::Place, &subjects);
    if let Some(fault) = fault
        && let Some(refused) = api::struck(state, request, fault).await
    {
        return refused;
    }
    if request.media_type().as_deref() != Some("application/json") {
        return error::unsupported(api::CONTENT_TYPE);
    }
    let Some(of) = state.agent_side.conversation(ids.0, ids.1) else {
        return error::not_found();
    };
    let Ok(body) = body else {
        return refused("The request body is not JSON.");
    };
    let broken = state.checker.request(Operation::MediaPlace, &body);
    if !broken.is_empty() {
        return error::invalid(&broken);
    }
    if let Some(problem) = problem(state, &body) {
        state.checker.breach(Operation::MediaPlace, "", problem);
        return refused(problem);
    }
    let answer = announce(state, of, body);
    match fault {
        Some(Fault::LostAnswer) => answer.lost(),
        _ => answer,
    }
}

/// Notes a medium, and says where its bytes go.
fn announce(state: &State, of: Conversation, metadata: Value) -> Answer {
    let id = crate::random::uuid();
    let dies_at = state.options.clock.now() + state.options.upload_life;
    let link = state
        .files
        .signed(&format!("{FOLDER}{id}"), dies_at.unix_timestamp());
    let answer = json!({
        "id": id, "name": metadata["fileName"], "uploadUrl": link,
        "uploadHeaders": { TAGGING: tags(&id) },
        "selfUri": format!(
            "/api/v2/conversations/messages/{}/communications/{}/messages/media/{id}",
            of.conversation_id, of.communication_id
        ),
    });
    lock(&state.agent_side.media).push(Medium {
        id,
        of,
        metadata,
        bytes: None,
        state: MediaState::Uploading,
    });
    state.background.changed();
    Answer::json(StatusCode::OK, &answer)
}

/// What the schema's text forbids.
fn problem(state: &State, metadata: &Value) -> Option<&'static str> {
    let name = metadata["fileName"].as_str().unwrap_or_default();
    let size = metadata["contentLengthBytes"].as_u64().unwrap_or_default();
    let is_bad = |c: char| c.is_whitespace() || FORBIDDEN.contains(c);
    if name.is_empty() || name.starts_with('.') || name.ends_with('/') || name.contains(is_bad) {
        return Some("the file name is not allowed");
    }
    (size == 0 || size > state.options.attachment_cap_bytes as u64)
        .then_some("the file size exceeds the maximum allowed size")
}

fn refused(problem: &str) -> Answer {
    error::answer(StatusCode::BAD_REQUEST, "bad.request", problem)
}

/// The medium that a request to the object store brings, if it brings one.
pub(in crate::genesys) fn upload_of(request: &Request) -> Option<&str> {
    let path = request.path.trim_start_matches('/');
    (request.method == Method::PUT).then(|| path.strip_prefix(FOLDER))?
}

/// Takes the bytes of a medium.
pub(in crate::genesys) async fn put(state: &Arc<State>, request: &Request, id: &str) -> Answer {
    let Some(medium) = state.agent_side.medium(id) else {
        return denied("Access Denied");
    };
    let subjects = subjects(&medium);
    let fault = state.faults.take(Point::Put, &subjects);
    match fault {
        Some(Fault::FiveHundreds) => return slow_down(),
        Some(Fault::HtmlErrorPage) => return Answer::html(StatusCode::BAD_GATEWAY),
        Some(Fault::UploadLinkExpired) => return denied("Request has expired"),
        Some(Fault::Unauthorised) => return denied("Access Denied"),
        Some(Fault::Stall) => state.faults.stalled().await,
        _ => {}
    }
    if let Some(refused) = refusal(state, request, &medium) {
        return refused;
    }
    let mime = request.media_type().unwrap_or_default();
    let fate = state.faults.take(Point::Scan, &subjects);
    state.agent_side.change(id, |medium| {
        medium.bytes = Some((request.body.clone(), mime.clone()));
    });
    state.background.changed();
    look_at(state, id, &mime, fate);
    let answer = Answer::new(StatusCode::OK, "application/xml", "");
    match fault {
        Some(Fault::LostAnswer) => answer.lost(),
        _ => answer,
    }
}

/// Looks at the bytes for a while; what the profile does not allow from agents is not valid.
fn look_at(state: &Arc<State>, id: &str, mime: &str, fate: Option<Fault>) {
    let end = match fate {
        Some(Fault::Silent202 | Fault::StuckQueued) => return,
        Some(Fault::VirusFound | Fault::Scan500 | Fault::TlsDowngrade) => MediaState::Invalid,
        _ if allowed(&state.options.outbound_types, mime) => MediaState::Valid,
        _ => MediaState::Invalid,
    };
    let (state, id) = (state.clone(), id.to_owned());
    let due = state.options.clock.now() + state.options.scan_takes;
    let background = state.background.clone();
    background.spawn(async move {
        state.options.clock.sleep_until(due).await;
        state.agent_side.change(&id, |medium| medium.state = end);
        state.background.changed();
    });
}

fn refusal(state: &State, request: &Request, medium: &Medium) -> Option<Answer> {
    let bad = |why| Some(xml(StatusCode::BAD_REQUEST, "InvalidArgument", why));
    if request.header("authorization").is_some() {
        return bad("Only one auth mechanism allowed");
    }
    let part = |name| request.parameter(name).unwrap_or_default();
    let (subject, now) = (
        format!("{FOLDER}{}", medium.id),
        state.options.clock.unix_seconds(),
    );
    let link = state
        .files
        .check(&subject, &part("Expires"), &part("Signature"), now);
    match link {
        Err(BadLink::Expired) => return Some(denied("Request has expired")),
        Err(BadLink::Forged) => return Some(denied("Access Denied")),
        Ok(()) => {}
    }
    let amazon = |name: &&http::HeaderName| name.as_str().starts_with("x-amz-");
    let exact = request.header(TAGGING) == Some(tags(&medium.id).as_str())
        && request.headers.keys().filter(amazon).count() == 1;
    if !exact {
        let why = "There were headers present in the request which were not signed, or signed ones are missing";
        return Some(xml(StatusCode::FORBIDDEN, "AccessDenied", why));
    }
    let announced = medium.metadata["contentLengthBytes"].as_u64();
    (announced != Some(request.body.len() as u64)).then(|| {
        let why = "payload mismatch: Content-Length differs from the announced size";
        xml(StatusCode::BAD_REQUEST, "InvalidArgument", why)
    })
}

/// By what a fault may be aimed at a medium: its id and its name.
pub(super) fn subjects(medium: &Medium) -> Vec<String> {
    let name = medium.metadata["fileName"].as_str().map(str::to_owned);
    std::iter::once(medium.id.clone()).chain(name).collect()
}

/// Answers a look-up.
pub(in crate::genesys) fn look_up(
    state: &State,
    (conversation, communication): (&str, &str),
    id: &str,
) -> Answer {
    let of = state.agent_side.conversation(conversation, communication);
    let medium = state.agent_side.medium(id);
    let Some(medium) = medium.filter(|medium| of.as_ref() == Some(&medium.of)) else {
        return error::not_found();
    };
    Answer::json(StatusCode::OK, &shown(&medium, &state.files.hosts().api))
}

/// A medium as answers show it.
pub(super) fn shown(medium: &Medium, api: &str) -> Value {
    let status = match medium.state {
        MediaState::Uploading => "uploading",
        MediaState::Valid => "valid",
        MediaState::Invalid => "invalid",
    };
    let mut body = json!({
        "id": medium.id, "name": medium.metadata["fileName"], "status": status,
        "conversationId": medium.of.conversation_id, "communicationId": medium.of.communication_id,
    });
    if let (MediaState::Valid, Some((bytes, mime))) = (medium.state, &medium.bytes) {
        body["url"] = json!(format!("{api}/api/v2/downloads/{}", medium.id));
        body["mediaType"] = json!(mime);
        body["contentLengthBytes"] = json!(bytes.len());
    }
    body
}
