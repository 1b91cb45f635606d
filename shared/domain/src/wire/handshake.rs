//! Why TLS did not come about: as a kind, and read out of what programs say of it (`S0-27`, `S0-28`).

use std::fmt;

/// Why TLS did not come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Handshake {
    /// The certificate is of no known authority, or its chain is incomplete.
    Chain,
    /// The certificate is expired, revoked or not valid yet.
    Expired,
    /// The certificate is another host's.
    Name,
    /// No version in common.
    Version,
    /// The other side refused for another reason.
    Refused,
    /// The connection ended in the middle of it.
    Cut,
}

impl Handshake {
    /// What the text of an error says of a handshake, in the words of rustls, OpenSSL, curl, Go and Java; `None` if it is
    /// not one of a handshake.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.to_lowercase();
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
        WORDS
            .iter()
            .find(|(_, phrases)| says(phrases))
            .map(|(handshake, _)| *handshake)
    }
}

/// Phrases by what they mean; the first that is found counts.
const WORDS: [(Handshake, &[&str]); 6] = [
    (
        Handshake::Expired,
        &[
            "certificate expired",
            "certificate has expired",
            "certificateexpired",
            "not valid yet",
            "not yet valid",
            "notvalidyet",
            "certificate revoked",
            "certificaterevoked",
        ],
    ),
    (
        Handshake::Name,
        &[
            "not valid for name",
            "notvalidforname",
            "hostname mismatch",
            "no alternative certificate subject name",
            "certificate is valid for",
            "no subject alternative",
        ],
    ),
    (
        Handshake::Chain,
        &[
            "unknownissuer",
            "unknown issuer",
            "unknownca",
            "unknown ca",
            "unable to get local issuer",
            "self signed",
            "self-signed",
            "unknown authority",
            "pkix path",
            "incomplete chain",
        ],
    ),
    (
        Handshake::Version,
        &[
            "protocolversion",
            "protocol version",
            "unsupported protocol",
            "unsupported_protocol",
            "no protocols in common",
            "peerincompatible",
            "peer is incompatible",
        ],
    ),
    (
        Handshake::Cut,
        &[
            "ssl_error_syscall",
            "tls handshake eof",
            "unexpected eof while reading",
            "ssl_error_zero_return",
        ],
    ),
    (
        Handshake::Refused,
        &[
            "handshake_failure",
            "handshake failure",
            "handshakefailure",
            "fatal alert",
            "invalid peer certificate",
        ],
    ),
];

impl fmt::Display for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chain => "unknown authority or incomplete chain",
            Self::Expired => "certificate not valid now",
            Self::Name => "another host's certificate",
            Self::Version => "no version in common",
            Self::Refused => "handshake refused",
            Self::Cut => "cut off",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_s_end_is_read_out_of_words() {
        for (text, expected) in [
            (
                "curl: (35) OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to graph.facebook.com:443",
                Some(Handshake::Cut),
            ),
            ("tls handshake eof", Some(Handshake::Cut)),
            (
                "error:0A000410:SSL routines::sslv3 alert handshake failure",
                Some(Handshake::Refused),
            ),
            (
                "javax.net.ssl.SSLHandshakeException: Received fatal alert: handshake_failure",
                Some(Handshake::Refused),
            ),
            (
                "received fatal alert: ProtocolVersion",
                Some(Handshake::Version),
            ),
            (
                "error:0A000102:SSL routines::unsupported protocol",
                Some(Handshake::Version),
            ),
            (
                "invalid peer certificate: UnknownIssuer",
                Some(Handshake::Chain),
            ),
            (
                "SSL certificate problem: unable to get local issuer certificate",
                Some(Handshake::Chain),
            ),
            (
                "x509: certificate signed by unknown authority",
                Some(Handshake::Chain),
            ),
            ("PKIX path building failed", Some(Handshake::Chain)),
            (
                "SSL certificate problem: certificate has expired",
                Some(Handshake::Expired),
            ),
            (
                "SSL: no alternative certificate subject name matches target host name",
                Some(Handshake::Name),
            ),
            (
                "x509: certificate is valid for a.example, not b.example",
                Some(Handshake::Name),
            ),
            ("Connection refused (os error 111)", None),
            ("operation timed out", None),
            ("", None),
        ] {
            assert_eq!(Handshake::read(text), expected, "{text}");
        }
    }
}
