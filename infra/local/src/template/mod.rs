//! Reads the SAM template that deploys the system, and resolves it for one machine.
//!
//! The template stays the one description: what it declares is what the local run creates, and what it gives a
//! function is what the function gets. Only the properties the local run acts on are read; everything else (alarms,
//! log groups, encryption, outputs) is left to the real deployment. What is read and not understood is an error that
//! names the logical id and the property, never a silent default.
//!
//! Local meaning of references: account `000000000000`, region `us-east-1`; `Ref` of a queue is its URL at the SQS
//! endpoint, of a key its id, of a table, bucket or function its name; `Arn` is the local ARN. Follows the AWS SAM
//! specification 2016-10-31 and the CloudFormation resource reference (checked 2026-11-20).

mod condition;
mod error;
mod event;
mod function;
mod intrinsic;
mod model;
mod names;
mod policy;
mod properties;
mod reader;
mod resource;
mod yaml;

pub use error::TemplateError;
pub use model::{
    AsyncInvoke, Bucket, Distribution, Event, Function, Index, KeySchema, Named, ObjectEvent,
    PublicKey, Queue, QueueEvent, Redrive, Resources, Route, ScheduleEvent, Statement, Table,
    Template,
};
pub use names::{ACCOUNT, REGION, arn, kebab, physical};
pub use reader::Settings;

use std::path::Path;

impl Template {
    /// Reads and resolves a template file.
    ///
    /// # Errors
    /// When the file cannot be read, is not YAML, needs a parameter nobody gives, or declares something this reader
    /// does not understand.
    pub fn read(path: &Path, settings: &Settings) -> Result<Self, TemplateError> {
        let text = std::fs::read_to_string(path).map_err(|source| TemplateError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, settings)
    }

    /// Resolves the text of a template.
    ///
    /// # Errors
    /// As for [`Template::read`], without the file.
    pub fn parse(text: &str, settings: &Settings) -> Result<Self, TemplateError> {
        reader::read(&yaml::parse(text)?, settings)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;

    fn first(statement: &Statement) -> &str {
        match &statement.resources {
            Resources::Only(arns) | Resources::Except(arns) => &arns[0],
        }
    }

    const SMALL: &str = include_str!("../../fixtures/small.yaml");

    fn settings(parameters: &[(&str, &str)]) -> Settings {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Settings {
            parameters: parameters.iter().map(owned).collect(),
            sqs_endpoint: "http://127.0.0.1:9324".to_owned(),
            key_ids: BTreeMap::from([("DataKey".to_owned(), "key-1".to_owned())]),
        }
    }

    fn small() -> Template {
        let overrides = [("Stage", "test"), ("SweepSchedule", "rate(10 seconds)")];
        Template::parse(SMALL, &settings(&overrides)).unwrap()
    }

    #[test]
    fn functions_are_read() {
        let template = small();
        let intake = template.function("IntakeFunction").unwrap();
        assert_eq!(intake.name, "attache-test-intake-function");
        assert_eq!(intake.binary, "intake");
        assert_eq!(intake.timeout, Duration::from_secs(29));
        assert_eq!(intake.memory_mb, 256);
        let environment: Vec<(&str, &str)> = intake
            .environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            environment,
            [
                (
                    "DATA_KEY_ID",
                    "arn:aws:kms:us-east-1:000000000000:key/key-1"
                ),
                (
                    "FETCH_QUEUE_URL",
                    "http://127.0.0.1:9324/000000000000/attache-test-fetch-queue"
                ),
                ("LEASE_SECONDS", "30"),
                ("LOG_LEVEL", "debug"),
                ("MEDIA_TABLE", "attache-test-media-table"),
            ]
        );
        let validate = template.function("ValidateFunction").unwrap();
        assert_eq!(
            (validate.binary.as_str(), validate.memory_mb),
            ("validate", 1024)
        );
        assert_eq!(validate.async_invoke.max_retries, 1);
        assert_eq!(
            validate.async_invoke.on_failure.as_deref(),
            Some("ArrivalsFailed")
        );
    }

    #[test]
    fn events_are_read() {
        let template = small();
        let events = |id: &str| template.function(id).unwrap().events.clone();
        let route = |method: &str| {
            Event::Http(Route {
                method: method.to_owned(),
                path: "/webhooks/{endpoint}".to_owned(),
            })
        };
        assert_eq!(events("IntakeFunction"), [route("POST"), route("GET")]);
        assert_eq!(
            events("ValidateFunction"),
            [
                Event::Object(ObjectEvent {
                    bucket: "MediaBucket".to_owned(),
                    events: vec!["ObjectCreated:*".to_owned()],
                    prefix: "arrivals/".to_owned(),
                    suffix: String::new(),
                }),
                Event::Queue(QueueEvent {
                    queue: "FetchQueue".to_owned(),
                    batch_size: 5,
                    window: Duration::from_secs(1),
                    partial_responses: true,
                    maximum_concurrency: Some(2),
                }),
            ]
        );
        assert_eq!(
            events("SweepFunction"),
            [
                Event::Schedule(ScheduleEvent {
                    name: "Minute".to_owned(),
                    every: Duration::from_secs(10),
                    input: Some(serde_json::json!({"probe": true})),
                }),
                Event::Object(ObjectEvent {
                    bucket: "QuarantineBucket".to_owned(),
                    events: vec!["ObjectCreated:Put".to_owned()],
                    prefix: String::new(),
                    suffix: ".bin".to_owned(),
                }),
            ]
        );
    }

