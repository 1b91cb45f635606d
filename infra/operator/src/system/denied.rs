//! What AWS says no to, in words that tell a person what to do.

use std::error::Error;

use anyhow::anyhow;

/// Beginnings of the codes by which services say that the caller may not.
const DENIED: [&str; 2] = ["AccessDenied", "not authorized to perform"];

/// Codes by which services say that they do not know the caller.
const UNKNOWN: [&str; 6] = [
    "ExpiredToken",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignature",
    "SignatureDoesNotMatch",
    "UnrecognizedClient",
];

/// An error of a call, with what to do in front where that is known. `action` is the call as IAM names it
/// (`dynamodb:Scan`).
pub fn asked(action: &str, error: impl Error + Send + Sync + 'static) -> anyhow::Error {
    let error = anyhow!(error);
    let text = format!("{error:#}");
    let says = |codes: &[&str]| codes.iter().any(|code| text.contains(code));
    if says(&DENIED) {
        return error.context(format!(
            "AWS refuses {action}: the caller needs this permission"
        ));
    }
    if says(&UNKNOWN) {
        return error.context(format!("AWS refuses these credentials ({action})"));
    }
    if text.contains("credential") {
        return error.context(
            "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --profile (for single sign-on: \
             eval \"$(aws configure export-credentials --format env)\")",
        );
    }
    error.context(format!("{action} failed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_what_to_do() {
        for (said, expected) in [
            (
                "unhandled error (AccessDeniedException)",
                "AWS refuses dynamodb:Scan: the caller needs this permission: ",
            ),
            (
                "AccessDenied: User x is not authorized",
                "AWS refuses dynamodb:Scan: the caller needs this permission: ",
            ),
            ("ExpiredTokenException", "AWS refuses these credentials"),
            (
                "no providers in chain provided credentials",
                "no AWS credentials: set AWS_ACCESS_KEY_ID",
            ),
            (
                "connection refused",
                "dynamodb:Scan failed: connection refused",
            ),
        ] {
            let told = asked("dynamodb:Scan", std::io::Error::other(said));
            let text = format!("{told:#}");
            assert!(text.starts_with(expected), "{text}");
            assert!(text.contains(said), "{text}");
        }
    }
}
