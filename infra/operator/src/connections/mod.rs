//! `connections.toml`: what the owner writes, read into the rows the functions use.
//!
//! Secrets are given by reference only: `{ env = "NAME" }` or `{ file = "PATH" }`, `{ name = "attache/…" }` for one that is in
//! Secrets Manager of a deployed system already, `{ generate = true }` for one of our own making. Every problem is told with
//! file, line, key and what was expected. [`apply`] brings a file into a system, [`show`] tells what a system holds.

pub mod apply;
mod file;
mod paste;
mod plan;
mod report;
mod secrets;
pub mod show;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use attache_domain::connection::{
    Account, Connection, Directory, Endpoint, Profile, Route, Row, SecretName,
};
use attache_domain::ids::{ConnectionId, EndpointId};
use url::Url;

pub use file::SecretReference;
use file::{ConnectionEntry, File};
pub use secrets::{Given, SecretUse, Vault, generated};

/// The fewest characters of a secret that Genesys takes for its webhooks ("longer than 15").
const GENESYS_SHORTEST: usize = 16;

/// How a secret is referred to that the platform made.
const REFERENCES: &str = "{ env = … }, { file = … } or { name = … }";

/// Where things are written down, for errors.
type Lines = BTreeMap<String, usize>;

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
    #[error("{}: {source}", path.display())]
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

    /// Checks a file's text; `path` is for its errors.
    ///
    /// # Errors
    /// As [`Loaded::read`].
    pub fn parse(path: &Path, text: &str, stage: &str) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text).map_err(|error| ConfigError::Shape {
            path: path.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })?;
        let mut reading = Reading {
            path,
            stage,
            text,
            lines: Lines::new(),
            problems: Vec::new(),
            secrets: Vec::new(),
        };
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

struct Reading<'a> {
    path: &'a Path,
    stage: &'a str,
    text: &'a str,
    lines: Lines,
    problems: Vec<(usize, String)>,
    secrets: Vec<SecretUse>,
}

/// A key that holds references to secrets.
struct Key<'a> {
    line: usize,
    row: String,
    key: &'a str,
    /// Whether the secret may be of our own making, because the platform takes what it is given.
    ours: bool,
    shortest: usize,
}

