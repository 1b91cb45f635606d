//! A scanner beside the system: what only it knows never arrives, and while it is silent nothing does that it has not seen.

use std::time::Duration;

use anyhow::{Context, Result};
use attache_domain::journey::Stage as Journey;
use attache_domain::scan::guardduty;
use attache_domain::verdict::Verdict;
use attache_e2e::media::{bytes, sample_named};
use attache_e2e::{Sent, Setup, Stage, eventually};
use attache_platforms::clamd::Clamd;
use attache_platforms::whatsapp::MediaFile;
use serde_json::{Value, json};

const BOUND: Duration = Duration::from_secs(90);

async fn beside(clamd: &Clamd) -> Result<Stage> {
    let setup = Setup {
        clamd: Some(clamd.address()),
        ..Setup::default()
    };
    Stage::start(setup).await
}

/// A text that the inspection finds nothing wrong with.
fn note(text: &str) -> MediaFile {
    MediaFile::new(text.as_bytes().to_vec(), "text/plain")
        .named("note.txt")
        .as_document()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_the_scanner_knows_is_put_away_and_told() -> Result<()> {
    let clamd = Clamd::start().await?;
    clamd.knows(b"the words it is known by", "Test.Words");
    let stage = beside(&clamd).await?;
    let infected = stage.send(note("Dear all, here are the words it is known by.\n"))?;
    let clean = stage.send(sample_named("photo.jpg"))?;
    let item = stage.at_rest(&infected, BOUND).await?;
    assert_eq!(
        (item.gate.stage, item.gate.verdict),
        (Journey::Rejected, Verdict::Quarantined)
    );
    let reason = item.record.reasons.first().context("no reason")?;
    assert_eq!(
        (reason.code.as_str(), reason.evidence.as_str()),
        ("malware", "clamd: Test.Words")
    );
    let key = infected.id.arrival_key();
    assert!(!stage.keys("MediaBucket").await?.contains(&key));
    assert!(stage.keys("QuarantineBucket").await?.contains(&key));
    let item = stage.at_rest(&clean, BOUND).await?;
    assert_eq!(item.gate.stage, Journey::Sent);
    assert_eq!(item.record.cleared_by.as_deref(), Some("clamd"));
    let told = || async {
        let texts = stage.standins.genesys.texts();
        Ok(texts.into_iter().find(|text| text.contains("Test.Words")))
    };
    let text = eventually("the notice", BOUND, told).await?;
    assert!(
        text.starts_with("[Attaché] The customer sent the file “note.txt”."),
        "{text}"
    );
    stage.quiet(BOUND).await?;
    assert_eq!(
        stage.standins.genesys.posts().len(),
        2,
        "the photo and the notice"
    );
    // What `sweep` brings back while it is being judged is scanned once more.
    assert!(clamd.scans() >= 2, "{}", clamd.scans());
    assert_eq!(stage.breaches(), Vec::<String>::new());
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_scanner_is_down_a_file_waits_and_then_arrives_once() -> Result<()> {
    let clamd = Clamd::start().await?;
    let stage = beside(&clamd).await?;
    clamd.go_down().await;
    let sent = stage.send(sample_named("photo.jpg"))?;
    let tried = || async {
        let log = stage.log.containing("not scanned");
        Ok((log.len() >= 2).then_some(()))
    };
    eventually("two tries", BOUND, tried).await?;
    let item = stage.item(&sent).await?.context("no row")?;
    assert_eq!(
        (item.gate.stage, item.gate.verdict),
        (Journey::Stored, Verdict::Unjudged)
    );
    assert_eq!(stage.standins.genesys.posts().len(), 0);
    clamd.come_back().await?;
    let item = stage.at_rest(&sent, BOUND).await?;
    assert_eq!(item.gate.stage, Journey::Sent);
    item.trail.verify(&item.id).context("the trail")?;
    stage.quiet(BOUND).await?;
    let messages = stage.standins.genesys.wait_for_messages(1, BOUND).await?;
    assert_eq!(messages.len(), 1);
    let file = messages[0].attachments.first().and_then(|it| it.bytes());
    assert_eq!(file.context("no file")?.as_ref(), bytes("photo.jpg"));
    assert_eq!(stage.breaches(), Vec::<String>::new());
    stage.stop().await
}

/// Has `validate` hear what GuardDuty found in a file, as its rule would bring it.
async fn tell(stage: &Stage, sent: &Sent, status: &str, threats: Value) -> Result<()> {
    let bucket = stage.run.template().bucket("MediaBucket");
    let bucket = bucket.context("no media bucket")?.name.clone();
    let key = sent.id.arrival_key();
    let head = stage
        .run
        .clients()
        .s3
        .head_object()
        .bucket(&bucket)
        .key(&key);
    let etag = head.send().await?.e_tag.context("no entity tag")?;
    let event = json!({
        "version": "0", "source": guardduty::SOURCE, "detail-type": guardduty::DETAIL_TYPE,
        "detail": {
            "schemaVersion": "1.0", "scanStatus": "COMPLETED", "resourceType": "S3_OBJECT",
            "s3ObjectDetails": { "bucketName": bucket, "objectKey": key, "eTag": etag.trim_matches('"') },
            "scanResultDetails": { "scanResultStatus": status, "threats": threats },
        },
    });
    let heard = stage
        .run
        .invoke("ValidateFunction", event.to_string())
        .await;
    heard.map(drop).context("telling validate")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_waits_until_guardduty_has_told() -> Result<()> {
    let stage = Stage::start(Setup {
        parameters: vec![("Scanner", "guardduty")],
        ..Setup::default()
    })
    .await?;
    let (clean, infected) = (
        stage.send(sample_named("photo.jpg"))?,
        stage.send(note("Nothing to be seen here.\n"))?,
    );
    for sent in [&clean, &infected] {
        let waits = || async {
            let item = stage.item(sent).await?;
            Ok(item.filter(|item| item.record.scan_since.is_some()))
        };
        let item = eventually("a file that waits", BOUND, waits).await?;
        assert_eq!(
            (item.gate.stage, item.gate.verdict),
            (Journey::Stored, Verdict::Unjudged)
        );
    }
    assert_eq!(stage.standins.genesys.posts().len(), 0);
    for _ in 0..2 {
        tell(&stage, &clean, "NO_THREATS_FOUND", Value::Null).await?;
    }
    tell(
        &stage,
        &infected,
        "THREATS_FOUND",
        json!([{ "name": "EICAR" }]),
    )
    .await?;
    let item = stage.at_rest(&clean, BOUND).await?;
    assert_eq!(item.gate.stage, Journey::Sent);
    assert_eq!(item.record.cleared_by.as_deref(), Some(guardduty::NAME));
    let item = stage.at_rest(&infected, BOUND).await?;
    assert_eq!(item.gate.verdict, Verdict::Quarantined);
    let key = infected.id.arrival_key();
    assert!(stage.keys("QuarantineBucket").await?.contains(&key));
    stage.quiet(BOUND).await?;
    assert_eq!(
        stage.standins.genesys.posts().len(),
        2,
        "the photo and the notice"
    );
    assert_eq!(stage.breaches(), Vec::<String>::new());
    stage.stop().await
}
