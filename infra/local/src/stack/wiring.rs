//! From a resolved template to the fleet and its sources.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::clients;
use super::signing::Signing;
use crate::content::ContentDomain;
use crate::engine::Endpoints;
use crate::iam::event_source;
use crate::lambda::{Fleet, FunctionSettings};
use crate::source::{AsyncInvoker, Destination, QueueSource, Subscription, Ticker};
use crate::template::{Event, Function, Template};

/// Instances a function may have where its event sources set no higher bound.
const DEFAULT_CONCURRENCY: usize = 10;

/// Everything that starts functions, but for the HTTP front.
#[derive(Default)]
pub(crate) struct Sources {
    pub(crate) queues: Vec<QueueSource>,
    pub(crate) objects: Vec<Subscription>,
    pub(crate) schedules: Vec<Ticker>,
}

/// The functions, as the fleet runs them. What the template says of a content domain's name holds of where it is here.
pub(crate) fn functions(
    template: &Template,
    content: Option<&ContentDomain>,
) -> Vec<FunctionSettings> {
    let here = |value: &String| match content {
        Some(domain) if *value == format!("https://{}", domain.alias) => domain.url.clone(),
        Some(_) | None => value.clone(),
    };
    let settings = |function: &Function| FunctionSettings {
        logical_id: function.logical_id.clone(),
        name: function.name.clone(),
        binary: function.binary.clone(),
        timeout: function.timeout,
        memory_mb: function.memory_mb,
        environment: function
            .environment
            .iter()
            .map(|(name, value)| (name.clone(), here(value)))
            .collect(),
        concurrency: concurrency(function),
    };
    template.functions.iter().map(settings).collect()
}

fn concurrency(function: &Function) -> usize {
    let bounds = function.events.iter().map(|event| match event {
        Event::Queue(queue) => queue.maximum_concurrency.unwrap_or(DEFAULT_CONCURRENCY),
        Event::Http(_) | Event::Object(_) | Event::Schedule(_) => 0,
    });
    bounds.sum::<usize>().max(DEFAULT_CONCURRENCY)
}

/// What tells a function's SDKs where the engines are.
pub(crate) fn endpoint_variables(endpoints: &Endpoints) -> BTreeMap<String, String> {
    [
        ("S3", &endpoints.s3),
        ("SQS", &endpoints.sqs),
        ("DYNAMODB", &endpoints.dynamodb),
        ("KMS", &endpoints.kms),
        ("SECRETS_MANAGER", &endpoints.secrets_manager),
    ]
    .into_iter()
    .map(|(service, url)| (format!("AWS_ENDPOINT_URL_{service}"), url.clone()))
    .collect()
}

/// The sources of all functions.
///
/// # Errors
/// When an event names a queue or bucket the template does not declare.
pub(crate) fn sources(
    template: &Template,
    endpoints: &Endpoints,
    signing: &Signing,
    fleet: &Arc<Fleet>,
) -> anyhow::Result<Sources> {
    let mut sources = Sources::default();
    for function in &template.functions {
        let needs_sqs = function.events.iter().any(|e| matches!(e, Event::Queue(_)))
            || function.async_invoke.on_failure.is_some();
        let caller = signing.credentials(&event_source(&function.logical_id));
        let sqs = needs_sqs.then(|| clients::sqs(endpoints, &caller));
        let invoker = Arc::new(invoker(function, template, sqs.clone(), fleet)?);
        for event in &function.events {
            match (event, &sqs) {
                (Event::Queue(event), Some(sqs)) => {
                    let queue = template
                        .queue(&event.queue)
                        .ok_or_else(|| undeclared(function, &event.queue))?;
                    sources.queues.push(QueueSource {
                        function: function.logical_id.clone(),
                        concurrency: event.maximum_concurrency.unwrap_or(DEFAULT_CONCURRENCY),
                        event: event.clone(),
                        arn: queue.arn.clone(),
                        url: queue.url.clone(),
                        fleet: Arc::clone(fleet),
                        sqs: sqs.clone(),
                    });
                }
                (Event::Object(event), _) => {
                    let bucket = template
                        .bucket(&event.bucket)
                        .ok_or_else(|| undeclared(function, &event.bucket))?;
                    sources.objects.push(Subscription {
                        bucket: bucket.name.clone(),
                        event: event.clone(),
                        invoker: Arc::clone(&invoker),
                    });
                }
                (Event::Schedule(event), _) => sources.schedules.push(Ticker {
                    event: event.clone(),
                    invoker: Arc::clone(&invoker),
                }),
                (Event::Http(_) | Event::Queue(_), _) => {}
            }
        }
    }
    Ok(sources)
}

fn invoker(
    function: &Function,
    template: &Template,
    sqs: Option<aws_sdk_sqs::Client>,
    fleet: &Arc<Fleet>,
) -> anyhow::Result<AsyncInvoker> {
    let on_failure = match (&function.async_invoke.on_failure, sqs) {
        (Some(id), Some(sqs)) => {
            let queue = template.queue(id).ok_or_else(|| undeclared(function, id))?;
            let url = queue.url.clone();
            Some(Destination { url, sqs })
        }
        _ => None,
    };
    Ok(AsyncInvoker {
        function: function.logical_id.clone(),
        arn: function.arn.clone(),
        max_retries: function.async_invoke.max_retries,
        on_failure,
        fleet: Arc::clone(fleet),
    })
}

fn undeclared(function: &Function, id: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "{}: {id} is not declared in the template",
        function.logical_id
    )
}
