//! Every sample medium reaches the end it deserves, byte for byte, and nothing leaks on the way.

use std::time::Duration;

use anyhow::Result;
use attache_domain::journey::{Item, Stage as Journey};
use attache_domain::verdict::Verdict;
use attache_e2e::media::{End, Sample, samples};
use attache_e2e::{Sent, Setup, Stage};
use attache_platforms::genesys::AgentMessage;

use crate::template_agrees::grants::{called, never_made};

const BOUND: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sample_ends_where_it_belongs() -> Result<()> {
    let stage = Stage::start(Setup::default()).await?;
    let samples = samples();
    let sent: Vec<Sent> = samples
        .iter()
        .map(|sample| stage.send(sample.file.clone()))
        .collect::<Result<_>>()?;
    for (sample, sent) in samples.iter().zip(&sent) {
        let item = stage.at_rest(sent, BOUND).await?;
        ended_well(&stage, sample, sent, &item).await?;
    }
    let delivered = samples
        .iter()
        .filter(|sample| sample.end == End::Delivered)
        .count();
    // Each file that is kept back leaves a notice in its place.
    let seen =
        || async { Ok((stage.standins.genesys.messages().len() >= samples.len()).then_some(())) };
    attache_e2e::eventually("a message or a notice for each file", BOUND, seen).await?;
    let notices = stage.standins.genesys.texts();
    let notices = notices
        .iter()
        .filter(|text| text.starts_with("[Attaché]"))
        .count();
    assert_eq!(stage.standins.genesys.posts().len(), delivered + notices);
    assert_eq!(notices, samples.len() - delivered);
    assert_eq!(stage.breaches(), Vec::<String>::new());
    assert_eq!(secrets_in_the_log(&stage), Vec::<String>::new());
    // Complains of calls that are made and not declared.
    never_made(&called(stage.run.template(), &stage.run.calls()));
    stage.stop().await
}

async fn ended_well(stage: &Stage, sample: &Sample, sent: &Sent, item: &Item) -> Result<()> {
    let name = sample.name;
    item.trail
        .verify(&item.id)
        .unwrap_or_else(|broken| panic!("{name}: {broken:?}"));
    let (verdict, journey) = match sample.end {
        End::Delivered => (Verdict::Clean, Journey::Sent),
        End::Quarantined => (Verdict::Quarantined, Journey::Rejected),
        End::Held => (Verdict::Held, Journey::Planned),
    };
    assert_eq!(
        (item.gate.verdict, item.gate.stage),
        (verdict, journey),
        "{name}: {:?}",
        item.record
    );
    let key = sent.id.arrival_key();
    let (kept, quarantined) = (
        stage.keys("MediaBucket").await?,
        stage.keys("QuarantineBucket").await?,
    );
    let is_quarantined = sample.end == End::Quarantined;
    assert_eq!(
        kept.contains(&key),
        !is_quarantined,
        "{name}: in the media bucket"
    );
    assert_eq!(
        quarantined
            .iter()
            .any(|there| there.contains(sent.id.as_str())),
        is_quarantined,
        "{name}: in quarantine"
    );
    let is_delivered = sample.end == End::Delivered;
    let shown = shown(stage, sent, is_delivered).await?;
    assert_eq!(
        shown.len(),
        usize::from(is_delivered),
        "{name}: at the agent"
    );
    for message in shown {
        let digest = attache_domain::digest::Sha256Digest::of(&sample.file.bytes).to_string();
        let seen: Vec<_> = message
            .attachments
            .iter()
            .map(|attachment| attachment.sha256())
            .collect();
        assert_eq!(
            seen,
            [Some(digest.as_str())],
            "{name}: {:?}",
            message.attachments
        );
    }
    Ok(())
}

/// What the agent sees of a message; waits for it if there must be something.
async fn shown(stage: &Stage, sent: &Sent, expected: bool) -> Result<Vec<AgentMessage>> {
    let of_it = || {
        let messages = stage.standins.genesys.messages().into_iter();
        messages
            .filter(|message| message.channel_message_id.as_deref() == Some(sent.message.as_str()))
            .collect::<Vec<_>>()
    };
    if expected {
        let look = || async { Ok((!of_it().is_empty()).then_some(())) };
        attache_e2e::eventually("the agent sees it", BOUND, look).await?;
    }
    Ok(of_it())
}

/// Lines of any function that show what no log may show.
fn secrets_in_the_log(stage: &Stage) -> Vec<String> {
    let (whatsapp, genesys) = (
        stage.standins.whatsapp.options(),
        stage.standins.genesys.options(),
    );
    let mut secrets = vec![
        whatsapp.app_secret.clone(),
        whatsapp.verify_token.clone(),
        whatsapp.access_token.clone(),
        genesys.client_secret.clone(),
        "X-Amz-Signature".to_owned(),
    ];
    let issued = issued_tokens(stage);
    assert!(!issued.is_empty(), "Genesys issued no token");
    secrets.extend(issued);
    let lines = stage.log.lines();
    assert!(
        lines.iter().any(|line| line.contains("judged")),
        "the log is empty"
    );
    lines
        .into_iter()
        .filter(|line| secrets.iter().any(|secret| line.contains(secret)))
        .collect()
}

/// The access tokens in the login host's answers.
fn issued_tokens(stage: &Stage) -> Vec<String> {
    let exchanges = stage.standins.genesys.requests().into_iter();
    let answers = exchanges.filter(|exchange| exchange.path == "/oauth/token");
    let bodies = answers.filter_map(|exchange| serde_json::from_slice(&exchange.answer_body).ok());
    bodies
        .filter_map(|body: serde_json::Value| Some(body["access_token"].as_str()?.to_owned()))
        .collect()
}
