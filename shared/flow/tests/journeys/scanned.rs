//! What a scanner, the block list and the owner's policy make of a file's journey.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::rc::Rc;
use std::time::Duration;

use attache_domain::connection::{Directory, FilePolicy, Row};
use attache_domain::digest::Sha256Digest;
use attache_domain::journey::{Item, Stage};
use attache_domain::scan::Scanned;
use attache_domain::scan::guardduty::{self, ObjectScan};
use attache_domain::verdict::Verdict;
use attache_flow::batch::Trouble;
use attache_flow::memory::Calm;
use attache_flow::ports::{Clock, Queue};
use attache_flow::reopening::{Redriven, Reopening};
use futures_util::FutureExt;
use serde_json::json;

use crate::world::{Answer, DISGUISED, PHOTO, Site, Way, rows_of_the_site};

const PATIENCE: Duration = Duration::from_secs(900);

/// A site whose file the inspection finds nothing wrong with, before anything was judged.
fn scanned_by(way: Way) -> Site {
    let site = Site::new(PHOTO);
    site.scanning.set(Some((way, PATIENCE)));
    site
}

/// The scanner knows the file.
fn infected(site: &Site) {
    let signature = (PHOTO[..64].to_vec(), "Photo.Test".to_owned());
    site.world.state.borrow_mut().signatures.push(signature);
}

fn sent(site: &Site) {
    site.announce("m", Some("photo.jpg"));
    site.run(5);
}

/// The event by which GuardDuty tells of the stored file.
fn event(site: &Site, status: &str, etag: Option<&str>) -> ObjectScan {
    let id = site.id();
    let stored = site
        .world
        .state
        .borrow()
        .objects
        .get(&id)
        .map(|it| it.stored().etag);
    let etag = etag.map(str::to_owned).or(stored).unwrap_or_default();
    let threats = (status == "THREATS_FOUND").then(|| json!([{ "name": "EICAR" }]));
    let event = json!({ "detail": {
        "scanStatus": "COMPLETED",
        "s3ObjectDetails": { "bucketName": "b", "objectKey": id.arrival_key(), "eTag": etag.trim_matches('"') },
        "scanResultDetails": { "scanResultStatus": status, "threats": threats },
    }});
    guardduty::read(&event).unwrap()
}

fn tell(site: &Site, scan: &ObjectScan) -> Result<(), Trouble> {
    let judge = site.judge_of_files();
    judge.object_scanned(scan).now_or_never().unwrap()
}

fn state(item: &Item) -> (Stage, Verdict) {
    (item.gate.stage, item.gate.verdict)
}

fn codes(item: &Item) -> Vec<&str> {
    item.record
        .reasons
        .iter()
        .map(|it| it.code.as_str())
        .collect()
}

fn in_quarantine(site: &Site) -> (bool, bool) {
    let state = site.world.state.borrow();
    let id = site.id();
    (
        state.objects.contains_key(&id),
        state.quarantine.contains_key(&id),
    )
}

/// What the agent was told.
fn notices(site: &Site) -> Vec<String> {
    let sends = site.platforms.sends.borrow();
    let texts = sends.iter().filter_map(|body| body["text"].as_str());
    let ours = texts.filter(|text| text.starts_with("[Attaché]"));
    ours.map(str::to_owned).collect()
}

/// Time passes in small steps, with everything running in between.
fn wait(site: &Site, seconds: u64) {
    for _ in 0..seconds / 5 {
        site.pass(5);
        site.sweep();
        site.run(3);
    }
}

#[test]
fn what_only_the_scanner_knows_is_quarantined_and_told() {
    let site = scanned_by(Way::Asked);
    infected(&site);
    sent(&site);
    let item = site.item();
    assert_eq!(state(&item), (Stage::Rejected, Verdict::Quarantined));
    assert_eq!(codes(&item)[0], "malware");
    assert_eq!(item.record.reasons[0].evidence, "twin: Photo.Test");
    assert_eq!(in_quarantine(&site), (false, true));
    assert!(site.files_sent().is_empty());
    let said = notices(&site).join("\n");
    assert!(
        said.contains("it is dangerous and was put into quarantine (twin: Photo.Test"),
        "{said}"
    );
}

