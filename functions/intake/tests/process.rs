//! The real process before it has a system: it names what it lacks, and never waits for what is not there.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use attache_local::lambda::{Alone, InvokeError};

const SETTINGS: [(&str, &str); 3] = [
    ("MEDIA_TABLE", "media"),
    ("CLAIMS_TABLE", "claims"),
    ("CONNECTIONS_TABLE", "connections"),
];

async fn start(without: &str, over: Option<(&str, &str)>) -> Alone {
    let given = SETTINGS.into_iter().filter(|(key, _)| *key != without);
    let settings: BTreeMap<_, _> = given
        .chain(over)
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let binary = Path::new(env!("CARGO_BIN_EXE_intake"));
    Alone::new(binary, settings).await.unwrap()
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
    let function = start("", Some(("LEASE_SECONDS", "soon"))).await;
    function.invoke("{}").await.unwrap_err();
    function
        .until_said("LEASE_SECONDS is \"soon\", expected whole seconds")
        .await
        .unwrap();

    // Without its connections it could verify nothing: it does not begin.
    let function = start("", None).await;
    let error = function.invoke("{}").await.unwrap_err();
    assert!(matches!(error, InvokeError::Init { .. }), "{error}");
    function.until_said("Outage").await.unwrap();
    function.until_said("exit status: 1").await.unwrap();
}
