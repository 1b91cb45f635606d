//! `attache`: the command. Each subcommand's help is enough to use it.

use std::path::PathBuf;
use std::process::ExitCode;

use attache_operator::chosen::Chosen;
use attache_operator::connections::{Loaded, apply, show};
use attache_operator::held::Choice;
use attache_operator::{
    demo, diagnose, doctor, erase, generated, held, inspect, local, plan, profiles, redrive,
    replay, resolve, send, webhooks,
};
use clap::{CommandFactory, Parser, Subcommand};

/// Serverless media relay for contact centres: files sent to a business number arrive at its agents, judged and whole.
#[derive(Parser)]
#[command(name = "attache", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The tour: real files travel from a WhatsApp customer to a Genesys agent, all on this machine, while a
    /// function is killed in the middle. Exit code 0 only if everything promised was seen.
    Demo(demo::Options),
    /// The whole system on this machine, from template.yaml, until Ctrl-C.
    Local(local::Options),
    /// Checks connections.toml, brings it into a system, and shows what a system holds.
    Connections {
        #[command(subcommand)]
        command: Connections,
    },
    /// Takes in what came for numbers that nobody had configured, or that had no route, and was kept for 30 days. Each event
    /// goes the way of a webhook: what is on its way already is recognised, nothing is sent twice. Signatures were
    /// verified when the events came, and are not verified again. A file that its platform no longer has (WhatsApp: after
    /// seven days) ends as lost, with a notice to the agent. Done again, it finds nothing to do.
    Replay(replay::Options),
    /// Releases files that are held: a person says that they are clean, and they go the way their plan says. Exit code 1 if one of
    /// them is not held. What is quarantined cannot be released.
    Release(Chosen),
    /// Rejects files that are held: they stay where they are, until the bucket's lifecycle removes them.
    Reject(Chosen),
    /// Says what became of messages that ended as `unconfirmed`: the connection broke after a message was handed over, and nobody
    /// knows whether its recipient has it. Exit code 1 if one of them is not open.
    Resolve(resolve::Options),
    /// Puts back on its way what was lost, refused or given up, once its cause is mended: whatever was given up lies with its
    /// diagnosis among the dead letters, and is chosen by its cause or its time; single items by their ids. Each goes on in a
    /// new epoch, with the words that belong to it: what is on its way or arrived is recognised, nothing is sent twice. A file
    /// is judged and planned anew. What its platform no longer has (WhatsApp: after seven days; Genesys: with its link) cannot
    /// be fetched again. Done again, it finds what is left. Exit code 1 if an item that was named is not on its way again.
    Redrive(redrive::Options),
    /// Removes what items hold from every store: the original, its copy in quarantine, parts on their way, captions and names.
    /// What was delivered stays where it was delivered. A tombstone says that there was something and why it is gone, and
    /// keeps a repeated webhook from bringing it back. Exit code 1 if one of the items does not exist.
    Erase(Chosen),
    /// Sends a file over a connection, by the way that every file goes: stored, judged, planned for the channel, paced, delivered. Shows
    /// how far it is, and at the end the platform's ids of attachment and message and what became of it. Exit code 1 if it did
    /// not come as far as was waited for. A customer of WhatsApp must have written within 24 hours. What is wrong with it is
    /// told here, and to nobody else.
    Send(send::Options),
    /// Says what files are by their bytes, whether they are whole, what is dangerous in them, and what the policy makes of
    /// it: clean, held or quarantined. The same code and policy as in the function `validate`; offline, no side effects.
    /// Exit code 0 whatever the verdicts; 1 if a file could not be read, and then the others are judged all the same.
    Inspect(inspect::Options),
    /// Says what would become of files on a channel: delivered as they are, under the type or ending of their bytes, converted,
    /// as a link, in words, or rejected, with the reason, the limit and whose it is, and the types allowed. The same code and
    /// capability matrix as in the function `validate`; offline, no side effects. Channels that nothing connects yet can be
    /// asked about as well. Exit code 0 whatever the plans; 1 if a file could not be read, and then the others are planned all
    /// the same, or if the target is not known.
    #[command(after_long_help = plan::JSON_LINES)]
    Plan(plan::Options),
    /// Says which rule recorded answers of platforms fall under, whose fault that is, how sure, what follows and what to do.
    /// The same table as in the functions (infra/diagnoses.md); offline, no side effects. What it prints of an
    /// answer has no token, secret, query of a link, number or address in it. Exit code 1 if a file could not be read, and
    /// then the others are judged all the same.
    Diagnose(diagnose::Options),
    /// Lists the surfaces that Attaché speaks: whether their platform publishes them, what they take in and deliver by, how
    /// their messages are addressed, and what is not confirmed, with the command that settles it.
    Profiles(profiles::Options),
    /// Prints a script that completes this command's words in a shell: `attache completions bash > FILE`, and source it.
    Completions(generated::Completions),
    /// Writes manual pages, one for the command and each of its subcommands, into a folder: `man ./DIRECTORY/attache.1`.
    Man(generated::Man),
    /// Finds what is wrong before a customer does: the configuration, the names, egress and TLS of every host, tokens and permissions,
    /// our endpoints and what platforms have registered, limits and content profiles, and what AWS holds. Reads only. Each finding
    /// has an id (infra/findings.md), what was seen, and what to do. Exit code 0 if nothing is wrong, or only notes; 1 with findings.
    Doctor(doctor::Options),
    /// Tells platforms where their webhooks go, shows what they have registered, takes it back.
    Webhooks {
        #[command(subcommand)]
        verb: webhooks::Verb,
    },
}

