//! CXone in the world: an issuer that is asked where tokens are had, an API in an area of its own, and what it was sent.

use std::cell::{Cell, RefCell};

use attache_domain::signature::Secret;
use attache_domain::wire::{Body, CallError, Request, Response};
use attache_flow::ports::Credential;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::platforms::{json_body, response};

/// Where tokens are issued.
const ISSUER: &str = "cxone.niceincontact.com";

/// Where the tenant's API is, by its configuration.
const API: &str = "api-de-au1.niceincontact.com";

/// CXone.
#[derive(Default)]
pub(crate) struct Cxone {
    /// The messages that reached it.
    pub(crate) messages: RefCell<Vec<Value>>,
    /// The files that were handed over, as they came.
    pub(crate) uploads: RefCell<Vec<Vec<u8>>>,
    /// Whether the answer to the next message is lost.
    pub(crate) loses: Cell<bool>,
    /// Tokens issued.
    pub(crate) issued: Cell<u32>,
}

impl Cxone {
    /// Whether a call goes there.
    pub(super) fn is_asked(request: &Request) -> bool {
        matches!(request.url.host_str(), Some(ISSUER | API))
    }

    pub(super) fn call(
        &self,
        request: &Request,
        credential: &Credential,
    ) -> Result<Response, CallError> {
        let at = (request.url.host_str(), request.url.path());
        let answer = match at {
            (Some(ISSUER), "/.well-known/openid-configuration") => {
                json!({ "token_endpoint": format!("https://{ISSUER}/auth/token") })
            }
            (Some(ISSUER), "/auth/token") => self.token(request, credential),
            (Some(ISSUER), "/.well-known/cxone-configuration") => {
                assert_eq!(request.url.query(), Some("tenantId=t1"));
                json!({ "area": "au1", "domain": "niceincontact.com" })
            }
            (Some(API), "/dfo/3.0/channels/byoc_1/messages") => {
                assert!(matches!(credential, Credential::Bearer(_)));
                self.messages.borrow_mut().push(json_body(request));
                if self.loses.replace(false) {
                    return Err(CallError::NoAnswer("reset".to_owned()));
                }
                json!({ "case": { "id": "c1" }, "message": { "id": self.messages.borrow().len() } })
            }
            other => panic!("nothing is at {other:?}"),
        };
        Ok(response(200, answer.to_string()))
    }

    fn token(&self, request: &Request, credential: &Credential) -> Value {
        let Credential::ClientAndPassword { password, .. } = credential else {
            panic!("the access key's secret goes to the token's place")
        };
        assert!(password.matches(Secret::new("s").unwrap().expose()));
        assert!(matches!(request.body, Body::Form(_)));
        self.issued.set(self.issued.get() + 1);
        let claims = BASE64URL_NOPAD.encode(br#"{"tenantId":"t1"}"#);
        json!({ "access_token": format!("e30.{claims}.{}", self.issued.get()), "expires_in": 3600 })
    }

    /// A temporary attachment.
    pub(super) fn upload(&self, request: &Request, bytes: Vec<u8>) -> Response {
        let at = (request.url.host_str(), request.url.path());
        assert_eq!(at, (Some(API), "/dfo/3.0/attachments/temporary"));
        self.uploads.borrow_mut().push(bytes);
        let id = self.uploads.borrow().len();
        let link = format!("https://files.example/tmp/{id}?sig=secret");
        response(
            200,
            json!({ "id": id.to_string(), "url": link }).to_string(),
        )
    }
}
