//! How a CXone stand-in is set up.

use std::time::Duration;

use crate::{canary::Canary, clock::Clock};

/// Everything it can be told. [`Default`] is one BYOC channel.
#[derive(Clone, Debug)]
pub struct CxoneOptions {
    /// The registered application.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The access key's id.
    pub access_key: String,
    /// The access key's secret; with characters that a form has to encode.
    pub access_key_secret: String,
    /// The tenant that tokens are for.
    pub tenant_id: String,
    /// The BYOC channel.
    pub channel_id: String,
    /// What the channel type shows the middleware as its client: id and secret.
    pub middleware_client: (String, String),
    /// Signs the events of the source documents' surface.
    pub webhook_secret: String,
    /// Where the channel type has the middleware, without a slash at the end; can be set later.
    pub box_url: Option<url::Url>,
    /// Life of a client's token.
    pub token_life: Duration,
    /// Life of a signed link to an agent's file. Not published; 15 minutes here.
    pub link_life: Duration,
    /// Life of the link to a temporary attachment: an hour in the published example.
    pub temporary_life: Duration,
    /// Greatest attachment in bytes: about 40 MB.
    pub attachment_cap_bytes: usize,
    /// A contact's bucket, and how much is put back each minute: 250 and 17.
    pub contact: (u32, u32),
    /// Time for tokens, links and buckets.
    pub clock: Clock,
    /// Who watches for tokens.
    pub canary: Canary,
}

impl Default for CxoneOptions {
    fn default() -> Self {
        Self {
            client_id: "attache@application".to_owned(),
            client_secret: "application-secret".to_owned(),
            access_key: "ACCESSKEYID3XAMPLE".to_owned(),
            access_key_secret: "k+y/s3cret==&more".to_owned(),
            tenant_id: "11e85da0-f32c-7e10-898c-0242ac110003".to_owned(),
            channel_id: "byoc_1".to_owned(),
            middleware_client: ("cxone".to_owned(), "middleware-client-secret".to_owned()),
            webhook_secret: "cxone-events-secret".to_owned(),
            box_url: None,
            token_life: Duration::from_secs(3600),
            link_life: Duration::from_secs(15 * 60),
            temporary_life: Duration::from_secs(3600),
            attachment_cap_bytes: 40_000_000,
            contact: (250, 17),
            clock: Clock::real(),
            canary: Canary::default(),
        }
    }
}
