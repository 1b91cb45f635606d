//! Twin of uploads in parts.

use async_trait::async_trait;
use attache_domain::digest::Sha256Digest;
use attache_domain::ids::MediaId;
use attache_domain::transfer::Part;
use bytes::Bytes;

use super::{Object, Upload, World};
use crate::ports::{Answer, Clock, Joined, Parts};

fn part(bytes: &[u8]) -> Part {
    let digest = Sha256Digest::of(bytes);
    Part {
        etag: format!("\"{:.32}\"", digest.to_string()),
        digest,
    }
}

impl World {
    fn join(&self, id: &MediaId, upload: &str, parts: &[Part]) -> Joined {
        let mut state = self.state.borrow_mut();
        let key = (id.clone(), upload.to_owned());
        let Some(found) = state.uploads.get(&key) else {
            return Joined::Gone;
        };
        let mut bytes = Vec::new();
        for (number, named) in (1..).zip(parts) {
            match found.parts.get(&number) {
                Some(stored) if part(stored) == *named => bytes.extend_from_slice(stored),
                _ => return Joined::Gone,
            }
        }
        if state.objects.contains_key(id) {
            return Joined::Exists;
        }
        let object = Object {
            bytes,
            declared_type: found.declared_type.clone(),
            fence: found.fence,
            joined: true,
        };
        state.objects.insert(id.clone(), object);
        state.uploads.remove(&key);
        state.events.push(id.arrival_key());
        Joined::Whole
    }
}

#[async_trait(?Send)]
impl Parts for World {
    async fn begin_parts(
        &self,
        id: &MediaId,
        declared_type: Option<&str>,
        fence: u32,
    ) -> Answer<String> {
        self.begin("parts.begin").await?;
        let name = format!("{:016x}", self.draw());
        let upload = Upload {
            declared_type: declared_type.map(ToOwned::to_owned),
            fence,
            ..Upload::default()
        };
        let key = (id.clone(), name.clone());
        self.state.borrow_mut().uploads.insert(key, upload);
        self.weather.after("parts.begin").await?;
        Ok(name)
    }

    async fn add_part(
        &self,
        id: &MediaId,
        upload: &str,
        number: u32,
        bytes: Bytes,
    ) -> Answer<Option<Part>> {
        self.begin("parts.add").await?;
        let added = {
            let mut state = self.state.borrow_mut();
            let key = (id.clone(), upload.to_owned());
            state.uploads.get_mut(&key).map(|upload| {
                upload.parts.insert(number, bytes.to_vec());
                part(&bytes)
            })
        };
        self.weather.after("parts.add").await?;
        Ok(added)
    }

    async fn join_parts(&self, id: &MediaId, upload: &str, parts: &[Part]) -> Answer<Joined> {
        self.begin("parts.join").await?;
        let joined = self.join(id, upload, parts);
        self.weather.after("parts.join").await?;
        Ok(joined)
    }

    async fn discard_parts(&self, id: &MediaId, upload: &str) -> Answer<()> {
        self.begin("parts.discard").await?;
        let key = (id.clone(), upload.to_owned());
        self.state.borrow_mut().uploads.remove(&key);
        self.weather.after("parts.discard").await
    }
}