#[derive(Subcommand)]
enum Connections {
    /// Reads the file and reports every problem, with line, key and what was expected.
    Validate {
        /// The file.
        #[arg(default_value = "connections.toml")]
        file: PathBuf,
    },
    /// Writes the file's secrets and rows into a deployed stack or a local run: first shows what it will do, asks before
    /// it changes or removes what is there, and prints what to paste into the platforms.
    Apply(apply::Options),
    /// Shows callback URLs, what to paste where, connections and routes.
    Show(show::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return report(&error.into()),
    };
    let outcome = match arguments.command {
        Command::Demo(options) => runtime.block_on(demo::run(&options)),
        Command::Local(options) => runtime.block_on(local::run(&options)).map(|()| true),
        Command::Replay(options) => runtime.block_on(replay::run(&options)),
        Command::Release(chosen) => runtime.block_on(held::run(&chosen, Choice::Release)),
        Command::Reject(chosen) => runtime.block_on(held::run(&chosen, Choice::Reject)),
        Command::Resolve(options) => runtime.block_on(resolve::run(&options)),
        Command::Redrive(options) => runtime.block_on(redrive::run(&options)),
        Command::Erase(chosen) => runtime.block_on(erase::run(&chosen)),
        Command::Send(options) => runtime.block_on(send::run(&options)),
        Command::Inspect(options) => inspect::run(&options),
        Command::Plan(options) => plan::run(&options),
        Command::Diagnose(options) => diagnose::run(&options),
        Command::Profiles(options) => profiles::run(&options),
        Command::Completions(options) => generated::completions(&options, Arguments::command()),
        Command::Man(options) => generated::man(&options, Arguments::command()),
        Command::Doctor(options) => runtime.block_on(doctor::run(&options)),
        Command::Webhooks { verb } => runtime.block_on(webhooks::run(&verb)),
        Command::Connections { command } => match command {
            Connections::Validate { file } => validate(&file).map(|()| true),
            Connections::Apply(options) => runtime.block_on(apply::run(&options)),
            Connections::Show(options) => runtime.block_on(show::run(&options)).map(|()| true),
        },
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => report(&error),
    }
}

fn validate(file: &std::path::Path) -> anyhow::Result<()> {
    let loaded = Loaded::read(file, "prod")?;
    println!(
        "{}: {} rows, {} secrets referred to; nothing is wrong",
        file.display(),
        loaded.rows.len(),
        loaded.secrets.len()
    );
    for flag in loaded.policy()?.let_through() {
        println!("policy: {flag} is \"clean\": what has it is delivered, as somebody wants it");
    }
    Ok(())
}

fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("attache: {error:#}");
    ExitCode::FAILURE
}
