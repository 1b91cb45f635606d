//! `attache connections apply`: brings a file into a system. What it will do is shown first; what is there already is
//! changed or removed only with a person's consent; applied again, it finds nothing to do.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use attache_domain::connection::{Endpoint, Row};
use clap::Args;

use super::paste::Paste;
use super::plan::{self, Plan, Presence, RowChange, SecretChange};
use super::report::Report;
use super::secrets::{Given, SecretUse, Vault, generated};
use super::{ConfigError, Loaded};
use crate::system::{System, Target, asked};

/// Options of `attache connections apply`.
#[derive(Args, Debug)]
pub struct Options {
    /// The file.
    #[arg(default_value = "connections.toml")]
    file: PathBuf,
    #[command(flatten)]
    target: Target,
    /// Shows what would be done, and does nothing.
    #[arg(long)]
    dry_run: bool,
    /// Removes rows that are in the table and not in the file. Their secrets stay.
    #[arg(long)]
    prune: bool,
    /// Changes and removes what is there without asking. Without it, and without a terminal to ask on, a run that would
    /// do so does nothing at all; one that only adds needs no consent.
    #[arg(long)]
    yes: bool,
    /// Prints one JSON document.
    #[arg(long)]
    json: bool,
}

/// Applies the file; `false` if the person declined.
///
/// # Errors
/// If the file is wrong, the system is not found, AWS refuses, or consent is needed and nobody can be asked.
pub async fn run(options: &Options) -> Result<bool> {
    // Once for its mistakes, before AWS is asked anything; then with the stage that becomes part of secrets' names.
    Loaded::read(&options.file, "prod")?;
    let system = options.target.locate().await?;
    let loaded = Loaded::read(&options.file, &system.stage)?;
    refuse_local(options, &system, &loaded)?;
    let paste = pasted(&system, &loaded.rows)?;
    let vault = Vault::new(system.clients.secrets_manager.clone());
    let plan = planned(&system, &vault, loaded, options.prune).await?;
    let mut report = Report::new(&system, &plan, paste, options.dry_run);
    if !options.json {
        print!("{}", report.plan_lines());
    }
    let consent = consent(options, &plan);
    if consent.is_ok_and(|go| go) {
        carry_out(&system, &vault, &plan).await?;
        report.applied = !plan.is_nothing();
    }
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    }
    match consent {
        Err(Unasked) => bail!(
            "this changes or removes what is there, and nobody can be asked: nothing was done; --yes does it"
        ),
        Ok(false) if !options.dry_run => {
            eprintln!("nothing was done");
            Ok(false)
        }
        Ok(_) => {
            if !options.json {
                print!("{}", report.outcome_lines(&system));
            }
            Ok(true)
        }
    }
}

/// A deployed function drops what is marked `local` and forwards nothing over plain HTTP; better told here than found
/// there.
fn refuse_local(options: &Options, system: &System, loaded: &Loaded) -> Result<(), ConfigError> {
    let problem = |row: &Row| {
        let (found, expected) = match row {
            Row::Connection(connection) if connection.local => ("`local` is true", "false"),
            Row::Endpoint(Endpoint {
                forward_to: Some(to),
                ..
            }) if to.scheme() != "https" => ("`forward_to` is plain http", "https"),
            Row::Connection(_) | Row::Endpoint(_) | Row::Route(_) | Row::Policy(_) => return None,
        };
        let id = row.id();
        let line = loaded.lines.get(&id).copied().unwrap_or(1);
        Some(format!(
            "{}:{line}: {id}: key {found}, which is for local runs; {system} refuses it, expected {expected}",
            options.file.display()
        ))
    };
    let problems: Vec<String> = if system.allow_local {
        Vec::new()
    } else {
        loaded.rows.iter().filter_map(problem).collect()
    };
    if problems.is_empty() {
        Ok(())
    } else {
        Err(ConfigError::Wrong { problems })
    }
}

fn pasted(system: &System, rows: &[Row]) -> Result<Vec<Paste>> {
    let endpoints = rows.iter().filter_map(|row| match row {
        Row::Endpoint(endpoint) => Some(endpoint),
        Row::Connection(_) | Row::Route(_) | Row::Policy(_) => None,
    });
    endpoints
        .map(|endpoint| Paste::of(endpoint, system))
        .collect()
}

async fn planned(system: &System, vault: &Vault, loaded: Loaded, prune: bool) -> Result<Plan> {
    let documents = system.connections()?.documents().await;
    let documents = documents.map_err(|error| asked("dynamodb:Scan", error))?;
    let rows = plan::rows(&documents, &loaded.rows, prune)?;
    let wanted: Vec<(SecretUse, Given)> = loaded
        .secrets
        .into_iter()
        .map(|secret| secret.given().map(|given| (secret, given)))
        .collect::<Result<_>>()?;
    let mut present = BTreeMap::new();
    for (secret, given) in &wanted {
        let presence = match given {
            Given::Value(_) => vault.get(&secret.name).await?.map(Presence::Value),
            Given::Missing(_) | Given::Generated | Given::Named => {
                vault.has(&secret.name).await?.then_some(Presence::There)
            }
        };
        if let Some(presence) = presence {
            present.insert(secret.name.0.clone(), presence);
        }
    }
    let secrets = plan::secrets(wanted, &present);
    let secrets = secrets.map_err(|problems| ConfigError::Wrong { problems })?;
    Ok(Plan { rows, secrets })
}

/// Consent is needed, and there is nobody to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unasked;

/// Whether to go on.
fn consent(options: &Options, plan: &Plan) -> Result<bool, Unasked> {
    let can_ask = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if options.dry_run {
        return Ok(false);
    }
    if options.yes || !plan.touches_what_is_there() {
        return Ok(true);
    }
    if !can_ask {
        return Err(Unasked);
    }
    eprint!("Change what is there? [y/N] ");
    let mut answer = String::new();
    let asked = std::io::stderr().flush();
    let read = asked.and_then(|()| std::io::stdin().read_line(&mut answer));
    Ok(read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// New secrets, then rows, then changed secrets, then what goes: so an endpoint that is given two secrets for a rotation
/// knows both before the first of them changes. Done again after a crash, it goes on where it stopped.
async fn carry_out(system: &System, vault: &Vault, plan: &Plan) -> Result<()> {
    write_secrets(vault, plan, SecretChange::Created).await?;
    let table = system.connections()?;
    for row in &plan.rows {
        if let Some(doc) = &row.doc {
            let written = table.put(&row.id, doc.clone()).await;
            written.map_err(|error| asked("dynamodb:PutItem", error))?;
        }
    }
    write_secrets(vault, plan, SecretChange::Updated).await?;
    let removed = plan
        .rows
        .iter()
        .filter(|row| row.change == RowChange::Removed);
    for row in removed {
        let removed = table.remove(&row.id).await;
        removed.map_err(|error| asked("dynamodb:DeleteItem", error))?;
    }
    Ok(())
}

async fn write_secrets(vault: &Vault, plan: &Plan, change: SecretChange) -> Result<()> {
    for secret in plan.secrets.iter().filter(|secret| secret.change == change) {
        let value = match &secret.value {
            Some(value) => value.clone(),
            None => generated().context("drawing a secret")?,
        };
        vault.put(&secret.name, &value).await?;
    }
    Ok(())
}
