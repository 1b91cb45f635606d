//! Where a message goes beside its customer, for platforms that want to know: as its sender said, or as the conversation's row
//! remembers from a message that was taken: the row of the connection, and, of a message that came in elsewhere, the row of where it
//! came in.

use attache_domain::address::Address;
use attache_domain::connection::Connection;
use attache_domain::conversation::ConversationId;
use attache_domain::journey::Item;

use super::Deliver;
use crate::ports::Answer;

impl Deliver<'_> {
    /// What the item is addressed by. What is not known is missing in it.
    pub(super) async fn address(&self, item: &Item, connection: &Connection) -> Answer<Address> {
        let fields = connection.profile().addressed_by();
        let given = &item.origin.address;
        if given.has(fields) {
            return Ok(given.clone());
        }
        let mut address = given.clone();
        for side in [&connection.id, &item.origin.connection] {
            let id = ConversationId::new(side, &item.origin.customer);
            let conversation = self.conversations.load(&id).await?;
            address = address.or_kept(fields, conversation.agent_side.as_deref());
            if address.has(fields) || *side == item.origin.connection {
                break;
            }
        }
        Ok(address)
    }

    /// A message that was taken was addressed rightly: the next one needs to say nothing.
    pub(super) async fn remember_address(
        &self,
        item: &Item,
        connection: &Connection,
        address: &Address,
    ) -> Answer<()> {
        let Some(kept) = address.kept(connection.profile().addressed_by()) else {
            return Ok(());
        };
        let id = ConversationId::new(&connection.id, &item.origin.customer);
        self.remember_conversation(id, kept).await
    }
}
