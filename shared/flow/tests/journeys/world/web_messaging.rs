//! Web messaging as the source documents describe it: places for files, bytes by signed links, files that are looked up.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};

use attache_domain::wire::{Body, CallError, Method, Request, Response};
use serde_json::{Value, json};

use super::platforms::{Answer, json_body, response};

/// A file of it.
#[derive(Clone, Debug)]
pub(crate) struct Filed {
    /// What its metadata said.
    pub(crate) metadata: Value,
    /// Its bytes, once they are there.
    pub(crate) bytes: Option<Vec<u8>>,
    /// Whether it was taken back.
    pub(crate) cancelled: bool,
}

/// The surface.
pub(crate) struct WebMessaging {
    /// The files, by id.
    pub(crate) files: RefCell<BTreeMap<String, Filed>>,
    /// What look-ups tell of a file whose bytes are there.
    pub(crate) tells: RefCell<Value>,
    /// What the next look-ups are answered instead.
    pub(crate) looks: RefCell<VecDeque<(u16, &'static str)>>,
    /// What the next requests for a place are answered instead.
    pub(crate) places: RefCell<VecDeque<(u16, &'static str)>>,
    /// What the next bytes are answered; after that, 202.
    pub(crate) puts: RefCell<VecDeque<Answer>>,
    /// Look-ups so far.
    pub(crate) looked: Cell<usize>,
}

impl Default for WebMessaging {
    fn default() -> Self {
        Self {
            files: RefCell::default(),
            tells: RefCell::new(json!({"status": "completed", "virusScanResult": "clean"})),
            looks: RefCell::default(),
            places: RefCell::default(),
            puts: RefCell::default(),
            looked: Cell::default(),
        }
    }
}

impl WebMessaging {
    /// What every look-up tells from now on.
    pub(crate) fn tell(&self, tells: Value) {
        *self.tells.borrow_mut() = tells;
    }

    /// The files whose bytes came, oldest first.
    pub(crate) fn held(&self) -> Vec<String> {
        let files = self.files.borrow();
        let held = files.iter().filter(|(_, file)| file.bytes.is_some());
        held.map(|(id, _)| id.clone()).collect()
    }

    pub(super) fn call(&self, request: &Request) -> Response {
        let path = request.url.path();
        if path.ends_with("/webmessaging/upload") {
            return self.place(&json_body(request));
        }
        let file = path.rsplit('/').next().unwrap().to_owned();
        let mut files = self.files.borrow_mut();
        let Some(filed) = files.get_mut(&file) else {
            return response(404, r#"{"code":"not.found"}"#);
        };
        if request.method == Method::Delete {
            filed.cancelled = true;
            return response(204, "");
        }
        self.looked.set(self.looked.get() + 1);
        if let Some((status, body)) = self.looks.borrow_mut().pop_front() {
            return response(status, body);
        }
        let mut body = self.tells.borrow().clone();
        body["id"] = json!(file);
        for key in ["fileName", "contentType", "fileSize"] {
            if body[key].is_null() {
                body[key] = filed.metadata[key].clone();
            }
        }
        if body["status"] == "completed" && body["virusScanResult"] != "malicious" {
            body["downloadUrl"] = json!(format!("https://files.example/{file}?sig=secret"));
        }
        response(200, body.to_string())
    }

    fn place(&self, metadata: &Value) -> Response {
        if let Some((status, body)) = self.places.borrow_mut().pop_front() {
            return response(status, body);
        }
        let mut files = self.files.borrow_mut();
        let id = format!("file-{}", files.len() + 1);
        let filed = Filed {
            metadata: metadata.clone(),
            bytes: None,
            cancelled: false,
        };
        files.insert(id.clone(), filed);
        let link = format!("https://upload.example/{id}?sig=secret");
        response(200, json!({"fileId": id, "uploadUrl": link}).to_string())
    }

    pub(super) fn put(&self, request: &Request, bytes: Vec<u8>) -> Result<Response, CallError> {
        let Body::File(body) = &request.body else {
            panic!("a file alone")
        };
        assert_eq!(body.size_bytes, bytes.len() as u64);
        let file = &body.headers["x-genesys-file-id"];
        assert!(request.url.path().ends_with(file.as_str()));
        let answer = self.puts.borrow_mut().pop_front();
        let answer = answer.unwrap_or(Answer::Status(202));
        let mut files = self.files.borrow_mut();
        let filed = files.get_mut(file).unwrap();
        assert_eq!(filed.metadata["contentType"], body.content_type);
        if matches!(answer, Answer::Lost | Answer::Status(200..=299)) {
            filed.bytes = Some(bytes);
        }
        match answer {
            Answer::Status(status) => Ok(response(status, "")),
            Answer::Lost => Err(CallError::NoAnswer("reset".to_owned())),
        }
    }
}
