//! KMS: symmetric keys that encrypt small things and wrap data keys, with the encryption context really bound.
//!
//! A ciphertext is AES-256-GCM under a key that never leaves the engine; the encryption context is its associated data, so
//! a ciphertext opened under another context fails exactly as on AWS. With a data directory the keys live in a file only
//! the owner may read. Implements `CreateKey`, `DescribeKey`, `CreateAlias`, `Encrypt`, `Decrypt`, `GenerateDataKey` and
//! its form without plaintext. <https://docs.aws.amazon.com/kms/latest/APIReference/>, checked 2026-11-20.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use async_trait::async_trait;
use data_encoding::BASE64;
use http::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::arn::{ACCOUNT, fresh_uuid, local_part, regional};
use super::files;
use super::front::Body;
use super::json::{Failure, JsonRequest, JsonService, read, respond};
use super::observe::AwsCall;

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
/// The first byte of every ciphertext, so that another engine's is recognised as foreign.
const FORMAT: u8 = 0xa7;
const KEY_ID_BYTES: usize = 36;
const NONCE_BYTES: usize = 12;

/// The service behind the front.
pub(super) struct Kms {
    state: Mutex<State>,
    file: Option<PathBuf>,
}

#[derive(Default, Serialize, Deserialize)]
struct State {
    keys: BTreeMap<String, Key>,
    /// Alias (`alias/name`) to key id.
    aliases: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct Key {
    /// Base64 of 32 random bytes.
    material: String,
    description: String,
    created_at: f64,
}

/// The fields of all operations here, each optional until an operation asks for it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Input {
    key_id: Option<String>,
    description: Option<String>,
    alias_name: Option<String>,
    target_key_id: Option<String>,
    plaintext: Option<String>,
    ciphertext_blob: Option<String>,
    encryption_context: BTreeMap<String, String>,
    key_spec: Option<String>,
    number_of_bytes: Option<usize>,
}

impl Kms {
    /// Reads the kept keys back, if there are any.
    pub(super) fn start(file: Option<PathBuf>) -> anyhow::Result<Self> {
        let kept = file.as_deref().map(files::read_json).transpose()?.flatten();
        Ok(Self {
            state: Mutex::new(kept.unwrap_or_default()),
            file,
        })
    }

    fn carry_out(&self, operation: &str, input: Input) -> Result<Value, Failure> {
        match operation {
            "CreateKey" => self.create_key(input),
            "CreateAlias" => self.create_alias(input),
            "DescribeKey" => {
                let state = self.lock();
                let id = state.resolve(input.key_id.as_deref())?;
                Ok(json!({"KeyMetadata": state.metadata(&id)}))
            }
            "Encrypt" => self.encrypt(&input),
            "Decrypt" => self.decrypt(&input),
            "GenerateDataKey" => self.generate_data_key(&input),
            "GenerateDataKeyWithoutPlaintext" => {
                let mut answer = self.generate_data_key(&input)?;
                answer
                    .as_object_mut()
                    .and_then(|fields| fields.remove("Plaintext"));
                Ok(answer)
            }
            _ => Err(Failure::new(
                "UnsupportedOperationException",
                format!("{operation} is not supported by the local keys"),
            )),
        }
    }

    fn create_key(&self, input: Input) -> Result<Value, Failure> {
        let mut state = self.lock();
        let id = fresh_uuid();
        let created_at = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs_f64();
        let material = BASE64.encode(&rand::random::<[u8; 32]>());
        state.keys.insert(
            id.clone(),
            Key {
                material,
                description: input.description.unwrap_or_default(),
                created_at,
            },
        );
        self.keep(&state)?;
        Ok(json!({"KeyMetadata": state.metadata(&id)}))
    }

    fn create_alias(&self, input: Input) -> Result<Value, Failure> {
        let name = input
            .alias_name
            .filter(|name| name.starts_with("alias/"))
            .ok_or_else(|| invalid("Alias must start with alias/"))?;
        let mut state = self.lock();
        let id = state.resolve(input.target_key_id.as_deref())?;
        if state.aliases.contains_key(&name) {
            return Err(Failure::new(
                "AlreadyExistsException",
                format!("An alias with the name {name} already exists"),
            ));
        }
        state.aliases.insert(name, id);
        self.keep(&state)?;
        Ok(json!({}))
    }

