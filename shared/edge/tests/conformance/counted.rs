//! What each promise costs in calls, seen by the embedded engines at their own doors.

use std::time::Duration;

use attache_domain::conversation::{ConversationId, Heard, Invitation};
use attache_domain::ids::{ConnectionId, MessageId};
use attache_domain::time::Timestamp;
use attache_edge::dynamodb::{
    CachedDirectories, ClaimsTable, ConnectionsTable, ConversationsTable, ItemsTable, LimitsTable,
};
use attache_edge::kms::KmsVault;
use attache_flow::conformance;
use attache_flow::ports::{Announced, Claims, Conversations, Directories, Items, Limits};

use super::services::Services;
use super::suites::{endpoint, has};
use super::{Check, checks, samples};

pub(crate) const ALL: [Check; 5] = checks![
    each_step_of_an_item_is_one_call,
    what_is_known_beside_items_costs_one_call_each,
    reservations_after_the_first_take_one_write_each,
    a_data_key_is_made_once_and_unwrapped_once,
    a_configuration_is_kept_for_a_while,
];

async fn each_step_of_an_item_is_one_call(services: &Services) {
    let items = ItemsTable::new(services.dynamodb(), services.table().await);
    let first = samples::item("counted", 0);
    assert_eq!(items.announce(&first).await.unwrap(), Announced::New);
    assert_eq!(services.calls(), ["PutItem"]);
    let again = samples::item("counted", 5);
    assert_eq!(
        items.announce(&again).await.unwrap(),
        Announced::Known(Box::new(first.clone()))
    );
    assert_eq!(
        services.calls(),
        ["PutItem"],
        "a duplicate costs one call and nothing else"
    );
    let terms = samples::fetch_terms();
    items.claim(&first.id, &terms).await.unwrap();
    items.claim(&first.id, &terms).await.unwrap();
    assert_eq!(
        services.calls(),
        ["UpdateItem", "UpdateItem"],
        "granted or refused"
    );
    let mut stale = first;
    items.save(&mut stale).await.unwrap();
    assert_eq!(services.calls(), ["PutItem"], "also when it was overtaken");
}

async fn what_is_known_beside_items_costs_one_call_each(services: &Services) {
    let table = services.table().await;
    let claims = ClaimsTable::new(services.dynamodb(), &table);
    let conversations = ConversationsTable::new(services.dynamodb(), &table);
    let (item, now) = (
        samples::item("named", 0),
        Timestamp::from_seconds(1_750_000_000),
    );
    for _ in 0..2 {
        claims.count_try("tries/x", now).await.unwrap();
        claims.name("name/wa/x", &item.id, now).await.unwrap();
        claims.named("name/wa/x").await.unwrap();
        assert_eq!(services.calls(), ["UpdateItem", "PutItem", "GetItem"]);
    }
    let id = ConversationId::new(&ConnectionId::new("wa"), "1650");
    let heard = Heard {
        at: now,
        message: MessageId::new("wamid.A"),
        name: None,
    };
    for _ in 0..2 {
        conversations.heard(&id, &heard).await.unwrap();
        conversations.link(&id, "31594bb4").await.unwrap();
        // The very same invitation, repeated by the SDK, is the first.
        let mut invitation = Invitation {
            at: now,
            by: item.id.clone(),
        };
        assert!(conversations.invite(&id, &invitation, now).await.unwrap());
        invitation.at = now + Duration::from_secs(1);
        assert!(
            !conversations
                .invite(&id, &invitation, Timestamp::default())
                .await
                .unwrap()
        );
        let known = conversations.load(&id).await.unwrap();
        assert_eq!(known.heard.as_ref(), Some(&heard));
        assert_eq!(
            services.calls(),
            [
                "UpdateItem",
                "UpdateItem",
                "UpdateItem",
                "UpdateItem",
                "GetItem"
            ]
        );
    }
}

async fn reservations_after_the_first_take_one_write_each(services: &Services) {
    let limits = LimitsTable::new(services.dynamodb(), services.table().await);
    for _ in 0..5 {
        limits.reserve("key", &samples::one_slot()).await.unwrap();
    }
    assert_eq!(services.calls().len(), 6, "the branch last seen holds");
}

async fn a_data_key_is_made_once_and_unwrapped_once(services: &Services) {
    let key = services.key().await;
    conformance::vault(&KmsVault::new(services.kms(), key), &services.run).await;
    // The last is another purpose's attempt, which KMS refuses.
    assert_eq!(services.calls(), ["GenerateDataKey", "Decrypt", "Decrypt"]);
}

async fn a_configuration_is_kept_for_a_while(services: &Services) {
    let table = ConnectionsTable::new(services.dynamodb(), services.table().await);
    let lasting = CachedDirectories::new(table.clone(), Duration::from_secs(3600), true);
    table.apply(&[endpoint("one")]).await.unwrap();
    assert!(has(&lasting.current().await.unwrap(), "one"));
    table.apply(&[endpoint("two")]).await.unwrap();
    services.calls();
    assert!(
        has(&lasting.current().await.unwrap(), "one"),
        "young enough"
    );
    assert_eq!(services.calls(), [""; 0]);
}
