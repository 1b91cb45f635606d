//! A form with a file in it, piece by piece: what comes before the file, the file, what comes behind it.

use async_trait::async_trait;
use attache_domain::wire::Multipart;
use attache_flow::ports::{Source, SourceError};
use bytes::Bytes;

/// The whole body of a form. Its length is watched by whoever sends it: a file of another length than the form says makes
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
