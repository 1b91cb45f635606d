//! The content domain: links that CloudFront verifies, which live as long as they say.
//!
//! A link carries a canned policy (its address, and when it dies) signed with the owner's private key: RSA with SHA-256. Follows
//! docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-canned-policy.html and
//! …/PrivateCFSignatureCodeAndExamples.html, which since 2026 take SHA-256 beside SHA-1 (checked 2026-11-26).
//!
//! The key is read once for each process, with the first link, and is held against the public key that CloudFront was given: a link
//! that does not fit would be refused hours later, where nobody is told.

use std::fmt;

use attache_domain::settings;
use attache_domain::signature::Secret;
use attache_domain::time::Timestamp;
use attache_flow::ports::{Answer, Outage, Secrets};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use data_encoding::BASE64;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use tokio::sync::OnceCell;
use url::Url;

use crate::secrets::SecretsManager;

/// The content domain, and the key that its links are signed with.
pub struct ContentDomain {
    settings: settings::ContentDomain,
    secrets: SecretsManager,
    key: OnceCell<SigningKey>,
}

/// A private key. Shown as nothing.
struct SigningKey(KeyPair);

/// Why a private key is of no use. None of them shows any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Unusable {
    #[error("the signing key is no RSA key in PEM")]
    NoKey,
    #[error("ContentPublicKey is no public key in base64")]
    NoPublicKey,
    #[error("the signing key does not belong to ContentPublicKey")]
    Another,
    #[error("the signing key cannot sign")]
    CannotSign,
}

impl ContentDomain {
    /// As the template describes it.
    #[must_use]
    pub fn new(settings: settings::ContentDomain, secrets: SecretsManager) -> Self {
        Self {
            settings,
            secrets,
            key: OnceCell::new(),
        }
    }

    /// A link to the object `key`, with these parameters for S3, that dies at `until` (cut to whole seconds).
    ///
    /// # Errors
    /// [`Outage`] if the private key cannot be read, or is not the one that CloudFront verifies with.
    pub(crate) async fn link(
        &self,
        key: &str,
        parameters: &[(&str, &str)],
        until: Timestamp,
    ) -> Answer<Url> {
        let doing = || format!("making a link to {key}");
        let signing_key = self.key.get_or_try_init(|| self.read_key()).await?;
        let resource = resource(&self.settings.url, key, parameters);
        let signature = signing_key
            .sign(&canned_policy(&resource, until))
            .map_err(|e| Outage::new(doing(), e))?;
        let seconds = until.as_seconds();
        let separator = if parameters.is_empty() { '?' } else { '&' };
        let link = format!(
            "{resource}{separator}Expires={seconds}&Signature={signature}&Key-Pair-Id={}&Hash-Algorithm=SHA256",
            self.settings.key_pair_id
        );
        Url::parse(&link).map_err(|e| Outage::new(doing(), e))
    }

    async fn read_key(&self) -> Answer<SigningKey> {
        let secret = self.secrets.get(&self.settings.secret).await?;
        let key = SigningKey::read(&secret, &self.settings.public_key);
        key.map_err(|e| Outage::new(format!("reading {}", self.settings.secret.0), e))
    }
}

impl fmt::Debug for ContentDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentDomain({})", self.settings.url)
    }
}

impl SigningKey {
    /// From PEM (PKCS #8 or PKCS #1), if it is the one of this public key.
    fn read(pem: &Secret, public_key: &str) -> Result<Self, Unusable> {
        let pair = match PrivateKeyDer::from_pem_slice(pem.expose()) {
            Ok(PrivateKeyDer::Pkcs8(der)) => KeyPair::from_pkcs8(der.secret_pkcs8_der()),
            Ok(PrivateKeyDer::Pkcs1(der)) => KeyPair::from_der(der.secret_pkcs1_der()),
            Ok(_) | Err(_) => return Err(Unusable::NoKey),
        };
        let pair = pair.map_err(|_| Unusable::NoKey)?;
        let lines: String = public_key.split(',').collect();
        let expected = BASE64
            .decode(lines.as_bytes())
            .map_err(|_| Unusable::NoPublicKey)?;
        let own: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| Unusable::NoKey)?;
        match own.as_ref() == expected {
            true => Ok(Self(pair)),
            false => Err(Unusable::Another),
        }
    }

    /// The signature of a policy, in the letters that CloudFront takes in the place of base64's.
    fn sign(&self, policy: &str) -> Result<String, Unusable> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                policy.as_bytes(),
                &mut signature,
            )
            .map_err(|_| Unusable::CannotSign)?;
        let safe = |letter| match letter {
            '+' => '-',
            '=' => '_',
            '/' => '~',
            other => other,
        };
        Ok(BASE64.encode(&signature).chars().map(safe).collect())
    }
}

