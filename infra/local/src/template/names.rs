//! Physical names and ARNs of what a template declares, the way the local run gives them.
//!
//! Names are deterministic: the same template and stage lead to the same names, so that kept data is found again.

/// The account every local resource belongs to.
pub const ACCOUNT: &str = "000000000000";
/// The region every local resource lives in.
pub const REGION: &str = "us-east-1";

/// `MediaDeadLetters` → `media-dead-letters`.
#[must_use]
pub fn kebab(logical_id: &str) -> String {
    let mut name = String::with_capacity(logical_id.len() + 4);
    let mut before_was_lower = false;
    for letter in logical_id.chars() {
        if letter.is_ascii_uppercase() && before_was_lower {
            name.push('-');
        }
        before_was_lower = !letter.is_ascii_uppercase();
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// The name of a resource that the template leaves unnamed.
#[must_use]
pub fn physical(stage: &str, logical_id: &str) -> String {
    format!("attache-{stage}-{}", kebab(logical_id))
}

/// The ARN of a resource of `service` in the local account and region.
#[must_use]
pub fn arn(service: &str, resource: &str) -> String {
    match service {
        "s3" => format!("arn:aws:s3:::{resource}"),
        "iam" => format!("arn:aws:iam::{ACCOUNT}:{resource}"),
        _ => format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab() {
        let rows = [
            ("MediaTable", "media-table"),
            ("FetchDeadLetters", "fetch-dead-letters"),
            ("DataKey", "data-key"),
            ("HTTPApi", "httpapi"),
            ("Queue2", "queue2"),
        ];
        for (logical_id, expected) in rows {
            assert_eq!(kebab(logical_id), expected);
        }
        assert_eq!(physical("prod", "MediaQueue"), "attache-prod-media-queue");
    }

    #[test]
    fn arns_follow_the_service() {
        assert_eq!(arn("s3", "b/*"), "arn:aws:s3:::b/*");
        assert_eq!(arn("sqs", "q"), "arn:aws:sqs:us-east-1:000000000000:q");
        assert_eq!(arn("iam", "role/r"), "arn:aws:iam::000000000000:role/r");
    }
}
