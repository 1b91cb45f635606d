//! The platforms' published schemas, and the check of what passes over the wire against them.
//!
//! A [`Checker`] compiles each operation's request, answer and error schema once, and collects a [`Violation`] for whatever does not
//! fit: a client's request that no schema allows, a field a client made up, and the stand-in's own answers and webhooks, so
//! that a stand-in cannot drift from the contract unnoticed. It judges shapes only; rules in prose live with the platforms.

mod convert;
mod corrections;

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use anyhow::Context as _;
use http::{Method, StatusCode};
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

/// A published operation that is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// WhatsApp: a medium's link by id.
    MediaGet,
    /// WhatsApp: deletion of a medium.
    MediaDelete,
    /// WhatsApp: upload of a medium (multipart: only the answer is checked).
    MediaUpload,
    /// WhatsApp: sending a message.
    Send,
    /// WhatsApp: a webhook posted to the callback.
    Webhook,
    /// Genesys: an inbound open message.
    InboundMessage,
    /// Genesys: an inbound receipt.
    InboundReceipt,
    /// Genesys: an inbound event.
    InboundEvent,
    /// Genesys: all supported-content profiles.
    SupportedContentList,
    /// Genesys: one supported-content profile.
    SupportedContent,
}

/// Whose words broke the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A client's request to the platform.
    Request,
    /// The stand-in's own answer or webhook: a fault of this crate.
    Own,
}

/// One thing that does not fit the published contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Whose words they are.
    pub side: Side,
    /// The operation they belong to.
    pub operation: Operation,
    /// Where in the JSON, as a JSON pointer; empty for the whole.
    pub at: String,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { side, operation, at, problem } = self;
        write!(f, "{side:?} of {operation:?} at {at:?}: {problem}")
    }
}

/// Where an operation's schemas are, as JSON pointers into the document.
struct Site {
    operation: Operation,
    request: Option<String>,
    answer: Option<String>,
}

impl Site {
    fn new(operation: Operation, method: &str, path: &str) -> Self {
        let path = path.replace('/', "~1");
        let schema = "content/application~1json/schema";
        Self {
            operation,
            request: Some(format!("/paths/{path}/{method}/requestBody/{schema}")),
            answer: Some(format!("/paths/{path}/{method}/responses/200/{schema}")),
        }
    }
}

struct Schemas {
    request: Option<Validator>,
    /// The same with unnamed properties forbidden.
    exact_request: Option<Validator>,
    answer: Option<Validator>,
}

/// Checks one platform's traffic and collects what does not fit.
pub(crate) struct Checker {
    operations: HashMap<Operation, Schemas>,
    error: Validator,
    violations: Mutex<Vec<Violation>>,
}

impl Checker {
    /// The checker of the WhatsApp Cloud API.
    pub(crate) fn whatsapp() -> anyhow::Result<Self> {
        let mut spec: Value = serde_json::from_str(include_str!("../../specs/meta-whatsapp.json"))?;
        corrections::meta(&mut spec);
        let media = "/{Version}/{Media-ID}";
        let mut upload = Site::new(Operation::MediaUpload, "post", "/{Version}/{Phone-Number-ID}/media");
        upload.request = None;
        let sites = [
            Site::new(Operation::MediaGet, "get", media),
            Site::new(Operation::MediaDelete, "delete", media),
            upload,
            Site::new(Operation::Send, "post", "/{Version}/{Phone-Number-ID}/messages"),
            Site::new(Operation::Webhook, "post", "/whatsapp/webhooks"),
        ];
        // Meta's objects gain fields between versions, and its schema leaves documented ones out: no exact check.
        Self::compile(spec, "GraphAPIError", &sites, false)
    }

    /// The checker of the Genesys Cloud platform API.
    pub(crate) fn genesys() -> anyhow::Result<Self> {
        let spec = serde_json::from_str(include_str!("../../specs/genesys-openmessaging.json"))?;
        let inbound = "/api/v2/conversations/messages/{integrationId}/inbound/open";
        let supported = "/api/v2/conversations/messaging/supportedcontent";
        let one = format!("{supported}/{{supportedContentId}}");
        let sites = [
            Site::new(Operation::InboundMessage, "post", &format!("{inbound}/message")),
            Site::new(Operation::InboundReceipt, "post", &format!("{inbound}/receipt")),
            Site::new(Operation::InboundEvent, "post", &format!("{inbound}/event")),
            Site::new(Operation::SupportedContentList, "get", supported),
            Site::new(Operation::SupportedContent, "get", &one),
        ];
        Self::compile(spec, "ErrorBody", &sites, true)
    }

