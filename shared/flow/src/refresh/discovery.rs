//! Tokens of an issuer that is asked where they are had, and, once there is one, where the API is that it is for.

use attache_domain::connection::{Account, Connection, Tenant};
use attache_domain::diagnosis::Failure;
use attache_domain::platforms::cxone::{self, Granted};
use attache_domain::wire::{Request, Response};
use url::Url;

use super::{Obtained, Refresh, no_endpoint, unanswered};
use crate::ports::{Answer, Credential};

impl Refresh<'_> {
    /// Three calls at most; each of them is read before the next is made. The access key goes along with one alone.
    pub(super) async fn by_discovery(
        &self,
        connection: &Connection,
        tenant: &Tenant,
    ) -> Answer<Result<Obtained, Failure>> {
        let endpoint = match cxone::discovery_request(connection) {
            Some(request) => self.asked(connection, &request, &Credential::None).await,
            None => Err(no_endpoint()),
        };
        let now = self.clock.now();
        let endpoint = endpoint.and_then(|answer| cxone::read_discovery(connection, &answer, now));
        let request = match endpoint {
            Ok(endpoint) => cxone::token_request(connection, endpoint),
            Err(failure) => return Ok(Err(failure)),
        };
        let Some(request) = request else {
            return Ok(Err(no_endpoint()));
        };
        let credential = Credential::ClientAndPassword {
            id: tenant.client_id.clone(),
            secret: self.secrets.get(&tenant.client_secret).await?,
            password: self.secrets.get(&tenant.access_key_secret).await?,
        };
        let answer = self.asked(connection, &request, &credential).await;
        let now = self.clock.now();
        let granted = match answer.and_then(|answer| cxone::read_token(&answer, now)) {
            Ok(granted) => granted,
            Err(failure) => return Ok(Err(failure)),
        };
        let api = self.where_it_is(connection, tenant, &granted).await;
        Ok(api.map(|api| Obtained {
            token: granted.token,
            life: Some(granted.life),
            api,
        }))
    }

    /// Where the API is, unless the owner says so himself.
    async fn where_it_is(
        &self,
        connection: &Connection,
        tenant: &Tenant,
        granted: &Granted,
    ) -> Result<Option<Url>, Failure> {
        let wanted = matches!(connection.account, Account::CxoneByoc { .. });
        if !wanted || tenant.api_url.is_some() {
            return Ok(None);
        }
        let named = granted.tenant.as_deref().ok_or_else(|| {
            Failure::misconfigured(
                "the token names no tenant whose area could be asked for; give api_url",
            )
        })?;
        let request = cxone::configuration_request(connection, named).ok_or_else(no_endpoint)?;
        let answer = self.asked(connection, &request, &Credential::None).await?;
        cxone::read_configuration(connection, &answer, self.clock.now()).map(Some)
    }

    async fn asked(
        &self,
        connection: &Connection,
        request: &Request,
        credential: &Credential,
    ) -> Result<Response, Failure> {
        let answer = self.http.call(request, credential).await;
        answer.map_err(|error| unanswered(connection, &error))
    }
}
