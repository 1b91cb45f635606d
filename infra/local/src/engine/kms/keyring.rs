//! The keys, and what is sealed under them.
//!
//! A ciphertext is: one byte of format, the key's id, the nonce, then AES-256-GCM over the plaintext. Key id and encryption
//! context are its associated data.

use std::collections::BTreeMap;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::arn::{ACCOUNT, local_part, regional};
use super::super::json::Failure;
use super::invalid;

/// The first byte of every ciphertext, so that another engine's is recognised as foreign.
const FORMAT: u8 = 0xa7;
const KEY_ID_BYTES: usize = 36;
const NONCE_BYTES: usize = 12;

/// All keys of the account.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Keyring {
    pub(super) keys: BTreeMap<String, Key>,
    /// Alias (`alias/name`) to key id.
    pub(super) aliases: BTreeMap<String, String>,
}

/// One key.
#[derive(Serialize, Deserialize)]
pub(super) struct Key {
    /// Base64 of 32 random bytes.
    pub(super) material: String,
    pub(super) description: String,
    pub(super) created_at: f64,
}

impl Keyring {
    /// The key id behind an id, an ARN or an alias.
    pub(super) fn resolve(&self, named: Option<&str>) -> Result<String, Failure> {
        let named = named.ok_or_else(|| invalid("1 validation error detected: Value at 'keyId' failed to satisfy constraint: Member must not be null"))?;
        let local = local_part(named);
        let id = self
            .aliases
            .get(local)
            .map_or(local.strip_prefix("key/").unwrap_or(local), String::as_str);
        if self.keys.contains_key(id) {
            return Ok(id.to_owned());
        }
        let what = if local.starts_with("alias/") {
            "Alias"
        } else {
            "Key"
        };
        Err(Failure::new(
            "NotFoundException",
            format!("{what} '{}' does not exist", regional("kms", local)),
        ))
    }

    pub(super) fn metadata(&self, id: &str) -> Value {
        let key = self.keys.get(id);
        json!({
            "KeyId": id, "Arn": arn(id), "AWSAccountId": ACCOUNT, "Enabled": true, "KeyState": "Enabled", "KeyManager": "CUSTOMER",
            "KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": "SYMMETRIC_DEFAULT", "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
            "Origin": "AWS_KMS", "MultiRegion": false,
            "Description": key.map_or("", |key| &key.description), "CreationDate": key.map_or(0.0, |key| key.created_at),
        })
    }

    pub(super) fn cipher(&self, id: &str) -> Result<Aes256Gcm, Failure> {
        let key = self.keys.get(id).ok_or_else(unopenable)?;
        let material = BASE64
            .decode(key.material.as_bytes())
            .map_err(Failure::internal)?;
        Aes256Gcm::new_from_slice(&material).map_err(Failure::internal)
    }

    pub(super) fn seal(
        &self,
        id: &str,
        plaintext: &[u8],
        context: &BTreeMap<String, String>,
    ) -> Result<Vec<u8>, Failure> {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload {
            msg: plaintext,
            aad: &associated(id, context),
        };
        let sealed = self
            .cipher(id)?
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(Failure::internal)?;
        Ok([&[FORMAT][..], id.as_bytes(), &nonce, &sealed].concat())
    }

    pub(super) fn open(
        &self,
        id: &str,
        blob: &[u8],
        context: &BTreeMap<String, String>,
    ) -> Result<Vec<u8>, Failure> {
        let (nonce, sealed) = blob
            .get(1 + KEY_ID_BYTES..)
            .and_then(|rest| rest.split_at_checked(NONCE_BYTES))
            .ok_or_else(unopenable)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| unopenable())?;
        let payload = Payload {
            msg: sealed,
            aad: &associated(id, context),
        };
        self.cipher(id)?
            .decrypt(&Nonce::from(nonce), payload)
            .map_err(|_| unopenable())
    }
}

/// The key id a ciphertext names.
pub(super) fn key_of(blob: &[u8]) -> Option<&str> {
    let (format, rest) = blob.split_first()?;
    (*format == FORMAT)
        .then(|| std::str::from_utf8(rest.get(..KEY_ID_BYTES)?).ok())
        .flatten()
}

/// Key id and encryption context, unambiguously: every text with its length before it.
fn associated(id: &str, context: &BTreeMap<String, String>) -> Vec<u8> {
    std::iter::once(id)
        .chain(
            context
                .iter()
                .flat_map(|(name, value)| [name.as_str(), value.as_str()]),
        )
        .flat_map(|text| [&(text.len() as u64).to_be_bytes()[..], text.as_bytes()].concat())
        .collect()
}

/// The ARN of a key.
pub(super) fn arn(id: &str) -> String {
    regional("kms", &format!("key/{id}"))
}

/// AWS says nothing more, whatever the reason.
pub(super) fn unopenable() -> Failure {
    Failure::new("InvalidCiphertextException", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_that_only_look_alike_are_told_apart() {
        let context = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        let contexts: [BTreeMap<_, _>; 4] = [
            context(&[]),
            context(&[("a", "bc")]),
            context(&[("ab", "c")]),
            context(&[("a", "b"), ("c", "")]),
        ];
        for (i, left) in contexts.iter().enumerate() {
            for (j, right) in contexts.iter().enumerate() {
                assert_eq!(
                    associated("key", left) == associated("key", right),
                    i == j,
                    "{left:?} {right:?}"
                );
            }
        }
    }

    #[test]
    fn a_ciphertext_names_its_key_and_a_foreign_one_does_not() {
        let id = "0d6b2c1e-0000-4000-8000-000000000000";
        let material = BASE64.encode(&[7; 32]);
        let key = Key {
            material,
            description: String::new(),
            created_at: 0.0,
        };
        let mut keyring = Keyring::default();
        keyring.keys.insert(id.to_owned(), key);
        let sealed = keyring.seal(id, b"secret", &BTreeMap::new()).unwrap();
        assert_eq!(key_of(&sealed), Some(id));
        assert_eq!(key_of(b"something else"), None);
        assert_eq!(key_of(&sealed[..20]), None);
    }
}