#[test]
fn a_scanned_file_costs_no_write_more_and_says_who_cleared_it() {
    let site = scanned_by(Way::Asked);
    sent(&site);
    let with = site.world.state.borrow().writes.len();
    assert_eq!(site.item().record.cleared_by.as_deref(), Some("twin"));
    assert_eq!(site.files_sent().len(), 1);
    let site = Site::new(PHOTO);
    sent(&site);
    assert_eq!(site.world.state.borrow().writes.len(), with);
    assert_eq!(site.item().record.cleared_by, None);
}

#[test]
fn what_is_dangerous_anyway_is_not_scanned() {
    let site = Site::new(DISGUISED);
    site.scanning.set(Some((Way::Asked, PATIENCE)));
    site.announce("m", Some("invoice.png"));
    site.run(5);
    assert_eq!(site.item().gate.verdict, Verdict::Quarantined);
    assert!(!site.world.state.borrow().calls.contains_key("scanner.scan"));
}

#[test]
fn a_scanner_that_is_down_delays_a_file_and_loses_none() {
    let site = scanned_by(Way::Asked);
    site.world.state.borrow_mut().scanner_is_down = true;
    sent(&site);
    wait(&site, 60);
    let item = site.item();
    assert_eq!(state(&item), (Stage::Stored, Verdict::Unjudged));
    assert!(site.files_sent().is_empty() && notices(&site).is_empty());
    let tries = site.world.state.borrow().calls["scanner.scan"];
    assert!((4..=6).contains(&tries), "{tries} tries in a minute");
    site.world.state.borrow_mut().scanner_is_down = false;
    wait(&site, 60);
    let item = site.item();
    assert_eq!(
        (state(&item), item.record.scan_since),
        ((Stage::Sent, Verdict::Clean), None)
    );
    assert_eq!(site.files_sent().len(), 1);
    item.trail.verify(&item.id).unwrap();
}

#[test]
fn a_scanner_that_stays_down_leaves_the_file_to_a_person() {
    let site = scanned_by(Way::Asked);
    site.world.state.borrow_mut().scanner_is_down = true;
    sent(&site);
    wait(&site, PATIENCE.as_secs() + 60);
    let item = site.item();
    assert_eq!(state(&item), (Stage::Planned, Verdict::Held));
    assert_eq!(codes(&item)[0], "not-scanned");
    assert!(item.is_held() && site.files_sent().is_empty());
    assert_eq!(notices(&site).len(), 1, "the agent is told");
    // Nobody looks any more.
    let tries = site.world.state.borrow().calls["scanner.scan"];
    wait(&site, 600);
    assert_eq!(site.world.state.borrow().calls["scanner.scan"], tries);
}

#[test]
fn a_lost_copy_of_the_job_is_made_up_for() {
    let site = scanned_by(Way::Asked);
    site.world.state.borrow_mut().scanner_is_down = true;
    sent(&site);
    site.world.state.borrow_mut().scanner_is_down = false;
    site.world.state.borrow_mut().queues.remove(&Queue::Judge);
    wait(&site, 120);
    assert_eq!(site.item().gate.stage, Stage::Sent);
    assert_eq!(site.files_sent().len(), 1);
}

#[test]
fn a_scan_that_cannot_be_is_not_tried_again() {
    let site = scanned_by(Way::Asked);
    site.world.state.borrow_mut().longest_scan = Some(10);
    sent(&site);
    assert_eq!(state(&site.item()), (Stage::Planned, Verdict::Held));
    assert_eq!(codes(&site.item())[0], "not-scanned");
    assert_eq!(site.world.state.borrow().calls["scanner.scan"], 1);
}

#[test]
fn a_file_waits_for_the_event_and_goes_on_once() {
    let site = scanned_by(Way::Told);
    sent(&site);
    wait(&site, 60);
    assert_eq!(state(&site.item()), (Stage::Stored, Verdict::Unjudged));
    assert!(site.files_sent().is_empty());
    let of_others = event(&site, "NO_THREATS_FOUND", Some("0123"));
    tell(&site, &of_others).unwrap();
    site.run(3);
    assert_eq!(site.item().gate.stage, Stage::Stored, "about other bytes");
    let scan = event(&site, "NO_THREATS_FOUND", None);
    for _ in 0..3 {
        tell(&site, &scan).unwrap();
        site.run(3);
    }
    let item = site.item();
    assert_eq!(state(&item), (Stage::Sent, Verdict::Clean));
    assert_eq!(item.record.cleared_by.as_deref(), Some(guardduty::NAME));
    assert_eq!(site.files_sent().len(), 1);
    item.trail.verify(&item.id).unwrap();
}

