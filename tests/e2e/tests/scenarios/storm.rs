//! Many webhooks, each delivered three times, in any order and many at once: every file arrives, and arrives once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Result, ensure};
use attache_domain::journey::Stage as Journey;
use attache_e2e::media::note;
use attache_e2e::{Sent, Setup, Stage};
use attache_platforms::whatsapp::{Composed, MessageId};
use futures_util::{StreamExt, stream};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

const WEBHOOKS: usize = 200;
const DELIVERIES: usize = 3;
/// Tries on their way at once.
const AT_ONCE: usize = 24;
/// Genesys' pace alone takes 48 seconds for 200 messages: a burst of 20, then 225 a minute.
const BOUND: Duration = Duration::from_secs(150);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_repeated_webhooks_brings_every_file_once() -> Result<()> {
    // As deployed: nothing dies here, so nothing is to be swept home early on a slow machine.
    let parameters = vec![
        ("LeaseSeconds", "60"),
        ("SendPatienceSeconds", "20"),
        ("IntentGraceSeconds", "30"),
    ];
    let stage = Stage::start(Setup {
        parameters,
        ..Setup::default()
    })
    .await?;
    let composed: Vec<(Sent, Composed)> = (0..WEBHOOKS)
        .map(|number| stage.compose(note(number)))
        .collect::<Result<_>>()?;
    let sent: Vec<Sent> = composed.iter().map(|(sent, _)| sent.clone()).collect();
    storm(&stage, composed).await;

    for sent in &sent {
        let item = stage.at_rest(sent, BOUND).await?;
        ensure!(
            item.gate.stage == Journey::Sent && item.record.repeats == 0,
            "{:?} {:?}",
            item.gate,
            item.record
        );
        item.trail.verify(&item.id)?;
    }
    stage
        .standins
        .genesys
        .wait_for_messages(WEBHOOKS, BOUND)
        .await?;
    stage.quiet(BOUND).await?;

    for delivery in stage.standins.whatsapp.deliveries() {
        let answers: Vec<_> = delivery
            .attempts
            .iter()
            .map(|attempt| attempt.outcome.clone())
            .collect();
        assert_eq!(
            answers,
            [Ok(200), Ok(200), Ok(200)],
            "{:?}",
            delivery.messages
        );
    }
    let expected: BTreeSet<String> = sent.iter().map(|sent| sent.id.arrival_key()).collect();
    assert_eq!(
        stage
            .keys("MediaBucket")
            .await?
            .into_iter()
            .collect::<BTreeSet<_>>(),
        expected
    );
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for post in stage.standins.genesys.posts() {
        *seen
            .entry(post.channel_message_id.unwrap_or_default())
            .or_default() += 1;
    }
    let once: BTreeMap<String, usize> = sent
        .iter()
        .map(|sent| (sent.message.as_str().to_owned(), 1))
        .collect();
    assert_eq!(seen, once, "how often Genesys was told of each message");
    assert_eq!(stage.standins.genesys.messages().len(), WEBHOOKS);
    assert_eq!(stage.dead_letters().await?, 0);
    assert_eq!(stage.breaches(), Vec::<String>::new());
    stage.stop().await
}

/// Every webhook is delivered three times; which one is next is a matter of chance, the same in every run.
async fn storm(stage: &Stage, composed: Vec<(Sent, Composed)>) {
    let mut firsts: BTreeMap<usize, Composed> = BTreeMap::new();
    let mut ids: Vec<MessageId> = Vec::new();
    for (number, (sent, message)) in composed.into_iter().enumerate() {
        ids.push(sent.message);
        firsts.insert(number, message);
    }
    let mut order: Vec<usize> = (0..WEBHOOKS)
        .flat_map(|number| [number; DELIVERIES])
        .collect();
    order.shuffle(&mut StdRng::seed_from_u64(200));
    let deliveries: Vec<(MessageId, Option<Composed>)> = order
        .into_iter()
        .map(|number| (ids[number].clone(), firsts.remove(&number)))
        .collect();
    let deliver = |(id, first): (MessageId, Option<Composed>)| async move {
        match first {
            Some(message) => stage.standins.whatsapp.send_batch(vec![message]),
            None => drop(stage.standins.whatsapp.redeliver(&id, 1).await),
        }
    };
    stream::iter(deliveries)
        .for_each_concurrent(AT_ONCE, deliver)
        .await;
}
