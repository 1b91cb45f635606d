//! What the owner configured: endpoints (our webhook URLs), connections (one integration, number or page on one
//! platform, with a profile) and routes between connections. Secrets appear by name only.

mod cxone;
mod directory;
mod policy;
mod provider;
mod retention;
mod send_rate;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::channels::{Bounds, Direction, LongestText, Ways};
use crate::diagnosis::Platform;
use crate::ids::{ConnectionId, EndpointId};
use crate::pacing::rate::Rate;
use crate::platforms::genesys;
use crate::signature::Scheme;
use crate::token::Purpose;

pub use cxone::{Attachments, Tenant};
pub use directory::{Directory, Problem};
pub use policy::{FilePolicy, MOST_BLOCKED, Verdicts};
pub use provider::{AuthHeader, AuthHeaderError, Provider};
pub use retention::Retention;
pub use send_rate::{SendRate, SendRateError, most_files};

/// The name of a secret in Secrets Manager. Never the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretName(pub String);

/// Which wire surface an endpoint or connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// WhatsApp Cloud API.
    #[serde(rename = "whatsapp")]
    WhatsApp,
    /// Genesys Cloud Open Messaging.
    GenesysOpenMessaging,
    /// The source documents' surface `message:message-media` (`S1-11`): not published by Genesys. Takes in, and delivers files by
    /// the id that their upload gives.
    GenesysMessageMedia,
    /// The source documents' upload surface of web messaging (`S3-6`): not published by Genesys. Takes in what becomes of
    /// uploads, and delivers files in two steps.
    GenesysWebMessaging,
    /// The source documents' surface of web chat (`S2`): not published by Genesys. Takes nothing in.
    GenesysWebChat,
    /// The source documents' direct upload test (`S0-22`): not published by Genesys. Takes in what becomes of uploads, and delivers
    /// files to nobody.
    GenesysMediaUpload,
    /// Genesys Cloud's conversations from the agent's side: takes nothing in, delivers files into a conversation that there is.
    GenesysAgent,
    /// Messenger, by way of a Facebook page.
    Messenger,
    /// Instagram Direct, by way of the page that the professional account is linked to.
    Instagram,
    /// NICE CXone, a channel of one's own making (BYOC).
    CxoneByoc,
    /// The source documents' conversations of CXone (`S1-12`): not published by NICE.
    CxoneConversations,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 11] = [
        Self::WhatsApp,
        Self::GenesysOpenMessaging,
        Self::GenesysMessageMedia,
        Self::GenesysWebMessaging,
        Self::GenesysWebChat,
        Self::GenesysMediaUpload,
        Self::GenesysAgent,
        Self::Messenger,
        Self::Instagram,
        Self::CxoneByoc,
        Self::CxoneConversations,
    ];

    /// The name used in configuration and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WhatsApp => "whatsapp",
            Self::GenesysOpenMessaging => "genesys-open-messaging",
            Self::GenesysMessageMedia => "genesys-message-media",
            Self::GenesysWebMessaging => "genesys-web-messaging",
            Self::GenesysWebChat => "genesys-web-chat",
            Self::GenesysMediaUpload => "genesys-media-upload",
            Self::GenesysAgent => "genesys-agent",
            Self::Messenger => "messenger",
            Self::Instagram => "instagram",
            Self::CxoneByoc => "cxone-byoc",
            Self::CxoneConversations => "cxone-conversations",
        }
    }

    /// Whose answers come over it.
    #[must_use]
    pub fn platform(self) -> Platform {
        match self {
            Self::WhatsApp => Platform::WhatsApp,
            Self::GenesysOpenMessaging
            | Self::GenesysMessageMedia
            | Self::GenesysWebMessaging
            | Self::GenesysWebChat
            | Self::GenesysMediaUpload
            | Self::GenesysAgent => Platform::Genesys,
            Self::Messenger => Platform::Messenger,
            Self::Instagram => Platform::Instagram,
            Self::CxoneByoc | Self::CxoneConversations => Platform::Cxone,
        }
    }

    /// Which way that goes which comes in over it: customers write over channels, agents over platforms.
    #[must_use]
    pub fn direction(self) -> Direction {
        match self {
            Self::WhatsApp | Self::Messenger | Self::Instagram | Self::GenesysAgent => {
                Direction::ToAgent
            }
            Self::GenesysOpenMessaging
            | Self::GenesysMessageMedia
            | Self::GenesysWebMessaging
            | Self::GenesysWebChat
            | Self::GenesysMediaUpload
            | Self::CxoneByoc
            | Self::CxoneConversations => Direction::ToCustomer,
        }
    }

    /// For how long after a message its file can be had. WhatsApp: the media id of a webhook gives fresh links for seven
    /// days (meta.md §2.2). Messenger, Instagram: not published (meta.md §3, §4); tried for a day, where the link does not
    /// tell. Genesys, CXone: not confirmed; the source documents say 15 to 30 minutes (`S1-16`).
    #[must_use]
    pub fn file_life(self) -> Duration {
        match self {
            Self::WhatsApp => Duration::from_secs(7 * 24 * 3600),
            Self::Messenger | Self::Instagram => Duration::from_secs(24 * 3600),
            Self::GenesysOpenMessaging
            | Self::GenesysMessageMedia
            | Self::GenesysWebMessaging
            | Self::GenesysWebChat
            | Self::GenesysMediaUpload
            | Self::GenesysAgent
            | Self::CxoneByoc
            | Self::CxoneConversations => Duration::from_secs(30 * 60),
        }
    }

    /// How long one link to a file lives at the worst, where it does not tell itself (ruling C14): WhatsApp's five minutes,
    /// a quarter of an hour elsewhere.
    #[must_use]
    pub fn link_life(self) -> Duration {
        match self {
            Self::WhatsApp => Duration::from_secs(5 * 60),
            Self::GenesysOpenMessaging
            | Self::GenesysMessageMedia
            | Self::GenesysWebMessaging
            | Self::GenesysWebChat
            | Self::GenesysMediaUpload
            | Self::GenesysAgent
            | Self::Messenger
            | Self::Instagram
            | Self::CxoneByoc
            | Self::CxoneConversations => Duration::from_secs(15 * 60),
        }
    }

    /// How long the bytes of what comes over it stay where the owner does not say (ruling C25). Instagram's terms are read to
    /// forbid keeping what was taken back.
    #[must_use]
    pub fn default_retention(self) -> Retention {
        match self {
            Self::Instagram => Retention::KeepUntilUnsend,
            Self::WhatsApp
            | Self::GenesysOpenMessaging
            | Self::GenesysMessageMedia
            | Self::GenesysWebMessaging
            | Self::GenesysWebChat
            | Self::GenesysMediaUpload
            | Self::GenesysAgent
            | Self::Messenger
            | Self::CxoneByoc
            | Self::CxoneConversations => Retention::Keep,
        }
    }

    /// Whether a message can be delivered over it.
    #[must_use]
    pub fn delivers(self) -> bool {
        match self {
            Self::WhatsApp
            | Self::GenesysOpenMessaging
            | Self::GenesysMessageMedia
            | Self::GenesysWebMessaging
            | Self::GenesysWebChat
            | Self::GenesysMediaUpload
            | Self::GenesysAgent
            | Self::Messenger
            | Self::Instagram
            | Self::CxoneByoc
            | Self::CxoneConversations => true,
        }
    }

    /// How long a sender waits for the answer to a webhook, and how often it comes again.
    #[must_use]
    pub fn patience(self) -> Patience {
        match self {
            // Events of uploads bring no bytes; over the last two nothing comes at all.
            Self::WhatsApp
            | Self::GenesysWebMessaging
            | Self::GenesysMediaUpload
            | Self::GenesysWebChat
            | Self::GenesysAgent => Patience::ClaimFirst,
            // 10 s, five retries 5 s apart (genesys.md §3.2); the surface of `S1-18` is taken to be as patient.
            Self::GenesysOpenMessaging | Self::GenesysMessageMedia | Self::CxoneConversations => {
                Patience::BytesFirst {
                    inline: Duration::from_secs(8),
                    tries: 6,
                }
            }
            // Meta switches subscriptions off that fail for long (meta.md §1.4): slowness is never refused. Nor is it where it is not
            // known whether the sender comes again (cxone.md §3).
            Self::Messenger | Self::Instagram | Self::CxoneByoc => Patience::BytesFirst {
                inline: Duration::from_secs(2),
                tries: 1,
            },
        }
    }

    /// Whether anything comes in over it: only then there are endpoints of it.
    #[must_use]
    pub fn takes_in(self) -> bool {
        !matches!(self, Self::GenesysWebChat | Self::GenesysAgent)
    }

    /// What its messages are addressed by beside the customer ([`crate::address`]).
    #[must_use]
    pub fn addressed_by(self) -> &'static [&'static str] {
        match self {
            Self::GenesysAgent => genesys::agent::ADDRESSED_BY,
            Self::GenesysWebChat => genesys::by_name::WEB_CHAT_ADDRESSED_BY,
            Self::GenesysMessageMedia => genesys::by_name::MESSAGE_MEDIA_ADDRESSED_BY,
            Self::WhatsApp
            | Self::GenesysOpenMessaging
            | Self::GenesysWebMessaging
            | Self::GenesysMediaUpload
            | Self::Messenger
            | Self::Instagram
            | Self::CxoneByoc
            | Self::CxoneConversations => &[],
        }
    }

    /// When its platform wants the bytes of a file.
    #[must_use]
    pub fn takes_bytes(self) -> TakesBytes {
        match self {
            Self::WhatsApp
            | Self::Messenger
            | Self::Instagram
            | Self::GenesysMessageMedia
            | Self::GenesysWebChat
            | Self::CxoneConversations => TakesBytes::BeforeTheMessage,
            Self::GenesysWebMessaging | Self::GenesysMediaUpload | Self::GenesysAgent => {
                TakesBytes::AndWorksOnThem
            }
            Self::GenesysOpenMessaging | Self::CxoneByoc => TakesBytes::ByItself,
        }
    }

    /// Whether its platform tells what became of messages by a moment alone: all up to then (meta.md §3).
    #[must_use]
    pub fn tells_by_moments(self) -> bool {
        self == Self::Messenger
    }

    /// Whether its platform speaks of a message of ours by a name of its own alone, which the answer to the send brings (or an echo):
    /// what it tells may be here before that.
    #[must_use]
    pub fn tells_by_name(self) -> bool {
        matches!(self, Self::Messenger | Self::Instagram)
    }

    /// Whether its files are given to the bearer alone. Links of the other profiles are credentials of their own.
    #[must_use]
    pub fn fetches_by_bearer(self) -> bool {
        match self {
            Self::WhatsApp
            | Self::GenesysOpenMessaging
            | Self::GenesysMessageMedia
            | Self::GenesysWebMessaging
            | Self::GenesysWebChat
            | Self::GenesysMediaUpload
            | Self::GenesysAgent
            | Self::CxoneConversations => true,
            Self::Messenger | Self::Instagram | Self::CxoneByoc => false,
        }
    }

    /// The longest words of one message over it, where that is published: WhatsApp's text message page; Messenger's and
    /// Instagram's Send API reference (meta.md §4 has Instagram's).
    #[must_use]
    pub fn longest_text(self) -> Option<LongestText> {
        match self {
            Self::WhatsApp => Some(LongestText::Characters(4096)),
            // Of Genesys' agents: `textBody` (genesys.md §6).
            Self::Messenger | Self::GenesysAgent => Some(LongestText::Characters(2000)),
            Self::Instagram => Some(LongestText::Bytes(1000)),
            Self::GenesysOpenMessaging
            | Self::GenesysMessageMedia
            | Self::GenesysWebMessaging
            | Self::GenesysWebChat
            | Self::GenesysMediaUpload
            | Self::CxoneByoc
            | Self::CxoneConversations => None,
        }
    }

    /// How its platform signs webhooks; `None`: it signs none, and bears a token that we issued (cxone.md §2.2).
    #[must_use]
    pub fn scheme(self) -> Option<Scheme> {
        match self {
            Self::WhatsApp | Self::Messenger | Self::Instagram => Some(Scheme::META),
            // The documents name no scheme for CXone; theirs for platforms in general is the one that Genesys publishes.
            Self::GenesysOpenMessaging
            | Self::GenesysMessageMedia
            | Self::GenesysWebChat
            | Self::GenesysAgent
            | Self::CxoneConversations => Some(Scheme::GENESYS),
            Self::GenesysWebMessaging | Self::GenesysMediaUpload => Some(Scheme::GENESYS_EVENTS),
            Self::CxoneByoc => None,
        }
    }

    /// Whether its platform calls several addresses under one endpoint's, and reads an answer to each.
    #[must_use]
    pub fn has_paths(self) -> bool {
        self == Self::CxoneByoc
    }

    /// Whether its platform can be told what became of an agent's message. CXone: no way is published (cxone.md §6), so the agent
    /// reads of failures, and of nothing else.
    #[must_use]
    pub fn takes_receipts(self) -> bool {
        !matches!(self, Self::CxoneByoc | Self::CxoneConversations)
    }
}