#[test]
fn a_file_that_is_judged_again_needs_no_second_event() {
    let site = scanned_by(Way::Told);
    site.platforms
        .answers
        .borrow_mut()
        .push_back(Answer::Status(400));
    sent(&site);
    tell(&site, &event(&site, "NO_THREATS_FOUND", None)).unwrap();
    site.run(5);
    assert_eq!(site.item().gate.stage, Stage::Failed);
    let reopening = Reopening {
        items: &site.world,
        objects: &site.world,
        jobs: &site.world,
        clock: &site.world,
        directories: &site.world,
    };
    let id = site.id();
    let redriven = reopening.redrive(&id, "mended").now_or_never();
    assert_eq!(redriven.unwrap().unwrap(), Redriven::Now(Stage::Stored));
    site.run(5);
    let item = site.item();
    assert_eq!(state(&item), (Stage::Sent, Verdict::Clean));
    assert_eq!(item.record.cleared_by.as_deref(), Some(guardduty::NAME));
    assert_eq!(site.files_sent().len(), 1);
}

#[test]
fn an_event_may_come_before_the_objects_own() {
    for (status, end) in [
        ("NO_THREATS_FOUND", (Stage::Sent, Verdict::Clean)),
        ("THREATS_FOUND", (Stage::Rejected, Verdict::Quarantined)),
        ("UNSUPPORTED", (Stage::Planned, Verdict::Held)),
    ] {
        let site = scanned_by(Way::Told);
        site.announce("m", Some("photo.jpg"));
        site.refresh();
        site.fetch();
        tell(&site, &event(&site, status, None)).unwrap();
        site.run(5);
        assert_eq!(state(&site.item()), end, "{status}");
        assert_eq!(site.files_sent().len(), usize::from(end.0 == Stage::Sent));
    }
}

#[test]
fn an_event_that_never_comes_ends_the_wait_by_sweep() {
    let site = scanned_by(Way::Told);
    sent(&site);
    let scan = event(&site, "NO_THREATS_FOUND", None);
    let malware = event(&site, "THREATS_FOUND", None);
    wait(&site, PATIENCE.as_secs() + 60);
    let item = site.item();
    assert_eq!(state(&item), (Stage::Planned, Verdict::Held));
    assert_eq!(
        item.record.reasons[0].evidence,
        "GuardDuty: no result came within 900 s"
    );
    // Late, it makes nothing better; a person does. But it may make it worse.
    tell(&site, &scan).unwrap();
    assert_eq!(state(&site.item()), (Stage::Planned, Verdict::Held));
    tell(&site, &malware).unwrap();
    wait(&site, 1200);
    assert_eq!(state(&site.item()), (Stage::Rejected, Verdict::Quarantined));
    assert_eq!(in_quarantine(&site), (false, true));
    assert_eq!(site.item().gate.due_at, None);
}

#[test]
fn malware_found_after_delivery_is_taken_away_and_warned_of() {
    let site = scanned_by(Way::Told);
    sent(&site);
    let (clean, malware) = (
        event(&site, "NO_THREATS_FOUND", None),
        event(&site, "THREATS_FOUND", None),
    );
    tell(&site, &clean).unwrap();
    site.run(5);
    for _ in 0..2 {
        tell(&site, &malware).unwrap();
        site.run(5);
    }
    let item = site.item();
    assert_eq!(state(&item), (Stage::Sent, Verdict::Quarantined));
    assert_eq!(in_quarantine(&site), (false, true));
    let texts = notices(&site);
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(
        texts[0].starts_with("[Attaché] Do not open what the customer sent: the file “photo.jpg”."),
        "{texts:?}"
    );
}

#[test]
fn what_its_target_calls_malware_is_undelivered() {
    let site = Site::new(PHOTO);
    sent(&site);
    assert_eq!(site.item().gate.stage, Stage::Sent);
    let found = Scanned::malware("Genesys Cloud", None);
    for scanned in [Scanned::clean("Genesys Cloud"), found.clone(), found] {
        let judge = site.judge_of_files();
        let id = site.id();
        judge
            .scanned_by_target(&id, &scanned)
            .now_or_never()
            .unwrap()
            .unwrap();
        site.run(5);
    }
    let item = site.item();
    assert_eq!(state(&item), (Stage::Undelivered, Verdict::Quarantined));
    assert_eq!(item.record.diagnosis.unwrap().code, "provider.malware");
    assert_eq!(in_quarantine(&site), (false, true));
    assert_eq!(notices(&site).len(), 1);
}