    fn compile(mut spec: Value, error: &str, sites: &[Site], exact: bool) -> anyhow::Result<Self> {
        let mut schemas = spec["components"]["schemas"].take();
        let each = |schemas: &mut Value, change: fn(&mut Value)| {
            let all = schemas.as_object_mut().into_iter();
            all.flat_map(serde_json::Map::values_mut).for_each(change);
        };
        each(&mut schemas, convert::convert);
        let mut closed = schemas.clone();
        each(&mut closed, convert::close);
        let mut operations = HashMap::new();
        for site in sites {
            let at = |pointer: &Option<String>| {
                let mut schema = spec.pointer(pointer.as_deref()?)?.clone();
                convert::convert(&mut schema);
                Some(schema)
            };
            let request = at(&site.request);
            let exact_request = request.clone().filter(|_| exact);
            let compiled = Schemas {
                request: request.map(|schema| validator(schema, &schemas)).transpose()?,
                exact_request: exact_request.map(|schema| validator(schema, &closed)).transpose()?,
                answer: at(&site.answer).map(|schema| validator(schema, &schemas)).transpose()?,
            };
            operations.insert(site.operation, compiled);
        }
        let error = json!({ "$ref": format!("#/components/schemas/{error}") });
        Ok(Self {
            operations,
            error: validator(error, &schemas)?,
            violations: Mutex::default(),
        })
    }

    /// Checks a client's request; what is returned breaks the schema. Made-up fields are noted, not returned: platforms ignore
    /// them, but we should not send them.
    pub(crate) fn request(&self, operation: Operation, body: &Value) -> Vec<Violation> {
        let Some(schemas) = self.operations.get(&operation) else {
            return Vec::new();
        };
        let broken = problems(schemas.request.as_ref(), body, Side::Request, operation);
        let noted = match broken.is_empty() {
            true => problems(schemas.exact_request.as_ref(), body, Side::Request, operation),
            false => broken.clone(),
        };
        self.note(noted);
        broken
    }

    /// Checks a webhook of ours before it is posted.
    pub(crate) fn webhook(&self, body: &Value) {
        let schemas = self.operations.get(&Operation::Webhook);
        let validator = schemas.and_then(|schemas| schemas.request.as_ref());
        self.note(problems(validator, body, Side::Own, Operation::Webhook));
    }

    /// Checks an answer of ours: by the operation's schema if it says yes, by the error schema if it says no.
    pub(crate) fn answer(&self, operation: Operation, method: &Method, path: &str, status: StatusCode, body: &[u8]) {
        let validator = match status.is_success() {
            true => self.operations.get(&operation).and_then(|schemas| schemas.answer.as_ref()),
            false => Some(&self.error),
        };
        let noted = match serde_json::from_slice(body) {
            Ok(body) => problems(validator, &body, Side::Own, operation),
            Err(error) => vec![Violation {
                side: Side::Own,
                operation,
                at: String::new(),
                problem: format!("{method} {path} was not answered in JSON: {error}"),
            }],
        };
        self.note(noted);
    }

    /// Notes a breach of a rule that no schema can state.
    pub(crate) fn breach(&self, operation: Operation, at: &str, problem: impl Into<String>) {
        self.note(vec![Violation {
            side: Side::Request,
            operation,
            at: at.to_owned(),
            problem: problem.into(),
        }]);
    }

    /// Everything noted so far.
    pub(crate) fn violations(&self) -> Vec<Violation> {
        self.violations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, violations: Vec<Violation>) {
        let mut all = self.violations.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(violations);
    }
}

fn validator(mut schema: Value, schemas: &Value) -> anyhow::Result<Validator> {
    if let Some(object) = schema.as_object_mut() {
        object.insert("components".into(), json!({ "schemas": schemas }));
    }
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .build(&schema)
        .context("compiling a published schema")
}