    fn encrypt(&self, input: &Input) -> Result<Value, Failure> {
        let plaintext = decoded(input.plaintext.as_deref(), "plaintext")?;
        if plaintext.is_empty() || plaintext.len() > 4096 {
            return Err(invalid(
                "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length between 1 and 4096",
            ));
        }
        let state = self.lock();
        let id = state.resolve(input.key_id.as_deref())?;
        let blob = state.seal(&id, &plaintext, &input.encryption_context)?;
        Ok(
            json!({"CiphertextBlob": BASE64.encode(&blob), "KeyId": arn(&id), "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}),
        )
    }

    fn decrypt(&self, input: &Input) -> Result<Value, Failure> {
        let blob = decoded(input.ciphertext_blob.as_deref(), "ciphertextBlob")?;
        let state = self.lock();
        let sealed_by = key_of(&blob).ok_or_else(unopenable)?;
        if let Some(named) = input.key_id.as_deref() {
            if state.resolve(Some(named))? != sealed_by {
                let message = "The key ID in the request does not identify a CMK that can perform this operation.";
                return Err(Failure::new("IncorrectKeyException", message));
            }
        }
        let plaintext = state.open(sealed_by, &blob, &input.encryption_context)?;
        Ok(
            json!({"Plaintext": BASE64.encode(&plaintext), "KeyId": arn(sealed_by), "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}),
        )
    }

    fn generate_data_key(&self, input: &Input) -> Result<Value, Failure> {
        let bytes = match (input.key_spec.as_deref(), input.number_of_bytes) {
            (Some("AES_256"), None) => 32,
            (Some("AES_128"), None) => 16,
            (None, Some(bytes)) if (1..=1024).contains(&bytes) => bytes,
            _ => {
                return Err(invalid(
                    "Please specify either number of bytes or key spec.",
                ));
            }
        };
        let plaintext: Vec<u8> = (0..bytes).map(|_| rand::random()).collect();
        let state = self.lock();
        let id = state.resolve(input.key_id.as_deref())?;
        let blob = state.seal(&id, &plaintext, &input.encryption_context)?;
        Ok(
            json!({"CiphertextBlob": BASE64.encode(&blob), "Plaintext": BASE64.encode(&plaintext), "KeyId": arn(&id)}),
        )
    }

    fn keep(&self, state: &State) -> Result<(), Failure> {
        self.file
            .as_deref()
            .map_or(Ok(()), |file| files::write_json(file, state))
            .map_err(Failure::internal)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The key id behind an id, an ARN or an alias.
    fn resolve(&self, named: Option<&str>) -> Result<String, Failure> {
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

    fn metadata(&self, id: &str) -> Value {
        let key = self.keys.get(id);
        json!({
            "KeyId": id, "Arn": arn(id), "AWSAccountId": ACCOUNT, "Enabled": true, "KeyState": "Enabled", "KeyManager": "CUSTOMER",
            "KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": "SYMMETRIC_DEFAULT", "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
            "Origin": "AWS_KMS", "MultiRegion": false,
            "Description": key.map_or("", |key| &key.description), "CreationDate": key.map_or(0.0, |key| key.created_at),
        })
    }

    fn cipher(&self, id: &str) -> Result<Aes256Gcm, Failure> {
        let key = self.keys.get(id).ok_or_else(unopenable)?;
        let material = BASE64
            .decode(key.material.as_bytes())
            .map_err(Failure::internal)?;
        Aes256Gcm::new_from_slice(&material).map_err(Failure::internal)
    }

    fn seal(
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

    fn open(
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
fn key_of(blob: &[u8]) -> Option<&str> {
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

fn arn(id: &str) -> String {
    regional("kms", &format!("key/{id}"))
}

fn invalid(message: &str) -> Failure {
    Failure::new("ValidationException", message)
}

/// AWS says nothing more, whatever the reason.
fn unopenable() -> Failure {
    Failure::new("InvalidCiphertextException", "")
}

fn decoded(base64: Option<&str>, field: &str) -> Result<Vec<u8>, Failure> {
    base64
        .and_then(|text| BASE64.decode(text.as_bytes()).ok())
        .ok_or_else(|| invalid(&format!("'{field}' must be base64")))
}

#[async_trait]
impl JsonService for Kms {
    fn calls(&self, principal: &str, operation: &str, input: &Value) -> Vec<AwsCall> {
        let named = input["KeyId"]
            .as_str()
            .or_else(|| input["TargetKeyId"].as_str());
        let blob = input["CiphertextBlob"]
            .as_str()
            .and_then(|text| BASE64.decode(text.as_bytes()).ok())
            .unwrap_or_default();
        let id = match named {
            Some(named) => self
                .lock()
                .resolve(Some(named))
                .unwrap_or_else(|_| named.to_owned()),
            None => key_of(&blob).unwrap_or("*").to_owned(),
        };
        let resource = if id.starts_with("arn:") { id } else { arn(&id) };
        vec![AwsCall {
            principal: principal.to_owned(),
            action: format!("kms:{operation}"),
            operation: operation.to_owned(),
            resource,
        }]
    }

    async fn answer(&self, request: JsonRequest) -> Response<Body> {
        respond(
            CONTENT_TYPE,
            read(request.input).and_then(|input| self.carry_out(&request.operation, input)),
        )
    }

    fn failure(&self, failure: &Failure) -> Response<Body> {
        respond(CONTENT_TYPE, Err(failure.clone()))
    }
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
        let kms = Kms::start(None).unwrap();
        let created = kms.create_key(Input::default()).unwrap();
        let id = created["KeyMetadata"]["KeyId"].as_str().unwrap();
        let sealed = kms.lock().seal(id, b"secret", &BTreeMap::new()).unwrap();
        assert_eq!(key_of(&sealed), Some(id));
        assert_eq!(key_of(b"something else"), None);
        assert_eq!(key_of(&sealed[..20]), None);
    }
}
