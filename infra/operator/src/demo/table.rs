//! The end of the tour: what was promised against what was seen at the receiving side, in a table and one line of JSON.

use std::collections::BTreeMap;

use attache_domain::digest::Sha256Digest;
use attache_local::LocalRun;
use attache_platforms::genesys::AgentMessage;
use serde::Serialize;

use super::as_expected;
use super::cast::{Piece, Trouble};
use super::dialogue::{Proof, Spoken};
use super::seen::Receivers;
use super::stage::Outcome;
use super::timeline::Timeline;
use crate::standins::StandIns;

struct Line {
    name: String,
    outcome: Outcome,
    /// What its receiver has.
    arrived: &'static str,
    /// The receiver has exactly what was sent.
    identical: bool,
    /// Everything expected of this piece was seen.
    fine: bool,
}

/// What was seen.
pub(super) struct Seen {
    lines: Vec<Line>,
    broken: Vec<String>,
    totals: Totals,
}

#[derive(Debug, Serialize)]
struct Totals {
    demo: &'static str,
    items: usize,
    delivered: usize,
    quarantined: usize,
    held: usize,
    lost: usize,
    duplicates_sent: usize,
}

/// Compares everything.
pub(super) fn judge(
    pieces: &[Piece],
    outcomes: Vec<Outcome>,
    (spoken, of_words): (&[Spoken], Vec<Outcome>),
    standins: &StandIns,
    run: &LocalRun,
) -> Seen {
    let receivers = Receivers::of(standins);
    let messages = standins.genesys.messages();
    let mut by_message: BTreeMap<String, Vec<&AgentMessage>> = BTreeMap::new();
    for message in &messages {
        by_message
            .entry(message.channel_message_id.clone().unwrap_or_default())
            .or_default()
            .push(message);
    }
    let mut broken = Vec::new();
    let mut lines = Vec::new();
    let mut duplicates_sent = 0;
    for (piece, outcome) in pieces.iter().zip(outcomes) {
        let shown = by_message.remove(&outcome.message).unwrap_or_default();
        duplicates_sent += shown.len().saturating_sub(1);
        let digest = Sha256Digest::of(&piece.bytes).to_string();
        let attachments: Vec<_> = shown
            .iter()
            .flat_map(|message| &message.attachments)
            .collect();
        let identical = !attachments.is_empty()
            && attachments
                .iter()
                .all(|a| a.sha256() == Some(digest.as_str()));
        let complaints = complaints(piece, &outcome, shown.len(), identical);
        lines.push(Line {
            name: piece.file_name.clone(),
            outcome,
            arrived: "same SHA-256",
            identical,
            fine: complaints.is_empty(),
        });
        broken.extend(
            complaints
                .into_iter()
                .map(|complaint| format!("{}: {complaint}", piece.file_name)),
        );
    }
    for (one, outcome) in spoken.iter().zip(of_words) {
        let copies = receivers.count(&one.proof);
        duplicates_sent += copies.saturating_sub(1);
        let complaints = receivers.complaints(one, &outcome);
        let fine = complaints.is_empty();
        broken.extend(complaints.into_iter().map(|c| format!("{}: {c}", one.name)));
        lines.push(Line {
            name: one.name.clone(),
            outcome,
            arrived: match one.proof {
                Proof::CustomerHas(..) => "same SHA-256",
                Proof::AgentReads(_) | Proof::CustomerReads(_) => "same words",
                Proof::Refused(_) => "the agent is told",
            },
            identical: copies == 1 && fine,
            fine,
        });
    }
    broken.extend(receivers.strangers(|id| lines.iter().any(|line| line.outcome.message == id)));
    let kept_back = |line: &&Line| !line.identical && line.fine;
    let (notices, untold) = (receivers.notices(), lines.iter().filter(kept_back).count());
    if notices != untold {
        broken.push(format!(
            "{untold} messages did not arrive, and the agent got {notices} notices"
        ));
    }
    broken.extend(
        standins
            .whatsapp
            .violations()
            .iter()
            .map(|v| format!("WhatsApp's specification: {v:?}")),
    );
    broken.extend(
        standins
            .genesys
            .violations()
            .iter()
            .map(|v| format!("Genesys' specification: {v:?}")),
    );
    broken.extend(
        standins
            .canary
            .strays()
            .iter()
            .map(|stray| format!("a token went astray: {stray:?}")),
    );
    if pieces.iter().any(|piece| piece.trouble == Trouble::Killed)
        && run.invocations("FetchFunction").failed == 0
    {
        broken.push("no invocation of fetch died, though it was killed".to_owned());
    }
    let verdicts = |word: &str| {
        lines
            .iter()
            .filter(|line| line.outcome.verdict == word)
            .count()
    };
    let delivered = lines.iter().filter(|line| line.identical).count();
    let totals = Totals {
        demo: if broken.is_empty() { "ok" } else { "failed" },
        items: lines.len(),
        delivered,
        quarantined: verdicts("quarantined"),
        held: verdicts("held"),
        lost: lines
            .iter()
            .filter(|line| !line.outcome.at_rest || line.outcome.stage == "lost")
            .count(),
        duplicates_sent,
    };
    Seen {
        lines,
        broken,
        totals,
    }
}

