//! The twin of the `claims` table.

use async_trait::async_trait;
use attache_domain::ids::MediaId;
use attache_domain::time::Timestamp;

use super::World;
use crate::ports::{Answer, Claims, KeptEvent, KeptPage, Settled, Wanted};

/// So many rows are looked at for one page of kept events: few, so that pages are met in tests.
const KEPT_IN_A_PAGE: usize = 3;

#[async_trait(?Send)]
impl Claims for World {
    async fn keep(&self, event: &KeptEvent) -> Answer<bool> {
        self.begin("claims.keep").await?;
        let new = {
            let mut state = self.state.borrow_mut();
            // A repeat of this very write counts as new, as the SDK may repeat it; what expired counts as gone.
            let known = state.kept.get(&event.id);
            let settled = state.settled.contains_key(&event.id);
            let new = known
                .is_none_or(|known| (known == event && !settled) || known.expires_at <= event.at);
            if new {
                state.kept.insert(event.id.clone(), event.clone());
                state.settled.remove(&event.id);
            }
            new
        };
        self.weather.after("claims.keep").await?;
        Ok(new)
    }

    async fn kept(&self, wanted: &Wanted, page: Option<&str>) -> Answer<KeptPage> {
        self.begin("claims.kept").await?;
        let state = self.state.borrow();
        let before = |id: &str| page.is_none_or(|page| id > page);
        let behind: Vec<&KeptEvent> = state.kept.values().filter(|e| before(&e.id)).collect();
        let looked_at = &behind[..behind.len().min(KEPT_IN_A_PAGE)];
        let fits = |event: &&&KeptEvent| {
            event.because.is_replayable()
                && !state.settled.contains_key(&event.id)
                && event.expires_at > wanted.now
                && (wanted.since..wanted.until).contains(&event.at)
                && wanted
                    .endpoint
                    .as_ref()
                    .is_none_or(|endpoint| event.endpoint == *endpoint)
        };
        let last = looked_at.last().filter(|_| looked_at.len() < behind.len());
        Ok(KeptPage {
            events: looked_at
                .iter()
                .filter(fits)
                .map(|e| (*e).clone())
                .collect(),
            next: last.map(|event| event.id.clone()),
        })
    }

    async fn settle(&self, id: &str, settled: &Settled) -> Answer<bool> {
        self.begin("claims.settle").await?;
        let first = {
            let mut state = self.state.borrow_mut();
            let there = state.kept.contains_key(id);
            // A repeat of this very write counts as the first, as the SDK may repeat it.
            let first = there && state.settled.get(id).is_none_or(|known| known == settled);
            if first {
                state.settled.insert(id.to_owned(), settled.clone());
            }
            first
        };
        self.weather.after("claims.settle").await?;
        Ok(first)
    }

    async fn count_try(&self, key: &str, _expires_at: Timestamp) -> Answer<u32> {
        self.begin("claims.count_try").await?;
        let tries = {
            let mut state = self.state.borrow_mut();
            let tries = state.tries.entry(key.to_owned()).or_default();
            *tries += 1;
            *tries
        };
        self.weather.after("claims.count_try").await?;
        Ok(tries)
    }

    async fn name(
        &self,
        alias: &str,
        item: &MediaId,
        _expires_at: Timestamp,
    ) -> Answer<Option<MediaId>> {
        self.begin("claims.name").await?;
        let holder = {
            let mut state = self.state.borrow_mut();
            let holder = state.names.get(alias).cloned();
            if holder.is_none() {
                state.names.insert(alias.to_owned(), item.clone());
            }
            holder
        };
        self.weather.after("claims.name").await?;
        Ok(holder)
    }

    async fn named(&self, alias: &str) -> Answer<Option<MediaId>> {
        self.begin("claims.named").await?;
        Ok(self.state.borrow().names.get(alias).cloned())
    }

    async fn handed_over(&self, key: &str, now: Timestamp) -> Answer<Option<String>> {
        self.begin("claims.handed_over").await?;
        let state = self.state.borrow();
        let held = state.handed_over.get(key).filter(|(_, until)| *until > now);
        Ok(held.map(|(called, _)| called.clone()))
    }

    async fn hand_over(&self, key: &str, called: &str, until: Timestamp) -> Answer<()> {
        self.begin("claims.hand_over").await?;
        let held = (called.to_owned(), until);
        self.state
            .borrow_mut()
            .handed_over
            .insert(key.to_owned(), held);
        self.weather.after("claims.hand_over").await
    }
}
