//! A small world for the loops' tests: one WhatsApp number routed to one Genesys integration, platforms whose answers
//! are scripted, and the queues driven by hand.

#![expect(
    clippy::unwrap_used,
    reason = "a test's world: what does not work ends the test"
)]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::connection::{
    Account, Connection, Directory, Endpoint, Profile, Route, Row, SecretName,
};
use attache_domain::digest::Sha256Digest;
use attache_domain::ids::{ConnectionId, EndpointId, MediaId};
use attache_domain::journey::Item;
use attache_domain::signature::{Scheme, Secret, Verifier};
use attache_domain::time::Timestamp;
use attache_domain::wire::{Body, CallError, Headers, Request, Response};
use attache_flow::batch::Record;
use attache_flow::bearer::{Cache, Desk};
use attache_flow::deliver::Deliver;
use attache_flow::fetch::Fetch;
use attache_flow::intake::{self, Doorway, Intake, Keys, Reply};
use attache_flow::judge::Judge;
use attache_flow::memory::{Calm, World};
use attache_flow::ports::{Clock, Credential, Download, Http, Queue, Source, SourceError};
use attache_flow::refresh::Refresh;
use attache_flow::sweep::Sweep;
use attache_inspect::Policy;
use bytes::Bytes;
use futures_util::FutureExt;
use url::Url;

pub(crate) const SECRET: &str = "meta-app-secret-0123456789abcdef";
pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// What Genesys answers to one send.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Status(u16),
    /// The message arrives, the answer does not.
    Lost,
}

/// The platforms.
#[derive(Default)]
pub(crate) struct Platforms {
    /// The customer's file.
    pub(crate) file: RefCell<Vec<u8>>,
    /// What the look-up says instead of the link.
    pub(crate) look_ups: RefCell<VecDeque<(u16, String)>>,
    /// How many bytes of the file the next downloads give before they end.
    pub(crate) cut: RefCell<VecDeque<usize>>,
    /// What the sends are answered, in order; after that, 200.
    pub(crate) answers: RefCell<VecDeque<Answer>>,
    /// The bodies of all sends that reached Genesys.
    pub(crate) sends: RefCell<Vec<serde_json::Value>>,
    /// Every host a bearer was sent to.
    pub(crate) bearers: RefCell<Vec<String>>,
    /// Tokens issued.
    pub(crate) issued: RefCell<u32>,
}

struct Once(Option<Bytes>);

#[async_trait(?Send)]
impl Source for Once {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        Ok(self.0.take())
    }
}

fn response(status: u16, body: impl Into<Vec<u8>>) -> Response {
    Response {
        status,
        headers: Headers::default(),
        body: body.into(),
    }
}

#[async_trait(?Send)]
impl Http for Platforms {
    async fn call(
        &self,
        request: &Request,
        credential: &Credential,
    ) -> Result<Response, CallError> {
        let path = request.url.path().to_owned();
        if matches!(credential, Credential::Bearer(_)) {
            self.bearers
                .borrow_mut()
                .push(request.url.host_str().unwrap_or_default().to_owned());
        }
        if path == "/oauth/token" {
            *self.issued.borrow_mut() += 1;
            let token = format!(
                r#"{{"access_token":"token-{}","token_type":"bearer","expires_in":86399}}"#,
                self.issued.borrow()
            );
            return Ok(response(200, token));
        }
        if path.ends_with("/inbound/open/message") {
            let answer = self
                .answers
                .borrow_mut()
                .pop_front()
                .unwrap_or(Answer::Status(200));
            if matches!(answer, Answer::Lost | Answer::Status(200)) {
                let Body::Json(text) = &request.body else {
                    panic!("a JSON body")
                };
                self.sends
                    .borrow_mut()
                    .push(serde_json::from_str(text).unwrap());
            }
            return match answer {
                Answer::Status(status) => Ok(response(status, r#"{"id":"genesys-1"}"#)),
                Answer::Lost => Err(CallError::NoAnswer("reset".to_owned())),
            };
        }
        if let Some((status, body)) = self.look_ups.borrow_mut().pop_front() {
            return Ok(response(status, body));
        }
        let file = self.file.borrow();
        let link = serde_json::json!({"url": "https://lookaside.fbsbx.com/x?hash=secret", "file_size": file.len(), "sha256": Sha256Digest::of(&file).to_string()});
        Ok(response(200, link.to_string()))
    }

    async fn download(
        &self,
        request: &Request,
        credential: &Credential,
    ) -> Result<Download, CallError> {
        assert!(matches!(credential, Credential::Bearer(_)));
        self.bearers
            .borrow_mut()
            .push(request.url.host_str().unwrap_or_default().to_owned());
        let file = self.file.borrow().clone();
        let given = self.cut.borrow_mut().pop_front().unwrap_or(file.len());
        let headers = Headers::new([("content-length".to_owned(), file.len().to_string())]);
        Ok(Download {
            status: 200,
            headers,
            body: Box::new(Once(Some(Bytes::from(file[..given].to_vec())))),
        })
    }
}

pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) platforms: Rc<Platforms>,
    pub(crate) doorway: Doorway,
    pub(crate) cache: Cache,
    pub(crate) policy: Policy,
}

