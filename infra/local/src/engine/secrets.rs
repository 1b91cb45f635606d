//! Secrets Manager: named secrets with a current and a previous version.
//!
//! Implements `CreateSecret`, `PutSecretValue`, `GetSecretValue` and `DescribeSecret`. With a data directory the secrets
//! live in a file only the owner may read, in clear: the local run's secrets are made up for it.
//! <https://docs.aws.amazon.com/secretsmanager/latest/apireference/>, checked 2026-11-20.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use data_encoding::BASE32_NOPAD;
use http::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::arn::{fresh_uuid, local_part, regional};
use super::files;
use super::front::Body;
use super::json::{Failure, JsonRequest, JsonService, read, respond};
use super::observe::AwsCall;

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

/// The service behind the front.
pub(super) struct Secrets {
    by_name: Mutex<BTreeMap<String, Secret>>,
    file: Option<PathBuf>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Secret {
    description: Option<String>,
    created_at: f64,
    changed_at: f64,
    /// The newest first.
    versions: Vec<Version>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Version {
    id: String,
    text: Option<String>,
    /// Base64, as on the wire.
    binary: Option<String>,
    created_at: f64,
}

/// The fields of all operations here, each optional until an operation asks for it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Input {
    name: Option<String>,
    secret_id: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
    client_request_token: Option<String>,
    description: Option<String>,
    version_id: Option<String>,
    version_stage: Option<String>,
}

impl Input {
    fn version(&self) -> Option<Version> {
        (self.secret_string.is_some() || self.secret_binary.is_some()).then(|| Version {
            id: self.client_request_token.clone().unwrap_or_else(fresh_uuid),
            text: self.secret_string.clone(),
            binary: self.secret_binary.clone(),
            created_at: now(),
        })
    }
}

impl Secrets {
    /// Reads the kept secrets back, if there are any.
    pub(super) fn start(file: Option<PathBuf>) -> anyhow::Result<Self> {
        let kept = file.as_deref().map(files::read_json).transpose()?.flatten();
        Ok(Self {
            by_name: Mutex::new(kept.unwrap_or_default()),
            file,
        })
    }

    fn carry_out(&self, operation: &str, input: &Input) -> Result<Value, Failure> {
        match operation {
            "CreateSecret" => self.create(input),
            "PutSecretValue" => self.put(input),
            "GetSecretValue" => self.get(input),
            "DescribeSecret" => self.describe(input),
            _ => Err(Failure::new(
                "InvalidRequestException",
                format!("{operation} is not supported by the local secrets"),
            )),
        }
    }

    fn create(&self, input: &Input) -> Result<Value, Failure> {
        let name = input
            .name
            .clone()
            .filter(|name| !name.is_empty())
            .ok_or_else(|| Failure::new("InvalidParameterException", "Invalid name."))?;
        let version = input.version();
        self.change(|secrets| {
            if secrets.contains_key(&name) {
                let message =
                    format!("The operation failed because the secret {name} already exists.");
                return Err(Failure::new("ResourceExistsException", message));
            }
            let mut answer = json!({"ARN": arn(&name), "Name": name});
            if let Some(version) = &version {
                answer["VersionId"] = json!(version.id);
            }
            let at = now();
            let secret = Secret {
                description: input.description.clone(),
                created_at: at,
                changed_at: at,
                versions: version.into_iter().collect(),
            };
            secrets.insert(name, secret);
            Ok(answer)
        })
    }

    fn put(&self, input: &Input) -> Result<Value, Failure> {
        let version = input.version().ok_or_else(|| {
            Failure::new(
                "InvalidRequestException",
                "You must provide either SecretString or SecretBinary.",
            )
        })?;
        self.change(|secrets| {
            let name = find(secrets, input)?;
            let secret = secrets.get_mut(&name).ok_or_else(missing)?;
            let answer = json!({"ARN": arn(&name), "Name": name, "VersionId": version.id, "VersionStages": [CURRENT]});
            match secret.versions.iter().find(|known| known.id == version.id) {
                Some(known) if known.text == version.text && known.binary == version.binary => {}
                Some(_) => {
                    let message = format!("The operation failed because a version with the id {} already exists with another value.", version.id);
                    return Err(Failure::new("ResourceExistsException", message));
                }
                None => {
                    secret.versions.insert(0, version);
                    secret.versions.truncate(2);
                    secret.changed_at = now();
                }
            }
            Ok(answer)
        })
    }

    fn get(&self, input: &Input) -> Result<Value, Failure> {
        let secrets = self.lock();
        let name = find(&secrets, input)?;
        let stage = input.version_stage.as_deref().unwrap_or(CURRENT);
        let versions = secrets
            .get(&name)
            .map(|secret| secret.versions.as_slice())
            .unwrap_or_default();
        let found = versions
            .iter()
            .enumerate()
            .find(|(age, version)| match &input.version_id {
                Some(id) => {
                    version.id == *id && (input.version_stage.is_none() || stage_of(*age) == stage)
                }
                None => stage_of(*age) == stage,
            });
        let (age, version) = found.ok_or_else(|| {
            Failure::new("ResourceNotFoundException", format!("Secrets Manager can't find the specified secret value for staging label: {stage}"))
        })?;
        let mut answer = json!({
            "ARN": arn(&name), "Name": name, "VersionId": version.id, "VersionStages": [stage_of(age)], "CreatedDate": version.created_at,
        });
        if let Some(text) = &version.text {
            answer["SecretString"] = json!(text);
        }
        if let Some(binary) = &version.binary {
            answer["SecretBinary"] = json!(binary);
        }
        Ok(answer)
    }

