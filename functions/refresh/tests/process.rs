//! The real process before it has a system: it names what it lacks, and never waits for what is not there.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use attache_local::lambda::{Alone, InvokeError};

const SETTINGS: [(&str, &str); 3] = [
    ("TOKENS_TABLE", "tokens"),
    ("DATA_KEY_ID", "key"),
    ("CONNECTIONS_TABLE", "connections"),
];

async fn start(without: &str, over: Option<(&str, &str)>) -> Alone {
    let given = SETTINGS.into_iter().filter(|(key, _)| *key != without);
    let settings: BTreeMap<_, _> = given
        .chain(over)
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let binary = Path::new(env!("CARGO_BIN_EXE_refresh"));
    Alone::new(binary, settings).await.unwrap()
}

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named_at_start_and_nothing_hangs() {
    for (key, _) in SETTINGS {
        let function = start(key, None).await;
        let error = function.invoke("{}").await.unwrap_err();
        assert!(matches!(error, InvokeError::Init { .. }), "{key}: {error}");
        function
            .until_said(&format!("{key} is not set"))
            .await
            .unwrap();
        function.until_said("exit status: 1").await.unwrap();
    }
    let function = start("", Some(("CONNECTIONS_MAX_AGE_SECONDS", "soon"))).await;
    function.invoke("{}").await.unwrap_err();
    function
        .until_said("CONNECTIONS_MAX_AGE_SECONDS is \"soon\", expected whole seconds")
        .await
        .unwrap();

    // It is up; its queue gets back what it could not do.
    let function = start("", None).await;
    for (name, failed) in [("batch", vec![1]), ("batch-mixed", vec![1, 2, 3, 4])] {
        let answer = function.invoke(fixture(name)).await.unwrap();
        let failed = failed
            .iter()
            .map(|n| format!(r#"{{"itemIdentifier":"{n:08}-5fd1-4b1a-9a52-8a2f7a7d9c10"}}"#));
        let failed: Vec<_> = failed.collect();
        let expected = format!(r#"{{"batchItemFailures":[{}]}}"#, failed.join(","));
        assert_eq!(String::from_utf8_lossy(&answer), expected, "{name}");
    }
    for (name, expected) in [
        ("scheduled", "connections"),
        ("object-put", "neither a batch nor a tick"),
        ("foreign", "an event of"),
    ] {
        let error = function.invoke(fixture(name)).await.unwrap_err();
        assert!(
            matches!(error, InvokeError::Function { .. }),
            "{name}: {error}"
        );
        let message = error.document()["errorMessage"].to_string();
        assert!(message.contains(expected), "{name}: {message}");
    }
}
