//! The `media` table.

use attache_domain::audit::Actor;
use attache_domain::claim::{Lease, Refusal, Terms, Work};
use attache_domain::ids::MediaId;
use attache_domain::journey::{Gate, Item, Stage};
use attache_domain::time::Timestamp;
use attache_domain::verdict::Verdict;

use super::{NOW, item, ok, seconds};
use crate::ports::{Announced, Claimed, Items, Saved};

/// The suite of [`Items`].
pub async fn items(items: &dyn Items, run: &str) {
    announcing(items, run).await;
    claiming(items, run).await;
    refusing(items, run).await;
    every_gate(items, run).await;
    saving(items, run).await;
    overdue(items, run).await;
}

fn terms(work: Work, holder: u64, now: Timestamp) -> Terms {
    let until = now + seconds(30);
    let lease = Lease {
        holder,
        since: now,
        until,
    };
    Terms {
        work,
        epoch: 0,
        sequence: 0,
        now,
        lease,
    }
}

fn send() -> Work {
    Work::Send {
        intent_until: NOW + seconds(60),
    }
}

/// Announces a fresh item and brings its row to this gate.
async fn placed(items: &dyn Items, fresh: Item, change: impl FnOnce(&mut Gate)) -> Item {
    let mut item = fresh;
    assert_eq!(
        ok(items.announce(&item).await),
        Announced::New,
        "a fresh item is new"
    );
    change(&mut item.gate);
    assert_eq!(
        ok(items.save(&mut item).await),
        Saved::Done,
        "nobody else writes"
    );
    item
}

async fn announcing(items: &dyn Items, run: &str) {
    let first = item(run, "announced");
    assert_eq!(ok(items.load(&first.id).await), None, "not there yet");
    assert_eq!(ok(items.announce(&first).await), Announced::New);
    assert_eq!(
        ok(items.load(&first.id).await).as_ref(),
        Some(&first),
        "read back as written"
    );
    assert_eq!(
        ok(items.announce(&first).await),
        Announced::New,
        "a repeat of the very write is the same announcement"
    );
    let spans = (seconds(30), seconds(86_400));
    let again = Item::announce(first.origin.clone(), Actor::Intake, NOW + seconds(5), spans);
    let known = Announced::Known(Box::new(first.clone()));
    assert_eq!(
        ok(items.announce(&again).await),
        known,
        "the first row is shown"
    );
    assert_eq!(
        ok(items.load(&first.id).await),
        Some(first),
        "and untouched"
    );
}

async fn claiming(items: &dyn Items, run: &str) {
    let fresh = item(run, "claimed");
    let mine = terms(Work::Fetch, u64::MAX, NOW);
    assert_eq!(ok(items.claim(&fresh.id, &mine).await), Claimed::Missing);
    ok(items.announce(&fresh).await);
    let granted = Item {
        gate: mine.grant(&fresh.gate),
        ..fresh.clone()
    };
    let taken = Claimed::Granted(Box::new(granted.clone()));
    assert_eq!(
        ok(items.claim(&fresh.id, &mine).await),
        taken,
        "touches the gate alone"
    );
    assert_eq!(
        ok(items.claim(&fresh.id, &mine).await),
        taken,
        "a repeat changes nothing"
    );

    let rival = terms(Work::Fetch, 2, NOW + seconds(29));
    let held = Claimed::Refused(Box::new(granted.clone()));
    assert_eq!(ok(items.claim(&fresh.id, &rival).await), held);
    assert_eq!(
        ok(items.load(&fresh.id).await).as_ref(),
        Some(&granted),
        "refused: nothing written"
    );

    let later = terms(Work::Fetch, 2, NOW + seconds(30));
    let taken_over = Item {
        gate: later.grant(&granted.gate),
        ..fresh.clone()
    };
    let outcome = ok(items.claim(&fresh.id, &later).await);
    assert_eq!(
        outcome,
        Claimed::Granted(Box::new(taken_over)),
        "an expired lease is no lease"
    );

    let mut stalled = granted;
    stalled.record.attempts = 9;
    assert_eq!(
        ok(items.save(&mut stalled).await),
        Saved::Overtaken,
        "whoever lost the lease writes nothing"
    );
}

