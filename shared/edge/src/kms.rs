//! The vault: envelope encryption under a KMS key.
//!
//! Each process asks KMS for one data key per purpose (`GenerateDataKey`, encryption context `{purpose}`, which the
//! functions' grants are bound to) and seals with AES-256-GCM under it; purpose and subject are bound as additional
//! data, so that one row's secret cannot be put into another's. Whoever opens asks KMS once for each data key it
//! meets (`Decrypt`, same context) and keeps it for the life of the process.
//!
//! Sealed text is base64 of: version (1 byte, 1) ‖ length of the wrapped key (2 bytes, big-endian) ‖ wrapped key ‖
//! nonce (12 bytes) ‖ ciphertext and tag.

use std::cell::RefCell;
use std::collections::HashMap;

use aes_gcm::aead::{Aead, Nonce, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use async_trait::async_trait;
use attache_domain::signature::Secret;
use attache_flow::ports::{Answer, Outage, Vault};
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
use data_encoding::BASE64;
use rand::Rng;

use crate::outage::outage;

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;

/// So many data keys are kept for opening; then all are forgotten, and asked for again as they are met.
const KEPT_KEYS: usize = 256;

/// A data key: in the clear for use, and wrapped as it travels with what it sealed.
#[derive(Clone)]
struct DataKey {
    cipher: Aes256Gcm,
    wrapped: Vec<u8>,
}

/// The vault over one KMS key.
pub struct KmsVault {
    client: Client,
    key_id: String,
    /// The data key this process seals with, by purpose.
    sealing: RefCell<HashMap<String, DataKey>>,
    /// Data keys met, by purpose and wrapped form.
    opened: RefCell<HashMap<(String, Vec<u8>), Aes256Gcm>>,
}

/// Why a sealed text does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Unopened {
    #[error("not base64")]
    Base64,
    #[error("not of a known version")]
    Version,
    #[error("too short")]
    Short,
    #[error("sealed under another context, or damaged")]
    Context,
    #[error("a data key is 32 bytes")]
    Key,
    #[error("too large to be sealed")]
    TooLarge,
}

impl KmsVault {
    /// Over this key (its id or ARN).
    #[must_use]
    pub fn new(client: Client, key_id: impl Into<String>) -> Self {
        Self {
            client,
            key_id: key_id.into(),
            sealing: RefCell::default(),
            opened: RefCell::default(),
        }
    }

    /// The key to seal with; asked for once for each purpose.
    async fn sealing_key(&self, purpose: &str) -> Answer<DataKey> {
        if let Some(key) = self.sealing.borrow().get(purpose) {
            return Ok(key.clone());
        }
        let doing = || format!("asking for a data key for {purpose}");
        let made = self.client.generate_data_key().key_id(&self.key_id);
        let made = made
            .key_spec(DataKeySpec::Aes256)
            .encryption_context("purpose", purpose)
            .send()
            .await
            .map_err(|e| outage(doing(), e))?;
        let (Some(plain), Some(wrapped)) = (made.plaintext, made.ciphertext_blob) else {
            return Err(Outage::new(doing(), "no key in the answer"));
        };
        let key = DataKey {
            cipher: cipher(&plain).map_err(|e| Outage::new(doing(), e))?,
            wrapped: wrapped.into_inner(),
        };
        self.sealing
            .borrow_mut()
            .insert(purpose.to_owned(), key.clone());
        Ok(key)
    }

    /// The key that was wrapped so; asked for once.
    async fn opening_key(&self, purpose: &str, wrapped: &[u8]) -> Answer<Aes256Gcm> {
        let name = (purpose.to_owned(), wrapped.to_vec());
        if let Some(cipher) = self.opened.borrow().get(&name) {
            return Ok(cipher.clone());
        }
        let doing = || format!("unwrapping a data key for {purpose}");
        let unwrapped = self.client.decrypt().key_id(&self.key_id);
        let unwrapped = unwrapped
            .ciphertext_blob(Blob::new(wrapped))
            .encryption_context("purpose", purpose)
            .send()
            .await
            .map_err(|e| outage(doing(), e))?;
        let plain = unwrapped
            .plaintext
            .ok_or_else(|| Outage::new(doing(), "no key in the answer"))?;
        let cipher = cipher(&plain).map_err(|e| Outage::new(doing(), e))?;
        let mut opened = self.opened.borrow_mut();
        if opened.len() >= KEPT_KEYS {
            opened.clear();
        }
        opened.insert(name, cipher.clone());
        Ok(cipher)
    }
}

fn cipher(key: &Blob) -> Result<Aes256Gcm, Unopened> {
    Aes256Gcm::new_from_slice(key.as_ref()).map_err(|_| Unopened::Key)
}

/// Purpose and subject as additional data: each with its length, so that no two pairs give one input.
fn bound(purpose: &str, subject: &str) -> Vec<u8> {
    let part = |text: &str| [&(text.len() as u64).to_be_bytes(), text.as_bytes()].concat();
    [part(purpose), part(subject)].concat()
}

