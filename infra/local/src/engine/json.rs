//! The JSON protocols of DynamoDB, SQS, Secrets Manager and KMS: `POST /`, the operation in `X-Amz-Target`, JSON both ways.
//!
//! <https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html> (and 1.1), checked 2026-11-20.

use async_trait::async_trait;
use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::arn::{ACCOUNT, fresh_uuid};
use super::front::{Body, Dropped, Entry, Gate, Service, principal, whole};
use super::observe::AwsCall;

/// The largest request any of these services takes: DynamoDB's.
const MAX_REQUEST_BYTES: usize = 16 * 1024 * 1024;

/// One request, read whole.
pub(super) struct JsonRequest {
    /// Method, path and headers as they came.
    pub(super) head: Parts,
    /// The operation, for example `GetItem`.
    pub(super) operation: String,
    /// The body as it came.
    pub(super) bytes: Bytes,
    /// The body read as JSON; `Null` where it is not JSON.
    pub(super) input: Value,
}

/// A failure in the shape of these protocols.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// HTTP status.
    pub(super) status: StatusCode,
    /// The error's shape name, the `__type` of the answer.
    pub(super) kind: &'static str,
    /// The older name of the error where the service keeps one (`x-amzn-query-error`).
    pub(super) query_code: Option<&'static str>,
    /// What a person reads.
    pub(super) message: String,
}

impl Failure {
    /// A refusal by the service: status 400.
    pub(super) fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            kind,
            query_code: None,
            message: message.into(),
        }
    }

    /// The same with the name older clients know it by.
    pub(super) fn known_as(self, query_code: &'static str) -> Self {
        Self {
            query_code: Some(query_code),
            ..self
        }
    }

    /// The engine itself failed: status 500, which the SDKs retry.
    pub(super) fn internal(error: impl std::fmt::Display) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            ..Self::new("InternalServerError", error.to_string())
        }
    }

    /// The caller lacks a permission.
    pub(super) fn refused(call: &AwsCall) -> Self {
        Self::new("AccessDeniedException", refusal(call))
    }
}

/// The sentence AWS says to a caller without permission.
pub(super) fn refusal(call: &AwsCall) -> String {
    format!(
        "User: arn:aws:sts::{ACCOUNT}:assumed-role/{principal}/{principal} is not authorized to perform: {action} on \
         resource: {resource} because no identity-based policy allows the {action} action",
        principal = call.principal,
        action = call.action,
        resource = call.resource,
    )
}

/// One of the JSON services.
#[async_trait]
pub(super) trait JsonService: Send + Sync + 'static {
    /// The permissions a request needs, its own call first.
    fn calls(&self, principal: &str, operation: &str, input: &Value) -> Vec<AwsCall>;

    /// Answers a request that may be carried out.
    async fn answer(&self, request: JsonRequest) -> Response<Body>;

    /// Writes a failure in the service's own shape.
    fn failure(&self, failure: &Failure) -> Response<Body>;
}

/// Puts a JSON service behind a front.
pub(super) struct Json<S>(pub(super) S);

#[async_trait]
impl<S: JsonService> Service for Json<S> {
    async fn serve(
        &self,
        gate: &Gate,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Dropped> {
        let (head, body) = request.into_parts();
        let Ok(bytes) = Limited::new(body, MAX_REQUEST_BYTES).collect().await else {
            return Ok(self.0.failure(&Failure::new(
                "SerializationException",
                "The request body could not be read",
            )));
        };
        let bytes = bytes.to_bytes();
        let target = head
            .headers
            .get("x-amz-target")
            .and_then(|value| value.to_str().ok());
        let Some((_, operation)) = target.and_then(|target| target.split_once('.')) else {
            return Ok(self.0.failure(&Failure::new(
                "UnknownOperationException",
                "The request names no operation",
            )));
        };
        let operation = operation.to_owned();
        let Some(principal) = principal(&head) else {
            return Ok(self.0.failure(&Failure::new(
                "MissingAuthenticationTokenException",
                "Request is missing Authentication Token",
            )));
        };
        let input = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let calls = self.0.calls(&principal, &operation, &input);
        let response = match gate.before(&calls)? {
            Entry::Open => {
                self.0
                    .answer(JsonRequest {
                        head,
                        operation,
                        bytes,
                        input,
                    })
                    .await
            }
            Entry::Refused(call) => return Ok(self.0.failure(&Failure::refused(call))),
        };
        gate.after(calls.first(), response.status())?;
        Ok(response)
    }
}

/// Reads a request's input, refusing what has the wrong shape.
pub(super) fn read<T: DeserializeOwned>(input: Value) -> Result<T, Failure> {
    serde_json::from_value(input)
        .map_err(|error| Failure::new("SerializationException", error.to_string()))
}

/// Writes an outcome in the plain form of these protocols, for example with content type `application/x-amz-json-1.1`.
pub(super) fn respond(
    content_type: &'static str,
    outcome: Result<Value, Failure>,
) -> Response<Body> {
    let (status, query_error, body) = match outcome {
        Ok(value) => (StatusCode::OK, None, value),
        Err(failure) => {
            let fault = if failure.status.is_server_error() {
                "Receiver"
            } else {
                "Sender"
            };
            let query_error = failure.query_code.map(|code| format!("{code};{fault}"));
            (
                failure.status,
                query_error,
                json!({"__type": failure.kind, "message": failure.message}),
            )
        }
    };
    let mut response = Response::builder()
        .status(status)
        .header("content-type", content_type)
        .header("x-amzn-requestid", fresh_uuid());
    if let Some(value) = query_error {
        response = response.header("x-amzn-query-error", value);
    }
    response
        .body(whole(body.to_string()))
        .unwrap_or_else(|_| Response::new(whole(Bytes::new())))
}
