//! The operations, from the JSON of a request to the JSON of its answer.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::arn::{fresh_uuid, local_part, regional};
use super::super::json::{Failure, read};
use super::message::{MAX_MESSAGE_BYTES, Message, Outgoing, invalid, md5_hex, md5_of_attributes};
use super::queue::{Handle, Queue};
use super::queues::{Wish, missing, now};
use super::{Sqs, Texts, attributes, queue_name};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Create {
    queue_name: String,
    #[serde(default)]
    attributes: Texts,
    #[serde(default, alias = "tags")]
    tags: Texts,
}

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

    fn create_queue(&self, given: Create) -> Result<Value, Failure> {
        let name = given.queue_name;
        let well_formed = (1..=80).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !well_formed {
            return Err(invalid(
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length. FIFO queues are not supported locally",
            ));
        }
        attributes::check(&given.attributes)?;
        self.queues.change(|queues| {
            check_redrive(&given.attributes, queues)?;
            if let Some(queue) = queues.get(&name) {
                let differs = given.attributes.iter().any(|(attribute, value)| queue.attributes.get(attribute) != Some(value));
                if differs {
                    let message = "A queue already exists with the same name and a different value for an attribute";
                    return Err(Failure::new("QueueNameExists", message).known_as("QueueAlreadyExists"));
                }
            } else {
                queues.insert(name.clone(), Queue::new(given.attributes, given.tags, now()));
            }
            Ok(json!({"QueueUrl": self.url(&name)}))
        })
    }

    fn get_queue_url(&self, name: &str) -> Result<Value, Failure> {
        self.look_at(name, |_| json!({"QueueUrl": self.url(name)}))
    }

    fn list_queues(&self, prefix: &str) -> Value {
        let urls: Vec<String> = self.queues.look(|queues| {
            queues
                .keys()
                .filter(|name| name.starts_with(prefix))
                .map(|name| self.url(name))
                .collect()
        });
        json!({"QueueUrls": urls})
    }

    fn get_queue_attributes(&self, name: &str, input: &Value) -> Result<Value, Failure> {
        let asked_for: Vec<String> = read(
            input
                .get("AttributeNames")
                .cloned()
                .unwrap_or_else(|| json!([])),
        )?;
        self.look_at(
            name,
            |queue| json!({"Attributes": attributes::describe(name, queue, now(), &asked_for)}),
        )
    }

    fn set_queue_attributes(&self, name: &str, given: Texts) -> Result<Value, Failure> {
        attributes::check(&given)?;
        self.queues.change(|queues| {
            check_redrive(&given, queues)?;
            let queue = queues.get_mut(name).ok_or_else(missing)?;
            queue.attributes.extend(given);
            queue.modified_at = now() / 1000;
            Ok(json!({}))
        })
    }

    fn tag_queue(&self, name: &str, tags: Texts) -> Result<Value, Failure> {
        self.queues
            .within(name, |queue| queue.tags.extend(tags))
            .map(|()| json!({}))
    }

    fn list_dead_letter_sources(&self, name: &str) -> Value {
        let arn = regional("sqs", name);
        let leads_here = |queue: &Queue| matches!(queue.redrive(), Ok(Some(redrive)) if redrive.dead_letter_arn == arn);
        let urls: Vec<String> = self.queues.look(|queues| {
            queues
                .iter()
                .filter(|(_, queue)| leads_here(queue))
                .map(|(name, _)| self.url(name))
                .collect()
        });
        json!({"queueUrls": urls})
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

    /// Moves everything visible at once: to the given queue, or each message to where it came from.
    fn move_messages(&self, input: &Value) -> Result<Value, Failure> {
        let source = local_part(input["SourceArn"].as_str().unwrap_or_default());
        let destination = input["DestinationArn"].as_str();
        self.queues.change(|queues| {
            let drained = queues
                .get_mut(source)
                .ok_or_else(missing)?
                .drain_visible(now());
            for mut message in drained {
                let came_from = message.dead_letter_source.take();
                let target = destination
                    .or(came_from.as_deref())
                    .map_or(source, local_part);
                let target = if queues.contains_key(target) {
                    target
                } else {
                    source
                };
                if let Some(queue) = queues.get_mut(target) {
                    message.receives = 0;
                    message.first_received_at = None;
                    message.receipt = 0;
                    queue.put(message);
                }
            }
            Ok(json!({"TaskHandle": fresh_uuid()}))
        })
    }

    fn look_at<T>(&self, name: &str, look: impl FnOnce(&Queue) -> T) -> Result<T, Failure> {
        self.queues
            .look(|queues| queues.get(name).map(look).ok_or_else(missing))
    }

    fn url(&self, name: &str) -> String {
        format!("{}{name}", self.url_prefix)
    }
}

fn check_redrive(given: &Texts, queues: &BTreeMap<String, Queue>) -> Result<(), Failure> {
    let Some(redrive) = Queue::new(given.clone(), Texts::new(), 0).redrive()? else {
        return Ok(());
    };
    if queues.contains_key(local_part(&redrive.dead_letter_arn)) {
        return Ok(());
    }
    Err(invalid(format!(
        "Value for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist: {}",
        redrive.dead_letter_arn
    )))
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
