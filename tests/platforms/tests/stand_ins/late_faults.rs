//! Faults that last: files that are late, ids that stay dead, servers that are down for a while.

use std::time::Duration;

use attache_platforms::{
    faults::{Aim, Fault, Point, Times},
    genesys::{AgentFile, GenesysOptions},
    whatsapp::{ErrorBudget, WhatsAppOptions},
};
use serde_json::Value;

use crate::support::*;

/// Every name that the plan of the intake wants of this catalogue; storms and name servers are not a platform's.
const WANTED: &[&str] = &[
    "expired-link",
    "slow-body",
    "stall-at-99",
    "one-byte-per-second",
    "slow-headers",
    "header-flood",
    "endless-header",
    "truncated-body",
    "length-lies",
    "length-plus-one",
    "length-minus-one",
    "length-zero",
    "length-huge",
    "length-missing",
    "length-twice",
    "chunked",
    "gzip-lies",
    "gzip-label-lies",
    "html-error-page",
    "digest-mismatch",
    "reset-mid-body",
    "redirect-off-host",
    "redirect-to-metadata",
    "redirect-loop",
    "server-ignores-range",
    "object-changed-between-ranges",
    "late-attachment",
    "five-hundreds-for-a-minute",
];

#[tokio::test]
async fn every_wanted_fault_can_be_armed_by_name_at_both_download_hosts() {
    let (whatsapp, _, _) = whatsapp_with_photo(WhatsAppOptions::default()).await;
    let (genesys, _) = genesys(GenesysOptions::default()).await;
    for name in WANTED {
        let fault = name.parse().expect(name);
        for faults in [whatsapp.faults(), genesys.faults()] {
            faults.arm_at(fault, Times(1), Point::Download).expect(name);
        }
    }
    let look_up = whatsapp.faults().arm_named("lookup-errors", Times(1));
    look_up.expect("applies");
}

/// Code and subcode of Graph's refusal of an id that it does not know.
async fn is_unknown(answer: reqwest::Response) -> bool {
    let status = answer.status();
    let body: Value = answer.json().await.expect("JSON");
    let error = &body["error"];
    status == 400 && error["code"] == 100 && error["error_subcode"] == 33
}

#[tokio::test]
async fn a_late_medium_is_unknown_for_so_many_look_ups_or_seconds() {
    let (whatsapp, message, _) = whatsapp_with_photo(WhatsAppOptions::default()).await;
    let aim = Aim {
        point: Some(Point::LookUp),
        subject: Some(message.as_str()),
        ..Aim::default()
    };
    let twice = Aim {
        times: Times(2),
        ..aim
    };
    let late = whatsapp.faults().arm_aimed(Fault::LateAttachment, twice);
    for _ in 0..2 {
        assert!(is_unknown(look_up(&whatsapp, &message).await).await);
    }
    assert_eq!(look_up(&whatsapp, &message).await.status(), 200);
    assert_eq!(late.expect("applies").fired(), 2);

    let seconds = Aim {
        times: Times::ALWAYS,
        lasting: Some(Duration::from_secs(5)),
        ..aim
    };
    let late = whatsapp.faults().arm_aimed(Fault::LateAttachment, seconds);
    late.expect("applies");
    assert!(is_unknown(look_up(&whatsapp, &message).await).await);
    whatsapp.options().clock.advance(Duration::from_secs(6));
    assert_eq!(look_up(&whatsapp, &message).await.status(), 200);
    assert_eq!(whatsapp.violations(), []);
}

#[tokio::test]
async fn late_files_and_servers_that_are_down_are_there_after_a_minute() {
    let (whatsapp, genesys, downloads) = downloads().await;
    let clocks = [&whatsapp.options().clock, &genesys.options().clock];
    for (download, clock) in downloads.iter().zip(clocks) {
        download.arm("late-attachment");
        let late = download.get(&[]).await.expect("an answer");
        assert_eq!(late.status(), 404);
        let down = download
            .faults
            .arm_named("five-hundreds-for-a-minute", Times::ALWAYS);
        for _ in 0..3 {
            let down = download.get(&[]).await.expect("an answer");
            assert_eq!(down.status(), 503);
        }
        clock.advance(Duration::from_secs(61));
        let answer = download.get(&[]).await.expect("an answer");
        assert!(read(answer).await == (download.bytes.clone(), true));
        assert_eq!(down.expect("applies").fired(), 3);
    }
}

#[tokio::test]
async fn a_dead_id_uses_up_the_budget_of_failing_look_ups() {
    let budget = ErrorBudget {
        errors: 3,
        window: Duration::from_secs(3600),
        block: Duration::from_secs(1800),
    };
    let options = WhatsAppOptions {
        error_budget: Some(budget),
        ..WhatsAppOptions::default()
    };
    let (whatsapp, message, _) = whatsapp_with_photo(options).await;
    let dead = whatsapp.medium(&message).expect("a medium").id;
    let errors = whatsapp
        .faults()
        .arm_on(Fault::LookupErrors, Times::ALWAYS, &dead);
    for _ in 0..3 {
        assert!(is_unknown(look_up(&whatsapp, &message).await).await);
    }
    let blocked: Value = look_up(&whatsapp, &message)
        .await
        .json()
        .await
        .expect("JSON");
    assert_eq!(blocked["error"]["code"], 4);
    assert_eq!(errors.expect("applies").fired(), 3);
}

#[tokio::test]
async fn faults_of_the_way_to_an_agents_file_strike_there() {
    let (genesys, token, callback) = genesys_calling(GenesysOptions::default(), &[]).await;
    let file = AgentFile::new(&b"bytes"[..], "image/png").named("late.png");
    let sent = genesys.agent().send_file("16505551234", file, "");
    let sent = sent.expect("allowed");
    let waited = genesys.wait_for_delivery(&sent, SOON).await;
    waited.expect("settled");
    let link = callback.bodies()[0]["content"][0]["attachment"]["url"].clone();
    let link = link.as_str().expect("a link");
    let arm = |fault| {
        let aim = Aim {
            point: Some(Point::Resolve),
            // A fault may be aimed at a file by its name, which is known before its message is.
            subject: Some("late.png"),
            ..Aim::default()
        };
        genesys.faults().arm_aimed(fault, aim).expect("applies");
    };
    arm(Fault::LateAttachment);
    let late = get_with(link, Some(&token)).await.expect("an answer");
    assert_eq!(late.status(), 404);
    arm(Fault::RedirectLoop);
    let moved = get_with(link, Some(&token)).await.expect("an answer");
    assert_eq!(moved.headers()["location"], link);
    arm(Fault::HeaderFlood);
    assert!(get_with(link, Some(&token)).await.is_err());
    let moved = get_with(link, Some(&token)).await.expect("an answer");
    assert_eq!(moved.status(), 302);
    assert_eq!(genesys.violations(), []);
}
