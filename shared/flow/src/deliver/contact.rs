//! The line of one contact, on top of its connection's: a platform may take less for one conversation than for all together, and a
//! customer who sends three hundred files fills that up alone. Both lanes share it.
//!
//! The place is had once the item is claimed, since only its row says of whom it is; its copy takes the place along.

use std::num::NonZeroU32;
use std::time::Duration;

use attache_domain::connection::Connection;
use attache_domain::conversation::ConversationId;
use attache_domain::job::ItemJob;
use attache_domain::journey::Item;
use attache_domain::pacing::gcra;
use attache_domain::pacing::wait::Wait;
use attache_domain::time::Timestamp;

use super::Deliver;
use crate::ports::{Answer, Reserved};
use crate::retry::{self, Places};

/// Queues round down to whole seconds; a moment too early a job would only ask once more.
const ROUNDING: Duration = Duration::from_secs(1);

impl Deliver<'_> {
    /// Waits for the contact's turn, where its platform has such a line. `false`: it was put off.
    pub(super) async fn await_contact(
        &self,
        (job, item): (&ItemJob, &mut Item),
        connection: &Connection,
    ) -> Answer<bool> {
        let Some(rate) = connection.contact_rate() else {
            return Ok(true);
        };
        let brought = job.contact.map(Timestamp::from_millis);
        let now = self.clock.now();
        let at = match brought {
            Some(at) => at,
            None => {
                let conversation = ConversationId::new(&connection.id, &item.origin.customer);
                let key = format!("contact/{conversation}");
                let request = gcra::Request::new(rate, NonZeroU32::MIN, now);
                match self.limits.reserve(&key, &request).await?.reserved {
                    Reserved::Slots(slots) => slots.first().copied().unwrap_or(now),
                    Reserved::Full { retry_at } => {
                        let wait = retry_at.saturating_since(now) + ROUNDING;
                        self.behind(item, Places::default(), wait).await?;
                        return Ok(false);
                    }
                }
            }
        };
        match Wait::of(at, now) {
            Wait::Queue { seconds } => {
                let places = Places {
                    contact: Some(at),
                    ..Places::default()
                };
                let wait = Duration::from_secs(seconds.into());
                self.behind(item, places, wait).await?;
                Ok(false)
            }
            Wait::InPlace(rest) => {
                self.clock.wait(rest).await;
                Ok(true)
            }
        }
    }

    async fn behind(&self, item: &mut Item, places: Places, wait: Duration) -> Answer<()> {
        let Some(target) = item.origin.target.clone() else {
            return Ok(());
        };
        tracing::info!(media.id = %item.id, wait_s = wait.as_secs(), "its contact has had as much as the platform takes; later");
        let to = (self.queue(), &target);
        let at = (self.clock.now(), wait);
        retry::put_off((self.items, self.jobs), item, to, at, places).await
    }
}
