//! A content domain for a run on this machine: a key pair of its own, made anew for each run, and the parameters that switch it on.

use anyhow::{Context, Result};
use attache_domain::connection::SecretName;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use data_encoding::BASE64;

use crate::site::STAGE;

/// So many letters stand in one line of PEM.
const LINE: usize = 64;

/// The certificate's ARN, which nobody looks at here.
const CERTIFICATE: &str = "arn:aws:acm:us-east-1:000000000000:certificate/local";

/// What switches it on.
pub struct LocalContent {
    /// Template parameters.
    pub parameters: Vec<(String, String)>,
    /// The private key, and where functions look for it.
    pub secret: (SecretName, String),
}

impl LocalContent {
    /// A content domain of this name.
    ///
    /// # Errors
    /// If no key can be made.
    pub fn named(domain: &str) -> Result<Self> {
        let pair = KeyPair::generate(KeySize::Rsa2048)
            .ok()
            .context("no key pair could be made")?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der()?;
        let private: Pkcs8V1Der<'_> = pair.as_der()?;
        let parameters = [
            ("ContentDomainName", domain.to_owned()),
            ("ContentCertificateArn", CERTIFICATE.to_owned()),
            ("ContentPublicKey", lines(public.as_ref()).join(",")),
        ];
        let private = lines(private.as_ref()).join("\n");
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{private}\n-----END PRIVATE KEY-----\n");
        Ok(Self {
            parameters: parameters
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            secret: (
                SecretName(format!("attache/{STAGE}/content/signing-key")),
                pem,
            ),
        })
    }
}

fn lines(der: &[u8]) -> Vec<String> {
    let letters = BASE64.encode(der).into_bytes();
    let line = |line: &[u8]| String::from_utf8_lossy(line).into_owned();
    letters.chunks(LINE).map(line).collect()
}
