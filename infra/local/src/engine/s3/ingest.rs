//! Receiving bytes: streamed into a file, hashed on the way, and held to everything the sender declared.
//!
//! Nothing becomes visible before all of it holds: length, `Content-MD5`, and every checksum of a header or a trailer.

use data_encoding::{BASE64, HEXLOWER};
use futures_util::StreamExt;
use http::StatusCode;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum, Md5};
use s3s::dto::{ChecksumAlgorithm, StreamingBlob};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result, StdError, TrailingHeaders, s3_error};
use tokio::io::{AsyncWriteExt, BufWriter};

use super::object::{Checksums, hash_with};
use super::store::{Blob, Store, broken};

const BUFFER_BYTES: usize = 256 * 1024;
const TRAILER_PREFIX: &str = "x-amz-checksum-";

/// What the sender says of the bytes it sends.
pub(super) struct Declared {
    pub(super) length: Option<i64>,
    /// Base64.
    pub(super) md5: Option<String>,
    pub(super) checksums: Checksums,
    /// Algorithms whose digest follows in a trailer, or is to be computed.
    algorithms: Vec<String>,
    trailers: Option<TrailingHeaders>,
}

/// Bytes that have arrived and hold what was declared.
pub(super) struct Arrived {
    pub(super) blob: Blob,
    pub(super) size: u64,
    pub(super) md5: [u8; 16],
    pub(super) checksums: Checksums,
}

impl Arrived {
    /// The ETag of an object written in one piece, or of a part.
    pub(super) fn etag(&self) -> String {
        HEXLOWER.encode(&self.md5)
    }
}

impl Declared {
    pub(super) fn new<T>(
        request: &S3Request<T>,
        checksums: Checksums,
        algorithm: Option<&ChecksumAlgorithm>,
    ) -> Self {
        let announced = request
            .headers
            .get_all("x-amz-trailer")
            .iter()
            .filter_map(|value| value.to_str().ok());
        let announced = announced.flat_map(|names| names.split(','));
        let announced = announced
            .filter_map(|name| name.trim().strip_prefix(TRAILER_PREFIX))
            .map(str::to_ascii_uppercase);
        Self {
            length: None,
            md5: None,
            checksums,
            algorithms: announced
                .chain(algorithm.map(|algorithm| algorithm.as_str().to_owned()))
                .collect(),
            trailers: request.trailing_headers.clone(),
        }
    }

    fn hasher(&self) -> S3Result<ChecksumHasher> {
        let mut hasher = ChecksumHasher::default();
        let declared = self
            .checksums
            .named()
            .into_iter()
            .filter(|(_, value)| value.is_some())
            .map(|(name, _)| name);
        for algorithm in declared.chain(self.algorithms.iter().map(String::as_str)) {
            hash_with(&mut hasher, algorithm)?;
        }
        Ok(hasher)
    }

    /// Adds what the trailers declare, now that the body has been read.
    fn read_trailers(&mut self) {
        let Some(trailers) = self.trailers.as_ref().and_then(TrailingHeaders::take) else {
            return;
        };
        for (name, value) in &trailers {
            if let (Some(algorithm), Ok(value)) =
                (name.as_str().strip_prefix(TRAILER_PREFIX), value.to_str())
            {
                self.checksums
                    .set(&algorithm.to_ascii_uppercase(), Some(value.to_owned()));
            }
        }
    }

    fn verify(&self, arrived: &Arrived) -> S3Result<()> {
        if self
            .length
            .is_some_and(|length| u64::try_from(length) != Ok(arrived.size))
        {
            return Err(s3_error!(
                IncompleteBody,
                "You did not provide the number of bytes specified by the Content-Length HTTP header"
            ));
        }
        if let Some(md5) = &self.md5 {
            let declared = BASE64.decode(md5.as_bytes()).map_err(|_| {
                s3_error!(InvalidDigest, "The Content-MD5 you specified was invalid.")
            })?;
            if declared != arrived.md5 {
                return Err(s3_error!(
                    BadDigest,
                    "The Content-MD5 you specified did not match what we received."
                ));
            }
        }
        arrived.checksums.verify(&self.checksums)
    }
}

/// Why a body could not be read to its end. `s3s` keeps the kinds to itself, so they are told by their wording.
fn broken_off(error: StdError) -> S3Error {
    let text = error.to_string();
    let is = |kind: &str| text.contains(kind);
    let (code, status) = if is("SignatureMismatch") {
        (S3ErrorCode::SignatureDoesNotMatch, StatusCode::FORBIDDEN)
    } else if is("Sha256Mismatch") {
        (
            S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into()),
            StatusCode::BAD_REQUEST,
        )
    } else {
        (S3ErrorCode::IncompleteBody, StatusCode::BAD_REQUEST)
    };
    let mut failure = S3Error::with_source(code, error);
    failure.set_status_code(status);
    failure
}

/// Reads a whole body into a new file of the store.
pub(super) async fn ingest(
    store: &Store,
    body: Option<StreamingBlob>,
    mut declared: Declared,
) -> S3Result<Arrived> {
    let mut body = body.ok_or_else(|| s3_error!(IncompleteBody, "The request has no body"))?;
    let mut hasher = declared.hasher()?;
    let mut md5 = Md5::new();
    let mut size = 0;
    let blob = store.blob();
    let mut file = BufWriter::with_capacity(
        BUFFER_BYTES,
        tokio::fs::File::create(&blob.path).await.map_err(broken)?,
    );
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(broken_off)?;
        md5.update(&chunk);
        hasher.update(&chunk);
        size += chunk.len() as u64;
        file.write_all(&chunk).await.map_err(broken)?;
    }
    file.flush().await.map_err(broken)?;
    declared.read_trailers();
    let arrived = Arrived {
        blob,
        size,
        md5: md5.finalize(),
        checksums: Checksums::finish(hasher),
    };
    declared.verify(&arrived)?;
    Ok(arrived)
}
