//! One HTTP/1.1 listener on the loopback address: what the Runtime API and the HTTP API front have in common.
//!
//! `TCP_NODELAY` is set on every connection: without it each small exchange waits some 40 ms for a delayed
//! acknowledgement. Dropping the [`Server`] closes the listener and every connection at once.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A port that is held and not yet answered on. Whoever connects meanwhile waits.
#[derive(Debug)]
pub(crate) struct Port {
    listener: TcpListener,
    address: SocketAddr,
}

/// A running listener.
#[derive(Debug)]
pub(crate) struct Server {
    accepting: JoinHandle<()>,
}

impl Port {
    /// Takes a port on 127.0.0.1; 0 means any free one.
    pub(crate) async fn take(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers every request with `handle`, which is also told who asks.
    pub(crate) fn serve<H, F>(self, handle: H) -> Server
    where
        H: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + 'static,
        F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
    {
        let accepting = tokio::spawn(accept(self.listener, handle));
        Server { accepting }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept<H, F>(listener: TcpListener, handle: H)
where
    H: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(stream, peer, handle.clone()));
                }
                // Out of file descriptors, or a peer that left at once: let others run, then go on.
                Err(_) => tokio::task::yield_now().await,
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn connection<H, F>(stream: TcpStream, peer: SocketAddr, handle: H)
where
    H: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    // A socket that refuses the option still works, only slower.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let answer = handle(request, peer);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    // An error here is a peer that left, or that does not speak HTTP; it has no one to be told.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
