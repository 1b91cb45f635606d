//! Three tenants in one deployment: one set of tables, caches and processes.

#![expect(
    clippy::unwrap_used,
    reason = "a test's world: what does not work ends the test"
)]

use std::rc::Rc;
use std::time::Duration;

use attache_domain::connection::{
    Account, Connection, Directory, Endpoint, Lane, Org, Profile, Route, Row, SecretName,
};
use attache_domain::ids::{ConnectionId, EndpointId};
use attache_domain::signature::{Secret, Verifier};
use attache_domain::time::Timestamp;
use attache_flow::batch::Record;
use attache_flow::bearer::{Cache, Desk};
use attache_flow::deliver::{Deliver, Learnt};
use attache_flow::fetch::{Fetch, Room};
use attache_flow::guard::{Guard, Known};
use attache_flow::intake::{self, Doorway, Intake, Keys, LastHeard, Proof};
use attache_flow::judge::Judge;
use attache_flow::memory::{Calm, World};
use attache_flow::ports::{Clock, Http, Queue};
use attache_flow::refresh::Refresh;
use attache_flow::sweep::Sweep;
use attache_flow::taken::{Ledger, Recalled};
use attache_inspect::Policy;
use futures_util::FutureExt;
use url::Url;

use crate::forger::Forged;
use crate::internet::Internet;
use crate::property::is_of;
use crate::spies::{Notes, Spied};

/// The tenants.
pub(crate) const TENANTS: [&str; 3] = ["a", "b", "c"];

const LEASE: Duration = Duration::from_secs(30);

/// Everything there is.
pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) internet: Rc<Internet>,
    doorway: Doorway,
    notes: Notes,
    cache: Cache,
    known: Known,
    room: Room,
    heard: LastHeard,
    learnt: Learnt,
    standard: Policy,
    recalled: Recalled,
}

/// The surfaces a tenant's webhooks come in by; endpoint and connection of each bear the same name.
const SURFACES: [(&str, Profile); 3] = [
    ("wa", Profile::WhatsApp),
    ("gc", Profile::GenesysOpenMessaging),
    ("mm", Profile::GenesysMessageMedia),
];

/// The names of a tenant's connections.
pub(crate) fn connections_of(tenant: &str) -> [ConnectionId; 3] {
    SURFACES.map(|(surface, _)| ConnectionId::new(format!("{surface}-{tenant}")))
}

/// What signs the webhooks of this endpoint.
pub(crate) fn secret_of(endpoint: &str) -> Secret {
    Secret::new(format!("signing-secret-{endpoint}")).unwrap()
}

pub(crate) fn number_of(tenant: &str) -> String {
    format!("10654035224-{tenant}")
}

pub(crate) fn integration_of(tenant: &str) -> String {
    format!("2d1f6a3c-{tenant}")
}

fn url(text: String) -> Url {
    Url::parse(&text).unwrap()
}

fn secret(name: String) -> SecretName {
    SecretName(name)
}

fn account(surface: &str, tenant: &str) -> Account {
    let endpoint = EndpointId::new(format!("{surface}-{tenant}"));
    let org = || Org {
        api_url: url(format!("https://api.{tenant}.example")),
        login_url: url(format!("https://login.{tenant}.example")),
        client_id: format!("client-of-{tenant}"),
        client_secret: secret(format!("client-secret-of-{tenant}")),
    };
    match surface {
        "wa" => Account::WhatsApp {
            endpoint,
            phone_number_id: number_of(tenant),
            base_url: url(format!("https://graph.{tenant}.example")),
            graph_version: "v23.0".to_owned(),
            media_hosts: vec![format!("media.{tenant}.example")],
            token: secret(format!("token-of-{tenant}")),
            window_template: None,
        },
        "gc" => Account::GenesysOpenMessaging {
            endpoint: Some(endpoint),
            integration_id: integration_of(tenant),
            custom_attributes: false,
            org: org(),
        },
        _ => Account::GenesysMessageMedia {
            endpoint,
            agent_id: None,
            org: org(),
        },
    }
}

