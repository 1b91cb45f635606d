//! The media and quarantine buckets.

use std::collections::VecDeque;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::digest::Sha256Digest;
use attache_domain::ids::MediaId;
use attache_domain::journey::StoredObject;
use attache_domain::time::Timestamp;
use bytes::Bytes;

use super::{item, ok};
use crate::ports::{Arrival, Head, Objects, Source, SourceError, Stored};

/// The suite of [`Objects`].
pub async fn objects(objects: &dyn Objects, run: &str) {
    storing(objects, run).await;
    failing(objects, run).await;
    reading(objects, run).await;
    moving_out(objects, run).await;
}

/// A source of prepared pieces.
pub(super) struct Pieces(VecDeque<Result<Bytes, SourceError>>);

impl Pieces {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(
            bytes
                .chunks(65_536)
                .map(|piece| Ok(Bytes::copy_from_slice(piece)))
                .collect(),
        )
    }

    fn then(mut self, error: SourceError) -> Self {
        self.0.push_back(Err(error));
        self
    }
}

#[async_trait(?Send)]
impl Source for Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        self.0.pop_front().transpose()
    }
}

/// Bytes in which no two pieces are alike.
pub(super) fn content(length: u32) -> Vec<u8> {
    (0..length.div_ceil(4))
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes())
        .take(length as usize)
        .collect()
}

fn arrival(id: &MediaId, bytes: &[u8]) -> Arrival {
    Arrival {
        id: id.clone(),
        size_bytes: bytes.len() as u64,
        digest: None,
        declared_type: Some("application/pdf".to_owned()),
        fence: 3,
    }
}

async fn whole(objects: &dyn Objects, arrival: &Arrival, bytes: &[u8]) -> StoredObject {
    match ok(objects.store(arrival, &mut Pieces::of(bytes)).await) {
        Stored::Whole(object) => object,
        other => panic!("{} bytes: {other:?}", bytes.len()),
    }
}

async fn storing(objects: &dyn Objects, run: &str) {
    for (name, length, announced, declared) in [
        ("small", 5, false, Some("application/pdf")),
        ("small-announced", 5, true, Some("audio/ogg; codecs=opus")),
        ("empty", 0, false, None),
        ("large", 3_000_000, false, None),
        ("large-announced", 3_000_000, true, Some("video/mp4")),
    ] {
        let (id, bytes) = (item(run, name).id, content(length));
        let digest = Sha256Digest::of(&bytes);
        let arrival = Arrival {
            digest: announced.then_some(digest),
            declared_type: declared.map(ToOwned::to_owned),
            ..arrival(&id, &bytes)
        };
        assert_eq!(ok(objects.head(&id).await), None, "{name}: nothing there");
        let object = whole(objects, &arrival, &bytes).await;
        assert_eq!(
            (object.size_bytes, object.digest),
            (u64::from(length), digest),
            "{name}"
        );
        let head = Head {
            etag: object.etag,
            size_bytes: object.size_bytes,
            digest: Some(object.digest),
            declared_type: arrival.declared_type.clone(),
        };
        assert_eq!(ok(objects.head(&id).await), Some(head.clone()), "{name}");

        let other = content(length + 7);
        let rival = Arrival {
            digest: None,
            size_bytes: other.len() as u64,
            ..arrival
        };
        assert_eq!(
            ok(objects.store(&rival, &mut Pieces::of(&other)).await),
            Stored::Exists,
            "{name}"
        );
        assert_eq!(
            ok(objects.head(&id).await),
            Some(head),
            "{name}: the first is untouched"
        );
    }
}

