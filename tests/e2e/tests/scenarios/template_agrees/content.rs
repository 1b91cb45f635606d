//! The content domain in the template: what CloudFront is told, who may read, and that none of it is there by default.

use anyhow::{Context, Result};
use attache_local::template::{Settings, Template};
use attache_operator::binaries::root;
use attache_operator::content::LocalContent;
use serde_json::{Value, json};

use super::structure::{document, resources};
use super::template;

/// CloudFront's list of statuses whose answers it would keep for ten seconds if nobody said otherwise.
const KEPT_ERRORS: [u16; 11] = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];

#[test]
fn there_is_none_by_default() -> Result<()> {
    let template = template()?;
    assert!(template.distributions.is_empty() && template.public_keys.is_empty());
    for id in ["UploadFunction", "TextFunction"] {
        let environment = &template.function(id).context(id)?.environment;
        assert_eq!(environment["CONTENT_URL"], "", "{id}");
    }
    let document = document()?;
    let all = document["Resources"].as_object().context("no resources")?;
    let of_cloudfront = all.iter().filter(|(_, it)| {
        let kind = it["Type"].as_str().unwrap_or_default();
        kind.starts_with("AWS::CloudFront::")
    });
    let mut seen = 0;
    for (id, resource) in of_cloudfront {
        assert_eq!(resource["Condition"], "HasContentDomain", "{id}");
        seen += 1;
    }
    assert_eq!(seen, 6);
    Ok(())
}

#[test]
fn with_its_parameters_functions_and_distribution_mean_the_same() -> Result<()> {
    let settings = Settings {
        parameters: LocalContent::named("media.example.com")?
            .parameters
            .into_iter()
            .collect(),
        ..Settings::default()
    };
    let template = Template::read(&root().join("template.yaml"), &settings)?;
    let distribution = template.distributions.first().context("none")?;
    let bucket = template.bucket("MediaBucket").context("no bucket")?;
    assert_eq!(
        (distribution.alias.as_str(), &distribution.bucket),
        ("media.example.com", &bucket.name)
    );
    let key = template.public_keys.first().context("no key")?;
    assert!(key.pem.starts_with("-----BEGIN PUBLIC KEY-----\nMII"));
    assert!(key.pem.ends_with("\n-----END PUBLIC KEY-----\n"));
    for id in ["UploadFunction", "TextFunction"] {
        let environment = &template.function(id).context(id)?.environment;
        assert_eq!(environment["CONTENT_URL"], "https://media.example.com");
        assert_eq!(environment["CONTENT_KEY_PAIR_ID"], key.id);
        let lines = environment["CONTENT_PUBLIC_KEY"].replace(',', "\n");
        assert!(key.pem.contains(&lines));
    }
    Ok(())
}

#[test]
fn it_compresses_nothing_keeps_nothing_and_needs_a_signature() -> Result<()> {
    let document = document()?;
    let distribution =
        &resources(&document, "AWS::CloudFront::Distribution")?["ContentDistribution"];
    let config = &distribution["DistributionConfig"];
    assert_eq!(
        config["ViewerCertificate"]["MinimumProtocolVersion"],
        "TLSv1.2_2021"
    );
    let behaviour = &config["DefaultCacheBehavior"];
    assert_eq!(behaviour["ViewerProtocolPolicy"], "https-only");
    assert_eq!(behaviour["Compress"], json!(false));
    assert_eq!(
        behaviour["TrustedKeyGroups"],
        json!([{"Ref": "ContentKeyGroup"}])
    );
    assert!(config["Logging"].is_null(), "it would hold the links");
    let errors = config["CustomErrorResponses"].as_array().context("none")?;
    let kept_for = |status: u16| {
        let mut errors = errors.iter();
        let error = errors.find(|it| it["ErrorCode"] == json!(status));
        error.map(|it| &it["ErrorCachingMinTTL"])
    };
    for status in KEPT_ERRORS {
        assert_eq!(kept_for(status), Some(&json!(0)), "{status}");
    }
    let policy = &resources(&document, "AWS::CloudFront::CachePolicy")?["ContentCachePolicy"];
    let policy = &policy["CachePolicyConfig"];
    assert_eq!(
        (&policy["MinTTL"], &policy["DefaultTTL"]),
        (&json!(0), &json!(0))
    );
    let passed_on = &policy["ParametersInCacheKeyAndForwardedToOrigin"];
    for packed in ["EnableAcceptEncodingBrotli", "EnableAcceptEncodingGzip"] {
        assert_eq!(passed_on[packed], json!(false));
    }
    assert_eq!(
        passed_on["QueryStringsConfig"]["QueryStrings"],
        json!([
            "response-cache-control",
            "response-content-disposition",
            "response-content-type"
        ])
    );
    Ok(())
}

#[test]
fn it_alone_may_read_and_only_what_may_be_linked_to() -> Result<()> {
    let document = document()?;
    let bucket = &resources(&document, "AWS::S3::BucketPolicy")?["MediaBucketPolicy"];
    let key = &resources(&document, "AWS::KMS::Key")?["MediaKey"];
    let statements = [
        (&bucket["PolicyDocument"], "s3:GetObject"),
        (&key["KeyPolicy"], "kms:Decrypt"),
    ];
    for (policy, action) in statements {
        let statements = policy["Statement"].as_array().context("no statements")?;
        let mut conditional = statements.iter().filter_map(|it| it["If"].as_array());
        let granted = conditional.next().context("no statement for it")?;
        assert_eq!(granted[0], "HasContentDomain");
        let granted = &granted[1];
        assert_eq!(
            granted["Principal"],
            json!({"Service": "cloudfront.amazonaws.com"})
        );
        assert_eq!(granted["Action"], action);
        let only = &granted["Condition"]["StringEquals"]["aws:SourceArn"]["Sub"];
        let only = only.as_str().unwrap_or_default();
        assert!(
            only.ends_with(":distribution/${ContentDistribution}"),
            "{only}"
        );
        if let Value::Array(folders) = &granted["Resource"] {
            let folder = |it: &Value| {
                let arn = it["Sub"].as_str().unwrap_or_default();
                arn.rsplit_once("}/").map(|(_, folder)| folder.to_owned())
            };
            let folders: Vec<_> = folders.iter().filter_map(folder).collect();
            assert_eq!(folders, ["arrivals/*", "renditions/*"]);
        }
    }
    Ok(())
}
