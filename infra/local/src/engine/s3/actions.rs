//! Which IAM permissions an S3 request needs, read from its method, path, query and headers.
//!
//! Path-style requests only. <https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html>,
//! checked 2026-11-20. One thing AWS does is left out: without `s3:ListBucket` it answers 403 for a missing key, here 404.

use http::Method;
use http::request::Parts;

use super::super::front::query_value;
use super::super::observe::AwsCall;

/// The permissions a request needs, its own call first.
pub(super) fn calls(principal: &str, head: &Parts) -> Vec<AwsCall> {
    let path = decoded(head.uri.path().trim_start_matches('/'));
    let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
    let call = |operation: &str, action: &str, resource: String| AwsCall {
        principal: principal.to_owned(),
        action: format!("s3:{action}"),
        operation: operation.to_owned(),
        resource,
    };
    if bucket.is_empty() {
        return vec![call("ListBuckets", "ListAllMyBuckets", "*".to_owned())];
    }
    if key.is_empty() {
        let (operation, action) = bucket_action(head);
        let resource = if operation == "DeleteObjects" {
            arn(bucket, "*")
        } else {
            format!("arn:aws:s3:::{bucket}")
        };
        return vec![call(&operation, &action, resource)];
    }
    let (operation, action) = object_action(head);
    let mut calls = vec![call(operation, action, arn(bucket, key))];
    if let Some(source) = head
        .headers
        .get("x-amz-copy-source")
        .and_then(|value| value.to_str().ok())
    {
        let source = decoded(
            source
                .split('?')
                .next()
                .unwrap_or_default()
                .trim_start_matches('/'),
        );
        let (bucket, key) = source.split_once('/').unwrap_or((&source, ""));
        calls.push(call("GetObject", "GetObject", arn(bucket, key)));
    }
    if head.headers.contains_key("x-amz-tagging") {
        calls.push(call(
            "PutObjectTagging",
            "PutObjectTagging",
            arn(bucket, key),
        ));
    }
    calls
}

fn arn(bucket: &str, key: &str) -> String {
    format!("arn:aws:s3:::{bucket}/{key}")
}

fn object_action(head: &Parts) -> (&'static str, &'static str) {
    let has = |name| query_value(head, name).is_some();
    match head.method {
        Method::GET if has("tagging") => ("GetObjectTagging", "GetObjectTagging"),
        Method::GET if has("uploadId") => ("ListParts", "ListMultipartUploadParts"),
        Method::GET if has("attributes") => ("GetObjectAttributes", "GetObjectAttributes"),
        Method::GET => ("GetObject", "GetObject"),
        Method::HEAD => ("HeadObject", "GetObject"),
        Method::PUT if has("tagging") => ("PutObjectTagging", "PutObjectTagging"),
        Method::PUT if has("uploadId") && head.headers.contains_key("x-amz-copy-source") => {
            ("UploadPartCopy", "PutObject")
        }
        Method::PUT if has("uploadId") => ("UploadPart", "PutObject"),
        Method::PUT if head.headers.contains_key("x-amz-copy-source") => {
            ("CopyObject", "PutObject")
        }
        Method::PUT => ("PutObject", "PutObject"),
        Method::POST if has("uploads") => ("CreateMultipartUpload", "PutObject"),
        Method::POST if has("uploadId") => ("CompleteMultipartUpload", "PutObject"),
        Method::DELETE if has("uploadId") => ("AbortMultipartUpload", "AbortMultipartUpload"),
        Method::DELETE if has("tagging") => ("DeleteObjectTagging", "DeleteObjectTagging"),
        Method::DELETE => ("DeleteObject", "DeleteObject"),
        _ => ("Unknown", "Unknown"),
    }
}

/// Bucket settings by their query parameter, with the name AWS gives operation and action.
const SETTINGS: [(&str, &str, &str); 10] = [
    ("policy", "BucketPolicy", "BucketPolicy"),
    ("encryption", "BucketEncryption", "EncryptionConfiguration"),
    (
        "lifecycle",
        "BucketLifecycleConfiguration",
        "LifecycleConfiguration",
    ),
    (
        "publicAccessBlock",
        "PublicAccessBlock",
        "BucketPublicAccessBlock",
    ),
    (
        "ownershipControls",
        "BucketOwnershipControls",
        "BucketOwnershipControls",
    ),
    ("versioning", "BucketVersioning", "BucketVersioning"),
    (
        "notification",
        "BucketNotificationConfiguration",
        "BucketNotification",
    ),
    ("tagging", "BucketTagging", "BucketTagging"),
    ("cors", "BucketCors", "BucketCORS"),
    ("location", "BucketLocation", "BucketLocation"),
];