impl Reading<'_> {
    fn rows(&mut self, file: &File) -> Vec<Row> {
        let mut rows = Vec::new();
        for entry in &file.endpoint {
            let endpoint = entry.get_ref();
            let is_genesys = endpoint.profile == Profile::GenesysOpenMessaging;
            let key = |key, ours, shortest| Key {
                line: self.line(entry.span().start),
                row: format!("endpoint/{}", endpoint.id),
                key,
                ours,
                shortest,
            };
            let shortest = if is_genesys { GENESYS_SHORTEST } else { 1 };
            let (of_secrets, of_verify) = (
                key("secrets", is_genesys, shortest),
                key("verify_token", true, 1),
            );
            let mut secrets = Vec::new();
            for (n, reference) in (1..).zip(&endpoint.secrets) {
                let name = format!("endpoints/{}/secret-{n}", endpoint.id);
                secrets.push(self.secret(&of_secrets, &name, reference));
            }
            let verify = format!("endpoints/{}/verify-token", endpoint.id);
            let verify_token = endpoint
                .verify_token
                .as_ref()
                .map(|reference| self.secret(&of_verify, &verify, reference));
            let row = Endpoint {
                id: EndpointId::new(&*endpoint.id),
                profile: endpoint.profile,
                secrets,
                verify_token,
            };
            self.add(&mut rows, Row::Endpoint(row), entry.span().start);
        }
        for entry in &file.connection {
            let line = self.line(entry.span().start);
            match self.connection(entry.get_ref(), line) {
                Ok(connection) => {
                    self.add(&mut rows, Row::Connection(connection), entry.span().start)
                }
                Err(problem) => self.problems.push((
                    line,
                    format!("connection/{}: {problem}", entry.get_ref().id),
                )),
            }
        }
        for entry in &file.route {
            let route = entry.get_ref();
            let to = route.to.as_deref().map(ConnectionId::new);
            let row = Row::Route(Route {
                from: ConnectionId::new(&*route.from),
                to,
            });
            self.add(&mut rows, row, entry.span().start);
        }
        rows
    }

    fn add(&mut self, rows: &mut Vec<Row>, row: Row, start: usize) {
        let line = self.line(start);
        if let Some(first) = self.lines.insert(row.id(), line) {
            self.problems.push((
                line,
                format!("{}: is there already, on line {first}", row.id()),
            ));
        }
        rows.push(row);
    }

    fn line(&self, start: usize) -> usize {
        self.text
            .get(..start)
            .map_or(1, |before| before.matches('\n').count() + 1)
    }

    fn secret(&mut self, key: &Key<'_>, name: &str, reference: &SecretReference) -> SecretName {
        let name = match reference {
            SecretReference::Name(name) => SecretName(name.clone()),
            SecretReference::Env(_) | SecretReference::File(_) | SecretReference::Generate => {
                SecretName(format!("attache/{}/{name}", self.stage))
            }
        };
        let place = format!("{}: key `{}`", key.row, key.key);
        if *reference == SecretReference::Generate && !key.ours {
            self.problems.push((
                key.line,
                format!("{place}: the platform makes this secret, it cannot be generated; expected {REFERENCES}"),
            ));
        }
        self.secrets.push(SecretUse {
            name: name.clone(),
            reference: reference.clone(),
            place: format!("{}:{}: {place}", self.path.display(), key.line),
            shortest: key.shortest,
        });
        name
    }

    fn connection(&mut self, entry: &ConnectionEntry, line: usize) -> Result<Connection, String> {
        entry.refuse_foreign_keys()?;
        let account = match entry.profile {
            Profile::WhatsApp => Account::WhatsApp {
                endpoint: EndpointId::new(need(
                    &entry.endpoint,
                    "endpoint",
                    "the name of an [[endpoint]]",
                )?),
                phone_number_id: need(
                    &entry.phone_number_id,
                    "phone_number_id",
                    "the number's id from WhatsApp Manager",
                )?,
                base_url: url(
                    entry
                        .base_url
                        .as_deref()
                        .unwrap_or("https://graph.facebook.com"),
                    "base_url",
                )?,
                graph_version: need(
                    &entry.graph_version,
                    "graph_version",
                    "a Graph API version such as \"v23.0\"",
                )?,
                media_hosts: entry
                    .media_hosts
                    .clone()
                    .unwrap_or_else(|| vec!["lookaside.fbsbx.com".to_owned()]),
                token: self.needed_secret(entry, line, entry.token.as_ref(), "token")?,
            },
            Profile::GenesysOpenMessaging => {
                let of_region = |service: &str| {
                    entry
                        .region
                        .as_ref()
                        .map(|region| format!("https://{service}.{region}"))
                };
                let api = need(
                    &entry.api_url.clone().or_else(|| of_region("api")),
                    "region",
                    "a Genesys domain such as \"mypurecloud.de\"",
                )?;
                let login = need(
                    &entry.login_url.clone().or_else(|| of_region("login")),
                    "login_url",
                    "a URL, or give `region`",
                )?;
                Account::GenesysOpenMessaging {
                    integration_id: need(
                        &entry.integration_id,
                        "integration_id",
                        "the Open Messaging integration's id",
                    )?,
                    api_url: url(&api, "api_url")?,
                    login_url: url(&login, "login_url")?,
                    client_id: need(&entry.client_id, "client_id", "the OAuth client's id")?,
                    client_secret: self.needed_secret(
                        entry,
                        line,
                        entry.client_secret.as_ref(),
                        "client_secret",
                    )?,
                }
            }
        };
        Ok(Connection {
            id: ConnectionId::new(&*entry.id),
            account,
            local: entry.local,
        })
    }

    fn needed_secret(
        &mut self,
        entry: &ConnectionEntry,
        line: usize,
        given: Option<&SecretReference>,
        key: &str,
    ) -> Result<SecretName, String> {
        let reference = given.ok_or_else(|| missing(key, REFERENCES))?;
        let of_key = Key {
            line,
            row: format!("connection/{}", entry.id),
            key,
            ours: false,
            shortest: 1,
        };
        Ok(self.secret(&of_key, &format!("clients/{}/{key}", entry.id), reference))
    }
}

fn need(given: &Option<String>, key: &str, expected: &str) -> Result<String, String> {
    given
        .clone()
        .filter(|value| !value.is_empty())
        .ok_or_else(|| missing(key, expected))
}

fn missing(key: &str, expected: &str) -> String {
    format!("key `{key}` is missing; expected {expected}")
}

fn url(text: &str, key: &str) -> Result<Url, String> {
    Url::parse(text).map_err(|error| {
        format!("key `{key}`: {text:?} is no URL ({error}); expected one such as \"https://host\"")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
