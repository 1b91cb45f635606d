//! SQS: standard queues, kept in memory and written to one file as they change.
//!
//! Implements the JSON protocol for everything the system and its operator call: queues and their attributes, single and
//! batch sends, long polling, visibility, redrive to dead-letter queues, and moving dead letters back. FIFO queues are
//! refused: nothing here uses them. <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/>, checked
//! 2026-11-20.
//!
//! With a data directory the queues are written at most once a second, and when the engine stops. A process that is killed
//! may lose the last second of sends; the system itself recovers such a loss from its tables.

mod administration;
mod attributes;
mod message;
mod operations;
mod queue;
mod queues;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::Response;
use serde_json::Value;
use tokio::task::JoinHandle;

use super::arn::regional;
use super::files;
use super::front::Body;
use super::json::{Failure, JsonRequest, JsonService, respond};
use super::observe::AwsCall;
use queues::Queues;

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// The service behind the front.
pub(super) struct Sqs {
    queues: Arc<Queues>,
    /// The prefix of every queue URL: `http://127.0.0.1:PORT/000000000000/`.
    url_prefix: String,
}

/// Keeps the file up to date.
pub(super) struct Keeper {
    queues: Arc<Queues>,
    file: Option<PathBuf>,
    task: Option<JoinHandle<()>>,
}

impl Sqs {
    /// Reads the kept queues back, if there are any. `url` is where the front will listen.
    pub(super) fn start(url: &str, file: Option<PathBuf>) -> anyhow::Result<(Self, Keeper)> {
        let kept = file.as_deref().map(files::read_json).transpose()?.flatten();
        let queues = Arc::new(Queues::new(kept.unwrap_or_default()));
        let task = file
            .clone()
            .map(|file| tokio::spawn(keep(Arc::clone(&queues), file)));
        let sqs = Self {
            queues: Arc::clone(&queues),
            url_prefix: format!("{url}/{}/", super::arn::ACCOUNT),
        };
        Ok((sqs, Keeper { queues, file, task }))
    }
}

async fn keep(queues: Arc<Queues>, file: PathBuf) {
    let mut changes = queues.changes();
    while changes.changed().await.is_ok() {
        if let Err(error) = write(&queues, &file) {
            tracing::error!(%error, "the queues could not be written");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn write(queues: &Queues, file: &Path) -> anyhow::Result<()> {
    let state = queues.look(serde_json::to_vec)?;
    Ok(files::write(file, &state)?)
}

impl Keeper {
    /// Writes the last state.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        if let Some(task) = self.task.take() {
            task.abort();
            // Aborted is how it should end; what matters is that it no longer writes.
            let _ = task.await;
        }
        self.file
            .as_deref()
            .map_or(Ok(()), |file| write(&self.queues, file))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

#[async_trait]
impl JsonService for Sqs {
    fn calls(&self, principal: &str, operation: &str, input: &Value) -> Vec<AwsCall> {
        let action = operation.strip_suffix("Batch").unwrap_or(operation);
        let resource = ["SourceArn", "TaskHandle"]
            .iter()
            .find_map(|name| input[name].as_str())
            .map(str::to_owned)
            .unwrap_or_else(|| {
                let name = input["QueueUrl"]
                    .as_str()
                    .map(queue_name)
                    .or_else(|| input["QueueName"].as_str());
                regional("sqs", name.unwrap_or("*"))
            });
        vec![AwsCall {
            principal: principal.to_owned(),
            action: format!("sqs:{action}"),
            operation: operation.to_owned(),
            resource,
        }]
    }

    async fn answer(&self, request: JsonRequest) -> Response<Body> {
        respond(
            CONTENT_TYPE,
            self.carry_out(&request.operation, request.input).await,
        )
    }

    fn failure(&self, failure: &Failure) -> Response<Body> {
        let mut failure = failure.clone();
        if failure.kind == "AccessDeniedException" {
            failure.status = http::StatusCode::FORBIDDEN;
            failure.query_code = Some("AccessDenied");
        }
        respond(CONTENT_TYPE, Err(failure))
    }
}

/// The name in a queue URL: its last segment. The host does not matter, so that URLs survive a restart on another port.
fn queue_name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

/// Attributes and tags are text by name.
type Texts = BTreeMap<String, String>;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn batch_operations_need_the_permission_of_their_single_form() {
        let sqs = Sqs {
            queues: Arc::new(Queues::new(BTreeMap::new())),
            url_prefix: String::new(),
        };
        let url = "http://127.0.0.1:1/000000000000/media";
        for (operation, input, action, resource) in [
            (
                "SendMessageBatch",
                json!({"QueueUrl": url}),
                "sqs:SendMessage",
                "arn:aws:sqs:us-east-1:000000000000:media",
            ),
            (
                "DeleteMessageBatch",
                json!({"QueueUrl": url}),
                "sqs:DeleteMessage",
                "arn:aws:sqs:us-east-1:000000000000:media",
            ),
            (
                "CreateQueue",
                json!({"QueueName": "new"}),
                "sqs:CreateQueue",
                "arn:aws:sqs:us-east-1:000000000000:new",
            ),
            (
                "ListQueues",
                json!({}),
                "sqs:ListQueues",
                "arn:aws:sqs:us-east-1:000000000000:*",
            ),
        ] {
            let call = &sqs.calls("operator", operation, &input)[0];
            assert_eq!(
                (
                    call.action.as_str(),
                    call.resource.as_str(),
                    call.operation.as_str()
                ),
                (action, resource, operation)
            );
        }
    }
}
