//! Compiled schemas of one platform, and what did not fit them.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use anyhow::Context as _;
use http::{Method, StatusCode};
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use super::{Operation, Side, Violation, convert, corrections};

/// Where an operation's schemas are: JSON pointers into the document, or references that begin with `#`.
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

    /// What the document describes by schemas only: a webhook, or a request and its answer.
    fn by_schema(operation: Operation, request: &str, answer: Option<&str>) -> Self {
        let named = |schema: &str| format!("#/components/schemas/{schema}");
        Self {
            operation,
            request: Some(named(request)),
            answer: answer.map(named),
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
        let subscribed = "/{Version}/{WABA-ID}/subscribed_apps";
        let mut upload = Site::new(
            Operation::MediaUpload,
            "post",
            "/{Version}/{Phone-Number-ID}/media",
        );
        upload.request = None;
        let sites = [
            Site::new(Operation::MediaGet, "get", media),
            Site::new(Operation::MediaDelete, "delete", media),
            upload,
            Site::new(
                Operation::Send,
                "post",
                "/{Version}/{Phone-Number-ID}/messages",
            ),
            Site::new(Operation::Number, "get", "/{Version}/{Phone-Number-ID}"),
            Site::new(Operation::SubscribedApps, "get", subscribed),
            Site::new(Operation::Subscribe, "post", subscribed),
            Site::new(Operation::Unsubscribe, "delete", subscribed),
            Site::by_schema(Operation::MarkRead, "MarkRead", Some("Success")),
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
        let agent = "/api/v2/conversations/messages/{conversationId}/communications/{communicationId}/messages";
        let one = format!("{supported}/{{supportedContentId}}");
        let integration =
            "/api/v2/conversations/messaging/integrations/open/{integrationId}".to_owned();
        let (text, other, event) = (
            "OpenNormalizedMessage",
            "ConversationNormalizedMessage",
            "OpenEventNormalizedMessage",
        );
        let sites = [
            Site::new(
                Operation::InboundMessage,
                "post",
                &format!("{inbound}/message"),
            ),
            Site::new(
                Operation::InboundReceipt,
                "post",
                &format!("{inbound}/receipt"),
            ),
            Site::new(Operation::InboundEvent, "post", &format!("{inbound}/event")),
            Site::new(Operation::Integration, "get", &integration),
            Site::new(Operation::IntegrationUpdate, "patch", &integration),
            Site::new(Operation::SupportedContentList, "get", supported),
            Site::new(Operation::SupportedContent, "get", &one),
            Site::new(
                Operation::MediaPlace,
                "post",
                &format!("{agent}/media/uploads"),
            ),
            Site::new(
                Operation::Medium,
                "get",
                &format!("{agent}/media/{{mediaId}}"),
            ),
            Site::new(Operation::AgentMessage, "post", agent),
            Site::new(Operation::Download, "get", "/api/v2/downloads/{downloadId}"),
            Site::by_schema(Operation::OutboundMessage, text, None),
            Site::by_schema(Operation::OutboundStructured, other, None),
            Site::by_schema(Operation::OutboundEvent, event, None),
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
            let at = |place: &Option<String>| {
                let place = place.as_deref()?;
                if place.starts_with('#') {
                    return Some(json!({ "$ref": place }));
                }
                let mut schema = spec.pointer(place)?.clone();
                convert::convert(&mut schema);
                Some(schema)
            };
            let request = at(&site.request);
            let exact_request = request.clone().filter(|_| exact);
            let compiled = Schemas {
                request: request
                    .map(|schema| validator(schema, &schemas))
                    .transpose()?,
                exact_request: exact_request
                    .map(|schema| validator(schema, &closed))
                    .transpose()?,
                answer: at(&site.answer)
                    .map(|schema| validator(schema, &schemas))
                    .transpose()?,
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
            true => problems(
                schemas.exact_request.as_ref(),
                body,
                Side::Request,
                operation,
            ),
            false => broken.clone(),
        };
        self.note(noted);
        broken
    }

    /// Checks a webhook of ours before it is posted.
    pub(crate) fn webhook(&self, operation: Operation, body: &Value) {
        let schemas = self.operations.get(&operation);
        let validator = schemas.and_then(|schemas| schemas.request.as_ref());
        self.note(problems(validator, body, Side::Own, operation));
    }

    /// Checks an answer of ours: by the operation's schema if it says yes, by the error schema if it says no.
    pub(crate) fn answer(
        &self,
        operation: Operation,
        method: &Method,
        path: &str,
        status: StatusCode,
        body: &[u8],
    ) {
        let validator = match status.is_success() {
            true => self
                .operations
                .get(&operation)
                .and_then(|schemas| schemas.answer.as_ref()),
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
        self.violations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note(&self, violations: Vec<Violation>) {
        let mut all = self
            .violations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
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

fn problems(
    validator: Option<&Validator>,
    body: &Value,
    side: Side,
    operation: Operation,
) -> Vec<Violation> {
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
