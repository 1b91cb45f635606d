//! What every implementation of a port must do: one suite for each port, run against the in-memory twins and against
//! the adapters over real services alike. A twin that nobody checks against the real thing is a rumour.
//!
//! A suite panics where an implementation falls short, and says how. It works under names of its own, made different
//! by `run`, so that a store that keeps what earlier runs wrote can be used again. Where a port leaves something open
//! (entity tags, the order of racing calls, how long an index lags), the suite leaves it open too.

mod claims;
mod items;
mod objects;
mod parts;
mod rows;
mod scanner;
mod services;

use std::time::Duration;

use attache_domain::audit::Actor;
use attache_domain::channels::Direction;
use attache_domain::event::{Content, File, MediaKind, Origin};
use attache_domain::ids::{AttachmentId, ConnectionId, MessageId};
use attache_domain::journey::Item;
use attache_domain::time::Timestamp;

pub use claims::claims;
pub use items::{items, overdue_order};
pub use objects::objects;
pub use parts::parts;
pub use rows::{conversations, limits, tokens};
pub use scanner::{scanner, scanner_in_trouble};
pub use services::{jobs, secrets, vault};

use crate::batch::chain;
use crate::ports::Answer;

/// When the suites' stories begin.
const NOW: Timestamp = Timestamp::from_seconds(1_750_000_000);

/// The answer, of a world that does its part.
fn ok<T>(answer: Answer<T>) -> T {
    answer.unwrap_or_else(|outage| panic!("{}", chain(&outage)))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A fresh item; another `name` makes another item.
fn item(run: &str, name: &str) -> Item {
    let file = File {
        declared_type: Some("application/pdf".to_owned()),
        file_name: Some("Rechnung März (1).pdf".to_owned()),
        ..File::new(MediaKind::Document)
    };
    let origin = Origin {
        target: Some(ConnectionId::new("elsewhere")),
        customer_name: Some("Zoë \"Z\" 張".to_owned()),
        ..Origin::new(
            (ConnectionId::new("conformance"), Direction::ToAgent),
            (
                MessageId::new(format!("{run}/{name}")),
                AttachmentId::new("1"),
            ),
            ("16505551234", NOW),
            Content::File(file),
        )
    };
    Item::announce(origin, Actor::Intake, NOW, (seconds(30), seconds(86_400)))
}
