//! `attache local`: the whole system on this machine, until Ctrl-C.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::binaries;
use crate::connections::Loaded;
use crate::content::LocalContent;
use crate::ready::Ready;
use crate::site::{self, STAGE, Seed, SiteOptions};
use crate::standins::StandIns;
use crate::system::Record;

/// Options of `attache local`.
#[derive(Args, Debug)]
pub struct Options {
    /// Your own platforms, or stand-ins of yours: a connections.toml. Without it, stand-ins for WhatsApp,
    /// Messenger, Instagram and Genesys are started.
    #[arg(long, value_name = "FILE")]
    pub connections: Option<PathBuf>,
    /// Keeps buckets, tables, queues and secrets in this folder. Without it, everything ends with the run.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Another AWS endpoint instead of the embedded engines. Calls are signed with AWS_ACCESS_KEY_ID and
    /// AWS_SECRET_ACCESS_KEY, else with `test` and `test`.
    #[arg(long, value_name = "URL")]
    pub aws_endpoint: Option<String>,
    /// The port of the HTTP API on 127.0.0.1; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Who looks for malware, as the template's parameter `Scanner` says it: clamd://host:port, or guardduty (which does not
    /// exist here: files wait for its results and are held in the end). Without it, nobody.
    #[arg(long, value_name = "SCANNER")]
    pub scanner: Option<String>,
    /// Gives platforms links of a content domain of this name instead of presigned ones, as the template's parameter
    /// `ContentDomainName` does. Here a stand-in on a port of its own answers for it, with a key pair made for this run.
    #[arg(long, value_name = "NAME")]
    pub content_domain: Option<String>,
    /// Prints the ready line as JSON. What functions report as errors goes to standard error, with and without this.
    #[arg(long)]
    pub json: bool,
}

/// Runs it.
///
/// # Errors
/// If the configuration is wrong or something cannot start; the message says what.
pub async fn run(options: &Options) -> Result<()> {
    // The configuration first: a mistake in it is told before anything is built.
    let loaded = options
        .connections
        .as_deref()
        .map(|path| Loaded::read(path, STAGE))
        .transpose()?;
    let own = loaded.map(Seed::from_loaded).transpose()?;
    let binaries = binaries::build().await?;
    let standins = if own.is_none() {
        Some(StandIns::start().await?)
    } else {
        None
    };
    let mut seed = match (own, &standins) {
        (Some(seed), _) => seed,
        (None, Some(standins)) => standins.seed(STAGE)?.and(standins.social_seed(STAGE)?),
        (None, None) => Seed::default(),
    };
    let mut parameters: BTreeMap<_, _> = options
        .scanner
        .iter()
        .map(|scanner| ("Scanner".to_owned(), scanner.clone()))
        .collect();
    if let Some(name) = &options.content_domain {
        let content = LocalContent::named(name)?;
        parameters.extend(content.parameters);
        seed.secrets.push(content.secret);
    }
    let site_options = SiteOptions {
        data_dir: options.data.clone(),
        aws_endpoint: options.aws_endpoint.clone(),
        port: options.port,
        parameters,
        ..SiteOptions::default()
    };
    let provisioned = site::provision(binaries, site_options).await?;
    let run = site::start(provisioned, &seed).await?;
    let mut platforms = BTreeMap::new();
    if let Some(standins) = &standins {
        standins
            .subscribe(run.api_url())
            .await
            .context("the WhatsApp stand-in's verification call")?;
        standins
            .subscribe_social(run.api_url())
            .await
            .context("the Messenger stand-in's verification calls")?;
        platforms.insert("whatsapp".to_owned(), standins.whatsapp.graph_url());
        platforms.insert("messenger".to_owned(), standins.messenger.graph_url());
        platforms.insert("genesys".to_owned(), standins.genesys.api_url());
    }
    // Listened for before anybody can know that it is up: whoever reads the ready line may stop it at once.
    let asked_to_stop = Signals::listen().context("listening for signals")?;
    let ready = Ready::new(run.api_url(), run.endpoints(), platforms);
    let record = Record::of(&run, ready);
    // Before the ready line: whoever reads that line may give the next command at once.
    let posted = record.post(Record::path(options.data.as_deref())?)?;
    record.ready.print(options.json)?;
    asked_to_stop.received().await;
    eprintln!("stopping");
    drop(posted);
    run.stop().await
}

/// Ctrl-C, and the signal by which service managers stop a process.
struct Signals {
    interrupted: Signal,
    terminated: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupted: signal(SignalKind::interrupt())?,
            terminated: signal(SignalKind::terminate())?,
        })
    }

    async fn received(mut self) {
        tokio::select! {
            _ = self.interrupted.recv() => {}
            _ = self.terminated.recv() => {}
        }
    }
}
