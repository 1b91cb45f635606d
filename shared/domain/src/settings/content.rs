//! The content domain, and how long links live: read alike by every function that gives links.

use std::time::Duration;

use url::Url;

use super::{ConfigError, Settings, required, seconds};
use crate::connection::SecretName;
use crate::delivery::LINK_LIFE;

/// The content domain: where platforms fetch files from, and what links to it are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentDomain {
    /// `CONTENT_URL`: where it is, without a path.
    pub url: Url,
    /// `CONTENT_KEY_PAIR_ID`: what CloudFront calls the public key.
    pub key_pair_id: String,
    /// `CONTENT_PUBLIC_KEY`: the public key (a `SubjectPublicKeyInfo` in DER, base64, perhaps in several lines with commas
    /// between them). Links that it does not fit would be refused, hours later and elsewhere.
    pub public_key: String,
    /// `CONTENT_KEY_SECRET`: the secret with the private key, in PEM.
    pub secret: SecretName,
}

/// The content domain, if there is one.
///
/// # Errors
/// [`ConfigError`] if `CONTENT_URL` is no address, or is set without the others.
pub fn content_domain(settings: &dyn Settings) -> Result<Option<ContentDomain>, ConfigError> {
    const URL: &str = "CONTENT_URL";
    let [key_pair_id, public_key, secret] = [
        "CONTENT_KEY_PAIR_ID",
        "CONTENT_PUBLIC_KEY",
        "CONTENT_KEY_SECRET",
    ]
    .map(|key| required(settings, key));
    let Some(url) = settings.get(URL) else {
        return Ok(None);
    };
    let parsed = Url::parse(&url).ok().filter(|url| url.path() == "/");
    let Some(parsed) = parsed else {
        return Err(ConfigError::Invalid {
            key: URL,
            value: url,
            expected: "an address without a path".to_owned(),
        });
    };
    Ok(Some(ContentDomain {
        url: parsed,
        key_pair_id: key_pair_id?,
        public_key: public_key?,
        secret: SecretName(secret?),
    }))
}

/// `LINK_SECONDS`: how long a link lives that is given to somebody without credentials; 1–21600, 21600 if not set.
///
/// # Errors
/// [`ConfigError::Invalid`].
pub fn link_life(settings: &dyn Settings) -> Result<Duration, ConfigError> {
    let longest = LINK_LIFE.as_secs();
    seconds(settings, "LINK_SECONDS", longest, 1..=longest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn it_is_whole_or_there_is_none() {
        let all = [
            ("CONTENT_URL", "https://media.example.com"),
            ("CONTENT_KEY_PAIR_ID", "K1"),
            ("CONTENT_PUBLIC_KEY", "MIIB"),
            ("CONTENT_KEY_SECRET", "attache/prod/content/signing-key"),
        ];
        let read = |set: &[(&str, &str)]| {
            let set = set
                .iter()
                .map(|(key, value)| (key.to_string(), value.to_string()));
            content_domain(&set.collect::<BTreeMap<_, _>>()).map_err(|error| error.to_string())
        };
        let whole = read(&all).unwrap().unwrap();
        assert_eq!(whole.url.as_str(), "https://media.example.com/");
        assert_eq!(read(&all[1..]), Ok(None));
        assert_eq!(read(&[]), Ok(None));
        for without in 1..all.len() {
            let mut some = all.to_vec();
            let (key, _) = some.remove(without);
            assert_eq!(read(&some), Err(format!("{key} is not set")));
        }
        let mut wrong = all;
        wrong[0].1 = "https://media.example.com/files";
        assert!(
            read(&wrong)
                .unwrap_err()
                .contains("an address without a path")
        );
    }
}
