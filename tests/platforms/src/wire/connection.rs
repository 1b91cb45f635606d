//! One TCP connection that a handler can end in the middle of anything.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::Notify,
};

use super::raw::Raw;

/// The handle by which a handler ends its connection.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    ended: Notify,
    reset: AtomicBool,
    raw: Mutex<Option<Raw>>,
}

impl Connection {
    /// Ends the connection in good order (FIN): what was written still arrives.
    pub(crate) fn close(&self) {
        self.ended.notify_one();
    }

    /// Ends the connection with a reset (RST): what was on its way may be lost.
    pub(crate) fn reset(&self) {
        self.reset.store(true, Ordering::SeqCst);
        self.ended.notify_one();
    }

    /// Ends the server's hold on the connection: this answer is written by hand, and then the connection is closed.
    pub(super) fn take_over(&self, raw: Raw) {
        *self.raw.lock().unwrap_or_else(PoisonError::into_inner) = Some(raw);
        self.ended.notify_one();
    }

    /// What is to be written by hand.
    pub(super) fn raw(&self) -> Option<Raw> {
        let mut raw = self.raw.lock().unwrap_or_else(PoisonError::into_inner);
        raw.take()
    }

    /// Waits until the connection was ended by one of the above.
    pub(crate) async fn ended(&self) {
        self.ended.notified().await;
    }
}

/// The stream below HTTP. Dropping it closes the connection the way its [`Connection`] was told to.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    connection: Arc<Connection>,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, connection: Arc<Connection>) -> Self {
        Self { stream, connection }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.connection.reset.load(Ordering::SeqCst) {
            // If the peer is already gone there is nothing left to reset.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
