//! How a Genesys stand-in is set up.

use std::time::Duration;

use crate::{canary::Canary, clock::Clock};

/// What becomes of a second inbound message with the same `channel.messageId`. Whether Genesys suppresses it is not confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// The agent sees both: what a client has to fear.
    Shown,
    /// The agent sees the first only; both are answered alike.
    Suppressed,
}

/// How many API calls a token may make. 300 a minute is restated by third parties, a log shows 180: never rely on the figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Calls within one window.
    pub calls: u32,
    /// Length of a window; it starts with the first call after the last one ended.
    pub window: Duration,
}

/// The form of `attachment.url` in webhooks. Which one Open Messaging uses is not confirmed; all three are seen on the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachmentLinks {
    /// `{api}/api/v2/downloads/{id}`: needs the token, leads to a signed link.
    ApiDownloads,
    /// `{apps}/platform/api/v2/downloads/{id}`: the same on the apps host.
    AppsDownloads,
    /// The signed link of the object store itself.
    Signed,
}

/// An open messaging integration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integration {
    /// Its id: `channel.id` of its webhooks, part of the inbound path.
    pub id: String,
    /// Its name: `channel.from.nickname` of its webhooks.
    pub name: String,
    /// Signs its webhooks; longer than 15 characters.
    pub webhook_secret: String,
    /// Static headers of its webhooks.
    pub webhook_headers: Vec<(String, String)>,
    /// Where its webhooks go; can be set later.
    pub callback: Option<url::Url>,
    /// Id and secret of the OAuth client that alone may use it; the organisation's own client if there is none.
    pub client: Option<(String, String)>,
}

impl Integration {
    /// An integration without headers, callback and client of its own.
    #[must_use]
    pub fn new(id: &str, webhook_secret: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: "Example Open Integration".to_owned(),
            webhook_secret: webhook_secret.to_owned(),
            webhook_headers: Vec::new(),
            callback: None,
            client: None,
        }
    }
}

/// Everything a Genesys stand-in can be told. [`Default`] is one open messaging integration that accepts every type.
#[derive(Clone, Debug)]
pub struct GenesysOptions {
    /// Id of the OAuth client.
    pub client_id: String,
    /// Secret of the OAuth client.
    pub client_secret: String,
    /// The first open messaging integration.
    pub integration_id: String,
    /// Signs the webhooks of the first integration, the `message:message-media` events and those of uploads; longer than 15 characters.
    pub webhook_secret: String,
    /// Static headers of the first integration's webhooks.
    pub webhook_headers: Vec<(String, String)>,
    /// Where the first integration's webhooks go; can be set later.
    pub callback: Option<url::Url>,
    /// Further integrations.
    pub integrations: Vec<Integration>,
    /// Life of each token issued, whole seconds. A setting of the OAuth client; 24 h is commonly reported.
    pub token_life: Duration,
    /// Whether tokens are issued at the API host too, as the document on web chat has it; Genesys does not.
    pub tokens_at_the_api: bool,
    /// Time for tokens and windows.
    pub clock: Clock,
    /// Who watches for tokens.
    pub canary: Canary,
    /// Calls per token.
    pub allowance: Allowance,
    /// Id of the supported-content profile that integrations name; `None`: they name none, and the organisation's default holds.
    pub supported_content: Option<String>,
    /// Whether clients may see integrations and supported-content profiles; if not, they are refused with 403.
    pub shows_configuration: bool,
    /// Media types of the supported-content profile from customers; `*/*` and `image/*` are patterns.
    pub inbound_types: Vec<String>,
    /// Media types of the profile from agents (default JPEG, PNG, GIF). Anything else is not sent.
    pub outbound_types: Vec<String>,
    /// What becomes of repeated messages.
    pub duplicates: Duplicates,
    /// Whether a failed receipt is posted for a message whose file could not be fetched. Whether Genesys does that is not confirmed.
    pub reports_unfetched: bool,
    /// Whether a message with more than one attachment is refused: the outbound schema says only one is allowed, the same is to
    /// be assumed inbound.
    pub one_attachment: bool,
    /// Greatest attachment in bytes: 25 MB.
    pub attachment_cap_bytes: usize,
    /// How long a fetch of an attachment may take, in real time.
    pub fetch_patience: Duration,
    /// How long a webhook waits for its answer, by the clock: 10 s.
    pub webhook_patience: Duration,
    /// How often a webhook comes again after a timeout, a refused connection, 429 or 5xx: 5 times.
    pub webhook_retries: u32,
    /// The pause before each of these, by the clock: 5 s.
    pub webhook_pause: Duration,
    /// The form of attachment links in webhooks.
    pub attachment_links: AttachmentLinks,
    /// Life of a signed link. Not published; 15 minutes here.
    pub signed_life: Duration,
    /// Whether the object store honours `Range` and `If-Range`, as S3 does.
    pub ranges: bool,
    /// Whether an agent's message may carry several attachments, which the outbound schema's text forbids.
    pub several_attachments: bool,
    /// Life of a link that takes an upload of web messaging: 5 minutes by the documents.
    pub upload_life: Duration,
    /// How long the scan of such an upload takes, by the clock. Not published; a fifth of a second here.
    pub scan_takes: Duration,
    /// Life of the link in a `message:message-media` event: 15 to 30 minutes by the documents, 20 here.
    pub media_data_life: Duration,
}

impl GenesysOptions {
    /// All integrations, the first one first.
    #[must_use]
    pub fn all_integrations(&self) -> Vec<Integration> {
        let first = Integration {
            webhook_headers: self.webhook_headers.clone(),
            callback: self.callback.clone(),
            ..Integration::new(&self.integration_id, &self.webhook_secret)
        };
        let further = self.integrations.iter().cloned();
        std::iter::once(first).chain(further).collect()
    }
}

impl Default for GenesysOptions {
    fn default() -> Self {
        Self {
            client_id: "7de3af06-c0b3-4f9b-af45-72f4a1403797".into(),
            client_secret: "genesys-client-secret-0123456789".into(),
            integration_id: "2d1f6a3c-9f0b-4c1e-8f7d-6a5b4c3d2e1f".into(),
            webhook_secret: "genesys-webhook-secret-token".into(),
            webhook_headers: Vec::new(),
            callback: None,
            integrations: Vec::new(),
            token_life: Duration::from_secs(86_399),
            tokens_at_the_api: false,
            clock: Clock::real(),
            canary: Canary::default(),
            allowance: Allowance {
                calls: 300,
                window: Duration::from_secs(60),
            },
            supported_content: None,
            shows_configuration: true,
            inbound_types: vec!["*/*".into()],
            outbound_types: ["image/jpeg", "image/png", "image/gif"]
                .map(String::from)
                .to_vec(),
            duplicates: Duplicates::Shown,
            reports_unfetched: false,
            one_attachment: true,
            attachment_cap_bytes: 25 * 1024 * 1024,
            fetch_patience: Duration::from_secs(30),
            webhook_patience: Duration::from_secs(10),
            webhook_retries: 5,
            webhook_pause: Duration::from_secs(5),
            attachment_links: AttachmentLinks::ApiDownloads,
            signed_life: Duration::from_secs(15 * 60),
            ranges: true,
            several_attachments: false,
            upload_life: Duration::from_secs(5 * 60),
            scan_takes: Duration::from_millis(200),
            media_data_life: Duration::from_secs(20 * 60),
        }
    }
}
