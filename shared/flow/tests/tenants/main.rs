//! Several tenants in one deployment: whatever one of them signs, it reaches no other's rows, conversations, files, tokens,
//! limits, secrets or words.
//!
//! Three tenants share every process, cache and table. Each has lived a little ([`life`]); then one of them posts forged
//! webhooks ([`forger`]) that its own secrets sign and that name the others' numbers, integrations, customers, messages,
//! media, items and hosts. After each batch the loops run, and everything that is the others' is compared with what it was.

mod forger;
mod internet;
mod life;
mod property;
mod site;
mod spies;

use attache_domain::journey::Stage;

use forger::{Forged, Forger};
use property::Property;
use site::{Site, TENANTS};

/// Forged webhooks in all.
const CASES: usize = 10_000;

/// Each round begins with three tenants that have just lived a little.
const ROUNDS: usize = 20;

/// So many are posted before the loops run and everything is looked at.
const BATCH: usize = 20;

/// What came of the forged webhooks: were nothing ever carried or kept, nothing would have been tried.
#[derive(Debug, Default)]
struct Tally {
    forged: usize,
    refused: usize,
    kept: usize,
    carried: usize,
    answered: usize,
}

/// One tenant against the others.
fn round(seed: usize, tally: &mut Tally) {
    let attacker = TENANTS[seed % TENANTS.len()];
    let site = Site::new();
    let known = life::live(&site);
    let others: Vec<&str> = TENANTS
        .into_iter()
        .filter(|tenant| *tenant != attacker)
        .collect();
    let before: Vec<Property> = others.iter().map(|t| Property::of(&site, t)).collect();
    assert!(before.iter().all(Property::is_rich), "nothing to be lost");
    site.watch(attacker);
    let mut forger = Forger::new(seed as u64, attacker, &known);
    for batch in 0..CASES / ROUNDS / BATCH {
        for _ in 0..BATCH {
            let forged = forger.forge();
            let status = site.post(&forged);
            let is_ours = matches!(status, 200 | 400 | 503);
            assert_eq!(is_ours, forged.is_own, "{status}: {forged:?}");
            tally.refused += usize::from(!is_ours);
            tally.forged += 1;
        }
        site.run(3);
        untouched(
            &site,
            &others,
            &before,
            &format!("seed {seed}, batch {batch}"),
        );
    }
    site.run(90);
    untouched(&site, &others, &before, &format!("seed {seed}, at the end"));
    assert_eq!(site.quoting(&others), Vec::<String>::new(), "seed {seed}");
    let state = site.world.state.borrow();
    tally.kept += state.kept.len();
    tally.answered += site.internet.calls();
    let is_through = |stage: Stage| matches!(stage, Stage::Sent | Stage::Delivered | Stage::Read);
    tally.carried += state
        .items
        .values()
        .filter(|item| is_through(item.gate.stage))
        .count();
}

fn untouched(site: &Site, others: &[&str], before: &[Property], when: &str) {
    for (tenant, before) in others.iter().zip(before) {
        let now = Property::of(site, tenant);
        assert_eq!(&now, before, "{when}: what is {tenant}'s was changed");
    }
    let breaches = site.breaches(others);
    assert!(breaches.is_empty(), "{when}: {breaches:#?}");
}

#[test]
fn ten_thousand_forged_webhooks_reach_nothing_of_another_tenant() {
    let mut tally = Tally::default();
    for seed in 0..ROUNDS {
        round(seed, &mut tally);
    }
    assert_eq!(tally.forged, CASES);
    let least = CASES / 20;
    assert!(
        tally.refused > least
            && tally.kept > least
            && tally.carried > least
            && tally.answered > least,
        "{tally:?}"
    );
}

#[test]
fn what_does_not_carry_the_right_signature_causes_no_call() {
    let site = Site::new();
    let known = life::live(&site);
    let calls = || site.world.state.borrow().calls.values().sum::<usize>();
    let before = calls();
    let mut forger = Forger::new(7, "a", &known);
    for _ in 0..200 {
        let forged = forger.under_a_wrong_signature();
        let status = site.post(&forged);
        assert!(matches!(status, 401 | 404), "{status}: {forged:?}");
    }
    assert_eq!(calls(), before);
}

#[test]
fn the_tenants_themselves_go_on_as_before() {
    let site = Site::new();
    let known = life::live(&site);
    site.watch("a");
    let mut forger = Forger::new(11, "a", &known);
    let forged: Vec<Forged> = (0..60).map(|_| forger.forge()).collect();
    for forged in &forged {
        site.post(forged);
    }
    site.run(3);
    // What was refused to the forger is granted to the owner: a quotation, a receipt.
    site.watch("b");
    life::answer(&site, "b", &known);
    site.run(5);
    let told = site.internet.told("b");
    assert!(
        told.iter().any(|text| text.starts_with("↪ “words-of-b")),
        "{told:?}"
    );
    assert_eq!(site.breaches(&["a", "c"]), Vec::<String>::new());
}
