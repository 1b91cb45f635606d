//! Twin of the buckets.

use std::io::Cursor;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::digest::Sha256Digest;
use attache_domain::event::Link;
use attache_domain::ids::MediaId;
use attache_domain::journey::StoredObject;
use attache_domain::pull::{GivenLink, Through};
use attache_domain::time::Timestamp;
use bytes::Bytes;
use url::Url;

use super::{Object, World};
use crate::ports::{
    Answer, Arrival, Bytestream, Head, Objects, Outage, Source, SourceError, Stored,
};

impl Object {
    /// What a `HEAD` tells of it.
    #[must_use]
    pub fn stored(&self) -> StoredObject {
        let digest = Sha256Digest::of(&self.bytes);
        StoredObject {
            etag: format!("\"{:.32}\"", digest.to_string()),
            size_bytes: self.bytes.len() as u64,
            digest,
        }
    }
}

/// An object in one piece.
struct Whole(Option<Bytes>);

#[async_trait(?Send)]
impl Source for Whole {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        Ok(self.0.take())
    }
}

#[async_trait(?Send)]
impl Objects for World {
    async fn head(&self, id: &MediaId) -> Answer<Option<Head>> {
        self.begin("objects.head").await?;
        let state = self.state.borrow();
        Ok(state.objects.get(id).map(|o| {
            let stored = o.stored();
            Head {
                etag: stored.etag,
                size_bytes: stored.size_bytes,
                digest: (!o.joined).then_some(stored.digest),
                declared_type: o.declared_type.clone(),
            }
        }))
    }

    async fn store(&self, arrival: &Arrival, source: &mut dyn Source) -> Answer<Stored> {
        self.begin("objects.store").await?;
        let mut bytes = Vec::new();
        loop {
            match source.next().await {
                Ok(Some(piece)) => bytes.extend_from_slice(&piece),
                Ok(None) => break,
                Err(error) => return Ok(Stored::Aborted(error)),
            }
        }
        if bytes.len() as u64 != arrival.size_bytes {
            let (expected, got) = (arrival.size_bytes, bytes.len() as u64);
            return Ok(Stored::Aborted(SourceError::Length { expected, got }));
        }
        if arrival
            .digest
            .is_some_and(|digest| digest != Sha256Digest::of(&bytes))
        {
            return Ok(Stored::Aborted(SourceError::Digest));
        }
        let outcome = {
            let mut state = self.state.borrow_mut();
            if state.objects.contains_key(&arrival.id) {
                Stored::Exists
            } else {
                let object = Object {
                    bytes,
                    declared_type: arrival.declared_type.clone(),
                    fence: arrival.fence,
                    joined: false,
                };
                let stored = object.stored();
                state.objects.insert(arrival.id.clone(), object);
                state.events.push(arrival.id.arrival_key());
                Stored::Whole(stored)
            }
        };
        self.weather.after("objects.store").await?;
        Ok(outcome)
    }

    async fn open(&self, id: &MediaId, etag: &str) -> Answer<Option<Box<dyn Bytestream>>> {
        self.begin("objects.open").await?;
        let state = self.state.borrow();
        let object = state
            .objects
            .get(id)
            .filter(|object| object.stored().etag == etag);
        Ok(object.map(|object| Box::new(Cursor::new(object.bytes.clone())) as Box<dyn Bytestream>))
    }

    async fn stream(&self, id: &MediaId, etag: &str) -> Answer<Option<Box<dyn Source>>> {
        self.begin("objects.stream").await?;
        let state = self.state.borrow();
        let object = state
            .objects
            .get(id)
            .filter(|object| object.stored().etag == etag);
        Ok(object.map(|object| {
            Box::new(Whole(Some(Bytes::from(object.bytes.clone())))) as Box<dyn Source>
        }))
    }

    async fn quarantine(&self, id: &MediaId) -> Answer<()> {
        self.begin("objects.quarantine").await?;
        let copied = {
            let mut state = self.state.borrow_mut();
            let object = state.objects.get(id).cloned();
            object
                .map(|object| state.quarantine.insert(id.clone(), object))
                .is_some()
        };
        if !copied {
            return Err(Outage::new(
                "copying into quarantine",
                format!("no original of {id}"),
            ));
        }
        self.weather.after("objects.quarantine").await
    }

    async fn erase(&self, id: &MediaId, upload: Option<&str>) -> Answer<()> {
        self.begin("objects.erase").await?;
        {
            let mut state = self.state.borrow_mut();
            state.objects.remove(id);
            state.quarantine.remove(id);
            if let Some(upload) = upload {
                state.uploads.remove(&(id.clone(), upload.to_owned()));
            }
        }
        self.weather.after("objects.erase").await
    }

    async fn remove(&self, id: &MediaId) -> Answer<()> {
        self.begin("objects.remove").await?;
        self.state.borrow_mut().objects.remove(id);
        self.weather.after("objects.remove").await
    }

    async fn link(
        &self,
        id: &MediaId,
        (mime, file_name): (&str, &str),
        (now, life): (Timestamp, Duration),
    ) -> Answer<GivenLink> {
        let until = now + life;
        let mut url = Url::parse("https://media.twin.example/")
            .map_err(|e| Outage::new("making a link", e))?;
        url.set_path(&id.arrival_key());
        url.query_pairs_mut()
            .append_pair("type", mime)
            .append_pair("name", file_name)
            .append_pair("expires", &until.as_millis().to_string());
        Ok(GivenLink {
            link: Link(url),
            until,
            through: Through::Store,
        })
    }
}
