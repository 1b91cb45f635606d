//! The real process before it has a system: it names what it lacks, and never waits for what is not there.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use attache_local::lambda::{Trial, fails_saying};

const NEEDED: [(&str, &str); 1] = [("MEDIA_TABLE", "media")];

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named_at_start_and_nothing_hangs() {
    let trial = Trial::new(env!("CARGO_BIN_EXE_sweep"), &NEEDED);
    trial.names_what_is_missing().await.unwrap();
    trial.refuses("INTENT_GRACE_SECONDS", "soon").await.unwrap();
    // It is up.
    let function = trial.complete().await.unwrap();
    for (name, words) in [("scheduled", "overdue")] {
        fails_saying(&function, fixture(name), words).await.unwrap();
    }
}