    #[test]
    fn policies_are_resolved() {
        let template = small();
        let intake = template.function("IntakeFunction").unwrap();
        assert!(!intake.own_role);
        let granted: Vec<(&str, &str)> = intake
            .policy
            .iter()
            .map(|s| (s.actions[0].as_str(), first(s)))
            .collect();
        assert_eq!(
            granted,
            [
                (
                    "dynamodb:GetItem",
                    "arn:aws:dynamodb:us-east-1:000000000000:table/attache-test-media-table"
                ),
                (
                    "secretsmanager:GetSecretValue",
                    "arn:aws:secretsmanager:us-east-1:000000000000:secret:attache/test/endpoints/*"
                ),
                (
                    "kms:Decrypt",
                    "arn:aws:kms:us-east-1:000000000000:key/key-1"
                ),
            ]
        );
        assert!(intake.policy[2].condition.is_some());
        let sweep = template.function("SweepFunction").unwrap();
        assert!(sweep.own_role);
        assert!(first(&sweep.policy[0]).ends_with("/index/due"));
    }

    #[test]
    fn storage_is_read() {
        let template = small();
        let table = template.table("MediaTable").unwrap();
        assert_eq!(table.key.hash, "id");
        assert_eq!(table.indexes[0].key.range.as_deref(), Some("due_at"));
        assert_eq!(table.expires_at.as_deref(), Some("expires_at"));
        assert_eq!(
            template.bucket("MediaBucket").unwrap().name,
            "attache-test-media-000000000000-us-east-1"
        );
        let fetch = template.queue("FetchQueue").unwrap();
        assert_eq!(fetch.visibility, Duration::from_secs(174));
        let redrive = fetch.redrive.as_ref().unwrap();
        assert_eq!(redrive.max_receive_count, 4);
        assert!(
            redrive
                .target_arn
                .ends_with(":attache-test-fetch-dead-letters")
        );
        assert_eq!(template.keys.len(), 1);
    }

    #[test]
    fn errors_name_the_logical_id_and_the_property() {
        let rows: [(&str, &str, &str); 8] = [
            (
                "Timeout: 29",
                "Timeout: soon",
                "IntakeFunction: Timeout: expected a whole",
            ),
            (
                "Method: POST, Path",
                "Method: POST, Path: !Ref Nowhere, Other",
                "IntakeFunction: Events.Receive.Properties.Path: Nowhere is neither",
            ),
            (
                "Type: Schedule\n",
                "Type: IoTRule\n",
                "SweepFunction: Events.Minute.Type: the event",
            ),
            (
                "rate(1 minute)",
                "at noon",
                "SweepFunction: Events.Minute.Properties.Schedule: expected",
            ),
            (
                "KeyType: HASH }]\n      Global",
                "KeyType: SORT }]\n      Global",
                "MediaTable: KeySchema.0.KeyType",
            ),
            (
                "maxReceiveCount: \"4\"",
                "other: 1",
                "FetchQueue: RedrivePolicy.maxReceiveCount: is missing",
            ),
            (
                "MaximumRetryAttempts: 1",
                "MaximumRetryAttempts: 3",
                "ValidateFunction: EventInvokeConfig.Max",
            ),
            (
                "Effect: Allow\n              Action: kms",
                "Effect: Maybe\n              Action: kms",
                "IntakeFunction: Policies.0.Statement.2.Effect: expected Allow",
            ),
        ];
        for (from, to, expected) in rows {
            assert!(SMALL.contains(from), "{from}");
            let text = SMALL.replace(from, to);
            let message = Template::parse(&text, &settings(&[]))
                .unwrap_err()
                .to_string();
            assert!(message.starts_with(expected), "{to}: {message}");
        }
    }

    #[test]
    fn parameters_are_checked() {
        let rows = [
            (
                "Colour",
                "red",
                "parameter Colour: the template has no such",
            ),
            (
                "Architecture",
                "mips",
                "parameter Architecture: \"mips\" is not",
            ),
        ];
        for (name, value, expected) in rows {
            let message = Template::parse(SMALL, &settings(&[(name, value)]))
                .unwrap_err()
                .to_string();
            assert!(message.starts_with(expected), "{message}");
        }
    }
}
