//! Names as AWS writes them: the one account and region of the local run, ARNs, and fresh ids.

/// The account everything belongs to.
pub(super) const ACCOUNT: &str = "000000000000";
/// The region everything lives in.
pub(super) const REGION: &str = "us-east-1";

/// `arn:aws:<service>:us-east-1:000000000000:<rest>`.
pub(super) fn regional(service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}")
}

/// The part of an ARN after the account; a name that is no ARN is returned as it is.
pub(super) fn local_part(name_or_arn: &str) -> &str {
    if name_or_arn.starts_with("arn:") {
        name_or_arn.splitn(6, ':').nth(5).unwrap_or(name_or_arn)
    } else {
        name_or_arn
    }
}

/// A random id in the form of a version 4 UUID.
pub(super) fn fresh_uuid() -> String {
    let bits = (rand::random::<u128>() & !(0xf000 << 64) & !(0xc000 << 48))
        | (0x4000 << 64)
        | (0x8000 << 48);
    let hex = format!("{bits:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_uuid_has_its_version_and_variant() {
        for _ in 0..100 {
            let id = fresh_uuid();
            assert_eq!(id.len(), 36, "{id}");
            assert_eq!(&id[14..15], "4", "{id}");
            assert!("89ab".contains(&id[19..20]), "{id}");
        }
    }

    #[test]
    fn the_local_part_of_an_arn_may_itself_hold_colons() {
        for (given, expected) in [
            (
                "arn:aws:dynamodb:us-east-1:000000000000:table/media",
                "table/media",
            ),
            (
                "arn:aws:secretsmanager:us-east-1:000000000000:secret:a/b-AbCdEf",
                "secret:a/b-AbCdEf",
            ),
            ("media", "media"),
        ] {
            assert_eq!(local_part(given), expected);
        }
    }
}
