//! Web chat and message media, as two of the documents describe them; no published schema knows either.
//!
//! Kept: one form with the field of the surface, a name and a type for its file, the web chat configuration's limits (absent: 10 MB
//! and the documents' own types), `{id, name, type, size}` in the answer, an attachment that is named by a message of the
//! conversation it belongs to, which is the one that names it first.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    api, error,
    fetch::allowed,
    state::{State, lock},
};
use crate::{
    faults::{Fault, Point},
    wire::{Answer, Request},
};

/// What web chat takes where its configuration says nothing.
const LARGEST: u64 = 10_485_760;

/// Its strict list.
const TYPES: [&str; 5] = [
    "image/jpeg",
    "image/png",
    "application/pdf",
    "text/plain",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
];

/// Which of the surfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// `/api/v2/attachments/upload`.
    WebChat,
    /// `/api/v2/message/mediadata`.
    MessageMedia,
}

impl Surface {
    fn field(self) -> &'static str {
        match self {
            Self::WebChat => "file",
            Self::MessageMedia => "mediaFile",
        }
    }
}

/// A file that was handed over.
#[derive(Clone, Debug)]
pub struct HandedOver {
    /// Its id.
    pub id: String,
    /// Where.
    pub surface: Surface,
    /// Its name.
    pub name: String,
    /// Its part's type.
    pub mime: String,
    /// Its bytes.
    pub bytes: Bytes,
    /// The conversation it belongs to, once a message named it.
    pub conversation: Option<String>,
}

/// A message that was taken.
#[derive(Clone, Debug)]
pub struct Said {
    /// Its id.
    pub id: String,
    /// The conversation in its path, of web chat.
    pub conversation: Option<String>,
    /// The whole request.
    pub request: Value,
}

/// Everything on these surfaces.
#[derive(Debug, Default)]
pub(super) struct Desk {
    files: Mutex<Vec<HandedOver>>,
    said: Mutex<Vec<Said>>,
    notes: Mutex<Vec<(String, Value)>>,
    configuration: Mutex<Value>,
}

/// The surfaces from their owner's side.
#[derive(Clone)]
pub struct ByName {
    pub(super) state: Arc<State>,
}

impl ByName {
    /// What the web chat configuration says under `fileAttachments` from now on; null: it has none.
    pub fn configure(&self, file_attachments: Value) {
        *lock(&self.state.by_name.configuration) = file_attachments;
    }

    /// Every file so far.
    #[must_use]
    pub fn files(&self) -> Vec<HandedOver> {
        lock(&self.state.by_name.files).clone()
    }

    /// Every message so far.
    #[must_use]
    pub fn said(&self) -> Vec<Said> {
        lock(&self.state.by_name.said).clone()
    }

    /// What was posted about messages, and about which.
    #[must_use]
    pub fn notes(&self) -> Vec<(String, Value)> {
        lock(&self.state.by_name.notes).clone()
    }
}

/// The configuration of the web chat.
pub(super) fn configuration(state: &State, id: &str) -> Answer {
    if !state.options.shows_configuration {
        return error::missing_permissions("webchat:configuration:read");
    }
    let mut shown = json!({ "id": id, "name": "Customer Support Web Chat" });
    let files = lock(&state.by_name.configuration).clone();
    if !files.is_null() {
        shown["fileAttachments"] = files;
    }
    Answer::json(StatusCode::OK, &shown)
}

/// Takes a file.
pub(super) async fn upload(state: &State, request: &Request, surface: Surface) -> Answer {
    let Some(part) = part(request, surface.field()) else {
        let problem = format!("the multipart form has no form field {}", surface.field());
        return error::answer(StatusCode::BAD_REQUEST, "bad.request", &problem);
    };
    let fault = state.faults.take(Point::Form, &[&part.name]);
    if let Some(fault) = fault
        && let Some(refused) = api::struck(state, request, fault).await
    {
        return refused;
    }
    if let Some(refused) = too_much(state, surface, &part) {
        return refused;
    }
    let id = crate::random::uuid();
    let shown = json!({ "id": id, "name": part.name, "type": part.mime, "size": part.bytes.len() });
    let answer = match surface {
        Surface::WebChat => shown,
        Surface::MessageMedia => json!({ "media_id": id }),
    };
    lock(&state.by_name.files).push(HandedOver {
        id,
        surface,
        ..part
    });
    state.background.changed();
    match fault {
        Some(Fault::LostAnswer) => Answer::json(StatusCode::CREATED, &answer).lost(),
        _ => Answer::json(StatusCode::CREATED, &answer),
    }
}

/// What the configuration does not allow.
fn too_much(state: &State, surface: Surface, part: &HandedOver) -> Option<Answer> {
    if surface == Surface::MessageMedia {
        return None;
    }
    let files = lock(&state.by_name.configuration).clone();
    let largest = files["maxSize"].as_u64().unwrap_or(LARGEST);
    if part.bytes.len() as u64 > largest {
        return Some(error::too_large());
    }
    let listed = files["allowedMimeTypes"].as_array().into_iter().flatten();
    let mut types: Vec<String> = listed
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    if types.is_empty() {
        types = TYPES.map(str::to_owned).to_vec();
    }
    (!allowed(&types, &part.mime)).then(|| {
        let problem = format!("MIME type '{}' is not permitted", part.mime);
        error::answer(StatusCode::BAD_REQUEST, "bad.request", &problem)
    })
}

