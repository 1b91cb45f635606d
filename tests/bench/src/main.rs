//! `attache-bench`: what we promise about speed and cost, measured on the system itself.
//!
//! The functions are the compiled processes, the services the embedded engines and the platforms the stand-ins of a
//! local run, so a number here is a number of this machine and this build: say both when quoting it. These are
//! measurements, not tests: nothing passes or fails by the clock.
//!
//! - `latency`: from a webhook to the file being visible for the agent, and how long the system takes to be ready.
//! - `words`: from a text to the agent reading it, alone and while files are fully stalled.
//! - `writes`: what one file costs in DynamoDB write units.

mod latency;
mod meter;
mod picture;
mod spread;
mod stack;
mod words;
mod writes;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use serde::Serialize;

/// Measures the system as built, on this machine.
#[derive(Parser)]
#[command(name = "attache-bench", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// From a webhook to the file being visible for the agent, one file after the other; and the time to be ready.
    Latency {
        #[command(flatten)]
        load: Load,
        /// Prints one line of JSON instead.
        #[arg(long)]
        json: bool,
    },
    /// From a customer's text to the agent reading it, alone and beside files that are fully stalled.
    Words {
        /// How many texts.
        #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
        texts: u32,
        /// How many files stand still meanwhile.
        #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
        files: u32,
        /// Prints one line of JSON instead.
        #[arg(long)]
        json: bool,
    },
    /// Write units of each file, index included, as DynamoDB reports them.
    Writes {
        #[command(flatten)]
        load: Load,
        /// Prints one line of JSON instead.
        #[arg(long)]
        json: bool,
    },
}

/// What is sent.
#[derive(Args, Clone, Copy, Debug, Serialize)]
struct Load {
    /// How many files.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    files: u32,
    /// How large each is, in bytes (a JPEG; the smallest has about 73 kB).
    #[arg(long, default_value_t = 1_000_000)]
    bytes: usize,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("attache-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    match command {
        Command::Latency { load, json } => print(&runtime.block_on(latency::measure(load))?, json),
        Command::Words { texts, files, json } => {
            print(&runtime.block_on(words::measure(texts, files))?, json)
        }
        Command::Writes { load, json } => print(&runtime.block_on(writes::measure(load))?, json),
    }
}

fn print(report: &(impl Serialize + std::fmt::Display), json: bool) -> anyhow::Result<()> {
    match json {
        true => println!("{}", serde_json::to_string(report)?),
        false => print!("{report}"),
    }
    Ok(())
}

/// How this command, and with it the functions, was built.
fn build() -> &'static str {
    match cfg!(debug_assertions) {
        true => "debug",
        false => "release",
    }
}
