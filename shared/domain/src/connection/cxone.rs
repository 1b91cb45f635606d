//! What a connection of NICE CXone says beside its channel.

use serde::{Deserialize, Serialize};
use url::Url;

use super::SecretName;

/// A CXone tenant, the application that is registered with it, and the user as whom it comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Who issues tokens, and tells where the tenant's API is (`https://cxone.niceincontact.com`).
    pub issuer_url: Url,
    /// Where the API is; `None`: where the issuer tells, for the tenant's own area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_url: Option<Url>,
    /// The registered application.
    pub client_id: String,
    /// The application's secret; read by `refresh` alone.
    pub client_secret: SecretName,
    /// The id of the user's access key.
    pub access_key: String,
    /// The access key's secret; read by `refresh` alone.
    pub access_key_secret: SecretName,
}

/// How files get to a channel of CXone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Attachments {
    /// CXone fetches them by a link of ours.
    #[default]
    Link,
    /// They are handed over as temporary attachments: nothing of ours has to be reachable.
    Temporary,
}

impl Attachments {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature serde asks for"
    )]
    pub(super) fn is_link(&self) -> bool {
        *self == Self::Link
    }
}
