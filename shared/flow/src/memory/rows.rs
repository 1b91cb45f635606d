//! Twins of the tables, but for `claims`.

use async_trait::async_trait;
use attache_domain::claim::Terms;
use attache_domain::conversation::{
    Conversation, ConversationId, Heard, Invitation, MOST_SENT, SentItem,
};
use attache_domain::ids::MediaId;
use attache_domain::journey::Item;
use attache_domain::pacing::attempt::Branch;
use attache_domain::pacing::gcra::{self, Next};
use attache_domain::time::Timestamp;
use attache_domain::token::TokenRow;

use super::{State, World, Write};
use crate::ports::{
    Announced, Answer, Claimed, Conversations, Items, Limits, Reservation, Reserved, Saved, Tokens,
};

/// Bytes of a row outside its record, origin and trail: column names and numbers, as DynamoDB counts them, rounded up.
const COLUMNS: usize = 200;

/// A row's size as DynamoDB counts it, near enough for write units: names and values of every column.
#[must_use]
fn row_bytes(item: &Item) -> usize {
    let json = |value: serde_json::Result<String>| value.map_or(0, |text| text.len());
    COLUMNS
        + item.trail.as_bytes().len()
        + json(serde_json::to_string(&item.origin))
        + json(serde_json::to_string(&item.record))
}

fn note(state: &mut State, old: Option<&Item>, new: &Item) {
    let larger = old.map_or(0, row_bytes).max(row_bytes(new));
    let (before, after) = (old.and_then(|item| item.gate.due_at), new.gate.due_at);
    let index = if before == after {
        0
    } else {
        usize::from(before.is_some()) + usize::from(after.is_some())
    };
    state.writes.push(Write {
        id: new.id.clone(),
        units: larger.div_ceil(1024) + index,
    });
}

#[async_trait(?Send)]
impl Items for World {
    async fn announce(&self, item: &Item) -> Answer<Announced> {
        self.begin("items.announce").await?;
        let outcome = {
            let mut state = self.state.borrow_mut();
            match state.items.get(&item.id).cloned() {
                Some(known) if known == *item => Announced::New,
                Some(known) => Announced::Known(Box::new(known)),
                None => {
                    note(&mut state, None, item);
                    state.items.insert(item.id.clone(), item.clone());
                    Announced::New
                }
            }
        };
        self.weather.after("items.announce").await?;
        Ok(outcome)
    }

    async fn claim(&self, id: &MediaId, terms: &Terms) -> Answer<Claimed> {
        self.begin("items.claim").await?;
        let outcome = {
            let mut state = self.state.borrow_mut();
            match state.items.get(id).cloned() {
                None => Claimed::Missing,
                Some(item) if terms.refusal(&item.gate).is_some() => {
                    let item = Box::new(item);
                    if terms.already_granted(&item) {
                        Claimed::Granted(item)
                    } else {
                        Claimed::Refused(item)
                    }
                }
                Some(old) => {
                    let granted = Item {
                        gate: terms.grant(&old.gate),
                        ..old.clone()
                    };
                    note(&mut state, Some(&old), &granted);
                    state.items.insert(id.clone(), granted.clone());
                    Claimed::Granted(Box::new(granted))
                }
            }
        };
        self.weather.after("items.claim").await?;
        Ok(outcome)
    }

    async fn load(&self, id: &MediaId) -> Answer<Option<Item>> {
        self.begin("items.load").await?;
        Ok(self.state.borrow().items.get(id).cloned())
    }

    async fn save(&self, item: &mut Item) -> Answer<Saved> {
        self.begin("items.save").await?;
        let outcome = {
            let mut state = self.state.borrow_mut();
            let mut next = item.clone();
            next.gate.revision += 1;
            match state.items.get(&item.id).cloned() {
                Some(old) if old.gate.revision == item.gate.revision => {
                    note(&mut state, Some(&old), &next);
                    state.items.insert(item.id.clone(), next.clone());
                    *item = next;
                    Saved::Done
                }
                Some(old) if old == next => {
                    *item = next;
                    Saved::Done
                }
                Some(_) | None => Saved::Overtaken,
            }
        };
        self.weather.after("items.save").await?;
        Ok(outcome)
    }

    async fn overdue(&self, now: Timestamp, limit: usize) -> Answer<Vec<MediaId>> {
        self.begin("items.overdue").await?;
        let state = self.state.borrow();
        let due = |item: &&Item| item.gate.due_at.is_some_and(|due| due <= now);
        let mut overdue: Vec<&Item> = state.items.values().filter(due).collect();
        overdue.sort_by_key(|item| item.gate.due_at);
        let ids = overdue.into_iter().map(|item| item.id.clone());
        Ok(ids.take(limit).collect())
    }
}

#[async_trait(?Send)]
impl Conversations for World {
    async fn heard(&self, id: &ConversationId, heard: &Heard) -> Answer<()> {
        self.begin("conversations.heard").await?;
        {
            let mut state = self.state.borrow_mut();
            let row = state.conversations.entry(id.clone()).or_default();
            if row.heard.as_ref().is_none_or(|known| known.at < heard.at) {
                row.heard = Some(heard.clone());
            }
        }
        self.weather.after("conversations.heard").await
    }

