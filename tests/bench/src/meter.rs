//! Reads DynamoDB's own meter: stands between the functions and the engine, asks for the consumed capacity with every
//! write, and adds up what the answers say. Nothing else is changed on the way.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What one caller's writes of one kind to one table cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Cost {
    /// Writes that took effect.
    pub(crate) writes: u32,
    /// Writes whose condition refused them. AWS bills these as well, and does not say how much.
    pub(crate) refused: u32,
    /// Write units of the table and its indexes.
    pub(crate) units: f64,
}

/// By caller, operation and table.
pub(crate) type Costs = BTreeMap<(String, String, String), Cost>;

/// The meter. Dropping it breaks the line.
pub(crate) struct Meter {
    url: String,
    line: Arc<Line>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Line {
    engine: OnceLock<String>,
    client: reqwest::Client,
    costs: Mutex<Costs>,
}

impl Meter {
    /// Takes a port. Nothing is forwarded before [`Meter::connect`].
    pub(crate) async fn install() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let line = Arc::new(Line::default());
        let router = Router::new().fallback(pass).with_state(Arc::clone(&line));
        let serving = tokio::spawn(async move {
            // Ends with the measurement; whoever calls then finds nobody.
            drop(axum::serve(listener, router).await);
        });
        Ok(Self { url, line, serving })
    }

    /// Where it stands in for DynamoDB.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Says where the engine is.
    pub(crate) fn connect(&self, engine: &str) {
        // A second engine would be another measurement: the first one stays.
        drop(self.line.engine.set(engine.to_owned()));
    }

    /// What was added up so far.
    pub(crate) fn read(&self) -> Costs {
        self.line
            .costs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn pass(State(line): State<Arc<Line>>, headers: HeaderMap, body: Bytes) -> Response {
    match line.forward(headers, body).await {
        Ok(response) => response,
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error:#}")).into_response(),
    }
}

impl Line {
    async fn forward(&self, mut headers: HeaderMap, body: Bytes) -> Result<Response> {
        let engine = self
            .engine
            .get()
            .context("the meter is not connected yet")?;
        let written = Written::of(&headers, &body);
        let body = match &written {
            Some(written) => Bytes::from(written.request.to_string()),
            None => body,
        };
        headers.remove(HOST);
        headers.remove(CONTENT_LENGTH);
        let answer = self
            .client
            .post(engine)
            .headers(headers)
            .body(body)
            .send()
            .await?;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        headers.remove(CONTENT_LENGTH);
        let body = answer.bytes().await?;
        if let Some(written) = written {
            self.note(&written, status, &body);
        }
        Ok((status, headers, body).into_response())
    }

    fn note(&self, written: &Written, status: StatusCode, answer: &[u8]) {
        let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
        let mut costs = self.costs.lock().unwrap_or_else(PoisonError::into_inner);
        let cost = costs.entry(written.key()).or_default();
        match status.is_success() {
            true => cost.writes += 1,
            false => cost.refused += 1,
        }
        let units = answer.pointer("/ConsumedCapacity/CapacityUnits");
        cost.units += units.and_then(Value::as_f64).unwrap_or_default();
    }
}

/// A write on its way to the engine.
struct Written {
    caller: String,
    operation: String,
    request: Value,
}

impl Written {
    /// The write a request is, with the question for its cost added; `None` for what writes nothing.
    fn of(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let target = headers.get("x-amz-target")?.to_str().ok()?;
        let (_, operation) = target.rsplit_once('.')?;
        if !matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem") {
            return None;
        }
        let mut request: Value = serde_json::from_slice(body).ok()?;
        request["ReturnConsumedCapacity"] = json!("INDEXES");
        let signed = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (_, credential) = signed.split_once("Credential=")?;
        Some(Self {
            caller: credential.split('/').next()?.to_owned(),
            operation: operation.to_owned(),
            request,
        })
    }

    fn key(&self) -> (String, String, String) {
        let table = self.request["TableName"].as_str().unwrap_or_default();
        (
            self.caller.clone(),
            self.operation.clone(),
            table.to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(target: &'static str) -> HeaderMap {
        let signed = "AWS4-HMAC-SHA256 Credential=UploadFunction/20250411/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
        [("x-amz-target", target), ("authorization", signed)]
            .into_iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn writes_are_asked_for_their_cost_and_added_up() {
        let body = br#"{"TableName":"media","Item":{}}"#;
        assert!(Written::of(&headers("DynamoDB_20120810.GetItem"), body).is_none());
        let written = Written::of(&headers("DynamoDB_20120810.PutItem"), body).unwrap();
        assert_eq!(written.request["ReturnConsumedCapacity"], "INDEXES");

        let line = Line::default();
        let answer = br#"{"ConsumedCapacity":{"TableName":"media","CapacityUnits":3.0}}"#;
        line.note(&written, StatusCode::OK, answer);
        line.note(&written, StatusCode::OK, answer);
        line.note(
            &written,
            StatusCode::BAD_REQUEST,
            br#"{"__type":"ConditionalCheckFailedException"}"#,
        );
        let key = ["UploadFunction", "PutItem", "media"]
            .map(str::to_owned)
            .into();
        let expected = Cost {
            writes: 2,
            refused: 1,
            units: 6.0,
        };
        assert_eq!(line.costs.lock().unwrap().get(&key), Some(&expected));
    }
}