/// When a platform wants the bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakesBytes {
    /// It fetches them by the link in the message.
    ByItself,
    /// They are handed over, and the message names them at once.
    BeforeTheMessage,
    /// They are handed over, and the message names them once the platform is done with them.
    AndWorksOnThem,
}

/// When a webhook is acknowledged. Either way: a 2xx means that a later crash cannot lose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// The file's id finds it for days: once the row and its job are durable.
    ClaimFirst,
    /// There is only a link that dies: once the bytes are stored.
    BytesFirst {
        /// How long the answer may take.
        inline: Duration,
        /// How often the sender tries in all. Refused to the end it would tell the agent so, who would send again:
        /// the last try is acknowledged once link and job are durable.
        tries: u32,
    },
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One webhook URL of ours: `/webhooks/<id>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The last part of its path.
    pub id: EndpointId,
    /// Who calls it, and so how calls are signed and read.
    pub profile: Profile,
    /// The secrets a signature may be made with: the live one, and during a rotation the one before.
    pub secrets: Vec<SecretName>,
    /// The token of the platform's verification call (Meta's `hub.verify_token`).
    pub verify_token: Option<SecretName>,
    /// Where every webhook that passes verification is sent on to, byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward_to: Option<Url>,
    /// Whether it only watches: what comes in is recorded and judged, and never delivered.
    #[serde(default, skip_serializing_if = "is_false")]
    pub shadow: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn is_false(it: &bool) -> bool {
    !*it
}

/// A message template that is approved at Meta, without variables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// Its language, as Meta spells it (`de`, `en_US`).
    pub language: String,
}

/// The account of a connection, by profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "profile", rename_all = "kebab-case")]
pub enum Account {
    /// One business phone number.
    #[serde(rename = "whatsapp")]
    WhatsApp {
        /// The endpoint its webhooks come to.
        endpoint: EndpointId,
        /// The number's id, by which webhooks name it.
        phone_number_id: String,
        /// Where the Graph API is (`https://graph.facebook.com`).
        base_url: Url,
        /// The pinned API version (`v23.0`).
        graph_version: String,
        /// The hosts that media links may name and the bearer may go to, besides `base_url`'s.
        media_hosts: Vec<String>,
        /// The access token's secret; read by `refresh` alone.
        token: SecretName,
        /// What is sent in the place of a message for which the 24 h service window is closed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        window_template: Option<Template>,
    },
    /// One Open Messaging integration.
    GenesysOpenMessaging {
        /// The endpoint its webhooks come to; `None`: agents cannot write back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        endpoint: Option<EndpointId>,
        /// The integration's id, part of every call's path.
        integration_id: String,
        /// Whether flows are told of a file in `channel.metadata.customAttributes` too, beside the published `metadata`.
        #[serde(default, skip_serializing_if = "is_false")]
        custom_attributes: bool,
        /// Its organisation.
        #[serde(flatten)]
        org: Org,
    },
    /// The source documents' media events (`S1-13`): one organisation for each endpoint, since they name none.
    GenesysMessageMedia {
        /// The endpoint its webhooks come to.
        endpoint: EndpointId,
        /// Whom customers' messages are for, where nobody says otherwise: `to.id`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent_id: Option<String>,
        /// Its organisation.
        #[serde(flatten)]
        org: Org,
    },
    /// One web chat, as the source documents describe it.
    GenesysWebChat {
        /// The configuration that its limits are read from.
        configuration_id: String,
        /// Whom customers' messages are for, where nobody says otherwise: `to.id`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent_id: Option<String>,
        /// Its organisation.
        #[serde(flatten)]
        org: Org,
    },
    /// One channel of web messaging, as the source documents describe it.
    GenesysWebMessaging {
        /// The endpoint to which completion events come; `None`: what becomes of an upload is only asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        endpoint: Option<EndpointId>,
        /// The channel's id: part of every upload, and of the path of every message.
        channel_id: String,
        /// Its organisation.
        #[serde(flatten)]
        org: Org,
    },
    /// The direct upload test.
    GenesysMediaUpload {
        /// The endpoint to which completion events come: nothing else tells what became of an upload.
        endpoint: EndpointId,
        /// `channelType` of every upload.
        channel_type: String,
        /// Its organisation.
        #[serde(flatten)]
        org: Org,
    },
    /// The agent's side of an organisation's conversations.
    GenesysAgent {
        /// The supported-content profile that says what agents may send; `None`: the organisation's default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        supported_content: Option<String>,
        /// Its organisation.
        #[serde(flatten)]
        org: Org,
    },
    /// One Facebook page.
    Messenger {
        /// The page.
        #[serde(flatten)]
        page: Page,
    },
    /// One Instagram professional account.
    Instagram {
        /// The account's id, by which webhooks name it.
        account_id: String,
        /// The page it is linked to, by which calls name it.
        #[serde(flatten)]
        page: Page,
    },
    /// One BYOC channel of CXone.
    CxoneByoc {
        /// The endpoint that CXone calls; `None`: agents cannot write back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        endpoint: Option<EndpointId>,
        /// The channel's id, part of every call's path in both directions.
        channel_id: String,
        /// How files get there.
        #[serde(default, skip_serializing_if = "Attachments::is_link")]
        attachments: Attachments,
        /// Its tenant.
        #[serde(flatten)]
        tenant: Tenant,
    },
    /// The source documents' conversations (`S1-14`): one tenant for each endpoint, since their events name none.
    CxoneConversations {
        /// The endpoint its webhooks come to; `None`: agents cannot write back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        endpoint: Option<EndpointId>,
        /// Its tenant.
        #[serde(flatten)]
        tenant: Tenant,
    },
}

