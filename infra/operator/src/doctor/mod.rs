//! `attache doctor`: finds the cause before a customer does. Looks at the configuration, the way to every host it names, the
//! accounts there, our own endpoints and what AWS holds, and says for each thing that is wrong what to do about it.
//!
//! It reads only: every call it makes is a `GET`, but for asking for a token (`visit`); `--write-test` sends one small file
//! that says of itself that it is a test. A host that cannot be trusted is sent nothing, not even a credential.

mod accounts;
mod aws;
mod config;
mod content;
mod egress;
mod hosts;
mod notebook;
mod report;
pub mod rule;
mod subject;
mod tenant;
mod tls;
mod token;
mod visit;
mod webhook;
mod write_test;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, bail};
use attache_domain::ids::ConnectionId;
use clap::Args;

use crate::system::Target;
pub use notebook::{Finding, Notebook, Remark};
use subject::Subject;
pub(crate) use tenant::Tenant;

/// Options of `attache doctor`.
#[derive(Args, Debug)]
pub struct Options {
    /// The file to examine, with the secrets it refers to. Without it, what the system holds.
    #[arg(long, value_name = "FILE")]
    connections: Option<PathBuf>,
    /// Only this connection; may be given several times.
    #[arg(long = "connection", value_name = "ID")]
    only: Vec<String>,
    #[command(flatten)]
    target: Whose,
    /// The owner's egress list: addresses and blocks (`10.0.0.0/8`), one a line. Every address of a host is looked up in it.
    #[arg(long, value_name = "FILE")]
    egress: Option<PathBuf>,
    /// Also sends one small picture, marked with X-Synthetic-Test, over each connection of profile genesys-media-upload. Nothing else is
    /// ever written.
    #[arg(long)]
    write_test: bool,
    /// Prints one JSON document: findings, in_order, not_checked.
    #[arg(long)]
    json: bool,
}

/// Which system, if any.
#[derive(Args, Debug)]
struct Whose {
    /// A deployed stack, by the name it has in CloudFormation.
    #[arg(long, value_name = "NAME")]
    stack: Option<String>,
    /// The stack's region, over that of the environment and of the profile.
    #[arg(long, requires = "stack")]
    region: Option<String>,
    /// The profile of the AWS configuration files to take credentials from.
    #[arg(long, requires = "stack")]
    profile: Option<String>,
    /// The local run on this machine; with DIR the one that was started with `--data DIR`.
    #[arg(long, value_name = "DIR", num_args = 0..=1, conflicts_with = "stack")]
    local: Option<Option<PathBuf>>,
}

impl Whose {
    fn target(&self) -> Option<Target> {
        (self.stack.is_some() || self.local.is_some()).then(|| Target {
            stack: self.stack.clone(),
            region: self.region.clone(),
            profile: self.profile.clone(),
            local: self.local.clone(),
        })
    }
}

/// Examines, prints what was found; `false` if something is wrong that counts.
///
/// # Errors
/// If there is nothing to examine, or the system is not found.
pub async fn run(options: &Options) -> Result<bool> {
    let notes = examine(options).await?;
    if options.json {
        println!("{}", serde_json::to_string(&notes)?);
    } else {
        print!("{}", report::text(&notes, report::colours()));
    }
    Ok(notes.is_clean())
}

/// One check after the other: what a check finds cut off, those behind it leave alone.
async fn examine(options: &Options) -> Result<Notebook> {
    let mut notes = Notebook::default();
    let system = match options.target.target() {
        Some(target) => Some(Arc::new(target.locate().await?)),
        None => None,
    };
    if options.connections.is_none() && system.is_none() {
        bail!("what is to be examined? Give --connections FILE, --stack NAME or --local");
    }
    let list = options
        .egress
        .as_deref()
        .map(egress::List::read)
        .transpose()?;
    let read = Subject::read(options.connections.as_deref(), system, &mut notes).await?;
    let Some(mut subject) = read else {
        return Ok(notes);
    };
    subject.keep_only(&ids(&options.only))?;
    config::check(&subject, &mut notes).await;
    hosts::check(&subject, list.as_ref(), &mut notes).await;
    let tokens = token::check(&subject, &mut notes).await;
    let accounts = accounts::check(&subject, &tokens, &mut notes).await;
    webhook::check(&subject, &tokens, &accounts, &mut notes).await;
    if options.write_test {
        write_test::check(&subject, &tokens, list.as_ref(), &mut notes).await;
    }
    content::check(&subject, &mut notes);
    aws::check(&subject, &mut notes).await;
    Ok(notes)
}

fn ids(names: &[String]) -> Vec<ConnectionId> {
    names
        .iter()
        .map(|name| ConnectionId::new(&**name))
        .collect()
}
