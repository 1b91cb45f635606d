//! The HTTP API in front of the functions.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::Request;
use hyper::body::Incoming;

use super::http_event::{event, message, response};
use super::route;
use crate::lambda::{Fleet, InvokeError};
use crate::serve::{Port, Server};
use crate::template::{Event, Route, Template};

/// API Gateway's limits for HTTP APIs.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// The largest body, in bytes. API Gateway: 10 MB, not to be raised.
    pub body_bytes: usize,
    /// How long a function may take to answer. API Gateway: 30 seconds, not to be raised.
    pub answer_within: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            body_bytes: 10 * 1024 * 1024,
            answer_within: Duration::from_secs(30),
        }
    }
}

/// The routes of a template and the fleet behind them.
pub(crate) struct HttpFront {
    routes: Vec<(Route, String)>,
    fleet: Arc<Fleet>,
    limits: HttpLimits,
}

impl HttpFront {
    /// Collects the routes of all functions.
    pub(crate) fn new(template: &Template, fleet: Arc<Fleet>, limits: HttpLimits) -> Self {
        let mut routes = Vec::new();
        for function in &template.functions {
            for event in &function.events {
                if let Event::Http(route) = event {
                    routes.push((route.clone(), function.logical_id.clone()));
                }
            }
        }
        Self {
            routes,
            fleet,
            limits,
        }
    }

    /// Serves the routes on a port.
    pub(crate) fn serve(self, port: Port) -> Server {
        let front = Arc::new(self);
        port.serve(move |request, peer| {
            let front = Arc::clone(&front);
            async move { front.answer(request, peer).await }
        })
    }

    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let routes = self.routes.iter().map(|(route, _)| route);
        let Some(found) = route::find(routes, parts.method.as_str(), parts.uri.path()) else {
            return message(StatusCode::NOT_FOUND, "Not Found");
        };
        let owner = self.routes.iter().find(|(route, _)| route == found.route);
        let function = owner
            .map(|(_, function)| function.clone())
            .unwrap_or_default();
        let body = match Limited::new(body, self.limits.body_bytes).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
            }
            Err(_) => return message(StatusCode::BAD_REQUEST, "Bad Request"),
        };
        let payload = event(&parts, &body, found, peer, SystemTime::now()).to_string();
        self.invoke(function, Bytes::from(payload)).await
    }

    /// The function goes on working when nobody waits any more, be it that the caller left or that the time is up.
    async fn invoke(&self, function: String, payload: Bytes) -> Response<Full<Bytes>> {
        let fleet = Arc::clone(&self.fleet);
        let invocation = tokio::spawn(async move { fleet.invoke(&function, payload).await });
        match tokio::time::timeout(self.limits.answer_within, invocation).await {
            Err(_) => message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
            Ok(Ok(Ok(answer))) => response(&answer).unwrap_or_else(failed),
            Ok(Ok(Err(InvokeError::TooLarge { .. }))) => {
                message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large")
            }
            Ok(Ok(Err(InvokeError::Stopped))) => {
                message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            }
            Ok(Ok(Err(_)) | Err(_)) => failed(),
        }
    }
}

fn failed() -> Response<Full<Bytes>> {
    message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}
