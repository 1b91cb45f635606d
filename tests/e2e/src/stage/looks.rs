//! What a scenario looks at once its files rest: buckets, queues, and everything that must never be.

use std::cell::Cell;
use std::time::Duration;

use anyhow::{Context, Result};
use attache_domain::event::Origin;
use attache_operator::site::table_name;
use attache_operator::standins::StandIns;
use aws_sdk_sqs::types::QueueAttributeName as Attribute;

use super::Stage;
use crate::eventually;

/// So often in a row must nothing be going on before a stage counts as quiet.
const QUIET_LOOKS: u32 = 3;

impl Stage {
    /// The keys in one of the template's buckets, ordered.
    ///
    /// # Errors
    /// If the template has no such bucket, or it cannot be listed.
    pub async fn keys(&self, bucket: &str) -> Result<Vec<String>> {
        let bucket = self
            .run
            .template()
            .bucket(bucket)
            .context("no such bucket in the template")?;
        let s3 = &self.run.clients().s3;
        let mut pages = s3
            .list_objects_v2()
            .bucket(&bucket.name)
            .into_paginator()
            .send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            keys.extend(
                page?
                    .contents
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|object| object.key),
            );
        }
        Ok(keys)
    }

    /// How many parts of uploads that were neither joined nor dropped lie in one of the template's buckets. An upload
    /// without any costs nothing.
    ///
    /// # Errors
    /// As [`Stage::keys`].
    pub async fn parts(&self, bucket: &str) -> Result<usize> {
        let bucket = self.run.template().bucket(bucket);
        let bucket = bucket.context("no such bucket in the template")?;
        let s3 = &self.run.clients().s3;
        let open = s3.list_multipart_uploads().bucket(&bucket.name);
        let mut parts = 0;
        for upload in open.send().await?.uploads() {
            let held = s3.list_parts().bucket(&bucket.name);
            let held = held
                .set_key(upload.key.clone())
                .set_upload_id(upload.upload_id.clone());
            parts += held.send().await?.parts().len();
        }
        Ok(parts)
    }

    /// What every row of the `media` table came from, in no order.
    ///
    /// # Errors
    /// If the table cannot be read, or a row in it.
    pub async fn origins(&self) -> Result<Vec<Origin>> {
        let table = table_name(self.run.template(), "MediaTable")?;
        let dynamodb = &self.run.clients().dynamodb;
        let scan = dynamodb.scan().table_name(table).into_paginator();
        let mut rows = scan.items().send();
        let mut origins = Vec::new();
        while let Some(row) = rows.next().await {
            let row = row?;
            let origin = row.get("o").and_then(|origin| origin.as_s().ok());
            let origin = origin.context("a row without an origin")?;
            origins.push(serde_json::from_str(origin)?);
        }
        Ok(origins)
    }

    /// Waits until every function has done what it was given and no queue has anything for it. What a killed process had
    /// received stays hidden for longer than any scenario, and does not count.
    ///
    /// # Errors
    /// If that is not so within the bound.
    pub async fn quiet(&self, within: Duration) -> Result<()> {
        let quiet_looks = Cell::new(0);
        let look = || async {
            // A batch is on its way for a moment after it left its queue and before its invocation counts.
            let quiet = self.waiting_jobs().await? == 0 && !self.is_working();
            quiet_looks.set(if quiet { quiet_looks.get() + 1 } else { 0 });
            Ok((quiet_looks.get() >= QUIET_LOOKS).then_some(()))
        };
        eventually("nothing going on any more", within, look).await
    }

    /// Messages that a function is yet to receive, delayed ones included.
    async fn waiting_jobs(&self) -> Result<u64> {
        let mut waiting = 0;
        for queue in self
            .run
            .template()
            .queues
            .iter()
            .filter(|queue| queue.redrive.is_some())
        {
            waiting += self
                .depth(
                    &queue.url,
                    &[
                        Attribute::ApproximateNumberOfMessages,
                        Attribute::ApproximateNumberOfMessagesDelayed,
                    ],
                )
                .await?;
        }
        Ok(waiting)
    }

    async fn depth(&self, url: &str, attributes: &[Attribute]) -> Result<u64> {
        let request = self.run.clients().sqs.get_queue_attributes().queue_url(url);
        let answer = request
            .set_attribute_names(Some(attributes.to_vec()))
            .send()
            .await?;
        let counts = answer.attributes.unwrap_or_default().into_values();
        Ok(counts.filter_map(|count| count.parse::<u64>().ok()).sum())
    }

    /// Whether a function was given something that it did not answer yet.
    #[must_use]
    pub fn is_working(&self) -> bool {
        let functions = self.run.template().functions.iter();
        let mut counts = functions.map(|function| self.run.invocations(&function.logical_id));
        counts.any(|count| count.started > count.succeeded + count.failed)
    }

    /// How many messages lie in the queues that nobody works on: dead letters and failed events.
    ///
    /// # Errors
    /// If a queue cannot be read.
    pub async fn dead_letters(&self) -> Result<u64> {
        let mut dead = 0;
        for queue in self
            .run
            .template()
            .queues
            .iter()
            .filter(|queue| queue.redrive.is_none())
        {
            dead += self
                .depth(&queue.url, &[Attribute::ApproximateNumberOfMessages])
                .await?;
        }
        Ok(dead)
    }

    /// Everything that must never be: breaches of the published schemas, tokens where they do not
    /// belong, and calls that the template does not grant.
    #[must_use]
    pub fn breaches(&self) -> Vec<String> {
        let StandIns {
            whatsapp,
            messenger,
            genesys,
            canary,
        } = &self.standins;
        let violations = whatsapp
            .violations()
            .into_iter()
            .chain(genesys.violations());
        let violations = violations.map(|violation| format!("specification: {violation:?}"));
        let strays = canary
            .strays()
            .into_iter()
            .map(|stray| format!("stray token: {stray:?}"));
        let denied = self.run.calls().into_iter().filter(|call| call.denied > 0);
        let denied = denied.map(|call| format!("not granted: {call:?}"));
        let undocumented = messenger.breaches().into_iter();
        let undocumented = undocumented.map(|breach| format!("not documented: {breach}"));
        violations
            .chain(undocumented)
            .chain(strays)
            .chain(denied)
            .collect()
    }
}
