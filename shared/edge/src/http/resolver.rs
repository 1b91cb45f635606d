//! Names to addresses, of which only those are let through that may be called: public ones, and for connections marked
//! `local` all but a cloud's metadata. The client connects to what this returns, so the
//! address judged is the address used: a name that resolves differently a moment later changes nothing.

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use attache_domain::egress::{is_metadata, is_public};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Who knows the addresses of names.
#[async_trait]
pub(super) trait Names: Debug + Send + Sync {
    /// Every address of `host`. Port 0 stands for the scheme's own or the link's.
    async fn look_up(&self, host: &str) -> io::Result<Vec<SocketAddr>>;
}

/// The system's resolver.
#[derive(Debug)]
pub(super) struct System;

#[async_trait]
impl Names for System {
    async fn look_up(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.collect())
    }
}

/// Names without the addresses that may not be called.
#[derive(Clone, Debug)]
pub(super) struct Resolver {
    /// Which may.
    pub(super) judged: Judged,
    /// Who knows them.
    pub(super) names: Arc<dyn Names>,
}

/// Which addresses may be called.
#[derive(Clone, Copy, Debug)]
pub(super) enum Judged {
    /// Only public ones may.
    Public,
    /// All but a cloud's metadata may.
    Local,
}

/// A name none of whose addresses may be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{host} has no {wanted} address")]
pub(super) struct Forbidden {
    host: String,
    wanted: &'static str,
}

/// A name of which no address was found.
#[derive(Debug, thiserror::Error)]
#[error("{host} has no address")]
pub(super) struct Nameless {
    host: String,
    source: std::io::Error,
}

impl Judged {
    fn allows(self, address: IpAddr) -> bool {
        match self {
            Self::Public => is_public(address),
            Self::Local => !is_metadata(address),
        }
    }

    fn wanted(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Local => "harmless",
        }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (judged, names) = (self.judged, Arc::clone(&self.names));
        let host = name.as_str().to_owned();
        Box::pin(async move {
            let found = names.look_up(&host).await.map_err(|source| Nameless {
                host: host.clone(),
                source,
            })?;
            let allowed = |address: &SocketAddr| judged.allows(address.ip());
            let allowed: Vec<_> = found.into_iter().filter(allowed).collect();
            if allowed.is_empty() {
                let wanted = judged.wanted();
                return Err(Forbidden { host, wanted }.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_for_this_machine_is_refused() {
        let resolver = Resolver {
            judged: Judged::Public,
            names: Arc::new(System),
        };
        let refused = resolver
            .resolve("localhost".parse().unwrap())
            .await
            .err()
            .unwrap();
        let refused = refused.downcast_ref::<Forbidden>().unwrap();
        assert_eq!(refused.to_string(), "localhost has no public address");
    }

    #[test]
    fn a_connection_of_this_machine_never_leads_to_metadata() {
        for (address, local, public) in [
            ("127.0.0.1", true, false),
            ("10.0.0.8", true, false),
            ("169.254.169.254", false, false),
            ("fd00:ec2::254", false, false),
            ("93.184.215.14", true, true),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(Judged::Local.allows(address), local, "{address}");
            assert_eq!(Judged::Public.allows(address), public, "{address}");
        }
    }
}
