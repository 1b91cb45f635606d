//! The shape of `connections.toml`, key by key. Unknown keys are errors, so that a typing mistake is never a silent default.

use std::collections::BTreeMap;
use std::path::PathBuf;

use attache_domain::connection::{Attachments, Profile, Retention, Template};
use attache_inspect::Verdict;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::Spanned;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) endpoint: Vec<Spanned<EndpointEntry>>,
    #[serde(default)]
    pub(super) connection: Vec<Spanned<ConnectionEntry>>,
    #[serde(default)]
    pub(super) route: Vec<Spanned<RouteEntry>>,
    pub(super) policy: Option<Spanned<PolicyEntry>>,
}

/// `[[endpoint]]`: one webhook URL of ours.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointEntry {
    pub(super) id: String,
    pub(super) profile: Profile,
    pub(super) secrets: Vec<SecretReference>,
    pub(super) verify_token: Option<SecretReference>,
    pub(super) forward_to: Option<String>,
    #[serde(default)]
    pub(super) shadow: bool,
}

/// `[[connection]]`: keys of every profile; which belong together is checked afterwards, so that the message can say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConnectionEntry {
    pub(super) id: String,
    pub(super) profile: Profile,
    #[serde(default)]
    pub(super) local: bool,
    pub(super) retention: Option<Retention>,
    #[serde(default)]
    pub(super) synthetic: bool,
    pub(super) endpoint: Option<String>,
    pub(super) limits: Option<Spanned<LimitsEntry>>,
    pub(super) rate: Option<Spanned<RateEntry>>,
    #[serde(default)]
    pub(super) convert: bool,
    #[serde(default)]
    pub(super) link: bool,
    #[serde(default)]
    pub(super) summary: bool,
    #[serde(default)]
    pub(super) base64_summary: bool,
    // whatsapp
    pub(super) phone_number_id: Option<String>,
    pub(super) media_hosts: Option<Vec<String>>,
    pub(super) window_template: Option<Template>,
    pub(super) auth_header: Option<String>,
    #[serde(default)]
    pub(super) bare_paths: bool,
    // messenger, instagram
    pub(super) page_id: Option<String>,
    pub(super) account_id: Option<String>,
    #[serde(default)]
    pub(super) human_agent: bool,
    // whatsapp, messenger, instagram
    pub(super) graph_version: Option<String>,
    pub(super) base_url: Option<String>,
    pub(super) token: Option<SecretReference>,
    // genesys-open-messaging, genesys-message-media, genesys-web-messaging, genesys-web-chat, genesys-media-upload, genesys-agent
    pub(super) region: Option<String>,
    pub(super) api_url: Option<String>,
    pub(super) login_url: Option<String>,
    pub(super) integration_id: Option<String>,
    #[serde(default)]
    pub(super) custom_attributes: bool,
    pub(super) channel_id: Option<String>,
    pub(super) supported_content: Option<String>,
    pub(super) configuration_id: Option<String>,
    pub(super) agent_id: Option<String>,
    pub(super) channel_type: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<SecretReference>,
    // cxone-byoc, cxone-conversations
    pub(super) issuer_url: Option<String>,
    pub(super) access_key: Option<String>,
    pub(super) access_key_secret: Option<SecretReference>,
    pub(super) attachments: Option<Attachments>,
}

/// `[connection.limits]`: what the owner allows to be delivered over the connection above it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsEntry {
    pub(super) max_bytes: Option<u64>,
    pub(super) types: Option<Vec<String>>,
}

/// `rate` of a connection: how fast messages are sent over it, files and words together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RateEntry {
    pub(super) calls: u32,
    pub(super) seconds: u32,
    pub(super) burst: Option<u32>,
}

/// `[[route]]`: without `to` the media is stored and judged, and stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteEntry {
    pub(super) from: String,
    pub(super) to: Option<String>,
}

/// The verdicts of one section's flags, each with its place.
pub(super) type Flags = BTreeMap<Spanned<String>, Verdict>;

/// `[policy]`: what the owner decides about files, where the standard policy is to be otherwise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct PolicyEntry {
    #[serde(default)]
    pub(super) quarantine: Quarantine,
    #[serde(default)]
    pub(super) blocked: Vec<Spanned<String>>,
    #[serde(rename = "blocked_file")]
    pub(super) blocked_file: Option<Spanned<PathBuf>>,
    #[serde(default)]
    pub(super) hazards: Flags,
    #[serde(default)]
    pub(super) integrity: Flags,
    #[serde(default)]
    pub(super) unknown: Flags,
    #[serde(default)]
    pub(super) differs: Flags,
    #[serde(default)]
    pub(super) disguised: Flags,
}

