//! Keeps endpoints and their secrets in memory, read at start and again by age: never because of a request.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use attache_domain::connection::{Directory, Endpoint, SecretName};
use attache_domain::ids::EndpointId;
use attache_domain::signature::{Issuer, Verifier};
use attache_domain::time::Timestamp;
use attache_flow::batch::chain;
use attache_flow::intake::{Doorway, Keys, Proof};
use attache_flow::ports::{Answer, Clock, Directories, Outage, Secrets};
use futures_util::future::{join_all, try_join3};

/// The doorway and when it was read.
pub struct Keeper {
    max_age: Duration,
    kept: RefCell<Option<(Timestamp, Rc<Doorway>)>>,
}

impl Keeper {
    /// One that reads again once what it has is older than `max_age`.
    #[must_use]
    pub fn new(max_age: Duration) -> Self {
        Self {
            max_age,
            kept: RefCell::new(None),
        }
    }

    /// The doorway to use now. If reading again fails, the old one is kept: a hiccup of the table closes no door.
    ///
    /// # Errors
    /// [`Outage`] if there is none yet and it cannot be read.
    pub async fn current(
        &self,
        directories: &dyn Directories,
        secrets: &dyn Secrets,
        clock: &dyn Clock,
    ) -> Answer<Rc<Doorway>> {
        let now = clock.now();
        let kept = self.kept.borrow().clone();
        if let Some((_, doorway)) = kept
            .as_ref()
            .filter(|(at, _)| now.saturating_since(*at) < self.max_age)
        {
            return Ok(Rc::clone(doorway));
        }
        match (read(directories, secrets).await, kept) {
            (Ok(doorway), _) => {
                let doorway = Rc::new(doorway);
                *self.kept.borrow_mut() = Some((now, Rc::clone(&doorway)));
                Ok(doorway)
            }
            (Err(outage), Some((_, old))) => {
                tracing::error!(error = %chain(&outage), "endpoints could not be read again; the old ones are kept");
                *self.kept.borrow_mut() = Some((now, Rc::clone(&old)));
                Ok(old)
            }
            (Err(outage), None) => Err(outage),
        }
    }
}

/// All secrets are asked for at the same time: a cold start waits for the slowest alone.
async fn read(directories: &dyn Directories, secrets: &dyn Secrets) -> Answer<Doorway> {
    let directory: Directory = (*directories.current().await?).clone();
    let endpoints = directory.endpoints();
    let found = endpoints.map(async |endpoint| (endpoint, endpoint_keys(endpoint, secrets).await));
    let mut keys = BTreeMap::new();
    for (endpoint, found) in join_all(found).await {
        match found {
            Ok(found) => drop(keys.insert(endpoint.id.clone(), found)),
            // One endpoint's missing secret does not close the others; its callers meet 404 until it is there.
            Err(outage) => {
                tracing::error!(endpoint.id = %endpoint.id, error = %chain(&outage), "endpoint left out")
            }
        }
    }
    Ok(Doorway { directory, keys })
}

async fn endpoint_keys(endpoint: &Endpoint, secrets: &dyn Secrets) -> Answer<Keys> {
    let (current, previous) = match endpoint.secrets.as_slice() {
        [one] => (one, None),
        [one, two] => (one, Some(two)),
        others => {
            return Err(Outage::new(
                "reading an endpoint",
                format!("{} secrets, expected one or two", others.len()),
            ));
        }
    };
    let maybe = async |name: Option<&SecretName>| match name {
        Some(name) => secrets.get(name).await.map(Some),
        None => Ok(None),
    };
    let (current, previous, verify_token) = try_join3(
        secrets.get(current),
        maybe(previous),
        maybe(endpoint.verify_token.as_ref()),
    )
    .await?;
    Ok(Keys {
        proof: match endpoint.profile.scheme() {
            Some(scheme) => Proof::Signed(Verifier::new(scheme, current, previous)),
            None => Proof::Issued(Issuer::new(endpoint.id.clone(), current, previous)),
        },
        verify_token,
    })
}

/// Which endpoints are open, for the log line at start.
#[must_use]
pub fn open(doorway: &Doorway) -> Vec<&EndpointId> {
    doorway.keys.keys().collect()
}
