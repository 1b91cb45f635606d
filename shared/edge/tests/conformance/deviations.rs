//! Where an engine is known to do otherwise than AWS, by AWS's own documentation. Everything that is not in the table
//! is asserted; what is in it is asserted to be so still, and made up for, so that the rest of its suite is asserted.

use std::time::Duration;

use async_trait::async_trait;
use attache_domain::ids::MediaId;
use attache_domain::journey::StoredObject;
use attache_domain::pull::GivenLink;
use attache_domain::time::Timestamp;
use attache_edge::s3::Buckets;
use attache_flow::batch::chain;
use attache_flow::ports::{Answer, Arrival, Bytestream, Head, Objects, Source, Stored};

use super::engine::{Engine, MINISTACK};

/// What AWS does and an engine does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// The answer to PutObject shows the SHA-256 that was sent behind the body.
    PutShowsDigest,
}

/// One line of the table.
pub(crate) struct Deviation {
    engine: &'static str,
    pub(crate) promise: Promise,
    /// What it does instead.
    pub(crate) instead: &'static str,
    /// Where AWS says what it does (checked 2026-11-25).
    pub(crate) documentation: &'static str,
}

/// All that are known.
const TABLE: [Deviation; 1] = [Deviation {
    engine: MINISTACK,
    promise: Promise::PutShowsDigest,
    instead: "1.5.33 verifies and keeps it and shows it to HeadObject, but leaves it out of the answer to PutObject",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html#API_PutObject_ResponseSyntax",
}];

/// The lines about this engine.
pub(crate) fn of(engine: &Engine) -> impl Iterator<Item = &'static Deviation> {
    let name = engine.name();
    TABLE.iter().filter(move |line| line.engine == name)
}

/// Whether this engine keeps a promise of AWS.
pub(crate) fn keeps(engine: &Engine, promise: Promise) -> bool {
    of(engine).all(|line| line.promise != promise)
}

/// Whether a PUT was refused by the adapter for want of a digest in its answer.
pub(crate) fn undigested(stored: &Answer<Stored>) -> bool {
    let text = stored.as_ref().err().map(|outage| chain(outage));
    text.is_some_and(|text| text.contains("stored without showing its digest"))
}

/// The buckets as they would be if the engine kept [`Promise::PutShowsDigest`].
pub(crate) struct ShowingDigests(pub(crate) Buckets);

#[async_trait(?Send)]
impl Objects for ShowingDigests {
    async fn store(&self, arrival: &Arrival, source: &mut dyn Source) -> Answer<Stored> {
        let stored = self.0.store(arrival, source).await;
        if !undigested(&stored) {
            return stored;
        }
        let head = self.0.head(&arrival.id).await?;
        let head = head.unwrap();
        Ok(Stored::Whole(StoredObject {
            etag: head.etag,
            size_bytes: head.size_bytes,
            digest: head.digest.unwrap(),
        }))
    }

    async fn head(&self, id: &MediaId) -> Answer<Option<Head>> {
        self.0.head(id).await
    }

    async fn open(&self, id: &MediaId, etag: &str) -> Answer<Option<Box<dyn Bytestream>>> {
        self.0.open(id, etag).await
    }

    async fn stream(&self, id: &MediaId, etag: &str) -> Answer<Option<Box<dyn Source>>> {
        self.0.stream(id, etag).await
    }

    async fn quarantine(&self, id: &MediaId) -> Answer<()> {
        self.0.quarantine(id).await
    }

    async fn erase(&self, id: &MediaId, upload: Option<&str>) -> Answer<()> {
        self.0.erase(id, upload).await
    }

    async fn remove(&self, id: &MediaId) -> Answer<()> {
        self.0.remove(id).await
    }

    async fn link(
        &self,
        id: &MediaId,
        served: (&str, &str),
        when: (Timestamp, Duration),
    ) -> Answer<GivenLink> {
        self.0.link(id, served, when).await
    }
}
