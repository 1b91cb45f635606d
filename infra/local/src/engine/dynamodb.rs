//! DynamoDB: an embedded SQLite-backed engine behind our front.
//!
//! The engine (dynoxide) serves HTTP on a port of its own that nobody is told; the front forwards to it, because only its
//! HTTP layer carries the full validation and error wording. What it lacks is answered here: point-in-time recovery can be
//! switched on and asked about, and does nothing. Items past their TTL stay readable, which AWS allows for two days.

use std::path::Path;

use anyhow::{Context, anyhow};
use async_trait::async_trait;
use bytes::Bytes;
use dynoxide::Database;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::arn::{REGION, local_part, regional};
use super::front::{Body, whole};
use super::json::{Failure, JsonRequest, JsonService, respond};
use super::observe::AwsCall;

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// The service the front talks to.
pub(super) struct DynamoDb {
    upstream: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// The engine behind it.
pub(super) struct Backend {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), String>>,
}

impl DynamoDb {
    /// Starts the engine on a file, or in memory.
    pub(super) async fn start(file: Option<&Path>) -> anyhow::Result<(Self, Backend)> {
        let database = match file {
            Some(file) => Database::new(
                file.to_str()
                    .context("the data directory's name is not UTF-8")?,
            ),
            None => Database::memory(),
        }
        .map_err(|error| anyhow!("the tables could not be opened: {error}"))?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let upstream = format!("http://{}/", listener.local_addr()?);
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(dynoxide::server::serve_with_shutdown(
            listener,
            database,
            async {
                // A sender that is gone means the same as a sent stop.
                let _ = stopped.await;
            },
        ));
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok((Self { upstream, client }, Backend { stop, task }))
    }

    async fn forward(&self, request: JsonRequest) -> Result<Response<Body>, Failure> {
        let mut outgoing = Request::post(&self.upstream)
            .body(Full::new(request.bytes))
            .map_err(Failure::internal)?;
        *outgoing.headers_mut() = request.head.headers;
        outgoing.headers_mut().remove(http::header::HOST);
        let (mut head, body) = self
            .client
            .request(outgoing)
            .await
            .map_err(Failure::internal)?
            .into_parts();
        let mut bytes = body.collect().await.map_err(Failure::internal)?.to_bytes();
        head.headers.remove(http::header::TRANSFER_ENCODING);
        if request.operation.ends_with("Table") {
            bytes = in_region(&bytes);
            head.headers.remove("x-amz-crc32");
            head.headers
                .insert(http::header::CONTENT_LENGTH, bytes.len().into());
        }
        Ok(Response::from_parts(head, whole(bytes)))
    }
}

impl Backend {
    /// Lets running requests end, closes the file, and returns.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        // An engine that ended by itself is reported by its task below.
        let _ = self.stop.send(());
        self.task
            .await?
            .map_err(|error| anyhow!("the table engine ended badly: {error}"))
    }
}

#[async_trait]
impl JsonService for DynamoDb {
    fn calls(&self, principal: &str, operation: &str, input: &Value) -> Vec<AwsCall> {
        permissions(operation, input)
            .into_iter()
            .map(|(action, resource)| AwsCall {
                principal: principal.to_owned(),
                action: format!("dynamodb:{action}"),
                operation: operation.to_owned(),
                resource,
            })
            .collect()
    }

    async fn answer(&self, request: JsonRequest) -> Response<Body> {
        match request.operation.as_str() {
            "UpdateContinuousBackups" | "DescribeContinuousBackups" => {
                respond(CONTENT_TYPE, Ok(continuous_backups()))
            }
            _ => self
                .forward(request)
                .await
                .unwrap_or_else(|failure| self.failure(&failure)),
        }
    }

    fn failure(&self, failure: &Failure) -> Response<Body> {
        let body = json!({"__type": format!("com.amazon.coral.service#{}", failure.kind), "message": failure.message});
        let mut response = respond(CONTENT_TYPE, Ok(body));
        *response.status_mut() = failure.status;
        response
    }
}

/// Writes our region into the ARNs of a table's description, where the engine writes its own name.
fn in_region(description: &[u8]) -> Bytes {
    let text = String::from_utf8_lossy(description);
    text.replace(
        "arn:aws:dynamodb:dynoxide:",
        &format!("arn:aws:dynamodb:{REGION}:"),
    )
    .into()
}

fn continuous_backups() -> Value {
    json!({"ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED"},
    }})
}

/// The actions and resources IAM checks for a request.
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html>, checked 2026-11-20.
fn permissions(operation: &str, input: &Value) -> Vec<(String, String)> {
    match operation {
        "BatchGetItem" | "BatchWriteItem" => input["RequestItems"]
            .as_object()
            .into_iter()
            .flat_map(|tables| tables.keys())
            .map(|name| (operation.to_owned(), table(name)))
            .collect(),
        "TransactWriteItems" | "TransactGetItems" => input["TransactItems"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .flatten()
            .map(|(kind, item)| {
                (
                    transacted(kind),
                    table(item["TableName"].as_str().unwrap_or("*")),
                )
            })
            .collect(),
        "TagResource" | "UntagResource" | "ListTagsOfResource" => {
            vec![(
                operation.to_owned(),
                input["ResourceArn"].as_str().unwrap_or("*").to_owned(),
            )]
        }
        _ => {
            let mut resource = table(input["TableName"].as_str().unwrap_or("*"));
            if let Some(index) = input["IndexName"].as_str() {
                resource = format!("{resource}/index/{index}");
            }
            vec![(operation.to_owned(), resource)]
        }
    }
}

fn transacted(kind: &str) -> String {
    match kind {
        "ConditionCheck" => "ConditionCheckItem".to_owned(),
        other => format!("{other}Item"),
    }
}

fn table(name_or_arn: &str) -> String {
    let local = local_part(name_or_arn);
    regional(
        "dynamodb",
        &format!("table/{}", local.strip_prefix("table/").unwrap_or(local)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_needs_the_permissions_iam_checks() {
        let arn = |rest: &str| format!("arn:aws:dynamodb:us-east-1:000000000000:table/{rest}");
        for (operation, input, expected) in [
            (
                "UpdateItem",
                json!({"TableName": "media"}),
                vec![("UpdateItem", arn("media"))],
            ),
            (
                "Query",
                json!({"TableName": "media", "IndexName": "due"}),
                vec![("Query", arn("media/index/due"))],
            ),
            (
                "GetItem",
                json!({"TableName": arn("media")}),
                vec![("GetItem", arn("media"))],
            ),
            ("ListTables", json!({}), vec![("ListTables", arn("*"))]),
            (
                "BatchWriteItem",
                json!({"RequestItems": {"a": [], "b": []}}),
                vec![("BatchWriteItem", arn("a")), ("BatchWriteItem", arn("b"))],
            ),
            (
                "TransactWriteItems",
                json!({"TransactItems": [{"Put": {"TableName": "a"}}, {"ConditionCheck": {"TableName": "b"}}]}),
                vec![("PutItem", arn("a")), ("ConditionCheckItem", arn("b"))],
            ),
        ] {
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(action, resource)| (action.to_owned(), resource))
                .collect();
            assert_eq!(permissions(operation, &input), expected, "{operation}");
        }
    }
}