fn bucket_action(head: &Parts) -> (String, String) {
    let has = |name| query_value(head, name).is_some();
    let named = |operation: &str, action: &str| (operation.to_owned(), action.to_owned());
    if let Some((_, operation, action)) = SETTINGS.iter().find(|(parameter, _, _)| has(parameter)) {
        let verb = match head.method {
            Method::GET => "Get",
            Method::DELETE => "Delete",
            _ => "Put",
        };
        return (format!("{verb}{operation}"), format!("{verb}{action}"));
    }
    match head.method {
        Method::GET if has("uploads") => {
            named("ListMultipartUploads", "ListBucketMultipartUploads")
        }
        Method::GET if has("list-type") => named("ListObjectsV2", "ListBucket"),
        Method::GET => named("ListObjects", "ListBucket"),
        Method::HEAD => named("HeadBucket", "ListBucket"),
        Method::PUT => named("CreateBucket", "CreateBucket"),
        Method::POST if has("delete") => named("DeleteObjects", "DeleteObject"),
        Method::DELETE => named("DeleteBucket", "DeleteBucket"),
        _ => named("Unknown", "Unknown"),
    }
}

/// Percent-decodes a path. A `+` is a plus there.
fn decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| hex_byte(tail)).flatten();
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The byte that two hexadecimal digits at the start mean.
fn hex_byte(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits.get(..2)?).ok()?;
    digits
        .bytes()
        .all(|digit| digit.is_ascii_hexdigit())
        .then(|| u8::from_str_radix(digits, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_needs_the_permissions_iam_checks() {
        for (method, uri, header, expected) in [
            ("GET", "/", None, vec!["ListBuckets s3:ListAllMyBuckets *"]),
            (
                "PUT",
                "/b",
                None,
                vec!["CreateBucket s3:CreateBucket arn:aws:s3:::b"],
            ),
            (
                "GET",
                "/b/?list-type=2&prefix=x",
                None,
                vec!["ListObjectsV2 s3:ListBucket arn:aws:s3:::b"],
            ),
            (
                "GET",
                "/b?uploads",
                None,
                vec!["ListMultipartUploads s3:ListBucketMultipartUploads arn:aws:s3:::b"],
            ),
            (
                "PUT",
                "/b?lifecycle",
                None,
                vec!["PutBucketLifecycleConfiguration s3:PutLifecycleConfiguration arn:aws:s3:::b"],
            ),
            (
                "POST",
                "/b?delete",
                None,
                vec!["DeleteObjects s3:DeleteObject arn:aws:s3:::b/*"],
            ),
            (
                "GET",
                "/b/arrivals/k%20%2B+%C3%BC",
                None,
                vec!["GetObject s3:GetObject arn:aws:s3:::b/arrivals/k ++ü"],
            ),
            (
                "HEAD",
                "/b/k",
                None,
                vec!["HeadObject s3:GetObject arn:aws:s3:::b/k"],
            ),
            (
                "PUT",
                "/b/k?partNumber=1&uploadId=u",
                None,
                vec!["UploadPart s3:PutObject arn:aws:s3:::b/k"],
            ),
            (
                "POST",
                "/b/k?uploads",
                None,
                vec!["CreateMultipartUpload s3:PutObject arn:aws:s3:::b/k"],
            ),
            (
                "DELETE",
                "/b/k?uploadId=u",
                None,
                vec!["AbortMultipartUpload s3:AbortMultipartUpload arn:aws:s3:::b/k"],
            ),
            (
                "PUT",
                "/q/k",
                Some(("x-amz-copy-source", "b/arrivals/k%20x")),
                vec![
                    "CopyObject s3:PutObject arn:aws:s3:::q/k",
                    "GetObject s3:GetObject arn:aws:s3:::b/arrivals/k x",
                ],
            ),
            (
                "PUT",
                "/b/k",
                Some(("x-amz-tagging", "a=b")),
                vec![
                    "PutObject s3:PutObject arn:aws:s3:::b/k",
                    "PutObjectTagging s3:PutObjectTagging arn:aws:s3:::b/k",
                ],
            ),
            (
                "GET",
                "/b/100%",
                None,
                vec!["GetObject s3:GetObject arn:aws:s3:::b/100%"],
            ),
        ] {
            let mut request = http::Request::builder().method(method).uri(uri);
            if let Some((name, value)) = header {
                request = request.header(name, value);
            }
            let head = request.body(()).unwrap().into_parts().0;
            let found: Vec<_> = calls("x", &head)
                .iter()
                .map(|call| format!("{} {} {}", call.operation, call.action, call.resource))
                .collect();
            assert_eq!(found, expected, "{method} {uri}");
        }
    }
}
