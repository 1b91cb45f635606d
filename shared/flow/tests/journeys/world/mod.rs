//! A small world for the loops' tests: one WhatsApp number routed to one Genesys integration, platforms whose answers
//! are scripted, and the queues driven by hand.

#![expect(
    clippy::unwrap_used,
    reason = "a test's world: what does not work ends the test"
)]

mod agent_side;
mod configuration;
mod cxone;
mod mortal;
mod platforms;
mod web_messaging;

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use attache_domain::connection::{Directory, Lane, Row, SecretName};
use attache_domain::digest::Sha256Digest;
use attache_domain::ids::{EndpointId, MediaId};
use attache_domain::journey::Item;
use attache_domain::scan::guardduty;
use attache_domain::signature::{Issuer, Scheme, Secret, Verifier};
use attache_domain::time::Timestamp;
use attache_flow::batch::{Record, Trouble};
use attache_flow::bearer::{Cache, Desk};
use attache_flow::deliver::{Deliver, Learnt};
use attache_flow::fetch::{Fetch, InParts, Room};
use attache_flow::forward::Forward;
use attache_flow::guard::{Guard, Known};
use attache_flow::intake::{self, Doorway, Intake, Keys, LastHeard, Proof, Reply};
use attache_flow::judge::{Judge, Scanning, Scans};
use attache_flow::memory::{Calm, Queued, Weather, World};
use attache_flow::ports::{Clock, Http, KeptEvent, Queue, Wanted};
use attache_flow::refresh::Refresh;
use attache_flow::replay::{self, Replay};
use attache_flow::sweep::Sweep;
use attache_flow::taken::{Ledger, Recalled};
use attache_inspect::Policy;
use futures_util::FutureExt;
use serde_json::{Value, json};

use configuration::inviting_directory;
pub(crate) use configuration::{
    agent_side_directory, by_name_directory, byoc_directory, directory, directory_of,
    directory_with, endpoint, integration, number, org, page_directory, route, rows_of_the_site,
    upload_test_directory, web_directory,
};
pub(crate) use mortal::Mortal;
pub(crate) use platforms::{Answer, Host, Platforms};

pub(crate) const SECRET: &str = "meta-app-secret-0123456789abcdef";
pub(crate) const GENESYS_SECRET: &str = "genesys-webhook-secret";
/// A picture.
pub(crate) const PHOTO: &[u8] = include_bytes!("../../../../../tests/media/photo.jpg");
/// An executable that is called a picture.
pub(crate) const DISGUISED: &[u8] = include_bytes!("../../../../../tests/media/invoice.png");
/// How large a part is here.
pub(crate) const PART_BYTES: usize = 1000;
/// For how long a job of a transfer may run.
const PATIENCE: Duration = Duration::from_secs(840);
pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// How a scanner's result is come by.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    Asked,
    Told,
}

pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) platforms: Rc<Platforms>,
    pub(crate) doorway: Doorway,
    pub(crate) cache: Cache,
    pub(crate) known: Known,
    pub(crate) room: Room,
    pub(crate) heard: LastHeard,
    pub(crate) learnt: Learnt,
    pub(crate) standard: Policy,
    /// Whether a scanner is asked or tells by an event, and how long that is waited for.
    pub(crate) scanning: Cell<Option<(Way, Duration)>>,
    pub(crate) recalled: Recalled,
}

impl Site {
    pub(crate) fn new(file: &[u8]) -> Self {
        Self::with(file, directory(), Rc::new(Calm))
    }

    /// One that has a template for closed windows.
    pub(crate) fn inviting(file: &[u8]) -> Self {
        Self::with(file, inviting_directory(), Rc::new(Calm))
    }

