//! The tours: for each profile that can be shown, what is configured, what is played, and what has to be seen of it at the receivers.
//!
//! WhatsApp's is the long one and has a table of its own. Every other is an entry of [`TOURS`]: it names its profile, brings its rows,
//! subscribes its webhooks, and plays its scene, which ends well only if each of its [`Promise`]s was kept.

mod social;
mod web_messaging;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use attache_domain::connection::Profile;
use attache_domain::ids::{AttachmentId, ConnectionId, MediaId, MessageId};
use attache_local::LocalRun;

use super::Options;
use super::stage::{Outcome, Watch};
use super::timeline::Timeline;
use crate::binaries;
use crate::site::{self, STAGE, Seed, SiteOptions};
use crate::standins::{Social, StandIns};

/// How long a scene may take to come to rest.
const CURTAIN: Duration = Duration::from_secs(90);

/// One profile's tour.
#[async_trait(?Send)]
pub(super) trait Tour: Sync {
    /// Whose it is.
    fn profile(&self) -> Profile;

    /// What is configured beside the number and its agents.
    fn seed(&self, standins: &StandIns) -> Result<Seed>;

    /// Tells the platforms where their webhooks go, beside WhatsApp's and Genesys' own.
    async fn subscribe(&self, standins: &StandIns, api_url: &str) -> Result<()>;

    /// Plays it.
    async fn play(&self, scene: &mut Scene<'_>) -> Result<()>;
}

/// Every tour but WhatsApp's.
const TOURS: &[&dyn Tour] = &[
    &social::Page(Social::MESSENGER),
    &social::Page(Social::INSTAGRAM),
    &web_messaging::Channel,
];

/// The names of all tours, the first one the one that is played unasked.
pub(super) fn names() -> Vec<&'static str> {
    let others = TOURS.iter().map(|tour| tour.profile().as_str());
    std::iter::once(Profile::WhatsApp.as_str())
        .chain(others)
        .collect()
}

/// The tour of this profile; `None`: WhatsApp's own.
///
/// # Errors
/// If the name is no tour's; names those there are.
pub(super) fn named(name: &str) -> Result<Option<&'static dyn Tour>> {
    if name == Profile::WhatsApp.as_str() {
        return Ok(None);
    }
    let tour = TOURS.iter().find(|tour| tour.profile().as_str() == name);
    match tour {
        Some(tour) => Ok(Some(*tour)),
        None => bail!(
            "there is no tour of {name:?}; there are {}",
            names().join(", ")
        ),
    }
}

/// What was seen of a promise at its receiver: how many copies there are, and how many there have to be.
type Seen = Box<dyn Fn(&StandIns) -> usize>;

/// Something that has to be seen.
struct Promise {
    name: String,
    until: &'static [&'static str],
    seen: Seen,
    wanted: usize,
}

/// A tour while it is played.
pub(super) struct Scene<'a> {
    pub(super) standins: &'a StandIns,
    pub(super) run: &'a LocalRun,
    pub(super) timeline: &'a Timeline,
    watch: Watch,
    promises: Vec<Promise>,
}

impl Scene<'_> {
    /// Promises that a part of a message ends in one of these stages, and is seen so many times at its receiver.
    pub(super) fn promise(
        &mut self,
        name: &str,
        (connection, message, part): (&str, &str, AttachmentId),
        until: &'static [&'static str],
        (wanted, seen): (usize, Seen),
    ) {
        let connection = ConnectionId::new(connection);
        let id = MediaId::derive(&connection, &MessageId::new(message), &part);
        self.watch.add(name, message, id, until);
        self.promises.push(Promise {
            name: name.to_owned(),
            until,
            seen,
            wanted,
        });
    }

    /// Watches until `other` is done.
    ///
    /// # Errors
    /// If the rows cannot be read.
    pub(super) async fn follow<T>(&mut self, other: impl Future<Output = T>) -> Result<T> {
        self.watch.follow_while(self.timeline, other).await
    }

    /// Watches until everything promised so far has arrived or ended.
    ///
    /// # Errors
    /// If the rows cannot be read.
    pub(super) async fn settle(&mut self) -> Result<()> {
        self.watch.until_over(self.timeline, CURTAIN).await
    }
}

