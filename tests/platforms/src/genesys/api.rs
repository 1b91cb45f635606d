//! The API host: who may call, how often, and which path is meant.

use std::sync::Arc;

use http::{HeaderName, Method, StatusCode, header::RETRY_AFTER};
use serde_json::Value;

use super::{
    agent_side,
    allowance::Standing,
    by_name, configuration, downloads, error, inbound, login, media_upload,
    state::{Line, State, lock},
    web_messaging,
};
use crate::{
    faults::{Fault, Point},
    specs::Operation,
    wire::{Answer, Request},
};

const COUNT: HeaderName = HeaderName::from_static("inin-ratelimit-count");
const ALLOWED: HeaderName = HeaderName::from_static("inin-ratelimit-allowed");
const RESET: HeaderName = HeaderName::from_static("inin-ratelimit-reset");
const CORRELATION: HeaderName = HeaderName::from_static("inin-correlation-id");

/// What is asked for.
enum Call<'r> {
    Inbound {
        integration: &'r str,
        operation: Operation,
        point: Point,
    },
    Supported {
        id: Option<&'r str>,
    },
    /// An integration's configuration.
    Integration {
        id: &'r str,
    },
    /// An integration's configuration, to be changed.
    IntegrationUpdate {
        id: &'r str,
    },
    /// The webhooks of events, which no published schema knows.
    EventWebhooks,
    AddEventWebhook,
    RemoveEventWebhook {
        id: &'r str,
    },
    /// A file of an agent.
    Download {
        id: &'r str,
    },
    /// The bytes of a `message:message-media` event, which no published schema knows.
    MediaData {
        id: &'r str,
    },
    /// A place for bytes on the agent's side, within a conversation's communication.
    MediaPlace {
        ids: (&'r str, &'r str),
    },
    /// A medium there.
    Medium {
        ids: (&'r str, &'r str),
        medium: &'r str,
    },
    /// A message there.
    AgentMessage {
        ids: (&'r str, &'r str),
    },
    /// The configuration of a web chat, which no published schema knows; nor the next four.
    WebChat {
        id: &'r str,
    },
    /// A file in one form.
    Form {
        surface: by_name::Surface,
    },
    /// The direct upload test.
    MediaUpload,
    /// A message that names one, in a conversation of web chat or of message media.
    Named {
        conversation: Option<&'r str>,
    },
    /// What is told of a message.
    Note {
        about: String,
    },
    /// Where the bytes of an upload of web messaging go, which no published schema knows.
    Place,
    /// Such an upload, looked up or taken back.
    Attachment {
        ids: (&'r str, &'r str),
        cancel: bool,
    },
}

impl Call<'_> {
    fn operation(&self) -> Option<Operation> {
        match self {
            Self::Inbound { operation, .. } => Some(*operation),
            Self::Supported { id: None } => Some(Operation::SupportedContentList),
            Self::Supported { id: Some(_) } => Some(Operation::SupportedContent),
            Self::Integration { .. } => Some(Operation::Integration),
            Self::IntegrationUpdate { .. } => Some(Operation::IntegrationUpdate),
            Self::EventWebhooks | Self::AddEventWebhook | Self::RemoveEventWebhook { .. } => None,
            Self::Download { .. } => Some(Operation::Download),
            Self::MediaPlace { .. } => Some(Operation::MediaPlace),
            Self::Medium { .. } => Some(Operation::Medium),
            Self::AgentMessage { .. } => Some(Operation::AgentMessage),
            Self::MediaData { .. }
            | Self::WebChat { .. }
            | Self::Form { .. }
            | Self::MediaUpload
            | Self::Named { .. }
            | Self::Note { .. }
            | Self::Place
            | Self::Attachment { .. } => None,
        }
    }
}

/// Answers a request to the API host.
pub(super) async fn answer(state: Arc<State>, request: Request) -> Answer {
    if state.options.tokens_at_the_api && request.path == "/oauth/token" {
        return login::answer(state, request).await;
    }
    let token = request.bearer().unwrap_or_default();
    let mut standing = lock(&state.windows).call(token, state.options.clock.now());
    let mut answer = decide(&state, &request, standing).await;
    if answer.status == StatusCode::TOO_MANY_REQUESTS {
        if !standing.over() {
            // A fault says so, not the count: the headers tell the same story.
            standing.count = standing.allowed + 1;
            standing.reset_seconds = state.faults.retry_after_seconds();
        }
        answer = answer.with(RETRY_AFTER, &standing.reset_seconds.to_string());
    }
    answer
        .with(COUNT, &standing.count.to_string())
        .with(ALLOWED, &standing.allowed.to_string())
        .with(RESET, &standing.reset_seconds.to_string())
        .with(CORRELATION, &crate::random::uuid())
}