fn complaints(piece: &Piece, outcome: &Outcome, shown: usize, identical: bool) -> Vec<String> {
    let mut complaints = Vec::new();
    if !as_expected(piece, outcome) {
        complaints.push(format!(
            "ended as {} and {}, expected {:?}; {}",
            outcome.stage, outcome.verdict, piece.expected, outcome.why
        ));
    }
    let delivered = outcome.stage == "sent";
    match (delivered, shown) {
        (true, 1) if identical => {}
        (true, 1) => {
            complaints.push("the agent's copy differs from what the customer sent".to_owned())
        }
        (true, n) => complaints.push(format!("the agent got it {n} times")),
        (false, 0) => {}
        (false, n) => complaints.push(format!(
            "the agent got it {n} times, though it is {}",
            outcome.stage
        )),
    }
    match piece.trouble {
        Trouble::Throttled if outcome.attempts != 2 => {
            complaints.push(format!("{} attempts met 429, expected 2", outcome.attempts))
        }
        Trouble::Killed if outcome.sweeps == 0 => {
            complaints.push("sweep did not have to bring it home".to_owned())
        }
        Trouble::None | Trouble::Repeated | Trouble::Throttled | Trouble::Killed => {}
    }
    complaints
}

impl Seen {
    /// Whether everything promised was seen.
    pub(super) fn ok(&self) -> bool {
        self.broken.is_empty()
    }

    /// The last line for machines.
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(&self.totals)
            .unwrap_or_else(|error| format!("{{\"demo\":\"failed\",\"error\":\"{error}\"}}"))
    }
}

/// Prints the table and the sentence below it.
pub(super) fn print(seen: &Seen, timeline: &Timeline) {
    println!(
        "\n{:<22} {:<12} {:<10} {:>8}  at the receiver",
        "message", "verdict", "stage", "time"
    );
    for line in &seen.lines {
        let outcome = &line.outcome;
        let arrived = match (line.identical, line.fine) {
            (true, _) => line.arrived,
            (false, true) => "the agent is told",
            (false, false) => "NOT AS PROMISED",
        };
        let seconds = outcome.took.as_secs_f32();
        println!(
            "{:<22} {:<12} {:<10} {seconds:>6.2} s  {arrived}",
            line.name, outcome.verdict, outcome.stage
        );
        if outcome.verdict != "clean" && !outcome.why.is_empty() {
            println!("{:<22} └ {}", "", outcome.why);
        }
    }
    let totals = &seen.totals;
    println!(
        "\n{} of {} delivered, {} quarantined, {} held, {} lost, {} sent twice, in {:.1} s.",
        totals.delivered,
        totals.items,
        totals.quarantined,
        totals.held,
        totals.lost,
        totals.duplicates_sent,
        timeline.elapsed().as_secs_f32()
    );
    for broken in &seen.broken {
        println!("NOT AS PROMISED: {broken}");
    }
}
