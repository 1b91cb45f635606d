//! The `conversations`, `tokens` and `limits` tables.

use std::num::NonZeroU32;

use attache_domain::conversation::{
    Conversation, ConversationId, Heard, Invitation, MOST_SENT, SentItem,
};
use attache_domain::ids::{AttachmentId, ConnectionId, MediaId, MessageId};
use attache_domain::pacing::gcra::Request;
use attache_domain::pacing::rate::Rate;
use attache_domain::time::Timestamp;
use attache_domain::token::TokenRow;
use futures_util::future::join_all;

use super::{NOW, ok, seconds};
use crate::ports::{Conversations, Limits, Reserved, Saved, Tokens};

/// The suite of [`Conversations`].
pub async fn conversations(conversations: &dyn Conversations, run: &str) {
    let id = |customer: &str| {
        ConversationId::new(&ConnectionId::new(format!("conformance/{run}")), customer)
    };
    let heard = |name: &str, after| Heard {
        at: NOW + seconds(after),
        message: MessageId::new(name),
        name: Some("Zoë 張".to_owned()),
    };
    let one = id("1650");
    assert_eq!(ok(conversations.load(&one).await), Conversation::default());
    ok(conversations.heard(&one, &heard("b", 60)).await);
    ok(conversations.heard(&one, &heard("a", 0)).await);
    ok(conversations.link(&one, "31594bb4").await);
    let known = ok(conversations.load(&one).await);
    assert_eq!(
        known.heard,
        Some(heard("b", 60)),
        "the last stays, whenever it comes"
    );
    assert_eq!(known.agent_side.as_deref(), Some("31594bb4"));

    let invitation = |by: &str, after| Invitation {
        at: NOW + seconds(after),
        by: MediaId::derive(
            &ConnectionId::new("conformance"),
            &MessageId::new(by),
            &AttachmentId::new("0"),
        ),
    };
    let invite = async |by, now, since| {
        let invitation = invitation(by, now);
        ok(conversations
            .invite(&one, &invitation, NOW + seconds(since))
            .await)
    };
    assert!(invite("a", 100, 0).await, "the first");
    assert!(invite("a", 100, 0).await, "which the SDK may repeat");
    assert!(!invite("b", 100, 0).await, "not another of the same moment");
    assert!(!invite("a", 200, 50).await, "not again within the time");
    assert!(invite("b", 300, 100).await, "and again after it");
    let known = ok(conversations.load(&one).await);
    assert_eq!(known.invited, Some(invitation("b", 300)));
    assert_eq!(known.heard, Some(heard("b", 60)));

    let sent = |after: u64| SentItem {
        at: NOW + seconds(after),
        media: invitation(&format!("{after}"), 0).by,
    };
    for after in [1, 3, 2] {
        ok(conversations.sent(&one, &sent(after)).await);
    }
    let before = ok(conversations.load(&one).await);
    assert_eq!(before.sent, [sent(1), sent(3), sent(2)]);
    ok(conversations.sent(&one, &sent(4)).await);
    ok(conversations.seen(&one, &before, NOW + seconds(2)).await);
    let known = ok(conversations.load(&one).await);
    assert_eq!(known.sent, [sent(3), sent(4)], "in their order");
    ok(conversations.seen(&one, &known, NOW).await);
    let most = u64::try_from(MOST_SENT).unwrap_or(u64::MAX);
    for after in 5..5 + most {
        ok(conversations.sent(&one, &sent(after)).await);
    }
    let known = ok(conversations.load(&one).await);
    let expected: Vec<SentItem> = (5..5 + most).map(sent).collect();
    assert_eq!(known.sent, expected, "the oldest are forgotten");
    assert_eq!(known.heard, Some(heard("b", 60)));

    assert_eq!(
        ok(conversations.load(&id("other")).await),
        Conversation::default()
    );
}

