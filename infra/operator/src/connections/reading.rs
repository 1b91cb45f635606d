//! The file's entries, one by one, into rows and the secrets they refer to.

use std::collections::BTreeMap;
use std::path::Path;

use attache_domain::channels::{Bounds, Ways};
use attache_domain::connection::{
    Account, AuthHeader, Connection, Endpoint, Org, Page, Profile, Provider, Route, Row,
    SecretName, SendRate, Tenant,
};
use attache_domain::diagnosis::Platform;
use attache_domain::ids::{ConnectionId, EndpointId};
use url::Url;

use super::file::{ConnectionEntry, EndpointEntry, File, SecretReference};
use super::limits;
use super::policy;
use super::rate;
use super::secrets::SecretUse;

/// The fewest characters of a secret that Genesys takes for its webhooks ("longer than 15"); with CXone, which signs nothing, it is the
/// only lock there is.
const GENESYS_SHORTEST: usize = 16;

/// Who issues CXone's tokens (cxone.md §2.1); government tenants have another.
const CXONE_ISSUER: &str = "https://cxone.niceincontact.com";

/// Where the source documents have CXone's conversations (`S1-14`).
const CONVERSATIONS_API: &str = "https://api.nice-incontact.com";

/// How a secret is referred to that the platform made.
const REFERENCES: &str = "{ env = … }, { file = … } or { name = … }";

/// Where things are written down, for errors.
type Lines = BTreeMap<String, usize>;

/// A file that is being read.
pub(super) struct Reading<'a> {
    path: &'a Path,
    stage: &'a str,
    text: &'a str,
    /// The line of each row, by its key.
    pub(super) lines: Lines,
    /// What is wrong, with its line.
    pub(super) problems: Vec<(usize, String)>,
    /// The secrets that were referred to.
    pub(super) secrets: Vec<SecretUse>,
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

impl<'a> Reading<'a> {
    /// Of this text; `path` is for errors, `stage` becomes part of the secrets' names.
    pub(super) fn new(path: &'a Path, stage: &'a str, text: &'a str) -> Self {
        Self {
            path,
            stage,
            text,
            lines: Lines::new(),
            problems: Vec::new(),
            secrets: Vec::new(),
        }
    }

