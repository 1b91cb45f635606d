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

/// Everything a Genesys stand-in can be told. [`Default`] is one open messaging integration that accepts every type.
#[derive(Clone, Debug)]
pub struct GenesysOptions {
    /// Id of the OAuth client.
    pub client_id: String,
    /// Secret of the OAuth client.
    pub client_secret: String,
    /// The open messaging integration.
    pub integration_id: String,
    /// Life of each token issued, whole seconds. A setting of the OAuth client; 24 h is commonly reported.
    pub token_life: Duration,
    /// Time for tokens and windows.
    pub clock: Clock,
    /// Who watches for tokens.
    pub canary: Canary,
    /// Calls per token.
    pub allowance: Allowance,
    /// Media types of the supported-content profile from customers; `*/*` and `image/*` are patterns.
    pub inbound_types: Vec<String>,
    /// Media types of the profile from agents (default JPEG, PNG, GIF).
    pub outbound_types: Vec<String>,
    /// What becomes of repeated messages.
    pub duplicates: Duplicates,
    /// Whether a message with more than one attachment is refused: the outbound schema says only one is allowed, the same is to
    /// be assumed inbound.
    pub one_attachment: bool,
    /// Greatest attachment in bytes: 25 MB.
    pub attachment_cap_bytes: usize,
    /// How long a fetch of an attachment may take, in real time.
    pub fetch_patience: Duration,
}

impl Default for GenesysOptions {
    fn default() -> Self {
        Self {
            client_id: "7de3af06-c0b3-4f9b-af45-72f4a1403797".into(),
            client_secret: "genesys-client-secret-0123456789".into(),
            integration_id: "2d1f6a3c-9f0b-4c1e-8f7d-6a5b4c3d2e1f".into(),
            token_life: Duration::from_secs(86_399),
            clock: Clock::real(),
            canary: Canary::default(),
            allowance: Allowance {
                calls: 300,
                window: Duration::from_secs(60),
            },
            inbound_types: vec!["*/*".into()],
            outbound_types: ["image/jpeg", "image/png", "image/gif"]
                .map(String::from)
                .to_vec(),
            duplicates: Duplicates::Shown,
            one_attachment: true,
            attachment_cap_bytes: 25 * 1024 * 1024,
            fetch_patience: Duration::from_secs(30),
        }
    }
}