/// Plays a tour; `true` if everything promised was seen.
///
/// # Errors
/// If something cannot be built or started.
pub(super) async fn play(tour: &dyn Tour, options: &Options) -> Result<bool> {
    anyhow::ensure!(
        options.files.is_empty(),
        "--file goes with the tour of whatsapp alone"
    );
    println!("Building the functions …");
    let folder = binaries::build().await?;
    let standins = StandIns::start().await?;
    let site_options = SiteOptions {
        aws_endpoint: options.aws_endpoint.clone(),
        ..SiteOptions::default()
    };
    let provisioned = site::provision(folder, site_options).await?;
    let seed = standins.seed(STAGE)?.and(tour.seed(&standins)?);
    let run = site::start(provisioned, &seed).await?;
    standins
        .subscribe(run.api_url())
        .await
        .context("WhatsApp's verification call")?;
    tour.subscribe(&standins, run.api_url()).await?;
    println!(
        "Up: functions as processes behind {}, stand-ins for the platforms beside them. The tour of {}.\n",
        run.api_url(),
        tour.profile()
    );
    let timeline = Timeline::start();
    let mut scene = Scene {
        standins: &standins,
        run: &run,
        timeline: &timeline,
        watch: Watch::new(&run)?,
        promises: Vec::new(),
    };
    tour.play(&mut scene).await?;
    let Scene {
        watch, promises, ..
    } = scene;
    let outcomes = watch.until_at_rest(&timeline, CURTAIN).await?;
    let lines: Vec<Line> = promises
        .iter()
        .zip(outcomes)
        .map(|(promise, outcome)| Line::of(promise, outcome, &standins))
        .collect();
    let broken = broken(&lines, &standins);
    run.stop().await?;
    print(&lines, &broken, &timeline);
    if options.json {
        let demo = if broken.is_empty() { "ok" } else { "failed" };
        let kept = lines.iter().filter(|line| line.complaint.is_none()).count();
        let totals = serde_json::json!({
            "demo": demo, "profile": tour.profile().as_str(), "items": lines.len(), "as_promised": kept,
        });
        println!("{totals}");
    }
    Ok(broken.is_empty())
}

/// A promise beside what came of it.
struct Line {
    name: String,
    outcome: Outcome,
    copies: usize,
    complaint: Option<String>,
}

impl Line {
    fn of(promise: &Promise, outcome: Outcome, standins: &StandIns) -> Self {
        let copies = (promise.seen)(standins);
        let (stage, wanted) = (outcome.stage, promise.wanted);
        let complaint = if !promise.until.contains(&stage) {
            let expected = promise.until;
            Some(format!(
                "ended as {stage}, expected {expected:?}; {}",
                outcome.why
            ))
        } else if copies != wanted {
            Some(format!(
                "seen {copies} times at its receiver, expected {wanted}"
            ))
        } else {
            None
        };
        Self {
            name: promise.name.clone(),
            outcome,
            copies,
            complaint,
        }
    }
}

/// Everything that is not as it was promised.
fn broken(lines: &[Line], standins: &StandIns) -> Vec<String> {
    let of_lines = lines.iter().filter_map(|line| {
        let complaint = line.complaint.as_ref()?;
        Some(format!("{}: {complaint}", line.name))
    });
    let whatsapp = standins.whatsapp.violations().into_iter();
    let violations = whatsapp.chain(standins.genesys.violations());
    let violations = violations.map(|it| format!("a specification: {it:?}"));
    let undocumented = standins.messenger.breaches().into_iter();
    let undocumented = undocumented.map(|it| format!("not documented: {it}"));
    let strays = standins.canary.strays().into_iter();
    let strays = strays.map(|stray| format!("a token went astray: {stray:?}"));
    of_lines
        .chain(violations)
        .chain(undocumented)
        .chain(strays)
        .collect()
}

fn print(lines: &[Line], broken: &[String], timeline: &Timeline) {
    println!(
        "\n{:<26} {:<12} {:<12} {:>8}  at the receiver",
        "message", "verdict", "stage", "time"
    );
    for line in lines {
        let outcome = &line.outcome;
        let seen = match (&line.complaint, line.copies) {
            (Some(_), _) => "NOT AS PROMISED".to_owned(),
            (None, 0) => "nothing, and the agent is told".to_owned(),
            (None, copies) => format!("as it was sent, {copies} time"),
        };
        println!(
            "{:<26} {:<12} {:<12} {:>6.2} s  {seen}",
            line.name,
            outcome.verdict,
            outcome.stage,
            outcome.took.as_secs_f32()
        );
    }
    println!(
        "\n{} of {} as promised, in {:.1} s.",
        lines.len() - lines.iter().filter(|line| line.complaint.is_some()).count(),
        lines.len(),
        timeline.elapsed().as_secs_f32()
    );
    for broken in broken {
        println!("NOT AS PROMISED: {broken}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tour_has_a_profile_of_its_own_and_others_are_named() {
        let mut names = names();
        for name in &names {
            assert!(named(name).is_ok(), "{name}");
        }
        let told = named("fax").map(|_| ()).unwrap_err().to_string();
        assert!(told.contains("whatsapp, messenger, instagram"), "{told}");
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TOURS.len() + 1);
    }
}
