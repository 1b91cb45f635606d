//! Queues themselves: creating, finding, describing and removing them, and moving dead letters back.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::arn::{fresh_uuid, local_part, regional};
use super::super::json::{Failure, read};
use super::message::invalid;
use super::queue::Queue;
use super::queues::{missing, now};
use super::{Sqs, Texts, attributes};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    queue_name: String,
    #[serde(default)]
    attributes: Texts,
    #[serde(default, alias = "tags")]
    tags: Texts,
}

impl Sqs {
    pub(super) fn create_queue(&self, given: Create) -> Result<Value, Failure> {
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

    pub(super) fn get_queue_url(&self, name: &str) -> Result<Value, Failure> {
        self.look_at(name, |_| json!({"QueueUrl": self.url(name)}))
    }

    pub(super) fn list_queues(&self, prefix: &str) -> Value {
        let urls: Vec<String> = self.queues.look(|queues| {
            queues
                .keys()
                .filter(|name| name.starts_with(prefix))
                .map(|name| self.url(name))
                .collect()
        });
        json!({"QueueUrls": urls})
    }

    pub(super) fn get_queue_attributes(&self, name: &str, input: &Value) -> Result<Value, Failure> {
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

    pub(super) fn set_queue_attributes(&self, name: &str, given: Texts) -> Result<Value, Failure> {
        attributes::check(&given)?;
        self.queues.change(|queues| {
            check_redrive(&given, queues)?;
            let queue = queues.get_mut(name).ok_or_else(missing)?;
            queue.attributes.extend(given);
            queue.modified_at = now() / 1000;
            Ok(json!({}))
        })
    }

    pub(super) fn tag_queue(&self, name: &str, tags: Texts) -> Result<Value, Failure> {
        self.queues
            .within(name, |queue| queue.tags.extend(tags))
            .map(|()| json!({}))
    }

    pub(super) fn list_dead_letter_sources(&self, name: &str) -> Value {
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

    /// Moves everything visible at once: to the given queue, or each message to where it came from.
    pub(super) fn move_messages(&self, input: &Value) -> Result<Value, Failure> {
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

    pub(super) fn look_at<T>(
        &self,
        name: &str,
        look: impl FnOnce(&Queue) -> T,
    ) -> Result<T, Failure> {
        self.queues
            .look(|queues| queues.get(name).map(look).ok_or_else(missing))
    }

    pub(super) fn url(&self, name: &str) -> String {
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
