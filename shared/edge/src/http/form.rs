//! A file on its way out, piece by piece: alone, within a form between what comes before and behind it, or in base64 within JSON.
//!
//! Base64 is made while it is sent: of each piece, behind the one or two bytes that the piece before left over. So a file takes no
//! more memory encoded than a piece does.

use async_trait::async_trait;
use attache_domain::wire::{Base64Body, Multipart};
use attache_flow::ports::{Source, SourceError};
use bytes::Bytes;
use data_encoding::BASE64;

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

    /// The file in base64 between the rest of a JSON object.
    pub(super) fn base64(body: &Base64Body, file: Box<dyn Source>) -> Self {
        let rest = Vec::with_capacity(GROUP);
        let file = Some(file);
        Self {
            head: Some(Bytes::from(body.head.clone())),
            file: Some(Box::new(Encoded { file, rest })),
            tail: Some(Bytes::from(body.tail.clone())),
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

/// Three bytes are four characters.
const GROUP: usize = 3;

/// A file in base64.
struct Encoded {
    file: Option<Box<dyn Source>>,
    /// What of the pieces so far is no whole group yet.
    rest: Vec<u8>,
}

impl Encoded {
    /// The characters of all whole groups of what is left over and `piece`.
    fn encode(&mut self, piece: &[u8]) -> String {
        let mut text = String::new();
        let missing = (GROUP - self.rest.len()).min(piece.len());
        let (first, piece) = match self.rest.is_empty() {
            true => (&[][..], piece),
            false => piece.split_at(missing),
        };
        self.rest.extend_from_slice(first);
        if self.rest.len() == GROUP {
            BASE64.encode_append(&self.rest, &mut text);
            self.rest.clear();
        }
        let (whole, left) = piece.split_at(piece.len() - piece.len() % GROUP);
        BASE64.encode_append(whole, &mut text);
        self.rest.extend_from_slice(left);
        text
    }
}

#[async_trait(?Send)]
impl Source for Encoded {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        while let Some(file) = &mut self.file {
            let Some(piece) = file.next().await? else {
                self.file = None;
                let last = BASE64.encode(&self.rest);
                return Ok(Some(Bytes::from(last)).filter(|last| !last.is_empty()));
            };
            let text = self.encode(&piece);
            if !text.is_empty() {
                return Ok(Some(Bytes::from(text)));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pieces(Vec<&'static [u8]>);

    #[async_trait(?Send)]
    impl Source for Pieces {
        async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
            let piece = (!self.0.is_empty()).then(|| self.0.remove(0));
            Ok(piece.map(Bytes::from_static))
        }
    }

    #[tokio::test]
    async fn however_a_file_is_cut_its_base64_is_the_same() {
        let cuts: [&[&'static [u8]]; 7] = [
            &[],
            &[b""],
            &[b"Attache: \xff\x00"],
            &[b"A", b"t", b"tache", b": \xff\x00"],
            &[b"Atta", b"", b"c", b"he: \xff\x00"],
            &[b"At", b"tache: ", b"\xff\x00"],
            &[b"Attache: \xff", b"\x00!"],
        ];
        for cut in cuts {
            let whole = cut.concat();
            let body = Base64Body::new("content", &[("mimeType", "a/b")], whole.len() as u64);
            let mut form = Form::base64(&body, Box::new(Pieces(cut.to_vec())));
            let mut sent = Vec::new();
            while let Some(piece) = form.next().await.unwrap() {
                sent.extend_from_slice(&piece);
            }
            assert_eq!(sent.len() as u64, body.content_length(), "{cut:?}");
            let expected = BASE64.encode(&whole);
            let expected = format!("{{\"content\":\"{expected}\",\"mimeType\":\"a/b\"}}");
            assert_eq!(String::from_utf8(sent).unwrap(), expected, "{cut:?}");
        }
    }
}