/// A Facebook page and where its Graph API is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The endpoint its webhooks come to.
    pub endpoint: EndpointId,
    /// The page's id.
    pub page_id: String,
    /// Where the Graph API is (`https://graph.facebook.com`).
    pub base_url: Url,
    /// The pinned API version (`v23.0`).
    pub graph_version: String,
    /// The page access token's secret; read by `refresh` alone.
    pub token: SecretName,
    /// Whether Meta allows it the tag `HUMAN_AGENT`: agents may then answer for seven days.
    #[serde(default, skip_serializing_if = "is_false")]
    pub human_agent: bool,
}

/// A Genesys Cloud organisation and the OAuth client we are there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Org {
    /// Where the platform API is (`https://api.mypurecloud.de`).
    pub api_url: Url,
    /// Where tokens are issued (`https://login.mypurecloud.de`).
    pub login_url: Url,
    /// The OAuth client.
    pub client_id: String,
    /// The OAuth client's secret; read by `refresh` alone.
    pub client_secret: SecretName,
}

/// Which queue a message goes out by; each has a share of the connection's rate, so that files never hold up words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Files.
    Media,
    /// Everything without bytes.
    Text,
}

impl Lane {
    /// The word used in limiter keys and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Media => "media",
            Self::Text => "text",
        }
    }
}

