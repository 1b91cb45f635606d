//! `attache plan`: what would become of files on a channel, planned as `validate` plans them. Offline: it reads the files
//! named, and the configuration if one is named, and does nothing else.

mod report;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use attache_domain::channels::{
    Bounds, Channel, Direction, Found, Limits, Matrix, Offered, Ways, live, plan_for,
};
use attache_domain::connection::{Connection, Row};
use attache_domain::verdict::Plan;
use attache_inspect::{Claim, Verdict};
use clap::{Args, ValueEnum};

use crate::connections::Loaded;
use crate::inspect::{Offline, open};
pub use report::JSON_LINES;
use report::Report;

/// Options of `attache plan`.
#[derive(Args, Debug)]
pub struct Options {
    /// The files, as many as you like.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where they are to go: a channel (whatsapp, messenger, instagram, genesys, cxone, web-chat, web-messaging, or a
    /// profile's name in full), or a connection of the file that `--connections` names.
    #[arg(long, value_name = "CONNECTION-OR-CHANNEL")]
    to: String,
    /// Which way they go. Left out: the way the channel delivers.
    #[arg(long, value_enum)]
    direction: Option<Way>,
    /// The configuration, for the owner's own limits and policy.
    #[arg(long, value_name = "FILE")]
    connections: Option<PathBuf>,
    /// The channel's live configuration, as its platform answers it (JSON): Genesys' supported content, web chat configuration or
    /// guest session, CXone's channel. Left out: the platform's defaults.
    #[arg(long, value_name = "FILE")]
    live: Option<PathBuf>,
    /// The content type that the sender declares, of all of them.
    #[arg(long, value_name = "TYPE")]
    declared: Option<String>,
    /// What may be done where the channel does not take the original. A connection with `convert = true`, `link = true` or
    /// `summary = true` allows that itself.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WAY")]
    allow: Vec<WayOut>,
    /// Prints a JSON document a line, one for each file.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Way {
    /// Out of the contact centre.
    ToCustomer,
    /// Into the contact centre.
    ToAgent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum WayOut {
    /// A rendition: a picture as JPEG or PNG, made smaller if need be; a text or table as PDF.
    Convert,
    /// A link in the file's place.
    Link,
    /// For office files: words that say what it is.
    Summary,
}

/// Plans every file, and tells on standard error which could not be read; `false` if there was one.
///
/// # Errors
/// If the target is not known, the configuration is wrong, or standard output cannot be written to.
pub fn run(options: &Options) -> Result<bool> {
    let target = Target::find(options)?;
    let judge = Offline::of(options.connections.as_deref())?;
    let mut out = io::stdout().lock();
    let mut all_read = true;
    for path in &options.files {
        match describe(path, options, &target, &judge) {
            Ok(text) => writeln!(out, "{text}").context("writing to standard output")?,
            Err(error) => {
                all_read = false;
                eprintln!("attache: {error:#}");
            }
        }
    }
    Ok(all_read)
}

/// Where the files are to go.
struct Target {
    /// As the caller named it.
    name: String,
    profile: &'static str,
    channel: Channel<'static>,
    /// What may be done where it does not take the original, by the caller or the owner.
    allowed: Vec<WayOut>,
    base64_summary: bool,
}

impl Target {
    fn find(options: &Options) -> Result<Self> {
        let name = &options.to;
        let own = own_part(options)?;
        let matrix = Matrix::shipped();
        let wanted = own
            .as_ref()
            .map_or(name.as_str(), |own| own.profile().as_str());
        let surface = matrix.surface(wanted).ok_or_else(|| unknown(options))?;
        let direction = match options.direction {
            Some(Way::ToCustomer) => Direction::ToCustomer,
            Some(Way::ToAgent) => Direction::ToAgent,
            None => matrix.usual_direction(surface),
        };
        let limits: Limits<'static> = matrix.limits(&surface.id, direction).with_context(|| {
            let direction = direction.as_str();
            format!("nothing goes {direction} over {}", surface.id)
        })?;
        let mut allowed = options.allow.clone();
        let granted = own.as_ref().map(|own| own.ways).unwrap_or_default();
        for (way, is_granted) in [
            (WayOut::Convert, granted.convert),
            (WayOut::Link, granted.link),
            (WayOut::Summary, granted.summary),
        ] {
            allowed.extend(is_granted.then_some(way));
        }
        let own = own.map(|own| own.limits).unwrap_or_default();
        let live = options.live.as_deref();
        let live = live.map(|file| read_live(file, &surface.id, direction));
        Ok(Self {
            name: name.clone(),
            profile: &surface.id,
            channel: Channel {
                title: &surface.title,
                direction,
                limits: limits
                    .with_live(&live.transpose()?.unwrap_or_default())
                    .within(&own),
            },
            allowed,
            base64_summary: granted.base64_summary,
        })
    }
}

