//! A whole local run over a small template: every source, permissions, kill points, restart on kept data.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use attache_local::iam::{Act, KillPoint, When};
use attache_local::lambda::{LogLine, LogSink};
use attache_local::source::HttpLimits;
use attache_local::{Clients, LocalOptions, LocalRun, LocalStack};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

const BOUND: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Lines(Mutex<Vec<(String, String)>>);

impl LogSink for Lines {
    fn line(&self, line: &LogLine<'_>) {
        let line = (line.function.to_owned(), line.text.to_owned());
        self.0.lock().unwrap().push(line);
    }
}

impl Lines {
    /// The JSON documents a function printed after a word.
    fn documents(&self, function: &str, word: &str) -> Vec<Value> {
        let lines = self.0.lock().unwrap();
        lines
            .iter()
            .filter(|(from, _)| from == function)
            .filter_map(|(_, text)| text.strip_prefix(word))
            .map(|document| serde_json::from_str(document).unwrap())
            .collect()
    }
}

async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let waiting = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(BOUND, waiting)
        .await
        .unwrap_or_else(|_| panic!("waited in vain until {what}"))
}

fn options() -> (LocalOptions, Arc<Lines>) {
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/echo.yaml");
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_echo-function"));
    let lines = Arc::new(Lines::default());
    let mut options = LocalOptions::new(template, binary.parent().unwrap());
    options.log = Arc::clone(&lines) as Arc<dyn LogSink>;
    (options, lines)
}

async fn start() -> (LocalRun, Arc<Lines>) {
    let (options, lines) = options();
    let provisioned = LocalStack::provision(options).await.unwrap();
    (provisioned.run().await.unwrap(), lines)
}

fn queue_url(run: &LocalRun, logical_id: &str) -> String {
    run.template().queue(logical_id).unwrap().url.clone()
}

async fn send(run: &LocalRun, logical_id: &str, body: &str) -> String {
    let sent = run.clients().sqs.send_message();
    let sent = sent
        .queue_url(queue_url(run, logical_id))
        .message_body(body);
    sent.send().await.unwrap().message_id.unwrap()
}

