//! The tenants of the bench: WhatsApp numbers with a rate of their own, customers that wrote a moment ago, and files that wait to be
//! handed over.

use std::time::Duration;

use anyhow::{Context, Result};
use attache_domain::address::Address;
use attache_domain::audit::Actor;
use attache_domain::channels::{Direction, Kind};
use attache_domain::connection::{Account, Connection, Profile, Row, SecretName, SendRate};
use attache_domain::conversation::{ConversationId, Heard};
use attache_domain::event::{Content, File, MediaKind, Origin};
use attache_domain::ids::{AttachmentId, ConnectionId, EndpointId, MessageId};
use attache_domain::journey::{Item, RETENTION, Stage};
use attache_domain::signature::Secret;
use attache_domain::time::Timestamp;
use attache_domain::token::{Purpose, TokenRow, row_id};
use attache_domain::verdict::{Delivery, Plan, Verdict};
use attache_flow::bearer::SEALED_AS;
use attache_flow::memory::{Object, Queued, State, World};
use attache_flow::ports::{Queue, Tokens, Vault};
use url::Url;

/// Files that a number takes in a second, and at once (`S0-36`).
pub(super) const RATE: u32 = 100;

/// The bytes of every file: what is measured does not depend on them.
const BYTES: &[u8] = b"%PDF-1.7";

const CUSTOMER: &str = "16505551230";

/// Meta's id of a tenant's number.
pub(super) fn number(tenant: usize) -> String {
    format!("10654035224292{tenant}")
}

fn id(tenant: usize) -> ConnectionId {
    ConnectionId::new(format!("wa-{tenant}"))
}

/// A tenant's connection: files at [`RATE`], which is two thirds of what its owner set.
pub(super) fn connection(tenant: usize) -> Result<Row> {
    let account = Account::WhatsApp {
        endpoint: EndpointId::new("wa"),
        phone_number_id: number(tenant),
        base_url: Url::parse("https://graph.facebook.com")?,
        graph_version: "v23.0".to_owned(),
        media_hosts: Vec::new(),
        token: SecretName("attache/bench/clients/wa".to_owned()),
        window_template: None,
    };
    let calls = RATE * 3 / 2;
    let rate = SendRate::new(Profile::WhatsApp, (calls, 1), Some(calls))?;
    Ok(Row::Connection(Connection {
        rate: Some(rate),
        ..Connection::new(id(tenant), account)
    }))
}

/// Tokens of a tenant, and a customer who just wrote.
pub(super) async fn settle(world: &World, tenant: usize, now: Timestamp) -> Result<()> {
    let connection = id(tenant);
    let conversation = ConversationId::new(&connection, CUSTOMER);
    let heard = Heard {
        at: now,
        message: MessageId::new("wamid.before"),
        name: None,
    };
    let note = |state: &mut State| {
        state.conversations.entry(conversation).or_default().heard = Some(heard);
    };
    note(&mut world.state.borrow_mut());
    let token = Secret::new("token")?;
    for purpose in [Purpose::Media, Purpose::Messages] {
        let id = row_id(&connection, purpose);
        let mut row = TokenRow {
            sealed: Some(world.seal(SEALED_AS, &id, &token).await?),
            id,
            obtained_at: now,
            expires_at: Some(now + Duration::from_secs(86_400)),
            version: 1,
            revision: 0,
            lease_until: None,
            api: None,
        };
        Tokens::save(world, &mut row).await?;
    }
    Ok(())
}

/// A tenant's file of this number, judged and waiting, with its job in the queue; its id.
pub(super) fn enqueue(
    state: &mut State,
    tenant: usize,
    file: usize,
    now: Timestamp,
) -> Result<String> {
    let connection = id(tenant);
    let origin = Origin {
        connection: ConnectionId::new(format!("agents-{tenant}")),
        target: Some(connection.clone()),
        direction: Direction::ToCustomer,
        message: MessageId::new(format!("message-{file}")),
        attachment: AttachmentId::new("a"),
        customer: CUSTOMER.to_owned(),
        customer_name: None,
        sent_at: now,
        bundle: Vec::new(),
        quote: None,
        shadow: false,
        reference_only: false,
        synthetic: false,
        address: Address::default(),
        content: Content::File(File::new(MediaKind::Document)),
    };
    let due_in = Duration::from_secs(3600);
    let mut item = Item::announce(origin, Actor::Intake, now, (due_in, RETENTION));
    let object = Object {
        bytes: BYTES.to_vec(),
        declared_type: None,
        fence: 1,
        joined: false,
    };
    item.record.object = Some(object.stored());
    item.record.plan = Some(Plan::AsIs(Delivery {
        mime: "application/pdf".to_owned(),
        name: "file.pdf".to_owned(),
        kind: Some(Kind::Document),
        caption_apart: false,
    }));
    item.gate.verdict = Verdict::Clean;
    item.cross(Stage::Waiting, Actor::Validate, now);
    let body = serde_json::to_string(&item.job(&connection)).context("writing a job")?;
    state.queues.entry(Queue::Media).or_default().push(Queued {
        body,
        visible_at: now,
        group: connection.to_string(),
    });
    let id = item.id.clone();
    state.objects.insert(id.clone(), object);
    state.items.insert(id.clone(), item);
    Ok(id.to_string())
}
