//! Buckets: nobody outside has a way in, and what lies there is encrypted with a key of the stack's own.

use attache_local::Clients;
use aws_sdk_s3::error::ProvideErrorMetadata;

use super::is_denied;
use crate::doctor::notebook::Notebook;
use crate::doctor::rule::Rule;
use crate::system::System;

/// The outputs that name buckets.
const BUCKETS: [&str; 2] = ["MediaBucketName", "QuarantineBucketName"];

/// Asks each bucket.
pub(super) async fn check(system: &System, notes: &mut Notebook) {
    for output in BUCKETS {
        let name = output.trim_end_matches("Name");
        match system.output(output) {
            Ok(bucket) => {
                public(&system.clients, (name, bucket), notes).await;
                encrypted(&system.clients, (name, bucket), notes).await;
            }
            Err(error) => notes.find(Rule::ResourceMissing, name, format!("{error:#}")),
        }
    }
}

/// All four switches must be on: each closes another way.
async fn public(clients: &Clients, (name, bucket): (&str, &str), notes: &mut Notebook) {
    let asked = clients.s3.get_public_access_block().bucket(bucket);
    let block = match asked.send().await {
        Ok(answer) => answer.public_access_block_configuration,
        Err(error) if error.code() == Some("NoSuchPublicAccessBlockConfiguration") => None,
        Err(error) => {
            let code = error.code().unwrap_or_default();
            return unanswered(name, "s3:GetBucketPublicAccessBlock", code, notes);
        }
    };
    let open: Vec<&str> = match &block {
        None => vec!["everything"],
        Some(block) => [
            ("BlockPublicAcls", block.block_public_acls),
            ("IgnorePublicAcls", block.ignore_public_acls),
            ("BlockPublicPolicy", block.block_public_policy),
            ("RestrictPublicBuckets", block.restrict_public_buckets),
        ]
        .into_iter()
        .filter(|(_, is_on)| *is_on != Some(true))
        .map(|(switch, _)| switch)
        .collect(),
    };
    match open.is_empty() {
        true => notes.well("bucket-private", name, "all four switches are on"),
        false => notes.find(
            Rule::BucketPublic,
            name,
            format!("off: {}", open.join(", ")),
        ),
    }
}

async fn encrypted(clients: &Clients, (name, bucket): (&str, &str), notes: &mut Notebook) {
    let asked = clients.s3.get_bucket_encryption().bucket(bucket);
    let rules = match asked.send().await {
        Ok(answer) => answer
            .server_side_encryption_configuration
            .map(|it| it.rules)
            .unwrap_or_default(),
        Err(error) => {
            let code = error.code().unwrap_or_default();
            if code == "ServerSideEncryptionConfigurationNotFoundError" {
                Vec::new()
            } else {
                return unanswered(name, "s3:GetEncryptionConfiguration", code, notes);
            }
        }
    };
    let defaults = rules
        .iter()
        .filter_map(|rule| rule.apply_server_side_encryption_by_default.as_ref());
    let key = defaults
        .filter(|it| it.sse_algorithm.as_str().starts_with("aws:kms"))
        .find_map(|it| it.kms_master_key_id.as_deref());
    match key {
        Some(_) => notes.well("bucket-encrypted", name, "with a key of its own"),
        None => {
            let evidence = "by default not with a key of its own";
            notes.find(Rule::BucketUnencrypted, name, evidence);
        }
    }
}

fn unanswered(name: &str, action: &str, code: &str, notes: &mut Notebook) {
    let evidence = format!("{action}: {code}");
    if is_denied(code) {
        notes.find(Rule::NotAllowed, name, evidence);
    } else if code == "NoSuchBucket" {
        notes.find(Rule::ResourceMissing, name, evidence);
    } else {
        notes.skip("bucket", name, evidence);
    }
}
