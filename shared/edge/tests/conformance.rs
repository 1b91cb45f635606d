//! The adapters over embedded services that speak the real protocols, held to what every implementation of a port
//! must do; and what only they promise: how many calls each promise costs, and what a link serves.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod engines;

use std::time::Duration;

use attache_domain::connection::{Endpoint, Profile, Route, Row, SecretName};
use attache_domain::conversation::{ConversationId, Heard};
use attache_domain::ids::{ConnectionId, EndpointId, MediaId, MessageId};
use attache_domain::signature::Secret;
use attache_domain::time::Timestamp;
use attache_edge::dynamodb::{
    CachedDirectories, ClaimsTable, ConnectionsTable, ConversationsTable, ItemsTable, LimitsTable,
    TokensTable,
};
use attache_edge::kms::KmsVault;
use attache_edge::s3::Buckets;
use attache_edge::secrets::SecretsManager;
use attache_edge::sqs::Queues;
use attache_flow::conformance;
use attache_flow::ports::{
    Announced, Claims, Conversations, Directories, Items, Objects, Queue, Stored,
};

use engines::{MEDIA, QUARANTINE, Services, TABLE};

const RUN: &str = "engines";

#[tokio::test]
async fn items() {
    let services = Services::start().await;
    services.table().await;
    conformance::items(&ItemsTable::new(services.aws.dynamodb(), TABLE), RUN).await;
}

#[tokio::test]
async fn overdue_order() {
    let services = Services::start().await;
    services.table().await;
    conformance::overdue_order(&ItemsTable::new(services.aws.dynamodb(), TABLE), RUN).await;
}

#[tokio::test]
async fn claims() {
    let services = Services::start().await;
    services.table().await;
    conformance::claims(&ClaimsTable::new(services.aws.dynamodb(), TABLE), RUN).await;
}

#[tokio::test]
async fn conversations() {
    let services = Services::start().await;
    services.table().await;
    let table = ConversationsTable::new(services.aws.dynamodb(), TABLE);
    conformance::conversations(&table, RUN).await;
}

#[tokio::test]
async fn tokens() {
    let services = Services::start().await;
    services.table().await;
    conformance::tokens(&TokensTable::new(services.aws.dynamodb(), TABLE), RUN).await;
}

#[tokio::test]
async fn limits() {
    let services = Services::start().await;
    services.table().await;
    conformance::limits(&LimitsTable::new(services.aws.dynamodb(), TABLE), RUN).await;
}

#[tokio::test]
async fn objects() {
    let services = Services::start().await;
    services.buckets().await;
    let buckets = Buckets::new(services.aws.s3(), MEDIA, Some(QUARANTINE.to_owned()));
    conformance::objects(&buckets, RUN).await;
}

#[tokio::test]
async fn jobs() {
    let services = Services::start().await;
    let (media, refresh) = (
        services.queue("media").await,
        services.queue("refresh").await,
    );
    let urls = [
        (Queue::Media, media.clone()),
        (Queue::Refresh, refresh.clone()),
    ];
    let receive = async |queue| {
        let url = if queue == Queue::Media {
            &media
        } else {
            &refresh
        };
        services.receive_all(url).await
    };
    conformance::jobs(&Queues::new(services.aws.sqs(), urls), RUN, receive).await;
}

#[tokio::test]
async fn secrets() {
    let services = Services::start().await;
    let name = SecretName("attache/test/clients/one".to_owned());
    services.secret(&name.0, "value").await;
    let manager = SecretsManager::new(services.aws.secrets_manager());
    conformance::secrets(&manager, &name, &Secret::new("value").unwrap()).await;
}

#[tokio::test]
async fn vault() {
    let services = Services::start().await;
    let key = services.key().await;
    conformance::vault(&KmsVault::new(services.aws.kms(), key.clone()), RUN).await;
    // Made once, unwrapped once; the last is another purpose's attempt, which KMS refuses.
    assert_eq!(services.calls(), ["GenerateDataKey", "Decrypt", "Decrypt"]);
}

