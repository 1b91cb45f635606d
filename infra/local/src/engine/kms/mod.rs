//! KMS: symmetric keys that encrypt small things and wrap data keys, with the encryption context really bound.
//!
//! A ciphertext is AES-256-GCM under a key that never leaves the engine; the encryption context is its associated data, so
//! a ciphertext opened under another context fails exactly as on AWS. With a data directory the keys live in a file only
//! the owner may read. Implements `CreateKey`, `DescribeKey`, `CreateAlias`, `Encrypt`, `Decrypt`, `GenerateDataKey` and
//! its form without plaintext. <https://docs.aws.amazon.com/kms/latest/APIReference/>, checked 2026-11-20.

mod keyring;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use data_encoding::BASE64;
use http::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::arn::fresh_uuid;
use super::files;
use super::front::Body;
use super::json::{Failure, JsonRequest, JsonService, read, respond};
use super::observe::AwsCall;
use keyring::{Key, Keyring, arn, key_of, unopenable};

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// The service behind the front.
pub(super) struct Kms {
    state: Mutex<Keyring>,
    file: Option<PathBuf>,
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
        if let Some(named) = input.key_id.as_deref()
            && state.resolve(Some(named))? != sealed_by
        {
            let message = "The key ID in the request does not identify a CMK that can perform this operation.";
            return Err(Failure::new("IncorrectKeyException", message));
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

    fn keep(&self, state: &Keyring) -> Result<(), Failure> {
        self.file
            .as_deref()
            .map_or(Ok(()), |file| files::write_json(file, state))
            .map_err(Failure::internal)
    }

    fn lock(&self) -> MutexGuard<'_, Keyring> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn invalid(message: &str) -> Failure {
    Failure::new("ValidationException", message)
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