/// The suite of [`Tokens`].
pub async fn tokens(tokens: &dyn Tokens, run: &str) {
    let id = format!("conformance/{run}");
    let empty = TokenRow {
        id: id.clone(),
        sealed: None,
        obtained_at: Timestamp::default(),
        expires_at: None,
        version: 0,
        revision: 0,
        lease_until: Some(NOW),
        api: None,
    };
    assert_eq!(ok(tokens.load(&id).await), None);
    let mut first = empty.clone();
    let mut repeat = empty.clone();
    let mut rival = TokenRow {
        lease_until: Some(NOW + seconds(1)),
        ..empty
    };
    assert_eq!(ok(tokens.save(&mut first).await), Saved::Done);
    assert_eq!(
        first.revision, 1,
        "the row in hand carries the new revision"
    );
    assert_eq!(
        ok(tokens.save(&mut rival).await),
        Saved::Overtaken,
        "one of two creates it"
    );
    assert_eq!(rival.revision, 0);
    assert_eq!(
        ok(tokens.save(&mut repeat).await),
        Saved::Done,
        "a repeat is done"
    );
    assert_eq!(ok(tokens.load(&id).await).as_ref(), Some(&first));

    let mut stale = first.clone();
    first.sealed = Some("c2VhbGVk".to_owned());
    first.obtained_at = NOW;
    first.expires_at = Some(Timestamp::from_millis(1_750_000_123_456));
    first.version = 1;
    first.lease_until = None;
    first.api = url::Url::parse("https://api-de-na1.example.com/").ok();
    let mut repeat = first.clone();
    assert_eq!(ok(tokens.save(&mut first).await), Saved::Done);
    assert_eq!(
        ok(tokens.save(&mut repeat).await),
        Saved::Done,
        "a repeat is done"
    );
    assert_eq!(
        ok(tokens.load(&id).await).as_ref(),
        Some(&first),
        "to the millisecond, and the lease is gone"
    );
    stale.version = 7;
    assert_eq!(ok(tokens.save(&mut stale).await), Saved::Overtaken);
    assert_eq!(
        ok(tokens.load(&id).await),
        Some(first),
        "nothing was written"
    );
}

/// The suite of [`Limits`].
pub async fn limits(limits: &dyn Limits, run: &str) {
    racing(limits, run).await;
    filling(limits, run).await;
    learning(limits, run).await;
}

fn request(rate: Rate, slots: u32, now: Timestamp) -> Request {
    Request::new(rate, NonZeroU32::new(slots).unwrap_or(NonZeroU32::MIN), now)
}

fn rate(calls: u32, per: u64) -> Rate {
    Rate::new(calls, seconds(per), 1).unwrap_or_else(|e| panic!("{e}"))
}

async fn granted(limits: &dyn Limits, key: &str, request: &Request) -> Vec<Timestamp> {
    match ok(limits.reserve(key, request).await).reserved {
        Reserved::Slots(slots) => slots,
        full @ Reserved::Full { .. } => panic!("{key}: {full:?}"),
    }
}

/// Reservations that race get what some serial order gives: every slot once, each caller's in order.
async fn racing(limits: &dyn Limits, run: &str) {
    let key = format!("racing/{run}");
    let tenths = request(rate(10, 1), 3, NOW);
    let all = join_all((0..20).map(|_| granted(limits, &key, &tenths))).await;
    assert!(
        all.iter()
            .all(|slots| slots.len() == 3 && slots.is_sorted())
    );
    let mut slots: Vec<_> = all
        .into_iter()
        .flatten()
        .map(Timestamp::as_millis)
        .collect();
    slots.sort_unstable();
    let expected: Vec<_> = (0..60).map(|n| NOW.as_millis() + n * 100).collect();
    assert_eq!(slots, expected);
    let other = granted(limits, &format!("other/{run}"), &tenths).await;
    assert_eq!(
        other.first(),
        Some(&NOW),
        "another key has a line of its own"
    );
}

