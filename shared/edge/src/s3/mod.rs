//! The media and quarantine buckets, by the AWS SDK for S3.
//!
//! **Promises.** An object is stored whole or not at all: one PUT with its exact length, its last piece held back until
//! the source has ended well, and a SHA-256 that S3 checks (in a header where the platform announced it, in a trailer
//! where not). A key is written once (`If-None-Match: *`) and read by its entity tag (`If-Match`). Memory is bounded:
//! one piece waits while one is being sent and one is held back (`crate::feed`).
//!
//! What does not fit one PUT comes in parts (`parts`).

mod disposition;
mod link;
mod original;
mod parts;

use std::io::{Seek, SeekFrom, Write};
use std::time::Duration;

use ::http::HeaderValue;
use async_trait::async_trait;
use attache_domain::digest::Sha256Digest;
use attache_domain::ids::MediaId;
use attache_domain::journey::StoredObject;
use attache_domain::pull::GivenLink;
use attache_domain::time::Timestamp;
use attache_flow::ports::{
    Answer, Arrival, Bytestream, Head, Objects, Outage, Parts, Source, SourceError, Stored,
};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Builder, StalledStreamProtectionConfig};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::operation::put_object::{PutObjectError, PutObjectOutput};
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, MetadataDirective};
use tokio::sync::mpsc;

use crate::feed::{Fed, Feed, STALL, feed};
use crate::outage::outage;
pub use link::Links;
use original::Original;

/// What S3 calls bytes of which nobody said what they are. Stored for an arrival without a declared type.
const UNDECLARED: &str = "binary/octet-stream";

/// The longest declared type that is kept; types are foreign input, and user metadata is limited to 2 KB.
const LONGEST_TYPE: usize = 255;

/// How long a copy into quarantine may take: S3 moves the bytes while we wait.
const COPY: Duration = Duration::from_secs(60);

/// The buckets.
#[derive(Clone, Debug)]
pub struct Buckets {
    client: Client,
    media: String,
    quarantine: Option<String>,
    folder: Folder,
    links: Links,
}

/// Which objects of the media bucket are meant: each item has one in each folder at most.
#[derive(Clone, Copy, Debug)]
enum Folder {
    Arrivals,
    Renditions,
}

impl Buckets {
    /// The media bucket, and for a function that may move objects there the quarantine.
    #[must_use]
    pub fn new(client: Client, media: impl Into<String>, quarantine: Option<String>) -> Self {
        Self {
            client,
            media: media.into(),
            quarantine,
            folder: Folder::Arrivals,
            links: Links::default(),
        }
    }

    /// The same, whose links are made so.
    #[must_use]
    pub fn linking(self, links: Links) -> Self {
        Self { links, ..self }
    }

    /// The renditions in the media bucket.
    #[must_use]
    pub fn renditions(client: Client, media: impl Into<String>) -> Self {
        Self {
            folder: Folder::Renditions,
            ..Self::new(client, media, None)
        }
    }

    fn key(&self, id: &MediaId) -> String {
        match self.folder {
            Folder::Arrivals => id.arrival_key(),
            Folder::Renditions => id.rendition_key(),
        }
    }

    /// Begins to read the stored original; `None`: it is not there, or another.
    async fn get(&self, id: &MediaId, etag: &str) -> Answer<Option<GetObjectOutput>> {
        let get = self.client.get_object().bucket(&self.media);
        let get = get
            .key(self.key(id))
            .if_match(etag)
            .checksum_mode(ChecksumMode::Enabled);
        match get.send().await {
            Ok(got) => Ok(Some(got)),
            Err(error) if matches!(status(&error), Some(404 | 412)) => Ok(None),
            Err(error) => Err(outage(format!("reading the object of {id}"), error)),
        }
    }

    /// The one PUT that stores an arrival, but for its body.
    fn put(&self, arrival: &Arrival) -> PutObjectFluentBuilder {
        let put = self.client.put_object().bucket(&self.media);
        let put = put
            .key(self.key(&arrival.id))
            .if_none_match("*")
            .content_length(i64::try_from(arrival.size_bytes).unwrap_or(i64::MAX))
            .content_type(stored_type(arrival.declared_type.as_deref()))
            .metadata("fence", arrival.fence.to_string());
        match arrival.digest {
            Some(digest) => put.checksum_sha256(digest.to_base64()),
            None => put.checksum_algorithm(ChecksumAlgorithm::Sha256),
        }
    }
}