/// One integration, number, page or channel on one platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// As the owner named it.
    pub id: ConnectionId,
    /// Its account.
    #[serde(flatten)]
    pub account: Account,
    /// A stand-in on this machine: plain HTTP and private addresses are allowed. Deployed functions refuse it.
    #[serde(default)]
    pub local: bool,
    /// How long the bytes of what comes over it stay.
    #[serde(default, skip_serializing_if = "Retention::is_keep")]
    pub retention: Retention,
    /// Whether it is a tenant of tests: what comes over it marked as synthetic counts as such.
    #[serde(default, skip_serializing_if = "is_false")]
    pub synthetic: bool,
    /// What the owner allows to be delivered over it, within what the channel takes.
    #[serde(default, skip_serializing_if = "Bounds::are_open")]
    pub limits: Bounds,
    /// How fast messages are sent over it; `None`: at its profile's rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<SendRate>,
    /// What may go in the place of a file that the channel does not take.
    #[serde(flatten)]
    pub ways: Ways,
    /// How a provider between us and Meta is called, if there is one.
    #[serde(flatten)]
    pub provider: Provider,
}

impl Connection {
    /// A connection of this account: deployed, real, and within what its channel takes; its files are kept.
    #[must_use]
    pub fn new(id: ConnectionId, account: Account) -> Self {
        Self {
            id,
            account,
            local: false,
            retention: Retention::Keep,
            synthetic: false,
            limits: Bounds::default(),
            rate: None,
            ways: Ways::default(),
            provider: Provider::default(),
        }
    }

