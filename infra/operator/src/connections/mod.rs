//! `connections.toml`: what the owner writes, read into the rows the functions use.
//!
//! Secrets are given by reference only: `{ env = "NAME" }` or `{ file = "PATH" }`, `{ name = "attache/…" }` for one that is in
//! Secrets Manager of a deployed system already, `{ generate = true }` for one of our own making. Every problem is told with
//! file, line, key and what was expected. [`apply`] brings a file into a system, [`show`] tells what a system holds.

pub mod apply;
mod file;
mod limits;
mod paste;
mod plan;
mod policy;
mod rate;
mod reading;
mod report;
mod secrets;
pub mod show;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use attache_domain::connection::{Directory, Row};
use attache_flow::judge::overlaid;
use attache_inspect::{Policy, PolicyError};

use file::File;
pub use file::SecretReference;
pub(crate) use paste::Paste;
use reading::Reading;
pub use secrets::{Given, SecretUse, Vault, generated};
pub(crate) use show::reveal_command;

/// The configuration, ready to be applied.
#[derive(Debug)]
pub struct Loaded {
    /// Rows for the `connections` table.
    pub rows: Vec<Row>,
    /// Where the value of each named secret is to be taken from.
    pub secrets: Vec<SecretUse>,
    /// The line of each row, by its key.
    pub lines: BTreeMap<String, usize>,
}

/// A configuration that cannot be used: every problem, each on its line.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: cannot be read", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not TOML, or not this file's shape. The message carries line, column and key.
    #[error("{}: {message}", path.display())]
    Shape {
        /// Which file.
        path: PathBuf,
        /// What the reader says.
        message: String,
    },
    /// Well formed, but wrong.
    #[error("{}", problems.join("\n"))]
    Wrong {
        /// One line for each problem: `file:line: row: what was found, what was expected`.
        problems: Vec<String>,
    },
}

impl Loaded {
    /// Reads and checks a file. `stage` becomes part of the secrets' names.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong, not only the first.
    pub fn read(path: &Path, stage: &str) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text, stage)
    }

    /// The policy by which files are judged: the standard one with what the file has instead.
    ///
    /// # Errors
    /// None in what was read without one.
    pub fn policy(&self) -> Result<Policy, PolicyError> {
        let directory = Directory::new(self.rows.clone());
        overlaid(&Policy::default(), directory.policy()).map(Cow::into_owned)
    }

    /// Checks a file's text; `path` is for its errors, and a list of hashes lies beside it.
    ///
    /// # Errors
    /// As [`Loaded::read`].
    pub fn parse(path: &Path, text: &str, stage: &str) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text).map_err(|error| ConfigError::Shape {
            path: path.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })?;
        let mut reading = Reading::new(path, stage, text);
        let rows = reading.rows(&file);
        for problem in Directory::new(rows.clone()).problems() {
            let line = reading.lines.get(&problem.row).copied().unwrap_or(1);
            reading.problems.push((line, problem.to_string()));
        }
        if reading.problems.is_empty() {
            return Ok(Self {
                rows,
                secrets: reading.secrets,
                lines: reading.lines,
            });
        }
        reading.problems.sort();
        let problems = reading
            .problems
            .into_iter()
            .map(|(line, problem)| format!("{}:{line}: {problem}", path.display()))
            .collect();
        Err(ConfigError::Wrong { problems })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attache_domain::connection::Retention;

    const EXAMPLE: &str = include_str!("../../../../connections.example.toml");

    fn parse(text: &str) -> Result<Loaded, ConfigError> {
        Loaded::parse(Path::new("connections.toml"), text, "local")
    }

    #[test]
    fn the_example_is_right() {
        let loaded = parse(EXAMPLE).unwrap();
        assert!(loaded.rows.len() >= 4 && !loaded.secrets.is_empty());
    }

    #[test]
    fn problems_carry_file_line_key_and_expectation() {
        let replace = |from: &str, to: &str| {
            assert!(EXAMPLE.contains(from), "{from}");
            EXAMPLE.replacen(from, to, 1)
        };
        for (text, expected) in [
            (
                replace("phone_number_id", "phone_number"),
                "unknown field `phone_number`, expected one of",
            ),
            (
                replace("phone_number_id = ", "# "),
                "connection/whatsapp-sales: key `phone_number_id` is missing; expected the number's id",
            ),
            (
                replace("profile = \"whatsapp\"", "profile = \"watsapp\""),
                "unknown variant `watsapp`, expected",
            ),
            (
                replace("to = \"genesys-sales\"", "to = \"nowhere\""),
                "route/whatsapp-sales: connection \"nowhere\" is not configured",
            ),
            (
                format!("{EXAMPLE}\n[[route]]\nfrom = \"whatsapp-sales\"\n"),
                "is there already, on line",
            ),
            (
                replace("local = false", "local = false\nclient_id = \"x\""),
                "key `client_id` does not belong to profile whatsapp",
            ),
            (
                replace(
                    "local = false",
                    "local = false\nbase_url = \"http://x.example\"",
                ),
                "plain http needs `local = true`",
            ),
            ("endpoint = 7".to_owned(), "line 1"),
        ] {
            let message = parse(&text).unwrap_err().to_string();
            assert!(
                message.contains(expected),
                "expected {expected:?} in:\n{message}"
            );
            assert!(message.starts_with("connections.toml"), "{message}");
        }
    }

    const PLAIN: &str = r#"
