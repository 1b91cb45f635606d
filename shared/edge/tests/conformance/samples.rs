//! Items, terms and arrivals that the tests share.

use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::audit::Actor;
use attache_domain::channels::Direction;
use attache_domain::claim::{Lease, Terms, Work};
use attache_domain::event::{Content, File, MediaKind, Origin};
use attache_domain::ids::{AttachmentId, ConnectionId, MediaId, MessageId};
use attache_domain::journey::Item;
use attache_domain::pacing::gcra::Request;
use attache_domain::pacing::rate::Rate;
use attache_domain::time::Timestamp;
use attache_flow::ports::{Arrival, Source, SourceError};
use bytes::Bytes;

const NOW: Timestamp = Timestamp::from_seconds(1_750_000_000);

/// An item announced so many seconds after the first.
pub(crate) fn item(name: &str, after: u64) -> Item {
    let file = File::new(MediaKind::Image);
    let origin = Origin::new(
        (ConnectionId::new("edge"), Direction::ToAgent),
        (MessageId::new(name), AttachmentId::new("1")),
        ("16505551234", NOW),
        Content::File(file),
    );
    let seconds = Duration::from_secs;
    let spans = (seconds(30), seconds(86_400));
    Item::announce(origin, Actor::Intake, NOW + seconds(after), spans)
}

pub(crate) fn fetch_terms() -> Terms {
    let lease = Lease {
        holder: 1,
        since: NOW,
        until: NOW + Duration::from_secs(30),
    };
    Terms {
        work: Work::Fetch,
        epoch: 0,
        sequence: 0,
        now: NOW,
        lease,
    }
}

pub(crate) fn one_slot() -> Request {
    let rate = Rate::new(10, Duration::from_secs(1), 1).unwrap();
    Request::new(rate, NonZeroU32::MIN, NOW)
}

pub(crate) fn arrival(id: &MediaId, bytes: &[u8]) -> Arrival {
    Arrival {
        id: id.clone(),
        size_bytes: bytes.len() as u64,
        digest: None,
        declared_type: None,
        fence: 3,
    }
}

/// One piece.
pub(crate) struct Once(pub(crate) Option<&'static [u8]>);

#[async_trait(?Send)]
impl Source for Once {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        Ok(self.0.take().map(Bytes::from_static))
    }
}
