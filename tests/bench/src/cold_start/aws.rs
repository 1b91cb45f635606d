//! AWS as far as a first event needs it: answers at once what a table of connections, a secret, a write and a message to a
//! queue are answered with, whatever is asked. What is measured is the caller, not a service.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use attache_domain::connection::Row;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::handler::events::{CONNECTIONS, SECRET};

/// The stub. Dropping it closes it.
pub(super) struct Aws {
    /// Its address.
    pub(super) url: String,
    state: Arc<Answers>,
    serving: JoinHandle<()>,
}

struct Answers {
    connections: Value,
    messages: AtomicU64,
}

impl Aws {
    /// Takes a port.
    pub(super) async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(Answers {
            connections: scanned(&serde_json::from_str::<Vec<Row>>(CONNECTIONS)?)?,
            messages: AtomicU64::new(0),
        });
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&state));
        let serving = tokio::spawn(async move {
            // Ends with the measurement; whoever calls then finds nobody.
            drop(axum::serve(listener, router).await);
        });
        Ok(Self {
            url,
            state,
            serving,
        })
    }

    /// How many messages were sent to queues since this was last asked.
    pub(super) fn take_messages(&self) -> u64 {
        self.state.messages.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The table of connections, as a scan gives it.
fn scanned(rows: &[Row]) -> Result<Value> {
    let items = rows.iter().map(|row| {
        let doc = serde_json::to_string(row)?;
        Ok(json!({ "id": { "S": row.id() }, "doc": { "S": doc } }))
    });
    let items = items.collect::<Result<Vec<_>>>()?;
    Ok(json!({ "Count": items.len(), "ScannedCount": items.len(), "Items": items }))
}

async fn answer(State(state): State<Arc<Answers>>, headers: HeaderMap) -> Response {
    let target = headers.get("x-amz-target").and_then(|it| it.to_str().ok());
    let operation = target.and_then(|it| it.rsplit('.').next());
    let body = match operation {
        Some("Scan") => state.connections.clone(),
        Some("GetSecretValue") => json!({ "Name": "bench", "SecretString": SECRET }),
        Some("PutItem" | "UpdateItem") => json!({}),
        Some("SendMessage") => {
            state.messages.fetch_add(1, Ordering::Relaxed);
            json!({ "MessageId": "bench" })
        }
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let kind = [("content-type", "application/x-amz-json-1.0")];
    (kind, body.to_string()).into_response()
}
