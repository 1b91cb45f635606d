//! Signs and checks a webhook's body: HMAC-SHA256 over the raw bytes, in a header, with a prefix, in one encoding.
//!
//! **Raw bytes**: as received, after undoing the gateway's base64 and before anything is parsed. Meta escapes non-ASCII as
//! `\uXXXX`; a body parsed and written again has another signature.
//! **Strict**: one encoding per scheme. Taking either would let a proof for one platform's rules stand in for another's.
//! **Constant time**: the comparison does not tell how much was right, and every secret is tried.
//! **Two secrets** at most: the one in use and, while it is changed, the one before.
//!
//! Sources: developers.facebook.com "Webhooks, validating payloads"; developer.genesys.cloud
//! `/commdigital/digital/openmessaging/validate`. Vectors: `fixtures/`.

use std::borrow::Cow;

use data_encoding::{BASE64, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};
use thiserror::Error;

use super::secret::Secret;

/// The header that Meta and Genesys share.
const HUB: &str = "x-hub-signature-256";

/// How the 32 bytes of a signature are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// 64 lower-case hex digits; upper case is refused.
    Hex,
    /// 44 characters of padded standard base64.
    Base64,
}

/// Where a signature is found and how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheme {
    /// The header's name, in lower case.
    pub header: Cow<'static, str>,
    /// What comes before the digest in the header's value.
    pub prefix: Cow<'static, str>,
    /// How the digest is written.
    pub encoding: Encoding,
}

/// Checks signatures of one scheme against one or two secrets, which were taken in once.
#[derive(Clone, Debug)]
pub struct Verifier {
    scheme: Scheme,
    current: Hmac<Sha256>,
    previous: Option<Hmac<Sha256>>,
}

/// Why a body is not accepted. For our logs: the sender is told 401 and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The header is missing.
    #[error("the signature header is missing")]
    Missing,
    /// The header's value is not of this scheme: wrong prefix, encoding, case or length.
    #[error("the signature is not written as its scheme demands")]
    Malformed,
    /// A well-formed signature by no secret of ours, or of another body.
    #[error("the signature does not match the body")]
    Mismatch,
    /// It was right, and holds no longer.
    #[error("the token has expired")]
    Expired,
}

impl Scheme {
    /// Meta (WhatsApp, Messenger, Instagram): lower-case hex.
    pub const META: Self = Self::hub(HUB, Encoding::Hex);

    /// Genesys Open Messaging: the same header in base64.
    pub const GENESYS: Self = Self::hub(HUB, Encoding::Base64);

    /// The source documents' events of Genesys (`S3-29`): Genesys' way of writing it, under a header of their own.
    pub const GENESYS_EVENTS: Self = Self::hub("x-genesys-signature", Encoding::Base64);

    const fn hub(header: &'static str, encoding: Encoding) -> Self {
        Self {
            header: Cow::Borrowed(header),
            prefix: Cow::Borrowed("sha256="),
            encoding,
        }
    }

    /// The header's value for `body`, as the platform would send it.
    #[must_use]
    pub fn sign(&self, secret: &Secret, body: &[u8]) -> String {
        let tag = tag(keyed(secret), body);
        let digest = match self.encoding {
            Encoding::Hex => HEXLOWER.encode(&tag),
            Encoding::Base64 => BASE64.encode(&tag),
        };
        format!("{}{digest}", self.prefix)
    }

    fn read(&self, value: &str) -> Option<[u8; 32]> {
        let digest = value.strip_prefix(self.prefix.as_ref())?.as_bytes();
        match self.encoding {
            Encoding::Hex => HEXLOWER.decode(digest),
            Encoding::Base64 => BASE64.decode(digest),
        }
        .ok()?
        .try_into()
        .ok()
    }
}

impl Verifier {
    /// Accepts what `current` signed, or `previous` while the secret is being changed.
    #[must_use]
    pub fn new(scheme: Scheme, current: Secret, previous: Option<Secret>) -> Self {
        Self {
            scheme,
            current: keyed(&current),
            previous: previous.as_ref().map(keyed),
        }
    }

    /// Where to look and how it is written.
    #[must_use]
    pub const fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Checks the value of the scheme's header (`None`: no such header) against the raw body.
    ///
    /// # Errors
    /// [`Refusal`]; nothing of the body may be trusted, or even parsed, then.
    pub fn verify(&self, value: Option<&str>, body: &[u8]) -> Result<(), Refusal> {
        let claimed = self
            .scheme
            .read(value.ok_or(Refusal::Missing)?)
            .ok_or(Refusal::Malformed)?;
        let mut matched = Choice::from(0);
        for keyed in [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
        {
            matched |= tag(keyed.clone(), body).ct_eq(&claimed);
        }
        if matched.into() {
            Ok(())
        } else {
            Err(Refusal::Mismatch)
        }
    }
}

#[expect(
    clippy::expect_used,
    reason = "HMAC takes keys of any length (RFC 2104 §3)"
)]
pub(super) fn keyed(secret: &Secret) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret.expose()).expect("any key length")
}

