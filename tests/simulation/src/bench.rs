//! The functions on the bench: each invocation a task over the ports, as its function's `main` would wire it.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use attache_domain::connection::Lane;
use attache_domain::delivery::SEND_PATIENCE;
use attache_domain::ids::EndpointId;
use attache_domain::journey::INTENT_GRACE;
use attache_domain::signature::{Scheme, Secret, Verifier};
use attache_flow::batch::{Record, Trouble, each, isolated};
use attache_flow::bearer::{Cache, Desk};
use attache_flow::deliver::{Deliver, Learnt};
use attache_flow::fetch::{Fetch, InParts, Room};
use attache_flow::guard::{Guard, Known};
use attache_flow::intake::{Doorway, Intake, Keys, LastHeard, Proof, Request};
use attache_flow::judge::{Judge, Scanning, Scans};
use attache_flow::memory::World;
use attache_flow::ports::Queue;
use attache_flow::refresh::Refresh;
use attache_flow::sweep::Sweep;
use attache_flow::taken::{Ledger, Recalled};
use attache_inspect::Policy;

use crate::ports::Ports;
use crate::reference::Promise;
use crate::sabotage::Sabotage;
use crate::scene::{
    AGENT_ENDPOINT, APP_SECRET, ENDPOINT, LOOKASIDE, Scene, Sender, WEB_ENDPOINT, Webhook,
};

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// A webhook's status.
    Status(u16),
    /// The ids of a batch's records that failed.
    Failed(Vec<String>),
    /// Whether an event or tick succeeded.
    Well(bool),
}

/// A running invocation.
pub type Invocation = Pin<Box<dyn Future<Output = Done>>>;

/// How long a lease runs (`LeaseSeconds`), and after which time `sweep` looks at a new item.
const LEASE: Duration = Duration::from_secs(30);

/// So large is a part here: of a few files come several.
const PART_BYTES: usize = 32;

/// How long a job of a transfer may take (`TRANSFER_SECONDS`).
const TRANSFER: Duration = Duration::from_secs(840);

/// How long scans are tried again. Longer than any run has faults: no file is held for want of one.
const SCANS: Duration = Duration::from_secs(7 * 24 * 3600);
/// What invocations are made from.
pub struct Bench {
    scene: Rc<Scene>,
    ports: Rc<Ports>,
    doorway: Rc<Doorway>,
    policy: Rc<Policy>,
    warm: Warm,
    /// How often all processes were replaced.
    pub generation: u64,
}

/// What warm processes remember; forgotten when one dies.
#[derive(Default)]
struct Warm {
    doors: Rc<Fetcher>,
    heard: Rc<LastHeard>,
    fetchers: Rc<Fetcher>,
    judges: Rc<Recalled>,
    uploaders: Rc<Cache>,
    learnt: Rc<Learnt>,
}

/// What a process that fetches remembers.
#[derive(Default)]
struct Fetcher {
    cache: Cache,
    known: Known,
    room: Room,
}

impl Bench {
    /// The bench of one run.
    #[must_use]
    pub fn new(scene: Rc<Scene>, ports: Rc<Ports>, policy: Rc<Policy>) -> Self {
        let schemes = [
            (ENDPOINT, Scheme::META),
            (AGENT_ENDPOINT, Scheme::GENESYS),
            (WEB_ENDPOINT, Scheme::GENESYS_EVENTS),
        ];
        let keys = schemes.into_iter().filter_map(|(id, scheme)| {
            let keys = Keys {
                proof: Proof::Signed(Verifier::new(scheme, Secret::new(APP_SECRET).ok()?, None)),
                verify_token: None,
            };
            Some((EndpointId::new(id), keys))
        });
        let directory = scene.directory(&[LOOKASIDE]);
        Self {
            scene,
            ports,
            doorway: Rc::new(Doorway {
                directory,
                keys: keys.collect(),
            }),
            policy,
            warm: Warm::default(),
            generation: 0,
        }
    }