/// The one file of a form, if it is in this field and has a name and a type.
fn part(request: &Request, field: &str) -> Option<HandedOver> {
    let given = request.header("content-type")?;
    let (_, boundary) = given
        .strip_prefix("multipart/form-data")?
        .split_once("boundary=")?;
    let opening = format!("--{boundary}\r\n");
    let closing = format!("\r\n--{boundary}--\r\n");
    let body = request.body.strip_prefix(opening.as_bytes())?;
    let body = body.strip_suffix(closing.as_bytes())?;
    let end = body.windows(4).position(|it| it == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&body[..end]).ok()?;
    let (disposition, mime) = head.split_once("\r\nContent-Type: ")?;
    let name = disposition
        .strip_prefix("Content-Disposition: form-data; name=\"")?
        .strip_prefix(field)?
        .strip_prefix("\"; filename=\"")?
        .strip_suffix('"')?;
    Some(HandedOver {
        id: String::new(),
        surface: Surface::WebChat,
        name: name.to_owned(),
        mime: mime.to_owned(),
        bytes: request.body.slice_ref(&body[end + 4..]),
        conversation: None,
    })
    .filter(|part| !part.name.is_empty() && !part.mime.is_empty())
}

/// Takes a message: in a conversation of web chat, or of message media.
pub(super) async fn send(state: &State, request: &Request, conversation: Option<&str>) -> Answer {
    let body = serde_json::from_slice::<Value>(&request.body).unwrap_or_default();
    let named = match conversation {
        Some(_) => body["attachments"][0]["id"].as_str(),
        None => body["mediaId"].as_str(),
    };
    let file = lock(&state.by_name.files)
        .iter()
        .find(|file| Some(file.id.as_str()) == named)
        .cloned();
    let subjects: Vec<String> = file.iter().map(|file| file.name.clone()).collect();
    let fault = state.faults.take(Point::AgentMessage, &subjects);
    if let Some(fault) = fault
        && let Some(refused) = api::struck(state, request, fault).await
    {
        return refused;
    }
    if request.media_type().as_deref() != Some("application/json") {
        return error::unsupported("The media type 'multipart/form-data'");
    }
    if let Some(problem) = problem(&body, conversation, (named, file.as_ref())) {
        return error::answer(StatusCode::BAD_REQUEST, "bad.request", problem);
    }
    let id = crate::random::uuid();
    if let (Some(file), Some(conversation)) = (&file, conversation) {
        let mut files = lock(&state.by_name.files);
        let known = files.iter_mut().find(|it| it.id == file.id);
        if let Some(known) = known {
            known.conversation = Some(conversation.to_owned());
        }
    }
    lock(&state.by_name.said).push(Said {
        id: id.clone(),
        conversation: conversation.map(str::to_owned),
        request: body,
    });
    state.background.changed();
    let answer = Answer::json(StatusCode::ACCEPTED, &json!({ "id": id }));
    match fault {
        Some(Fault::LostAnswer) => answer.lost(),
        _ => answer,
    }
}

/// What is wrong with a message.
fn problem(
    body: &Value,
    conversation: Option<&str>,
    (named, file): (Option<&str>, Option<&HandedOver>),
) -> Option<&'static str> {
    let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let sides = ["to", "from"]
        .into_iter()
        .all(|side| text(&body[side]["id"]));
    let typed = ["to", "from"]
        .into_iter()
        .all(|side| text(&body[side]["type"]));
    let whole = match conversation {
        Some(_) => sides && typed && body["text"].is_string(),
        None => sides && body["type"] == "message" && body["body"].is_string(),
    };
    if !whole {
        return Some("the message is not complete");
    }
    let surface = match conversation {
        Some(_) => Surface::WebChat,
        None => Surface::MessageMedia,
    };
    let known = file.filter(|file| file.surface == surface);
    match (named, known) {
        (None, _) => None,
        (Some(_), None) => Some("attachment not found"),
        (Some(_), Some(file)) => {
            let elsewhere = file.conversation.as_deref();
            let elsewhere = elsewhere.is_some_and(|it| Some(it) != conversation);
            elsewhere.then_some("the attachment does not belong to the conversation")
        }
    }
}

/// Takes what is posted about a message: attributes, or a note.
pub(super) fn note(state: &State, request: &Request, about: &str) -> Answer {
    match serde_json::from_slice::<Value>(&request.body) {
        Ok(body) if body.is_object() => {
            lock(&state.by_name.notes).push((about.to_owned(), body));
            state.background.changed();
            Answer::json(StatusCode::ACCEPTED, &json!({}))
        }
        _ => error::answer(
            StatusCode::BAD_REQUEST,
            "bad.request",
            "the body is no JSON object",
        ),
    }
}
