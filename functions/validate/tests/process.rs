//! The real process before it has a system: it names what it lacks, and never waits for what is not there.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use attache_local::lambda::{Trial, fails_saying, hands_back};

const NEEDED: [(&str, &str); 5] = [
    ("MEDIA_TABLE", "media"),
    ("LIMITS_TABLE", "limits"),
    ("MEDIA_BUCKET", "media-bucket"),
    ("QUARANTINE_BUCKET", "quarantine-bucket"),
    ("CONNECTIONS_TABLE", "connections"),
];

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named_at_start_and_nothing_hangs() {
    let trial = Trial::new(env!("CARGO_BIN_EXE_validate"), &NEEDED);
    trial.names_what_is_missing().await.unwrap();
    trial
        .refuses("CONNECTIONS_MAX_AGE_SECONDS", "soon")
        .await
        .unwrap();
    trial.refuses("SCANNER", "clamav").await.unwrap();
    trial.refuses("SCAN_PATIENCE_SECONDS", "1").await.unwrap();
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
    // What S3 sends when a notification is set up asks for nothing.
    let answer = function.invoke(fixture("test-event")).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "null");
    for (name, words) in [
        ("object-put", "loading l2wfnx2ykow6332tuxvuxtr2em"),
        ("scan-threats", "loading l2wfnx2ykow6332tuxvuxtr2em"),
        ("scan-other-bucket", "other-bucket"),
        ("object-encoded-key", "Rechnung März (1)+.pdf"),
        ("scheduled", "neither a batch nor an object event"),
        ("foreign", "an event of"),
    ] {
        fails_saying(&function, fixture(name), words).await.unwrap();
    }
}
