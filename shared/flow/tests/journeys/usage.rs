//! What a platform tells of its limits before they are hit: the pace follows from 80 %, and nothing below costs anything.

use serde_json::json;

use crate::world::Site;

type Told = &'static [(&'static str, &'static str)];

const HALF: Told = &[
    ("inin-ratelimit-count", "237"),
    ("inin-ratelimit-allowed", "300"),
    ("inin-ratelimit-reset", "41"),
];
const TIGHT: Told = &[
    ("inin-ratelimit-count", "285"),
    ("inin-ratelimit-allowed", "300"),
    ("inin-ratelimit-reset", "60"),
];
const FULL: Told = &[
    ("inin-ratelimit-count", "300"),
    ("inin-ratelimit-allowed", "300"),
    ("inin-ratelimit-reset", "41"),
];

fn says(site: &Site, names: &[&str]) {
    for name in names {
        site.says(name, "text", json!({ "body": name }));
    }
}

fn sent(site: &Site) -> usize {
    site.platforms.sends.borrow().len()
}

/// A site that has sent one message and was told this.
fn told(told: Told) -> Site {
    let site = Site::new(b"x");
    site.platforms.told.set(told);
    says(&site, &["first"]);
    site.run(5);
    assert_eq!(sent(&site), 1);
    site
}

const TEN: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

#[test]
fn below_80_percent_nothing_changes_and_nothing_is_called_for_it() {
    let calls = [&[][..], HALF].map(|headers| {
        let site = told(headers);
        says(&site, &TEN);
        site.run(3);
        assert_eq!(sent(&site), 11, "{headers:?}");
        site.all_calls()
    });
    assert_eq!(calls[0], calls[1]);
}

#[test]
fn above_80_percent_it_goes_slower_and_everything_arrives() {
    let site = told(TIGHT);
    says(&site, &TEN);
    site.run(3);
    let soon = sent(&site);
    assert!((2..=6).contains(&soon), "four of a burst, not {soon}");
    site.run(90);
    assert_eq!(sent(&site), 11);
}

#[test]
fn at_100_percent_nothing_goes_until_the_reset() {
    let site = told(FULL);
    says(&site, &TEN);
    site.run(34);
    assert_eq!(sent(&site), 1);
    site.platforms.told.set(&[]);
    site.run(120);
    assert_eq!(sent(&site), 11);
}

#[test]
fn slots_from_before_the_hint_wait_for_the_reset_too() {
    let site = Site::new(b"x");
    site.refresh();
    let names: Vec<String> = (0..60).map(|n| format!("m{n}")).collect();
    says(&site, &names.iter().map(String::as_str).collect::<Vec<_>>());
    // A burst, and the others have their slots 0.8 s apart.
    site.run(3);
    let before = sent(&site);
    assert!((20..30).contains(&before), "{before}");
    site.platforms.told.set(FULL);
    site.run(3);
    let told = sent(&site);
    assert!(told <= before + 4, "those under way, not {}", told - before);
    site.run(34);
    assert_eq!(sent(&site), told, "nothing until the reset");
    site.platforms.told.set(&[]);
    site.run(300);
    assert_eq!(sent(&site), 60);
}
