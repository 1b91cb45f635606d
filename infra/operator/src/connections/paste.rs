//! What a person copies from us into a platform's screens, for each endpoint.
//!
//! Names of menus and fields are from general knowledge and may have moved.

use anyhow::Result;
use attache_domain::connection::{Endpoint, Profile, SecretName};
use serde::Serialize;

use super::secrets::Vault;
use crate::system::System;

/// One endpoint's screen.
#[derive(Debug, Serialize)]
pub(crate) struct Paste {
    /// The endpoint's name.
    pub(crate) endpoint: String,
    /// Its profile.
    pub(crate) profile: Profile,
    /// Where in the platform's console.
    pub(crate) screen: &'static str,
    /// What goes into which field there.
    pub(crate) fields: Vec<Field>,
}

/// One field of a screen.
#[derive(Debug, Serialize)]
pub(crate) struct Field {
    /// As the platform calls it.
    pub(crate) field: &'static str,
    /// What to paste; `None` for a secret that is not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
    /// The secret that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<SecretName>,
    /// Whether that secret was found; `None` if nobody looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) set: Option<bool>,
}

impl Field {
    fn plain(field: &'static str, value: String) -> Self {
        Self {
            field,
            value: Some(value),
            secret: None,
            set: None,
        }
    }

    fn secret(field: &'static str, name: &SecretName) -> Self {
        Self {
            field,
            value: None,
            secret: Some(name.clone()),
            set: None,
        }
    }
}

impl Paste {
    /// What is to be pasted for an endpoint; secrets by name only.
    ///
    /// # Errors
    /// If the system does not know its own address.
    pub(crate) fn of(endpoint: &Endpoint, system: &System) -> Result<Self> {
        let address = system.callback_url(endpoint.id.as_str())?;
        let (screen, url_field, secret_field, secret) = match endpoint.profile {
            Profile::WhatsApp => (
                "Meta App Dashboard → WhatsApp → Configuration → Webhook",
                "Callback URL",
                "Verify token",
                endpoint.verify_token.as_ref(),
            ),
            Profile::Messenger => (
                "Meta App Dashboard → Messenger → Settings → Webhooks; fields messages, message_echoes, message_deliveries, message_reads, messaging_postbacks, message_reactions",
                "Callback URL",
                "Verify token",
                endpoint.verify_token.as_ref(),
            ),
            Profile::Instagram => (
                "Meta App Dashboard → Instagram → Webhooks; fields messages, messaging_seen, messaging_postbacks, message_reactions",
                "Callback URL",
                "Verify token",
                endpoint.verify_token.as_ref(),
            ),
            Profile::GenesysMessageMedia => (
                "Genesys Cloud: a webhook of the event type message:message-media (not published by Genesys)",
                "Webhook URL",
                "Signature secret",
                endpoint.secrets.first(),
            ),
            Profile::GenesysWebMessaging => (
                "Genesys Cloud: POST /api/v2/platform/webhooks/webhooks with eventFilter eventType = \"genesys.cloud.messaging.file.upload.completed\" (not published by Genesys)",
                "uri",
                "Signature secret",
                endpoint.secrets.first(),
            ),
            Profile::CxoneConversations => (
                "NICE CXone: a webhook of the event CONVERSATION_MESSAGE (not published by NICE)",
                "Webhook URL",
                "Signature secret",
                endpoint.secrets.first(),
            ),
            Profile::GenesysMediaUpload => (
                "Genesys Cloud: a webhook of the event type media.upload.completed (not published by Genesys)",
                "Webhook URL",
                "Signature secret",
                endpoint.secrets.first(),
            ),
            Profile::CxoneByoc => return Ok(Self::byoc(endpoint, &address)),
            // Over the last two nothing comes: no endpoint of their profiles is taken.
            Profile::GenesysOpenMessaging | Profile::GenesysWebChat | Profile::GenesysAgent => (
                "Genesys Cloud → Admin → Message → Platforms → the Open Messaging integration",
                "Outbound Notification Webhook URL",
                "Outbound Notification Webhook Signature Secret Token",
                endpoint.secrets.first(),
            ),
        };
        let url = Field::plain(url_field, address);
        let secret = secret.map(|name| Field::secret(secret_field, name));
        Ok(Self {
            endpoint: endpoint.id.to_string(),
            profile: endpoint.profile,
            screen,
            fields: std::iter::once(url).chain(secret).collect(),
        })
    }

    /// A channel type has an address for each thing it asks; those that nothing of ours needs are answered and left at that.
    fn byoc(endpoint: &Endpoint, address: &str) -> Self {
        let under = |field, path| Field::plain(field, format!("{address}{path}"));
        let mut fields = vec![
            under("Integration box URL", ""),
            under("Authorization URL", "/1.0/token"),
            Field::plain("Client ID", endpoint.id.to_string()),
        ];
        let secret = endpoint.secrets.first();
        fields.extend(secret.map(|name| Field::secret("Client Secret", name)));
        fields.extend([
            under("Action URL", "/1.0/action"),
            under("Reconnect URL", "/1.0/reconnect"),
            under("Remove URL", "/1.0/remove"),
        ]);
        Self {
            endpoint: endpoint.id.to_string(),
            profile: endpoint.profile,
            screen: "NICE CXone → Digital → Points of Contact → BYOC → the channel type; turn on \"Use DFO 3.0 Outbound API for replies\"",
            fields,
        }
    }

    /// Looks its secrets up: whether they are there, and with `reveal` what they are.
    ///
    /// # Errors
    /// If Secrets Manager cannot be asked.
    pub(crate) async fn look_up(&mut self, vault: &Vault, reveal: bool) -> Result<()> {
        for field in &mut self.fields {
            let Some(name) = &field.secret else { continue };
            if reveal {
                let found = vault.get(name).await?;
                field.set = Some(found.is_some());
                field.value =
                    found.map(|secret| String::from_utf8_lossy(secret.expose()).into_owned());
            } else {
                field.set = Some(vault.has(name).await?);
            }
        }
        Ok(())
    }

    /// A few lines for a person. `reveal` is the command that shows secrets.
    pub(crate) fn lines(&self, reveal: &str) -> String {
        let mut text = format!("  {} ({}): {}\n", self.endpoint, self.profile, self.screen);
        let width = self.fields.iter().map(|field| field.field.len()).max();
        for field in &self.fields {
            let value = match (&field.value, field.set) {
                (Some(value), _) => value.clone(),
                (None, Some(false)) => "not set: create its secret, or apply the file".to_owned(),
                (None, _) => format!("set; `{reveal}` shows it"),
            };
            text.push_str(&format!(
                "    {:<width$}  {value}\n",
                field.field,
                width = width.unwrap_or_default()
            ));
        }
        text
    }
}
