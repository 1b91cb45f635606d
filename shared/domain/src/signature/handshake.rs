//! Meta's subscription handshake: `GET …?hub.mode=subscribe&hub.verify_token=…&hub.challenge=…`, answered with the bare
//! challenge if the token is the one we chose, else with 403.
//!
//! The challenge is echoed to whoever knows the token, so it is kept to what Meta sends, a plain number or word: an
//! endpoint of ours must not be a mirror for markup. A parameter given twice is refused rather than one of them chosen.
//!
//! Source: developers.facebook.com "Webhooks, getting started" (verification requests).

use std::borrow::Cow;

use thiserror::Error;
use url::form_urlencoded;

use super::secret::Secret;

/// The longest challenge that is echoed, in characters. Meta's has about ten.
pub const LONGEST_CHALLENGE: usize = 256;

/// The body to answer with, as `text/plain` and status 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge(String);

/// Why the handshake fails. All are answered 403.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HandshakeRefusal {
    /// A parameter is missing, given twice or not of its form.
    #[error("not a subscription handshake")]
    Malformed,
    /// The token is not ours.
    #[error("the verify token does not match")]
    Token,
}

impl Challenge {
    /// Answers a handshake: the challenge of the raw query string `query` (still percent-encoded, without `?`), if it
    /// carries `token`.
    ///
    /// # Errors
    /// [`HandshakeRefusal`].
    pub fn answer(query: &str, token: &Secret) -> Result<Self, HandshakeRefusal> {
        let mode = only(query, "hub.mode")?;
        let claimed = only(query, "hub.verify_token")?;
        let challenge = only(query, "hub.challenge")?;
        if mode != "subscribe" || !is_plain(&challenge) {
            return Err(HandshakeRefusal::Malformed);
        }
        if !token.matches(claimed.as_bytes()) {
            return Err(HandshakeRefusal::Token);
        }
        Ok(Self(challenge.into_owned()))
    }

    /// The bare challenge.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn only<'a>(query: &'a str, name: &str) -> Result<Cow<'a, str>, HandshakeRefusal> {
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
    match (values.next(), values.next()) {
        (Some((_, value)), None) => Ok(value),
        _ => Err(HandshakeRefusal::Malformed),
    }
}

fn is_plain(challenge: &str) -> bool {
    (1..=LONGEST_CHALLENGE).contains(&challenge.len())
        && challenge
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_token_gets_its_challenge_back() {
        use HandshakeRefusal::{Malformed, Token};
        let long = format!(
            "hub.mode=subscribe&hub.verify_token=me%20%26%20you&hub.challenge={}",
            "1".repeat(257)
        );
        for (name, query, expected) in [
            (
                "as Meta sends it",
                "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=me%20%26%20you",
                Ok("1158201444"),
            ),
            (
                "plus for blank, and more parameters",
                "a=b&hub.verify_token=me+%26+you&hub.mode=subscribe&hub.challenge=x-1",
                Ok("x-1"),
            ),
            (
                "wrong token",
                "hub.mode=subscribe&hub.challenge=1&hub.verify_token=me",
                Err(Token),
            ),
            (
                "empty token",
                "hub.mode=subscribe&hub.challenge=1&hub.verify_token=",
                Err(Token),
            ),
            (
                "no token",
                "hub.mode=subscribe&hub.challenge=1",
                Err(Malformed),
            ),
            (
                "no challenge",
                "hub.mode=subscribe&hub.verify_token=me+%26+you",
                Err(Malformed),
            ),
            (
                "empty challenge",
                "hub.mode=subscribe&hub.verify_token=me+%26+you&hub.challenge=",
                Err(Malformed),
            ),
            (
                "other mode",
                "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=me+%26+you",
                Err(Malformed),
            ),
            ("nothing", "", Err(Malformed)),
            (
                "token twice",
                "hub.mode=subscribe&hub.challenge=1&hub.verify_token=me+%26+you&hub.verify_token=x",
                Err(Malformed),
            ),
            (
                "markup",
                "hub.mode=subscribe&hub.challenge=%3Cscript%3E&hub.verify_token=me+%26+you",
                Err(Malformed),
            ),
            ("a long challenge", long.as_str(), Err(Malformed)),
        ] {
            let answer = Challenge::answer(query, &Secret::new("me & you").unwrap());
            assert_eq!(
                answer.as_ref().map(Challenge::as_str),
                expected.as_ref().copied(),
                "{name}"
            );
        }
    }
}