/// Takes one message from a queue, waiting for it.
async fn take(run: &LocalRun, logical_id: &str) -> String {
    let url = queue_url(run, logical_id);
    until(&format!("{logical_id} has a message"), async || {
        let received = run.clients().sqs.receive_message().queue_url(&url);
        let received = received.wait_time_seconds(5).send().await.unwrap();
        received.messages.unwrap_or_default().pop()?.body
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_requests_reach_the_function_and_come_back() {
    let (run, _) = start().await;
    let client = reqwest::Client::new();
    let url = |path: &str| format!("{}{path}", run.api_url());

    let answer = client
        .post(url("/echo/any?x=1"))
        .header("X-Sig", "s")
        .header("content-type", "application/json")
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let event: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["headers"]["x-sig"], "s");
    assert_eq!(event["rawQueryString"], "x=1");
    assert_eq!(event["body"], "{}");

    for (path, status, body) in [
        ("/echo/text", 200, "only text"),
        ("/echo/document", 200, r#"{"any":"document"}"#),
        ("/echo/fail", 500, r#"{"message":"Internal Server Error"}"#),
        (
            "/echo/invalid",
            500,
            r#"{"message":"Internal Server Error"}"#,
        ),
        ("/elsewhere", 404, r#"{"message":"Not Found"}"#),
    ] {
        let answer = client.get(url(path)).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.text().await.unwrap(), body, "{path}");
    }

    let answer = client.get(url("/echo/binary")).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.headers()["x-kind"], "binary");
    assert_eq!(answer.headers().get_all("set-cookie").iter().count(), 2);
    assert_eq!(answer.bytes().await.unwrap().as_ref(), [0, 1, 2, 255]);
    run.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_http_api_keeps_its_limits() {
    let (mut options, _) = options();
    options.http_limits = HttpLimits {
        body_bytes: 1000,
        answer_within: Duration::from_secs(2),
    };
    let provisioned = LocalStack::provision(options).await.unwrap();
    let run = provisioned.run().await.unwrap();
    let client = reqwest::Client::new();
    let url = |path: &str| format!("{}{path}", run.api_url());

    let large = client.post(url("/echo/any")).body(vec![b'x'; 1001]);
    assert_eq!(large.send().await.unwrap().status(), 413);
    let slow = client.get(url("/echo/slow")).send().await.unwrap();
    assert_eq!(slow.status(), 503);
    let body = slow.text().await.unwrap();
    assert_eq!(body, r#"{"message":"Service Unavailable"}"#);
    run.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_messages_come_again_and_end_as_dead_letters() {
    let (run, lines) = start().await;
    let good = send(&run, "WorkQueue", "good").await;
    let bad = send(&run, "WorkQueue", "fail").await;
    assert_eq!(take(&run, "WorkDeadLetters").await, "fail");

    let records = lines.documents("BatchFunction", "record ");
    let seen = |id: &str| -> Vec<String> {
        let of_it = records.iter().filter(|record| record["messageId"] == id);
        of_it
            .map(|record| {
                let count = &record["attributes"]["ApproximateReceiveCount"];
                count.as_str().unwrap().to_owned()
            })
            .collect()
    };
    assert_eq!(seen(&good), ["1"]);
    assert_eq!(seen(&bad), ["1", "2"]);
    let record = &records[0];
    assert_eq!(record["eventSource"], "aws:sqs");
    assert_eq!(
        record["eventSourceARN"],
        "arn:aws:sqs:us-east-1:000000000000:attache-test-work-queue"
    );

    for body in ["crash", "error", "nonsense"] {
        send(&run, "WorkQueue", body).await;
        assert_eq!(take(&run, "WorkDeadLetters").await, body);
    }
    run.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_objects_start_functions_and_failures_are_recorded() {
    let (run, lines) = start().await;
    let put = async |key: &str| {
        let put = run.clients().s3.put_object().bucket("attache-test-objects");
        let body = aws_sdk_s3::primitives::ByteStream::from_static(b"bytes");
        put.key(key).body(body).send().await.unwrap();
    };
    put("elsewhere/x").await;
    put("arrivals/a b+c").await;
    let event = until("the object is announced", async || {
        lines.documents("ArrivedFunction", "event ").pop()
    })
    .await;
    let record = &event["Records"][0];
    assert_eq!(record["eventName"], "ObjectCreated:Put");
    assert_eq!(record["s3"]["bucket"]["name"], "attache-test-objects");
    assert_eq!(record["s3"]["object"]["key"], "arrivals/a+b%2Bc");
    assert_eq!(record["s3"]["object"]["size"], 5);
    assert_eq!(run.invocations("ArrivedFunction").started, 1);

    put("failing/x").await;
    let failure: Value = serde_json::from_str(&take(&run, "ArrivalsFailed").await).unwrap();
    assert_eq!(failure["requestContext"]["condition"], "RetriesExhausted");
    assert_eq!(failure["requestContext"]["approximateInvokeCount"], 2);
    let key = failure.pointer("/requestPayload/Records/0/s3/object/key");
    assert_eq!(key, Some(&json!("failing/x")));
    assert_eq!(failure["responsePayload"]["errorMessage"], "told to fail");
    assert_eq!(run.invocations("FailingFunction").failed, 2);
    run.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schedules_tick_soon_and_again() {
    let (mut options, lines) = options();
    let schedule = ("TickSchedule".to_owned(), "rate(1 second)".to_owned());
    options.parameters.extend([schedule]);
    let provisioned = LocalStack::provision(options).await.unwrap();
    let run = provisioned.run().await.unwrap();
    let ticks = until("it ticked twice", async || {
        let ticks = lines.documents("TickFunction", "event ");
        (ticks.len() >= 2).then_some(ticks)
    })
    .await;
    assert_eq!(ticks[0]["detail-type"], "Scheduled Event");
    assert_eq!(run.invocations("TickFunction").cold_starts, 1);
    run.stop().await.unwrap();
}

async fn put_row(run: &LocalRun, principal: &str, id: &str) -> Result<(), String> {
    let clients = Clients::new(run.endpoints(), principal);
    let once = aws_sdk_dynamodb::Config::builder().retry_config(RetryConfig::disabled());
    clients
        .dynamodb
        .put_item()
        .table_name("attache-test-rows")
        .item("id", AttributeValue::S(id.to_owned()))
        .customize()
        .config_override(once)
        .send()
        .await
        .map(|_| ())
        .map_err(|error| format!("{error:?}"))
}

async fn row_exists(run: &LocalRun, id: &str) -> bool {
    let get = run.clients().dynamodb.get_item();
    let get = get.table_name("attache-test-rows");
    let get = get.key("id", AttributeValue::S(id.to_owned()));
    get.send().await.unwrap().item.is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_may_do_what_the_template_grants_and_no_more() {
    let (run, _) = start().await;
    put_row(&run, "HttpFunction", "granted").await.unwrap();
    let refused = put_row(&run, "TickFunction", "refused").await.unwrap_err();
    assert!(refused.contains("AccessDenied"), "{refused}");
    assert!(!row_exists(&run, "refused").await);

    let counted = |principal: &str| {
        let calls = run.calls();
        let line = calls
            .iter()
            .find(|line| line.principal == principal && line.action == "dynamodb:PutItem")
            .cloned()
            .unwrap();
        assert_eq!(
            line.resource,
            "arn:aws:dynamodb:us-east-1:000000000000:table/attache-test-rows"
        );
        (line.allowed, line.denied)
    };
    assert_eq!(counted("HttpFunction"), (1, 0));
    assert_eq!(counted("TickFunction"), (0, 1));
    run.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_points_kill_before_and_after_the_effect() {
    let (run, _) = start().await;
    for (when, id, exists) in [
        (When::Before, "before", false),
        (When::After, "after", true),
    ] {
        let url = format!("{}/echo/text", run.api_url());
        assert_eq!(reqwest::get(url).await.unwrap().status(), 200);
        assert_eq!(run.fleet().live("HttpFunction"), 1);
        let armed = run.arm(KillPoint {
            function: "HttpFunction".to_owned(),
            act: Act::Kill,
            nth_effect: 2,
            when,
        });
        put_row(&run, "HttpFunction", "first").await.unwrap();
        assert!(!armed.fired());
        put_row(&run, "HttpFunction", id).await.unwrap_err();
        assert!(armed.fired());
        until("the process is gone", async || {
            (run.fleet().live("HttpFunction") == 0).then_some(())
        })
        .await;
        assert_eq!(row_exists(&run, id).await, exists, "{when:?}");
        put_row(&run, "HttpFunction", "third").await.unwrap();
    }
    run.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_data_is_found_again_in_a_path_with_spaces() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("kept data");
    let mut keys = Vec::new();
    for round in 0..2 {
        let (mut options, _) = options();
        options.data_dir = Some(data.clone());
        let provisioned = LocalStack::provision(options).await.unwrap();
        let http = provisioned.template().function("HttpFunction").unwrap();
        keys.push(http.environment["KEY_ID"].clone());
        let run = provisioned.run().await.unwrap();
        assert_eq!(row_exists(&run, "kept").await, round == 1);
        put_row(&run, "HttpFunction", "kept").await.unwrap();
        run.stop().await.unwrap();
    }
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (mut options, _) = options();
    options.port = taken.local_addr().unwrap().port();
    let error = LocalStack::provision(options).await.err().unwrap();
    assert!(
        error.to_string().contains("cannot listen on port"),
        "{error}"
    );
}

/// The template that is deployed, provisioned twice: everything it declares exists, and nothing is created anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_template_is_provisioned() {
    let directory = tempfile::tempdir().unwrap();
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    for _ in 0..2 {
        let mut options = LocalOptions::new(&template, directory.path());
        options.data_dir = Some(directory.path().to_owned());
        let sweep = ("SweepSchedule".to_owned(), "rate(10 seconds)".to_owned());
        options.parameters.extend([sweep]);
        let provisioned = LocalStack::provision(options).await.unwrap();
        let clients = provisioned.clients();
        let template = provisioned.template();

        let binaries: Vec<&str> = template
            .functions
            .iter()
            .map(|function| function.binary.as_str())
            .collect();
        assert_eq!(
            binaries,
            [
                "convert", "fetch", "forward", "intake", "refresh", "sweep", "text", "upload",
                "validate"
            ]
        );
        for queue in &template.queues {
            let found = clients.sqs.get_queue_url().queue_name(&queue.name);
            let found = found.send().await.unwrap().queue_url;
            assert_eq!(found.as_deref(), Some(queue.url.as_str()));
        }
        let tables = clients.dynamodb.list_tables().send().await.unwrap();
        assert_eq!(tables.table_names().len(), template.tables.len());
        let buckets = clients.s3.list_buckets().send().await.unwrap();
        assert_eq!(buckets.buckets().len(), template.buckets.len());
        for function in &template.functions {
            for (name, value) in &function.environment {
                // Without parameters there is neither a scanner nor a content domain; nothing else is left out.
                let optional = name == "SCANNER" || name.starts_with("CONTENT_");
                let is_set = !value.is_empty() || optional;
                assert!(is_set && !value.contains("${"), "{name}={value}");
            }
        }
        provisioned.run().await.unwrap().stop().await.unwrap();
    }
}
