//! Whether a link is one that the owner of a key signed, and still alive: CloudFront's canned policies.
//!
//! The signed text is made anew from what is asked for: the address without the parameters that CloudFront takes out, and the
//! time that the link names. So whatever is altered, the signature does not fit.

use std::collections::BTreeMap;

use aws_lc_rs::signature::{
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters,
    UnparsedPublicKey,
};
use data_encoding::BASE64;

/// The parameters that CloudFront reads and takes out.
const OWN: [&str; 4] = ["Expires", "Signature", "Key-Pair-Id", "Hash-Algorithm"];

/// Why a link is refused, as CloudFront's body says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// `Code`.
    pub(crate) code: &'static str,
    /// `Message`.
    pub(crate) message: &'static str,
}

const UNSIGNED: Refused = Refused {
    code: "MissingKey",
    message: "Missing Key-Pair-Id query parameter or cookie value",
};
const UNKNOWN_KEY: Refused = Refused {
    code: "InvalidKey",
    message: "Unknown Key",
};
const DENIED: Refused = Refused {
    code: "AccessDenied",
    message: "Access denied",
};

/// The public keys of the key group, by what CloudFront calls them: `SubjectPublicKeyInfo` in DER.
pub(crate) type Keys = BTreeMap<String, Vec<u8>>;

/// Whether `path_and_query`, asked for at `base`, is a link that one of these keys signed and that is alive at `now` (seconds since
/// 1970).
pub(crate) fn verify(
    keys: &Keys,
    (base, path_and_query): (&str, &str),
    now: u64,
) -> Result<(), Refused> {
    let (path, query) = path_and_query
        .split_once('?')
        .unwrap_or((path_and_query, ""));
    let parameters = || query.split('&').filter_map(|it| it.split_once('='));
    let own = |name: &str| parameters().find(|(known, _)| *known == name);
    let value = |name: &str| own(name).map(|(_, value)| value);
    let id = value("Key-Pair-Id").ok_or(UNSIGNED)?;
    let key = keys.get(id).ok_or(UNKNOWN_KEY)?;
    let expires: u64 = value("Expires")
        .and_then(|it| it.parse().ok())
        .ok_or(DENIED)?;
    let algorithm: &'static RsaParameters = match value("Hash-Algorithm") {
        None | Some("SHA1") => &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        Some("SHA256") => &RSA_PKCS1_2048_8192_SHA256,
        Some(_) => return Err(DENIED),
    };
    let signature = value("Signature").and_then(decoded).ok_or(DENIED)?;
    let rest: Vec<&str> = query
        .split('&')
        .filter(|it| !it.is_empty())
        .filter(|it| !OWN.contains(&it.split('=').next().unwrap_or_default()))
        .collect();
    let query = match rest.is_empty() {
        true => String::new(),
        false => format!("?{}", rest.join("&")),
    };
    let policy = format!(
        r#"{{"Statement":[{{"Resource":"{base}{path}{query}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}}}]}}"#
    );
    UnparsedPublicKey::new(algorithm, key)
        .verify(policy.as_bytes(), &signature)
        .map_err(|_| DENIED)?;
    match now < expires {
        true => Ok(()),
        false => Err(DENIED),
    }
}

/// A signature out of the letters that CloudFront takes in the place of base64's.
fn decoded(signature: &str) -> Option<Vec<u8>> {
    let letters: String = signature
        .chars()
        .map(|letter| match letter {
            '-' => '+',
            '_' => '=',
            '~' => '/',
            other => other,
        })
        .collect();
    BASE64.decode(letters.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &str = include_str!("../../../../shared/edge/fixtures/content/public-key.pem");
    const POLICY: &str = include_str!("../../../../shared/edge/fixtures/content/policy.json");
    const SIGNATURE: &str = include_str!("../../../../shared/edge/fixtures/content/signature.txt");
    const DIES: u64 = 1_795_132_800;

    fn keys() -> Keys {
        let lines = PUBLIC.lines().filter(|it| !it.contains("-----"));
        let lines: String = lines.collect();
        let key = BASE64.decode(lines.as_bytes()).unwrap();
        BTreeMap::from([("K1".to_owned(), key)])
    }

    /// Path and query of the link that `openssl` signed.
    fn link() -> String {
        let policy: serde_json::Value = serde_json::from_str(POLICY).unwrap();
        let resource = policy["Statement"][0]["Resource"].as_str().unwrap();
        let resource = resource.strip_prefix("https://media.example.com").unwrap();
        format!(
            "{resource}&Expires={DIES}&Signature={SIGNATURE}&Key-Pair-Id=K1&Hash-Algorithm=SHA256"
        )
    }

    fn verified(link: &str, now: u64) -> Result<(), &'static str> {
        verify(&keys(), ("https://media.example.com", link), now).map_err(|refused| refused.code)
    }

    #[test]
    fn a_link_lives_as_long_as_it_says() {
        for (now, expected) in [(0, Ok(())), (DIES - 1, Ok(())), (DIES, Err("AccessDenied"))] {
            assert_eq!(verified(&link(), now), expected, "{now}");
        }
    }

    #[test]
    fn whatever_is_altered_it_fits_no_more() {
        for (from, to, expected) in [
            ("arrivals/abcd", "arrivals/abce", "AccessDenied"),
            ("no-store", "public", "AccessDenied"),
            ("1795132800", "1895132800", "AccessDenied"),
            ("=SHA256", "=SHA1", "AccessDenied"),
            ("=SHA256", "=MD5", "AccessDenied"),
            ("Signature=F", "Signature=G", "AccessDenied"),
            ("Key-Pair-Id=K1", "Key-Pair-Id=K2", "InvalidKey"),
            ("&Key-Pair-Id=K1", "", "MissingKey"),
            ("&Expires=1795132800", "", "AccessDenied"),
            ("&Key-Pair-Id", "&x=1&Key-Pair-Id", "AccessDenied"),
        ] {
            let altered = link().replacen(from, to, 1);
            assert_ne!(altered, link(), "{from}");
            assert_eq!(verified(&altered, 0), Err(expected), "{from} → {to}");
        }
        assert_eq!(verified("/arrivals/abcd", 0), Err("MissingKey"));
    }
}