async fn filling(limits: &dyn Limits, run: &str) {
    let key = format!("filling/{run}");
    let minutes = |after| request(rate(1, 60), 1, NOW + seconds(after));
    for wait in [0, 60, 120] {
        assert_eq!(
            granted(limits, &key, &minutes(0)).await,
            [NOW + seconds(wait)]
        );
    }
    let full = Reserved::Full {
        retry_at: NOW + seconds(60),
    };
    assert_eq!(ok(limits.reserve(&key, &minutes(0)).await).reserved, full);
    assert_eq!(
        ok(limits.reserve(&key, &minutes(59)).await).reserved,
        full,
        "being refused reserves nothing"
    );
    assert_eq!(
        granted(limits, &key, &minutes(60)).await,
        [NOW + seconds(180)]
    );
    assert_eq!(
        granted(limits, &key, &minutes(900)).await,
        [NOW + seconds(900)],
        "a rested key starts afresh"
    );
    assert_eq!(
        granted(limits, &key, &minutes(900)).await,
        [NOW + seconds(960)]
    );
}

/// What is known is learnt by one of several rivals, beside the reservations of the key.
async fn learning(limits: &dyn Limits, run: &str) {
    let key = format!("learning/{run}");
    assert_eq!(ok(limits.known(&key).await), None);
    let learn = async |from, to| ok(limits.learn(&key, (from, to), None, NOW).await);
    granted(limits, &key, &request(rate(1, 60), 1, NOW)).await;
    assert_eq!(
        ok(limits.known(&key).await),
        None,
        "slots are something else"
    );
    assert_eq!(learn(None, "{\"a\":\"ä\"}").await, Ok(()));
    assert_eq!(
        learn(None, "{\"a\":\"ä\"}").await,
        Ok(()),
        "a repeat is done"
    );
    let found = Err(Some("{\"a\":\"ä\"}".to_owned()));
    assert_eq!(learn(None, "2").await, found, "a rival came first");
    assert_eq!(learn(Some("1"), "2").await, found);
    assert_eq!(learn(Some("{\"a\":\"ä\"}"), "2").await, Ok(()));
    assert_eq!(ok(limits.known(&key).await).as_deref(), Some("2"));
    assert_eq!(
        granted(limits, &key, &request(rate(1, 60), 1, NOW)).await,
        [NOW + seconds(60)],
        "and slots go on"
    );
    let other = format!("learning/other/{run}");
    assert_eq!(
        ok(limits.learn(&other, (Some("1"), "2"), None, NOW).await),
        Err(None)
    );
    restarting(limits, &key).await;
}

/// Of `key` it is known that "2", and two minutes are reserved: whoever reserves is told so, granted or not, and who learns
/// better may have the line begin anew with the same write.
async fn restarting(limits: &dyn Limits, key: &str) {
    let minute = request(rate(1, 60), 1, NOW);
    let granted = ok(limits.reserve(key, &minute).await);
    let refused = ok(limits.reserve(key, &minute).await);
    let full = Reserved::Full {
        retry_at: NOW + seconds(60),
    };
    assert_eq!(granted.reserved, Reserved::Slots(vec![NOW + seconds(120)]));
    assert_eq!(refused.reserved, full);
    assert_eq!(granted.known.as_deref(), Some("2"));
    assert_eq!(refused.known.as_deref(), Some("2"));
    let soon = Some(NOW + seconds(5));
    let overtaken = ok(limits.learn(key, (Some("1"), "3"), soon, NOW).await);
    assert_eq!(overtaken, Err(Some("2".to_owned())));
    assert_eq!(ok(limits.reserve(key, &minute).await), refused);
    assert_eq!(
        ok(limits.learn(key, (Some("2"), "3"), soon, NOW).await),
        Ok(())
    );
    let after = ok(limits.reserve(key, &minute).await);
    assert_eq!(after.reserved, Reserved::Slots(vec![NOW + seconds(5)]));
    assert_eq!(after.known.as_deref(), Some("3"));
}
