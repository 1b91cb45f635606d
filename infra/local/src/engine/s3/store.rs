//! Buckets and objects on disk, with an index in memory.
//!
//! The bytes of an object are a file that is never changed (`blobs/<id>`); a small record (`buckets/<bucket>/<digest>.json`)
//! says which file an object is. Renaming a record into place is the moment an object exists, and it happens under the one
//! lock that also checks the conditions: of many conditional writers exactly one wins, and a reader sees the old object or
//! the new one, never a half. Files no record names are removed at start: they belong to uploads that died.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use data_encoding::HEXLOWER;
use s3s::{S3Error, S3Result, s3_error};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::super::{ObjectCreated, files};
use super::multipart::Upload;
use super::object::Object;
use super::precondition::Precondition;

/// All buckets and running uploads.
pub(super) struct Store {
    root: PathBuf,
    state: Mutex<State>,
    events: mpsc::UnboundedSender<ObjectCreated>,
}

/// The index.
#[derive(Default)]
pub(super) struct State {
    pub(super) buckets: BTreeMap<String, BTreeMap<String, Arc<Object>>>,
    pub(super) uploads: BTreeMap<String, Upload>,
    sequence: u128,
}

/// A file being written, removed unless it becomes part of an object or upload.
pub(super) struct Blob {
    pub(super) name: String,
    pub(super) path: PathBuf,
    kept: bool,
}

impl Blob {
    /// The file stays from now on.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Blob {
    fn drop(&mut self) {
        if !self.kept {
            remove(&self.path);
        }
    }
}

/// The failure for a bucket nobody created.
pub(super) fn no_such_bucket() -> S3Error {
    s3_error!(NoSuchBucket, "The specified bucket does not exist")
}

/// The failure of the disk underneath.
pub(super) fn broken(error: io::Error) -> S3Error {
    S3Error::internal_error(error)
}

impl Store {
    /// Reads what is kept under `root` and clears away what belongs to nothing.
    pub(super) fn open(
        root: &Path,
        events: mpsc::UnboundedSender<ObjectCreated>,
    ) -> io::Result<Self> {
        for folder in ["blobs", "buckets", "uploads"] {
            fs::create_dir_all(root.join(folder))?;
        }
        let mut state = State::default();
        for bucket in fs::read_dir(root.join("buckets"))? {
            let bucket = bucket?;
            let name = bucket.file_name().to_string_lossy().into_owned();
            let objects: Vec<Object> = records(&bucket.path())?;
            state.buckets.insert(
                name,
                objects
                    .into_iter()
                    .map(|object| (object.key.clone(), Arc::new(object)))
                    .collect(),
            );
        }
        let uploads: Vec<Upload> = records(&root.join("uploads"))?;
        state.uploads = uploads
            .into_iter()
            .map(|upload| (upload.id.clone(), upload))
            .collect();
        remove_orphans(&root.join("blobs"), &state)?;
        Ok(Self {
            root: root.to_owned(),
            state: Mutex::new(state),
            events,
        })
    }

    /// The index, locked.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new file to write into.
    pub(super) fn blob(&self) -> Blob {
        let name = format!("{:032x}", rand::random::<u128>());
        Blob {
            path: self.blob_path(&name),
            name,
            kept: false,
        }
    }

    pub(super) fn blob_path(&self, name: &str) -> PathBuf {
        self.root.join("blobs").join(name)
    }

    pub(super) fn create_bucket(&self, bucket: &str) -> S3Result<()> {
        let mut state = self.state();
        if state.buckets.contains_key(bucket) {
            return Err(s3_error!(
                BucketAlreadyOwnedByYou,
                "Your previous request to create the named bucket succeeded and you already own it."
            ));
        }
        fs::create_dir_all(self.bucket_path(bucket)).map_err(broken)?;
        state.buckets.insert(bucket.to_owned(), BTreeMap::new());
        Ok(())
    }

    pub(super) fn delete_bucket(&self, bucket: &str) -> S3Result<()> {
        let mut state = self.state();
        if !state.bucket(bucket)?.is_empty() {
            return Err(s3_error!(
                BucketNotEmpty,
                "The bucket you tried to delete is not empty"
            ));
        }
        fs::remove_dir_all(self.bucket_path(bucket)).map_err(broken)?;
        state.buckets.remove(bucket);
        Ok(())
    }

    /// Makes an object exist, if its condition still holds, and announces it.
    pub(super) fn commit(
        &self,
        bucket: &str,
        object: Object,
        blob: Blob,
        condition: &Precondition,
        event_name: &'static str,
    ) -> S3Result<Arc<Object>> {
        let mut state = self.state();
        let existing = state.bucket(bucket)?.get(&object.key).cloned();
        condition.check_write(existing.as_deref())?;
        files::write_json(&self.record_path(bucket, &object.key), &object).map_err(broken)?;
        blob.keep();
        let object = Arc::new(object);
        state
            .bucket_mut(bucket)?
            .insert(object.key.clone(), Arc::clone(&object));
        let announced = state.announce(bucket, &object, event_name);
        drop(state);
        if let Some(replaced) = existing {
            self.discard(&replaced.blob);
        }
        // Nobody listening is no failure of the write.
        let _ = self.events.send(announced);
        Ok(object)
    }