/// Each kind of refusal, by the story that leads to it.
async fn refusing(items: &dyn Items, run: &str) {
    type Change = fn(&mut Gate);
    let table: [(&str, Work, Change, Option<Refusal>); 9] = [
        (
            "past",
            Work::Fetch,
            |g| g.stage = Stage::Stored,
            Some(Refusal::Past(Stage::Stored)),
        ),
        (
            "not-yet",
            send(),
            |g| g.stage = Stage::Stored,
            Some(Refusal::NotYet(Stage::Stored)),
        ),
        (
            "older-epoch",
            Work::Fetch,
            |g| g.epoch = 1,
            Some(Refusal::Superseded),
        ),
        (
            "older-copy",
            Work::Fetch,
            |g| g.sequence = 1,
            Some(Refusal::Superseded),
        ),
        (
            "unjudged",
            send(),
            |g| g.stage = Stage::Waiting,
            Some(Refusal::NotClean(Verdict::Unjudged)),
        ),
        (
            "held",
            send(),
            |g| (g.stage, g.verdict) = (Stage::Waiting, Verdict::Held),
            Some(Refusal::NotClean(Verdict::Held)),
        ),
        (
            "open-intent",
            send(),
            |g| (g.stage, g.verdict, g.intent_until) = (Stage::Sending, Verdict::Clean, Some(NOW)),
            Some(Refusal::IntentOpen { until: NOW }),
        ),
        (
            "clean",
            send(),
            |g| (g.stage, g.verdict) = (Stage::Waiting, Verdict::Clean),
            None,
        ),
        (
            "again",
            send(),
            |g| (g.stage, g.verdict) = (Stage::Sending, Verdict::Clean),
            None,
        ),
    ];
    for (name, work, change, refusal) in table {
        let row = placed(items, item(run, name), change).await;
        let mine = terms(work, 7, NOW);
        assert_eq!(
            mine.refusal(&row.gate),
            refusal,
            "{name}: as the domain says"
        );
        check(items, &row, &mine, name).await;
    }
    let row = placed(items, item(run, "newer-copy"), |_| ()).await;
    check(
        items,
        &row,
        &Terms {
            sequence: 3,
            ..terms(Work::Fetch, 7, NOW)
        },
        "a newer copy",
    )
    .await;
}

/// Claims the row on these terms: the store must say what [`Terms::refusal`] says, and do what [`Terms::grant`] does.
async fn check(items: &dyn Items, row: &Item, terms: &Terms, name: &str) {
    let granted = terms.refusal(&row.gate).is_none();
    let gate = if granted {
        terms.grant(&row.gate)
    } else {
        row.gate.clone()
    };
    let expected = Item {
        gate,
        ..row.clone()
    };
    let outcome = ok(items.claim(&row.id, terms).await);
    let shown = Box::new(expected.clone());
    let wanted = if granted {
        Claimed::Granted(shown)
    } else {
        Claimed::Refused(shown)
    };
    assert_eq!(outcome, wanted, "{name}");
    assert_eq!(ok(items.load(&row.id).await), Some(expected), "{name}");
}

/// The store's condition and the domain's rule, held against each other over a spread of gates.
async fn every_gate(items: &dyn Items, run: &str) {
    // An odd stride over all combinations, so that every pair of values comes up.
    const STRIDE: usize = 37;
    let leases = [None, Some(NOW), Some(NOW + seconds(1))];
    let intents = [None, Some(NOW + seconds(1))];
    let works = [
        Work::Fetch,
        send(),
        Work::Upload,
        Work::Follow,
        Work::SendUploaded {
            intent_until: NOW + seconds(20),
        },
    ];
    let combinations = works.len() * 4 * 3 * 2 * Stage::ALL.len() * 4;
    for n in (0..combinations).step_by(STRIDE) {
        let name = format!("gate-{n}");
        let mut pick = n;
        let mut next = |choices: usize| {
            let choice = pick % choices;
            pick /= choices;
            choice
        };
        let work = works[next(works.len())];
        let (verdict, lease, intent_until) =
            (Verdict::ALL[next(4)], leases[next(3)], intents[next(2)]);
        let (stage, shift) = (Stage::ALL[next(Stage::ALL.len())], next(4));
        let row = placed(items, item(run, &name), |gate| {
            (gate.stage, gate.verdict, gate.intent_until) = (stage, verdict, intent_until);
            gate.lease = lease.map(|until| Lease {
                holder: 1,
                since: NOW,
                until,
            });
            gate.epoch = u16::from(shift == 1);
            gate.sequence = u32::from(shift == 2);
        });
        let terms = Terms {
            sequence: u32::from(shift == 3),
            ..terms(work, 7, NOW)
        };
        check(items, &row.await, &terms, &name).await;
    }
}