fn problems(validator: Option<&Validator>, body: &Value, side: Side, operation: Operation) -> Vec<Violation> {
    let errors = validator.map(|validator| validator.iter_errors(body));
    let errors = errors.into_iter().flatten();
    errors
        .map(|error| Violation {
            side,
            operation,
            at: error.instance_path().to_string(),
            problem: error.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(file: &str) -> Value {
        let path = format!("{}/examples/{file}.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).expect(&path);
        serde_json::from_str(&text).expect(&path)
    }

    fn examples(folder: &str, start: &str) -> Vec<String> {
        let path = format!("{}/examples/{folder}", env!("CARGO_MANIFEST_DIR"));
        let entries = std::fs::read_dir(path).expect("the examples");
        let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
        let wanted = names.filter(|name| name.starts_with(start));
        wanted.map(|name| format!("{folder}/{}", name.trim_end_matches(".json"))).collect()
    }

    #[test]
    fn the_published_whatsapp_examples_pass() {
        let checker = Checker::whatsapp().expect("compiles");
        let webhooks = examples("whatsapp", "webhook-");
        assert!(webhooks.len() >= 16);
        for name in webhooks {
            checker.webhook(&example(&name));
            assert_eq!(checker.violations(), [], "{name}");
        }
        for name in examples("whatsapp", "request-send-") {
            assert_eq!(checker.request(Operation::Send, &example(&name)), [], "{name}");
        }
        let answers = [
            ("whatsapp/response-media-get", Operation::MediaGet, 200),
            ("whatsapp/response-media-upload", Operation::MediaUpload, 200),
            ("whatsapp/response-send", Operation::Send, 200),
            ("whatsapp/error-100-media-id", Operation::MediaGet, 400),
            ("whatsapp/error-130429", Operation::Send, 400),
            ("whatsapp/error-131056", Operation::Send, 400),
            ("whatsapp/error-190-expired", Operation::MediaGet, 401),
        ];
        for (name, operation, status) in answers {
            let status = StatusCode::from_u16(status).expect("a status");
            let body = example(name).to_string();
            checker.answer(operation, &Method::GET, name, status, body.as_bytes());
            assert_eq!(checker.violations(), [], "{name}");
        }
    }

    #[test]
    fn the_published_genesys_examples_pass() {
        let checker = Checker::genesys().expect("compiles");
        let requests = [
            ("genesys/request-inbound-open-message-attachment", Operation::InboundMessage),
            ("genesys/request-inbound-receipt-delivered", Operation::InboundReceipt),
            ("genesys/request-inbound-receipt-failed", Operation::InboundReceipt),
        ];
        for (name, operation) in requests {
            checker.request(operation, &example(name));
            assert_eq!(checker.violations(), [], "{name}");
        }
        let answers = [
            ("genesys/response-inbound-open-message", 200),
            ("genesys/error-401", 401),
            ("genesys/error-429", 429),
        ];
        for (name, status) in answers {
            let status = StatusCode::from_u16(status).expect("a status");
            let body = example(name).to_string();
            checker.answer(Operation::InboundMessage, &Method::POST, name, status, body.as_bytes());
            assert_eq!(checker.violations(), [], "{name}");
        }
    }

    /// The change to an example, as a pointer and a new value (`None` removes), and whether the request is refused for it.
    #[test]
    fn broken_requests_are_found() {
        let rows = [
            ("/channel", None, true),
            ("/channel/from/idType", Some(json!("phone")), true),
            ("/channel/time", Some(json!("yesterday")), true),
            ("/content/0/attachment/mime", None, true),
            ("/content/0/attachment/mediaType", Some(json!("Picture")), true),
            ("/content/0/contentType", Some(json!("Attachment")), false),
            ("/type", Some(json!("Text")), false),
        ];
        for (pointer, value, refused) in rows {
            let checker = Checker::genesys().expect("compiles");
            let mut body = example("genesys/request-inbound-open-message-attachment");
            let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
            let parent = body.pointer_mut(parent).and_then(Value::as_object_mut);
            let parent = parent.expect("an object");
            match value {
                Some(value) => parent.insert(key.into(), value),
                None => parent.remove(key),
            };
            let broken = checker.request(Operation::InboundMessage, &body);
            assert_eq!(!broken.is_empty(), refused, "{pointer}: {broken:?}");
            assert!(!checker.violations().is_empty(), "{pointer}");
        }
    }

    #[test]
    fn a_webhook_with_a_wrong_message_is_found() {
        let checker = Checker::whatsapp().expect("compiles");
        let mut body = example("whatsapp/webhook-image");
        body["entry"][0]["changes"][0]["value"]["messages"][0]["image"]["sha256"] = Value::Null;
        checker.webhook(&body);
        assert!(!checker.violations().is_empty());
    }
}