/// The type under which an arrival is stored. What cannot travel in a header is no type.
fn stored_type(declared: Option<&str>) -> &str {
    let fits = |text: &&str| text.len() <= LONGEST_TYPE && HeaderValue::from_str(text).is_ok();
    declared.filter(fits).unwrap_or(UNDECLARED)
}

/// A PUT is sent once, however long it takes: its body cannot be sent again, and whether it moves is watched by
/// [`feed()`], because only there a slow source can be told from a slow store.
fn unhurried() -> Builder {
    let timeouts = TimeoutConfig::builder()
        .disable_read_timeout()
        .disable_operation_timeout()
        .disable_operation_attempt_timeout();
    Builder::new()
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts.build())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

/// The HTTP status of an answer that is an error.
fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error
        .raw_response()
        .map(|response| response.status().as_u16())
}

/// What a finished PUT means.
fn stored(
    arrival: &Arrival,
    put: Result<PutObjectOutput, SdkError<PutObjectError>>,
) -> Answer<Stored> {
    let doing = || format!("storing {}", arrival.id);
    let put = match put {
        Ok(put) => put,
        // 412: an object is there. (409, two writers at once, stays an outage: who won shows at the next try.)
        Err(error) if status(&error) == Some(412) => return Ok(Stored::Exists),
        Err(error) if mismatch(&error) => return Ok(Stored::Aborted(SourceError::Digest)),
        Err(error) => return Err(outage(doing(), error)),
    };
    let echoed = put.checksum_sha256().map(Sha256Digest::from_base64);
    let digest = match (arrival.digest, echoed) {
        (Some(digest), _) => digest,
        (None, Some(digest)) => digest.map_err(|e| Outage::new(doing(), e))?,
        (None, None) => return Err(Outage::new(doing(), "stored without showing its digest")),
    };
    let etag = put
        .e_tag
        .ok_or_else(|| Outage::new(doing(), "stored without an entity tag"))?;
    Ok(Stored::Whole(StoredObject {
        etag,
        size_bytes: arrival.size_bytes,
        digest,
    }))
}

/// Whether S3 refused the bytes because they are not those of the announced digest.
fn mismatch(error: &SdkError<PutObjectError>) -> bool {
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    matches!(code, Some("BadDigest" | "XAmzContentChecksumMismatch"))
}

fn read_head(id: &MediaId, head: HeadObjectOutput) -> Answer<Head> {
    let wrong = |problem: &str| Outage::new(format!("looking at the object of {id}"), problem);
    let digest = match head.checksum_sha256() {
        // A digest of the parts' digests, with their number behind it.
        Some(digest) if digest.contains('-') => None,
        Some(digest) => Some(Sha256Digest::from_base64(digest).map_err(|e| wrong(&e.to_string()))?),
        None => return Err(wrong("it has no SHA-256")),
    };
    let size_bytes = head
        .content_length()
        .and_then(|length| u64::try_from(length).ok());
    let declared_type = head
        .content_type()
        .filter(|kind| *kind != UNDECLARED)
        .map(ToOwned::to_owned);
    Ok(Head {
        size_bytes: size_bytes.ok_or_else(|| wrong("it has no length"))?,
        digest,
        etag: head.e_tag.ok_or_else(|| wrong("it has no entity tag"))?,
        declared_type,
    })
}

impl Buckets {
    async fn delete(&self, bucket: &str, key: String) -> Answer<()> {
        let delete = self.client.delete_object().bucket(bucket);
        let deleted = delete.key(&key).send().await;
        deleted.map_err(|e| outage(format!("removing {key}"), e))?;
        Ok(())
    }
}

#[async_trait(?Send)]
impl Objects for Buckets {
    async fn head(&self, id: &MediaId) -> Answer<Option<Head>> {
        let head = self.client.head_object().bucket(&self.media);
        let head = head.key(self.key(id)).checksum_mode(ChecksumMode::Enabled);
        match head.send().await {
            Ok(head) => read_head(id, head).map(Some),
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(outage(format!("looking at the object of {id}"), error)),
        }
    }

