//! What holds on every engine: the suites of the ports, and what only these adapters promise.

use std::time::Duration;

use attache_domain::connection::{Directory, Endpoint, Profile, Route, Row, SecretName};
use attache_domain::conversation::{ConversationId, Heard};
use attache_domain::digest::Sha256Digest;
use attache_domain::ids::{ConnectionId, EndpointId, MediaId, MessageId};
use attache_domain::signature::Secret;
use attache_domain::time::Timestamp;
use attache_edge::clock::SystemClock;
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
    Answer, Clock as _, Conversations, Directories, Items, Objects, Queue, Stored, Vault,
};

use super::deviations::{self, Promise, ShowingDigests};
use super::services::Services;
use super::{Check, checks, samples};

pub(crate) const ALL: [Check; 17] = checks![
    items,
    overdue_order,
    claims,
    conversations,
    a_conversation_is_forgotten_in_time_and_a_name_with_the_next_message,
    tokens,
    limits,
    objects,
    parts,
    what_was_stored_is_known_by_the_answers_digest_or_not_at_all,
    jobs,
    secrets,
    vault,
    what_one_process_seals_another_opens,
    configurations_replace_one_another,
    a_row_nobody_can_read_is_named,
    a_link_serves_type_and_name_and_the_quarantine_keeps_the_bytes,
];

async fn items(services: &Services) {
    let table = ItemsTable::new(services.dynamodb(), services.table().await);
    conformance::items(&table, &services.run).await;
}

async fn overdue_order(services: &Services) {
    let table = ItemsTable::new(services.dynamodb(), services.table().await);
    conformance::overdue_order(&table, &services.run).await;
}

async fn claims(services: &Services) {
    let table = ClaimsTable::new(services.dynamodb(), services.table().await);
    conformance::claims(&table, &services.run).await;
}

async fn conversations(services: &Services) {
    let table = ConversationsTable::new(services.dynamodb(), services.table().await);
    conformance::conversations(&table, &services.run).await;
}

async fn a_conversation_is_forgotten_in_time_and_a_name_with_the_next_message(services: &Services) {
    let table = services.table().await;
    let conversations = ConversationsTable::new(services.dynamodb(), &table);
    let id = ConversationId::new(&ConnectionId::new("wa"), "1650");
    let heard = |at, name: Option<&str>| Heard {
        at: Timestamp::from_seconds(at),
        message: MessageId::new("wamid.A"),
        name: name.map(str::to_owned),
    };
    let (first, second) = (
        heard(1_750_000_000, Some("Zoë")),
        heard(1_750_000_001, None),
    );
    for heard in [first, second.clone()] {
        conversations.heard(&id, &heard).await.unwrap();
    }
    let known = conversations.load(&id).await.unwrap();
    assert_eq!(known.heard, Some(second));
    let expires_at = services.number(&table, id.as_str(), "expires_at").await;
    // In seconds, and long after the window has closed.
    assert!(
        (1_750_000_000..10_000_000_000).contains(&expires_at),
        "{expires_at}"
    );
}

async fn tokens(services: &Services) {
    let table = TokensTable::new(services.dynamodb(), services.table().await);
    conformance::tokens(&table, &services.run).await;
}

async fn limits(services: &Services) {
    let table = LimitsTable::new(services.dynamodb(), services.table().await);
    conformance::limits(&table, &services.run).await;
}

async fn objects(services: &Services) {
    let (buckets, _) = services.buckets().await;
    let objects = as_aws(services, buckets);
    conformance::objects(objects.as_ref(), &services.run).await;
}

async fn parts(services: &Services) {
    let (buckets, _) = services.buckets().await;
    let objects = as_aws(services, buckets.clone());
    conformance::parts((&buckets, objects.as_ref()), &services.run).await;
}

/// The buckets without what this engine does otherwise than AWS.
fn as_aws(services: &Services, buckets: Buckets) -> Box<dyn Objects> {
    if deviations::keeps(&services.engine, Promise::PutShowsDigest) {
        Box::new(buckets)
    } else {
        Box::new(ShowingDigests(buckets))
    }
}

