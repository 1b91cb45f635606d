//! The system on one machine, from the template that deploys it.
//!
//! Nothing here is a mock of the product: the functions are the compiled binaries, each in its own process behind the
//! real Lambda Runtime API; the services speak the real AWS protocols; and what exists, who is started by what, and who
//! may do what is read from `template.yaml`. What is different from AWS is said in the module that differs.
//!
//! - [`template`] reads the template.
//! - [`engine`] embeds DynamoDB, S3, SQS, Secrets Manager and KMS.
//! - [`lambda`] runs the functions.
//! - [`source`] starts them: the HTTP API, queues, objects and the clock.
//! - [`iam`] lets them do what the template grants, counts it, and kills them where a test says so.
//! - `content` stands in for the distribution of the content domain, where the template has one.
//! - [`stack`] puts it all together; [`LocalStack::provision`] is the way in.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use attache_local::{LocalOptions, LocalStack};
//!
//! let provisioned = LocalStack::provision(LocalOptions::new("template.yaml", "target/debug")).await?;
//! // Here connections and secrets are written, through `provisioned.clients()`.
//! let run = provisioned.run().await?;
//! println!("webhooks go to {}/webhooks/…", run.api_url());
//! run.stop().await?;
//! # Ok(())
//! # }
//! ```

mod content;
pub mod engine;
pub mod iam;
pub mod lambda;
mod serve;
pub mod source;
pub mod stack;
pub mod template;

pub use stack::{Clients, LocalOptions, LocalRun, LocalStack, Provisioned, Signing};
