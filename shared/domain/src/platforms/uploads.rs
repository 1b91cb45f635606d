//! What platforms have in common that take bytes before the message and work on them: where to, the bytes, what became of them.
//! Each call goes to the surface's own module.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::genesys::{agent, web_messaging};
use super::lenient::{text, whole};
use crate::address::Address;
use crate::connection::{Account, Connection};
use crate::diagnosis::Failure;
use crate::diagnosis::rules::ours;
use crate::processing::Told;
use crate::time::Timestamp;
use crate::wire::{Auth, Body, FileBody, Method, Request, Response};

/// What a file belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Belongs<'a> {
    /// The message, as the platform is told of it.
    pub message: &'a str,
    /// The conversation, where the platform wants to know it.
    pub address: &'a Address,
}

/// What is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent<'a> {
    /// Its type.
    pub mime: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its length, in bytes.
    pub size_bytes: u64,
}

/// Where the bytes go.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// What the platform calls the file.
    pub file: String,
    /// The signed link; whoever has it can put bytes there, so it is neither kept nor logged.
    pub link: Url,
    /// What goes along, and nothing else: names in lower case. As secret as the link.
    pub headers: BTreeMap<String, String>,
    /// When the link dies.
    pub dies_at: Timestamp,
}

/// How a message names a file that the platform has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// By its id alone.
    Name,
    /// From where it can be had; a signed link, and so never kept or logged.
    Link(Url),
    /// Not at all: the platform has it and gives it to nobody.
    Withheld,
    /// By none: that the platform has it is all that was wanted.
    Done,
}

/// What the platform has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// How far it is.
    pub told: Told,
    /// How a message names it, once it is whole.
    pub given: Given,
}

/// Whether the bytes go in one form, without a place that is asked for before, and nothing tells of them but an event.
#[must_use]
pub fn is_one_form(connection: &Connection) -> bool {
    matches!(connection.account, Account::GenesysMediaUpload { .. })
}

/// Asks where the bytes of `file` go.
///
/// # Errors
/// A failure of domain `ours` if the connection is none of these, or if what the file belongs to is not known.
pub fn request_place(
    connection: &Connection,
    belongs: Belongs<'_>,
    file: Sent<'_>,
    patience: Duration,
) -> Result<Request, Failure> {
    match &connection.account {
        Account::GenesysAgent { .. } => agent::request_place(connection, belongs, file, patience),
        _ => web_messaging::request_place(connection, belongs, file, patience),
    }
}

/// Reads the answer.
///
/// # Errors
/// The platform's error as a [`Failure`]; an answer without id or link is judged by its status, and asked for again.
pub fn read_place(
    connection: &Connection,
    response: &Response,
    now: Timestamp,
) -> Result<Place, Failure> {
    match &connection.account {
        Account::GenesysAgent { .. } => agent::read_place(response, now),
        _ => web_messaging::read_place(response, now),
    }
}

/// The bytes. Without a bearer: the link is all the right there is (`S3-17`), and whoever keeps the store may be another than
/// whoever issued the token.
#[must_use]
pub fn put(
    connection: &Connection,
    place: &Place,
    (mime, size_bytes): (&str, u64),
    patience: Duration,
) -> Request {
    Request {
        method: Method::Put,
        url: place.link.clone(),
        auth: Auth::None,
        body: Body::File(FileBody {
            content_type: mime.to_owned(),
            size_bytes,
            headers: place.headers.clone(),
        }),
        patience,
        local: connection.local,
    }
}