pub(crate) fn directory() -> Directory {
    let secret = |name: &str| SecretName(name.to_owned());
    Directory::new([
        Row::Endpoint(Endpoint {
            id: EndpointId::new("wa"),
            profile: Profile::WhatsApp,
            secrets: vec![secret("app")],
            verify_token: None,
        }),
        Row::Connection(Connection {
            id: ConnectionId::new("wa-sales"),
            account: Account::WhatsApp {
                endpoint: EndpointId::new("wa"),
                phone_number_id: "106540352242922".to_owned(),
                base_url: Url::parse("https://graph.facebook.com").unwrap(),
                graph_version: "v23.0".to_owned(),
                media_hosts: vec!["lookaside.fbsbx.com".to_owned()],
                token: secret("wa-token"),
            },
            local: false,
        }),
        Row::Connection(Connection {
            id: ConnectionId::new("genesys"),
            account: Account::GenesysOpenMessaging {
                integration_id: "2d1f6a3c".to_owned(),
                api_url: Url::parse("https://api.mypurecloud.de").unwrap(),
                login_url: Url::parse("https://login.mypurecloud.de").unwrap(),
                client_id: "client".to_owned(),
                client_secret: secret("genesys-secret"),
            },
            local: false,
        }),
        Row::Route(Route {
            from: ConnectionId::new("wa-sales"),
            to: Some(ConnectionId::new("genesys")),
        }),
    ])
}

impl Site {
    pub(crate) fn new(file: &[u8]) -> Self {
        let platforms = Rc::new(Platforms::default());
        *platforms.file.borrow_mut() = file.to_vec();
        let http: Rc<dyn Http> = Rc::clone(&platforms) as Rc<dyn Http>;
        let world = World::new(
            directory(),
            http,
            Rc::new(Calm),
            Timestamp::from_seconds(1_744_344_500),
        );
        world.put_secret(
            &SecretName("wa-token".to_owned()),
            Secret::new("wa-token").unwrap(),
        );
        world.put_secret(
            &SecretName("genesys-secret".to_owned()),
            Secret::new("s").unwrap(),
        );
        let verifier = Verifier::new(Scheme::META, Secret::new(SECRET).unwrap(), None);
        let keys = [(
            EndpointId::new("wa"),
            Keys {
                verifier,
                verify_token: None,
            },
        )]
        .into();
        let doorway = Doorway {
            directory: directory(),
            keys,
        };
        Self {
            world,
            platforms,
            doorway,
            cache: Cache::default(),
            policy: Policy::default(),
        }
    }

