//! Names to addresses, of which only public ones are let through. The client connects to what this returns, so the
//! address judged is the address used: a name that resolves differently a moment later changes nothing.

use attache_domain::egress::is_public;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The system's resolver without addresses that are not public.
#[derive(Clone, Copy, Debug)]
pub(super) struct PublicOnly;

/// A name all of whose addresses are private, loopback or otherwise not public.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{host} has no public address")]
pub(super) struct NotPublic {
    host: String,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        Box::pin(async move {
            // Port 0 stands for the scheme's own or the link's.
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let public: Vec<_> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(NotPublic { host }.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_for_this_machine_is_refused() {
        let refused = PublicOnly
            .resolve("localhost".parse().unwrap())
            .await
            .err()
            .unwrap();
        let refused = refused.downcast_ref::<NotPublic>().unwrap();
        assert_eq!(refused.to_string(), "localhost has no public address");
    }
}
