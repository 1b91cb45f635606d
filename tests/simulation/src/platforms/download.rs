//! A file on its way down: in a few pieces, at a pace, to its end or not.

use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::transfer::Rest;
use attache_domain::wire::{Headers, Response};
use attache_flow::ports::{Download, Source, SourceError};
use bytes::Bytes;

use crate::faults::Fault;
use crate::scene::{Scene, Sent};

/// How a download can go wrong.
pub(super) const DOWNLOAD_FAULTS: &[Fault] = &[
    Fault::LinkDead,
    Fault::ErrorPage,
    Fault::NoLength,
    Fault::Cut,
    Fault::Reset,
    Fault::Slow,
];

/// What every host calls every file: none ever changes.
const ETAG: &str = "\"1\"";

/// A file, or the rest of it, as well as the fault lets it come. Hosts honour ranges as they please.
pub(super) fn serve(
    scene: &Rc<Scene>,
    sent: &Sent,
    fault: Option<Fault>,
    rest: Option<&Rest>,
) -> Download {
    let file = &sent.file;
    let named = rest.filter(|rest| rest.validator == ETAG && scene.agenda.dice.chance(700));
    let from = named.and_then(|rest| usize::try_from(rest.from_byte).ok());
    let bytes = &file.bytes[from.unwrap_or(0).min(file.bytes.len())..];
    let whole = bytes.len();
    let pace = match fault {
        Some(Fault::LinkDead) => return page(404, "text/html", ""),
        Some(Fault::ErrorPage) => return page(200, "text/html", "<html>Sorry</html>"),
        Some(Fault::Cut) => Pace::until(scene.agenda.dice.below(whole.max(1))),
        Some(Fault::Reset) => Pace::until(scene.agenda.dice.below(whole.max(1))).and_reset(),
        Some(Fault::Slow) => Pace::slow(),
        _ if sent.tardy => Pace::tardy(),
        _ => Pace::whole(),
    };
    let mut head = vec![("Content-Type", file.mime.to_owned())];
    if scene.agenda.dice.chance(800) {
        head.push(("ETag", ETAG.to_owned()));
    }
    if fault != Some(Fault::NoLength) {
        head.push(("Content-Length", whole.to_string()));
    }
    let (end, total) = (file.bytes.len().saturating_sub(1), file.bytes.len());
    let status = match from {
        Some(from) if whole > 0 => {
            head.push(("Content-Range", format!("bytes {from}-{end}/{total}")));
            206
        }
        Some(_) => {
            head.push(("Content-Range", format!("bytes */{total}")));
            416
        }
        None => 200,
    };
    let head = head
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    Download {
        status,
        headers: Headers::new(head),
        body: Box::new(Body::new(Rc::clone(scene), bytes, pace)),
    }
}

fn headers(mime: &str, length: usize) -> Headers {
    Headers::new([
        ("Content-Type".to_owned(), mime.to_owned()),
        ("Content-Length".to_owned(), length.to_string()),
    ])
}

/// An answer that is no file.
pub(super) fn page(status: u16, mime: &str, text: &str) -> Download {
    Download {
        status,
        headers: headers(mime, text.len()),
        body: Box::new(Page),
    }
}

/// An answer whose body nobody reads.
pub(super) fn headers_alone(answer: Response) -> Download {
    Download {
        status: answer.status,
        headers: answer.headers,
        body: Box::new(Page),
    }
}

/// The body of an answer nobody reads.
struct Page;

#[async_trait(?Send)]
impl Source for Page {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        Ok(None)
    }
}

/// How a download goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Pace {
    until: Option<usize>,
    reset: bool,
    slow: bool,
    tardy: bool,
}

impl Pace {
    /// To the end.
    fn whole() -> Self {
        Self::default()
    }

    /// It stops after this many bytes, as if they were all.
    fn until(bytes: usize) -> Self {
        Self {
            until: Some(bytes),
            ..Self::default()
        }
    }

    /// Where it stops, the connection is reset.
    fn and_reset(self) -> Self {
        Self {
            reset: true,
            ..self
        }
    }

    /// Longer than a sender waits before the first piece.
    fn tardy() -> Self {
        Self {
            tardy: true,
            ..Self::default()
        }
    }

    /// Up to forty seconds between two pieces.
    fn slow() -> Self {
        Self {
            slow: true,
            ..Self::default()
        }
    }
}

/// The body.
struct Body {
    scene: Rc<Scene>,
    pieces: std::vec::IntoIter<Bytes>,
    pace: Pace,
}

impl Body {
    /// The body of `bytes`, in up to four pieces.
    fn new(scene: Rc<Scene>, bytes: &[u8], pace: Pace) -> Self {
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
        let tardy = std::mem::take(&mut self.pace.tardy);
        let shortest = if tardy { 9_000 } else { 0 };
        let wait: Duration = agenda.dice.millis(shortest, longest + 2 * shortest);
        agenda.sleep(wait).await;
        match self.pieces.next() {
            None if self.pace.reset => {
                Err(SourceError::Broken("connection reset by peer".to_owned()))
            }
            piece => Ok(piece),
        }
    }
}
