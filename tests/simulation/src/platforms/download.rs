//! A file on its way down: in a few pieces, at a pace, to its end or not.

use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use attache_flow::ports::{Source, SourceError};
use bytes::Bytes;

use crate::scene::Scene;

/// How a download goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    until: Option<usize>,
    reset: bool,
    slow: bool,
}

impl Pace {
    /// To the end.
    #[must_use]
    pub fn whole() -> Self {
        Self::default()
    }

    /// It stops after this many bytes, as if they were all.
    #[must_use]
    pub fn until(bytes: usize) -> Self {
        Self {
            until: Some(bytes),
            ..Self::default()
        }
    }

    /// Where it stops, the connection is reset.
    #[must_use]
    pub fn and_reset(self) -> Self {
        Self {
            reset: true,
            ..self
        }
    }

    /// Up to forty seconds between two pieces.
    #[must_use]
    pub fn slow() -> Self {
        Self {
            slow: true,
            ..Self::default()
        }
    }
}

/// The body.
pub struct Body {
    scene: Rc<Scene>,
    pieces: std::vec::IntoIter<Bytes>,
    pace: Pace,
}

impl Body {
    /// The body of `bytes`, in up to four pieces.
    #[must_use]
    pub fn new(scene: Rc<Scene>, bytes: &[u8], pace: Pace) -> Self {
        let bytes = &bytes[..pace.until.unwrap_or(bytes.len()).min(bytes.len())];
        let size = bytes.len().div_ceil(scene.agenda.dice.below(4) + 1).max(1);
        let pieces: Vec<Bytes> = bytes.chunks(size).map(Bytes::copy_from_slice).collect();
        Self {
            scene,
            pieces: pieces.into_iter(),
            pace,
        }
    }
}

#[async_trait(?Send)]
impl Source for Body {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        let agenda = &self.scene.agenda;
        let longest = if self.pace.slow { 40_000 } else { 20 };
        let wait: Duration = agenda.dice.millis(0, longest);
        agenda.sleep(wait).await;
        match self.pieces.next() {
            None if self.pace.reset => {
                Err(SourceError::Broken("connection reset by peer".to_owned()))
            }
            piece => Ok(piece),
        }
    }
}