#[tokio::test]
async fn what_one_process_seals_another_opens() {
    use attache_flow::ports::Vault;
    let services = Services::start().await;
    let key = services.key().await;
    let vault = || KmsVault::new(services.aws.kms(), key.clone());
    let sealed = vault()
        .seal("token", "a/b", &Secret::new("tops3cret").unwrap())
        .await
        .unwrap();
    let opened = vault().open("token", "a/b", &sealed).await.unwrap();
    assert!(opened.matches(b"tops3cret"));
    assert!(
        vault().open("link", "a/b", &sealed).await.is_err(),
        "KMS itself refuses another purpose"
    );
}

#[tokio::test]
async fn each_step_of_an_item_is_one_call() {
    let services = Services::start().await;
    services.table().await;
    let items = ItemsTable::new(services.aws.dynamodb(), TABLE);
    let first = engines::item("counted", 0);
    assert_eq!(items.announce(&first).await.unwrap(), Announced::New);
    assert_eq!(services.calls(), ["PutItem"]);
    let again = engines::item("counted", 5);
    assert_eq!(
        items.announce(&again).await.unwrap(),
        Announced::Known(Box::new(first.clone()))
    );
    assert_eq!(
        services.calls(),
        ["PutItem"],
        "a duplicate costs one call and nothing else"
    );
    let terms = engines::fetch_terms();
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

#[tokio::test]
async fn what_is_known_beside_items_costs_one_call_each() {
    let services = Services::start().await;
    services.table().await;
    let claims = ClaimsTable::new(services.aws.dynamodb(), TABLE);
    let conversations = ConversationsTable::new(services.aws.dynamodb(), TABLE);
    let (item, now) = (engines::item("named", 0), engines::NOW);
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
        assert!(conversations.invite(&id, now, now).await.unwrap());
        let later = now + Duration::from_secs(1);
        let known = conversations.load(&id).await.unwrap();
        assert_eq!(known.heard.as_ref(), Some(&heard));
        assert!(
            !conversations
                .invite(&id, later, Timestamp::default())
                .await
                .unwrap()
        );
        assert_eq!(
            services.calls(),
            [
                "UpdateItem",
                "UpdateItem",
                "UpdateItem",
                "GetItem",
                "UpdateItem"
            ]
        );
    }
}

#[tokio::test]
async fn a_conversation_is_forgotten_in_time_and_a_name_with_the_next_message() {
    let services = Services::start().await;
    services.table().await;
    let conversations = ConversationsTable::new(services.aws.dynamodb(), TABLE);
    let id = ConversationId::new(&ConnectionId::new("wa"), "1650");
    let heard = |after, name: Option<&str>| Heard {
        at: engines::NOW + Duration::from_secs(after),
        message: MessageId::new("wamid.A"),
        name: name.map(ToOwned::to_owned),
    };
    conversations
        .heard(&id, &heard(0, Some("Zoë")))
        .await
        .unwrap();
    conversations.heard(&id, &heard(1, None)).await.unwrap();
    let known = conversations.load(&id).await.unwrap();
    assert_eq!(known.heard, Some(heard(1, None)));
    let expires_at = services.number(id.as_str(), "expires_at").await;
    // In seconds, and long after the window has closed.
    assert!(
        (1_750_000_000..10_000_000_000).contains(&expires_at),
        "{expires_at}"
    );
}

#[tokio::test]
async fn reservations_after_the_first_take_one_write_each() {
    use attache_flow::ports::Limits;
    let services = Services::start().await;
    services.table().await;
    let limits = LimitsTable::new(services.aws.dynamodb(), TABLE);
    for _ in 0..5 {
        limits.reserve("key", &engines::one_slot()).await.unwrap();
    }
    assert_eq!(services.calls().len(), 6, "the branch last seen holds");
}