    pub(crate) fn with(file: &[u8], directory: Directory, weather: Rc<dyn Weather>) -> Self {
        let platforms = Rc::new(Platforms::default());
        *platforms.file.borrow_mut() = file.to_vec();
        let http: Rc<dyn Http> = Rc::clone(&platforms) as Rc<dyn Http>;
        let world = World::new(
            directory.clone(),
            http,
            weather,
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
        let keys = [
            ("wa", Scheme::META, SECRET),
            ("fb", Scheme::META, SECRET),
            ("ig", Scheme::META, SECRET),
            ("gc", Scheme::GENESYS, GENESYS_SECRET),
            ("media", Scheme::GENESYS, GENESYS_SECRET),
            ("mm", Scheme::GENESYS, GENESYS_SECRET),
            ("web", Scheme::GENESYS_EVENTS, GENESYS_SECRET),
            ("theirs", Scheme::GENESYS_EVENTS, GENESYS_SECRET),
        ]
        .map(|(endpoint, scheme, secret)| {
            let verifier = Verifier::new(scheme, Secret::new(secret).unwrap(), None);
            let keys = Keys {
                proof: Proof::Signed(verifier),
                verify_token: None,
            };
            (EndpointId::new(endpoint), keys)
        });
        let byoc = EndpointId::new("cx");
        let issuer = Issuer::new(byoc.clone(), Secret::new("s3cret").unwrap(), None);
        let issued = Keys {
            proof: Proof::Issued(issuer),
            verify_token: None,
        };
        let keys = keys.into_iter().chain([(byoc, issued)]).collect();
        let doorway = Doorway { directory, keys };
        Self {
            world,
            platforms,
            doorway,
            cache: Cache::default(),
            known: Known::default(),
            room: Room::default(),
            heard: LastHeard::default(),
            learnt: Learnt::default(),
            standard: Policy::default(),
            scanning: Cell::default(),
            recalled: Recalled::default(),
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
        self.post_to("wa", body, signature)
    }

    pub(crate) fn intake(&self) -> Intake<'_> {
        let world = &self.world;
        Intake {
            items: world,
            claims: world,
            conversations: world,
            jobs: world,
            vault: world,
            fetch: self.fetcher(),
            clock: world,
            due_in: LEASE,
            heard: &self.heard,
        }
    }

    /// Passes on what is in the queue `forward` now.
    pub(crate) fn forward(&self) -> usize {
        let world = &self.world;
        let forward = Forward {
            jobs: world,
            http: world,
            clock: world,
            directories: world,
        };
        let jobs = world.receive(Queue::Forward);
        for job in &jobs {
            forward.handle(&job.body).now_or_never().unwrap().unwrap();
        }
        jobs.len()
    }

    /// Takes in what was kept, by the present configuration; what became of each, oldest first.
    pub(crate) fn replay(&self) -> Vec<&'static str> {
        let replay = Replay {
            intake: self.intake(),
            directory: &self.doorway.directory,
        };
        let events = self.pending();
        let replayed = events.iter().map(|event| {
            let foreseen = replay.foresee(event).as_str();
            let outcome = replay.replay(event, Some("configured")).now_or_never();
            let outcome = outcome.unwrap().as_str();
            assert_eq!(outcome, foreseen, "{event:?}");
            outcome
        });
        replayed.collect()
    }

    /// What is kept for lack of configuration.
    pub(crate) fn pending(&self) -> Vec<KeptEvent> {
        let wanted = Wanted {
            endpoint: None,
            since: Timestamp::default(),
            until: Timestamp::from_millis(u64::MAX),
            now: self.world.now(),
        };
        let pending = replay::pending(&self.world, &wanted).now_or_never();
        pending.unwrap().unwrap()
    }

    /// The same configuration with these rows besides, known to everybody who asks anew.
    pub(crate) fn configure(&mut self, rows: impl IntoIterator<Item = Row>) {
        let present = Directory::new(rows_of_the_site().into_iter().chain(rows));
        self.world.configure(present.clone());
        self.doorway.directory = present;
    }

    pub(crate) fn post_to(&self, endpoint: &str, body: &[u8], signature: &str) -> Reply {
        self.post_marked(endpoint, body, (signature, None))
    }

    /// The same, with one more header.
    pub(crate) fn post_marked(
        &self,
        endpoint: &str,
        body: &[u8],
        (signature, mark): (&str, Option<(&str, &str)>),
    ) -> Reply {
        let intake = self.intake();
        let request = intake::Request {
            method: "POST".to_owned(),
            endpoint: endpoint.to_owned(),
            headers: [
                ("content-type", "application/json; charset=utf-8"),
                ("host", "hooks.example"),
                ("user-agent", "a platform"),
                ("x-hub-signature-256", signature),
            ]
            .into_iter()
            .chain(mark)
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
            body: body.to_vec(),
            ..intake::Request::default()
        };
        intake
            .handle(&self.doorway, &request)
            .now_or_never()
            .unwrap()
    }

