//! The product's way of a file: fetch over the adapters that the functions use, reqwest and the SDK for S3. Its rows, jobs and
//! secrets are the in-memory twins.
//!
//! The peers do without TLS, and so does this; but the store is spoken to as over TLS. Without it the SDK would sign each
//! piece of a body, which takes a second SHA-256 of every byte: no store of AWS's is reached that way.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attache_domain::audit::Actor;
use attache_domain::channels::Direction;
use attache_domain::connection::{Directory, Row};
use attache_domain::event::{Content, File, MediaKind, Origin};
use attache_domain::ids::{AttachmentId, ConnectionId, MessageId};
use attache_domain::journey::Item;
use attache_domain::signature::Secret;
use attache_domain::token::{Purpose, TokenRow, row_id};
use attache_domain::transfer::{LARGEST_BYTES, PART_BYTES};
use attache_domain::wire::{Auth, Body, Method, Request};
use attache_edge::aws::Aws;
use attache_edge::clock::SystemClock;
use attache_edge::config::Environment;
use attache_edge::http::Platforms;
use attache_edge::s3::Buckets;
use attache_flow::bearer::{Cache, Desk, SEALED_AS};
use attache_flow::fetch::{Fetch, InParts, LINK_SEALED_AS, Room};
use attache_flow::guard::{Guard, Known};
use attache_flow::memory::{Calm, Nowhere, World};
use attache_flow::ports::{
    Arrival, Clock, Credential, Http, Items, Objects, Stored, Tokens, Vault,
};
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{Builder, ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use futures_util::future::try_join_all;
use serde_json::json;
use url::Url;

use super::child::Task;

/// Longer than any measurement.
const PATIENCE: Duration = Duration::from_secs(600);

/// Takes TLS off a request that is otherwise ready to leave.
#[derive(Debug)]
struct WithoutTls;

impl Intercept for WithoutTls {
    fn name(&self) -> &'static str {
        "WithoutTls"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let plain = context.request().uri().replacen("https:", "http:", 1);
        Ok(context.request_mut().set_uri(plain)?)
    }
}

/// Everything that a relay needs, ready for work.
pub(super) struct Site {
    world: World,
    cache: Cache,
    known: Known,
    room: Room,
    objects: Buckets,
    http: Platforms,
    clock: SystemClock,
    source: SocketAddr,
}

impl Site {
    /// With the store that the environment names, and files from `source`.
    pub(super) async fn new(source: SocketAddr) -> Result<Self> {
        let api = format!("http://{source}/");
        let archive: Row = serde_json::from_value(json!({
            "row": "connection", "id": "archive", "profile": "genesys-message-media", "endpoint": "archive",
            "api_url": api, "login_url": api, "client_id": "bench", "client_secret": "bench", "local": true,
        }))?;
        let clock = SystemClock::new();
        let directory = Directory::new(vec![archive]);
        let world = World::new(directory, Rc::new(Nowhere), Rc::new(Calm), clock.now());
        let id = row_id(&ConnectionId::new("archive"), Purpose::Media);
        let token = Secret::new("bench").context("a token")?;
        let mut row = TokenRow {
            sealed: Some(world.seal(SEALED_AS, &id, &token).await?),
            id,
            obtained_at: clock.now(),
            expires_at: None,
            version: 1,
            revision: 0,
            lease_until: None,
            api: None,
        };
        Tokens::save(&world, &mut row).await?;
        let aws = Aws::load(&Environment).await?;
        let config = Builder::from(aws.config())
            .force_path_style(true)
            .interceptor(WithoutTls);
        let store = aws_sdk_s3::Client::from_conf(config.build());
        Ok(Self {
            world,
            cache: Cache::default(),
            known: Known::default(),
            room: Room::default(),
            objects: Buckets::new(store, "media", None),
            http: Platforms::new(),
            clock,
            source,
        })
    }

    /// Relays the task's files, all at the same time.
    pub(super) async fn relay(&self, task: Task) -> Result<()> {
        let files = (0..task.at_once).map(|n| self.one(task, n));
        try_join_all(files).await.map(drop)
    }

    async fn one(&self, task: Task, n: u32) -> Result<()> {
        let item = self.item(&format!("{}-{n}", task.bytes))?;
        let query = if task.chunked { "&chunked" } else { "" };
        let link = format!(
            "http://{}/api/v2/downloads/x?bytes={}{query}",
            self.source, task.bytes
        );
        // What is longer than the product takes at all goes by the same adapters, without the loop that refuses it.
        if task.bytes > LARGEST_BYTES {
            return self.by_adapters(&item, &link, task.bytes).await;
        }
        self.by_fetch(item, &link).await
    }

    fn item(&self, name: &str) -> Result<Item> {
        let origin = Origin::new(
            (ConnectionId::new("archive"), Direction::ToCustomer),
            (MessageId::new("bench"), AttachmentId::new(name)),
            ("bench", self.clock.now()),
            Content::File(File::new(MediaKind::Document)),
        );
        let times = (PATIENCE, PATIENCE);
        Ok(Item::announce(
            origin,
            Actor::Intake,
            self.clock.now(),
            times,
        ))
    }

    async fn by_fetch(&self, mut item: Item, link: &str) -> Result<()> {
        let secret = Secret::new(link).context("a link")?;
        let sealed = self.world.seal(LINK_SEALED_AS, item.id.as_str(), &secret);
        item.record.link = Some(sealed.await?);
        self.world.announce(&item).await?;
        let fetch = Fetch {
            items: &self.world,
            objects: &self.objects,
            jobs: &self.world,
            http: &self.http,
            clock: &self.clock,
            directories: &self.world,
            desk: Desk {
                tokens: &self.world,
                vault: &self.world,
                jobs: &self.world,
                clock: &self.clock,
                cache: &self.cache,
            },
            lease: Duration::from_secs(30),
            in_parts: Some(InParts {
                store: &self.objects,
                part_bytes: PART_BYTES,
            }),
            guard: Guard {
                limits: &self.world,
                clock: &self.clock,
                known: &self.known,
            },
            room: &self.room,
        };
        let job = serde_json::to_string(&item.job(&item.origin.connection))?;
        // Whether it came to its end is seen at the store.
        Ok(fetch.handle(&job, PATIENCE).await?)
    }

    async fn by_adapters(&self, item: &Item, link: &str, size_bytes: u64) -> Result<()> {
        let request = Request {
            method: Method::Get,
            url: Url::parse(link)?,
            auth: Auth::None,
            body: Body::Empty,
            patience: PATIENCE,
            local: true,
        };
        let opened = self.http.download(&request, &Credential::None, None).await;
        let mut download = opened.context("the download did not begin")?;
        let arrival = Arrival {
            id: item.id.clone(),
            size_bytes,
            digest: None,
            declared_type: None,
            fence: 1,
        };
        let stored = self.objects.store(&arrival, download.body.as_mut()).await?;
        ensure!(matches!(stored, Stored::Whole(_)), "not stored: {stored:?}");
        Ok(())
    }
}
