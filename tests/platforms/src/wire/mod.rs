//! Real HTTP/1.1 servers on loopback ports the system chooses, with everything that passes over them noted.
//!
//! A [`Listener`] reads each request whole, shows it to the canary, notes it in the journal, asks its handler, checks the
//! answer against the published schema, notes that too, and writes it in the manner the handler chose. Dropping it
//! ends its connections. No TLS, no HTTP/2: what is tested here is behaviour above them.

mod answer;
mod connection;
mod raw;
mod request;

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use futures_util::future::BoxFuture;
use http::{HeaderValue, header::DATE};
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
};

pub(crate) use answer::{Answer, Manner, WireBody};
use connection::{Connection, Wire};
pub(crate) use raw::Framing;
pub(crate) use request::Request;

use crate::{canary::Canary, clock::Clock, journal::Journal, serving::http_date, specs::Checker};

/// The address of most listeners.
pub(crate) const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Another loopback address where the system has one; only Linux answers on all of 127/8 unasked.
const NOBODYS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Decides the answer to a request.
pub(crate) type Handler = Arc<dyn Fn(Request) -> BoxFuture<'static, Answer> + Send + Sync>;

/// A handler that gives every request the shared state.
pub(crate) fn handler<S, F, A>(state: &Arc<S>, answer: F) -> Handler
where
    S: Send + Sync + 'static,
    F: Fn(Arc<S>, Request) -> A + Send + Sync + 'static,
    A: Future<Output = Answer> + Send + 'static,
{
    let state = state.clone();
    Arc::new(move |request| Box::pin(answer(state.clone(), request)))
}

/// Everyone who watches what passes over a listener.
#[derive(Clone)]
pub(crate) struct Watchers {
    pub(crate) clock: Clock,
    pub(crate) journal: Journal,
    pub(crate) canary: Canary,
    pub(crate) checker: Option<Arc<Checker>>,
}

/// A port that is taken and not served yet, so that its address can be known before its handler is made.
pub(crate) struct Bound {
    listeners: Vec<TcpListener>,
    authority: String,
}

impl Bound {
    /// Takes a free port on `address`; links name it by that address.
    pub(crate) async fn take(address: IpAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind((address, 0)).await?;
        let authority = listener.local_addr()?.to_string();
        Ok(Self {
            listeners: vec![listener],
            authority,
        })
    }

    /// Takes a free port on another address than the platforms', for the host that is nobody's.
    pub(crate) async fn take_nobodys() -> std::io::Result<Self> {
        match Self::take(NOBODYS).await {
            Ok(bound) => Ok(bound),
            Err(_) => Self::take(LOOPBACK).await,
        }
    }

    /// Takes a free port of `localhost`, on both of its addresses where possible: a client that resolves the name once and
    /// keeps to the first address may get either.
    pub(crate) async fn take_localhost() -> std::io::Result<Self> {
        let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = v4.local_addr()?.port();
        let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await;
        Ok(Self {
            listeners: [Some(v4), v6.ok()].into_iter().flatten().collect(),
            authority: format!("localhost:{port}"),
        })
    }

    /// `host:port`.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// Starts serving.
    pub(crate) fn serve(self, watchers: Watchers, handler: Handler) -> Listener {
        let site = Arc::new(Site {
            authority: self.authority.clone(),
            watchers,
            handler,
        });
        let listeners = self.listeners.into_iter();
        let serve = |listener| tokio::spawn(accept(listener, site.clone())).abort_handle();
        Listener {
            authority: self.authority,
            tasks: listeners.map(serve).collect(),
        }
    }
}

/// A port being served. Dropping it stops the server and its connections.
#[derive(Debug)]
pub(crate) struct Listener {
    authority: String,
    tasks: Vec<AbortHandle>,
}

impl Listener {
    /// `host:port`.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// `http://host:port`, without a slash at the end.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.authority)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

struct Site {
    authority: String,
    watchers: Watchers,
    handler: Handler,
}

async fn accept(listener: TcpListener, site: Arc<Site>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A failed accept concerns one peer that has already gone.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(converse(stream, site.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(stream: TcpStream, site: Arc<Site>) {
    // Small answers wait 40 ms for an acknowledgement otherwise; a stream that refuses is already closed.
    let _ = stream.set_nodelay(true);
    let connection = Arc::new(Connection::default());
    let service = {
        let connection = connection.clone();
        service_fn(move |request| {
            let (site, connection) = (site.clone(), connection.clone());
            async move { Ok::<_, Infallible>(exchange(request, site, connection).await) }
        })
    };
    let io = TokioIo::new(Wire::new(stream, connection.clone()));
    let mut serving = http1::Builder::new().serve_connection(io, service);
    tokio::select! {
        // Errors here are the peer's going away or our own faults: both are wanted.
        _ = &mut serving => return,
        () = connection.ended() => {}
    }
    if let Some(raw) = connection.raw() {
        let mut wire = serving.into_parts().io.into_inner();
        if let Err(gone) = raw.write(&mut wire).await {
            // What it was given is meant to send it away.
            tracing::debug!(%gone, "the peer did not take the whole answer");
        }
    }
}

async fn exchange(
    request: http::Request<Incoming>,
    site: Arc<Site>,
    connection: Arc<Connection>,
) -> http::Response<WireBody> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        // The peer went away before its request was complete.
        connection.close();
        return std::future::pending().await;
    };
    let request = Request {
        method: head.method,
        target: head.uri.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: body.to_bytes(),
    };
    let watchers = &site.watchers;
    watchers.canary.inspect(&site.authority, &request);
    let number = watchers
        .journal
        .request(watchers.clock.now(), &site.authority, &request);
    let (method, path) = (request.method.clone(), request.path.clone());
    let answer = (site.handler)(request).await;
    let operation = answer.operation.filter(|_| !answer.misplaced);
    if let (Some(checker), Some(operation)) = (&watchers.checker, operation) {
        checker.answer(operation, &method, &path, answer.status, &answer.body);
    }
    watchers.journal.answer(number, &answer);
    if answer.lost {
        connection.close();
        return std::future::pending().await;
    }
    if let Some(raw) = answer.raw() {
        connection.take_over(raw);
        return std::future::pending().await;
    }
    let mut response = answer.into_response(connection);
    // A platform's date is that of its own clock.
    if let Ok(date) = HeaderValue::from_str(&http_date(watchers.clock.now())) {
        response.headers_mut().insert(DATE, date);
    }
    response
}