async fn what_was_stored_is_known_by_the_answers_digest_or_not_at_all(services: &Services) {
    let (buckets, _) = services.buckets().await;
    let id = samples::item("digested", 0).id;
    let stored = put(&buckets, &id, b"some bytes").await;
    if deviations::keeps(&services.engine, Promise::PutShowsDigest) {
        let digest = Sha256Digest::of(b"some bytes");
        assert!(
            matches!(&stored, Ok(Stored::Whole(object)) if object.digest == digest),
            "{stored:?}"
        );
    } else {
        assert!(deviations::undigested(&stored), "{stored:?}");
    }
}

async fn jobs(services: &Services) {
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
    let queues = Queues::new(services.sqs(), urls);
    conformance::jobs(&queues, &services.run, receive).await;
}

async fn secrets(services: &Services) {
    let name = services.secret("value").await;
    let manager = SecretsManager::new(services.secrets_manager());
    conformance::secrets(&manager, &name, &Secret::new("value").unwrap()).await;
}

async fn vault(services: &Services) {
    let key = services.key().await;
    conformance::vault(&KmsVault::new(services.kms(), key), &services.run).await;
}

async fn what_one_process_seals_another_opens(services: &Services) {
    let key = services.key().await;
    let vault = || KmsVault::new(services.kms(), key.clone());
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

async fn configurations_replace_one_another(services: &Services) {
    let table = ConnectionsTable::new(services.dynamodb(), services.table().await);
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
    let directories = CachedDirectories::new(table.clone(), Duration::ZERO, true);
    assert!(has(&directories.current().await.unwrap(), "one"));
    let keeping = CachedDirectories::new(table.clone(), Duration::from_secs(3600), true);
    assert!(has(&keeping.current().await.unwrap(), "one"));
    let applied = table.apply(&[endpoint("two"), route]).await.unwrap();
    assert_eq!(applied.written, ["endpoint/two"]);
    assert_eq!(
        (applied.removed, applied.unchanged),
        (vec!["endpoint/one".to_owned()], 1)
    );
    let fresh = directories.current().await.unwrap();
    assert!(has(&fresh, "two") && !has(&fresh, "one"));
    assert!(has(&keeping.current().await.unwrap(), "one"), "in hand");
    assert!(has(&keeping.newest().await.unwrap(), "two"));
    assert!(has(&keeping.current().await.unwrap(), "two"), "from now on");
}

/// An endpoint of this name.
pub(super) fn endpoint(id: &str) -> Row {
    Row::Endpoint(Endpoint {
        id: EndpointId::new(id),
        profile: Profile::WhatsApp,
        secrets: vec![SecretName("attache/test/endpoints/x".to_owned())],
        verify_token: None,
        forward_to: None,
        shadow: false,
    })
}

/// Whether there is an endpoint of this name.
pub(super) fn has(directory: &Directory, id: &str) -> bool {
    directory.endpoint(&EndpointId::new(id)).is_some()
}

async fn a_row_nobody_can_read_is_named(services: &Services) {
    let table = services.table().await;
    let item = samples::item("damaged", 0);
    let columns = [("id", item.id.as_str()), ("rv", "not a number")];
    services.put_row(&table, &columns).await;
    let items = ItemsTable::new(services.dynamodb(), table);
    let outage = items.load(&item.id).await.unwrap_err();
    let text = attache_flow::batch::chain(&outage);
    assert!(text.contains(item.id.as_str()), "{text}");
}

async fn a_link_serves_type_and_name_and_the_quarantine_keeps_the_bytes(services: &Services) {
    let (buckets, quarantine) = services.buckets().await;
    let buckets = as_aws(services, buckets);
    let id = samples::item("linked", 0).id;
    let stored = put(buckets.as_ref(), &id, b"%PDF-1.7 and so on").await;
    assert!(matches!(stored, Ok(Stored::Whole(_))), "{stored:?}");
    let life = Duration::from_secs(60);
    let link = buckets
        .link(
            &id,
            ("application/pdf", "Rechnung März (1).pdf"),
            (SystemClock::new().now(), life),
        )
        .await
        .unwrap();
    let answer = reqwest::get(link.link.0).await.unwrap();
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
    let kept = services.object(&quarantine, &id.arrival_key()).await;
    assert_eq!(kept.bytes, b"%PDF-1.7 and so on");
    assert_eq!(kept.metadata.get("fence").map(String::as_str), Some("3"));
}

async fn put(objects: &dyn Objects, id: &MediaId, bytes: &'static [u8]) -> Answer<Stored> {
    let mut source = samples::Once(Some(bytes));
    let arrival = samples::arrival(id, bytes);
    objects.store(&arrival, &mut source).await
}