    async fn store(&self, arrival: &Arrival, source: &mut dyn Source) -> Answer<Stored> {
        let doing = || format!("storing {}", arrival.id);
        // One piece waits in the channel while another is on the wire.
        let (pieces, taken) = mpsc::channel(1);
        let content = ByteStream::new(SdkBody::from_body_1_x(Feed::new(taken, arrival.size_bytes)));
        let request = self.put(arrival).body(content).customize();
        let put = request.config_override(unhurried()).send();
        let feeding = feed(source, arrival.size_bytes, pieces);
        tokio::pin!(put, feeding);
        let fed = if arrival.size_bytes == 0 {
            // Nothing to hold back: the source ends well before the request begins, or it never does.
            feeding.await
        } else {
            tokio::select! {
                biased;
                // Over before all was sent: refused, most likely.
                done = &mut put => return stored(arrival, done),
                fed = &mut feeding => fed,
            }
        };
        match fed {
            // Nor may it keep its answer to itself for longer.
            Fed::Whole => match tokio::time::timeout(STALL, put).await {
                Ok(done) => stored(arrival, done),
                Err(late) => Err(Outage::new(doing(), late)),
            },
            // The request is dropped with its last piece unsent: the connection ends, nothing is stored.
            Fed::Ended(error) => Ok(Stored::Aborted(error)),
            Fed::Stalled => Err(Outage::new(
                doing(),
                format!("S3 took no bytes for {STALL:?}"),
            )),
        }
    }

    async fn open(&self, id: &MediaId, etag: &str) -> Answer<Option<Box<dyn Bytestream>>> {
        let doing = || format!("reading the object of {id}");
        let Some(mut got) = self.get(id, etag).await? else {
            return Ok(None);
        };
        // Spooled to a file without a name: it is gone with its handle, and memory stays small. The writes are as
        // small as the pieces and go to the page cache; a thread for each would cost more than it saves.
        let mut file = tempfile::tempfile().map_err(|e| Outage::new(doing(), e))?;
        while let Some(piece) = got.body.next().await {
            let piece = piece.map_err(|e| Outage::new(doing(), e))?;
            file.write_all(&piece)
                .map_err(|e| Outage::new(doing(), e))?;
        }
        file.seek(SeekFrom::Start(0))
            .map_err(|e| Outage::new(doing(), e))?;
        Ok(Some(Box::new(file)))
    }

    async fn stream(&self, id: &MediaId, etag: &str) -> Answer<Option<Box<dyn Source>>> {
        let Some(got) = self.get(id, etag).await? else {
            return Ok(None);
        };
        let missing = || Outage::new(format!("reading the object of {id}"), "it has no length");
        let length = got
            .content_length()
            .and_then(|length| u64::try_from(length).ok())
            .ok_or_else(missing)?;
        Ok(Some(Box::new(Original::new(got.body, length))))
    }

    async fn quarantine(&self, id: &MediaId) -> Answer<()> {
        let doing = || format!("copying {id} into quarantine");
        let missing = || Outage::new(doing(), "this function was given no quarantine bucket");
        let quarantine = self.quarantine.as_ref().ok_or_else(missing)?;
        let key = self.key(id);
        let slow = TimeoutConfig::builder()
            .operation_timeout(COPY)
            .operation_attempt_timeout(COPY);
        let copy = self.client.copy_object().bucket(quarantine);
        let copy = copy
            .key(&key)
            // Neither part needs escaping: bucket names are plain, and the key is 26 base32 characters.
            .copy_source(format!("{}/{key}", self.media))
            .metadata_directive(MetadataDirective::Copy)
            .customize()
            .config_override(Builder::new().timeout_config(slow.build()));
        let copied = copy.send().await;
        copied.map_err(|e| outage(doing(), e))?;
        Ok(())
    }

    async fn remove(&self, id: &MediaId) -> Answer<()> {
        if matches!(self.folder, Folder::Arrivals) {
            self.delete(&self.media, id.rendition_key()).await?;
        }
        self.delete(&self.media, self.key(id)).await
    }

    async fn erase(&self, id: &MediaId, upload: Option<&str>) -> Answer<()> {
        if let Some(upload) = upload {
            self.discard_parts(id, upload).await?;
        }
        for key in [id.arrival_key(), id.rendition_key()] {
            self.delete(&self.media, key).await?;
        }
        match &self.quarantine {
            Some(quarantine) => self.delete(quarantine, id.arrival_key()).await,
            None => Ok(()),
        }
    }

    async fn link(
        &self,
        id: &MediaId,
        served: (&str, &str),
        when: (Timestamp, Duration),
    ) -> Answer<GivenLink> {
        self.given(&self.key(id), served, when).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declared_type_is_kept_if_a_header_can_carry_it() {
        for (declared, expected) in [
            (Some("image/jpeg"), "image/jpeg"),
            (Some("audio/ogg; codecs=opus"), "audio/ogg; codecs=opus"),
            (Some("image/jpeg\r\nx-amz-acl: public-read"), UNDECLARED),
            (Some("bild/größe"), "bild/größe"),
            (Some(&"x".repeat(256)), UNDECLARED),
            (None, UNDECLARED),
        ] {
            assert_eq!(stored_type(declared), expected, "{declared:?}");
        }
    }
}
