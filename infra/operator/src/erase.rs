//! `attache erase`: removes what items hold from every store, because somebody asks for it. A tombstone stays.

use anyhow::Result;
use attache_domain::audit::Actor;
use attache_domain::verdict::Reason;
use attache_edge::clock::SystemClock;
use attache_edge::dynamodb::{ClaimsTable, ItemsTable};
use attache_edge::sqs::Queues;
use attache_flow::erasure::{Erased, Erasure};
use attache_flow::ports::Queue;
use serde_json::json;

use crate::chosen::Chosen;
use crate::system::{System, asked};

/// Erases; `false` if one of the items does not exist.
///
/// # Errors
/// If the system is not found, or AWS refuses; what was erased until then stays erased, and doing it again is harmless.
pub async fn run(chosen: &Chosen) -> Result<bool> {
    let system = chosen.target.locate().await?;
    let tables = Tables::of(&system)?;
    let why = Reason {
        code: "erased".to_owned(),
        evidence: chosen.reason.clone(),
    };
    let mut all_known = true;
    for id in &chosen.ids {
        let erased = tables
            .erasure()
            .with_follow_ups(id, &why, Actor::Operator)
            .await
            .map_err(|error| asked("dynamodb:PutItem", error))?;
        all_known &= erased != Erased::Unknown;
        let outcome = match erased {
            Erased::Now => "erased",
            Erased::Before => "erased before",
            Erased::Unknown => "unknown",
        };
        if chosen.json {
            println!("{}", json!({ "media": id.as_str(), "outcome": outcome }));
        } else {
            println!("{id}  {outcome}");
        }
    }
    Ok(all_known)
}

/// What erasing needs.
struct Tables {
    items: ItemsTable,
    claims: ClaimsTable,
    jobs: Queues,
    clock: SystemClock,
}

impl Tables {
    fn of(system: &System) -> Result<Self> {
        let clients = &system.clients;
        let dynamodb = || clients.dynamodb.clone();
        let judge = system.output("JudgeQueueUrl")?.to_owned();
        Ok(Self {
            items: ItemsTable::new(dynamodb(), system.output("MediaTableName")?),
            claims: ClaimsTable::new(dynamodb(), system.output("ClaimsTableName")?),
            jobs: Queues::new(clients.sqs.clone(), [(Queue::Judge, judge)]),
            clock: SystemClock::new(),
        })
    }

    fn erasure(&self) -> Erasure<'_> {
        Erasure {
            items: &self.items,
            claims: &self.claims,
            jobs: &self.jobs,
            clock: &self.clock,
        }
    }
}
