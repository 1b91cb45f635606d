//! Tokens that we issue to a platform which signs nothing: it shows its client secret once, and bears a token from then on.
//!
//! Nothing is kept of them. A token says until when it holds and for which address of the business, and carries an HMAC-SHA256 of that
//! and of its endpoint under the endpoint's own secret: `<end>.<address>.<tag>`, the latter two in base64url. So it can be checked
//! without asking anybody, another endpoint's fits nowhere else, and a changed secret ends what was issued under it.
//!
//! The client is named after its endpoint: `<endpoint>` for all addresses that lead there, `<endpoint>/<address>` for one alone.
//!
//! Source: RFC 6749 §4.4 and §5; RFC 6750 §2.1.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};
use thiserror::Error;
use url::form_urlencoded;

use super::secret::Secret;
use super::verifier::{Refusal, keyed};
use crate::ids::EndpointId;
use crate::time::Timestamp;

/// How long a token holds.
pub const LIFE: Duration = Duration::from_secs(3600);

/// Issues tokens for one endpoint and checks them, under one or two secrets.
#[derive(Clone, Debug)]
pub struct Issuer {
    endpoint: EndpointId,
    secrets: Vec<Secret>,
}

/// What a good token lets its bearer do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The only address of the business it may speak for; `None`: every one of its endpoint.
    pub address: Option<String>,
}

impl Scope {
    /// Whether it covers this address.
    #[must_use]
    pub fn covers(&self, address: &str) -> bool {
        self.address.as_deref().is_none_or(|own| own == address)
    }
}

/// Why no token is issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Denied {
    /// Neither JSON nor a form with what is needed.
    #[error("expected grant_type, client_id and client_secret, as JSON or as a form")]
    Unreadable,
    /// Another grant.
    #[error("expected grant_type client_credentials")]
    Grant,
    /// The client is not known, or its secret is wrong: which of them is not told.
    #[error("client_id or client_secret is wrong")]
    Client,
}

impl Denied {
    /// HTTP status and body (RFC 6749 §5.2).
    #[must_use]
    pub fn answer(self) -> (u16, String) {
        let (status, error) = match self {
            Self::Unreadable => (400, "invalid_request"),
            Self::Grant => (400, "unsupported_grant_type"),
            Self::Client => (401, "invalid_client"),
        };
        let body = json!({ "error": error, "error_description": self.to_string() });
        (status, body.to_string())
    }
}

impl Issuer {
    /// One that takes `current` for the client's secret, or `previous` while it is being changed.
    #[must_use]
    pub fn new(endpoint: EndpointId, current: Secret, previous: Option<Secret>) -> Self {
        let secrets = std::iter::once(current).chain(previous).collect();
        Self { endpoint, secrets }
    }

    /// Answers a token request: the body of the answer.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn grant(&self, body: &[u8], now: Timestamp) -> Result<String, Denied> {
        let [grant, id, secret] = fields(body).ok_or(Denied::Unreadable)?;
        if grant != "client_credentials" {
            return Err(Denied::Grant);
        }
        let address = self.address_of(&id);
        // Both are compared, whichever fits.
        let mut known = None;
        for own in &self.secrets {
            if own.matches(secret.as_bytes()) {
                known = Some(own);
            }
        }
        let (Some(address), Some(known)) = (address, known) else {
            return Err(Denied::Client);
        };
        let end = (now + LIFE).as_millis() / 1000;
        let tag = BASE64URL_NOPAD.encode(&self.tag(known, end, address));
        let token = format!("{end}.{}.{tag}", BASE64URL_NOPAD.encode(address.as_bytes()));
        let answer =
            json!({ "access_token": token, "token_type": "Bearer", "expires_in": LIFE.as_secs() });
        Ok(answer.to_string())
    }

    /// The address a client may speak for; empty for all.
    fn address_of<'a>(&self, client: &'a str) -> Option<&'a str> {
        match client.strip_prefix(self.endpoint.as_str())? {
            "" => Some(""),
            rest => rest.strip_prefix('/').filter(|address| !address.is_empty()),
        }
    }

    /// Checks the value of the header `Authorization`.
    ///
    /// # Errors
    /// [`Refusal`]; nothing of the request may be trusted, or even parsed, then.
    pub fn check(&self, authorization: Option<&str>, now: Timestamp) -> Result<Scope, Refusal> {
        let value = authorization.ok_or(Refusal::Missing)?;
        let (end, address, claimed) = read(value).ok_or(Refusal::Malformed)?;
        let mut matched = Choice::from(0);
        for secret in &self.secrets {
            matched |= self.tag(secret, end, &address).ct_eq(&claimed);
        }
        if !bool::from(matched) {
            return Err(Refusal::Mismatch);
        }
        if now.as_millis() / 1000 >= end {
            return Err(Refusal::Expired);
        }
        let address = Some(address).filter(|address| !address.is_empty());
        Ok(Scope { address })
    }

    fn tag(&self, secret: &Secret, end: u64, address: &str) -> [u8; 32] {
        let mut mac: Hmac<Sha256> = keyed(secret);
        let endpoint = self.endpoint.as_str();
        // No name of an endpoint has a line end in it; the address comes last.
        mac.update(format!("attache issued token 1\n{endpoint}\n{end}\n{address}").as_bytes());
        mac.finalize().into_bytes().into()
    }
}