#[test]
fn malware_in_a_file_that_is_being_sent_is_asked_about_again() {
    let site = scanned_by(Way::Told);
    sent(&site);
    let malware = event(&site, "THREATS_FOUND", None);
    tell(&site, &event(&site, "NO_THREATS_FOUND", None)).unwrap();
    let id = site.id();
    site.world
        .state
        .borrow_mut()
        .items
        .get_mut(&id)
        .unwrap()
        .gate
        .intent_until = Some(site.world.now());
    let told = tell(&site, &malware).unwrap_err().to_string();
    assert_eq!(told, "taking malware out of the way");
    assert_eq!(site.item().gate.verdict, Verdict::Clean);
}

/// What becomes of a file under this policy.
fn under(policy: FilePolicy, file: &[u8], name: &str) -> Site {
    let rows = rows_of_the_site().into_iter().chain([Row::Policy(policy)]);
    let site = Site::with(file, Directory::new(rows), Rc::new(Calm));
    site.announce("m", Some(name));
    site.run(5);
    site
}

fn verdicts(entries: &[(&str, &str, Verdict)]) -> FilePolicy {
    let mut policy = FilePolicy::default();
    for (section, flag, verdict) in entries {
        let flags = policy.verdicts.entry((*section).to_owned()).or_default();
        flags.insert((*flag).to_owned(), *verdict);
    }
    policy
}

#[test]
fn the_owners_policy_decides() {
    let blocked = |file: &[u8]| FilePolicy {
        blocked: [Sha256Digest::of(file)].into(),
        ..FilePolicy::default()
    };
    let through = verdicts(&[
        ("hazards", "executable", Verdict::Clean),
        ("disguised", "executable", Verdict::Held),
    ]);
    for (name, policy, file, end, code) in [
        (
            "a blocked hash",
            blocked(PHOTO),
            PHOTO,
            (Stage::Rejected, Verdict::Quarantined),
            Some("block-listed"),
        ),
        (
            "another's hash",
            blocked(DISGUISED),
            PHOTO,
            (Stage::Sent, Verdict::Clean),
            None,
        ),
        (
            "a milder verdict",
            through,
            DISGUISED,
            (Stage::Planned, Verdict::Held),
            Some("disguised"),
        ),
    ] {
        let site = under(policy, file, "photo.jpg");
        let item = site.item();
        assert_eq!(state(&item), end, "{name}");
        assert_eq!(codes(&item).first().copied(), code, "{name}");
    }
}

#[test]
fn a_policy_that_is_not_understood_judges_nothing() {
    let policy = verdicts(&[("hazards", "telepathy", Verdict::Clean)]);
    let rows = rows_of_the_site().into_iter().chain([Row::Policy(policy)]);
    let site = Site::with(PHOTO, Directory::new(rows), Rc::new(Calm));
    site.announce("m", Some("photo.jpg"));
    site.refresh();
    site.fetch();
    let judge = site.judge_of_files();
    let key = site.id().arrival_key();
    let told = judge.object_created(&key).now_or_never().unwrap();
    let told = attache_flow::batch::chain(&told.unwrap_err());
    assert!(
        told.contains("there is no flag `hazards.telepathy`"),
        "{told}"
    );
    assert_eq!(site.item().gate.verdict, Verdict::Unjudged);
}

#[test]
fn what_is_dangerous_is_deleted_at_once_where_the_owner_says_so() {
    let delete_now = || FilePolicy {
        delete_now: true,
        ..FilePolicy::default()
    };
    let site = under(delete_now(), DISGUISED, "invoice.png");
    assert_eq!(state(&site.item()), (Stage::Rejected, Verdict::Quarantined));
    assert_eq!(in_quarantine(&site), (false, false));
    assert!(codes(&site.item()).contains(&"deleted-at-once"));
    let said = notices(&site).join("\n");
    assert!(said.contains("it is dangerous and was deleted ("), "{said}");
    // Found later, it is no different.
    let site = under(delete_now(), PHOTO, "photo.jpg");
    let judge = site.judge_of_files();
    let found = Scanned::malware("Genesys Cloud", None);
    let id = site.id();
    judge
        .scanned_by_target(&id, &found)
        .now_or_never()
        .unwrap()
        .unwrap();
    assert_eq!(in_quarantine(&site), (false, false));
}