/// The live configuration of a profile.
fn read_live(file: &Path, profile: &str, direction: Direction) -> Result<Bounds> {
    let place = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("{place} cannot be read"))?;
    let document = serde_json::from_str(&text).with_context(|| format!("{place} is no JSON"))?;
    live::read(profile, direction, document).with_context(|| format!("{place} says nothing"))
}

/// The connection named, if it is one: the owner's part of what holds.
fn own_part(options: &Options) -> Result<Option<Connection>> {
    let Some(file) = &options.connections else {
        return Ok(None);
    };
    let rows = Loaded::read(file, "prod")?.rows;
    Ok(rows.into_iter().find_map(|row| match row {
        Row::Connection(it) if it.id.as_str() == options.to => Some(it),
        Row::Connection(_) | Row::Endpoint(_) | Row::Route(_) | Row::Policy(_) => None,
    }))
}

fn unknown(options: &Options) -> anyhow::Error {
    let known: Vec<&str> = Matrix::shipped()
        .surfaces()
        .map(|surface| surface.id.as_str())
        .collect();
    let connection = match &options.connections {
        Some(file) => format!("no connection of {}", file.display()),
        None => "a connection needs --connections FILE".to_owned(),
    };
    anyhow!(
        "--to {:?} is no channel ({connection}); expected one of {}",
        options.to,
        known.join(", ")
    )
}

fn ways(allowed: &[WayOut], base64_summary: bool) -> Ways {
    Ways {
        convert: allowed.contains(&WayOut::Convert),
        link: allowed.contains(&WayOut::Link),
        summary: allowed.contains(&WayOut::Summary),
        base64_summary,
    }
}

/// What would become of one file, as it is printed.
fn describe(path: &Path, options: &Options, target: &Target, judge: &Offline) -> Result<String> {
    let file = path.display().to_string();
    let mut source = open(path).with_context(|| format!("{file} cannot be read"))?;
    let bytes = source.metadata()?.len();
    let name = path.file_name().map(|name| name.to_string_lossy());
    let claim = Claim {
        declared: options.declared.as_deref(),
        file_name: name.as_deref(),
    };
    let (findings, judgement) = judge
        .judge(&mut source, &claim)
        .with_context(|| format!("{file} cannot be read"))?;
    let offered = Offered {
        file_name: name.as_deref(),
        declared: options.declared.as_deref(),
        caption: None,
        caption_left: false,
        found: Found {
            content_type: findings.kind.content_type(),
            label: findings.kind.label(),
            animated: findings.kind.is_animated(),
            bytes,
        },
    };
    let plan = plan_for(
        &target.channel,
        &offered,
        ways(&target.allowed, target.base64_summary),
    );
    // Nobody lets what is dangerous out by another way.
    let is_stuck = plan.refusal().is_some() && judgement.verdict != Verdict::Quarantined;
    let closed_ways = WayOut::value_variants()
        .iter()
        .filter(|way| is_stuck && !target.allowed.contains(way));
    let could_be = closed_ways
        .map(|way| {
            plan_for(
                &target.channel,
                &offered,
                ways(&[*way], target.base64_summary),
            )
        })
        .filter(|other| !matches!(other, Plan::Rejected(_)))
        .collect();
    let report = Report::new(&file, target, &offered, (plan, could_be), &judgement);
    if options.json {
        return Ok(serde_json::to_string(&report)?);
    }
    Ok(report.to_string())
}