/// Whatever goes wrong with the stream, nothing is stored, and the key stays free.
async fn failing(objects: &dyn Objects, run: &str) {
    let bytes = content(300_000);
    let broken = || SourceError::Broken("reset".to_owned());
    let size_bytes = bytes.len() as u64;
    let length = |expected| {
        Some(SourceError::Length {
            expected,
            got: size_bytes,
        })
    };
    for (name, size_bytes, digest, source, expected) in [
        (
            "broken-at-once",
            size_bytes,
            None,
            Pieces::of(&[]).then(broken()),
            Some(broken()),
        ),
        (
            "broken-midway",
            size_bytes,
            None,
            Pieces::of(&bytes[..200_000]).then(broken()),
            Some(broken()),
        ),
        (
            "broken-at-the-end",
            size_bytes,
            None,
            Pieces::of(&bytes).then(broken()),
            Some(broken()),
        ),
        (
            "lost-its-lease",
            size_bytes,
            None,
            Pieces::of(&bytes).then(SourceError::LeaseLost),
            Some(SourceError::LeaseLost),
        ),
        (
            "too-short",
            size_bytes + 1,
            None,
            Pieces::of(&bytes),
            length(size_bytes + 1),
        ),
        (
            "too-long",
            size_bytes - 1,
            None,
            Pieces::of(&bytes),
            length(size_bytes - 1),
        ),
        ("far-too-long", 10, None, Pieces::of(&bytes), None),
        ("not-empty", 0, None, Pieces::of(&bytes), None),
        (
            "empty-and-broken",
            0,
            None,
            Pieces::of(&[]).then(broken()),
            Some(broken()),
        ),
        (
            "other-bytes",
            size_bytes,
            Some(Sha256Digest::of(b"other")),
            Pieces::of(&bytes),
            Some(SourceError::Digest),
        ),
    ] {
        let id = item(run, name).id;
        let arrival = Arrival {
            size_bytes,
            digest,
            ..arrival(&id, &bytes)
        };
        let mut source = source;
        match (ok(objects.store(&arrival, &mut source).await), expected) {
            (Stored::Aborted(error), Some(expected)) => assert_eq!(error, expected, "{name}"),
            // How much is counted beyond the end is left open.
            (Stored::Aborted(SourceError::Length { .. }), None) => {}
            (other, _) => panic!("{name}: {other:?}"),
        }
        assert_eq!(
            ok(objects.head(&id).await),
            None,
            "{name}: nothing is stored"
        );
        whole(objects, &super::objects::arrival(&id, &bytes), &bytes).await;
    }
}

async fn read(objects: &dyn Objects, id: &MediaId, etag: &str) -> Option<Vec<u8>> {
    let mut opened = ok(objects.open(id, etag).await)?;
    let mut bytes = Vec::new();
    opened
        .read_to_end(&mut bytes)
        .unwrap_or_else(|e| panic!("{e}"));
    Some(bytes)
}

/// The same, piece by piece.
async fn streamed(objects: &dyn Objects, id: &MediaId, etag: &str) -> Option<Vec<u8>> {
    let mut source = ok(objects.stream(id, etag).await)?;
    let mut bytes = Vec::new();
    while let Some(piece) = source.next().await.unwrap_or_else(|e| panic!("{e}")) {
        bytes.extend_from_slice(&piece);
    }
    Some(bytes)
}

async fn reading(objects: &dyn Objects, run: &str) {
    let (id, bytes) = (item(run, "read").id, content(300_000));
    assert_eq!(read(objects, &id, "\"0\"").await, None, "nothing there");
    assert_eq!(streamed(objects, &id, "\"0\"").await, None, "nothing there");
    let object = whole(objects, &arrival(&id, &bytes), &bytes).await;
    for read in [
        read(objects, &id, &object.etag).await,
        streamed(objects, &id, &object.etag).await,
    ] {
        assert!(read.as_ref() == Some(&bytes), "whole");
    }
    let other = "\"0123456789abcdef\"";
    assert_eq!(read(objects, &id, other).await, None, "another entity tag");
    assert_eq!(streamed(objects, &id, other).await, None);
    let (now, life) = (
        Timestamp::from_seconds(1_795_132_800),
        Duration::from_secs(60),
    );
    let link = ok(objects
        .link(&id, ("image/png", "größe \"1\".png"), (now, life))
        .await);
    let path = link.link.0.path();
    assert!(path.ends_with(&id.arrival_key()), "{path}");
    assert!(link.until <= now + life && link.until > now, "{link:?}");
}

async fn moving_out(objects: &dyn Objects, run: &str) {
    let (id, bytes) = (item(run, "moved-out").id, content(300_000));
    assert!(
        objects.quarantine(&id).await.is_err(),
        "there is nothing to copy"
    );
    whole(objects, &arrival(&id, &bytes), &bytes).await;
    ok(objects.quarantine(&id).await);
    ok(objects.quarantine(&id).await);
    assert!(
        ok(objects.head(&id).await).is_some(),
        "the original stays until it is removed"
    );
    ok(objects.remove(&id).await);
    assert_eq!(ok(objects.head(&id).await), None);
    ok(objects.remove(&id).await);
    whole(objects, &arrival(&id, &bytes), &bytes).await;
    ok(objects.erase(&id, None).await);
    assert_eq!(ok(objects.head(&id).await), None);
    ok(objects.erase(&id, None).await);
}
