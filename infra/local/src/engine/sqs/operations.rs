//! The operations on messages, from the JSON of a request to the JSON of its answer, and the table of all operations.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::arn::fresh_uuid;
use super::super::json::{Failure, read};
use super::message::{MAX_MESSAGE_BYTES, Message, Outgoing, invalid, md5_hex, md5_of_attributes};
use super::queue::{Handle, Queue};
use super::queues::{Wish, missing, now};
use super::{Sqs, queue_name};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Receive {
    queue_url: String,
    #[serde(default)]
    max_number_of_messages: Option<i64>,
    #[serde(default)]
    visibility_timeout: Option<u64>,
    #[serde(default)]
    wait_time_seconds: Option<u64>,
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
}

/// One message of a queue by receipt: `DeleteMessage`, `ChangeMessageVisibility`, or an entry of their batch forms.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Receipt {
    #[serde(default)]
    id: String,
    receipt_handle: String,
    #[serde(default)]
    visibility_timeout: Option<u64>,
}

impl Sqs {
    pub(super) async fn carry_out(&self, operation: &str, input: Value) -> Result<Value, Failure> {
        let name = input["QueueUrl"]
            .as_str()
            .map(queue_name)
            .unwrap_or_default()
            .to_owned();
        match operation {
            "CreateQueue" => self.create_queue(read(input)?),
            "GetQueueUrl" => self.get_queue_url(input["QueueName"].as_str().unwrap_or_default()),
            "ListQueues" => {
                Ok(self.list_queues(input["QueueNamePrefix"].as_str().unwrap_or_default()))
            }
            "DeleteQueue" => self
                .queues
                .change(|queues| queues.remove(&name))
                .map(|_| json!({}))
                .ok_or_else(missing),
            "PurgeQueue" => self.queues.within(&name, Queue::purge).map(|()| json!({})),
            "GetQueueAttributes" => self.get_queue_attributes(&name, &input),
            "SetQueueAttributes" => {
                self.set_queue_attributes(&name, read(input["Attributes"].clone())?)
            }
            "TagQueue" => self.tag_queue(&name, read(input["Tags"].clone())?),
            "ListQueueTags" => self.look_at(&name, |queue| json!({"Tags": queue.tags})),
            "ListDeadLetterSourceQueues" => Ok(self.list_dead_letter_sources(&name)),
            "SendMessage" => self.send(&name, read(input)?),
            "SendMessageBatch" => {
                self.send_batch(&name, entries(&input, |entry: &Outgoing| &entry.id)?)
            }
            "ReceiveMessage" => self.receive(read(input)?).await,
            "DeleteMessage" => self.delete(&name, &read(input)?),
            "DeleteMessageBatch" => {
                let receipts = entries(&input, |entry: &Receipt| &entry.id)?;
                self.each(&name, receipts, Self::delete)
            }
            "ChangeMessageVisibility" => self.change_visibility(&name, &read(input)?),
            "ChangeMessageVisibilityBatch" => {
                let receipts = entries(&input, |entry: &Receipt| &entry.id)?;
                self.each(&name, receipts, Self::change_visibility)
            }
            "StartMessageMoveTask" => self.move_messages(&input),
            _ => Err(Failure::new(
                "UnsupportedOperation",
                format!("{operation} is not supported by the local queues"),
            )
            .known_as("AWS.SimpleQueueService.UnsupportedOperation")),
        }
    }

    fn send(&self, name: &str, given: Outgoing) -> Result<Value, Failure> {
        given.check()?;
        let mut answer = json!({"MessageId": fresh_uuid(), "MD5OfMessageBody": md5_hex(given.message_body.as_bytes())});
        if !given.message_attributes.is_empty() {
            answer["MD5OfMessageAttributes"] =
                json!(md5_of_attributes(given.message_attributes.iter()));
        }
        let id = answer["MessageId"].as_str().unwrap_or_default().to_owned();
        self.queues.within(name, |queue| {
            let message = Message::new(id, given, now(), queue.setting("DelaySeconds"));
            queue.put(message);
        })?;
        Ok(answer)
    }

