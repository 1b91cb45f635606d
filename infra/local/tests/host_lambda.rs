//! The Lambda host against a real function process: cold and warm, errors, crashes, time limits, the end of the run.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use attache_local::lambda::{
    Fleet, FleetOptions, FunctionSettings, InvokeError, LogLine, LogSink, LogSource,
};
use bytes::Bytes;
use serde_json::{Value, json};

const BOUND: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Lines(Mutex<Vec<(LogSource, String)>>);

impl LogSink for Lines {
    fn line(&self, line: &LogLine<'_>) {
        self.0
            .lock()
            .unwrap()
            .push((line.source, line.text.to_owned()));
    }
}

impl Lines {
    fn has(&self, source: LogSource, text: &str) -> bool {
        let lines = self.0.lock().unwrap();
        lines.iter().any(|(s, t)| *s == source && t.contains(text))
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(BOUND, waiting)
        .await
        .unwrap_or_else(|_| panic!("waited in vain until {what}"));
}

fn binaries() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_echo-function"));
    binary.parent().unwrap().to_owned()
}

fn function(mode: &str) -> FunctionSettings {
    FunctionSettings {
        logical_id: "EchoFunction".to_owned(),
        name: "attache-test-echo".to_owned(),
        binary: "echo-function".to_owned(),
        timeout: Duration::from_secs(20),
        memory_mb: 128,
        environment: BTreeMap::from([("MODE".to_owned(), mode.to_owned())]),
        concurrency: 3,
    }
}

fn fleet(settings: FunctionSettings) -> (Arc<Fleet>, Arc<Lines>) {
    let lines = Arc::new(Lines::default());
    let options = FleetOptions {
        binaries: binaries(),
        environment: BTreeMap::from([("SHARED".to_owned(), "yes".to_owned())]),
        log: Arc::clone(&lines) as Arc<dyn LogSink>,
        init_limit: Duration::from_secs(20),
    };
    (Fleet::new(options, vec![settings]), lines)
}

async fn ask(fleet: &Fleet, payload: Value) -> Result<Value, InvokeError> {
    let payload = Bytes::from(payload.to_string());
    let answer = fleet.invoke("EchoFunction", payload).await?;
    Ok(serde_json::from_slice(&answer).unwrap())
}

#[tokio::test]
async fn a_warm_instance_is_used_again() {
    let (fleet, _) = fleet(function("command"));
    let first = ask(&fleet, json!({ "n": 1 })).await.unwrap();
    assert_eq!(first["event"]["n"], 1);
    let second = ask(&fleet, json!({ "n": 2 })).await.unwrap();
    assert_eq!(first["process"], second["process"]);
    let counts = fleet.invocations("EchoFunction");
    assert_eq!((counts.started, counts.succeeded, counts.failed), (2, 2, 0));
    assert_eq!(counts.cold_starts, 1);
}

#[tokio::test]
async fn concurrent_work_starts_instances_up_to_the_bound() {
    let (fleet, lines) = fleet(function("command"));
    let tasks: Vec<_> = (0..5)
        .map(|_| {
            let fleet = Arc::clone(&fleet);
            tokio::spawn(async move { ask(&fleet, json!({ "do": "sleep" })).await })
        })
        .collect();
    until("three work", || {
        let lines = lines.0.lock().unwrap();
        lines.iter().filter(|(_, text)| text == "sleeping").count() == 3
    })
    .await;
    assert_eq!(fleet.live("EchoFunction"), 3);
    assert_eq!(fleet.invocations("EchoFunction").started, 3);
    fleet.stop().await;
    for task in tasks {
        assert!(task.await.unwrap().is_err());
    }
    assert_eq!(fleet.live("EchoFunction"), 0);
}

