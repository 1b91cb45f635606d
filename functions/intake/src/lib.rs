//! **intake**: triggered by `GET|POST /webhooks/{endpoint}`. Verifies on the raw bytes, makes what a webhook announces
//! durable — for a sender with nothing but a link, the file itself — and hands it over. Promises: a 2xx means that a later crash cannot lose it; nothing is parsed and no AWS call
//! is made for a request whose signature does not fit.

pub mod config;
pub mod doorway;

use attache_flow::intake::{Doorway, Intake, Reply, Request};

/// Answers one request.
pub async fn handle(request: &Request, doorway: &Doorway, intake: &Intake<'_>) -> Reply {
    intake.handle(doorway, request).await
}
