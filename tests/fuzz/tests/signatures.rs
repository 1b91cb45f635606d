//! Signatures: only the very text that the platform would have written is accepted, for the very bytes it signed.

use attache_domain::signature::handshake::Challenge;
use attache_domain::signature::{Scheme, Secret, Verifier};
use attache_fuzz::{Edit, edited};

const SCHEMES: [Scheme; 2] = [Scheme::META, Scheme::GENESYS];

fn secret(text: &str) -> Secret {
    Secret::new(text).unwrap_or_else(|error| panic!("{error}"))
}

/// The one that is used, and the one before it.
fn verifier(scheme: &Scheme) -> Verifier {
    let (current, previous) = (secret("the current one"), secret("the previous one"));
    Verifier::new(scheme.clone(), current, Some(previous))
}

#[test]
fn any_header_on_any_body() {
    bolero::check!()
        .with_iterations(20_000)
        .with_type::<(Vec<u8>, Vec<u8>)>()
        .for_each(|(header, body)| {
            let header = String::from_utf8_lossy(header);
            for scheme in &SCHEMES {
                let prefixed = format!("sha256={header}");
                for value in [&*header, prefixed.as_str()] {
                    assert!(
                        verifier(scheme).verify(Some(value), body).is_err(),
                        "{value}"
                    );
                }
            }
        });
}

#[test]
fn edited_signatures_and_bodies() {
    bolero::check!()
        .with_iterations(20_000)
        .with_type::<(Vec<u8>, Vec<Edit>, bool)>()
        .for_each(|(body, edits, previous)| {
            let key = secret(if *previous {
                "the previous one"
            } else {
                "the current one"
            });
            for scheme in &SCHEMES {
                let verifier = verifier(scheme);
                let signature = scheme.sign(&key, body);
                assert_eq!(verifier.verify(Some(&signature), body), Ok(()));
                let other_body = edited(body, edits);
                let accepted = verifier.verify(Some(&signature), &other_body).is_ok();
                assert_eq!(accepted, other_body == *body, "{other_body:?}");
                let other = edited(signature.as_bytes(), edits);
                if let Ok(other) = String::from_utf8(other) {
                    let accepted = verifier.verify(Some(&other), body).is_ok();
                    assert_eq!(accepted, other == signature, "{other}");
                }
            }
        });
}

#[test]
fn edited_handshakes() {
    let query = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=right";
    bolero::check!()
        .with_iterations(20_000)
        .with_type::<Vec<Edit>>()
        .for_each(|edits| {
            let query = String::from_utf8_lossy(&edited(query.as_bytes(), edits)).into_owned();
            if let Ok(challenge) = Challenge::answer(&query, &secret("right")) {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
                assert!(challenge.as_str().bytes().all(plain), "{query}");
                assert!(query.contains("right") || query.contains('%'), "{query}");
            }
        });
}
