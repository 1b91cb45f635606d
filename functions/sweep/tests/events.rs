//! The recorded tick of the schedule through the handler, over the twins.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::time::Duration;

use attache_domain::audit::Actor;
use attache_domain::channels::Direction;
use attache_domain::connection::Directory;
use attache_domain::event::{Content, File, MediaKind, Origin};
use attache_domain::ids::{AttachmentId, ConnectionId, MessageId};
use attache_domain::job::ItemJob;
use attache_domain::journey::Item;
use attache_edge::lambda::Trigger;
use attache_flow::memory::World;
use attache_flow::ports::{Clock, Items, Queue};
use attache_flow::sweep::{Sweep, Swept};

const LEASE: Duration = Duration::from_secs(30);

async fn announce(world: &World, attachment: &str) -> Item {
    let origin = Origin {
        target: Some(ConnectionId::new("genesys")),
        ..Origin::new(
            (ConnectionId::new("wa-sales"), Direction::ToAgent),
            (MessageId::new("wamid.1"), AttachmentId::new(attachment)),
            ("16505551234", world.now()),
            Content::File(File::new(MediaKind::Image)),
        )
    };
    let item = Item::announce(
        origin,
        Actor::Intake,
        world.now(),
        (LEASE, Duration::from_secs(3600)),
    );
    world.announce(&item).await.unwrap();
    item
}

async fn tick(world: &World) -> Swept {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/scheduled.json");
    let event = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(Trigger::read(event).unwrap(), Trigger::Tick);
    let sweep = Sweep {
        items: world,
        jobs: world,
        clock: world,
        grace: Duration::from_secs(30),
    };
    attache_sweep::handle(&sweep).await.unwrap()
}

#[tokio::test]
async fn a_tick_puts_back_what_is_overdue_and_nothing_else() {
    let world = World::calm(Directory::default());
    assert_eq!(tick(&world).await, Swept::default());

    let overdue = announce(&world, "1").await;
    world.set_now(world.now() + LEASE);
    announce(&world, "2").await;
    let once = Swept {
        seen: 1,
        requeued: 1,
        failed: 0,
    };
    assert_eq!(tick(&world).await, once);
    let jobs = world.receive(Queue::Fetch);
    let media: Vec<_> = jobs
        .iter()
        .map(|job| ItemJob::parse(&job.body).unwrap().media)
        .collect();
    assert_eq!(media, [overdue.id]);

    // It has a new due time: the next tick leaves it alone.
    assert_eq!(tick(&world).await, Swept::default());
}
