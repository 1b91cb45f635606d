//! With which keys calls are signed: names on the embedded engines, the environment's keys on another.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::config::Credentials;

/// Every embedded engine accepts this secret; who calls is told by the access key id.
const SECRET: &str = "local";

/// The access key id and secret that engines for one's own machine accept by custom.
const CUSTOMARY: &str = "test";

/// With which keys calls are signed.
#[derive(Clone, Debug)]
pub enum Signing {
    /// Everyone by their own name, which is how the embedded engines tell who calls.
    ByName,
    /// Everyone with the same keys: another engine knows keys of its own, and refuses links signed with any other.
    Alike(Credentials),
}

impl Signing {
    /// For another engine: the keys of the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
    /// `AWS_SESSION_TOKEN`), else `test` and `test`.
    #[must_use]
    pub fn of_environment() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let keys = variable("AWS_ACCESS_KEY_ID").zip(variable("AWS_SECRET_ACCESS_KEY"));
        Self::alike(keys, variable("AWS_SESSION_TOKEN"))
    }

    fn alike(keys: Option<(String, String)>, token: Option<String>) -> Self {
        let (id, secret, token) = match keys {
            Some((id, secret)) => (id, secret, token),
            None => (CUSTOMARY.to_owned(), CUSTOMARY.to_owned(), None),
        };
        Self::Alike(Credentials::new(id, secret, token, None, "environment"))
    }

    /// The keys of this principal.
    #[must_use]
    pub fn credentials(&self, principal: &str) -> Credentials {
        match self {
            Self::ByName => Credentials::new(principal, SECRET, None, None, "local"),
            Self::Alike(credentials) => credentials.clone(),
        }
    }

    /// What makes all functions sign alike; empty where each signs by its name.
    pub(crate) fn variables(&self) -> BTreeMap<String, String> {
        let Self::Alike(credentials) = self else {
            return BTreeMap::new();
        };
        let (id, secret) = (credentials.access_key_id(), credentials.secret_access_key());
        [
            ("AWS_ACCESS_KEY_ID", Some(id)),
            ("AWS_SECRET_ACCESS_KEY", Some(secret)),
            ("AWS_SESSION_TOKEN", credentials.session_token()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_engine_gets_the_same_keys_from_everyone() {
        let keys = || Some(("id".to_owned(), "secret".to_owned()));
        let token = || Some("token".to_owned());
        for (signing, expected) in [
            (Signing::ByName, ["", "", ""]),
            (Signing::alike(None, None), ["test", "test", ""]),
            (Signing::alike(None, token()), ["test", "test", ""]),
            (Signing::alike(keys(), None), ["id", "secret", ""]),
            (Signing::alike(keys(), token()), ["id", "secret", "token"]),
        ] {
            let variables = signing.variables();
            let value = |name| variables.get(name).map_or("", String::as_str);
            let found = [
                value("AWS_ACCESS_KEY_ID"),
                value("AWS_SECRET_ACCESS_KEY"),
                value("AWS_SESSION_TOKEN"),
            ];
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn embedded_engines_are_told_who_calls() {
        let credentials = Signing::ByName.credentials("IntakeFunction");
        assert_eq!(credentials.access_key_id(), "IntakeFunction");
    }
}