    fn describe(&self, input: &Input) -> Result<Value, Failure> {
        let secrets = self.lock();
        let name = find(&secrets, input)?;
        let secret = secrets.get(&name).ok_or_else(missing)?;
        let stages: BTreeMap<_, _> = secret
            .versions
            .iter()
            .enumerate()
            .map(|(age, version)| (&version.id, [stage_of(age)]))
            .collect();
        let mut answer = json!({
            "ARN": arn(&name), "Name": name, "VersionIdsToStages": stages,
            "CreatedDate": secret.created_at, "LastChangedDate": secret.changed_at,
        });
        if let Some(description) = &secret.description {
            answer["Description"] = json!(description);
        }
        Ok(answer)
    }

    /// Changes a copy, keeps it, and only then shows it: a failed write leaves everything as it was.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, Secret>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut secrets = self.lock();
        let mut changed = secrets.clone();
        let answer = change(&mut changed)?;
        if let Some(file) = &self.file {
            files::write_json(file, &changed).map_err(Failure::internal)?;
        }
        *secrets = changed;
        Ok(answer)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Secret>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stage_of(age: usize) -> &'static str {
    if age == 0 { CURRENT } else { PREVIOUS }
}

fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}

fn missing() -> Failure {
    Failure::new(
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret.",
    )
}

/// The name behind a name, a full ARN or an ARN without its six last characters.
fn find(secrets: &BTreeMap<String, Secret>, input: &Input) -> Result<String, Failure> {
    let id = input
        .secret_id
        .as_deref()
        .ok_or_else(|| Failure::new("InvalidParameterException", "SecretId is required."))?;
    let named = name_in(id);
    let without_suffix = id
        .starts_with("arn:")
        .then(|| named.rsplit_once('-').map(|(name, _)| name))
        .flatten();
    [Some(named), without_suffix]
        .into_iter()
        .flatten()
        .find(|name| secrets.contains_key(*name))
        .map(str::to_owned)
        .ok_or_else(missing)
}

fn name_in(id: &str) -> &str {
    let local = local_part(id);
    if id.starts_with("arn:") {
        local.strip_prefix("secret:").unwrap_or(local)
    } else {
        local
    }
}

/// The ARN of a secret. AWS ends it with six random characters; here they follow from the name, so that they never change.
fn arn(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    let suffix = BASE32_NOPAD.encode(&digest);
    regional("secretsmanager", &format!("secret:{name}-{}", &suffix[..6]))
}

#[async_trait]
impl JsonService for Secrets {
    fn calls(&self, principal: &str, operation: &str, input: &Value) -> Vec<AwsCall> {
        let id = input["SecretId"]
            .as_str()
            .or_else(|| input["Name"].as_str());
        let resource = match id {
            Some(id) if id.starts_with("arn:") => id.to_owned(),
            Some(name) => arn(name),
            None => regional("secretsmanager", "secret:*"),
        };
        vec![AwsCall {
            principal: principal.to_owned(),
            action: format!("secretsmanager:{operation}"),
            operation: operation.to_owned(),
            resource,
        }]
    }

    async fn answer(&self, request: JsonRequest) -> Response<Body> {
        respond(
            CONTENT_TYPE,
            read(request.input).and_then(|input| self.carry_out(&request.operation, &input)),
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
    fn a_secret_is_found_by_name_by_arn_and_by_arn_without_suffix() {
        let secrets = Secrets::start(None).unwrap();
        let input = |field: &str, value: &str| {
            serde_json::from_value::<Input>(json!({field: value, "SecretString": "s"})).unwrap()
        };
        let created = secrets
            .create(&input("Name", "attache/prod/clients/genesys-1"))
            .unwrap();
        let full = created["ARN"].as_str().unwrap();
        for id in [
            "attache/prod/clients/genesys-1",
            full,
            &full[..full.len() - 7],
        ] {
            assert_eq!(
                secrets.get(&input("SecretId", id)).unwrap()["SecretString"],
                "s",
                "{id}"
            );
        }
        let other = secrets
            .get(&input("SecretId", "attache/prod/clients/genesys"))
            .unwrap_err();
        assert_eq!(other.kind, "ResourceNotFoundException");
    }

    #[test]
    fn a_new_value_becomes_current_and_the_old_one_previous() {
        let secrets = Secrets::start(None).unwrap();
        let input = |value: Value| serde_json::from_value::<Input>(value).unwrap();
        secrets
            .create(&input(
                json!({"Name": "n", "SecretString": "one", "ClientRequestToken": "v1"}),
            ))
            .unwrap();
        secrets
            .put(&input(
                json!({"SecretId": "n", "SecretString": "two", "ClientRequestToken": "v2"}),
            ))
            .unwrap();
        for (query, expected) in [
            (json!({"SecretId": "n"}), "two"),
            (
                json!({"SecretId": "n", "VersionStage": "AWSPREVIOUS"}),
                "one",
            ),
            (json!({"SecretId": "n", "VersionId": "v1"}), "one"),
        ] {
            assert_eq!(
                secrets.get(&input(query.clone())).unwrap()["SecretString"],
                expected,
                "{query}"
            );
        }
        let repeated =
            input(json!({"SecretId": "n", "SecretString": "other", "ClientRequestToken": "v2"}));
        assert_eq!(
            secrets.put(&repeated).unwrap_err().kind,
            "ResourceExistsException"
        );
    }
}
