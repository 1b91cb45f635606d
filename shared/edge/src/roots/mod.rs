//! Which root certificates the clients of AWS trust.
//!
//! AWS's services have certificates by Amazon Trust Services, and AWS asks its callers to trust all five of its roots
//! (<https://www.amazontrust.com/repository/>): they are compiled in. Reading the machine's own hundred and fifty took half
//! of the time from the start of a process to its first call, in every function. An `https` address of somebody else is judged
//! by the machine's roots; who sits behind a proxy that opens TLS names its roots by `AWS_CA_BUNDLE`, as for AWS's other tools.

use std::fs;

use attache_domain::settings::{ConfigError, Settings};
use aws_smithy_http_client::tls::TrustStore;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// A file of PEM certificates that are trusted in place of all others.
const BUNDLE: &str = "AWS_CA_BUNDLE";

/// Where the SDKs look for addresses in place of AWS's.
const ENDPOINTS: &[&str] = &[
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_KMS",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    "AWS_ENDPOINT_URL_SQS",
];

/// Amazon's roots. The first of them ends on 2037-12-31.
const AMAZON: &[u8] = include_bytes!("amazon.pem");

/// The roots for calls to AWS, or to what `settings` name in its place.
///
/// # Errors
/// [`ConfigError::Invalid`] if `AWS_CA_BUNDLE` is no file of certificates.
pub(crate) fn trusted(settings: &dyn Settings) -> Result<TrustStore, ConfigError> {
    if let Some(path) = settings.get(BUNDLE) {
        let wrong = |problem: String| ConfigError::Invalid {
            key: BUNDLE,
            value: path.clone(),
            expected: format!("a file of PEM certificates: {problem}"),
        };
        let bundle = fs::read(&path).map_err(|e| wrong(e.to_string()))?;
        read(&bundle).map_err(wrong)?;
        return Ok(TrustStore::empty().with_pem_certificate(bundle));
    }
    let is_abroad = |key: &str| settings.get(key).is_some_and(|it| it.starts_with("https:"));
    Ok(if ENDPOINTS.iter().any(|key| is_abroad(key)) {
        TrustStore::default()
    } else {
        TrustStore::empty().with_pem_certificate(AMAZON)
    })
}

/// Reads what the client will read, which panics at what it cannot.
fn read(bundle: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle) {
        let number = roots.len() + 1;
        let certificate = certificate.map_err(|e| format!("certificate {number}: {e}"))?;
        let added = roots.add(certificate);
        added.map_err(|e| format!("certificate {number}: {e}"))?;
    }
    if roots.is_empty() {
        return Err("there is none in it".to_owned());
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Write;

    use attache_domain::digest::Sha256Digest;

    use super::*;

    /// The SHA-256 of each root's public key, as Amazon publishes them beside the certificates.
    const PUBLISHED: &[(&str, &str)] = &[
        (
            "Amazon Root CA 1",
            "fbe3018031f9586bcbf41727e417b7d1c45c2f47f93be372a17b96b50757d5a2",
        ),
        (
            "Amazon Root CA 2",
            "7f4296fc5b6a4e3b35d3c369623e364ab1af381d8fa7121533c9d6c633ea2461",
        ),
        (
            "Amazon Root CA 3",
            "36abc32656acfc645c61b71613c4bf21c787f5cabbee48348d58597803d7abc9",
        ),
        (
            "Amazon Root CA 4",
            "f7ecded5c66047d28ed6466b543c40e0743abe81d109254dcf845d4c2c7853c5",
        ),
        (
            "Starfield Services Root Certificate Authority - G2",
            "2b071c59a0a0ae76b0eadb2bad23bad4580b69c3601b630c2eaf0613afa83f92",
        ),
    ];

    /// An anchor holds the fields of the key; what is digested is the sequence of them, in DER.
    fn sequence(fields: &[u8]) -> Vec<u8> {
        let length = u16::try_from(fields.len()).unwrap().to_be_bytes();
        let head = match length {
            [0, short] if short < 0x80 => vec![0x30, short],
            [0, byte] => vec![0x30, 0x81, byte],
            [high, low] => vec![0x30, 0x82, high, low],
        };
        [&head, fields].concat()
    }

    fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        pairs.iter().map(own).collect()
    }

    fn refused(path: &str) -> String {
        trusted(&settings(&[(BUNDLE, path)]))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn amazons_roots_are_those_it_publishes() {
        let roots = read(AMAZON).unwrap();
        let found: Vec<String> = roots
            .roots
            .iter()
            .map(|root| Sha256Digest::of(&sequence(&root.subject_public_key_info)).to_string())
            .collect();
        let published: Vec<&str> = PUBLISHED.iter().map(|(_, key)| *key).collect();
        assert_eq!(found, published);
        for (name, _) in PUBLISHED {
            assert!(AMAZON.windows(name.len()).any(|it| it == name.as_bytes()));
        }
    }

    #[test]
    fn a_bundle_takes_the_place_of_all_others() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        assert!(refused(&path).contains("there is none in it"));
        file.write_all(AMAZON).unwrap();
        let store = trusted(&settings(&[(BUNDLE, &path)])).unwrap();
        assert!(format!("{store:?}").contains("enable_native_roots: false"));
        let torn = b"-----BEGIN CERTIFICATE-----\nMIIA\n-----END CERTIFICATE-----\n";
        file.write_all(torn).unwrap();
        assert!(
            refused(&path).contains("certificate 6: "),
            "{}",
            refused(&path)
        );
        assert!(refused("/nowhere/roots.pem").contains("No such file"));
    }

    #[test]
    fn another_address_is_judged_by_the_machines_roots() {
        for (key, value, native) in [
            ("AWS_REGION", "eu-central-1", false),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:9", false),
            ("AWS_ENDPOINT_URL", "https://store.example", true),
            ("AWS_ENDPOINT_URL_S3", "https://store.example", true),
            ("AWS_ENDPOINT_URL_DYNAMODB", "https://table.example", true),
        ] {
            let store = trusted(&settings(&[(key, value)])).unwrap();
            let expected = format!("enable_native_roots: {native}");
            assert!(format!("{store:?}").contains(&expected), "{key}={value}");
        }
    }
}
