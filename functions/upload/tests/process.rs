//! The real process before it has a system: it names what it lacks, and never waits for what is not there.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use attache_local::lambda::{Trial, hands_back};

const NEEDED: [(&str, &str); 8] = [
    ("MEDIA_TABLE", "media"),
    ("CLAIMS_TABLE", "claims"),
    ("CONVERSATIONS_TABLE", "conversations"),
    ("LIMITS_TABLE", "limits"),
    ("MEDIA_BUCKET", "media-bucket"),
    ("TOKENS_TABLE", "tokens"),
    ("DATA_KEY_ID", "key"),
    ("CONNECTIONS_TABLE", "connections"),
];

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named_at_start_and_nothing_hangs() {
    let trial = Trial::new(env!("CARGO_BIN_EXE_upload"), &NEEDED);
    trial.names_what_is_missing().await.unwrap();
    trial
        .refuses("SEND_PATIENCE_SECONDS", "soon")
        .await
        .unwrap();
    trial.refuses("LINK_SECONDS", "0").await.unwrap();
    trial.refuses("CONTENT_URL", "media").await.unwrap();
    // It is up.
    let function = trial.complete().await.unwrap();
    for (batch, failed) in [("batch", vec![1]), ("batch-mixed", vec![1, 2, 3, 4])] {
        let ids = failed
            .iter()
            .map(|n| format!("{n:08}-5fd1-4b1a-9a52-8a2f7a7d9c10"));
        let ids: Vec<_> = ids.collect();
        let ids: Vec<_> = ids.iter().map(String::as_str).collect();
        hands_back(&function, fixture(batch), &ids).await.unwrap();
    }
}
