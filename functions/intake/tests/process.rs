//! The real process before it has a system: it names what it lacks, and never waits for what is not there.

use attache_local::lambda::Trial;

const NEEDED: [(&str, &str); 8] = [
    ("MEDIA_TABLE", "media"),
    ("CLAIMS_TABLE", "claims"),
    ("CONVERSATIONS_TABLE", "conversations"),
    ("LIMITS_TABLE", "limits"),
    ("TOKENS_TABLE", "tokens"),
    ("MEDIA_BUCKET", "media-bucket"),
    ("DATA_KEY_ID", "key"),
    ("CONNECTIONS_TABLE", "connections"),
];

#[tokio::test]
async fn what_is_missing_or_wrong_is_named_at_start_and_nothing_hangs() {
    let trial = Trial::new(env!("CARGO_BIN_EXE_intake"), &NEEDED);
    trial.names_what_is_missing().await.unwrap();
    trial.refuses("LEASE_SECONDS", "soon").await.unwrap();
    // Without its connections it could verify nothing: it does not begin.
    trial.ends_without_aws("Outage").await.unwrap();
}