async fn saving(items: &dyn Items, run: &str) {
    let mut missing = item(run, "never-announced");
    assert_eq!(
        ok(items.save(&mut missing).await),
        Saved::Overtaken,
        "a save creates nothing"
    );
    assert_eq!(ok(items.load(&missing.id).await), None);

    let mut row = placed(items, item(run, "saved"), |gate| {
        gate.lease = Some(Lease {
            holder: 1,
            since: NOW,
            until: NOW + seconds(1),
        });
        gate.intent_until = Some(NOW);
    })
    .await;
    assert_eq!(
        row.gate.revision, 1,
        "the item in hand carries the new revision"
    );
    assert_eq!(ok(items.load(&row.id).await).as_ref(), Some(&row));

    let mut stale = row.clone();
    row.rest();
    row.gate.due_at = None;
    row.record.delivered_as = Some("message-1".to_owned());
    row.cross(Stage::Fetching, attache_domain::audit::Actor::Fetch, NOW);
    let mut repeat = row.clone();
    assert_eq!(ok(items.save(&mut row).await), Saved::Done);
    assert_eq!(
        ok(items.load(&row.id).await).as_ref(),
        Some(&row),
        "what was taken away is gone"
    );
    assert_eq!(
        ok(items.save(&mut repeat).await),
        Saved::Done,
        "a repeat of a write that took effect is done"
    );
    assert_eq!(repeat, row);

    stale.record.attempts = 9;
    let before = stale.clone();
    assert_eq!(ok(items.save(&mut stale).await), Saved::Overtaken);
    assert_eq!(stale, before, "nothing happened to the item in hand");
    assert_eq!(ok(items.load(&row.id).await), Some(row), "nor to the row");
}

/// What is due by `now`, all of it.
async fn due(items: &dyn Items, now: Timestamp) -> Vec<MediaId> {
    ok(items.overdue(now, 1_000).await)
}

/// Asks again until `holds` does: the index may lag.
async fn settled(
    items: &dyn Items,
    now: Timestamp,
    what: &str,
    holds: impl Fn(&[MediaId]) -> bool,
) {
    for _ in 0..200 {
        if holds(&due(items, now).await) {
            return;
        }
    }
    panic!("the index never settled: {what}");
}

async fn overdue(items: &dyn Items, run: &str) {
    let at = |after: u64| NOW + seconds(1_000 + after);
    let placed_at = async |name: &str, after: u64| {
        placed(items, item(run, name), |gate| gate.due_at = Some(at(after))).await
    };
    let mut early = placed_at("due-early", 10).await;
    let late = placed_at("due-late", 20).await;
    let (first, second) = (early.id.clone(), late.id.clone());
    let has = |ids: &[MediaId], id: &MediaId| ids.contains(id);
    settled(items, at(20), "both are due", |ids| {
        has(ids, &first) && has(ids, &second)
    })
    .await;
    settled(items, at(10), "one is due", |ids| {
        has(ids, &first) && !has(ids, &second)
    })
    .await;
    settled(items, at(9), "none is due", |ids| {
        !has(ids, &first) && !has(ids, &second)
    })
    .await;
    assert_eq!(
        ok(items.overdue(at(20), 1).await).len(),
        1,
        "no more than asked for"
    );
    early.gate.due_at = None;
    assert_eq!(ok(items.save(&mut early).await), Saved::Done);
    settled(items, at(20), "one has left", |ids| {
        !has(ids, &first) && has(ids, &second)
    })
    .await;
}

/// The order of [`Items::overdue`]: the longest overdue first in each shard, also when not all are asked for. Needs a
/// store in which nothing else was due by the year 1970's second day.
pub async fn overdue_order(items: &dyn Items, run: &str) {
    let at = |after: u64| Timestamp::from_seconds(86_400 + after);
    let mut by_shard = [const { Vec::new() }; attache_domain::journey::DUE_SHARDS as usize];
    for n in 0..40_u64 {
        // Due times run against the order of ids as often as with it.
        let fresh = item(run, &format!("ordered-{n}"));
        let row = placed(items, fresh, |gate| gate.due_at = Some(at(n * 7 % 40))).await;
        by_shard[Item::due_shard(&row.id) as usize].push((n * 7 % 40, row.id));
    }
    settled(items, at(40), "all are due", |ids| ids.len() == 40).await;
    for limit in [1, 7, 1_000] {
        let found = ok(items.overdue(at(40), limit).await);
        assert_eq!(found.len(), limit.min(40));
        for shard in &mut by_shard {
            shard.sort();
            let mine: Vec<_> = found
                .iter()
                .filter(|id| shard.iter().any(|(_, i)| i == *id))
                .collect();
            let oldest: Vec<_> = shard.iter().map(|(_, id)| id).take(mine.len()).collect();
            assert_eq!(mine, oldest, "limit {limit}");
        }
    }
}
