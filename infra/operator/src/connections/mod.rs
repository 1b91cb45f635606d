//! `connections.toml`: what the owner writes, read into the rows the functions use.
//!
//! Secrets are given by reference only: `{ env = "NAME" }` or `{ file = "PATH" }` for a local run, `{ name = "attache/…" }`
//! (Secrets Manager) for a deployed one. Every problem is told with file, line, key and what was expected.

mod file;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use attache_domain::connection::{
    Account, Connection, Directory, Endpoint, Profile, Route, Row, SecretName,
};
use attache_domain::ids::{ConnectionId, EndpointId};
use url::Url;

pub use file::SecretReference;
use file::{ConnectionEntry, File};

/// Where things are written down, for errors.
type Lines = BTreeMap<String, usize>;

/// The configuration, ready to be applied.
#[derive(Debug)]
pub struct Loaded {
    /// Rows for the `connections` table.
    pub rows: Vec<Row>,
    /// Where the value of each named secret is to be taken from.
    pub secrets: Vec<(SecretName, SecretReference)>,
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
    stage: &'a str,
    text: &'a str,
    lines: Lines,
    problems: Vec<(usize, String)>,
    secrets: Vec<(SecretName, SecretReference)>,
}

impl Reading<'_> {
    fn rows(&mut self, file: &File) -> Vec<Row> {
        let mut rows = Vec::new();
        for entry in &file.endpoint {
            let endpoint = entry.get_ref();
            let secret = |n: usize| format!("endpoints/{}/secret-{n}", endpoint.id);
            let secrets = endpoint
                .secrets
                .iter()
                .enumerate()
                .map(|(n, reference)| (secret(n + 1), reference.clone()));
            let secrets: Vec<_> = secrets.collect();
            let secrets = secrets
                .into_iter()
                .map(|(name, reference)| self.secret(&name, &reference))
                .collect();
            let verify = format!("endpoints/{}/verify-token", endpoint.id);
            let verify_token = endpoint
                .verify_token
                .as_ref()
                .map(|reference| self.secret(&verify, reference));
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
            match self.connection(entry.get_ref()) {
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

    fn secret(&mut self, name: &str, reference: &SecretReference) -> SecretName {
        let name = match reference {
            SecretReference::Name(name) => SecretName(name.clone()),
            SecretReference::Env(_) | SecretReference::File(_) => {
                SecretName(format!("attache/{}/{name}", self.stage))
            }
        };
        self.secrets.push((name.clone(), reference.clone()));
        name
    }

    fn connection(&mut self, entry: &ConnectionEntry) -> Result<Connection, String> {
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
                token: self.needed_secret(entry, entry.token.as_ref(), "token")?,
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
        given: Option<&SecretReference>,
        key: &str,
    ) -> Result<SecretName, String> {
        let reference = given
            .ok_or_else(|| missing(key, "{ env = … }, { file = … } or { name = … }"))?
            .clone();
        Ok(self.secret(&format!("clients/{}/{key}", entry.id), &reference))
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
