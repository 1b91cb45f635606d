//! Secrets by name, from AWS Secrets Manager.

use async_trait::async_trait;
use attache_domain::connection::SecretName;
use attache_domain::signature::Secret;
use attache_flow::ports::{Answer, Outage, Secrets};
use aws_sdk_secretsmanager::Client;

use crate::outage::outage;

/// Secrets Manager. Nothing is cached here: who reads a secret often keeps what it makes of it.
#[derive(Clone, Debug)]
pub struct SecretsManager {
    client: Client,
}

impl SecretsManager {
    /// Over this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait(?Send)]
impl Secrets for SecretsManager {
    async fn get(&self, name: &SecretName) -> Answer<Secret> {
        let doing = || format!("reading secret {:?}", name.0);
        let found = self.client.get_secret_value().secret_id(&name.0).send();
        let found = found.await.map_err(|e| outage(doing(), e))?;
        let text = found.secret_string.map(String::into_bytes);
        let bytes = text.or_else(|| found.secret_binary.map(|blob| blob.into_inner()));
        Secret::new(bytes.unwrap_or_default()).map_err(|e| Outage::new(doing(), e))
    }
}
