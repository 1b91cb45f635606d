//! TLS in front of a stand-in, with certificates of an authority of this run's own, and what a front may do wrong with them, by name.
//!
//! Handshakes are real; what comes through is passed on byte for byte to the stand-in behind, whose journal so shows what was
//! entrusted to it.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ServerConfig, crypto::aws_lc_rs};

/// What can be wrong with a front.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsFault {
    /// It speaks TLS 1.2 and nothing newer.
    OnlyTls12,
    /// It sends its own certificate without the one that signed it.
    NoIntermediate,
    /// Its certificate ended yesterday.
    Expired,
    /// Its certificate ends in a week.
    ExpiresSoon,
    /// Its certificate is another host's.
    WrongName,
    /// It signed its certificate itself.
    SelfSigned,
}

impl TlsFault {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::OnlyTls12,
        Self::NoIntermediate,
        Self::Expired,
        Self::ExpiresSoon,
        Self::WrongName,
        Self::SelfSigned,
    ];

    /// The name in reports and tests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OnlyTls12 => "only-tls-1.2",
            Self::NoIntermediate => "no-intermediate",
            Self::Expired => "expired",
            Self::ExpiresSoon => "expires-soon",
            Self::WrongName => "wrong-name",
            Self::SelfSigned => "self-signed",
        }
    }

    /// The fault of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }
}

/// A root, and an intermediate that signs in its place.
pub struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    intermediate: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// If no keys can be made.
    pub fn new() -> anyhow::Result<Self> {
        let root = CertifiedIssuer::self_signed(issuer("Stand-in Root"), KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let intermediate = CertifiedIssuer::signed_by(issuer("Stand-in Intermediate"), key, &root)?;
        Ok(Self { root, intermediate })
    }

    /// The root's certificate, for whoever is to trust it.
    #[must_use]
    pub fn root_pem(&self) -> String {
        self.root.pem()
    }
}

fn issuer(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// The front. Ends when it is dropped.
pub struct TlsFront {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl TlsFront {
    /// Listens on a free port in front of `behind`, `host:port`.
    ///
    /// # Errors
    /// If there is no port, or no certificate can be made.
    pub async fn start(
        authority: &Authority,
        behind: &str,
        faults: &[TlsFault],
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let acceptor = TlsAcceptor::from(Arc::new(config(authority, faults)?));
        let behind = behind.to_owned();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass_on(acceptor.clone(), stream, behind.clone()));
            }
        });
        Ok(Self { address, task })
    }

    /// Where it is: `https://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass_on(acceptor: TlsAcceptor, stream: TcpStream, behind: String) {
    let Ok(mut before) = acceptor.accept(stream).await else {
        return;
    };
    if let Ok(mut behind) = TcpStream::connect(behind).await {
        // However it ends, it has ended.
        let _ = tokio::io::copy_bidirectional(&mut before, &mut behind).await;
    }
}

fn config(authority: &Authority, faults: &[TlsFault]) -> anyhow::Result<ServerConfig> {
    let has = |fault| faults.contains(&fault);
    let (chain, key) = certificate(authority, faults)?;
    let versions = match has(TlsFault::OnlyTls12) {
        true => vec![&TLS12],
        false => vec![&TLS12, &TLS13],
    };
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&versions)?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(config)
}

fn certificate(
    authority: &Authority,
    faults: &[TlsFault],
) -> anyhow::Result<(Vec<CertificateDer<'static>>, KeyPair)> {
    let has = |fault| faults.contains(&fault);
    let name = match has(TlsFault::WrongName) {
        true => "another-host.example",
        false => "127.0.0.1",
    };
    let now = OffsetDateTime::now_utc();
    let mut params = CertificateParams::new([name.to_owned()])?;
    params
        .distinguished_name
        .push(DnType::CommonName, "Stand-in Front");
    params.not_before = now - Duration::days(30);
    params.not_after = match (has(TlsFault::Expired), has(TlsFault::ExpiresSoon)) {
        (true, _) => now - Duration::days(1),
        (false, true) => now + Duration::days(7),
        (false, false) => now + Duration::days(365),
    };
    let key = KeyPair::generate()?;
    if has(TlsFault::SelfSigned) {
        return Ok((vec![params.self_signed(&key)?.der().clone()], key));
    }
    let own = params.signed_by(&key, &authority.intermediate)?;
    let mut chain = vec![own.der().clone()];
    if !has(TlsFault::NoIntermediate) {
        chain.push(authority.intermediate.der().clone());
    }
    Ok((chain, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for fault in TlsFault::ALL {
            assert_eq!(TlsFault::named(fault.name()), Some(fault));
        }
        assert_eq!(TlsFault::named("no-such-fault"), None);
    }
}
