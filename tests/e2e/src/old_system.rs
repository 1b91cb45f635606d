//! A system that Attaché is to take the place of: takes what is passed on to it, and answers as it is told.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

/// One request it got.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Method, path and query.
    pub line: String,
    /// Headers as sent.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// What it was answered.
    pub answered: StatusCode,
}

#[derive(Debug, Default)]
struct Book {
    answers: VecDeque<StatusCode>,
    taken: Vec<Taken>,
}

/// The system. Ends when it is dropped.
#[derive(Debug)]
pub struct OldSystem {
    url: Url,
    book: Arc<Mutex<Book>>,
    server: JoinHandle<()>,
}

impl OldSystem {
    /// Starts one that gives these answers, in order; after that, 200.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start(answers: impl IntoIterator<Item = StatusCode>) -> Result<Self> {
        let book = Arc::new(Mutex::new(Book {
            answers: answers.into_iter().collect(),
            taken: Vec::new(),
        }));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}/hook?key=PATHSECRET", listener.local_addr()?);
        let router = Router::new().fallback(take).with_state(Arc::clone(&book));
        let server = tokio::spawn(async move {
            // It serves until it is aborted.
            drop(axum::serve(listener, router).await);
        });
        Ok(Self {
            url: Url::parse(&url)?,
            book,
            server,
        })
    }

    /// Where it takes webhooks.
    #[must_use]
    pub fn url(&self) -> Url {
        self.url.clone()
    }

    /// What it got so far, in order.
    #[must_use]
    pub fn taken(&self) -> Vec<Taken> {
        lock(&self.book).taken.clone()
    }
}

impl Drop for OldSystem {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn take(
    State(book): State<Arc<Mutex<Book>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let mut book = lock(&book);
    let answered = book.answers.pop_front().unwrap_or(StatusCode::OK);
    book.taken.push(Taken {
        line: format!("{method} {uri}"),
        headers,
        body,
        answered,
    });
    answered
}

fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}
