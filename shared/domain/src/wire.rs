//! HTTP as values: what a platform module asks to be sent and what it is given to read. The edge does the sending.
//!
//! A request never holds a credential: it says which one it wants ([`Auth`]), and the loop adds it when the request
//! leaves, so that a request can be logged, compared and kept in a test without leaking anything.

use std::time::Duration;

use url::Url;

/// The methods the platforms use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Create or ask.
    Post,
}

/// Which credential goes into the `Authorization` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// None: signed links, and every host that did not issue the token.
    None,
    /// The connection's bearer token.
    Bearer,
    /// The OAuth client's id and secret (token requests; only `refresh` can make them).
    ClientBasic,
}

/// A body to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// None.
    Empty,
    /// JSON text.
    Json(String),
    /// Form fields, to be percent-encoded.
    Form(Vec<(String, String)>),
}

/// One request to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where to; may hold a signed query, so it is never logged whole (see [`Request::describe`]).
    pub url: Url,
    /// Which credential is added when it leaves.
    pub auth: Auth,
    /// What is sent.
    pub body: Body,
    /// Time for the whole exchange up to the response's headers (for a download) or its end.
    pub patience: Duration,
    /// Whether plain HTTP and private addresses are allowed (connections marked `local`).
    pub local: bool,
}

impl Request {
    /// Method, host and path: safe to log, because credentials and signatures travel in headers and queries.
    #[must_use]
    pub fn describe(&self) -> String {
        let method = match self.method {
            Method::Get => "GET",
            Method::Post => "POST",
        };
        format!(
            "{method} {}{}",
            self.url.host_str().unwrap_or("?"),
            self.url.path()
        )
    }
}

/// Headers with names in lower case, in the order received. Names may repeat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// Takes pairs; names are lower-cased.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), value))
                .collect(),
        )
    }

    /// The first value of `name` (given in lower case).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A response read whole (never a file: files are streamed).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Headers,
    /// Body, capped by the edge.
    pub body: Vec<u8>,
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The address was judged unfit (plain HTTP, private, off the allow-list). Nothing was sent.
    #[error("refused to connect: {0}")]
    Refused(String),
    /// No connection came about. Nothing was sent.
    #[error("no connection: {0}")]
    NotSent(String),
    /// It was sent, or may have been, and no whole answer came back.
    #[error("no answer: {0}")]
    NoAnswer(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_leaves_out_the_query() {
        let request = Request {
            method: Method::Get,
            url: Url::parse("https://media.example.com/a/b?X-Amz-Signature=secret").unwrap(),
            auth: Auth::None,
            body: Body::Empty,
            patience: Duration::from_secs(1),
            local: false,
        };
        assert_eq!(request.describe(), "GET media.example.com/a/b");
    }

    #[test]
    fn header_names_are_found_in_lower_case() {
        let headers = Headers::new([("Retry-After".to_owned(), "3".to_owned())]);
        assert_eq!(headers.get("retry-after"), Some("3"));
        assert_eq!(headers.get("x"), None);
    }
}