    fn desk(&self) -> Desk<'_> {
        let world = &self.world;
        Desk {
            tokens: world,
            vault: world,
            jobs: world,
            clock: world,
            cache: &self.cache,
        }
    }

    pub(crate) fn post(&self, body: &[u8]) -> Reply {
        let signature = Scheme::META.sign(&Secret::new(SECRET).unwrap(), body);
        self.post_signed(body, &signature)
    }

    pub(crate) fn post_signed(&self, body: &[u8], signature: &str) -> Reply {
        let world = &self.world;
        let intake = Intake {
            items: world,
            claims: world,
            jobs: world,
            clock: world,
            due_in: LEASE,
        };
        let request = intake::Request {
            method: "POST".to_owned(),
            endpoint: "wa".to_owned(),
            headers: [("x-hub-signature-256".to_owned(), signature.to_owned())].into(),
            body: body.to_vec(),
            ..intake::Request::default()
        };
        intake
            .handle(&self.doorway, &request)
            .now_or_never()
            .unwrap()
    }

    /// A webhook announcing the file under this message id.
    pub(crate) fn announce(&self, message: &str, file_name: Option<&str>) -> Reply {
        let digest = data_encoding::BASE64
            .encode(Sha256Digest::of(&self.platforms.file.borrow()).as_bytes());
        let mut document = serde_json::json!({"id": format!("media-{message}"), "mime_type": "image/jpeg", "sha256": digest});
        if let Some(name) = file_name {
            document["filename"] = serde_json::json!(name);
        }
        let message = serde_json::json!({"from": "16505551234", "id": message, "timestamp": "1744344496", "type": "document", "document": document});
        let value = serde_json::json!({"messaging_product": "whatsapp", "metadata": {"phone_number_id": "106540352242922"},
            "contacts": [{"profile": {"name": "Sheena Nelson"}, "wa_id": "16505551234"}], "messages": [message]});
        let body = serde_json::json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]});
        self.post(body.to_string().as_bytes())
    }

    pub(crate) fn refresh(&self) {
        let world = &self.world;
        let refresh = Refresh {
            tokens: world,
            vault: world,
            secrets: world,
            http: world,
            clock: world,
            directories: world,
        };
        refresh.run().now_or_never().unwrap().unwrap();
        for job in world.receive(Queue::Refresh) {
            refresh.handle(&job.body).now_or_never().unwrap().unwrap();
        }
    }

    pub(crate) fn fetch(&self) -> usize {
        let world = &self.world;
        let fetch = Fetch {
            items: world,
            objects: world,
            jobs: world,
            http: world,
            clock: world,
            directories: world,
            desk: self.desk(),
            lease: LEASE,
        };
        let jobs = world.receive(Queue::Fetch);
        for job in &jobs {
            fetch.handle(&job.body).now_or_never().unwrap().unwrap();
        }
        jobs.len()
    }

    pub(crate) fn judge(&self) {
        let world = &self.world;
        let judge = Judge {
            items: world,
            objects: world,
            jobs: world,
            clock: world,
            directories: world,
            policy: &self.policy,
        };
        let keys: Vec<String> = world.state.borrow_mut().events.drain(..).collect();
        for key in keys {
            judge.object_created(&key).now_or_never().unwrap().unwrap();
        }
        for job in world.receive(Queue::Judge) {
            judge.handle(&job.body).now_or_never().unwrap().unwrap();
        }
    }

    pub(crate) fn deliver(&self) -> usize {
        let world = &self.world;
        let deliver = Deliver {
            items: world,
            objects: world,
            jobs: world,
            limits: world,
            http: world,
            clock: world,
            directories: world,
            desk: self.desk(),
            patience: Duration::from_secs(20),
        };
        let jobs = [
            world.receive(Queue::Media),
            world.receive(Queue::MediaRetry),
        ]
        .concat();
        let records: Vec<_> = jobs
            .iter()
            .enumerate()
            .map(|(n, job)| Record {
                id: n.to_string(),
                body: job.body.clone(),
            })
            .collect();
        let failed = deliver.batch(&records).now_or_never().unwrap().unwrap();
        assert!(failed.is_empty(), "{failed:?}");
        records.len()
    }

    pub(crate) fn sweep(&self) -> usize {
        let world = &self.world;
        let sweep = Sweep {
            items: world,
            jobs: world,
            clock: world,
            grace: Duration::from_secs(30),
        };
        sweep.run().now_or_never().unwrap().unwrap().requeued
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.world
            .set_now(self.world.now() + Duration::from_secs(seconds));
    }

    /// Everything once more, second by second, until nothing is left to do or `seconds` have passed.
    pub(crate) fn run(&self, seconds: u64) {
        for _ in 0..seconds {
            self.refresh();
            self.fetch();
            self.judge();
            self.deliver();
            self.pass(1);
        }
    }

    pub(crate) fn item(&self) -> Item {
        let state = self.world.state.borrow();
        assert_eq!(state.items.len(), 1, "one item");
        state.items.values().next().unwrap().clone()
    }

    pub(crate) fn id(&self) -> MediaId {
        self.item().id
    }

    pub(crate) fn calls(&self, name: &str) -> usize {
        self.world
            .state
            .borrow()
            .calls
            .get(name)
            .copied()
            .unwrap_or(0)
    }

    pub(crate) fn all_calls(&self) -> usize {
        self.world.state.borrow().calls.values().sum()
    }
}
