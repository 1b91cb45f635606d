//! A file on its way out, piece by piece: alone, or within a form between what comes before and behind it.

use async_trait::async_trait;
use attache_domain::wire::Multipart;
use attache_flow::ports::{Source, SourceError};
use bytes::Bytes;

/// The whole body, a form's or a file's. Its length is watched by whoever sends it: a file of another length than was said makes
/// another length of the whole.
pub(super) struct Form {
    head: Option<Bytes>,
    file: Option<Box<dyn Source>>,
    tail: Option<Bytes>,
}

impl Form {
    pub(super) fn new(form: &Multipart, file: Box<dyn Source>) -> Self {
        Self {
            head: Some(Bytes::from(form.head.clone())),
            file: Some(file),
            tail: Some(Bytes::from(form.tail.clone())),
        }
    }

    /// The file alone.
    pub(super) fn bare(file: Box<dyn Source>) -> Self {
        Self {
            head: None,
            file: Some(file),
            tail: None,
        }
    }
}

#[async_trait(?Send)]
impl Source for Form {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        if let Some(head) = self.head.take() {
            return Ok(Some(head));
        }
        if let Some(file) = &mut self.file {
            if let Some(piece) = file.next().await? {
                return Ok(Some(piece));
            }
            self.file = None;
        }
        Ok(self.tail.take())
    }
}
