//! `attache-bench`: what we promise about speed and cost, measured on the system itself.
//!
//! The functions are the compiled processes, the services the embedded engines and the platforms the stand-ins of a
//! local run, so a number here is a number of this machine and this build: say both when quoting it. These are
//! measurements, not tests: nothing passes or fails by the clock.
//!
//! - `latency`: from a webhook to the file being visible for the agent, and how long the system takes to be ready.
//! - `words`: from a text to the agent reading it, alone and while files are fully stalled.
//! - `writes`: what one file costs in DynamoDB write units.
//! - `cost`: what one file costs in AWS requests at list price, beside the design that Powertools and boto3 lead to.
//! - `relay`: throughput and CPU time of a large file, beside bare sockets.
//! - `memory`: what a relay takes over an idle process.
//! - `handler`: CPU time of one event at intake, beside the same work in Python.
//! - `cold-start`: from the start of a process to its first answer, beside an empty function and Python.
//! - `inspect`: what telling a type and looking inside a file cost, beside libmagic; and what bombs cost.
//! - `renditions`: the longest that a picture or a text takes to be converted.
//! - `storm`: many files at once for a platform with a limit, in virtual time, beside peers without shared pacing.
//! - `accuracy`: how often inspection is right over a folder of labelled files, beside libmagic.
//!
//! All but the first three and the last hold what they measured against the bars that were set for it.

mod bar;
mod cold_start;
mod cost;
mod depot;
mod handler;
mod inspect;
mod latency;
mod memory;
mod meter;
mod own;
mod picture;
mod python;
mod relay;
mod renditions;
mod spread;
mod stack;
mod storm;
mod words;
mod writes;

use std::net::SocketAddr;
use std::path::PathBuf;
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
    /// AWS requests of each file at list price, beside the same way of a file built with Powertools and boto3 in Python. Makes an
    /// environment for it, once, from the network.
    Cost {
        #[command(flatten)]
        load: Load,
        /// Prints one line of JSON instead.
        #[arg(long)]
        json: bool,
    },
    /// Throughput and CPU time of one file from a host to the store, beside a relay of bare sockets.
    Relay {
        /// How long the file is, in bytes.
        #[arg(long, default_value_t = 100_000_000, value_parser = clap::value_parser!(u64).range(1..))]
        bytes: u64,
        /// How often each way is measured.
        #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
        runs: u32,
        /// Prints one line of JSON instead.
        #[arg(long)]
        json: bool,
    },
    /// Memory over idle of files from a host to the store: of known length, of unknown length, several at once.
    Memory {
        /// How long the files of known length are, in bytes.
        #[arg(long, value_delimiter = ',', default_values_t = [1_000_000, 100_000_000], value_parser = clap::value_parser!(u64).range(1..))]
        bytes: Vec<u64>,
        /// How many at once.
        #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
        at_once: u32,
        /// How often each is measured.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
        runs: u32,
        /// Prints one line of JSON instead.
        #[arg(long)]
        json: bool,
    },
    /// CPU time per event of intake's handler, AWS and the platforms stubbed, beside the same work in Python.
    Handler {
        /// How many events of each kind.
        #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
        events: u32,
        /// How often each kind is measured.
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
        runs: u32,
        /// Prints one line of JSON instead.
        #[arg(long)]
        json: bool,
    },
    /// From the start of a process to its first answer: intake, beside a Rust function that does nothing and the same in Python.
    ColdStart {
        /// How often each is started.
        #[arg(long, default_value_t = 21, value_parser = clap::value_parser!(u32).range(1..))]
        runs: u32,
        /// Measures Python as well: makes an environment for it, once, from the network.
        #[arg(long)]
        python: bool,
        /// Prints one line of JSON instead.
        #[arg(long)]
        json: bool,
    },
    /// What telling a type and looking inside a file cost, beside libmagic over the same files; and what bombs cost.
    Inspect {
        /// A folder of files to measure instead of the tests' media.
        #[arg(long, value_name = "DIR")]
        files: Option<PathBuf>,
        /// How often each file is looked at; the shortest counts.
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
        runs: u32,
        /// Prints one line of JSON instead.
        #[arg(long)]
        json: bool,
    },
    /// The longest that a rendition takes: originals at the bounds of what is converted, built to be slow.
    Renditions {
        /// Prints one line of JSON instead.
        #[arg(long)]
        json: bool,
    },
    /// Many files at once for a number that takes a hundred a second, in virtual time: how long, how many calls, what is lost.
    Storm {
        /// How often each case is played, each time with other chances.
        #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..))]
        seeds: u64,
        /// How many files come at once.
        #[arg(long, default_value_t = 1000)]
        uploads: usize,
        /// Other numbers of files, for how the time grows.
        #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 100, 1000, 10_000])]
        queued: Vec<usize>,
        /// Prints one line of JSON instead.
        #[arg(long)]
        json: bool,
    },
    /// How often inspection is right over files whose types are known, beside libmagic, and each file it got wrong.
    Accuracy {
        /// A folder with `labels.tsv` (path, tab, type), or of folders that are called by their files' type.
        dir: PathBuf,
        /// Tells the files' names as well.
        #[arg(long)]
        named: bool,
        /// Prints one line of JSON instead.
        #[arg(long)]
        json: bool,
    },
    /// One process that only judges a bomb; started by `inspect`.
    #[command(hide = true)]
    InspectChild { file: PathBuf },
    /// One process that only handles events; started by `handler`.
    #[command(hide = true)]
    HandlerChild {
        events: PathBuf,
        warm: usize,
        status: u16,
    },
    /// One process that only relays; started by `relay` and `memory`.
    #[command(hide = true)]
    RelayChild {
        #[command(flatten)]
        task: relay::child::Task,
        #[arg(long)]
        source: SocketAddr,
        #[arg(long)]
        sink: SocketAddr,
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
    match command {
        Command::Latency { load, json } => {
            print(&runtime()?.block_on(latency::measure(load))?, json)
        }
        Command::Words { texts, files, json } => {
            print(&runtime()?.block_on(words::measure(texts, files))?, json)
        }
        Command::Writes { load, json } => print(&runtime()?.block_on(writes::measure(load))?, json),
        Command::Cost { load, json } => print(&runtime()?.block_on(cost::measure(load))?, json),
        Command::Relay { bytes, runs, json } => print(&relay::measure(bytes, runs)?, json),
        Command::Memory {
            bytes,
            at_once,
            runs,
            json,
        } => print(&memory::measure(&bytes, at_once, runs)?, json),
        Command::Handler { events, runs, json } => print(&handler::measure(events, runs)?, json),
        Command::ColdStart { runs, python, json } => print(
            &runtime()?.block_on(cold_start::measure(runs, python))?,
            json,
        ),
        Command::Inspect { files, runs, json } => {
            print(&inspect::measure(files.as_deref(), runs)?, json)
        }
        Command::Renditions { json } => print(&renditions::measure()?, json),
        Command::Storm {
            seeds,
            uploads,
            queued,
            json,
        } => {
            let size = storm::Size {
                seeds,
                uploads,
                queued,
            };
            print(&storm::measure(&size)?, json)
        }
        Command::Accuracy { dir, named, json } => {
            print(&inspect::accuracy::measure(&dir, named)?, json)
        }
        Command::InspectChild { file } => inspect::bombs::run(&file),
        Command::HandlerChild {
            events,
            warm,
            status,
        } => handler::run(&events, warm, status),
        Command::RelayChild { task, source, sink } => relay::child::run(task, source, sink),
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
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