fn directory() -> Directory {
    let mut rows = Vec::new();
    for tenant in TENANTS {
        for (surface, profile) in SURFACES {
            let id = format!("{surface}-{tenant}");
            rows.push(Row::Endpoint(Endpoint {
                id: EndpointId::new(&*id),
                profile,
                secrets: vec![secret(format!("endpoint-secret-of-{tenant}"))],
                verify_token: None,
                forward_to: None,
                shadow: false,
            }));
            rows.push(Row::Connection(Connection::new(
                ConnectionId::new(&*id),
                account(surface, tenant),
            )));
            let to = if surface == "wa" { "gc" } else { "wa" };
            rows.push(Row::Route(Route {
                from: ConnectionId::new(id),
                to: Some(ConnectionId::new(format!("{to}-{tenant}"))),
            }));
        }
    }
    let directory = Directory::new(rows);
    assert_eq!(directory.problems(), []);
    directory
}

impl Site {
    pub(crate) fn new() -> Self {
        let internet = Rc::new(Internet::default());
        let http: Rc<dyn Http> = Rc::clone(&internet) as Rc<dyn Http>;
        let start = Timestamp::from_seconds(1_744_344_500);
        let world = World::new(directory(), http, Rc::new(Calm), start);
        for tenant in TENANTS {
            for name in ["token", "client-secret"] {
                let name = format!("{name}-of-{tenant}");
                world.put_secret(&secret(name.clone()), Secret::new(name).unwrap());
            }
        }
        let directory = directory();
        let keys = directory.endpoints().map(|endpoint| {
            let secret = secret_of(endpoint.id.as_str());
            let scheme = endpoint.profile.scheme().unwrap();
            let verifier = Verifier::new(scheme, secret, None);
            let keys = Keys {
                proof: Proof::Signed(verifier),
                verify_token: None,
            };
            (endpoint.id.clone(), keys)
        });
        let keys = keys.collect();
        Self {
            world,
            internet,
            doorway: Doorway { directory, keys },
            notes: Notes::default(),
            cache: Cache::default(),
            known: Known::default(),
            room: Room::default(),
            heard: LastHeard::default(),
            learnt: Learnt::default(),
            standard: Policy::default(),
            recalled: Recalled::default(),
        }
    }

