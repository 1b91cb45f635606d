//! The queues, secrets and the vault.

use std::time::Duration;

use attache_domain::connection::SecretName;
use attache_domain::signature::Secret;

use super::{ok, seconds};
use crate::ports::{Jobs, Queue, Secrets, Vault};

/// The suite of [`Jobs`]. `receive` takes what is visible in a queue now; the queue must hold nothing else.
pub async fn jobs(jobs: &dyn Jobs, run: &str, receive: impl AsyncFn(Queue) -> Vec<String>) {
    let body = |name: &str| format!("{{\"run\":\"{run}\",\"name\":\"{name} ä\"}}");
    ok(jobs
        .send(Queue::Media, body("later"), seconds(900), "one")
        .await);
    ok(jobs
        .send(Queue::Media, body("much later"), seconds(90_000), "one")
        .await);
    ok(jobs
        .send(Queue::Media, body("now"), Duration::ZERO, "one")
        .await);
    // Whole seconds, rounded down.
    ok(jobs
        .send(
            Queue::Media,
            body("at once"),
            Duration::from_millis(999),
            "Köln 2",
        )
        .await);
    let mut received = receive(Queue::Media).await;
    received.sort();
    assert_eq!(received, [body("at once"), body("now")]);
    assert_eq!(
        receive(Queue::Refresh).await,
        [""; 0],
        "another queue holds nothing of it"
    );
}

/// The suite of [`Secrets`], of which `name` must be there with this value.
pub async fn secrets(secrets: &dyn Secrets, name: &SecretName, value: &Secret) {
    assert!(ok(secrets.get(name).await).matches(value.expose()));
    let missing = SecretName(format!("{}-missing", name.0));
    let error = secrets.get(&missing).await.err();
    let text = error
        .map(|outage| crate::batch::chain(&outage))
        .unwrap_or_default();
    assert!(
        text.contains(&missing.0),
        "the missing one is named: {text:?}"
    );
}

/// The suite of [`Vault`].
pub async fn vault(vault: &dyn Vault, run: &str) {
    let subject = format!("conformance/{run}");
    let secret = Secret::new([0, 0xff, b's', 0x80]).unwrap_or_else(|e| panic!("{e}"));
    let sealed = ok(vault.seal("token", &subject, &secret).await);
    let again = ok(vault.seal("token", &subject, &secret).await);
    for text in [&sealed, &again] {
        assert!(ok(vault.open("token", &subject, text).await).matches(secret.expose()));
    }
    for (name, purpose, subject, text) in [
        ("another purpose", "link", subject.as_str(), sealed.as_str()),
        ("another subject", "token", "conformance/other", &sealed),
        ("nothing", "token", &subject, ""),
    ] {
        assert!(vault.open(purpose, subject, text).await.is_err(), "{name}");
    }
}