#[tokio::test]
async fn configurations_replace_one_another_and_are_kept_for_a_while() {
    let services = Services::start().await;
    services.table().await;
    let table = ConnectionsTable::new(services.aws.dynamodb(), TABLE);
    let endpoint = |id: &str| {
        Row::Endpoint(Endpoint {
            id: EndpointId::new(id),
            profile: Profile::WhatsApp,
            secrets: vec![SecretName("attache/test/endpoints/x".to_owned())],
            verify_token: None,
            forward_to: None,
            shadow: false,
        })
    };
    let route = Row::Route(Route {
        from: ConnectionId::new("a"),
        to: None,
    });
    let applied = table
        .apply(&[endpoint("one"), route.clone()])
        .await
        .unwrap();
    assert_eq!(
        (
            applied.written.len(),
            applied.removed.len(),
            applied.unchanged
        ),
        (2, 0, 0)
    );
    let lasting = CachedDirectories::new(table.clone(), Duration::from_secs(3600), true);
    let fleeting = CachedDirectories::new(table.clone(), Duration::ZERO, true);
    let has = |directory: &attache_domain::connection::Directory, id: &str| {
        directory.endpoint(&EndpointId::new(id)).is_some()
    };
    assert!(has(&lasting.current().await.unwrap(), "one"));
    assert!(has(&fleeting.current().await.unwrap(), "one"));
    let applied = table.apply(&[endpoint("two"), route]).await.unwrap();
    assert_eq!(applied.written, ["endpoint/two"]);
    assert_eq!(
        (applied.removed, applied.unchanged),
        (vec!["endpoint/one".to_owned()], 1)
    );
    services.calls();
    assert!(
        has(&lasting.current().await.unwrap(), "one"),
        "young enough"
    );
    assert_eq!(services.calls(), [""; 0]);
    let fresh = fleeting.current().await.unwrap();
    assert!(has(&fresh, "two") && !has(&fresh, "one"));
}

#[tokio::test]
async fn a_row_nobody_can_read_is_named() {
    let services = Services::start().await;
    services.table().await;
    let item = engines::item("damaged", 0);
    services
        .put_row(&[("id", item.id.as_str()), ("rv", "not a number")])
        .await;
    let items = ItemsTable::new(services.aws.dynamodb(), TABLE);
    let outage = items.load(&item.id).await.unwrap_err();
    let text = attache_flow::batch::chain(&outage);
    assert!(text.contains(item.id.as_str()), "{text}");
}

#[tokio::test]
async fn a_link_serves_type_and_name_and_the_quarantine_keeps_the_bytes() {
    let services = Services::start().await;
    services.buckets().await;
    let buckets = Buckets::new(services.aws.s3(), MEDIA, Some(QUARANTINE.to_owned()));
    let id = engines::item("linked", 0).id;
    store(&buckets, &id, b"%PDF-1.7 and so on").await;
    let life = Duration::from_secs(60);
    let link = buckets
        .link(&id, "application/pdf", "Rechnung März (1).pdf", life)
        .await
        .unwrap();
    let answer = reqwest::get(link).await.unwrap();
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/pdf");
    let disposition = header("content-disposition");
    assert!(
        disposition.ends_with("filename*=UTF-8''Rechnung%20M%C3%A4rz%20%281%29.pdf"),
        "{disposition}"
    );
    assert_eq!(
        answer.bytes().await.unwrap().as_ref(),
        b"%PDF-1.7 and so on"
    );

    buckets.quarantine(&id).await.unwrap();
    buckets.remove(&id).await.unwrap();
    let kept = services.object(QUARANTINE, &id.arrival_key()).await;
    assert_eq!(kept.bytes, b"%PDF-1.7 and so on");
    assert_eq!(kept.metadata.get("fence").map(String::as_str), Some("3"));
}

async fn store(buckets: &Buckets, id: &MediaId, bytes: &'static [u8]) {
    let mut source = engines::Once(Some(bytes));
    let stored = buckets
        .store(&engines::arrival(id, bytes), &mut source)
        .await
        .unwrap();
    assert!(matches!(stored, Stored::Whole(_)), "{stored:?}");
}