#[tokio::test]
async fn the_environment_is_the_templates_and_lambdas() {
    let (fleet, _) = fleet(function("command"));
    let seen = ask(&fleet, json!({ "do": "environment" })).await.unwrap();
    for (name, value) in [
        ("MODE", "command"),
        ("SHARED", "yes"),
        ("AWS_ACCESS_KEY_ID", "EchoFunction"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_LAMBDA_FUNCTION_NAME", "attache-test-echo"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ] {
        assert_eq!(seen[name], value, "{name}");
    }
    // The test runner sets these; a function must not see them.
    for name in ["CARGO_MANIFEST_DIR", "HOME", "CARGO_PKG_NAME"] {
        assert_eq!(seen[name], Value::Null, "{name}");
    }
}

#[tokio::test]
async fn errors_crashes_and_timeouts_are_told_apart() {
    let mut settings = function("command");
    settings.timeout = Duration::from_secs(2);
    let (fleet, lines) = fleet(settings);

    let error = ask(&fleet, json!({ "do": "fail" })).await.unwrap_err();
    assert!(matches!(error, InvokeError::Function { .. }), "{error}");
    assert_eq!(error.document()["errorMessage"], "told to fail");
    let survivor = ask(&fleet, json!({})).await.unwrap();

    let error = ask(&fleet, json!({ "do": "exit" })).await.unwrap_err();
    assert!(matches!(error, InvokeError::Exited { .. }), "{error}");
    assert!(error.to_string().contains("exit status: 3"), "{error}");
    let replacement = ask(&fleet, json!({})).await.unwrap();
    assert_ne!(survivor["process"], replacement["process"]);

    let error = ask(&fleet, json!({ "do": "sleep" })).await.unwrap_err();
    assert!(matches!(error, InvokeError::TimedOut { .. }), "{error}");
    assert!(lines.has(LogSource::Platform, "Task timed out after 2.00 seconds"));
    until("the late process is gone", || {
        fleet.live("EchoFunction") == 0
    })
    .await;
    assert!(ask(&fleet, json!({})).await.is_ok());
    let counts = fleet.invocations("EchoFunction");
    assert_eq!(
        (counts.succeeded, counts.failed, counts.cold_starts),
        (3, 3, 3)
    );
}

#[tokio::test]
async fn a_killed_instance_is_an_error_once_and_then_replaced() {
    let (fleet, lines) = fleet(function("command"));
    let working = {
        let fleet = Arc::clone(&fleet);
        tokio::spawn(async move { ask(&fleet, json!({ "do": "sleep" })).await })
    };
    until("it works", || lines.has(LogSource::Stdout, "sleeping")).await;
    assert_eq!(fleet.kill("EchoFunction"), 1);
    let error = working.await.unwrap().unwrap_err();
    assert!(matches!(error, InvokeError::Exited { .. }), "{error}");
    assert!(ask(&fleet, json!({})).await.is_ok());
    // Killed while idle: the next invocation must not notice.
    assert_eq!(fleet.kill("EchoFunction"), 1);
    assert!(ask(&fleet, json!({})).await.is_ok());
    assert_eq!(fleet.kill("NoSuchFunction"), 0);
}

#[tokio::test]
async fn a_function_that_cannot_start_says_why() {
    let (broken, lines) = fleet(function("broken"));
    let error = ask(&broken, json!({})).await.unwrap_err();
    assert!(matches!(error, InvokeError::Init { .. }), "{error}");
    until("its words are logged", || {
        lines.has(LogSource::Stderr, "never starts")
    })
    .await;

    let mut settings = function("command");
    settings.binary = "no-such-binary".to_owned();
    let (missing, _) = fleet(settings);
    let error = ask(&missing, json!({})).await.unwrap_err();
    assert!(matches!(error, InvokeError::Spawn { .. }), "{error}");

    let unknown = missing.invoke("Nobody", Bytes::new()).await.unwrap_err();
    assert!(matches!(unknown, InvokeError::Unknown { .. }), "{unknown}");
}

#[tokio::test]
async fn output_is_captured_line_by_line() {
    let (fleet, lines) = fleet(function("command"));
    ask(&fleet, json!({ "do": "print" })).await.unwrap();
    until("both lines are there", || {
        lines.has(LogSource::Stdout, "to stdout") && lines.has(LogSource::Stderr, "to stderr")
    })
    .await;
}

#[tokio::test]
async fn payloads_over_the_limit_are_refused() {
    let (fleet, _) = fleet(function("command"));
    let payload = Bytes::from(vec![b' '; 7 * 1024 * 1024]);
    let error = fleet.invoke("EchoFunction", payload).await.unwrap_err();
    assert!(matches!(error, InvokeError::TooLarge { .. }), "{error}");
}

/// What ends the functions when the whole run is killed: the Runtime API is gone.
#[tokio::test]
async fn a_function_ends_when_the_runtime_api_goes_away() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut process = tokio::process::Command::new(env!("CARGO_BIN_EXE_echo-function"))
        .env_clear()
        .env("MODE", "command")
        .env(
            "AWS_LAMBDA_RUNTIME_API",
            listener.local_addr().unwrap().to_string(),
        )
        .env("AWS_LAMBDA_FUNCTION_NAME", "echo")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let (asking, _) = tokio::time::timeout(BOUND, listener.accept())
        .await
        .unwrap()
        .unwrap();
    assert!(process.try_wait().unwrap().is_none());
    drop(listener);
    drop(asking);
    let status = tokio::time::timeout(BOUND, process.wait())
        .await
        .unwrap()
        .unwrap();
    assert!(!status.success());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn no_function_outlives_a_killed_run() {
    use tokio::io::AsyncBufReadExt;
    let mut run = tokio::process::Command::new(env!("CARGO_BIN_EXE_doomed-run"))
        .arg(env!("CARGO_BIN_EXE_echo-function"))
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = tokio::io::BufReader::new(run.stdout.take().unwrap()).lines();
    let function = async {
        loop {
            let line = lines.next_line().await.unwrap().unwrap();
            if let Some(process) = line.strip_prefix("function process ") {
                return process.to_owned();
            }
        }
    };
    let function = tokio::time::timeout(BOUND, function).await.unwrap();
    let state = format!("/proc/{function}/stat");
    // Gone, or dead and not yet reaped by whoever adopted it.
    let lives = || {
        let stat = std::fs::read_to_string(&state).unwrap_or_default();
        let state = stat.rsplit(") ").next().unwrap_or_default().chars().next();
        state.is_some_and(|state| state != 'Z')
    };
    assert!(lives());
    run.kill().await.unwrap();
    until("the function is gone", || !lives()).await;
}
