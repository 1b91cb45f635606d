//! The ready line: what came up and where, for machines in one line of JSON, for people in a few lines of text.

use std::collections::BTreeMap;

use attache_local::engine::Endpoints;
use serde::{Deserialize, Serialize};

/// What came up.
#[derive(Debug, Serialize, Deserialize)]
pub struct Ready {
    /// Always true: the line is printed once everything is.
    pub ready: bool,
    /// Webhooks go to `<api>/webhooks/<endpoint>`.
    pub api: String,
    /// The AWS endpoints by service.
    pub aws: BTreeMap<String, String>,
    /// The platforms' addresses by name.
    pub platforms: BTreeMap<String, String>,
}

impl Ready {
    /// Collects the addresses.
    #[must_use]
    pub fn new(api: &str, endpoints: &Endpoints, platforms: BTreeMap<String, String>) -> Self {
        let aws = BTreeMap::from([
            ("dynamodb", endpoints.dynamodb.clone()),
            ("kms", endpoints.kms.clone()),
            ("s3", endpoints.s3.clone()),
            ("secretsmanager", endpoints.secrets_manager.clone()),
            ("sqs", endpoints.sqs.clone()),
        ]);
        let aws = aws.into_iter().map(|(name, url)| (name.to_owned(), url));
        Self {
            ready: true,
            api: api.to_owned(),
            aws: aws.collect(),
            platforms,
        }
    }

    /// Prints it to standard output.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn print(&self, json: bool) -> serde_json::Result<()> {
        if json {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        println!(
            "Attaché is up. Webhooks go to {}/webhooks/<endpoint>. Ctrl-C stops it.\n",
            self.api
        );
        for (name, url) in &self.aws {
            println!("  {name:<16} {url}");
        }
        for (name, url) in &self.platforms {
            println!("  {name:<16} {url}");
        }
        Ok(())
    }
}