    fn send_batch(&self, name: &str, given: Vec<Outgoing>) -> Result<Value, Failure> {
        if given.iter().map(Outgoing::bytes).sum::<usize>() > MAX_MESSAGE_BYTES {
            let message =
                format!("Batch requests cannot be longer than {MAX_MESSAGE_BYTES} bytes.");
            return Err(Failure::new("BatchRequestTooLong", message)
                .known_as("AWS.SimpleQueueService.BatchRequestTooLong"));
        }
        self.look_at(name, |_| ())?;
        Ok(outcomes(
            given
                .into_iter()
                .map(|entry| (entry.id.clone(), self.send(name, entry))),
        ))
    }

    async fn receive(&self, given: Receive) -> Result<Value, Failure> {
        let max = given.max_number_of_messages.unwrap_or(1);
        let max = usize::try_from(max).ok().filter(|max| (1..=10).contains(max)).ok_or_else(|| {
            invalid(format!("Value {max} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."))
        })?;
        if given.wait_time_seconds.is_some_and(|seconds| seconds > 20) {
            return Err(invalid(
                "Value for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.",
            ));
        }
        let wish = Wish {
            queue: queue_name(&given.queue_url),
            max,
            visibility_seconds: given.visibility_timeout,
            wait_seconds: given.wait_time_seconds,
        };
        let messages = self.queues.receive(&wish).await?;
        let system = [given.attribute_names, given.message_system_attribute_names].concat();
        let answers: Vec<Value> = messages
            .iter()
            .map(|(handle, message)| {
                message.received(handle, &system, &given.message_attribute_names)
            })
            .collect();
        Ok(if answers.is_empty() {
            json!({})
        } else {
            json!({"Messages": answers})
        })
    }

    fn delete(&self, name: &str, given: &Receipt) -> Result<Value, Failure> {
        let handle = Handle::parse(&given.receipt_handle)?;
        self.queues
            .within(name, |queue| queue.delete(&handle))
            .map(|()| json!({}))
    }

    fn change_visibility(&self, name: &str, given: &Receipt) -> Result<Value, Failure> {
        let handle = Handle::parse(&given.receipt_handle)?;
        let seconds = given.visibility_timeout.ok_or_else(|| {
            Failure::new(
                "MissingParameter",
                "The request must contain the parameter VisibilityTimeout.",
            )
            .known_as("MissingParameter")
        })?;
        self.queues
            .within(name, |queue| {
                queue.change_visibility(&handle, seconds, now())
            })?
            .map(|()| json!({}))
    }

    fn each(
        &self,
        name: &str,
        receipts: Vec<Receipt>,
        act: impl Fn(&Self, &str, &Receipt) -> Result<Value, Failure>,
    ) -> Result<Value, Failure> {
        self.look_at(name, |_| ())?;
        Ok(outcomes(receipts.into_iter().map(|receipt| {
            (receipt.id.clone(), act(self, name, &receipt))
        })))
    }
}

/// Reads the entries of a batch and holds them to AWS's rules: one to ten, with distinct ids.
fn entries<T: serde::de::DeserializeOwned>(
    input: &Value,
    id: impl Fn(&T) -> &String,
) -> Result<Vec<T>, Failure> {
    let entries: Vec<T> = read(input["Entries"].clone())?;
    if entries.is_empty() {
        return Err(Failure::new(
            "EmptyBatchRequest",
            "The batch request doesn't contain any entries.",
        )
        .known_as("AWS.SimpleQueueService.EmptyBatchRequest"));
    }
    if entries.len() > 10 {
        return Err(Failure::new(
            "TooManyEntriesInBatchRequest",
            "Maximum number of entries per request are 10.",
        )
        .known_as("AWS.SimpleQueueService.TooManyEntriesInBatchRequest"));
    }
    if entries.iter().map(&id).collect::<BTreeSet<_>>().len() != entries.len() {
        return Err(Failure::new(
            "BatchEntryIdsNotDistinct",
            "Two or more batch entries in the request have the same Id.",
        )
        .known_as("AWS.SimpleQueueService.BatchEntryIdsNotDistinct"));
    }
    Ok(entries)
}

/// The answer to a batch: what worked and what did not, by entry id.
fn outcomes(each: impl Iterator<Item = (String, Result<Value, Failure>)>) -> Value {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (id, outcome) in each {
        match outcome {
            Ok(mut answer) => {
                answer["Id"] = json!(id);
                successful.push(answer);
            }
            Err(failure) => failed.push(json!({
                "Id": id, "SenderFault": true, "Code": failure.query_code.unwrap_or(failure.kind), "Message": failure.message,
            })),
        }
    }
    json!({"Successful": successful, "Failed": failed})
}