    /// Its profile.
    #[must_use]
    pub fn profile(&self) -> Profile {
        match self.account {
            Account::WhatsApp { .. } => Profile::WhatsApp,
            Account::GenesysOpenMessaging { .. } => Profile::GenesysOpenMessaging,
            Account::GenesysMessageMedia { .. } => Profile::GenesysMessageMedia,
            Account::GenesysWebMessaging { .. } => Profile::GenesysWebMessaging,
            Account::GenesysWebChat { .. } => Profile::GenesysWebChat,
            Account::GenesysMediaUpload { .. } => Profile::GenesysMediaUpload,
            Account::GenesysAgent { .. } => Profile::GenesysAgent,
            Account::Messenger { .. } => Profile::Messenger,
            Account::Instagram { .. } => Profile::Instagram,
            Account::CxoneByoc { .. } => Profile::CxoneByoc,
            Account::CxoneConversations { .. } => Profile::CxoneConversations,
        }
    }

    /// What people call the channel or platform behind it.
    #[must_use]
    pub fn channel_name(&self) -> &'static str {
        match self.account {
            Account::WhatsApp { .. } => "WhatsApp",
            Account::GenesysOpenMessaging { .. }
            | Account::GenesysMessageMedia { .. }
            | Account::GenesysWebMessaging { .. }
            | Account::GenesysWebChat { .. }
            | Account::GenesysMediaUpload { .. }
            | Account::GenesysAgent { .. } => "Genesys Cloud",
            Account::Messenger { .. } => "Messenger",
            Account::Instagram { .. } => "Instagram",
            Account::CxoneByoc { .. } | Account::CxoneConversations { .. } => "NICE CXone",
        }
    }

    /// The endpoint its webhooks come to.
    #[must_use]
    pub fn endpoint(&self) -> Option<&EndpointId> {
        match &self.account {
            Account::WhatsApp { endpoint, .. }
            | Account::GenesysMessageMedia { endpoint, .. }
            | Account::GenesysMediaUpload { endpoint, .. } => Some(endpoint),
            Account::GenesysOpenMessaging { endpoint, .. }
            | Account::GenesysWebMessaging { endpoint, .. }
            | Account::CxoneByoc { endpoint, .. }
            | Account::CxoneConversations { endpoint, .. } => endpoint.as_ref(),
            Account::GenesysWebChat { .. } | Account::GenesysAgent { .. } => None,
            Account::Messenger { page } | Account::Instagram { page, .. } => Some(&page.endpoint),
        }
    }

    /// The address by which webhooks name it; `None`: they name none, the endpoint is enough.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        match &self.account {
            Account::WhatsApp {
                phone_number_id, ..
            } => Some(phone_number_id),
            Account::GenesysOpenMessaging { integration_id, .. } => Some(integration_id),
            Account::GenesysMessageMedia { .. }
            | Account::GenesysWebMessaging { .. }
            | Account::GenesysWebChat { .. }
            | Account::GenesysMediaUpload { .. }
            | Account::GenesysAgent { .. }
            | Account::CxoneConversations { .. } => None,
            Account::CxoneByoc { channel_id, .. } => Some(channel_id),
            Account::Messenger { page } => Some(&page.page_id),
            Account::Instagram { account_id, .. } => Some(account_id),
        }
    }

    /// The Genesys organisation it belongs to, if it is one of Genesys.
    #[must_use]
    pub fn org(&self) -> Option<&Org> {
        match &self.account {
            Account::WhatsApp { .. }
            | Account::Messenger { .. }
            | Account::Instagram { .. }
            | Account::CxoneByoc { .. }
            | Account::CxoneConversations { .. } => None,
            Account::GenesysOpenMessaging { org, .. }
            | Account::GenesysMessageMedia { org, .. }
            | Account::GenesysWebMessaging { org, .. }
            | Account::GenesysWebChat { org, .. }
            | Account::GenesysMediaUpload { org, .. }
            | Account::GenesysAgent { org, .. } => Some(org),
        }
    }

    /// What the platform counts its calls for: its OAuth client, which other connections may use too, or itself.
    #[must_use]
    pub fn quota(&self) -> String {
        match self.org() {
            Some(org) => {
                let host = org.login_url.host_str().unwrap_or_default();
                format!("client/{host}/{}", org.client_id)
            }
            None => format!("connection/{}", self.id),
        }
    }

    /// The secret with the access token of its app, if it has one instead of a client.
    #[must_use]
    pub fn access_token(&self) -> Option<&SecretName> {
        match &self.account {
            Account::WhatsApp { token, .. } => Some(token),
            _ => self.page().map(|page| &page.token),
        }
    }

    /// The Facebook page behind it, if there is one.
    #[must_use]
    pub fn page(&self) -> Option<&Page> {
        match &self.account {
            Account::Messenger { page } | Account::Instagram { page, .. } => Some(page),
            Account::WhatsApp { .. }
            | Account::GenesysOpenMessaging { .. }
            | Account::GenesysMessageMedia { .. }
            | Account::GenesysWebMessaging { .. }
            | Account::GenesysWebChat { .. }
            | Account::GenesysMediaUpload { .. }
            | Account::GenesysAgent { .. }
            | Account::CxoneByoc { .. }
            | Account::CxoneConversations { .. } => None,
        }
    }

    /// The CXone tenant it belongs to, if it is one of CXone.
    #[must_use]
    pub fn tenant(&self) -> Option<&Tenant> {
        match &self.account {
            Account::CxoneByoc { tenant, .. } | Account::CxoneConversations { tenant, .. } => {
                Some(tenant)
            }
            Account::WhatsApp { .. }
            | Account::Messenger { .. }
            | Account::Instagram { .. }
            | Account::GenesysOpenMessaging { .. }
            | Account::GenesysMessageMedia { .. }
            | Account::GenesysWebMessaging { .. }
            | Account::GenesysWebChat { .. }
            | Account::GenesysMediaUpload { .. }
            | Account::GenesysAgent { .. } => None,
        }
    }

    /// When its platform wants the bytes of a file: as its profile says, or as its owner chose.
    #[must_use]
    pub fn takes_bytes(&self) -> TakesBytes {
        match &self.account {
            Account::CxoneByoc {
                attachments: Attachments::Temporary,
                ..
            } => TakesBytes::BeforeTheMessage,
            _ => self.profile().takes_bytes(),
        }
    }

    /// Whether its platform is given the bytes of a file before the message that names it.
    #[must_use]
    pub fn uploads_first(&self) -> bool {
        self.takes_bytes() != TakesBytes::ByItself
    }

    /// The tokens it needs: one to move files, one to send messages.
    #[must_use]
    pub fn purposes(&self) -> &'static [Purpose] {
        match self.account {
            Account::WhatsApp { .. }
            | Account::Messenger { .. }
            | Account::Instagram { .. }
            | Account::GenesysMessageMedia { .. }
            | Account::GenesysWebMessaging { .. }
            | Account::GenesysWebChat { .. }
            | Account::GenesysMediaUpload { .. }
            | Account::GenesysAgent { .. }
            | Account::CxoneConversations { .. }
            | Account::CxoneByoc {
                attachments: Attachments::Temporary,
                ..
            }
            | Account::GenesysOpenMessaging {
                endpoint: Some(_), ..
            } => &[Purpose::Media, Purpose::Messages],
            Account::CxoneByoc {
                attachments: Attachments::Link,
                ..
            }
            | Account::GenesysOpenMessaging { endpoint: None, .. } => &[Purpose::Messages],
        }
    }

    /// How fast messages of this lane may be sent to it: at the rate its owner set, or at its profile's. Genesys: 300 calls a minute per token (restated by third
    /// parties, lower ones are seen), of which three quarters are used, so that other users of the client are not
    /// starved. WhatsApp: 20 a second, the rate of numbers in coexistence. Of either, words have a third. Messenger, Instagram: ten
    /// files a second for each page, and words well below the 40 messages from which Meta wants another programme (meta.md §3).
    /// `None` never happens: the constants are within [`Rate::new`]'s bounds, and a test says so.
    #[must_use]
    pub fn send_rate(&self, lane: Lane) -> Option<Rate> {
        if let Some(rate) = self.rate {
            return rate.of(lane);
        }
        let (calls, seconds, burst) = match (&self.account, lane) {
            (Account::WhatsApp { .. }, Lane::Media) => (13, 1, 13),
            (Account::WhatsApp { .. }, Lane::Text) => (7, 1, 20),
            (Account::Messenger { .. } | Account::Instagram { .. }, Lane::Media) => (9, 1, 5),
            (Account::Messenger { .. } | Account::Instagram { .. }, Lane::Text) => (20, 1, 20),
            // Of 6,000 a minute for each tenant (cxone.md §8); what one contact takes is less ([`Self::contact_rate`]).
            (Account::CxoneByoc { .. } | Account::CxoneConversations { .. }, Lane::Media) => {
                (3000, 60, 50)
            }
            (Account::CxoneByoc { .. } | Account::CxoneConversations { .. }, Lane::Text) => {
                (1500, 60, 50)
            }
            (_, Lane::Media) => (150, 60, 20),
            (_, Lane::Text) => (75, 60, 20),
        };
        Rate::new(calls, Duration::from_secs(seconds), burst).ok()
    }

    /// How fast messages of one contact may be sent to it, whichever lane they go by; `None`: no such limit is published. CXone: a
    /// bucket of 250, refilled by 17 a minute (cxone.md §8).
    #[must_use]
    pub fn contact_rate(&self) -> Option<Rate> {
        match self.account {
            Account::CxoneByoc { .. } => Rate::new(17, Duration::from_secs(60), 250).ok(),
            _ => None,
        }
    }

    /// Where its calls go, by URL; hosts that media links may name ([`Self::bearer_hosts`]) come beside them.
    #[must_use]
    pub fn bases(&self) -> Vec<&Url> {
        match &self.account {
            Account::WhatsApp { base_url, .. } => vec![base_url],
            Account::GenesysOpenMessaging { org, .. }
            | Account::GenesysMessageMedia { org, .. }
            | Account::GenesysWebMessaging { org, .. }
            | Account::GenesysWebChat { org, .. }
            | Account::GenesysMediaUpload { org, .. }
            | Account::GenesysAgent { org, .. } => vec![&org.api_url, &org.login_url],
            Account::Messenger { page } | Account::Instagram { page, .. } => vec![&page.base_url],
            Account::CxoneByoc { tenant, .. } | Account::CxoneConversations { tenant, .. } => {
                std::iter::once(&tenant.issuer_url)
                    .chain(&tenant.api_url)
                    .collect()
            }
        }
    }

    /// The hosts a bearer of this connection may go to, exactly; beside them CXone's, where its configuration names it.
    #[must_use]
    pub fn bearer_hosts(&self) -> Vec<String> {
        match &self.account {
            Account::WhatsApp {
                base_url,
                media_hosts,
                ..
            } => {
                let meta = media_hosts.iter().filter(|_| !self.provider.bare_paths);
                let mut hosts: Vec<_> = meta.cloned().collect();
                hosts.push(authority(base_url));
                hosts
            }
            Account::GenesysOpenMessaging { org, .. }
            | Account::GenesysMessageMedia { org, .. }
            | Account::GenesysWebMessaging { org, .. }
            | Account::GenesysWebChat { org, .. }
            | Account::GenesysMediaUpload { org, .. }
            | Account::GenesysAgent { org, .. } => {
                vec![authority(&org.api_url), authority(&org.login_url)]
            }
            Account::Messenger { page } | Account::Instagram { page, .. } => {
                vec![authority(&page.base_url)]
            }
            Account::CxoneByoc { tenant, .. } | Account::CxoneConversations { tenant, .. } => {
                let api = tenant.api_url.as_ref().map(authority);
                std::iter::once(authority(&tenant.issuer_url))
                    .chain(api)
                    .collect()
            }
        }
    }
}