    fn spied(&self) -> Spied<'_> {
        Spied {
            world: &self.world,
            notes: &self.notes,
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

    fn fetch<'a>(&'a self, spied: &'a Spied<'a>) -> Fetch<'a> {
        let world = &self.world;
        Fetch {
            items: world,
            objects: spied,
            jobs: world,
            http: world,
            clock: world,
            directories: world,
            desk: self.desk(),
            lease: LEASE,
            in_parts: None,
            guard: Guard {
                limits: world,
                clock: world,
                known: &self.known,
            },
            room: &self.room,
        }
    }

    /// Posts a webhook; the status of the answer.
    pub(crate) fn post(&self, forged: &Forged) -> u16 {
        let (world, spied) = (&self.world, self.spied());
        let intake = Intake {
            items: world,
            claims: world,
            conversations: &spied,
            jobs: world,
            vault: world,
            fetch: self.fetch(&spied),
            clock: world,
            due_in: LEASE,
            heard: &self.heard,
        };
        let signature = forged.signature.clone();
        let request = intake::Request {
            method: "POST".to_owned(),
            endpoint: forged.endpoint.clone(),
            headers: signature
                .map(|signature| ("x-hub-signature-256".to_owned(), signature))
                .into_iter()
                .collect(),
            body: forged.body.clone().into_bytes(),
            ..intake::Request::default()
        };
        let reply = intake.handle(&self.doorway, &request).now_or_never();
        reply.unwrap().status
    }

    /// Every loop once a second, for so many seconds.
    pub(crate) fn run(&self, seconds: u64) {
        for second in 0..seconds {
            self.bring_and_judge();
            self.deliver(Lane::Media, &[Queue::Media, Queue::MediaRetry]);
            self.deliver(Lane::Text, &[Queue::Text]);
            if second % 30 == 0 {
                self.sweep();
            }
            let next = self.world.now() + Duration::from_secs(1);
            self.world.set_now(next);
        }
    }

    fn bring_and_judge(&self) {
        let (world, spied) = (&self.world, self.spied());
        let refresh = Refresh {
            tokens: world,
            vault: world,
            secrets: &spied,
            limits: world,
            http: world,
            clock: world,
            directories: world,
        };
        refresh.run().now_or_never().unwrap().unwrap();
        for job in world.receive(Queue::Refresh) {
            refresh.handle(&job.body).now_or_never().unwrap().unwrap();
        }
        let fetch = self.fetch(&spied);
        for job in world.receive(Queue::Fetch) {
            fetch
                .handle(&job.body, Duration::from_secs(840))
                .now_or_never()
                .unwrap()
                .unwrap();
        }
        let judge = Judge {
            items: world,
            objects: &spied,
            jobs: world,
            clock: world,
            directories: world,
            standard: &self.standard,
            scanning: None,
            ledger: Ledger {
                limits: world,
                clock: world,
                recalled: &self.recalled,
            },
        };
        let keys: Vec<String> = world.state.borrow_mut().events.drain(..).collect();
        for key in keys {
            judge.object_created(&key).now_or_never().unwrap().unwrap();
        }
        for job in world.receive(Queue::Judge) {
            judge.handle(&job.body).now_or_never().unwrap().unwrap();
        }
    }

    fn deliver(&self, lane: Lane, queues: &[Queue]) {
        let (world, spied) = (&self.world, self.spied());
        let deliver = Deliver {
            lane,
            items: world,
            claims: world,
            conversations: &spied,
            objects: Some(&spied),
            renditions: None,
            jobs: world,
            limits: world,
            http: world,
            clock: world,
            directories: world,
            desk: self.desk(),
            patience: Duration::from_secs(20),
            learnt: &self.learnt,
        };
        let jobs = queues.iter().flat_map(|queue| world.receive(*queue));
        let record = |(n, body): (usize, String)| Record {
            id: n.to_string(),
            body,
        };
        let records: Vec<_> = jobs.map(|job| job.body).enumerate().map(record).collect();
        let failed = deliver.batch(&records).now_or_never().unwrap().unwrap();
        assert!(failed.is_empty(), "{failed:?}");
    }

    fn sweep(&self) {
        let world = &self.world;
        let sweep = Sweep {
            items: world,
            jobs: world,
            clock: world,
            grace: LEASE,
        };
        sweep.run().now_or_never().unwrap().unwrap();
    }

    /// From here on only this tenant acts. What was seen before is forgotten.
    pub(crate) fn watch(&self, actor: &str) {
        assert!(TENANTS.contains(&actor));
        self.internet.seen.borrow_mut().clear();
        self.notes.objects.borrow_mut().clear();
        self.notes.secrets.borrow_mut().clear();
        self.notes.conversations.borrow_mut().clear();
    }

    /// What must not be, since the last look: anything of `others` used, read or told.
    pub(crate) fn breaches(&self, others: &[&str]) -> Vec<String> {
        let mut breaches = Vec::new();
        for call in self.internet.seen.borrow_mut().drain(..) {
            let credential = call.credential_of;
            if credential.is_some() && credential != call.host_of {
                breaches.push(format!("{credential:?}'s credential went to {}", call.at));
            }
            if credential.is_some_and(|tenant| others.contains(&tenant)) {
                breaches.push(format!(
                    "{credential:?}'s credential was used at {}",
                    call.at
                ));
            }
            if let Some(words) = told(&call.body, others) {
                breaches.push(format!("{words} at {}", call.at));
            }
        }
        let state = self.world.state.borrow();
        for id in self.notes.objects.borrow_mut().drain(..) {
            let item = state.items.get(&id);
            if others
                .iter()
                .any(|t| item.is_some_and(|item| is_of(item, t)))
            {
                breaches.push(format!("a file was looked at: {id}"));
            }
        }
        for name in self.notes.secrets.borrow_mut().drain(..) {
            breaches.push(format!("a secret was read: {name}"));
        }
        for id in self.notes.conversations.borrow_mut().drain(..) {
            let own = |tenant: &&str| {
                connections_of(tenant)
                    .iter()
                    .any(|connection| id.starts_with(&format!("{connection}/")))
            };
            if others.iter().any(own) {
                breaches.push(format!("a conversation was looked at: {id}"));
            }
        }
        breaches
    }

    /// Items of nobody in `others` in which their people's words stand.
    pub(crate) fn quoting(&self, others: &[&str]) -> Vec<String> {
        let state = self.world.state.borrow();
        let strangers = state
            .items
            .values()
            .filter(|item| !others.iter().any(|tenant| is_of(item, tenant)));
        strangers
            .filter_map(|item| told(&format!("{:?}", item.origin), others))
            .collect()
    }
}

/// Words of one of these tenants' people in a text.
fn told(text: &str, others: &[&str]) -> Option<String> {
    let words = others.iter().map(|tenant| format!("words-of-{tenant}"));
    { words }.find(|words| text.contains(words))
}
