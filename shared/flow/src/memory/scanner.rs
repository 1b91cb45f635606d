//! Twin of a scanner that is asked.

use std::io::SeekFrom;

use async_trait::async_trait;
use attache_domain::scan::Scanned;

use super::World;
use crate::ports::{Answer, Bytestream, Outage, Scanner};

#[async_trait(?Send)]
impl Scanner for World {
    fn name(&self) -> &'static str {
        "twin"
    }

    async fn scan(&self, bytes: &mut dyn Bytestream) -> Answer<Scanned> {
        self.begin("scanner.scan").await?;
        if self.state.borrow().scanner_is_down {
            return Err(Outage::new("asking the scanner", "it cannot be reached"));
        }
        let unread = |e| Outage::new("reading what is to be scanned", e);
        let mut whole = Vec::new();
        bytes.seek(SeekFrom::Start(0)).map_err(unread)?;
        bytes.read_to_end(&mut whole).map_err(unread)?;
        let scanned = {
            let state = self.state.borrow();
            let holds = |needle: &[u8]| whole.windows(needle.len()).any(|at| at == needle);
            let found = state.signatures.iter().find(|(bytes, _)| holds(bytes));
            match (state.longest_scan, found) {
                (Some(longest), _) if whole.len() > longest => {
                    Scanned::not_scanned(self.name(), "too long")
                }
                (_, Some((_, name))) => Scanned::malware(self.name(), Some(name)),
                (_, None) => Scanned::clean(self.name()),
            }
        };
        self.weather.after("scanner.scan").await?;
        Ok(scanned)
    }
}