    /// Changes what is said about an object, leaving its bytes.
    pub(super) fn amend(
        &self,
        bucket: &str,
        key: &str,
        change: impl FnOnce(&mut Object),
    ) -> S3Result<()> {
        let mut state = self.state();
        let mut object = state.object(bucket, key)?.as_ref().clone();
        change(&mut object);
        files::write_json(&self.record_path(bucket, key), &object).map_err(broken)?;
        state
            .bucket_mut(bucket)?
            .insert(key.to_owned(), Arc::new(object));
        Ok(())
    }

    /// Finds an object and opens its bytes, in one step.
    pub(super) fn open_object(
        &self,
        bucket: &str,
        key: &str,
        check: impl FnOnce(&Object) -> S3Result<()>,
    ) -> S3Result<(Arc<Object>, fs::File)> {
        let state = self.state();
        let object = Arc::clone(state.object(bucket, key)?);
        check(&object)?;
        let file = fs::File::open(self.blob_path(&object.blob)).map_err(broken)?;
        Ok((object, file))
    }

    /// Deletes an object; one that is not there is deleted already.
    pub(super) fn delete(&self, bucket: &str, key: &str, condition: &Precondition) -> S3Result<()> {
        let mut state = self.state();
        let existing = state.bucket(bucket)?.get(key).cloned();
        condition.check_write(existing.as_deref())?;
        let Some(object) = existing else {
            return Ok(());
        };
        fs::remove_file(self.record_path(bucket, key)).map_err(broken)?;
        state.bucket_mut(bucket)?.remove(key);
        drop(state);
        self.discard(&object.blob);
        Ok(())
    }

    /// Writes an upload's record.
    pub(super) fn keep_upload(&self, upload: &Upload) -> S3Result<()> {
        files::write_json(&self.upload_path(&upload.id), upload).map_err(broken)
    }

    /// Removes the bytes of something nothing names any more.
    pub(super) fn discard(&self, blob: &str) {
        remove(&self.blob_path(blob));
    }

    /// Forgets an upload with all its parts.
    pub(super) fn forget_upload(&self, upload: &Upload) {
        remove(&self.upload_path(&upload.id));
        for part in upload.parts.values() {
            self.discard(&part.blob);
        }
    }

    fn upload_path(&self, id: &str) -> PathBuf {
        self.root.join("uploads").join(format!("{id}.json"))
    }

    fn bucket_path(&self, bucket: &str) -> PathBuf {
        self.root.join("buckets").join(bucket)
    }

    fn record_path(&self, bucket: &str, key: &str) -> PathBuf {
        self.bucket_path(bucket).join(format!(
            "{}.json",
            HEXLOWER.encode(&Sha256::digest(key.as_bytes()))
        ))
    }
}

impl State {
    pub(super) fn bucket(&self, bucket: &str) -> S3Result<&BTreeMap<String, Arc<Object>>> {
        self.buckets.get(bucket).ok_or_else(no_such_bucket)
    }

    fn bucket_mut(&mut self, bucket: &str) -> S3Result<&mut BTreeMap<String, Arc<Object>>> {
        self.buckets.get_mut(bucket).ok_or_else(no_such_bucket)
    }

    pub(super) fn object(&self, bucket: &str, key: &str) -> S3Result<&Arc<Object>> {
        self.bucket(bucket)?
            .get(key)
            .ok_or_else(|| s3_error!(NoSuchKey, "The specified key does not exist."))
    }

    /// The event of a new object. Its sequencer grows with every event, also over restarts, and sorts as text.
    fn announce(
        &mut self,
        bucket: &str,
        object: &Object,
        event_name: &'static str,
    ) -> ObjectCreated {
        let at = SystemTime::now();
        let nanoseconds = at
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_nanos();
        self.sequence = nanoseconds.max(self.sequence + 1);
        ObjectCreated {
            bucket: bucket.to_owned(),
            key: object.key.clone(),
            size: object.size,
            etag: object.etag.clone(),
            event_name,
            sequencer: format!("{:018X}", self.sequence),
            at,
        }
    }
}

fn records<T: serde::de::DeserializeOwned>(folder: &Path) -> io::Result<Vec<T>> {
    let mut records = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            records.extend(files::read_json::<T>(&path)?);
        }
    }
    Ok(records)
}

fn remove_orphans(blobs: &Path, state: &State) -> io::Result<()> {
    let objects = state
        .buckets
        .values()
        .flat_map(BTreeMap::values)
        .map(|object| object.blob.as_str());
    let parts = state
        .uploads
        .values()
        .flat_map(|upload| upload.parts.values())
        .map(|part| part.blob.as_str());
    let named: BTreeSet<&str> = objects.chain(parts).collect();
    for entry in fs::read_dir(blobs)? {
        let entry = entry?;
        if !entry
            .file_name()
            .to_str()
            .is_some_and(|name| named.contains(name))
        {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Removes a file nothing names any more. Failing costs only space: the next start clears it away.
fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "a file of the object store could not be removed");
    }
}
