//! Proof that a webhook comes from whom it says: HMAC-SHA256 over the raw body, and Meta's subscription handshake.
//!
//! | module | holds |
//! |---|---|
//! | [`secret`] | a value that never shows itself |
//! | [`verifier`] | signing and checking a body |
//! | [`handshake`] | the `GET` by which Meta makes sure that an endpoint is ours |
//! | [`issued`] | tokens of ours, for a platform that signs nothing |
//!
//! Meta and Genesys use the same header, `X-Hub-Signature-256: sha256=…`, with different encodings: Meta writes lower-case hex
//! (64 characters), Genesys base64 (44). Each verifier reads its own and nothing else. No signature covers a time, so
//! none of them protects against replay: whoever accepts a webhook must recognise it when it comes again.

pub mod handshake;
pub mod issued;
pub mod secret;
pub mod verifier;

pub use issued::{Denied, Issuer, Scope as IssuedScope};
pub use secret::Secret;
pub use verifier::{Encoding, Refusal, Scheme, Verifier};
