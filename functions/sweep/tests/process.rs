//! The real process before it has a system: it names what it lacks, and never waits for what is not there.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use attache_local::lambda::{Alone, InvokeError};

const SETTINGS: [(&str, &str); 1] = [("MEDIA_TABLE", "media")];

async fn start(without: &str, over: Option<(&str, &str)>) -> Alone {
    let given = SETTINGS.into_iter().filter(|(key, _)| *key != without);
    let settings: BTreeMap<_, _> = given
        .chain(over)
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let binary = Path::new(env!("CARGO_BIN_EXE_sweep"));
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
    let function = start("", Some(("INTENT_GRACE_SECONDS", "soon"))).await;
    function.invoke("{}").await.unwrap_err();
    function
        .until_said("INTENT_GRACE_SECONDS is \"soon\", expected whole seconds")
        .await
        .unwrap();

    // It is up; the next tick tries again.
    let function = start("", None).await;
    for (name, expected) in [("scheduled", "overdue")] {
        let error = function.invoke(fixture(name)).await.unwrap_err();
        assert!(
            matches!(error, InvokeError::Function { .. }),
            "{name}: {error}"
        );
        let message = error.document()["errorMessage"].to_string();
        assert!(message.contains(expected), "{name}: {message}");
    }
}
