//! The rim of Attaché: every port of [`attache_flow::ports`] over the real world. AWS by its SDKs, the platforms by
//! HTTP, time and chance by the machine. An adapter translates and classifies errors, nothing else: an `if` about the
//! business in here is in the wrong crate.
//!
//! | port | adapter |
//! |---|---|
//! | `Items`, `Claims`, `Conversations`, `Tokens`, `Limits`, `Directories` | [`dynamodb`] |
//! | `Objects` | [`s3::Buckets`] |
//! | `Jobs` | [`sqs::Queues`] |
//! | `Secrets` | [`secrets::SecretsManager`] |
//! | `Vault` | [`kms::KmsVault`] |
//! | `Http` | [`http::Platforms`] |
//! | `Scanner` | [`clamd::Clamd`] |
//! | `Clock` | [`clock::SystemClock`] |
//!
//! [`content`] signs links of the content domain, [`config`] reads settings, [`aws`] makes the clients, [`telemetry`] begins the log, [`lambda`] reads events and writes
//! answers. All adapters are held to the
//! same behaviour as the in-memory twins by [`attache_flow::conformance`].
//!
//! Adapters are made for one thread (the ports' futures are not `Send`) on a tokio runtime with time and I/O enabled.

pub mod aws;
pub mod clamd;
pub mod clock;
pub mod config;
pub mod content;
pub mod dynamodb;
mod feed;
pub mod http;
pub mod kms;
pub mod lambda;
mod outage;
mod roots;
pub mod s3;
pub mod secrets;
pub mod sqs;
pub mod telemetry;
