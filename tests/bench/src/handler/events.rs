//! Webhooks as API Gateway hands them over: the recorded one of intake's own tests, with ids and signatures of their own.

use anyhow::{Context, Result};
use attache_domain::signature::{Scheme, Secret};
use serde_json::Value;

/// The connections of intake's own tests.
pub(crate) const CONNECTIONS: &str =
    include_str!("../../../../functions/intake/fixtures/connections.json");

/// A picture that a customer sent, as API Gateway hands it over.
const RECORDED: &str = include_str!("../../../../functions/intake/fixtures/post.json");

/// The id of its message.
const MESSAGE: &str = "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA=";

/// The names of these connections' secrets.
pub(crate) const SECRETS: [&str; 3] = [
    "attache/prod/endpoints/whatsapp/secret-1",
    "attache/prod/endpoints/whatsapp/verify-token",
    "attache/prod/endpoints/genesys/secret-1",
];

/// What they all are.
pub(crate) const SECRET: &str = "meta-app-secret-0123456789abcdef";

/// What kind of webhook comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Each announces another message.
    New,
    /// All are the same one.
    Duplicate,
    /// All are signed with another secret.
    Forged,
}

impl Kind {
    /// What it is answered with.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::New | Self::Duplicate => 200,
            Self::Forged => 401,
        }
    }

    /// The `n`th of them, as JSON on one line.
    pub(crate) fn event(self, n: u32) -> Result<String> {
        let mut event: Value = serde_json::from_str(RECORDED)?;
        let body = event["body"]
            .as_str()
            .context("the recording has no body")?;
        let id = match self {
            Self::New => format!("wamid.{n:055}="),
            Self::Duplicate | Self::Forged => MESSAGE.to_owned(),
        };
        let body = body.replace(MESSAGE, &id);
        let secret = match self {
            Self::New | Self::Duplicate => SECRET,
            Self::Forged => "somebody else's secret",
        };
        let signature = Scheme::META.sign(&Secret::new(secret)?, body.as_bytes());
        event["headers"]["x-hub-signature-256"] = signature.into();
        event["body"] = body.into();
        Ok(event.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn only_new_ones_differ() {
        for (kind, different) in [(Kind::New, 5), (Kind::Duplicate, 1), (Kind::Forged, 1)] {
            let events: BTreeSet<String> = (0..5).map(|n| kind.event(n).unwrap()).collect();
            assert_eq!(events.len(), different, "{kind:?}");
            let length = RECORDED.parse::<Value>().unwrap()["body"]
                .as_str()
                .unwrap()
                .len();
            for event in events {
                let body = event.parse::<Value>().unwrap()["body"]
                    .as_str()
                    .unwrap()
                    .len();
                assert_eq!(body, length, "{kind:?}");
            }
        }
    }
}
