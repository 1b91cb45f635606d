//! The agent's side of Genesys' conversations: places for media, bytes by signed links, media that are looked up.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use attache_domain::wire::{Body, Request, Response};
use serde_json::{Value, json};

use super::platforms::{json_body, response};

/// A medium of it.
#[derive(Clone, Debug)]
pub(crate) struct Medium {
    /// In whose communication it is, as the path had it.
    pub(crate) of: String,
    /// What the request for its place said.
    pub(crate) metadata: Value,
    /// Its bytes, once they are there.
    pub(crate) bytes: Option<Vec<u8>>,
}

/// The surface.
#[derive(Default)]
pub(crate) struct AgentSide {
    /// The media, by id.
    pub(crate) media: RefCell<BTreeMap<String, Medium>>,
    /// The states that the next look-ups tell; after that, `valid`.
    pub(crate) states: RefCell<VecDeque<&'static str>>,
}

const MEDIA: &str = "/messages/media/";

impl AgentSide {
    /// Answers whatever is no message.
    pub(super) fn call(&self, request: &Request) -> Response {
        let path = request.url.path();
        let (of, rest) = path.split_once(MEDIA).unwrap();
        if rest == "uploads" {
            return self.place(of, &json_body(request));
        }
        let media = self.media.borrow();
        let Some(medium) = media.get(rest).filter(|medium| medium.of == of) else {
            return response(404, r#"{"code":"not.found"}"#);
        };
        let state = self.states.borrow_mut().pop_front().unwrap_or("valid");
        let size = medium.bytes.as_ref().map(Vec::len);
        let body = json!({"id": rest, "status": state, "contentLengthBytes": size});
        response(200, body.to_string())
    }

    fn place(&self, of: &str, metadata: &Value) -> Response {
        let mut media = self.media.borrow_mut();
        let id = format!("medium-{}", media.len() + 1);
        let medium = Medium {
            of: of.to_owned(),
            metadata: metadata.clone(),
            bytes: None,
        };
        media.insert(id.clone(), medium);
        let link = format!("https://store.example/{id}?sig=secret");
        let body = json!({"id": id, "uploadUrl": link, "uploadHeaders": {"X-Amz-Tagging": format!("of={id}")}});
        response(200, body.to_string())
    }

    /// Whether the bytes are for it.
    pub(super) fn is_asked(request: &Request) -> bool {
        request.url.host_str() == Some("store.example")
    }

    pub(super) fn put(&self, request: &Request, bytes: Vec<u8>) -> Response {
        let Body::File(body) = &request.body else {
            panic!("a file alone")
        };
        let id = request.url.path().trim_start_matches('/').to_owned();
        let exact = BTreeMap::from([("x-amz-tagging".to_owned(), format!("of={id}"))]);
        assert_eq!(body.headers, exact, "what came with the link, and no more");
        let mut media = self.media.borrow_mut();
        let medium = media.get_mut(&id).unwrap();
        assert_eq!(medium.metadata["contentLengthBytes"], bytes.len());
        medium.bytes = Some(bytes);
        response(200, "")
    }
}
