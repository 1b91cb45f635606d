//! A deployed stack, by its name: CloudFormation knows its outputs and parameters.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use attache_edge::aws::Aws;
use attache_local::Clients;
use aws_config::meta::region::ProvideRegion;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::{Stack, TemplateStage};

use super::{Place, System, asked};

/// The template's default for `ConnectionsMaxAgeSeconds`, for a stack older than this parameter.
const MAX_AGE_SECONDS: u64 = 60;

/// Finds a stack.
///
/// # Errors
/// If there is no region, no such stack, or AWS refuses.
pub(super) async fn locate(
    name: &str,
    region: Option<&str>,
    profile: Option<&str>,
) -> Result<System> {
    let (config, region) = configuration(region, profile).await?;
    let cloudformation = Client::new(&config);
    let stack = describe(&cloudformation, name, &region).await?;
    let parameters: BTreeMap<&str, &str> = stack
        .parameters()
        .iter()
        .filter_map(|parameter| parameter.parameter_key().zip(parameter.parameter_value()))
        .collect();
    let outputs: BTreeMap<String, String> = stack
        .outputs()
        .iter()
        .filter_map(|output| output.output_key().zip(output.output_value()))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    if outputs.is_empty() {
        let status = stack
            .stack_status()
            .map_or("unknown", |status| status.as_str());
        bail!(
            "stack {name} in {region} has no outputs (status {status}); deploy it, then try again"
        );
    }
    let stage = outputs.get("Stage").map(String::as_str);
    let stage = stage
        .or_else(|| parameters.get("Stage").copied())
        .with_context(|| {
            format!("stack {name} in {region} has neither output nor parameter Stage; expected a stack of template.yaml")
        })?
        .to_owned();
    let max_age = parameters.get("ConnectionsMaxAgeSeconds");
    let max_age = max_age.and_then(|text| text.parse().ok());
    Ok(System {
        clients: clients(config),
        stage,
        allow_local: parameters.get("AllowLocal") == Some(&"true"),
        connections_max_age_seconds: max_age.unwrap_or(MAX_AGE_SECONDS),
        place: Place::Stack {
            name: name.to_owned(),
            region,
        },
        outputs,
        cloudformation: Some(cloudformation),
    })
}

/// The logical ids of a stack's resources.
///
/// # Errors
/// If AWS refuses.
pub(super) async fn resources(client: &Client, name: &str) -> Result<BTreeSet<String>> {
    let list = client.list_stack_resources().stack_name(name);
    let mut pages = list.into_paginator().send();
    let mut ids = BTreeSet::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| asked("cloudformation:ListStackResources", error))?;
        for resource in page.stack_resource_summaries() {
            ids.extend(resource.logical_resource_id().map(str::to_owned));
        }
    }
    Ok(ids)
}

/// The template a stack was made from, before SAM's transformation.
///
/// # Errors
/// If AWS refuses.
pub(super) async fn template(client: &Client, name: &str) -> Result<String> {
    let get = client.get_template().stack_name(name);
    let got = get.template_stage(TemplateStage::Original).send().await;
    let got = got.map_err(|error| asked("cloudformation:GetTemplate", error))?;
    got.template_body
        .with_context(|| format!("CloudFormation has no template of {name:?}"))
}

/// The person's own configuration of AWS. A region that nobody named is an error: a default would look in the wrong place,
/// and say that there is no such stack.
async fn configuration(region: Option<&str>, profile: Option<&str>) -> Result<(SdkConfig, String)> {
    let variable = |key: &str| std::env::var(key).ok().filter(|value| !value.is_empty());
    let named = region
        .map(str::to_owned)
        .or_else(|| variable("AWS_REGION"))
        .or_else(|| variable("AWS_DEFAULT_REGION"));
    let of_profile = async {
        let mut provider = ProfileFileRegionProvider::builder();
        if let Some(profile) = profile {
            provider = provider.profile_name(profile);
        }
        provider.build().region().await
    };
    let region = match named {
        Some(region) => Some(Region::new(region)),
        None => of_profile.await,
    };
    let region =
        region.context("no region: give --region, or set AWS_REGION, or name it in the profile")?;
    let name = region.to_string();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12()).region(region);
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    Ok((loader.load().await, name))
}

async fn describe(client: &Client, name: &str, region: &str) -> Result<Stack> {
    let described = client.describe_stacks().stack_name(name).send().await;
    let described = described.map_err(|error| {
        let unknown = error.code() == Some("ValidationError")
            && error
                .message()
                .is_some_and(|text| text.contains("does not exist"));
        if unknown {
            anyhow::anyhow!(
                "no stack {name:?} in {region} in the account of these credentials; \
                 `aws cloudformation describe-stacks` lists what is there"
            )
        } else {
            asked("cloudformation:DescribeStacks", error)
        }
    })?;
    let stacks = described.stacks.unwrap_or_default();
    let first = stacks.into_iter().next();
    first.with_context(|| format!("CloudFormation describes no stack {name:?}"))
}

fn clients(config: SdkConfig) -> Clients {
    let aws = Aws::new(config, false);
    Clients {
        dynamodb: aws.dynamodb(),
        s3: aws.s3(),
        sqs: aws.sqs(),
        secrets_manager: aws.secrets_manager(),
        kms: aws.kms(),
    }
}
