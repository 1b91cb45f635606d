//! Some hundred seeds of the simulation, that a seed is a run, and its power: each planted bug found.

use std::collections::{BTreeMap, BTreeSet};

use attache_domain::journey::Stage;
use attache_simulation::faults::Fault;
use attache_simulation::reference::Promise;
use attache_simulation::run::{Settings, play};
use attache_simulation::sabotage::Sabotage;
use attache_simulation::trace::Keep;

/// Plays every seed, and looks at how much of what can happen did.
#[test]
fn no_promise_is_broken_and_everything_was_tried() {
    let settings = Settings::new(Keep::Nothing, Sabotage::None);
    let mut struck = BTreeMap::<Fault, u32>::new();
    let mut endings = BTreeSet::new();
    for seed in 0..600 {
        let outcome = play(seed, &settings);
        assert_eq!(outcome.violation, None, "seed {seed}");
        for (fault, times) in outcome.struck {
            *struck.entry(fault).or_default() += times;
        }
        endings.extend(outcome.endings);
    }
    let rare: Vec<_> = Fault::ALL
        .iter()
        .filter(|fault| !struck.contains_key(fault))
        .collect();
    assert_eq!(rare, Vec::<&Fault>::new(), "never struck; {struck:?}");
    for stage in [
        Stage::Sent,
        Stage::Kept,
        Stage::Planned,
        Stage::Rejected,
        Stage::Lost,
        Stage::Failed,
        Stage::Delivered,
        Stage::Read,
        Stage::Undelivered,
        Stage::Unconfirmed,
        Stage::Erased,
    ] {
        assert!(endings.contains(&stage), "no item ended as {stage:?}");
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    let settings = Settings::new(Keep::Digest, Sabotage::None);
    let digests: Vec<_> = (0..20).map(|seed| play(seed, &settings).digest).collect();
    let again: Vec<_> = (0..20).map(|seed| play(seed, &settings).digest).collect();
    assert_eq!(digests, again);
    let different: BTreeSet<_> = digests.iter().map(ToString::to_string).collect();
    assert_eq!(different.len(), 20);
}

/// The first seed that notices, and the promise it names.
fn noticed(sabotage: Sabotage, seeds: u64) -> Option<(u64, Promise)> {
    let settings = Settings::new(Keep::Nothing, sabotage);
    (0..seeds).find_map(|seed| Some((seed, play(seed, &settings).violation?.promise)))
}

/// Looks whether each is noticed within so many seeds, and as one of the promises that it breaks.
fn all_are_noticed(planted: &[(Sabotage, u64, &[Promise])]) {
    let mut wrong = Vec::new();
    for (sabotage, seeds, promises) in planted {
        let found = noticed(*sabotage, *seeds);
        println!("{sabotage:?}: {found:?}");
        if !found.is_some_and(|(_, promise)| promises.contains(&promise)) {
            wrong.push((*sabotage, found));
        }
    }
    assert_eq!(wrong, [], "unnoticed, or noticed as something else");
}

/// In two steps, and where a target is down for hours.
#[test]
fn planted_bugs_of_waiting_are_found() {
    all_are_noticed(&[
        (Sabotage::DropEarlyEvents, 2_000, &[Promise::Handed]),
        (Sabotage::KeepProbes, 300, &[Promise::Probed]),
    ]);
}

#[test]
fn planted_bugs_are_found() {
    all_are_noticed(&[
        (
            Sabotage::IgnoreRevisions,
            10,
            &[Promise::Monotonic, Promise::Trail],
        ),
        // Who takes a claim from another may make his calls besides.
        (
            Sabotage::StealClaims,
            1_000,
            &[Promise::Alone, Promise::Attempts],
        ),
        (
            Sabotage::AnnounceFromMemory,
            20,
            &[Promise::Durable, Promise::Told, Promise::Receipts],
        ),
        (Sabotage::KeepTornObjects, 60, &[Promise::Bytes]),
        (Sabotage::NeverSweep, 60, &[Promise::Ends]),
        (Sabotage::BlindJudge, 30, &[Promise::Clean, Promise::Ends]),
        (Sabotage::SkipScans, 30, &[Promise::Clean, Promise::Ends]),
        (Sabotage::NeverWait, 200, &[Promise::Paced]),
        (Sabotage::TrustStrangers, 300, &[Promise::Bearer]),
        (Sabotage::RepeatUnknown, 400, &[Promise::Once]),
        (Sabotage::SkipNotices, 30, &[Promise::Told]),
        (Sabotage::SkipReceipts, 30, &[Promise::Receipts]),
        (Sabotage::ReceiptTwice, 30, &[Promise::Once]),
        (Sabotage::DropCaptions, 30, &[Promise::Faithful]),
        (Sabotage::IgnoreWindow, 60, &[Promise::Window]),
        (Sabotage::TokenEverywhere, 30, &[Promise::Bearer]),
        (Sabotage::ForgetTries, 1_000, &[Promise::Patience]),
        (Sabotage::AcknowledgeAlways, 30, &[Promise::Durable]),
        (Sabotage::ForgetBundles, 60, &[Promise::Order]),
        // Where a target is down, nobody learns of it under that key.
        (
            Sabotage::WordsBehindFiles,
            1_000,
            &[Promise::Words, Promise::Ends],
        ),
        (Sabotage::FreeLate, 300, &[Promise::Patience]),
        (Sabotage::ForgetNotes, 30, &[Promise::Erased]),
        (Sabotage::SendTombstones, 200, &[Promise::Erased]),
        (Sabotage::KeepLateStores, 8_000, &[Promise::Erased]),
        (Sabotage::KeepReferences, 30, &[Promise::Referenced]),
        (Sabotage::CutLinks, 30, &[Promise::Referenced]),
        (Sabotage::LetAllProbe, 300, &[Promise::Spared]),
        (Sabotage::ForgetHosts, 300, &[Promise::Spared]),
        (Sabotage::ForgetErrors, 1_000, &[Promise::Spared]),
        (Sabotage::AskAlways, 30, &[Promise::Spared]),
    ]);
}

/// Queues may even lose what they hand out: rows know what is to be done, and the sweep sees to it.
#[test]
fn lost_messages_are_swept_home() {
    assert_eq!(noticed(Sabotage::AcknowledgeFirst, 60), None);
}