    async fn link(&self, id: &ConversationId, agent_side: &str) -> Answer<()> {
        self.begin("conversations.link").await?;
        self.state
            .borrow_mut()
            .conversations
            .entry(id.clone())
            .or_default()
            .agent_side = Some(agent_side.to_owned());
        self.weather.after("conversations.link").await
    }

    async fn invite(
        &self,
        id: &ConversationId,
        invitation: &Invitation,
        since: Timestamp,
    ) -> Answer<bool> {
        self.begin("conversations.invite").await?;
        let first = {
            let mut state = self.state.borrow_mut();
            let row = state.conversations.entry(id.clone()).or_default();
            // A repeat of this very write counts as the first, as the SDK may repeat it.
            let known = row.invited.as_ref();
            let first = known.is_none_or(|it| it.at <= since || it == invitation);
            if first {
                row.invited = Some(invitation.clone());
            }
            first
        };
        self.weather.after("conversations.invite").await?;
        Ok(first)
    }

    async fn sent(&self, id: &ConversationId, sent: &SentItem) -> Answer<()> {
        self.begin("conversations.sent").await?;
        {
            let mut state = self.state.borrow_mut();
            let row = state.conversations.entry(id.clone()).or_default();
            row.sent.push(sent.clone());
            let surplus = row.sent.len().saturating_sub(MOST_SENT);
            row.sent.drain(..surplus);
        }
        self.weather.after("conversations.sent").await
    }

    async fn seen(
        &self,
        id: &ConversationId,
        known: &Conversation,
        until: Timestamp,
    ) -> Answer<()> {
        self.begin("conversations.seen").await?;
        if let Some(row) = self.state.borrow_mut().conversations.get_mut(id) {
            row.sent
                .retain(|it| it.at > until || !known.sent.contains(it));
        }
        self.weather.after("conversations.seen").await
    }

    async fn load(&self, id: &ConversationId) -> Answer<Conversation> {
        self.begin("conversations.load").await?;
        let state = self.state.borrow();
        Ok(state.conversations.get(id).cloned().unwrap_or_default())
    }
}

#[async_trait(?Send)]
impl Tokens for World {
    async fn load(&self, id: &str) -> Answer<Option<TokenRow>> {
        self.begin("tokens.load").await?;
        Ok(self.state.borrow().tokens.get(id).cloned())
    }

    async fn save(&self, row: &mut TokenRow) -> Answer<Saved> {
        self.begin("tokens.save").await?;
        let outcome = {
            let mut state = self.state.borrow_mut();
            let mut next = row.clone();
            next.revision += 1;
            let stored = state.tokens.get(&row.id);
            if stored == Some(&next) {
                *row = next;
                Saved::Done
            } else if stored.map_or(0, |stored| stored.revision) == row.revision {
                state.tokens.insert(row.id.clone(), next.clone());
                *row = next;
                Saved::Done
            } else {
                Saved::Overtaken
            }
        };
        self.weather.after("tokens.save").await?;
        Ok(outcome)
    }
}

#[async_trait(?Send)]
impl Limits for World {
    async fn reserve(&self, key: &str, request: &gcra::Request) -> Answer<Reservation> {
        self.begin("limits.reserve").await?;
        let outcome = {
            let mut state = self.state.borrow_mut();
            let mut branch = Branch::default();
            let known = state.learnt.get(key).cloned();
            let reserved = loop {
                let found = state.limits.get(key).copied();
                match request.attempt(branch).apply(found) {
                    Ok(tat) => {
                        state.limits.insert(key.to_owned(), tat);
                        break Reserved::Slots(request.granted(tat).slots().collect());
                    }
                    Err(found) => match request.refused(found) {
                        Next::Try(other) => branch = other,
                        Next::Full { retry_at } => break Reserved::Full { retry_at },
                    },
                }
            };
            Reservation { reserved, known }
        };
        self.weather.after("limits.reserve").await?;
        Ok(outcome)
    }

    async fn known(&self, key: &str) -> Answer<Option<String>> {
        self.begin("limits.known").await?;
        let known = {
            let mut state = self.state.borrow_mut();
            *state.asked.entry(key.to_owned()).or_default() += 1;
            state.learnt.get(key).cloned()
        };
        self.weather.after("limits.known").await?;
        Ok(known)
    }

    async fn learn(
        &self,
        key: &str,
        (from, to): (Option<&str>, &str),
        restart: Option<Timestamp>,
        _now: Timestamp,
    ) -> Answer<Result<(), Option<String>>> {
        self.begin("limits.learn").await?;
        let outcome = {
            let mut state = self.state.borrow_mut();
            *state.asked.entry(key.to_owned()).or_default() += 1;
            let found = state.learnt.get(key).cloned();
            if found.as_deref() == from || found.as_deref() == Some(to) {
                state.learnt.insert(key.to_owned(), to.to_owned());
                if let Some(at) = restart {
                    state.limits.insert(key.to_owned(), at);
                }
                Ok(())
            } else {
                Err(found)
            }
        };
        self.weather.after("limits.learn").await?;
        Ok(outcome)
    }
}
