//! The `claims` table.

use attache_domain::event::KeptBecause;
use attache_domain::ids::EndpointId;

use super::{NOW, ok, seconds};
use crate::ports::{Claims, KeptEvent, Settled, Wanted};
use crate::replay::pending;

/// The suite of [`Claims`].
pub async fn claims(claims: &dyn Claims, run: &str) {
    replaying(claims, run).await;
    let event = |name: &str, after| KeptEvent {
        id: format!("whatsapp/{run}/{name}"),
        endpoint: EndpointId::new("whatsapp"),
        because: KeptBecause::UnknownBusiness,
        slice: "{\"id\":\"wamid.X\",\"text\":{\"body\":\"grüße 🎉\"}}".to_owned(),
        at: NOW + seconds(after),
        expires_at: NOW + seconds(86_400),
    };
    assert!(ok(claims.keep(&event("a", 0)).await), "the first is kept");
    assert!(
        !ok(claims.keep(&event("a", 60)).await),
        "the same event again is not"
    );
    assert!(ok(claims.keep(&event("b", 60)).await), "another is");

    let (key, later) = (format!("tries/{run}"), NOW + seconds(86_400));
    let counted = [
        ok(claims.count_try(&key, later).await),
        ok(claims.count_try(&key, later).await),
        ok(claims.count_try(&format!("{key}/other"), later).await),
    ];
    assert_eq!(counted, [1, 2, 1], "each key has a count of its own");

    let alias = format!("name/wa/{run}");
    let [first, second] = ["1", "2"].map(|name| super::item(run, name).id);
    assert_eq!(ok(claims.named(&alias).await), None);
    assert_eq!(ok(claims.name(&alias, &first, later).await), None);
    for rival in [&second, &first] {
        let holder = ok(claims.name(&alias, rival, later).await);
        assert_eq!(holder.as_ref(), Some(&first), "who has it is told");
    }
    assert_eq!(
        ok(claims.named(&alias).await),
        Some(first),
        "the first stays"
    );
    handed_over(claims, run).await;
}

/// What a platform holds is known by its last name, until its time is over.
async fn handed_over(claims: &dyn Claims, run: &str) {
    let key = format!("held/wa/{run}/image/png");
    let until = NOW + seconds(600);
    let before = NOW + seconds(599);
    assert_eq!(ok(claims.handed_over(&key, NOW).await), None);
    ok(claims.hand_over(&key, "4490709327384033", until).await);
    ok(claims.hand_over(&key, "1013859600285441", until).await);
    let called = ok(claims.handed_over(&key, before).await);
    assert_eq!(called.as_deref(), Some("1013859600285441"), "the last word");
    assert_eq!(
        ok(claims.handed_over(&key, until).await),
        None,
        "its time is over"
    );
    let other = format!("held/wa/{run}/image/jpeg");
    assert_eq!(ok(claims.handed_over(&other, NOW).await), None);
}

/// Events that wait for configuration are found, by endpoint and time, until they are settled.
async fn replaying(claims: &dyn Claims, run: &str) {
    let endpoint = EndpointId::new(format!("replay-{run}"));
    let event = |name: &str, because, after, life| KeptEvent {
        id: format!("{endpoint}/{name}"),
        endpoint: endpoint.clone(),
        because,
        slice: format!("{{\"name\":\"{name} grüße 🎉\"}}"),
        at: NOW + seconds(after),
        expires_at: NOW + seconds(life),
    };
    let waiting = [
        event("c", KeptBecause::UnknownBusiness, 0, 9_000),
        event("a", KeptBecause::NoRoute, 1, 9_000),
        event("b", KeptBecause::UnknownBusiness, 2, 9_000),
        event("d", KeptBecause::UnknownBusiness, 3, 9_000),
    ];
    let others = [
        event("e", KeptBecause::NotCarried, 1, 9_000),
        event("f", KeptBecause::NotOurs, 1, 9_000),
        event("g", KeptBecause::UnknownBusiness, 1, 50),
    ];
    for event in waiting.iter().chain(&others) {
        assert!(ok(claims.keep(event).await), "{}", event.id);
    }
    let wanted = |since, until| Wanted {
        endpoint: Some(endpoint.clone()),
        since: NOW + seconds(since),
        until: NOW + seconds(until),
        now: NOW + seconds(100),
    };
    assert_eq!(
        ok(pending(claims, &wanted(0, 10)).await),
        waiting,
        "what waits for configuration and is not forgotten"
    );
    assert_eq!(ok(pending(claims, &wanted(1, 3)).await), waiting[1..3]);
    let all = Wanted {
        endpoint: None,
        ..wanted(0, 10)
    };
    assert!(
        ok(pending(claims, &all).await).contains(&waiting[0]),
        "of any endpoint"
    );
    let elsewhere = Wanted {
        endpoint: Some(EndpointId::new(format!("replay-{run}/c"))),
        ..wanted(0, 10)
    };
    assert_eq!(ok(pending(claims, &elsewhere).await), []);

    let settled = |after| Settled {
        at: NOW + seconds(after),
        reason: Some("the number is configured".to_owned()),
    };
    assert!(ok(claims.settle(&waiting[0].id, &settled(100)).await));
    assert!(
        ok(claims.settle(&waiting[0].id, &settled(100)).await),
        "a repeat is the first"
    );
    assert!(!ok(claims.settle(&waiting[0].id, &settled(101)).await));
    let without_reason = Settled {
        reason: None,
        ..settled(100)
    };
    assert!(ok(claims.settle(&waiting[1].id, &without_reason).await));
    assert!(
        !ok(claims
            .settle(&format!("{endpoint}/nobody"), &settled(100))
            .await),
        "what is not kept is not settled"
    );
    assert_eq!(ok(pending(claims, &wanted(0, 10)).await), waiting[2..]);
    assert!(
        !ok(claims.keep(&waiting[0]).await),
        "what is settled is kept still"
    );
    let again = event("c", KeptBecause::UnknownBusiness, 9_500, 19_000);
    assert!(ok(claims.keep(&again).await), "what was forgotten is new");
    assert_eq!(ok(pending(claims, &wanted(9_000, 9_900)).await), [again]);
}
