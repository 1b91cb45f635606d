//! TLS as a host speaks it: the version that is agreed on, the chain it sends, its names and how long it lasts (`S0-21`, `S0-28`, `S0-29`).
//!
//! The handshake accepts whatever certificate comes, in order to look at it; nothing is sent over such a connection, and it is
//! closed at once. What the functions would say to the chain is asked of the same verifier that they use, with the roots of
//! this machine.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error,
    PeerIncompatible, ProtocolVersion, RootCertStore, SignatureScheme,
};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use webpki::EndEntityCert;

use super::notebook::Notebook;
use super::rule::Rule;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A certificate that ends within this is told of.
const SOON: Duration = Duration::from_secs(21 * 24 * 3600);

/// The object identifier of a common name (2.5.4.3), as certificates have it.
const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];

/// What a host showed.
struct Shown {
    version: Option<ProtocolVersion>,
    chain: Vec<CertificateDer<'static>>,
}

/// Shakes hands over a connection that was just opened, and judges what is shown.
pub(super) async fn check(about: &str, host: &str, stream: TcpStream, notes: &mut Notebook) {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let Ok(name) = ServerName::try_from(host.to_owned()) else {
        notes.find(
            Rule::TlsWrongName,
            about,
            "no name that a certificate could have",
        );
        return;
    };
    let shown = match timeout(HANDSHAKE, shake(name.clone(), stream)).await {
        Ok(Ok(shown)) => shown,
        Ok(Err(error)) => {
            let (rule, evidence) = ended(&error);
            notes.find(rule, about, evidence);
            return;
        }
        Err(_) => {
            let evidence = format!("nothing within {} s of the greeting", HANDSHAKE.as_secs());
            notes.find(Rule::TlsRefused, about, evidence);
            return;
        }
    };
    if shown.version == Some(ProtocolVersion::TLSv1_2) {
        let evidence = "1.3 was offered, 1.2 was chosen";
        notes.find(Rule::TlsOnly12, about, evidence);
    } else {
        notes.well("tls-version", about, "1.3");
    }
    let roots = roots();
    match judge(&shown.chain, &name, roots, UnixTime::now()) {
        Ok(until) => notes.well("tls-chain", about, until),
        Err((rule, evidence)) => notes.find(rule, about, evidence),
    }
}

async fn shake(name: ServerName<'static>, stream: TcpStream) -> std::io::Result<Shown> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(std::io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Onlooker(provider)))
        .with_no_client_auth();
    let mut stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    let (_, session) = stream.get_ref();
    let shown = Shown {
        version: session.protocol_version(),
        chain: session.peer_certificates().unwrap_or_default().to_vec(),
    };
    // What was to be seen is seen; however the goodbye goes.
    let _ = stream.shutdown().await;
    Ok(shown)
}

/// What a handshake that came to nothing says.
fn ended(error: &std::io::Error) -> (Rule, String) {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>());
    let rule = match inner {
        Some(
            Error::AlertReceived(AlertDescription::ProtocolVersion)
            | Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
            ),
        ) => Rule::TlsTooOld,
        _ => Rule::TlsRefused,
    };
    (rule, error.to_string())
}

/// The roots that this machine trusts, as the functions' clients see them.
fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    roots
}

/// What a client says to this chain: until when it holds, or what is wrong.
fn judge(
    chain: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    roots: RootCertStore,
    now: UnixTime,
) -> Result<String, (Rule, String)> {
    let Some((own, others)) = chain.split_first() else {
        return Err((Rule::TlsUntrusted, "no certificate was sent".to_owned()));
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    let verifier = verifier.map_err(|error| {
        let evidence = format!("this machine trusts no root at all: {error}");
        (Rule::TlsUntrusted, evidence)
    })?;
    let at = |moment| verifier.verify_server_cert(own, others, name, &[], moment);
    at(now).map_err(|error| wrong(&error, own, others))?;
    let later = UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()) + SOON);
    match at(later) {
        Ok(_) => Ok(format!("{} certificates, trusted", chain.len())),
        Err(error) => Err((
            Rule::TlsExpiresSoon,
            format!("in {} days it will be: {error}", SOON.as_secs() / 86_400),
        )),
    }
}

fn wrong(error: &Error, own: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> (Rule, String) {
    let Error::InvalidCertificate(invalid) = error else {
        return (Rule::TlsUntrusted, error.to_string());
    };
    let rule = match invalid {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => Rule::TlsExpired,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Rule::TlsWrongName
        }
        CertificateError::UnknownIssuer => return untrusted(own, others),
        _ => Rule::TlsUntrusted,
    };
    (rule, error.to_string())
}

/// Tells a chain that lacks its next certificate from one that leads to a stranger.
fn untrusted(own: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> (Rule, String) {
    let Ok(leaf) = EndEntityCert::try_from(own) else {
        return (
            Rule::TlsUntrusted,
            "a certificate that cannot be read".to_owned(),
        );
    };
    let (issuer, subject) = (leaf.issuer(), leaf.subject());
    let sent = |certificate: &CertificateDer<'_>| {
        EndEntityCert::try_from(certificate).is_ok_and(|it| it.subject() == issuer)
    };
    let count = others.len() + 1;
    let by = common_name(issuer);
    if issuer == subject {
        return (Rule::TlsUntrusted, format!("{by} signed it itself"));
    }
    if others.iter().any(sent) {
        let evidence =
            format!("{count} certificates were sent, signed by {by} in the end; no trusted root");
        return (Rule::TlsUntrusted, evidence);
    }
    let evidence = format!(
        "{count} certificate was sent, signed by {by}, which was neither sent nor is trusted"
    );
    (Rule::TlsNoIntermediate, evidence)
}

/// The common name within a name; what cannot be read is said to be so.
fn common_name(name: &[u8]) -> String {
    let at = name
        .windows(COMMON_NAME.len())
        .position(|window| window == COMMON_NAME);
    let text = at.and_then(|at| {
        let value = name.get(at + COMMON_NAME.len()..)?;
        let length = usize::from(*value.get(1)?);
        Some(String::from_utf8_lossy(value.get(2..2 + length)?).into_owned())
    });
    match text {
        Some(text) => format!("{text:?}"),
        None => "an authority without a common name".to_owned(),
    }
}

/// Takes any certificate, but not a peer that does not hold its key.
#[derive(Debug)]
struct Onlooker(Arc<CryptoProvider>);

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
