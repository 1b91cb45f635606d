//! HTTP as values: what a platform module asks to be sent and what it is given to read. The edge does the sending.
//!
//! A request never holds a credential: it says which one it wants ([`Auth`]), and the loop adds it when the request
//! leaves, so that a request can be logged, compared and kept in a test without leaking anything.

mod handshake;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use url::Url;

pub use handshake::Handshake;

/// The methods the platforms use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Create or ask.
    Post,
    /// Put bytes where a signed link says.
    Put,
    /// Change a part.
    Patch,
    /// Take back.
    Delete,
}

/// Which credential goes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// None: signed links, and every host that did not issue the token.
    None,
    /// The connection's token: as a bearer, or in the header that its provider wants it in.
    Bearer,
    /// The OAuth client's id and secret (token requests; only `refresh` can make them).
    ClientBasic,
    /// The same, and the password of the user as whom the client comes, as the form's field `password`.
    ClientAndPassword,
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
    /// A file between two short texts, `multipart/form-data`; the file's bytes are given when it leaves.
    Multipart(Multipart),
    /// A file alone; its bytes are given when it leaves.
    File(FileBody),
    /// A file in base64 within JSON; its bytes are given when it leaves.
    Base64(Base64Body),
    /// Bytes and headers as they once came in.
    Verbatim(Verbatim),
}

/// A file as the whole of a body: exact length, its own type, no encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileBody {
    /// The value of `Content-Type`: the type of the bytes.
    pub content_type: String,
    /// How many bytes the file has: the value of `Content-Length`.
    pub size_bytes: u64,
    /// Headers that tie the bytes to something, names in lower case.
    pub headers: BTreeMap<String, String>,
}

/// A JSON object with a file in base64 as one of its fields. Owns its exact length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base64Body {
    /// Everything before the file's first character.
    pub head: String,
    /// Everything behind its last.
    pub tail: String,
    /// How many bytes the file has.
    pub file_bytes: u64,
}

impl Base64Body {
    /// An object with the file under `field`, and `others` behind it.
    #[must_use]
    pub fn new(field: &str, others: &[(&str, &str)], file_bytes: u64) -> Self {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let others = others
            .iter()
            .map(|(name, value)| format!(",{}:{}", quoted(name), quoted(value)));
        Self {
            head: format!("{{{}:\"", quoted(field)),
            tail: format!("\"{}}}", others.collect::<String>()),
            file_bytes,
        }
    }

    /// The value of `Content-Length`: three bytes are four characters, the last ones padded.
    #[must_use]
    pub fn content_length(&self) -> u64 {
        self.head.len() as u64 + self.file_bytes.div_ceil(3) * 4 + self.tail.len() as u64
    }
}

/// A body that is sent on byte for byte, with the headers that belong to it. It is somebody's message: only its size
/// ever shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Verbatim {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
}

impl fmt::Debug for Verbatim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verbatim({} bytes)", self.bytes.len())
    }
}

/// A multipart body but for its file. Owns boundary and exact length, so that header and body agree (`S4-8`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multipart {
    /// Separates the parts.
    pub boundary: String,
    /// Everything before the file's bytes.
    pub head: String,
    /// Everything behind them.
    pub tail: String,
    /// How many bytes the file has.
    pub file_bytes: u64,
}

impl Multipart {
    /// A form of `fields` and one file under the name `file_field`. `seed` makes the boundary one that the file cannot be
    /// known to contain: the file's digest, say. Names and types must be plain: quotes and line breaks are taken out. Of values only
    /// line breaks are.
    #[must_use]
    pub fn new(
        fields: &[(&str, &str)],
        (file_field, file_name, mime): (&str, &str, &str),
        file_bytes: u64,
        seed: &str,
    ) -> Self {
        let plain = |text: &str| text.replace(['"', '\r', '\n'], "_");
        let boundary = format!("attache-{}", plain(seed));
        let mut head = String::new();
        for (name, value) in fields {
            let (name, value) = (plain(name), value.replace(['\r', '\n'], "_"));
            head.push_str(&format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        let (field, name, mime) = (plain(file_field), plain(file_name), plain(mime));
        head.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\nContent-Type: {mime}\r\n\r\n"
        ));
        let tail = format!("\r\n--{boundary}--\r\n");
        Self {
            boundary,
            head,
            tail,
            file_bytes,
        }
    }

    /// The value of `Content-Type`.
    #[must_use]
    pub fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// The value of `Content-Length`.
    #[must_use]
    pub fn content_length(&self) -> u64 {
        self.head.len() as u64 + self.file_bytes + self.tail.len() as u64
    }
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
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
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
        let lowered = |(mut name, value): (String, String)| {
            name.make_ascii_lowercase();
            (name, value)
        };
        Self(pairs.into_iter().map(lowered).collect())
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

impl FromIterator<(String, String)> for Headers {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pairs: T) -> Self {
        Self::new(pairs)
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
    /// The name has no address. Nothing was sent.
    #[error("no address: {0}")]
    NoName(String),
    /// No connection came about, because of TLS. Nothing was sent.
    #[error("no TLS ({0}): {1}")]
    Tls(Handshake, String),
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
    fn a_form_says_its_own_length_and_lets_no_name_break_out() {
        let file = ("file", "a\"b\r\nX: y.png", "image/png");
        let form = Multipart::new(&[("messaging_product", "whatsapp")], file, 3, "d1");
        let body = format!("{}PNG{}", form.head, form.tail);
        assert_eq!(body.len() as u64, form.content_length());
        assert_eq!(
            body,
            "--attache-d1\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n\
             --attache-d1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a_b__X: y.png\"\r\n\
             Content-Type: image/png\r\n\r\nPNG\r\n--attache-d1--\r\n"
        );
        assert_eq!(
            form.content_type(),
            "multipart/form-data; boundary=attache-d1"
        );
    }

    #[test]
    fn a_file_in_base64_says_its_own_length() {
        for (file, encoded) in [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj")] {
            let others = [("mimeType", "a\"b")];
            let body = Base64Body::new("content", &others, file.len() as u64);
            let text = format!("{}{encoded}{}", body.head, body.tail);
            assert_eq!(text.len() as u64, body.content_length());
            let read: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(
                read,
                serde_json::json!({"content": encoded, "mimeType": "a\"b"})
            );
        }
    }

    #[test]
    fn what_is_sent_on_shows_only_its_size() {
        let body = Body::Verbatim(Verbatim {
            bytes: b"hello".to_vec(),
            headers: [("x-hub-signature-256".to_owned(), "sha256=0".to_owned())].into(),
        });
        assert_eq!(format!("{body:?}"), "Verbatim(Verbatim(5 bytes))");
    }

    #[test]
    fn header_names_are_found_in_lower_case() {
        let headers = Headers::new([("Retry-After".to_owned(), "3".to_owned())]);
        assert_eq!(headers.get("retry-after"), Some("3"));
        assert_eq!(headers.get("x"), None);
    }
}
