//! What flows on the agent's side may know of a file, with the message that carries it or tells of it.

use attache_domain::journey::{Attribute, Item, attributes};

use super::Deliver;
use crate::ports::Answer;

impl Deliver<'_> {
    /// The attributes of the file that the item is, or of which it is a notice.
    pub(super) async fn attributes(&self, item: &Item) -> Answer<Vec<Attribute>> {
        let Some(about) = item.origin.told_of() else {
            return Ok(attributes(item, true));
        };
        let about = self.items.load(&about).await?;
        Ok(about.map_or_else(Vec::new, |about| attributes(&about, false)))
    }
}
