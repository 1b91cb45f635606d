//! What starts a function: the `Events` of a SAM function, and notifications written on a bucket.

use std::time::Duration;

use serde_json::{Map, Value};

use super::error::{Place, TemplateError};
use super::intrinsic::{Resolver, Resources};
use super::model::{Event, ObjectEvent, QueueEvent, Route, ScheduleEvent, Template};
use super::properties::Properties;

/// Lambda's default batch size for standard queues.
const DEFAULT_BATCH: u64 = 10;

/// Reads the `Events` of a function.
pub(crate) fn read<R: Resources>(
    function: &Properties<'_, R>,
) -> Result<Vec<Event>, TemplateError> {
    let events = function.inner("Events")?;
    let mut read = Vec::new();
    for (name, _) in events.entries() {
        let event = events.inner(name)?;
        let properties = event.inner("Properties")?;
        if properties.text("Enabled")?.as_deref() == Some("false") {
            continue;
        }
        read.push(match event.required("Type")?.as_str() {
            "HttpApi" => Event::Http(http(&properties)?),
            "SQS" => Event::Queue(queue(&properties)?),
            "S3" => Event::Object(object(&properties)?),
            "Schedule" => Event::Schedule(schedule(name, "Schedule", &properties)?),
            "ScheduleV2" => Event::Schedule(schedule(name, "ScheduleExpression", &properties)?),
            other => {
                let problem = format!("the event type {other} is not supported locally");
                return Err(event.place().at("Type").error(problem));
            }
        });
    }
    Ok(read)
}

fn http<R: Resources>(properties: &Properties<'_, R>) -> Result<Route, TemplateError> {
    let path = properties.text("Path")?;
    let method = properties.text("Method")?;
    Ok(Route {
        method: method
            .unwrap_or_else(|| "ANY".to_owned())
            .to_ascii_uppercase()
            .replace('*', "ANY"),
        path: path.unwrap_or_else(|| "$default".to_owned()),
    })
}

fn queue<R: Resources>(properties: &Properties<'_, R>) -> Result<QueueEvent, TemplateError> {
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let scaling = properties.inner("ScalingConfig")?;
    Ok(QueueEvent {
        queue: target(properties, "Queue")?,
        batch_size: size(properties.number("BatchSize")?.unwrap_or(DEFAULT_BATCH)).max(1),
        window: properties.seconds("MaximumBatchingWindowInSeconds", 0)?,
        partial_responses: properties
            .texts("FunctionResponseTypes")?
            .iter()
            .any(|kind| kind == "ReportBatchItemFailures"),
        maximum_concurrency: scaling.number("MaximumConcurrency")?.map(size),
    })
}

fn object<R: Resources>(properties: &Properties<'_, R>) -> Result<ObjectEvent, TemplateError> {
    let bucket = target(properties, "Bucket")?;
    let rules = properties.inner("Filter")?.inner("S3Key")?;
    let events = properties.texts("Events")?;
    filtered(bucket, events, &rules)
}

fn filtered<R: Resources>(
    bucket: String,
    events: Vec<String>,
    key: &Properties<'_, R>,
) -> Result<ObjectEvent, TemplateError> {
    let mut event = ObjectEvent {
        bucket,
        events: events
            .into_iter()
            .map(|name| name.trim_start_matches("s3:").to_owned())
            .collect(),
        prefix: String::new(),
        suffix: String::new(),
    };
    for rule in key.list("Rules")? {
        let value = rule.required("Value")?;
        match rule.required("Name")?.to_ascii_lowercase().as_str() {
            "prefix" => event.prefix = value,
            "suffix" => event.suffix = value,
            other => {
                let problem = format!("expected prefix or suffix, found {other:?}");
                return Err(rule.place().at("Name").error(problem));
            }
        }
    }
    Ok(event)
}

fn schedule<R: Resources>(
    name: &str,
    expression: &str,
    properties: &Properties<'_, R>,
) -> Result<ScheduleEvent, TemplateError> {
    let place = properties.place().at(expression);
    let input = match properties.text("Input")? {
        None => None,
        Some(text) => Some(serde_json::from_str(&text).map_err(|_| {
            let place = properties.place().at("Input");
            place.error("expected JSON")
        })?),
    };
    Ok(ScheduleEvent {
        name: name.to_owned(),
        every: rate(&place, &properties.required(expression)?)?,
        input,
    })
}

