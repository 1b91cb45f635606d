//! What a call that came to nothing means: what can have happened, and what stood in the way. The errors themselves are
//! looked at, down to those of the TLS library; their text only where they have no kind.

use std::error::Error;
use std::io;

use attache_domain::wire::{CallError, Handshake};
use attache_flow::batch::chain;
use rustls::{AlertDescription, CertificateError, PeerIncompatible};

use super::resolver::{Forbidden, Nameless};

/// Only what happened before the connection stood is certain to have had no effect. No text holds a query.
pub(super) fn classify(error: reqwest::Error) -> CallError {
    let error = error.without_url();
    if let Some(refused) = find::<Forbidden>(&error) {
        return CallError::Refused(refused.to_string());
    }
    if error.is_connect() {
        return match (find::<Nameless>(&error), handshake(&error)) {
            (Some(_), _) => CallError::NoName(chain(&error)),
            (None, Some(handshake)) => CallError::Tls(handshake, chain(&error)),
            (None, None) => CallError::NotSent(chain(&error)),
        };
    }
    if error.is_builder() {
        CallError::NotSent(chain(&error))
    } else {
        CallError::NoAnswer(chain(&error))
    }
}

/// Why TLS did not come about, if that is what the error of a connection says. A connection that was refused never got as far;
/// one that ended behind that did so in the handshake.
fn handshake(error: &reqwest::Error) -> Option<Handshake> {
    if let Some(error) = find::<rustls::Error>(error) {
        return Some(of_tls(error));
    }
    let ended = [
        io::ErrorKind::UnexpectedEof,
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::BrokenPipe,
    ];
    let mut kinds =
        causes(error).filter_map(|cause| Some(cause.downcast_ref::<io::Error>()?.kind()));
    let cut = kinds.any(|kind| ended.contains(&kind));
    cut.then_some(Handshake::Cut)
}

fn of_tls(error: &rustls::Error) -> Handshake {
    match error {
        rustls::Error::InvalidCertificate(error) => of_certificate(error),
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
        | rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => Handshake::Version,
        _ => Handshake::Refused,
    }
}

/// What is neither a matter of time nor of the name is one of trust.
fn of_certificate(error: &CertificateError) -> Handshake {
    match error {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. }
        | CertificateError::Revoked => Handshake::Expired,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Handshake::Name
        }
        other => Handshake::read(&format!("{other:?} {other}")).unwrap_or(Handshake::Chain),
    }
}

/// The first error of type `T` behind `error`.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// An error and what is behind it, also what an I/O error wraps: that one does not give it as its source.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn Error + 'static) = *error;
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match wrapped {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_s_errors_are_told_apart() {
        use rustls::Error::{AlertReceived, InvalidCertificate, PeerIncompatible as Incompatible};
        for (error, expected) in [
            (
                InvalidCertificate(CertificateError::UnknownIssuer),
                Handshake::Chain,
            ),
            (
                InvalidCertificate(CertificateError::BadSignature),
                Handshake::Chain,
            ),
            (
                InvalidCertificate(CertificateError::Expired),
                Handshake::Expired,
            ),
            (
                InvalidCertificate(CertificateError::NotValidYet),
                Handshake::Expired,
            ),
            (
                InvalidCertificate(CertificateError::Revoked),
                Handshake::Expired,
            ),
            (
                InvalidCertificate(CertificateError::NotValidForName),
                Handshake::Name,
            ),
            (
                AlertReceived(AlertDescription::ProtocolVersion),
                Handshake::Version,
            ),
            (
                Incompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13),
                Handshake::Version,
            ),
            (
                AlertReceived(AlertDescription::HandshakeFailure),
                Handshake::Refused,
            ),
        ] {
            assert_eq!(of_tls(&error), expected, "{error}");
            let wrapped = io::Error::new(io::ErrorKind::InvalidData, error);
            assert!(find::<rustls::Error>(&wrapped).is_some(), "{wrapped}");
        }
    }
}