    /// An agent's message to the customer of [`Site::says`], with these content items.
    pub(crate) fn agent_says(&self, message: &str, text: &str, content: Value) -> Reply {
        self.agent_of("2d1f6a3c", message, text, content)
    }

    /// The same, of an agent behind this integration.
    pub(crate) fn agent_of(
        &self,
        integration_id: &str,
        message: &str,
        text: &str,
        content: Value,
    ) -> Reply {
        let sent_at = self.world.now().to_rfc3339();
        let mut body = json!({"id": message, "type": "Text", "text": text, "direction": "Outbound",
            "channel": {"id": integration_id, "to": {"id": "16505551234"}, "time": sent_at}});
        if !content.is_null() {
            body["content"] = content;
        }
        self.agent_posts(&body)
    }

    /// A webhook of Genesys' open messaging.
    pub(crate) fn agent_posts(&self, body: &Value) -> Reply {
        let body = body.to_string();
        let secret = Secret::new(GENESYS_SECRET).unwrap();
        let signature = Scheme::GENESYS.sign(&secret, body.as_bytes());
        self.post_to("gc", body.as_bytes(), &signature)
    }

    /// The source documents' event of a file.
    pub(crate) fn media_event(&self, event: &Value) -> Reply {
        let body = event.to_string();
        let secret = Secret::new(GENESYS_SECRET).unwrap();
        let signature = Scheme::GENESYS.sign(&secret, body.as_bytes());
        self.post_to("mm", body.as_bytes(), &signature)
    }

    /// The time here, as the platforms write it.
    pub(crate) fn now(&self) -> String {
        self.world.now().to_rfc3339()
    }

    /// A receipt of Genesys' about a message that it accepted.
    pub(crate) fn receipt(&self, message: &str, status: &str, reasons: &Value) -> Reply {
        let at = self.world.now().to_rfc3339();
        let body = json!({"id": message, "type": "Receipt", "status": status, "reasons": reasons, "direction": "Outbound",
            "channel": {"id": "2d1f6a3c", "to": {"id": "16505551234"}, "time": at}})
        .to_string();
        let secret = Secret::new(GENESYS_SECRET).unwrap();
        let signature = Scheme::GENESYS.sign(&secret, body.as_bytes());
        self.post_to("gc", body.as_bytes(), &signature)
    }

    /// An event about an upload.
    pub(crate) fn completes(&self, file: &str, data: &Value) -> Reply {
        self.completes_at("web", file, data)
    }

    /// The same, at this endpoint.
    pub(crate) fn completes_at(&self, endpoint: &str, file: &str, data: &Value) -> Reply {
        let mut data = data.clone();
        data["fileId"] = json!(file);
        let event = "genesys.cloud.messaging.file.upload.completed";
        let body = json!({"eventType": event, "data": data}).to_string();
        let secret = Secret::new(GENESYS_SECRET).unwrap();
        let signature = Scheme::GENESYS_EVENTS.sign(&secret, body.as_bytes());
        let header = ("x-genesys-signature", signature.as_str());
        self.post_marked(endpoint, body.as_bytes(), ("", Some(header)))
    }

    /// The file as a content item of an agent's message.
    pub(crate) fn attachment(&self, id: &str, name: &str) -> Value {
        json!({"contentType": "Attachment", "attachment": {"id": id, "mediaType": "File", "filename": name,
            "mime": "application/octet-stream", "url": format!("https://api.mypurecloud.de/api/v2/downloads/{id}")}})
    }

    /// A message of the customer, of any kind.
    pub(crate) fn says(&self, message: &str, kind: &str, content: Value) -> Reply {
        let at = (self.world.now().as_millis() / 1000).to_string();
        let mut message =
            json!({"from": "16505551234", "id": message, "timestamp": at, "type": kind});
        match content.as_object() {
            // Fields beside the kind's own, a context say.
            Some(fields) if fields.contains_key(kind) => {
                for (name, value) in fields {
                    message[name] = value.clone();
                }
            }
            _ => message[kind] = content,
        }
        self.post_value(&json!({"messages": [message]}))
    }

    /// A status of a message to the customer.
    pub(crate) fn reports(
        &self,
        wamid: &str,
        status: &str,
        opaque: &str,
        code: Option<u32>,
    ) -> Reply {
        let mut status = json!({"id": wamid, "status": status, "timestamp": "1744344500", "recipient_id": "16505551234", "biz_opaque_callback_data": opaque});
        if let Some(code) = code {
            status["errors"] = json!([{"code": code, "title": "t"}]);
        }
        self.post_value(&json!({"statuses": [status]}))
    }

