//! Completions: what a target tells by itself of an upload of ours becomes the item's state, and brings the item back at once.
//! The event may come before the answer to the upload was written down, twice, or never: then the looks of `deliver` find out.

use std::time::Duration;

use attache_domain::ids::ConnectionId;
use attache_domain::processing::Completion;

use crate::deliver::alias;
use crate::ports::{Answer, Claims, Outage, Queue, Saved};
use crate::retry;
use crate::status::Whose;
use crate::telling::Telling;

/// So often a row that changes under our hands is read again.
const TRIES: usize = 8;

/// Takes a completion that came over `connection` into account.
///
/// # Errors
/// An outage: the platform is to send it again.
pub async fn learn(
    telling: &Telling<'_>,
    claims: &dyn Claims,
    connection: &ConnectionId,
    completion: &Completion,
) -> Answer<Whose> {
    let name = alias(connection, &completion.file);
    let Some(id) = claims.named(&name).await? else {
        return Ok(Whose::NotOurs);
    };
    for _ in 0..TRIES {
        let Some(mut item) = telling.items.load(&id).await? else {
            return Ok(Whose::NotOurs);
        };
        let Some(target) = item.origin.target.clone().filter(|it| it == connection) else {
            return Ok(Whose::NotOurs);
        };
        if let Some(malware) = completion.told.malware() {
            retry::condemn(telling.jobs, &item, malware).await?;
            return Ok(Whose::Ours);
        }
        if !item.hear(completion, telling.clock.now()) {
            tracing::debug!(media.id = %item.id, upload.file = %completion.file, "nothing new");
            // Whoever wrote it down may have died before the job was sent.
            if item.is_told_of(&completion.file) {
                let job = item.job(&target);
                retry::send(telling.jobs, Queue::Media, &job, Duration::ZERO).await?;
            }
            return Ok(Whose::Ours);
        }
        if telling.items.save(&mut item).await? == Saved::Overtaken {
            continue;
        }
        tracing::info!(media.id = %item.id, upload.file = %completion.file, media.stage = item.gate.stage.as_str(), "learnt of its upload");
        let job = item.job(&target);
        retry::send(telling.jobs, Queue::Media, &job, Duration::ZERO).await?;
        return Ok(Whose::Ours);
    }
    let problem = format!("row of item {id} keeps changing");
    Err(Outage::new("taking a completion into account", problem))
}