async fn decide(state: &Arc<State>, request: &Request, standing: Standing) -> Answer {
    let segments = request.segments();
    let Some(call) = call(&request.method, &segments) else {
        return error::not_found();
    };
    let operation = call.operation();
    let answer = match refuse(state, request, standing) {
        Some(refused) => refused,
        None => match call {
            Call::Supported { id } => configuration::supported(state, id),
            Call::Integration { id } => match line(state, request, id) {
                Some(line) => configuration::integration(state, line),
                None => error::not_found(),
            },
            Call::IntegrationUpdate { id } => match line(state, request, id) {
                Some(line) => configuration::update(state, line, request),
                None => error::not_found(),
            },
            Call::EventWebhooks => configuration::event_webhooks(state),
            Call::AddEventWebhook => configuration::add_event_webhook(state, request),
            Call::RemoveEventWebhook { id } => configuration::remove_event_webhook(state, id),
            Call::Download { id } => downloads::resolve(state, request, id).await,
            Call::MediaData { id } => downloads::media_data(state, request, id),
            Call::MediaPlace { ids } => agent_side::place(state, request, ids).await,
            Call::Medium { ids, medium } => agent_side::look_up(state, ids, medium),
            Call::AgentMessage { ids } => agent_side::send(state, request, ids).await,
            Call::WebChat { id } => by_name::configuration(state, id),
            Call::MediaUpload => media_upload::upload(state, request).await,
            Call::Form { surface } => by_name::upload(state, request, surface).await,
            Call::Named { conversation } => by_name::send(state, request, conversation).await,
            Call::Note { about } => by_name::note(state, request, &about),
            Call::Place => web_messaging::place(state, request).await,
            Call::Attachment { ids, cancel: false } => web_messaging::look_up(state, ids),
            Call::Attachment { ids, cancel: true } => web_messaging::cancel(state, ids),
            Call::Inbound {
                integration,
                operation,
                point,
            } => inbound_call(state, request, integration, operation, point).await,
        },
    };
    match operation {
        Some(operation) => answer.of(operation),
        None => answer,
    }
}

fn call<'r>(method: &Method, segments: &[&'r str]) -> Option<Call<'r>> {
    let ["api", "v2", rest @ ..] = segments else {
        return None;
    };
    if let [
        "conversations",
        "messages",
        conversation,
        "communications",
        communication,
        "messages",
        rest @ ..,
    ] = rest
    {
        let ids = (*conversation, *communication);
        return match (method, rest) {
            (&Method::POST, []) => Some(Call::AgentMessage { ids }),
            (&Method::POST, ["media", "uploads"]) => Some(Call::MediaPlace { ids }),
            (&Method::GET, ["media", medium]) => Some(Call::Medium { ids, medium }),
            _ => None,
        };
    }
    match (method, rest) {
        (
            &Method::POST,
            [
                "conversations",
                "messages",
                integration,
                "inbound",
                "open",
                kind,
            ],
        ) => {
            let (operation, point) = match *kind {
                "message" => (Operation::InboundMessage, Point::Inbound),
                "receipt" => (Operation::InboundReceipt, Point::Receipt),
                "event" => (Operation::InboundEvent, Point::Receipt),
                _ => return None,
            };
            Some(Call::Inbound {
                integration,
                operation,
                point,
            })
        }
        (&Method::GET, ["conversations", "messaging", "supportedcontent"]) => {
            Some(Call::Supported { id: None })
        }
        (&Method::GET, ["conversations", "messaging", "supportedcontent", id]) => {
            Some(Call::Supported { id: Some(id) })
        }
        (&Method::GET, ["conversations", "messaging", "integrations", "open", id]) => {
            Some(Call::Integration { id })
        }
        (&Method::PATCH, ["conversations", "messaging", "integrations", "open", id]) => {
            Some(Call::IntegrationUpdate { id })
        }
        (&Method::GET, ["platform", "webhooks", "webhooks"]) => Some(Call::EventWebhooks),
        (&Method::POST, ["platform", "webhooks", "webhooks"]) => Some(Call::AddEventWebhook),
        (&Method::DELETE, ["platform", "webhooks", "webhooks", id]) => {
            Some(Call::RemoveEventWebhook { id })
        }
        (&Method::GET, ["webchat", "configurations", id]) => Some(Call::WebChat { id }),
        (&Method::POST, ["attachments", "upload"]) => Some(Call::Form {
            surface: by_name::Surface::WebChat,
        }),
        (&Method::POST, ["media", "upload"]) => Some(Call::MediaUpload),
        (&Method::POST, ["message", "mediadata"]) => Some(Call::Form {
            surface: by_name::Surface::MessageMedia,
        }),
        (&Method::POST, ["conversations", "messages", conversation, "messages"]) => {
            Some(Call::Named {
                conversation: Some(conversation),
            })
        }
        (&Method::POST, ["messages"]) => Some(Call::Named { conversation: None }),
        (&Method::POST, ["messages", about @ ..]) => Some(Call::Note {
            about: about.join("/"),
        }),
        (&Method::GET, ["downloads", id]) => Some(Call::Download { id }),
        (&Method::GET, ["message", "mediadata", id]) => Some(Call::MediaData { id }),
        (&Method::POST, ["conversations", "messaging", "webmessaging", "upload"]) => {
            Some(Call::Place)
        }
        (
            &Method::GET | &Method::DELETE,
            [
                "conversations",
                "messaging",
                "messages",
                message,
                "attachments",
                file,
            ],
        ) => Some(Call::Attachment {
            ids: (message, file),
            cancel: *method == Method::DELETE,
        }),
        _ => None,
    }
}