[[endpoint]]
id = "in"
profile = "whatsapp"
secrets = [{ env = "APP_SECRET" }]
verify_token = { env = "VERIFY" }

[[connection]]
id = "number"
profile = "whatsapp"
endpoint = "in"
phone_number_id = "1"
graph_version = "v23.0"
token = { env = "TOKEN" }

[[connection]]
id = "org"
profile = "genesys-open-messaging"
region = "mypurecloud.de"
integration_id = "2"
client_id = "3"
client_secret = { env = "CLIENT" }
"#;

    #[test]
    fn only_what_is_ours_to_choose_can_be_generated() {
        let refused = |key: &str| format!(": key `{key}`: the platform makes this secret");
        for (from, to, expected) in [
            ("VERIFY", "{ generate = true }", None),
            (
                "VERIFY",
                "{ generate = false }",
                Some("expected true".to_owned()),
            ),
            (
                "APP_SECRET",
                "{ generate = true }",
                Some(refused("secrets")),
            ),
            ("TOKEN", "{ generate = true }", Some(refused("token"))),
            (
                "CLIENT",
                "{ generate = true }",
                Some(refused("client_secret")),
            ),
        ] {
            let reference = format!("{{ env = \"{from}\" }}");
            let parsed = parse(&PLAIN.replacen(&reference, to, 1));
            match expected {
                None => assert!(parsed.is_ok(), "{from} {to}"),
                Some(expected) => {
                    let told = parsed.unwrap_err().to_string();
                    assert!(
                        told.contains(&expected),
                        "expected {expected:?} in:\n{told}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_genesys_endpoint_may_generate_its_secret() {
        let text = "[[endpoint]]\nid = \"g\"\nprofile = \"genesys-open-messaging\"\nsecrets = [{ generate = true }]\n";
        let told = parse(text).map_or_else(|error| error.to_string(), |_| String::new());
        assert!(!told.contains("generated"), "{told}");
    }

    const WEB: &str = r#"
[[endpoint]]
id = "events"
profile = "genesys-web-messaging"
secrets = [{ generate = true }]

[[connection]]
id = "web"
profile = "genesys-web-messaging"
endpoint = "events"
region = "mypurecloud.de"
channel_id = "7d3a0c11"
client_id = "3"
client_secret = { env = "CLIENT" }

[[route]]
from = "number"
to = "web"
"#;

    #[test]
    fn web_messaging_has_a_channel_and_needs_no_endpoint() {
        let text = format!("{PLAIN}{WEB}");
        let loaded = parse(&text).unwrap();
        assert_eq!(loaded.rows.len(), 6);
        for (from, to, expected) in [
            ("endpoint = \"events\"\n", "", None),
            (
                "channel_id = \"7d3a0c11\"\n",
                "",
                Some("key `channel_id` is missing; expected the id"),
            ),
            (
                "channel_id = ",
                "integration_id = \"2\"\nchannel_id = ",
                Some("key `integration_id` does not belong to profile genesys-web-messaging"),
            ),
            (
                "integration_id = \"2\"\n",
                "integration_id = \"2\"\nchannel_id = \"7\"\n",
                Some("key `channel_id` does not belong to profile genesys-open-messaging"),
            ),
            (
                "profile = \"genesys-web-messaging\"\nsecrets",
                "profile = \"genesys-open-messaging\"\nsecrets",
                Some("has profile genesys-open-messaging, expected genesys-web-messaging"),
            ),
        ] {
            let parsed = parse(&text.replacen(from, to, 1));
            let told = parsed.map_or_else(|error| error.to_string(), |_| String::new());
            match expected {
                None => assert_eq!(told, ""),
                Some(expected) => assert!(told.contains(expected), "{expected:?} in:\n{told}"),
            }
        }
    }

    const CXONE: &str = r#"
[[endpoint]]
id = "cxone"
profile = "cxone-byoc"
secrets = [{ generate = true }]

[[connection]]
id = "cx"
profile = "cxone-byoc"
endpoint = "cxone"
channel_id = "byoc_1"
client_id = "3"
client_secret = { env = "CLIENT" }
access_key = "KEY"
access_key_secret = { env = "ACCESS" }

[[route]]
from = "number"
to = "cx"
"#;

    #[test]
    fn a_byoc_channel_has_an_access_key_and_says_how_files_go() {
        let text = format!("{PLAIN}{CXONE}");
        for (from, to, expected) in [
            ("endpoint = \"cxone\"\n", "", None),
            (
                "access_key = ",
                "attachments = \"temporary\"\naccess_key = ",
                None,
            ),
            (
                "access_key = ",
                "attachments = \"base64\"\naccess_key = ",
                Some("unknown variant `base64`, expected"),
            ),
            (
                "access_key = \"KEY\"\n",
                "",
                Some("key `access_key` is missing; expected the access key's id"),
            ),
            (
                "access_key_secret = { env = \"ACCESS\" }",
                "access_key_secret = { generate = true }",
                Some("key `access_key_secret`: the platform makes this secret"),
            ),
            (
                "access_key = ",
                "region = \"na1\"\naccess_key = ",
                Some("key `region` does not belong to profile cxone-byoc"),
            ),
            (
                "access_key = ",
                "issuer_url = \"http://cxone.example\"\naccess_key = ",
                Some("issuer_url http://cxone.example/: scheme \"http\" is not allowed"),
            ),
            (
                "secrets = [{ generate = true }]",
                "secrets = [{ generate = true }]\nforward_to = \"https://old.example/\"",
                Some("carry a token of ours and no signature; they cannot be passed on"),
            ),
        ] {
            let parsed = parse(&text.replacen(from, to, 1));
            let told = parsed.map_or_else(|error| error.to_string(), |_| String::new());
            match expected {
                None => assert_eq!(told, ""),
                Some(expected) => assert!(told.contains(expected), "{expected:?} in:\n{told}"),
            }
        }
        let documents = text
            .replace("cxone-byoc", "cxone-conversations")
            .replace("channel_id = \"byoc_1\"\n", "");
        assert_eq!(parse(&documents).map(|it| it.rows.len()).unwrap(), 6);
    }

    #[test]
    fn how_long_files_stay_is_the_owners_word_or_the_profiles() {
        for (profile, account, said, expected) in [
            ("messenger", "", "", Retention::Keep),
            (
                "instagram",
                "account_id = \"3\"",
                "",
                Retention::KeepUntilUnsend,
            ),
            (
                "instagram",
                "account_id = \"3\"",
                "retention = \"keep\"",
                Retention::Keep,
            ),
            (
                "messenger",
                "",
                "retention = \"reference-only\"",
                Retention::ReferenceOnly,
            ),
        ] {
            let page = format!(
                "[[endpoint]]\nid = \"pages\"\nprofile = \"{profile}\"\nsecrets = [{{ env = \"APP\" }}]\n\
                 verify_token = {{ generate = true }}\n[[connection]]\nid = \"page\"\nprofile = \"{profile}\"\n\
                 endpoint = \"pages\"\npage_id = \"1\"\n{account}\ngraph_version = \"v23.0\"\n\
                 token = {{ env = \"PAGE\" }}\n{said}\n[[route]]\nfrom = \"page\"\nto = \"org\"\n"
            );
            let loaded = parse(&format!("{PLAIN}{page}")).unwrap();
            let of_it = loaded.rows.iter().find_map(|row| match row {
                Row::Connection(it) if it.id.as_str() == "page" => Some(it.retention),
                _ => None,
            });
            assert_eq!(of_it, Some(expected), "{profile} {said}");
        }
    }

    #[test]
    fn a_provider_has_an_address_and_a_header_of_its_own() {
        let key = "phone_number_id = \"1\"\n";
        let base = "base_url = \"https://waba.provider.example\"\n";
        let header = "auth_header = \"D360-API-KEY\"\n";
        let bare = "bare_paths = true\n";
        for (added, expected) in [
            (format!("{base}{header}{bare}"), None),
            (base.to_owned(), None),
            (
                header.to_owned(),
                Some("key `base_url` is missing; expected the provider's address"),
            ),
            (
                bare.to_owned(),
                Some("key `base_url` is missing; expected the provider's address"),
            ),
            (
                format!("{base}auth_header = \"Authorization\"\n"),
                Some("key `auth_header`: the header means something else"),
            ),
            (
                format!("{base}auth_header = \"a b\"\n"),
                Some("key `auth_header`: it is no header's name"),
            ),
        ] {
            let parsed = parse(&PLAIN.replacen(key, &format!("{key}{added}"), 1));
            let told = parsed.map_or_else(|error| error.to_string(), |_| String::new());
            match expected {
                None => assert_eq!(told, "", "{added}"),
                Some(expected) => assert!(told.contains(expected), "{expected:?} in:\n{told}"),
            }
        }
        let without_version = PLAIN
            .replacen(key, &format!("{key}{base}{bare}"), 1)
            .replacen("graph_version = \"v23.0\"\n", "", 1);
        assert!(parse(&without_version).is_ok(), "bare paths name none");
        let genesys = PLAIN.replacen("region =", &format!("{header}region ="), 1);
        let told = parse(&genesys).unwrap_err().to_string();
        assert!(
            told.contains("key `auth_header` does not belong to profile"),
            "{told}"
        );
    }

    #[test]
    fn secrets_and_rows_know_where_they_are_written() {
        let loaded = parse(PLAIN).unwrap();
        let places: Vec<_> = loaded
            .secrets
            .iter()
            .map(|secret| secret.place.as_str())
            .collect();
        assert_eq!(
            places,
            [
                "connections.toml:2: endpoint/in: key `secrets`",
                "connections.toml:2: endpoint/in: key `verify_token`",
                "connections.toml:8: connection/number: key `token`",
                "connections.toml:16: connection/org: key `client_secret`",
            ]
        );
        assert_eq!(loaded.lines["connection/org"], 16);
    }

    #[test]
    fn a_problem_is_on_its_line() {
        let text = "[[route]]\nfrom = \"a\"\n\n[[route]]\nfrom = \"b\"\n";
        let message = parse(text).unwrap_err().to_string();
        let lines: Vec<_> = message
            .lines()
            .map(|line| line.split(": ").next().unwrap())
            .collect();
        assert_eq!(lines, ["connections.toml:1", "connections.toml:4"]);
    }
}