fn read(value: &str) -> Option<(u64, String, [u8; 32])> {
    let (scheme, token) = value.split_once(' ')?;
    let mut pieces = token.trim().split('.');
    let (end, address, tag) = (pieces.next()?, pieces.next()?, pieces.next()?);
    let decode = |piece: &str| BASE64URL_NOPAD.decode(piece.as_bytes()).ok();
    let whole = pieces.next().is_none() && scheme.eq_ignore_ascii_case("bearer");
    let tag = decode(tag)?.try_into().ok()?;
    let address = String::from_utf8(decode(address)?).ok()?;
    whole.then_some((end.parse().ok()?, address, tag))
}

/// Grant, id and secret, out of JSON or a form; none of them twice.
fn fields(body: &[u8]) -> Option<[String; 3]> {
    const NAMES: [&str; 3] = ["grant_type", "client_id", "client_secret"];
    let given: Vec<(String, String)> = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(fields)) => fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
            .collect(),
        Ok(_) => return None,
        Err(_) => form_urlencoded::parse(body).into_owned().collect(),
    };
    let only = |name: &str| {
        let mut values = given.iter().filter(|(key, _)| key == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value.clone()),
            _ => None,
        }
    };
    let [grant, id, secret] = NAMES.map(only);
    Some([grant?, id?, secret?])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn issuer(endpoint: &str, secrets: &[&str]) -> Issuer {
        let mut secrets = secrets.iter().map(|text| Secret::new(*text).unwrap());
        Issuer::new(
            EndpointId::new(endpoint),
            secrets.next().unwrap(),
            secrets.next(),
        )
    }

    fn request(id: &str, secret: &str) -> String {
        json!({"grant_type": "client_credentials", "client_id": id, "client_secret": secret})
            .to_string()
    }

    fn bearer(answer: &str) -> String {
        let answer: Value = serde_json::from_str(answer).unwrap();
        assert_eq!(
            (&answer["token_type"], &answer["expires_in"]),
            (&json!("Bearer"), &json!(3600))
        );
        format!("Bearer {}", answer["access_token"].as_str().unwrap())
    }

    #[test]
    fn a_token_is_issued_for_json_and_forms_and_to_nobody_else() {
        let ours = issuer("cxone", &["s3cret=&"]);
        let form = "grant_type=client_credentials&client_id=cxone&client_secret=s3cret%3D%26";
        for (name, body, expected) in [
            ("JSON", request("cxone", "s3cret=&"), Ok(())),
            ("a form", form.to_owned(), Ok(())),
            ("one channel", request("cxone/byoc_1", "s3cret=&"), Ok(())),
            (
                "wrong secret",
                request("cxone", "s3cret"),
                Err(Denied::Client),
            ),
            ("no secret", request("cxone", ""), Err(Denied::Client)),
            (
                "other client",
                request("cxone2", "s3cret=&"),
                Err(Denied::Client),
            ),
            (
                "no channel",
                request("cxone/", "s3cret=&"),
                Err(Denied::Client),
            ),
            (
                "other grant",
                form.replace("client_credentials", "password"),
                Err(Denied::Grant),
            ),
            (
                "twice",
                format!("{form}&client_id=x"),
                Err(Denied::Unreadable),
            ),
            ("nothing", String::new(), Err(Denied::Unreadable)),
            ("a list", "[]".to_owned(), Err(Denied::Unreadable)),
        ] {
            assert_eq!(
                ours.grant(body.as_bytes(), NOW).map(drop),
                expected,
                "{name}"
            );
        }
        assert_eq!(Denied::Client.answer().0, 401);
        let published = include_bytes!("../platforms/cxone/fixtures/byoc-token-request.json");
        let theirs = issuer(
            "2f52ebe1-45d0-4f36-a9d0-a94c788f53c6",
            &["a2051bd7-462e-4817-a28e-bedfb570d739"],
        );
        assert!(theirs.grant(published, NOW).is_ok());
    }

    #[test]
    fn a_token_holds_for_its_endpoint_its_channel_and_an_hour() {
        let ours = issuer("cxone", &["new", "old"]);
        let all = bearer(&ours.grant(request("cxone", "new").as_bytes(), NOW).unwrap());
        let one = bearer(
            &ours
                .grant(request("cxone/byoc_1", "old").as_bytes(), NOW)
                .unwrap(),
        );
        let later = |seconds| NOW + Duration::from_secs(seconds);
        let scope = ours.check(Some(&one), later(3599)).unwrap();
        assert!(scope.covers("byoc_1") && !scope.covers("byoc_2"));
        assert!(ours.check(Some(&all), NOW).unwrap().covers("byoc_2"));
        let rotated = issuer("cxone", &["newest", "new"]);
        assert!(rotated.check(Some(&all), NOW).is_ok());
        let longer = all.replacen("Bearer 1", "Bearer 2", 1);
        let wider = one.replacen(&format!(".{}.", BASE64URL_NOPAD.encode(b"byoc_1")), "..", 1);
        for (name, value, at, expected) in [
            (
                "an hour later",
                Some(all.as_str()),
                later(3600),
                Refusal::Expired,
            ),
            ("none", None, NOW, Refusal::Missing),
            ("basic", Some("Basic eDp5"), NOW, Refusal::Malformed),
            ("half", Some(&all[..all.len() - 2]), NOW, Refusal::Malformed),
            (
                "a longer life",
                Some(longer.as_str()),
                NOW,
                Refusal::Mismatch,
            ),
            (
                "more channels",
                Some(wider.as_str()),
                NOW,
                Refusal::Mismatch,
            ),
        ] {
            assert_eq!(ours.check(value, at), Err(expected), "{name}");
        }
        for stranger in [issuer("other", &["new", "old"]), issuer("cxone", &["x"])] {
            assert_eq!(stranger.check(Some(&all), NOW), Err(Refusal::Mismatch));
        }
    }
}