    /// An event of Messenger's (`fb`) or Instagram's (`ig`) about the same customer.
    pub(crate) fn event(&self, endpoint: &str, event: &Value) -> Reply {
        let business = match endpoint {
            "fb" => "682498302938465",
            _ => "17841405793187218",
        };
        let mut event = event.clone();
        let echo = event.pointer("/message/is_echo").is_some();
        let (from, to) = match echo {
            true => (business, "16505551234"),
            false => ("16505551234", business),
        };
        event["sender"] = json!({ "id": from });
        event["recipient"] = json!({ "id": to });
        event["timestamp"] = json!(self.world.now().as_millis());
        let body = json!({"object": "page", "entry": [{"id": business, "messaging": [event]}]});
        let body = body.to_string();
        let signature = Scheme::META.sign(&Secret::new(SECRET).unwrap(), body.as_bytes());
        self.post_to(endpoint, body.as_bytes(), &signature)
    }

    fn post_value(&self, value: &Value) -> Reply {
        self.post_value_of("106540352242922", value)
    }

    /// A webhook about this number.
    pub(crate) fn post_value_of(&self, phone_number_id: &str, value: &Value) -> Reply {
        let mut value = value.clone();
        value["metadata"] = json!({ "phone_number_id": phone_number_id });
        value["contacts"] = json!([{"profile": {"name": "Sheena Nelson"}, "wa_id": "16505551234"}]);
        let body = json!({"entry": [{"changes": [{"field": "messages", "value": value}]}]});
        self.post(body.to_string().as_bytes())
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

    pub(crate) fn refresher(&self) -> Refresh<'_> {
        let world = &self.world;
        Refresh {
            tokens: world,
            vault: world,
            secrets: world,
            limits: world,
            http: world,
            clock: world,
            directories: world,
        }
    }

    pub(crate) fn refresh(&self) {
        let refresh = self.refresher();
        refresh.run().now_or_never().unwrap().unwrap();
        self.renew_what_is_asked_for();
    }

    /// What the loops ask of `refresh`, without its own rounds.
    pub(crate) fn renew_what_is_asked_for(&self) {
        let refresh = self.refresher();
        for job in self.world.receive(Queue::Refresh) {
            refresh.handle(&job.body).now_or_never().unwrap().unwrap();
        }
    }