fn tag(mut mac: Hmac<Sha256>, body: &[u8]) -> [u8; 32] {
    mac.update(body);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn fixture(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text).unwrap()
    }

    fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
        value.pointer(pointer).and_then(Value::as_str).unwrap()
    }

    #[test]
    fn metas_vectors() {
        let vectors = fixture(include_str!("fixtures/whatsapp.json"));
        let key = secret(text(&vectors, "/secret"));
        let verifier = Verifier::new(Scheme::META, key.clone(), None);
        for vector in vectors["vectors"].as_array().unwrap() {
            let (body, header) = (
                text(vector, "/body"),
                text(vector, "/header/X-Hub-Signature-256"),
            );
            assert_eq!(Scheme::META.sign(&key, body.as_bytes()), header);
            assert_eq!(verifier.verify(Some(header), body.as_bytes()), Ok(()));
        }
    }

    #[test]
    fn a_body_parsed_and_written_again_does_not_verify() {
        let vectors = fixture(include_str!("fixtures/whatsapp.json"));
        let vector = &vectors["vectors"][1];
        let (body, header) = (
            text(vector, "/body"),
            text(vector, "/header/X-Hub-Signature-256"),
        );
        let verifier = Verifier::new(Scheme::META, secret(text(&vectors, "/secret")), None);
        let rewritten = serde_json::from_str::<Value>(body).unwrap().to_string();
        assert_ne!(rewritten, body, "the vector has escapes to lose");
        assert_eq!(
            verifier.verify(Some(header), rewritten.as_bytes()),
            Err(Refusal::Mismatch)
        );
        let wrong = text(vector, "/wrongIfReserialised");
        assert_eq!(
            verifier.verify(Some(wrong), body.as_bytes()),
            Err(Refusal::Mismatch)
        );
    }

    #[test]
    fn genesys_writes_base64_and_only_that() {
        let vector = fixture(include_str!("fixtures/genesys.json"));
        let key = secret(text(&vector, "/secret"));
        let (body, header) = (
            text(&vector, "/body"),
            text(&vector, "/header/X-Hub-Signature-256"),
        );
        let genesys = Verifier::new(Scheme::GENESYS, key.clone(), None);
        assert_eq!(Scheme::GENESYS.sign(&key, body.as_bytes()), header);
        assert_eq!(genesys.verify(Some(header), body.as_bytes()), Ok(()));
        let hex = text(&vector, "/hexVariantNotDocumented");
        assert_eq!(
            genesys.verify(Some(hex), body.as_bytes()),
            Err(Refusal::Malformed)
        );
        let meta = Verifier::new(Scheme::META, key, None);
        assert_eq!(
            meta.verify(Some(hex), body.as_bytes()),
            Ok(()),
            "the same tag, Meta's way"
        );
        assert_eq!(
            meta.verify(Some(header), body.as_bytes()),
            Err(Refusal::Malformed)
        );
    }

    #[test]
    fn what_is_not_written_right_is_refused() {
        let good = Scheme::META.sign(&secret("s"), b"body");
        let verifier = Verifier::new(Scheme::META, secret("s"), None);
        for (name, value, expected) in [
            ("as signed", Some(good.clone()), Ok(())),
            ("no header", None, Err(Refusal::Missing)),
            ("empty", Some(String::new()), Err(Refusal::Malformed)),
            (
                "prefix alone",
                Some("sha256=".to_owned()),
                Err(Refusal::Malformed),
            ),
            (
                "no prefix",
                Some(good.replace("sha256=", "")),
                Err(Refusal::Malformed),
            ),
            (
                "old prefix",
                Some(good.replace("sha256=", "sha1=")),
                Err(Refusal::Malformed),
            ),
            (
                "upper case",
                Some(good.to_uppercase().replace("SHA", "sha")),
                Err(Refusal::Malformed),
            ),
            (
                "cut short",
                Some(good[..good.len() - 2].to_owned()),
                Err(Refusal::Malformed),
            ),
            (
                "too long",
                Some(format!("{good}00")),
                Err(Refusal::Malformed),
            ),
            (
                "blank before",
                Some(format!(" {good}")),
                Err(Refusal::Malformed),
            ),
            (
                "all zero",
                Some(format!("sha256={}", "0".repeat(64))),
                Err(Refusal::Mismatch),
            ),
        ] {
            assert_eq!(
                verifier.verify(value.as_deref(), b"body"),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn a_secret_can_be_changed_without_a_gap() {
        let both = Verifier::new(Scheme::META, secret("new"), Some(secret("old")));
        for (key, expected) in [
            ("new", Ok(())),
            ("old", Ok(())),
            ("older", Err(Refusal::Mismatch)),
        ] {
            let value = Scheme::META.sign(&secret(key), b"body");
            assert_eq!(both.verify(Some(&value), b"body"), expected, "{key}");
        }
        assert!(!format!("{both:?}").contains("new"), "secrets do not show");
    }

    proptest! {
        #[test]
        fn any_flipped_bit_is_noticed(
            body in prop::collection::vec(any::<u8>(), 1..200), at in any::<prop::sample::Index>(), bit in 0_u32..8,
        ) {
            for scheme in [Scheme::META, Scheme::GENESYS, Scheme::GENESYS_EVENTS] {
                let value = scheme.sign(&secret("s"), &body);
                let verifier = Verifier::new(scheme, secret("s"), None);
                prop_assert_eq!(verifier.verify(Some(&value), &body), Ok(()));
                let mut other = body.clone();
                other[at.index(body.len())] ^= 1 << bit;
                prop_assert_eq!(verifier.verify(Some(&value), &other), Err(Refusal::Mismatch));
            }
        }
    }
}