/// What becomes of what is quarantined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Quarantine {
    /// A copy lies in the quarantine bucket, until its lifecycle removes it.
    #[default]
    Keep,
    /// Nothing of it is kept.
    DeleteNow,
}

/// Where a secret's value is. Never the value.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretReference {
    /// An environment variable of whoever starts the local run, or applies the file.
    Env(String),
    /// A file on the same machine; a line end at its end is not part of the secret.
    File(std::path::PathBuf),
    /// A secret that is in Secrets Manager already, deployed.
    Name(String),
    /// One of our own making, drawn when it is first needed and kept from then on. Written `generate = true`.
    #[serde(deserialize_with = "only_true")]
    Generate,
}

fn only_true<'de, D: Deserializer<'de>>(given: D) -> Result<(), D::Error> {
    match bool::deserialize(given)? {
        true => Ok(()),
        false => Err(D::Error::custom(
            "`generate` is false, expected true or another reference",
        )),
    }
}

impl ConnectionEntry {
    /// Keys of another profile are mistakes, not decoration.
    pub(super) fn refuse_foreign_keys(&self) -> Result<(), String> {
        let given = [
            ("endpoint", self.endpoint.is_some()),
            ("phone_number_id", self.phone_number_id.is_some()),
            ("page_id", self.page_id.is_some()),
            ("account_id", self.account_id.is_some()),
            ("human_agent", self.human_agent),
            ("graph_version", self.graph_version.is_some()),
            ("base_url", self.base_url.is_some()),
            ("media_hosts", self.media_hosts.is_some()),
            ("token", self.token.is_some()),
            ("window_template", self.window_template.is_some()),
            ("auth_header", self.auth_header.is_some()),
            ("bare_paths", self.bare_paths),
            ("region", self.region.is_some()),
            ("api_url", self.api_url.is_some()),
            ("login_url", self.login_url.is_some()),
            ("client_id", self.client_id.is_some()),
            ("client_secret", self.client_secret.is_some()),
            ("integration_id", self.integration_id.is_some()),
            ("custom_attributes", self.custom_attributes),
            ("channel_id", self.channel_id.is_some()),
            ("supported_content", self.supported_content.is_some()),
            ("configuration_id", self.configuration_id.is_some()),
            ("agent_id", self.agent_id.is_some()),
            ("channel_type", self.channel_type.is_some()),
            ("issuer_url", self.issuer_url.is_some()),
            ("access_key", self.access_key.is_some()),
            ("access_key_secret", self.access_key_secret.is_some()),
            ("attachments", self.attachments.is_some()),
        ];
        let own = own_keys(self.profile);
        let foreign = given
            .iter()
            .find(|(key, given)| *given && !own.iter().any(|group| group.contains(key)));
        match foreign {
            Some((key, _)) => Err(format!(
                "key `{key}` does not belong to profile {}",
                self.profile
            )),
            None => Ok(()),
        }
    }
}

/// The keys of a profile, beside those of every connection.
fn own_keys(profile: Profile) -> &'static [&'static [&'static str]] {
    const GRAPH: &[&str] = &["endpoint", "graph_version", "base_url", "token"];
    const ORG: &[&str] = &[
        "region",
        "api_url",
        "login_url",
        "client_id",
        "client_secret",
    ];
    const PROVIDER: &[&str] = &["auth_header", "bare_paths"];
    const GENESYS: &[&str] = &[
        "endpoint",
        "region",
        "api_url",
        "login_url",
        "client_id",
        "client_secret",
    ];
    const CXONE: &[&str] = &[
        "endpoint",
        "issuer_url",
        "api_url",
        "client_id",
        "client_secret",
        "access_key",
        "access_key_secret",
    ];
    match profile {
        Profile::WhatsApp => &[
            GRAPH,
            &["phone_number_id", "media_hosts", "window_template"],
            PROVIDER,
        ],
        Profile::Messenger => &[GRAPH, &["page_id", "human_agent"]],
        Profile::Instagram => &[GRAPH, &["page_id", "human_agent", "account_id"]],
        Profile::GenesysOpenMessaging => &[GENESYS, &["integration_id", "custom_attributes"]],
        Profile::GenesysMessageMedia => &[GENESYS, &["agent_id"]],
        Profile::GenesysWebChat => &[ORG, &["configuration_id", "agent_id"]],
        Profile::GenesysWebMessaging => &[GENESYS, &["channel_id"]],
        Profile::GenesysMediaUpload => &[GENESYS, &["channel_type"]],
        Profile::CxoneByoc => &[CXONE, &["channel_id", "attachments"]],
        Profile::CxoneConversations => &[CXONE],
        Profile::GenesysAgent => &[ORG, &["supported_content"]],
    }
}