    pub(crate) fn fetcher(&self) -> Fetch<'_> {
        let world = &self.world;
        Fetch {
            items: world,
            objects: world,
            jobs: world,
            http: world,
            clock: world,
            directories: world,
            desk: self.desk(),
            lease: LEASE,
            in_parts: Some(InParts {
                store: world,
                part_bytes: PART_BYTES,
            }),
            guard: Guard {
                limits: world,
                clock: world,
                known: &self.known,
            },
            room: &self.room,
        }
    }

    pub(crate) fn fetch(&self) -> usize {
        let fetch = self.fetcher();
        let jobs = self.world.receive(Queue::Fetch);
        for job in &jobs {
            self.slowly(fetch.handle(&job.body, PATIENCE)).unwrap();
        }
        jobs.len()
    }

    pub(crate) fn judge_of_files(&self) -> Judge<'_> {
        let world = &self.world;
        let scanning = self.scanning.get().map(|(way, patience)| Scanning {
            by: match way {
                Way::Asked => Scans::Asked(world),
                Way::Told => Scans::Told(guardduty::NAME),
            },
            patience,
        });
        Judge {
            items: world,
            objects: world,
            jobs: world,
            clock: world,
            directories: world,
            standard: &self.standard,
            scanning,
            ledger: Ledger {
                limits: world,
                clock: world,
                recalled: &self.recalled,
            },
        }
    }

    pub(crate) fn judge(&self) {
        let (world, judge) = (&self.world, self.judge_of_files());
        let keys: Vec<String> = world.state.borrow_mut().events.drain(..).collect();
        for key in keys {
            judge.object_created(&key).now_or_never().unwrap().unwrap();
        }
        for job in world.receive(Queue::Judge) {
            judge.handle(&job.body).now_or_never().unwrap().unwrap();
        }
    }

    pub(crate) fn deliver(&self) -> usize {
        let queues = [Queue::Media, Queue::MediaRetry];
        self.deliver_lane(Lane::Media, &queues) + self.deliver_lane(Lane::Text, &[Queue::Text])
    }

    /// Delivers files by a process that may die on the way: what it did not finish is received again, once another one lives.
    pub(crate) fn deliver_mortally(&self, dead: &Cell<bool>) -> bool {
        let world = &self.world;
        for queue in [Queue::Media, Queue::MediaRetry] {
            for job in world.receive(queue) {
                let record = Record {
                    id: "1".to_owned(),
                    body: job.body.clone(),
                };
                let deliver = self.delivery(Lane::Media);
                let failed = self.slowly(deliver.batch(&[record]));
                if failed.is_ok_and(|failed| failed.is_empty()) && !dead.get() {
                    continue;
                }
                let visible_at = world.now() + Duration::from_secs(120);
                let again = Queued { visible_at, ..job };
                let mut state = world.state.borrow_mut();
                state.queues.entry(queue).or_default().push(again);
                if dead.replace(false) {
                    return true;
                }
            }
        }
        false
    }

    /// Has a process deliver these messages, as one batch, as fast as it can; the ids (numbers) of those that failed.
    pub(crate) fn deliver_batch(
        &self,
        lane: Lane,
        jobs: &[Queued],
    ) -> Result<Vec<String>, Trouble> {
        let deliver = self.delivery(lane);
        let records = records(jobs);
        let mut batch = pin!(deliver.batch(&records));
        loop {
            if let Some(done) = batch.as_mut().now_or_never() {
                return done;
            }
        }
    }

    fn delivery(&self, lane: Lane) -> Deliver<'_> {
        let world = &self.world;
        Deliver {
            lane,
            items: world,
            claims: world,
            conversations: world,
            objects: Some(world),
            renditions: None,
            jobs: world,
            limits: world,
            http: world,
            clock: world,
            directories: world,
            desk: self.desk(),
            patience: Duration::from_secs(20),
            learnt: &self.learnt,
        }
    }

    fn deliver_lane(&self, lane: Lane, queues: &[Queue]) -> usize {
        let world = &self.world;
        let deliver = self.delivery(lane);
        let jobs: Vec<_> = queues
            .iter()
            .flat_map(|queue| world.receive(*queue))
            .collect();
        let records = records(&jobs);
        let failed = self.slowly(deliver.batch(&records)).unwrap();
        assert!(failed.is_empty(), "{failed:?}");
        records.len()
    }

    /// To the end; each time it has to wait, a second passes.
    pub(crate) fn slowly<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            match work.as_mut().now_or_never() {
                Some(done) => return done,
                None => self.pass(1),
            }
        }
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
        let passed = Duration::from_secs(seconds);
        self.world.set_now(self.world.now() + passed);
        self.platforms.now.set(self.platforms.now.get() + passed);
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

    /// The one item with a file.
    pub(crate) fn item(&self) -> Item {
        let mut files = self.items(|item| item.origin.file().is_some());
        assert_eq!(files.len(), 1, "one file");
        files.remove(0)
    }

    /// The words of the messages without a file that reached Genesys.
    pub(crate) fn agent_reads(&self) -> Vec<String> {
        let sends = self.platforms.sends.borrow();
        let without_file = sends.iter().filter(|body| body.get("content").is_none());
        without_file
            .filter_map(|body| body["text"].as_str().map(ToOwned::to_owned))
            .collect()
    }

    /// The messages with a file that reached Genesys.
    pub(crate) fn files_sent(&self) -> Vec<Value> {
        let sends = self.platforms.sends.borrow();
        let with_file = |body: &&Value| body.get("content").is_some();
        sends.iter().filter(with_file).cloned().collect()
    }

    pub(crate) fn items(&self, which: impl Fn(&Item) -> bool) -> Vec<Item> {
        let state = self.world.state.borrow();
        state
            .items
            .values()
            .filter(|item| which(item))
            .cloned()
            .collect()
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

/// The messages as a function gets them, under their numbers.
fn records(jobs: &[Queued]) -> Vec<Record> {
    let jobs = jobs.iter().enumerate();
    let records = jobs.map(|(n, job)| Record {
        id: n.to_string(),
        body: job.body.clone(),
    });
    records.collect()
}
