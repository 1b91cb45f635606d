//! `attache redrive`: puts back on its way what was lost, refused or given up, once what stood in its way is mended.

mod letters;
mod report;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use attache_domain::ids::MediaId;
use attache_domain::job::DeadLetter;
use attache_domain::journey::Unfit;
use attache_domain::time::Timestamp;
use attache_flow::reopening::Redriven;
use clap::builder::NonEmptyStringValueParser;
use clap::{ArgGroup, Args};

use crate::moment::moment;
use crate::reopener::Reopener;
use crate::system::{Target, asked};
use letters::{Letter, Letters};
use report::Report;

/// Where what was given up lies, with why.
const DEAD_LETTERS: [&str; 3] = [
    "FetchDeadLettersUrl",
    "MediaDeadLettersUrl",
    "TextDeadLettersUrl",
];

/// Options of `attache redrive`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("which").required(true).multiple(true).args(["id", "cause", "since"]))]
pub struct Options {
    /// These items, by their media ids; also those that were rejected because of the channel's limits, which leave no dead letter.
    #[arg(long, value_name = "ID", num_args = 1..)]
    id: Vec<MediaId>,
    /// What was given up for this cause, by the code of its diagnosis (whatsapp.token-refused), or by how that begins (genesys.).
    #[arg(long, value_name = "CODE")]
    cause: Option<String>,
    /// What was given up then or later: a day (2026-01-15, from midnight UTC) or RFC 3339 (2026-01-15T13:41:24Z).
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    #[command(flatten)]
    target: Target,
    /// Why; written down with each item.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    reason: String,
    /// Shows what would become of each item, and does nothing.
    #[arg(long)]
    dry_run: bool,
    /// Prints one line of JSON for each item instead: media, outcome, stage, cause, why.
    #[arg(long)]
    json: bool,
}

/// Redrives; `false` if an item that was named is not on its way again.
///
/// # Errors
/// If the system is not found, or AWS refuses; what was redriven until then stays on its way.
pub async fn run(options: &Options) -> Result<bool> {
    let system = options.target.locate().await?;
    let reopener = Reopener::new(&system)?;
    let mut report = Report::new(options.json, options.dry_run);
    let mut named = BTreeMap::new();
    for id in &options.id {
        let redriven = redrive(&reopener, id, options).await?;
        report.add(id, redriven, None);
        named.insert(id, redriven);
    }
    for output in DEAD_LETTERS {
        let mut letters = Letters::new(&system.clients.sqs, system.output(output)?);
        while let Some(letter) = letters.next().await? {
            let is_settled = match options.about(&letter) {
                None => false,
                Some(DeadLetter {
                    media, diagnosis, ..
                }) => match named.get(media) {
                    Some(redriven) => is_settled(*redriven),
                    None => {
                        let redriven = redrive(&reopener, media, options).await?;
                        report.add(media, redriven, Some(&diagnosis.code));
                        is_settled(redriven)
                    }
                },
            };
            if is_settled && !options.dry_run {
                letters.remove(letter).await?;
            } else {
                letters.leave(letter);
            }
        }
        letters.put_back().await?;
    }
    report.end();
    Ok(named.values().all(|it| matches!(it, Redriven::Now(_))))
}

/// Whether its dead letter has nothing more to say.
fn is_settled(redriven: Redriven) -> bool {
    match redriven {
        Redriven::Now(_) | Redriven::Unknown => true,
        Redriven::Unfit(_, unfit) => {
            matches!(unfit, Unfit::OnItsWay | Unfit::Arrived | Unfit::Unconfirmed)
        }
    }
}

impl Options {
    /// The dead letter, if it is one that is asked for.
    fn about<'a>(&self, letter: &'a Letter) -> Option<&'a DeadLetter> {
        let named: BTreeSet<&MediaId> = self.id.iter().collect();
        let dead = letter.dead.as_ref()?;
        if named.contains(&dead.media) {
            return Some(dead);
        }
        let by_cause = self.cause.as_ref();
        let fits = by_cause.is_none_or(|cause| dead.diagnosis.code.starts_with(cause.as_str()));
        let late = self.since.is_none_or(|since| letter.sent_at >= since);
        let asked = by_cause.is_some() || self.since.is_some();
        (asked && fits && late).then_some(dead)
    }
}

async fn redrive(reopener: &Reopener, id: &MediaId, options: &Options) -> Result<Redriven> {
    let reopening = reopener.reopening();
    let redriven = match options.dry_run {
        true => reopening.would_redrive(id).await,
        false => reopening.redrive(id, &options.reason).await,
    };
    redriven.map_err(|error| asked("dynamodb:PutItem", error))
}

#[cfg(test)]
mod tests {
    use attache_domain::diagnosis::Diagnosis;
    use attache_domain::diagnosis::rules::ours;
    use attache_domain::job::VERSION;
    use attache_domain::journey::Stage;
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        options: Options,
    }

    fn options(words: &str) -> Options {
        let words = ["attache"].into_iter().chain(words.split_whitespace());
        let all = words.chain(["--local", "--reason", "mended"]);
        Command::try_parse_from(all).unwrap().options
    }

    #[test]
    fn letters_are_chosen_by_name_cause_and_time() {
        let letter = Letter {
            receipt: "r".to_owned(),
            sent_at: Timestamp::parse_rfc3339("2026-01-15T13:00:00Z").unwrap(),
            dead: Some(DeadLetter {
                v: VERSION,
                media: "abcdefghijklmnopqrstuvwxyz".parse().unwrap(),
                epoch: 0,
                diagnosis: Diagnosis {
                    code: "whatsapp.token-refused".to_owned(),
                    ..ours::TOO_LATE.diagnosis("")
                },
            }),
        };
        for (words, expected) in [
            ("--cause whatsapp.token-refused", true),
            ("--cause whatsapp.", true),
            ("--cause genesys.", false),
            ("--since 2026-01-15", true),
            ("--since 2026-01-15T13:00:01Z", false),
            ("--cause whatsapp. --since 2026-01-16", false),
            ("--id abcdefghijklmnopqrstuvwxyz", true),
            ("--id abcdefghijklmnopqrstuvwxya", false),
            ("--id abcdefghijklmnopqrstuvwxyz --since 2026-01-16", true),
        ] {
            let about = options(words).about(&letter).is_some();
            assert_eq!(about, expected, "{words}");
        }
        let job = Letter {
            dead: None,
            ..letter
        };
        assert!(options("--since 2026-01-15").about(&job).is_none());
    }

    #[test]
    fn a_letter_stays_while_its_item_is_not_helped() {
        let unfit = |unfit| Redriven::Unfit(Stage::Lost, unfit);
        for (redriven, expected) in [
            (Redriven::Now(Stage::Stored), true),
            (Redriven::Unknown, true),
            (unfit(Unfit::Arrived), true),
            (unfit(Unfit::OnItsWay), true),
            (unfit(Unfit::Unconfirmed), true),
            (unfit(Unfit::Gone), false),
            (unfit(Unfit::NoBytes), false),
            (unfit(Unfit::KeptBack), false),
        ] {
            assert_eq!(is_settled(redriven), expected, "{redriven:?}");
        }
    }

    #[test]
    fn something_must_be_asked_for() {
        let none = Command::try_parse_from(["attache", "--local", "--reason", "mended"]);
        assert!(none.is_err());
    }
}