/// Asks what became of the file that the platform calls `file`.
///
/// # Errors
/// As [`request_place`].
pub fn look_up(
    connection: &Connection,
    (belongs, file): (Belongs<'_>, &str),
    patience: Duration,
) -> Result<Request, Failure> {
    match &connection.account {
        Account::GenesysAgent { .. } => agent::look_up(connection, (belongs, file), patience),
        _ => web_messaging::look_up(connection, (belongs.message, file), patience),
    }
}

/// Reads the answer; what the platform has is compared with what was handed over (`S2-21`).
///
/// # Errors
/// The platform's error as a [`Failure`].
pub fn read_attachment(
    connection: &Connection,
    response: &Response,
    (file, sent): (&str, Sent<'_>),
    now: Timestamp,
) -> Result<Attachment, Failure> {
    let read = match &connection.account {
        Account::GenesysAgent { .. } => agent::read_attachment,
        _ => web_messaging::read_attachment,
    };
    read(response, (file, sent), now)
}

/// Takes the file back; `None`: the platform knows no such call. Whatever is answered, nobody waits for it any more.
///
/// # Errors
/// As [`request_place`].
pub fn cancel(
    connection: &Connection,
    (belongs, file): (Belongs<'_>, &str),
    patience: Duration,
) -> Result<Option<Request>, Failure> {
    match &connection.account {
        Account::GenesysAgent { .. } => Ok(None),
        _ => web_messaging::cancel(connection, (belongs.message, file), patience).map(Some),
    }
}

/// What the platform says it has that is not what was sent; what it does not say is no difference.
pub(super) fn difference(body: &Value, (file, sent): (&str, Sent<'_>)) -> Option<Failure> {
    let first = |names: &[&str]| names.iter().find_map(|name| text(body, name));
    let id = first(&["id", "fileId"]).filter(|id| id != file);
    let size = ["fileSize", "size", "contentLengthBytes"]
        .iter()
        .find_map(|name| whole(body, name))
        .filter(|size| *size != sent.size_bytes);
    let types = ["contentType", "type", "mimeType", "mediaType"];
    let mime = first(&types).filter(|mime| !same_type(mime, sent.mime));
    let parts = [
        id.map(|id| format!("id {id:.60}, not {file}")),
        size.map(|size| format!("{size} bytes, not {}", sent.size_bytes)),
        mime.map(|mime| format!("type {mime:.60}, not {}", sent.mime)),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| ours::RETURNED_DIFFERS.failure(parts.join("; ")))
}

/// Parameters (`; charset=…`) and letters' case make no other type.
fn same_type(said: &str, sent: &str) -> bool {
    let bare = |it: &str| {
        it.split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    };
    bare(said) == bare(sent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::{agent, genesys, web_messaging};

    #[test]
    fn bytes_go_without_a_bearer_and_with_the_given_headers_alone() {
        let place = Place {
            file: "f1".to_owned(),
            link: Url::parse("https://s3.example/x?sig=1").unwrap(),
            headers: [("x-amz-tagging".to_owned(), "a=b".to_owned())].into(),
            dies_at: Timestamp::from_seconds(9),
        };
        let request = put(&agent(), &place, ("image/png", 7), Duration::from_secs(30));
        assert_eq!((request.method, request.auth), (Method::Put, Auth::None));
        assert_eq!(request.url, place.link);
        let Body::File(body) = request.body else {
            panic!("a file")
        };
        let told = (body.content_type.as_str(), body.size_bytes, body.headers);
        assert_eq!(told, ("image/png", 7, place.headers));
    }

    #[test]
    fn each_surface_has_its_own_calls_and_others_have_none() {
        let fields = [("conversationId", "c1"), ("communicationId", "m1")];
        let address = fields.map(|(field, value)| (field.to_owned(), value.to_owned()));
        let address = address.into_iter().collect();
        let belongs = Belongs {
            message: "wamid.A",
            address: &address,
        };
        let file = Sent {
            mime: "image/png",
            name: "a.png",
            size_bytes: 7,
        };
        let calls = |connection: &Connection| -> Result<[Option<String>; 3], Failure> {
            let patience = Duration::ZERO;
            let path = |request: Request| request.url.path().to_owned();
            Ok([
                Some(path(request_place(connection, belongs, file, patience)?)),
                Some(path(look_up(connection, (belongs, "f1"), patience)?)),
                cancel(connection, (belongs, "f1"), patience)?.map(path),
            ])
        };
        let of_agent = "/api/v2/conversations/messages/c1/communications/m1/messages/media";
        let of_web = "/api/v2/conversations/messaging";
        let web_file = Some(format!("{of_web}/messages/wamid.A/attachments/f1"));
        for (connection, expected) in [
            (
                agent(),
                [
                    Some(format!("{of_agent}/uploads")),
                    Some(format!("{of_agent}/f1")),
                    None,
                ],
            ),
            (
                web_messaging(),
                [
                    Some(format!("{of_web}/webmessaging/upload")),
                    web_file.clone(),
                    web_file,
                ],
            ),
        ] {
            assert_eq!(calls(&connection).unwrap(), expected);
        }
        assert!(calls(&genesys()).is_err());
    }
}
