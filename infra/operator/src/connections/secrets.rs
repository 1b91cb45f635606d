//! The secrets a configuration refers to: where their values come from, and the vault they are kept in.

use std::io::ErrorKind;

use anyhow::{Context, Result, bail};
use attache_domain::connection::SecretName;
use attache_domain::signature::Secret;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use data_encoding::BASE32_NOPAD;

use super::file::SecretReference;
use crate::system::asked;

/// Random bytes of a secret of our own making: 160 bits, 32 characters.
const DRAWN_BYTES: usize = 20;

/// One place in the file that refers to a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretUse {
    /// The secret's name in Secrets Manager.
    pub name: SecretName,
    /// Where its value is to be taken from.
    pub reference: SecretReference,
    /// Where it is written, for errors: `connections.toml:14: endpoint/whatsapp: key `verify_token``.
    pub place: String,
    /// The fewest characters its platform takes.
    pub shortest: usize,
}

/// What is there for a secret.
#[derive(Debug)]
pub enum Given {
    /// Its value.
    Value(Secret),
    /// Nothing; why.
    Missing(String),
    /// It is ours to draw.
    Generated,
    /// It is in Secrets Manager under a name of the owner's.
    Named,
}

impl SecretUse {
    /// Looks where the reference points.
    ///
    /// # Errors
    /// If there is a value and it cannot be read or used; with file, line and key, without the value.
    pub fn given(&self) -> Result<Given> {
        let text = match &self.reference {
            SecretReference::Generate => return Ok(Given::Generated),
            SecretReference::Name(_) => return Ok(Given::Named),
            SecretReference::Env(variable) => match std::env::var(variable) {
                Ok(text) => text,
                Err(std::env::VarError::NotPresent) => {
                    let why = format!("environment variable {variable} is not set");
                    return Ok(Given::Missing(why));
                }
                Err(std::env::VarError::NotUnicode(_)) => {
                    bail!(
                        "{}: environment variable {variable} is not UTF-8",
                        self.place
                    )
                }
            },
            SecretReference::File(path) => match std::fs::read_to_string(path) {
                Ok(text) => text.trim_end_matches(['\r', '\n']).to_owned(),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    let why = format!("file {} is not there", path.display());
                    return Ok(Given::Missing(why));
                }
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("{}: file {}", self.place, path.display()));
                }
            },
        };
        let length = text.chars().count();
        if length < self.shortest {
            let (place, shortest) = (&self.place, self.shortest);
            bail!("{place}: the secret has {length} characters, expected at least {shortest}");
        }
        Ok(Given::Value(Secret::new(text)?))
    }
}

/// A new secret of our own making: lower-case letters and digits, so that it survives any form it is pasted into.
///
/// # Errors
/// Never; the type of a secret asks.
pub fn generated() -> Result<Secret> {
    let drawn: [u8; DRAWN_BYTES] = rand::random();
    Ok(Secret::new(BASE32_NOPAD.encode(&drawn).to_lowercase())?)
}

/// Secrets Manager, as the person who configures.
#[derive(Clone, Debug)]
pub struct Vault {
    client: Client,
}

impl Vault {
    /// Over this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// A secret's current value, if it has one.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn get(&self, name: &SecretName) -> Result<Option<Secret>> {
        let found = self.client.get_secret_value().secret_id(&name.0).send();
        let found = match found.await {
            Ok(found) => found,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => {
                return Err(told(
                    "secretsmanager:GetSecretValue",
                    "reading",
                    name,
                    error,
                ));
            }
        };
        let text = found.secret_string.map(String::into_bytes);
        let bytes = text.or_else(|| found.secret_binary.map(|blob| blob.into_inner()));
        Ok(bytes.and_then(|bytes| Secret::new(bytes).ok()))
    }

    /// Whether a secret is there. Its value is not asked for.
    ///
    /// # Errors
    /// If it cannot be told.
    pub async fn has(&self, name: &SecretName) -> Result<bool> {
        let described = self
            .client
            .describe_secret()
            .secret_id(&name.0)
            .send()
            .await;
        match described {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(refused))
                if refused.err().is_resource_not_found_exception() =>
            {
                Ok(false)
            }
            Err(error) => Err(told(
                "secretsmanager:DescribeSecret",
                "looking for",
                name,
                error,
            )),
        }
    }

    /// Makes this the secret's value, whether it was there or not.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn put(&self, name: &SecretName, value: &Secret) -> Result<()> {
        let text = std::str::from_utf8(value.expose()).context("a secret that is no text")?;
        let create = self.client.create_secret().name(&name.0);
        match create.secret_string(text).send().await {
            Ok(_) => return Ok(()),
            Err(SdkError::ServiceError(refused))
                if refused.err().is_resource_exists_exception() => {}
            Err(error) => return Err(told("secretsmanager:CreateSecret", "creating", name, error)),
        }
        let put = self.client.put_secret_value().secret_id(&name.0);
        let put = put.secret_string(text).send().await;
        put.map(drop)
            .map_err(|error| told("secretsmanager:PutSecretValue", "writing", name, error))
    }
}

fn is_missing(error: &SdkError<GetSecretValueError>) -> bool {
    error
        .as_service_error()
        .is_some_and(GetSecretValueError::is_resource_not_found_exception)
}

fn told<E>(action: &str, doing: &str, name: &SecretName, error: SdkError<E>) -> anyhow::Error
where
    E: std::error::Error + Send + Sync + 'static,
{
    asked(action, error).context(format!("{doing} secret {}", name.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(reference: SecretReference, shortest: usize) -> SecretUse {
        SecretUse {
            name: SecretName("attache/local/endpoints/x/secret-1".to_owned()),
            reference,
            place: "connections.toml:3: endpoint/x: key `secrets`".to_owned(),
            shortest,
        }
    }

    #[test]
    fn a_file_gives_its_text_without_the_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, " tops3cret \r\n").unwrap();
        let reference = || SecretReference::File(path.clone());
        match used(reference(), 1).given().unwrap() {
            Given::Value(secret) => assert!(secret.matches(b" tops3cret ")),
            other => panic!("{other:?}"),
        }
        let short = used(reference(), 16).given().unwrap_err().to_string();
        assert_eq!(
            short,
            "connections.toml:3: endpoint/x: key `secrets`: the secret has 11 characters, expected at least 16"
        );
        std::fs::write(&path, "\n").unwrap();
        let empty = used(reference(), 1).given().unwrap_err().to_string();
        assert!(empty.ends_with("the secret has 0 characters, expected at least 1"));
    }

    #[test]
    fn what_is_not_there_is_said_not_refused() {
        for (reference, expected) in [
            (
                SecretReference::Env("ATTACHE_NOBODY_SETS_THIS".to_owned()),
                "environment variable ATTACHE_NOBODY_SETS_THIS is not set",
            ),
            (
                SecretReference::File("no-such-file".into()),
                "file no-such-file is not there",
            ),
        ] {
            match used(reference, 1).given().unwrap() {
                Given::Missing(why) => assert_eq!(why, expected),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_is_drawn_is_long_enough_and_never_the_same() {
        let (one, other) = (generated().unwrap(), generated().unwrap());
        assert_eq!(one.expose().len(), 32);
        assert!(one.expose().iter().all(u8::is_ascii_alphanumeric));
        assert!(!one.matches(other.expose()));
    }
}
