//! A stored original on its way to a platform: piece by piece, its length checked.

use async_trait::async_trait;
use attache_flow::batch::chain;
use attache_flow::ports::{Source, SourceError};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

/// The bytes of an object. The SDK checks them against the stored digest as they pass: a mismatch is an error in the place
/// of the end.
pub(super) struct Original {
    bytes: ByteStream,
    length: u64,
    got: u64,
}

impl Original {
    /// An object of `length` bytes.
    pub(super) fn new(bytes: ByteStream, length: u64) -> Self {
        Self {
            bytes,
            length,
            got: 0,
        }
    }
}

#[async_trait(?Send)]
impl Source for Original {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        let piece = match self.bytes.next().await {
            Some(Ok(piece)) => Some(piece),
            Some(Err(error)) => return Err(SourceError::Broken(chain(&error))),
            None => None,
        };
        self.got += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        if self.got > self.length || (piece.is_none() && self.got < self.length) {
            return Err(SourceError::Length {
                expected: self.length,
                got: self.got,
            });
        }
        Ok(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(length: u64) -> Result<Vec<u8>, SourceError> {
        let mut original = Original::new(ByteStream::from_static(b"%PDF-1.7"), length);
        let mut bytes = Vec::new();
        while let Some(piece) = original.next().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    #[tokio::test]
    async fn an_object_of_another_length_is_no_object() {
        let length = |expected| Err(SourceError::Length { expected, got: 8 });
        for (said, expected) in [
            (8, Ok(b"%PDF-1.7".to_vec())),
            (7, length(7)),
            (9, length(9)),
        ] {
            assert_eq!(read(said).await, expected, "{said}");
        }
    }
}