/// `rate(1 minute)`, and, locally only, `rate(10 seconds)`.
fn rate(place: &Place, expression: &str) -> Result<Duration, TemplateError> {
    let inner = expression
        .trim()
        .strip_prefix("rate(")
        .and_then(|rest| rest.strip_suffix(')'));
    let parsed = inner.and_then(|inner| {
        let (count, unit) = inner.trim().split_once(' ')?;
        let count: u64 = count.parse().ok().filter(|count| *count > 0)?;
        let seconds = match unit.trim().trim_end_matches('s') {
            "second" => 1,
            "minute" => 60,
            "hour" => 60 * 60,
            "day" => 24 * 60 * 60,
            _ => return None,
        };
        count.checked_mul(seconds).map(Duration::from_secs)
    });
    parsed.ok_or_else(|| {
        let problem = format!("expected rate(N seconds|minutes|hours|days), found {expression:?}");
        place.error(problem)
    })
}

/// The logical id a property points at, through `Ref`, `GetAtt` or `Sub "${Id.Arn}"`.
pub(crate) fn target<R: Resources>(
    properties: &Properties<'_, R>,
    name: &str,
) -> Result<String, TemplateError> {
    let place = properties.place().at(name);
    let value = properties
        .raw(name)
        .ok_or_else(|| place.error("is missing"))?;
    logical_id(value)
        .ok_or_else(|| place.error("expected a reference to a resource of this template"))
}

fn logical_id(value: &Value) -> Option<String> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    let (name, argument) = object.iter().next()?;
    let text = match (name.as_str(), argument) {
        ("Ref", Value::String(id)) => id.as_str(),
        ("Fn::GetAtt", Value::Array(parts)) => parts.first()?.as_str()?,
        ("Fn::GetAtt", Value::String(path)) => path.as_str(),
        ("Fn::Sub", Value::String(pattern)) => pattern
            .strip_prefix("${")
            .and_then(|p| p.strip_suffix('}'))?,
        _ => return None,
    };
    text.split('.').next().map(str::to_owned)
}

/// Adds the events that are written on buckets (`NotificationConfiguration.LambdaConfigurations`) instead of on the
/// function: the form a template takes when bucket names must not depend on functions.
pub(crate) fn attach_bucket_notifications<R: Resources>(
    declared: &Map<String, Value>,
    resolver: &Resolver<'_, R>,
    template: &mut Template,
) -> Result<(), TemplateError> {
    for bucket in template.buckets.clone() {
        let body = declared.get(&bucket.logical_id);
        let properties = body.and_then(|body| body.get("Properties"));
        let place = Place::resource(&bucket.logical_id);
        let properties = Properties::new(place, properties, resolver)?;
        let notifications = properties.inner("NotificationConfiguration")?;
        for notification in notifications.list("LambdaConfigurations")? {
            let arn = notification.required("Function")?;
            let function = template
                .functions
                .iter_mut()
                .find(|function| function.arn == arn)
                .ok_or_else(|| {
                    let place = notification.place().at("Function");
                    place.error(format!("{arn} is not a function of this template"))
                })?;
            let events = notification.texts("Event")?;
            let key = notification.inner("Filter")?.inner("S3Key")?;
            let event = filtered(bucket.logical_id.clone(), events, &key)?;
            function.events.push(Event::Object(event));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read() {
        let rows = [
            ("rate(1 minute)", Some(60)),
            ("rate(10 seconds)", Some(10)),
            ("rate(2 hours)", Some(7200)),
            ("rate(1 day)", Some(86_400)),
            ("rate(0 minutes)", None),
            ("rate(1 fortnight)", None),
            ("cron(0 12 * * ? *)", None),
        ];
        for (text, expected) in rows {
            let read = rate(&Place::resource("F"), text).ok().map(|d| d.as_secs());
            assert_eq!(read, expected, "{text}");
        }
    }
}