    /// A process died; the next one begins with nothing.
    pub fn forget(&mut self) {
        self.warm = Warm::default();
        self.generation += 1;
    }

    /// A webhook, signed.
    #[must_use]
    pub fn intake(&self, webhook: &Webhook) -> Invocation {
        let (endpoint, scheme) = match webhook.sender {
            Sender::Meta => (ENDPOINT, Scheme::META),
            Sender::Genesys => (AGENT_ENDPOINT, Scheme::GENESYS),
            Sender::Completions => (WEB_ENDPOINT, Scheme::GENESYS_EVENTS),
        };
        let signature = Secret::new(APP_SECRET)
            .map(|secret| scheme.sign(&secret, &webhook.body))
            .unwrap_or_default();
        let request = Request {
            method: "POST".to_owned(),
            endpoint: endpoint.to_owned(),
            headers: [(scheme.header.to_string(), signature)]
                .into_iter()
                .collect(),
            body: webhook.body.clone(),
            ..Request::default()
        };
        let (ports, doorway) = (Rc::clone(&self.ports), Rc::clone(&self.doorway));
        let (warm, heard) = (Rc::clone(&self.warm.doors), Rc::clone(&self.warm.heard));
        Box::pin(async move {
            let intake = Intake {
                items: &*ports,
                claims: &*ports,
                conversations: &*ports,
                jobs: &*ports,
                vault: &*ports.world,
                fetch: fetch_over(&ports, &warm),
                clock: &*ports.world,
                due_in: LEASE,
                heard: &heard,
            };
            let status = intake.handle(&doorway, &request).await.status;
            let lies = ports.sabotage == Sabotage::AcknowledgeAlways && status == 503;
            Done::Status(if lies { 200 } else { status })
        })
    }

    /// A batch of one of the work queues.
    #[must_use]
    pub fn batch(&self, queue: Queue, records: Vec<Record>) -> Invocation {
        match queue {
            Queue::Fetch => self.fetch(records),
            Queue::Judge => self.judge(records),
            Queue::Refresh => self.refresh_jobs(records),
            Queue::Text => self.deliver(records, Lane::Text),
            _ => self.deliver(records, Lane::Media),
        }
    }

    fn fetch(&self, records: Vec<Record>) -> Invocation {
        let (scene, ports) = (Rc::clone(&self.scene), Rc::clone(&self.ports));
        let warm = Rc::clone(&self.warm.fetchers);
        Box::pin(async move {
            let fetch = fetch_over(&ports, &warm);
            let scene = &scene;
            let handle = |record: Record| async move {
                seen(scene, fetch.handle(&record.body, TRANSFER)).await
            };
            Done::Failed(each(&records, handle).await)
        })
    }

    fn judge(&self, records: Vec<Record>) -> Invocation {
        let (scene, ports) = (Rc::clone(&self.scene), Rc::clone(&self.ports));
        let (policy, recalled) = (Rc::clone(&self.policy), Rc::clone(&self.warm.judges));
        Box::pin(async move {
            let judge = judge_over(&ports, &policy, &recalled);
            let scene = &scene;
            let handle =
                |record: Record| async move { seen(scene, judge.handle(&record.body)).await };
            Done::Failed(each(&records, handle).await)
        })
    }

    /// An object's event.
    #[must_use]
    pub fn object_created(&self, key: String) -> Invocation {
        let (scene, ports) = (Rc::clone(&self.scene), Rc::clone(&self.ports));
        let (policy, recalled) = (Rc::clone(&self.policy), Rc::clone(&self.warm.judges));
        Box::pin(async move {
            let judge = judge_over(&ports, &policy, &recalled);
            Done::Well(seen(&scene, judge.object_created(&key)).await.is_ok())
        })
    }