/// The refusals that need no body: no token, a bad one, too many calls.
fn refuse(state: &State, request: &Request, standing: Standing) -> Option<Answer> {
    let Some(token) = request.bearer() else {
        return Some(error::no_token());
    };
    if lock(&state.tokens)
        .client(token, state.options.clock.now())
        .is_none()
    {
        return Some(error::bad_credentials());
    }
    standing.over().then(|| limited(state))
}

fn limited(state: &State) -> Answer {
    let rule = state.options.allowance;
    error::too_many(rule.calls, rule.window.as_secs())
}

/// What Genesys does not take where it takes JSON alone.
pub(super) const CONTENT_TYPE: &str = "The request's content type";

/// What a fault makes of a call before anything happens; `None` if the call goes on.
pub(super) async fn struck(state: &State, request: &Request, fault: Fault) -> Option<Answer> {
    match fault {
        Fault::RateLimit => Some(limited(state)),
        Fault::FiveHundreds => Some(error::unavailable()),
        Fault::HtmlErrorPage => Some(Answer::html(StatusCode::BAD_GATEWAY)),
        Fault::LimitDrift => Some(error::too_large()),
        Fault::Wrong415 => Some(error::unsupported(CONTENT_TYPE)),
        Fault::Unauthorised => Some(error::bad_credentials()),
        Fault::DeadToken => {
            lock(&state.tokens).kill(request.bearer().unwrap_or_default());
            Some(error::bad_credentials())
        }
        Fault::Stall => {
            state.faults.stalled().await;
            None
        }
        _ => None,
    }
}

/// The integration that is called, if the caller's client may use it: to any other client it does not exist.
fn line<'s>(state: &'s State, request: &Request, integration: &str) -> Option<&'s Arc<Line>> {
    let line = state.line(integration)?;
    let tokens = lock(&state.tokens);
    let client = tokens.client(request.bearer()?, state.options.clock.now())?;
    (state.client_of(&line.integration).0 == client).then_some(line)
}

async fn inbound_call(
    state: &Arc<State>,
    request: &Request,
    integration: &str,
    operation: Operation,
    point: Point,
) -> Answer {
    let body = serde_json::from_slice::<Value>(&request.body);
    let subjects = body.as_ref().map(inbound::subjects).unwrap_or_default();
    let fault = state.faults.take(point, &subjects);
    if let Some(fault) = fault
        && let Some(refused) = struck(state, request, fault).await
    {
        return refused;
    }
    if request.media_type().as_deref() != Some("application/json") {
        return error::unsupported(CONTENT_TYPE);
    }
    let Ok(body) = body else {
        return error::answer(
            StatusCode::BAD_REQUEST,
            "bad.request",
            "The request body is not JSON.",
        );
    };
    let Some(line) = line(state, request, integration) else {
        return error::not_found();
    };
    let broken = state.checker.request(operation, &body);
    if !broken.is_empty() {
        return error::invalid(&broken);
    }
    let lost = fault == Some(Fault::LostAnswer);
    let answer = inbound::take(state, line, request, operation, body, lost);
    if lost { answer.lost() } else { answer }
}
