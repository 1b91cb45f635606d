//! `attache send`: a file from the shell to a customer or an agent, by the way that every file goes.

mod address;
mod file;
mod follow;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use attache_domain::channels::Direction;
use attache_domain::connection::Connection;
use attache_domain::ids::ConnectionId;
use attache_edge::clock::SystemClock;
use attache_edge::dynamodb::ItemsTable;
use attache_edge::s3::Buckets;
use attache_flow::ports::Directories;
use attache_flow::submission::{Parcel, Submission, Submitted};
use clap::{Args, ValueEnum};

use crate::system::{Target, asked};
use address::Part;
use file::Outgoing;
use follow::Follower;

/// Options of `attache send`.
#[derive(Args, Debug)]
pub struct Options {
    /// The file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The connection it goes out over, by its id in connections.toml.
    #[arg(long, value_name = "CONNECTION")]
    to: String,
    /// Whom it is for, as the platform names it; may be repeated. WhatsApp: to=+4915112345678. Genesys Open Messaging:
    /// from=ADDRESS of the customer in whose conversation it appears, nickname=NAME. Genesys agent: conversationId=ID and
    /// communicationId=ID; with to=NAME they are remembered under it.
    #[arg(long = "address", value_name = "KEY=VALUE", required = true)]
    address: Vec<Part>,
    /// Text that goes with it.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// Names the message: with the same key it goes out once, however often this is called. Without, each call sends.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// What is waited for: that the platform has taken it, or that it is on the recipient's device, where the platform tells.
    #[arg(long, value_name = "STATE", default_value = "sent")]
    until: Until,
    /// How long, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    patience: u64,
    /// Prints one line of JSON at the end: media, attachment, message, state, reason.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Until {
    Sent,
    Delivered,
}

/// Sends; `false` if it did not come as far as was waited for.
///
/// # Errors
/// If the file cannot be read, the address does not fit, the system is not found, or AWS refuses.
pub async fn run(options: &Options) -> Result<bool> {
    let mut outgoing = Outgoing::open(&options.file)?;
    let system = options.target.locate().await?;
    let clients = &system.clients;
    let directory = system.directories()?.newest().await;
    let directory = directory.map_err(|error| asked("dynamodb:Scan", error))?;
    let id = ConnectionId::new(&options.to);
    let connection = directory.connection(&id).with_context(|| {
        let known: Vec<&str> = directory.connections().map(|it| it.id.as_str()).collect();
        format!(
            "{system} has no connection {id}; it has {}",
            known.join(", ")
        )
    })?;
    let customer = address::customer(connection.profile(), &options.address)?;
    let (clock, drawn) = (SystemClock::new(), drawn());
    let items = ItemsTable::new(clients.dynamodb.clone(), system.output("MediaTableName")?);
    let bucket = system.output("MediaBucketName")?;
    let objects = Buckets::new(clients.s3.clone(), bucket, None);
    let file_name = outgoing.name.clone();
    let parcel = Parcel {
        target: (&id, delivers(connection)),
        customer: &customer.address,
        customer_name: customer.name.as_deref(),
        address: &customer.place,
        key: options.key.as_deref().unwrap_or(&drawn),
        file_name: &file_name,
        text: options.text.as_deref(),
        size_bytes: outgoing.size_bytes,
        digest: outgoing.digest,
    };
    let submission = Submission {
        items: &items,
        objects: &objects,
        clock: &clock,
    };
    let submitted = submission.submit(&parcel, &mut outgoing).await;
    let submitted = submitted.map_err(|error| asked("dynamodb:PutItem, s3:PutObject", error))?;
    let item = match submitted {
        Submitted::Now(item) | Submitted::Before(item) => item,
        Submitted::Other(item) => bail!(
            "something else was sent under key {} before: item {}",
            parcel.key,
            item.id
        ),
        Submitted::Changed => bail!("{} changed while it was read", options.file.display()),
    };
    let follower = Follower {
        items: &items,
        until: options.until,
        patience: Duration::from_secs(options.patience),
        json: options.json,
    };
    follower.follow(*item, parcel.key).await
}

/// Which way messages go that leave over a connection: against those that come in over it.
fn delivers(connection: &Connection) -> Direction {
    match connection.profile().direction() {
        Direction::ToAgent => Direction::ToCustomer,
        Direction::ToCustomer => Direction::ToAgent,
    }
}

/// A key that nobody else has.
fn drawn() -> String {
    format!("{:016x}", rand::random::<u64>())
}
