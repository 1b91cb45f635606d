//! A process that only handles events: intake over the in-memory twins. It logs to its standard output, as a function does,
//! and tells its figures on its standard error.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, ensure};
use attache_domain::connection::{Directory, Row, SecretName};
use attache_domain::signature::Secret;
use attache_domain::time::Timestamp;
use attache_edge::config::Environment;
use attache_edge::{lambda, telemetry};
use attache_flow::bearer::{Cache, Desk};
use attache_flow::fetch::{Fetch, Room};
use attache_flow::guard::{Guard, Known};
use attache_flow::intake::{Doorway, Intake, LastHeard};
use attache_flow::memory::{Calm, Nowhere, World};
use attache_intake::doorway::Keeper;
use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use cpu_time::ProcessTime;

use super::Cost;
use super::events::{CONNECTIONS, SECRET, SECRETS};

/// When all of it happens.
const NOW: Timestamp = Timestamp::from_seconds(1_744_344_500);

/// How long an item is left alone, as deployed.
const LEASE: Duration = Duration::from_secs(30);

/// So many events are read, handled and answered before the clock is looked at again, which takes a while itself.
const TOGETHER: usize = 100;

/// Handles the events of a file, one a line, the first `warm` of them uncounted. Each must be answered with `status`.
pub(crate) async fn run(events: &Path, warm: usize, status: u16) -> Result<()> {
    telemetry::start(&Environment)?;
    let text = std::fs::read_to_string(events)?;
    let lines: Vec<&str> = text.lines().collect();
    ensure!(lines.len() > warm, "nothing to measure");
    let site = Site::new().await?;
    let (first, counted) = lines.split_at(warm);
    site.answer(first, status).await?;
    let (began, mut handler) = (ProcessTime::try_now()?, Duration::ZERO);
    for events in counted.chunks(TOGETHER) {
        handler += site.answer(events, status).await?;
    }
    let whole = began.try_elapsed()?;
    let each = |time: Duration| time.as_secs_f64() * 1e6 / counted.len() as f64;
    let cost = Cost {
        handler_us: each(handler),
        whole_us: each(whole),
    };
    eprintln!("{}", serde_json::to_string(&cost)?);
    Ok(())
}

/// The function as its process holds it.
struct Site {
    world: World,
    doorway: Rc<Doorway>,
    cache: Cache,
    known: Known,
    room: Room,
    heard: LastHeard,
}

impl Site {
    async fn new() -> Result<Self> {
        let rows: Vec<Row> = serde_json::from_str(CONNECTIONS)?;
        let world = World::new(Directory::new(rows), Rc::new(Nowhere), Rc::new(Calm), NOW);
        for name in SECRETS {
            world.put_secret(&SecretName(name.to_owned()), Secret::new(SECRET)?);
        }
        let keeper = Keeper::new(Duration::from_secs(60));
        let doorway = keeper.current(&world, &world, &world).await?;
        Ok(Self {
            world,
            doorway,
            cache: Cache::default(),
            known: Known::default(),
            room: Room::default(),
            heard: LastHeard::default(),
        })
    }

    /// Answers events, one after the other; the CPU time of the handler alone.
    async fn answer(&self, events: &[&str], status: u16) -> Result<Duration> {
        let read = events.iter().map(|event| serde_json::from_str(event));
        let read: Vec<ApiGatewayV2httpRequest> = read.collect::<Result<_, _>>()?;
        let mut answers = Vec::with_capacity(read.len());
        let before = ProcessTime::try_now()?;
        for event in read {
            let request = lambda::request(event);
            let reply = attache_intake::handle(&request, &self.doorway, &self.intake()).await;
            answers.push(lambda::response(reply));
        }
        let took = before.try_elapsed()?;
        for answer in answers {
            std::hint::black_box(serde_json::to_vec(&answer)?);
            let answered = answer.status_code;
            ensure!(answered == i64::from(status), "answered {answered}");
        }
        Ok(took)
    }

    fn intake(&self) -> Intake<'_> {
        let world = &self.world;
        let fetch = Fetch {
            items: world,
            objects: world,
            jobs: world,
            http: world,
            clock: world,
            directories: world,
            desk: Desk {
                tokens: world,
                vault: world,
                jobs: world,
                clock: world,
                cache: &self.cache,
            },
            lease: LEASE,
            in_parts: None,
            guard: Guard {
                limits: world,
                clock: world,
                known: &self.known,
            },
            room: &self.room,
        };
        Intake {
            items: world,
            claims: world,
            conversations: world,
            jobs: world,
            vault: world,
            fetch,
            clock: world,
            due_in: LEASE,
            heard: &self.heard,
        }
    }
}
