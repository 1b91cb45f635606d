//! Links to objects, for somebody without credentials: of the content domain where there is one, presigned where not.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use attache_domain::delivery::LINK_LIFE;
use attache_domain::event::Link;
use attache_domain::pull::{GivenLink, Through};
use attache_domain::settings;
use attache_domain::time::Timestamp;
use attache_flow::ports::{Answer, Outage};
use aws_sdk_s3::config::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_s3::presigning::PresigningConfig;
use url::Url;

use super::{Buckets, disposition};
use crate::aws::Aws;
use crate::content::ContentDomain;
use crate::outage::outage;
use crate::secrets::SecretsManager;

/// How links are made.
#[derive(Clone, Debug)]
pub struct Links {
    content: Option<Arc<ContentDomain>>,
    longest: Duration,
    /// Whose keys presign: when their session ends, if they tell.
    session: Option<SharedCredentialsProvider>,
}

impl Default for Links {
    /// Presigned, for as long as is asked.
    fn default() -> Self {
        Self {
            content: None,
            longest: LINK_LIFE,
            session: None,
        }
    }
}

impl Links {
    /// For as long as this at most, of the content domain if there is one; all copies share one key.
    #[must_use]
    pub fn new(content: Option<settings::ContentDomain>, longest: Duration, aws: &Aws) -> Self {
        let domain = |it| {
            let secrets = SecretsManager::new(aws.secrets_manager());
            Arc::new(ContentDomain::new(it, secrets))
        };
        Self {
            content: content.map(domain),
            longest,
            session: aws.config().credentials_provider(),
        }
    }
}

impl Buckets {
    /// A link to the object `key`, served with this type and name.
    pub(super) async fn given(
        &self,
        key: &str,
        (mime, file_name): (&str, &str),
        (now, life): (Timestamp, Duration),
    ) -> Answer<GivenLink> {
        let life = life.min(self.links.longest);
        let disposition = disposition::attachment(file_name);
        let Some(content) = &self.links.content else {
            return self.presigned(key, (mime, &disposition), (now, life)).await;
        };
        // S3 answers with these headers; what may not be kept, the edge does not keep.
        let parameters = [
            ("response-cache-control", "no-store"),
            ("response-content-disposition", disposition.as_str()),
            ("response-content-type", mime),
        ];
        let until = Timestamp::from_seconds((now + life).as_seconds());
        let link = content.link(key, &parameters, until).await?;
        Ok(GivenLink {
            link: Link(link),
            until,
            through: Through::ContentDomain,
        })
    }

    async fn presigned(
        &self,
        key: &str,
        (mime, disposition): (&str, &str),
        (now, life): (Timestamp, Duration),
    ) -> Answer<GivenLink> {
        let doing = || format!("making a link to {key}");
        let since = UNIX_EPOCH + Duration::from_millis(now.as_millis());
        let signing = PresigningConfig::builder()
            .start_time(since)
            .expires_in(life)
            .build()
            .map_err(|e| Outage::new(doing(), e))?;
        let asked = now + life;
        let get = self.client.get_object().bucket(&self.media);
        let signed = get
            .key(key)
            .response_content_type(mime)
            .response_content_disposition(disposition)
            .presigned(signing)
            .await
            .map_err(|e| outage(doing(), e))?;
        let link = Url::parse(signed.uri()).map_err(|e| Outage::new(doing(), e))?;
        let session = self.session_ends().await;
        Ok(GivenLink {
            link: Link(link),
            until: session.map_or(asked, |ends| ends.min(asked)),
            through: Through::Store,
        })
    }

    /// When the session ends whose keys sign, if they tell.
    async fn session_ends(&self) -> Option<Timestamp> {
        let session = self.links.session.as_ref()?;
        let keys = session.provide_credentials().await.ok()?;
        let since = keys.expiry()?.duration_since(UNIX_EPOCH).ok()?;
        Some(Timestamp::from_millis(0) + since)
    }
}
