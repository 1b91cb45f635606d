//! A function that does what its environment and its event tell it, for the tests of the local run.
//!
//! `MODE` in the environment chooses what it is: `command` (obeys the event's `do`), `http` (an HTTP API handler),
//! `batch` (an SQS batch with failures by request), `fail` (always an error), `tick` (prints each event) or `broken`
//! (does not start). It is never deployed.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

fn main() -> Result<(), Error> {
    let mode = std::env::var("MODE").unwrap_or_default();
    if mode == "broken" {
        return Err("this function never starts".into());
    }
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(lambda_runtime::run(service_fn(
            move |event: LambdaEvent<Value>| handle(mode.clone(), event.payload),
        )))
}

async fn handle(mode: String, event: Value) -> Result<Value, Error> {
    match mode.as_str() {
        "command" => command(&event).await,
        "http" => http(&event).await,
        "batch" => batch(&event),
        "fail" => {
            println!("failing on {event}");
            Err("told to fail".into())
        }
        _ => {
            println!("event {event}");
            Ok(Value::Null)
        }
    }
}

async fn command(event: &Value) -> Result<Value, Error> {
    match event["do"].as_str().unwrap_or_default() {
        "exit" => std::process::exit(3),
        "fail" => Err("told to fail".into()),
        "sleep" => {
            println!("sleeping");
            std::future::pending().await
        }
        "environment" => Ok(json!(
            std::env::vars().collect::<std::collections::BTreeMap<_, _>>()
        )),
        "print" => {
            println!("to stdout");
            eprintln!("to stderr");
            Ok(json!({ "process": std::process::id() }))
        }
        _ => Ok(json!({ "process": std::process::id(), "event": event })),
    }
}

async fn http(event: &Value) -> Result<Value, Error> {
    match event["pathParameters"]["endpoint"]
        .as_str()
        .unwrap_or_default()
    {
        "text" => Ok(json!("only text")),
        "document" => Ok(json!({ "any": "document" })),
        "binary" => Ok(json!({
            "statusCode": 201,
            "headers": { "content-type": "application/octet-stream", "x-kind": "binary" },
            "cookies": ["a=1", "b=2"],
            "isBase64Encoded": true,
            "body": "AAEC/w==",
        })),
        "invalid" => Ok(json!({ "statusCode": "many" })),
        "fail" => Err("told to fail".into()),
        "slow" => std::future::pending().await,
        _ => Ok(json!({ "statusCode": 200, "body": event.to_string() })),
    }
}

fn batch(event: &Value) -> Result<Value, Error> {
    let records = event["Records"].as_array().cloned().unwrap_or_default();
    let mut failures = Vec::new();
    for record in &records {
        println!("record {record}");
        match record["body"].as_str().unwrap_or_default() {
            "crash" => std::process::exit(4),
            "error" => return Err("told to fail".into()),
            "nonsense" => return Ok(json!({ "batchItemFailures": [{ "item": 1 }] })),
            "fail" => failures.push(json!({ "itemIdentifier": record["messageId"] })),
            _ => {}
        }
    }
    Ok(json!({ "batchItemFailures": failures }))
}