    /// The rows of the file; what is wrong with single entries is among the problems then.
    pub(super) fn rows(&mut self, file: &File) -> Vec<Row> {
        let mut rows = Vec::new();
        for entry in &file.endpoint {
            let start = entry.span().start;
            let row = self.endpoint(entry.get_ref(), self.line(start));
            self.add(&mut rows, Row::Endpoint(row), start);
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
        if let Some(entry) = &file.policy {
            let folder = self.path.parent().unwrap_or(Path::new(""));
            let (policy, problems) = policy::read(folder, entry.get_ref());
            for (start, problem) in problems {
                self.problems
                    .push((self.line(start), format!("policy: {problem}")));
            }
            self.add(&mut rows, Row::Policy(policy), entry.span().start);
        }
        rows
    }

    fn endpoint(&mut self, entry: &EndpointEntry, line: usize) -> Endpoint {
        let is_genesys = entry.profile.platform() == Platform::Genesys;
        // What an agent's platform signs with, or shows us as its client, is what we gave it.
        let is_ours = is_genesys || entry.profile.platform() == Platform::Cxone;
        let key = |key, ours, shortest| Key {
            line,
            row: format!("endpoint/{}", entry.id),
            key,
            ours,
            shortest,
        };
        let shortest = if is_ours { GENESYS_SHORTEST } else { 1 };
        let of_secrets = key("secrets", is_ours, shortest);
        let of_verify = key("verify_token", true, 1);
        let mut secrets = Vec::new();
        for (n, reference) in (1..).zip(&entry.secrets) {
            let name = format!("endpoints/{}/secret-{n}", entry.id);
            secrets.push(self.secret(&of_secrets, &name, reference));
        }
        let verify = format!("endpoints/{}/verify-token", entry.id);
        let given = entry.verify_token.as_ref();
        Endpoint {
            id: EndpointId::new(&*entry.id),
            profile: entry.profile,
            secrets,
            verify_token: given.map(|reference| self.secret(&of_verify, &verify, reference)),
            forward_to: self.forward_to(entry, line),
            shadow: entry.shadow,
        }
    }

    fn forward_to(&mut self, entry: &EndpointEntry, line: usize) -> Option<Url> {
        let text = entry.forward_to.as_deref()?;
        let read = url(text, "forward_to");
        read.map_err(|problem| {
            let problem = format!("endpoint/{}: {problem}", entry.id);
            self.problems.push((line, problem));
        })
        .ok()
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
                base_url: graph_url(entry)?,
                graph_version: graph_version(entry)?,
                media_hosts: entry
                    .media_hosts
                    .clone()
                    .unwrap_or_else(|| vec!["lookaside.fbsbx.com".to_owned()]),
                token: self.needed_secret(entry, line, entry.token.as_ref(), "token")?,
                window_template: entry.window_template.clone(),
            },
            Profile::Messenger => Account::Messenger {
                page: self.page(entry, line)?,
            },
            Profile::Instagram => Account::Instagram {
                account_id: need(
                    &entry.account_id,
                    "account_id",
                    "the id of the Instagram professional account",
                )?,
                page: self.page(entry, line)?,
            },
            Profile::GenesysOpenMessaging => Account::GenesysOpenMessaging {
                endpoint: entry.endpoint.as_deref().map(EndpointId::new),
                integration_id: need(
                    &entry.integration_id,
                    "integration_id",
                    "the Open Messaging integration's id",
                )?,
                custom_attributes: entry.custom_attributes,
                org: self.org(entry, line)?,
            },
            Profile::GenesysWebMessaging => Account::GenesysWebMessaging {
                endpoint: entry.endpoint.as_deref().map(EndpointId::new),
                channel_id: need(
                    &entry.channel_id,
                    "channel_id",
                    "the id of the web messaging channel",
                )?,
                org: self.org(entry, line)?,
            },
            Profile::GenesysAgent => Account::GenesysAgent {
                supported_content: entry.supported_content.clone(),
                org: self.org(entry, line)?,
            },
            Profile::GenesysMediaUpload => Account::GenesysMediaUpload {
                endpoint: EndpointId::new(need(
                    &entry.endpoint,
                    "endpoint",
                    "the name of an [[endpoint]]",
                )?),
                channel_type: entry
                    .channel_type
                    .clone()
                    .unwrap_or_else(|| "whatsapp".to_owned()),
                org: self.org(entry, line)?,
            },
            Profile::GenesysWebChat => Account::GenesysWebChat {
                configuration_id: need(
                    &entry.configuration_id,
                    "configuration_id",
                    "the id of the web chat configuration",
                )?,
                agent_id: entry.agent_id.clone(),
                org: self.org(entry, line)?,
            },
            Profile::GenesysMessageMedia => Account::GenesysMessageMedia {
                agent_id: entry.agent_id.clone(),
                endpoint: EndpointId::new(need(
                    &entry.endpoint,
                    "endpoint",
                    "the name of an [[endpoint]]",
                )?),
                org: self.org(entry, line)?,
            },
            Profile::CxoneByoc => Account::CxoneByoc {
                endpoint: entry.endpoint.as_deref().map(EndpointId::new),
                channel_id: need(&entry.channel_id, "channel_id", "the BYOC channel's id")?,
                attachments: entry.attachments.unwrap_or_default(),
                tenant: self.tenant(entry, line, None)?,
            },
            Profile::CxoneConversations => Account::CxoneConversations {
                endpoint: entry.endpoint.as_deref().map(EndpointId::new),
                tenant: self.tenant(entry, line, Some(CONVERSATIONS_API))?,
            },
        };
        Ok(Connection {
            id: ConnectionId::new(&*entry.id),
            account,
            local: entry.local,
            retention: entry
                .retention
                .unwrap_or_else(|| entry.profile.default_retention()),
            synthetic: entry.synthetic,
            limits: self.limits(entry),
            rate: self.rate(entry),
            ways: Ways {
                convert: entry.convert,
                link: entry.link,
                summary: entry.summary || entry.base64_summary,
                base64_summary: entry.base64_summary,
            },
            provider: provider(entry)?,
        })
    }

    /// The owner's limits; what is wrong with them is among the problems then.
    fn limits(&mut self, entry: &ConnectionEntry) -> Bounds {
        let Some(given) = &entry.limits else {
            return Bounds::default();
        };
        let line = self.line(given.span().start);
        let (bounds, problems) = limits::read(entry.profile, given.get_ref());
        let place = format!("connection/{}: key", entry.id);
        self.problems.extend(
            problems
                .into_iter()
                .map(|it| (line, format!("{place} {it}"))),
        );
        bounds
    }

    /// The owner's rate; what is wrong with it is among the problems then.
    fn rate(&mut self, entry: &ConnectionEntry) -> Option<SendRate> {
        let given = entry.rate.as_ref()?;
        let line = self.line(given.span().start);
        match rate::read(entry.profile, given.get_ref()) {
            Ok(rate) => Some(rate),
            Err(problem) => {
                let place = format!("connection/{}: key", entry.id);
                self.problems.push((line, format!("{place} {problem}")));
                None
            }
        }
    }

    fn page(&mut self, entry: &ConnectionEntry, line: usize) -> Result<Page, String> {
        Ok(Page {
            endpoint: EndpointId::new(need(
                &entry.endpoint,
                "endpoint",
                "the name of an [[endpoint]]",
            )?),
            page_id: need(&entry.page_id, "page_id", "the Facebook page's id")?,
            base_url: graph_url(entry)?,
            graph_version: graph_version(entry)?,
            token: self.needed_secret(entry, line, entry.token.as_ref(), "token")?,
            human_agent: entry.human_agent,
        })
    }

    fn org(&mut self, entry: &ConnectionEntry, line: usize) -> Result<Org, String> {
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
        // The source document on web chat asks for tokens at the API host (`S2-4`); Genesys itself issues them at the login host.
        let issuer = match entry.profile {
            Profile::GenesysWebChat => "api",
            _ => "login",
        };
        let login = need(
            &entry.login_url.clone().or_else(|| of_region(issuer)),
            "login_url",
            "a URL, or give `region`",
        )?;
        let secret = entry.client_secret.as_ref();
        Ok(Org {
            api_url: url(&api, "api_url")?,
            login_url: url(&login, "login_url")?,
            client_id: need(&entry.client_id, "client_id", "the OAuth client's id")?,
            client_secret: self.needed_secret(entry, line, secret, "client_secret")?,
        })
    }

    fn tenant(
        &mut self,
        entry: &ConnectionEntry,
        line: usize,
        api: Option<&str>,
    ) -> Result<Tenant, String> {
        let issuer = entry.issuer_url.as_deref().unwrap_or(CXONE_ISSUER);
        let api = entry.api_url.as_deref().or(api);
        let (secret, key) = (
            entry.client_secret.as_ref(),
            entry.access_key_secret.as_ref(),
        );
        Ok(Tenant {
            issuer_url: url(issuer, "issuer_url")?,
            api_url: api.map(|api| url(api, "api_url")).transpose()?,
            client_id: need(
                &entry.client_id,
                "client_id",
                "the registered application's id",
            )?,
            client_secret: self.needed_secret(entry, line, secret, "client_secret")?,
            access_key: need(&entry.access_key, "access_key", "the access key's id")?,
            access_key_secret: self.needed_secret(entry, line, key, "access_key_secret")?,
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

/// How a provider between us and Meta is called.
fn provider(entry: &ConnectionEntry) -> Result<Provider, String> {
    let header = entry.auth_header.as_deref().map(AuthHeader::parse);
    let header = header.transpose();
    let provider = Provider {
        auth_header: header.map_err(|problem| format!("key `auth_header`: {problem}"))?,
        bare_paths: entry.bare_paths,
    };
    // Meta knows neither: its own host would be asked for what it does not have, with a key that it should not see.
    match provider != Provider::default() && entry.base_url.is_none() {
        true => Err(missing(
            "base_url",
            "the provider's address, since `auth_header` or `bare_paths` is given",
        )),
        false => Ok(provider),
    }
}

fn graph_url(entry: &ConnectionEntry) -> Result<Url, String> {
    let given = entry.base_url.as_deref();
    url(given.unwrap_or("https://graph.facebook.com"), "base_url")
}

fn graph_version(entry: &ConnectionEntry) -> Result<String, String> {
    if entry.bare_paths {
        return Ok(entry.graph_version.clone().unwrap_or_default());
    }
    need(
        &entry.graph_version,
        "graph_version",
        "a Graph API version such as \"v23.0\"",
    )
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