fn seal(
    key: &DataKey,
    nonce: [u8; NONCE_BYTES],
    context: &[u8],
    secret: &[u8],
) -> Result<String, Unopened> {
    let length = u16::try_from(key.wrapped.len()).map_err(|_| Unopened::TooLarge)?;
    let payload = Payload {
        msg: secret,
        aad: context,
    };
    let sealed = key
        .cipher
        .encrypt(&Nonce::<Aes256Gcm>::from(nonce), payload);
    let sealed = sealed.map_err(|_| Unopened::TooLarge)?;
    let whole = [
        &[VERSION][..],
        &length.to_be_bytes(),
        &key.wrapped,
        &nonce,
        &sealed,
    ]
    .concat();
    Ok(BASE64.encode(&whole))
}

/// A sealed text taken apart.
struct Envelope {
    wrapped: Vec<u8>,
    nonce: [u8; NONCE_BYTES],
    sealed: Vec<u8>,
}

fn parse(text: &str) -> Result<Envelope, Unopened> {
    let whole = BASE64
        .decode(text.as_bytes())
        .map_err(|_| Unopened::Base64)?;
    let (version, rest) = whole.split_first().ok_or(Unopened::Short)?;
    if *version != VERSION {
        return Err(Unopened::Version);
    }
    let (length, rest) = rest.split_first_chunk().ok_or(Unopened::Short)?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (wrapped, rest) = rest.split_at_checked(length).ok_or(Unopened::Short)?;
    let (nonce, sealed) = rest.split_first_chunk().ok_or(Unopened::Short)?;
    Ok(Envelope {
        wrapped: wrapped.to_vec(),
        nonce: *nonce,
        sealed: sealed.to_vec(),
    })
}

fn open(cipher: &Aes256Gcm, envelope: &Envelope, context: &[u8]) -> Result<Secret, Unopened> {
    let payload = Payload {
        msg: &envelope.sealed,
        aad: context,
    };
    let opened = cipher.decrypt(&Nonce::<Aes256Gcm>::from(envelope.nonce), payload);
    Secret::new(opened.map_err(|_| Unopened::Context)?).map_err(|_| Unopened::Short)
}

#[async_trait(?Send)]
impl Vault for KmsVault {
    async fn seal(&self, purpose: &str, subject: &str, secret: &Secret) -> Answer<String> {
        let key = self.sealing_key(purpose).await?;
        let mut nonce = [0; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        seal(&key, nonce, &bound(purpose, subject), secret.expose())
            .map_err(|e| Outage::new(format!("sealing for {purpose} {subject}"), e))
    }

    async fn open(&self, purpose: &str, subject: &str, sealed: &str) -> Answer<Secret> {
        let doing = || format!("opening what is sealed for {purpose} {subject}");
        let envelope = parse(sealed).map_err(|e| Outage::new(doing(), e))?;
        let cipher = self.opening_key(purpose, &envelope.wrapped).await?;
        open(&cipher, &envelope, &bound(purpose, subject)).map_err(|e| Outage::new(doing(), e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> DataKey {
        DataKey {
            cipher: cipher(&Blob::new([7; 32])).unwrap(),
            wrapped: vec![1, 2, 3],
        }
    }

    #[test]
    fn the_format_is_pinned() {
        // A change here would make every stored token unreadable: it must be a decision, not an accident.
        let text = seal(
            &key(),
            [9; 12],
            &bound("token", "genesys/messages"),
            b"tops3cret",
        )
        .unwrap();
        assert!(text.starts_with("AQADAQIDCQkJCQkJCQkJCQkJ"), "{text}");
        let envelope = parse(&text).unwrap();
        assert_eq!(
            (envelope.wrapped.as_slice(), envelope.nonce),
            (&[1, 2, 3][..], [9; 12])
        );
        let opened = open(
            &key().cipher,
            &envelope,
            &bound("token", "genesys/messages"),
        )
        .unwrap();
        assert_eq!(opened.expose(), b"tops3cret");
    }

    #[test]
    fn another_context_does_not_open() {
        let text = seal(&key(), [9; 12], &bound("token", "a/b"), b"tops3cret").unwrap();
        let envelope = parse(&text).unwrap();
        for (purpose, subject) in [
            ("token", "a/c"),
            ("link", "a/b"),
            ("tokena", "/b"),
            ("token", ""),
        ] {
            let opened = open(&key().cipher, &envelope, &bound(purpose, subject));
            assert_eq!(opened.err(), Some(Unopened::Context), "{purpose} {subject}");
        }
    }

    #[test]
    fn damage_does_not_open() {
        let context = bound("token", "a/b");
        let text = seal(&key(), [9; 12], &context, b"tops3cret").unwrap();
        let whole = BASE64.decode(text.as_bytes()).unwrap();
        // Behind version, length and wrapped key.
        for position in 6..whole.len() {
            let mut damaged = whole.clone();
            damaged[position] ^= 1;
            let envelope = parse(&BASE64.encode(&damaged)).unwrap();
            let opened = open(&key().cipher, &envelope, &context);
            assert_eq!(opened.err(), Some(Unopened::Context), "byte {position}");
        }
    }

    #[test]
    fn strangers_are_told_apart() {
        let cut = |bytes: &[u8]| BASE64.encode(bytes);
        for (text, expected) in [
            ("?", Unopened::Base64),
            ("", Unopened::Short),
            (&cut(&[2, 0, 0]), Unopened::Version),
            (&cut(&[1, 0]), Unopened::Short),
            (&cut(&[1, 0, 9, 1]), Unopened::Short),
            (&cut(&[1, 0, 1, 1, 0]), Unopened::Short),
        ] {
            assert_eq!(parse(text).err(), Some(expected), "{text:?}");
        }
    }
}
