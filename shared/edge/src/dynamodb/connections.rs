//! The `connections` table: what the owner configured, read whole and kept for a while.
//!
//! | column | type | holds |
//! |---|---|---|
//! | `id` | S | `endpoint/…`, `connection/…` or `route/…` (the key) |
//! | `doc` | S | the [`Row`], JSON |

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use attache_domain::connection::{Directory, Row};
use attache_flow::ports::{Answer, Directories, Outage};
use aws_sdk_dynamodb::Client;
use tokio::sync::Mutex;

use super::row::{self, Columns, text};
use crate::outage::outage;

/// The `connections` table.
#[derive(Clone, Debug)]
pub struct ConnectionsTable {
    client: Client,
    table: String,
}

/// What [`ConnectionsTable::apply`] changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Keys of rows that are new or changed.
    pub written: Vec<String>,
    /// Keys of rows that are gone.
    pub removed: Vec<String>,
    /// How many rows were there already, as they are to be.
    pub unchanged: usize,
}

impl ConnectionsTable {
    /// The table of this name.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }

    /// Every row.
    ///
    /// # Errors
    /// An [`Outage`] if the table cannot be read, or names the row that is not one of ours: half a configuration is
    /// worse than none.
    pub async fn rows(&self) -> Answer<Vec<Row>> {
        let documents = self.documents().await?;
        let parse = |(id, doc): (String, String)| {
            let doing = || format!("reading row {id:?} of table {}", self.table);
            serde_json::from_str(&doc).map_err(|e| Outage::new(doing(), e))
        };
        documents.into_iter().map(parse).collect()
    }

    /// Makes the table hold exactly these rows: writes what is new or changed, then removes what is not among them.
    /// Repeating it is harmless; a crash in between leaves rows of both configurations until it is repeated.
    ///
    /// # Errors
    /// An [`Outage`] if the table cannot be read or written.
    pub async fn apply(&self, rows: &[Row]) -> Answer<Applied> {
        let mut present = self.documents().await?;
        let mut applied = Applied::default();
        for row in rows {
            let id = row.id();
            let doing = || format!("writing row {id:?} of table {}", self.table);
            let doc = serde_json::to_string(row).map_err(|e| Outage::new(doing(), e))?;
            if present.remove(&id).as_ref() == Some(&doc) {
                applied.unchanged += 1;
                continue;
            }
            self.put(&id, doc).await?;
            applied.written.push(id);
        }
        for id in present.into_keys() {
            self.remove(&id).await?;
            applied.removed.push(id);
        }
        Ok(applied)
    }

    /// The documents by key, as they are: also those that are no row of ours.
    ///
    /// # Errors
    /// An [`Outage`] if the table cannot be read.
    pub async fn documents(&self) -> Answer<BTreeMap<String, String>> {
        let scan = self.client.scan().table_name(&self.table);
        let mut pages = scan.consistent_read(true).into_paginator().send();
        let mut documents = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|e| outage("reading the connections", e))?;
            for row in page.items() {
                let (id, doc) = self.entry(row)?;
                documents.insert(id, doc);
            }
        }
        Ok(documents)
    }

    /// Writes one document, a [`Row`] as JSON, over whatever is there.
    ///
    /// # Errors
    /// An [`Outage`] if the table cannot be written.
    pub async fn put(&self, id: &str, doc: String) -> Answer<()> {
        let doing = || format!("writing row {id:?} of table {}", self.table);
        let put = self.client.put_item().table_name(&self.table);
        let put = put.item("id", text(id)).item("doc", text(doc));
        put.send().await.map(drop).map_err(|e| outage(doing(), e))
    }

    /// Removes one row; it need not be there.
    ///
    /// # Errors
    /// An [`Outage`] if the table cannot be written.
    pub async fn remove(&self, id: &str) -> Answer<()> {
        let delete = self.client.delete_item().table_name(&self.table);
        let deleted = delete.key("id", text(id)).send().await;
        deleted
            .map(drop)
            .map_err(|e| outage(format!("removing row {id:?}"), e))
    }

    fn entry(&self, row: &row::Row) -> Answer<(String, String)> {
        let columns = Columns::new(&self.table, row);
        let read = || {
            Ok((
                columns.text("id")?.to_owned(),
                columns.text("doc")?.to_owned(),
            ))
        };
        read().map_err(|e: super::Undecodable| Outage::new("reading the connections", e))
    }
}

/// The configuration, loaded when the copy in hand is older than its age allows. Callers that come at once share one
/// load.
#[derive(Debug)]
pub struct CachedDirectories {
    table: ConnectionsTable,
    max_age: Duration,
    allow_local: bool,
    loaded: Mutex<Option<(Instant, Rc<Directory>)>>,
}

impl CachedDirectories {
    /// Over this table; connections marked `local` are dropped unless `allow_local`.
    #[must_use]
    pub fn new(table: ConnectionsTable, max_age: Duration, allow_local: bool) -> Self {
        Self {
            table,
            max_age,
            allow_local,
            loaded: Mutex::new(None),
        }
    }

    async fn load(&self, loaded: &mut Option<(Instant, Rc<Directory>)>) -> Answer<Rc<Directory>> {
        // The age counts from before the read: what was written after it began may be missing.
        let at = Instant::now();
        let directory = Directory::new(self.table.rows().await?);
        let directory = if self.allow_local {
            directory
        } else {
            directory.without_local()
        };
        let directory = Rc::new(directory);
        *loaded = Some((at, Rc::clone(&directory)));
        Ok(directory)
    }
}

#[async_trait(?Send)]
impl Directories for CachedDirectories {
    async fn current(&self) -> Answer<Rc<Directory>> {
        let mut loaded = self.loaded.lock().await;
        let fresh = loaded
            .as_ref()
            .filter(|(at, _)| at.elapsed() < self.max_age);
        if let Some((_, directory)) = fresh {
            return Ok(Rc::clone(directory));
        }
        self.load(&mut loaded).await
    }

    async fn newest(&self) -> Answer<Rc<Directory>> {
        let mut loaded = self.loaded.lock().await;
        self.load(&mut loaded).await
    }
}