/// `host`, or `host:port` where the port is not the scheme's own.
#[must_use]
pub fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// From a connection to a connection, or to none: archive only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Where media comes from.
    pub from: ConnectionId,
    /// Where it goes; `None`: it is stored and judged, and stays.
    pub to: Option<ConnectionId>,
}

/// One row of the `connections` table.
#[expect(
    clippy::large_enum_variant,
    reason = "most rows are connections, and there are few"
)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "kebab-case")]
pub enum Row {
    /// An endpoint.
    Endpoint(Endpoint),
    /// A connection.
    Connection(Connection),
    /// A route.
    Route(Route),
    /// The owner's policy for files; there is one at the most.
    Policy(FilePolicy),
}

impl Row {
    /// The row's key.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Endpoint(endpoint) => format!("endpoint/{}", endpoint.id),
            Self::Connection(connection) => format!("connection/{}", connection.id),
            Self::Route(route) => format!("route/{}", route.from),
            Self::Policy(_) => "policy".to_owned(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn whatsapp() -> Connection {
        Connection::new(
            ConnectionId::new("wa-sales"),
            Account::WhatsApp {
                endpoint: EndpointId::new("whatsapp"),
                phone_number_id: "106540352242922".to_owned(),
                base_url: Url::parse("https://graph.facebook.com").unwrap(),
                graph_version: "v23.0".to_owned(),
                media_hosts: vec!["lookaside.fbsbx.com".to_owned()],
                token: SecretName("attache/prod/clients/wa-sales".to_owned()),
                window_template: None,
            },
        )
    }

    pub(crate) fn genesys() -> Connection {
        Connection::new(
            ConnectionId::new("genesys"),
            Account::GenesysOpenMessaging {
                endpoint: Some(EndpointId::new("genesys")),
                integration_id: "2d1f6a3c".to_owned(),
                custom_attributes: false,
                org: org(),
            },
        )
    }

    pub(crate) fn web_messaging() -> Connection {
        Connection::new(
            ConnectionId::new("web"),
            Account::GenesysWebMessaging {
                endpoint: Some(EndpointId::new("web")),
                channel_id: "7d3a0c11".to_owned(),
                org: org(),
            },
        )
    }

    pub(crate) fn web_chat() -> Connection {
        Connection::new(
            ConnectionId::new("chat"),
            Account::GenesysWebChat {
                configuration_id: "a1b2c3d4".to_owned(),
                agent_id: Some("agent-7".to_owned()),
                org: org(),
            },
        )
    }

    pub(crate) fn message_media() -> Connection {
        Connection::new(
            ConnectionId::new("media"),
            Account::GenesysMessageMedia {
                endpoint: EndpointId::new("media"),
                agent_id: Some("queue-7".to_owned()),
                org: org(),
            },
        )
    }

    pub(crate) fn media_upload() -> Connection {
        Connection::new(
            ConnectionId::new("test"),
            Account::GenesysMediaUpload {
                endpoint: EndpointId::new("test"),
                channel_type: "whatsapp".to_owned(),
                org: org(),
            },
        )
    }

    pub(crate) fn agent() -> Connection {
        Connection::new(
            ConnectionId::new("agent"),
            Account::GenesysAgent {
                supported_content: None,
                org: org(),
            },
        )
    }

    pub(crate) fn messenger() -> Connection {
        Connection::new(
            ConnectionId::new("page"),
            Account::Messenger { page: page() },
        )
    }

    pub(crate) fn instagram() -> Connection {
        Connection::new(
            ConnectionId::new("insta"),
            Account::Instagram {
                account_id: "17841405793187218".to_owned(),
                page: page(),
            },
        )
    }

    pub(crate) fn byoc() -> Connection {
        Connection::new(
            ConnectionId::new("cxone"),
            Account::CxoneByoc {
                endpoint: Some(EndpointId::new("cxone")),
                channel_id: "byoc_1".to_owned(),
                attachments: Attachments::Link,
                tenant: tenant(),
            },
        )
    }

    pub(crate) fn conversations() -> Connection {
        let api_url = Url::parse("https://api.nice-incontact.com").unwrap();
        Connection::new(
            ConnectionId::new("conversations"),
            Account::CxoneConversations {
                endpoint: Some(EndpointId::new("conversations")),
                tenant: Tenant {
                    api_url: Some(api_url),
                    ..tenant()
                },
            },
        )
    }

    pub(crate) fn tenant() -> Tenant {
        Tenant {
            issuer_url: Url::parse("https://cxone.niceincontact.com").unwrap(),
            api_url: None,
            client_id: "application".to_owned(),
            client_secret: SecretName("attache/prod/clients/cxone".to_owned()),
            access_key: "KEYID".to_owned(),
            access_key_secret: SecretName("attache/prod/clients/cxone-key".to_owned()),
        }
    }

    fn page() -> Page {
        Page {
            endpoint: EndpointId::new("meta"),
            page_id: "682498302938465".to_owned(),
            base_url: Url::parse("https://graph.facebook.com").unwrap(),
            graph_version: "v23.0".to_owned(),
            token: SecretName("attache/prod/clients/page".to_owned()),
            human_agent: false,
        }
    }

    pub(crate) fn org() -> Org {
        Org {
            api_url: Url::parse("https://api.mypurecloud.de").unwrap(),
            login_url: Url::parse("https://login.mypurecloud.de").unwrap(),
            client_id: "client".to_owned(),
            client_secret: SecretName("attache/prod/clients/genesys".to_owned()),
        }
    }

    pub(crate) fn endpoint() -> Endpoint {
        Endpoint {
            id: EndpointId::new("whatsapp"),
            profile: Profile::WhatsApp,
            secrets: vec![SecretName("attache/prod/endpoints/whatsapp".to_owned())],
            verify_token: None,
            forward_to: None,
            shadow: false,
        }
    }

    pub(crate) fn genesys_endpoint() -> Endpoint {
        Endpoint {
            id: EndpointId::new("genesys"),
            profile: Profile::GenesysOpenMessaging,
            secrets: vec![SecretName("attache/prod/endpoints/genesys".to_owned())],
            ..endpoint()
        }
    }

    pub(crate) fn directory() -> Directory {
        Directory::new([
            Row::Endpoint(endpoint()),
            Row::Endpoint(genesys_endpoint()),
            Row::Connection(whatsapp()),
            Row::Connection(genesys()),
            Row::Route(Route {
                from: whatsapp().id,
                to: Some(genesys().id),
            }),
            Row::Route(Route {
                from: genesys().id,
                to: Some(whatsapp().id),
            }),
        ])
    }

    #[test]
    fn every_connection_has_a_rate() {
        for lane in [Lane::Media, Lane::Text] {
            assert!(whatsapp().send_rate(lane).is_some() && genesys().send_rate(lane).is_some());
        }
    }

    #[test]
    fn rows_round_trip() {
        for row in [
            Row::Endpoint(endpoint()),
            Row::Connection(whatsapp()),
            Row::Connection(genesys()),
            Row::Connection(web_messaging()),
            Row::Connection(agent()),
            Row::Connection(web_chat()),
            Row::Connection(message_media()),
            Row::Connection(media_upload()),
        ] {
            let text = serde_json::to_string(&row).unwrap();
            assert_eq!(serde_json::from_str::<Row>(&text).unwrap(), row, "{text}");
        }
    }
}