    fn deliver(&self, records: Vec<Record>, lane: Lane) -> Invocation {
        let ports = Rc::clone(&self.ports);
        let (cache, learnt) = (
            Rc::clone(&self.warm.uploaders),
            Rc::clone(&self.warm.learnt),
        );
        Box::pin(async move {
            let world = &*ports.world;
            let deliver = Deliver {
                lane,
                items: &*ports,
                claims: &*ports,
                conversations: &*ports,
                objects: Some(&*ports),
                renditions: None,
                jobs: &*ports,
                limits: &*ports,
                http: &*ports,
                clock: world,
                directories: world,
                desk: desk(world, &cache),
                patience: SEND_PATIENCE,
                learnt: &learnt,
            };
            match deliver.batch(&records).await {
                Ok(failed) => Done::Failed(failed),
                Err(_) => Done::Failed(records.into_iter().map(|record| record.id).collect()),
            }
        })
    }

    fn refresh_jobs(&self, records: Vec<Record>) -> Invocation {
        let (scene, ports) = (Rc::clone(&self.scene), Rc::clone(&self.ports));
        Box::pin(async move {
            let refresh = refresh_over(&ports.world);
            let scene = &scene;
            let handle =
                |record: Record| async move { seen(scene, refresh.handle(&record.body)).await };
            Done::Failed(each(&records, handle).await)
        })
    }

    /// The schedule of `refresh`.
    #[must_use]
    pub fn refresh(&self) -> Invocation {
        let world = Rc::clone(&self.ports.world);
        Box::pin(async move { Done::Well(refresh_over(&world).run().await.is_ok()) })
    }

    /// The schedule of `sweep`.
    #[must_use]
    pub fn sweep(&self) -> Invocation {
        let ports = Rc::clone(&self.ports);
        Box::pin(async move {
            let sweep = Sweep {
                items: &*ports,
                jobs: &*ports,
                clock: &*ports.world,
                grace: INTENT_GRACE,
            };
            Done::Well(sweep.run().await.is_ok())
        })
    }
}

fn desk<'a>(world: &'a World, cache: &'a Cache) -> Desk<'a> {
    Desk {
        tokens: world,
        vault: world,
        jobs: world,
        clock: world,
        cache,
    }
}

fn fetch_over<'a>(ports: &'a Ports, warm: &'a Fetcher) -> Fetch<'a> {
    let world = &*ports.world;
    Fetch {
        items: ports,
        objects: ports,
        jobs: ports,
        http: ports,
        clock: world,
        directories: world,
        desk: desk(world, &warm.cache),
        lease: LEASE,
        in_parts: Some(InParts {
            store: world,
            part_bytes: PART_BYTES,
        }),
        guard: Guard {
            limits: ports,
            clock: world,
            known: &warm.known,
        },
        room: &warm.room,
    }
}

fn judge_over<'a>(ports: &'a Ports, policy: &'a Policy, recalled: &'a Recalled) -> Judge<'a> {
    Judge {
        items: ports,
        objects: ports,
        jobs: ports,
        clock: &*ports.world,
        directories: &*ports.world,
        standard: policy,
        scanning: (ports.sabotage != Sabotage::SkipScans).then_some(Scanning {
            by: Scans::Asked(&*ports.world),
            patience: SCANS,
        }),
        ledger: Ledger {
            limits: ports,
            clock: &*ports.world,
            recalled,
        },
    }
}

fn refresh_over(world: &World) -> Refresh<'_> {
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

/// Runs a handler and looks at how it failed: an outage is weather, a panic is not.
async fn seen(
    scene: &Scene,
    handler: impl Future<Output = Result<(), Trouble>>,
) -> Result<(), Trouble> {
    let outcome = isolated(|| handler).await;
    if let Err(trouble) = &outcome {
        scene.note(format_args!(
            "  failed: {}",
            attache_flow::batch::chain(trouble)
        ));
    }
    if let Err(trouble @ (Trouble::Panicked(_) | Trouble::Malformed(_))) = &outcome {
        let detail = trouble.to_string();
        scene.reference.break_promise(Promise::Isolated, detail);
    }
    outcome
}
