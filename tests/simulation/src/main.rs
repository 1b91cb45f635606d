//! `attache-simulation --seeds N [--from S] [--trace]`: plays seeds until one breaks a promise.

use std::process::ExitCode;
use std::time::Instant;

use attache_simulation::run::{Settings, play};
use attache_simulation::sabotage::Sabotage;
use attache_simulation::trace::Keep;
use clap::Parser;

/// Runs the functions over in-memory twins with seeded faults and checks what they promise.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds to play.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Print everything that happens.
    #[arg(long)]
    trace: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let keep = if arguments.trace {
        Keep::Text
    } else {
        Keep::Nothing
    };
    let settings = Settings::new(keep, Sabotage::None);
    let begun = Instant::now();
    for seed in arguments.from..arguments.from.saturating_add(arguments.seeds) {
        let outcome = play(seed, &settings);
        for line in &outcome.lines {
            println!("{line}");
        }
        if let Some(violation) = outcome.violation {
            println!("seed {seed}: broken promise: {violation}");
            println!(
                "replay: cargo run --release -p attache-simulation -- --seeds 1 --from {seed} --trace"
            );
            return ExitCode::FAILURE;
        }
    }
    eprintln!("{:.1} s", begun.elapsed().as_secs_f64());
    println!("{} seeds, 0 violations", arguments.seeds);
    ExitCode::SUCCESS
}
