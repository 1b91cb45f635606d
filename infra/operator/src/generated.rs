//! `attache completions` and `attache man`: made from the command's own definition, so that they never say less than it does.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Command};
use clap_complete::Shell;

/// Options of `attache completions`.
#[derive(Args, Debug)]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

/// Options of `attache man`.
#[derive(Args, Debug)]
pub struct Man {
    /// Where the pages go; it is made if it is not there, and pages of these names are replaced.
    directory: PathBuf,
}

/// Prints the script.
///
/// # Errors
/// If standard output cannot be written to.
pub fn completions(options: &Completions, mut command: Command) -> Result<bool> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut command, "attache", &mut script);
    let written = io::stdout().write_all(&script);
    written.context("writing to standard output")?;
    Ok(true)
}

/// Writes `attache.1`, and `attache-SUBCOMMAND.1` for each.
///
/// # Errors
/// If the folder or a page cannot be written.
pub fn man(options: &Man, command: Command) -> Result<bool> {
    let directory = &options.directory;
    let place = || format!("{}", directory.display());
    std::fs::create_dir_all(directory).with_context(place)?;
    clap_mangen::generate_to(command, directory).with_context(place)?;
    Ok(true)
}