/// The address that is signed: as CloudFront gets it, without the parameters that CloudFront takes out.
fn resource(url: &Url, key: &str, parameters: &[(&str, &str)]) -> String {
    let mut resource = format!("{url}{key}");
    for (position, (name, value)) in parameters.iter().enumerate() {
        resource.push(if position == 0 { '?' } else { '&' });
        resource.push_str(name);
        resource.push('=');
        // Whatever is not plain is escaped: CloudFront compares what it gets, letter by letter.
        resource.push_str(&escaped(value));
    }
    resource
}

/// RFC 3986: everything but the unreserved characters.
fn escaped(value: &str) -> String {
    use fmt::Write;
    let mut escaped = String::with_capacity(value.len() * 2);
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing into a `String` cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// CloudFront makes the same text of the link it gets: without white space, in this order.
fn canned_policy(resource: &str, until: Timestamp) -> String {
    let seconds = until.as_seconds();
    format!(
        r#"{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{seconds}}}}}}}]}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    const KEY: &str = include_str!("../fixtures/content/signing-key.pem");
    const TRADITIONAL: &str = include_str!("../fixtures/content/signing-key.pkcs1.pem");
    const OTHER: &str = include_str!("../fixtures/content/other-key.pem");
    const PUBLIC: &str = include_str!("../fixtures/content/public-key.pem");
    const POLICY: &str = include_str!("../fixtures/content/policy.json");
    const SIGNATURE: &str = include_str!("../fixtures/content/signature.txt");

    /// As the template's parameter has it.
    fn public_key() -> String {
        let lines: Vec<_> = PUBLIC.lines().filter(|it| !it.contains("-----")).collect();
        lines.join(",")
    }

    fn read(pem: &str) -> Result<SigningKey, Unusable> {
        SigningKey::read(&Secret::new(pem).unwrap(), &public_key())
    }

    fn policy() -> String {
        let url = Url::parse("https://media.example.com").unwrap();
        let parameters = [
            ("response-cache-control", "no-store"),
            (
                "response-content-disposition",
                "attachment; filename=\"a.pdf\"; filename*=UTF-8''a.pdf",
            ),
            ("response-content-type", "audio/ogg; codecs=opus"),
        ];
        let resource = resource(&url, "arrivals/abcd", &parameters);
        // What is sent is what was signed: nothing is written otherwise on the way.
        assert_eq!(Url::parse(&resource).unwrap().as_str(), resource);
        canned_policy(&resource, Timestamp::from_seconds(1_795_132_800))
    }

    #[test]
    fn the_signature_is_the_one_that_openssl_makes() {
        assert_eq!(policy(), POLICY);
        for pem in [KEY, TRADITIONAL] {
            assert_eq!(read(pem).unwrap().sign(&policy()).unwrap(), SIGNATURE);
        }
    }

    #[test]
    fn the_public_key_verifies_it_and_nothing_else() {
        let key = BASE64.decode(public_key().replace(',', "").as_bytes());
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.unwrap());
        let signature = read(KEY).unwrap().sign(&policy()).unwrap();
        let letters: String = signature
            .chars()
            .map(|letter| match letter {
                '-' => '+',
                '_' => '=',
                '~' => '/',
                other => other,
            })
            .collect();
        let signature = BASE64.decode(letters.as_bytes()).unwrap();
        assert!(key.verify(policy().as_bytes(), &signature).is_ok());
        let longer = policy().replace("1795132800", "1795132801");
        assert!(key.verify(longer.as_bytes(), &signature).is_err());
    }

    #[test]
    fn a_key_that_cannot_be_right_is_refused_and_shows_nothing() {
        let refused = |key: Result<SigningKey, Unusable>| key.err();
        let public = PUBLIC.replace("PUBLIC", "PRIVATE");
        for (pem, expected) in [
            (OTHER, Unusable::Another),
            ("no key", Unusable::NoKey),
            (PUBLIC, Unusable::NoKey),
            (public.as_str(), Unusable::NoKey),
        ] {
            assert_eq!(refused(read(pem)), Some(expected));
        }
        let key = SigningKey::read(&Secret::new(KEY).unwrap(), "not base64");
        assert_eq!(refused(key), Some(Unusable::NoPublicKey));
    }
}
