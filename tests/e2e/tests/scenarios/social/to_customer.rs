//! Agents' answers: files and words apart, windows, what becomes of messages, lost answers.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attache_domain::journey::{Item, Stage as Journey};
use attache_e2e::media::bytes;
use attache_e2e::{Sent, Stage, eventually};
use attache_operator::standins::Social;
use attache_platforms::clock::Clock;
use attache_platforms::delivery::MessageId;
use attache_platforms::faults::{Fault, Point, Times};
use attache_platforms::genesys::{AgentFile, Receipt};
use attache_platforms::messenger::{MessengerOptions, Page, Say, SentMessage, Surface};

use super::{BOUND, setup, texts};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A stage whose customers have written, so long ago by the platform's clock and by their messages.
async fn opened(messenger: MessengerOptions, ago: Duration) -> Result<Stage> {
    let clock = Clock::real();
    clock.set_offset(-time::Duration::try_from(ago)?);
    let stage = Stage::start(setup(MessengerOptions {
        clock: clock.clone(),
        ..messenger
    }))
    .await?;
    for social in Social::ALL {
        let hello = stage.social_says(social, Say::Text("Hello".to_owned()));
        stage.at_rest(&hello, BOUND).await?;
    }
    stage.quiet(BOUND).await?;
    clock.set_offset(time::Duration::ZERO);
    Ok(stage)
}

/// Waits until an item is in one of these stages.
async fn reaches(stage: &Stage, sent: &Sent, stages: &[Journey]) -> Result<Item> {
    let look = || async {
        let item = stage.item(sent).await?;
        Ok(item.filter(|item| stages.contains(&item.gate.stage)))
    };
    let reached = eventually(&format!("{stages:?}"), BOUND, look).await;
    let log = || stage.log.containing(sent.id.as_str()).join("\n");
    reached.with_context(log)
}

async fn receipt(stage: &Stage, sent: &Sent) -> Result<Receipt> {
    let genesys = &stage.standins.genesys;
    genesys.wait_for_final_receipt(&sent.message, BOUND).await
}

fn sent_by(stage: &Stage, surface: Surface) -> Vec<SentMessage> {
    let sent = stage.standins.messenger.sent().into_iter();
    sent.filter(|message| message.surface == surface).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_and_its_words_reach_the_customer_apart_and_in_order() -> Result<()> {
    let stage = opened(MessengerOptions::default(), Duration::ZERO).await?;
    for social in Social::ALL {
        let original = bytes("screenshot.png");
        let file = AgentFile::new(original.clone(), "image/png").named("plan.png");
        let sent = stage.agent_hands(social, file, "The plan")?;
        let messenger = &stage.standins.messenger;
        let both =
            || async { Ok(Some(sent_by(&stage, social.surface)).filter(|it| it.len() == 2)) };
        let both = eventually("the file and the words", BOUND, both).await?;
        let shown = both[0].file.as_ref().context("the file first")?;
        ensure!(
            shown.bytes == original && shown.kind == "image",
            "{shown:?}"
        );
        ensure!(both[1].text() == Some("The plan"), "{both:?}");
        if social == Social::MESSENGER {
            reaches(&stage, &sent, &[Journey::Delivered]).await?;
        } else {
            // Instagram tells of reading alone.
            reaches(&stage, &sent, &[Journey::Sent]).await?;
            for message in &both {
                messenger.read(&MessageId::new(&message.id))?;
            }
            reaches(&stage, &sent, &[Journey::Read]).await?;
        }
        let told = receipt(&stage, &sent).await?;
        ensure!(told.status == "Delivered", "{told:?}");
    }
    // One moment tells of all that was sent before it.
    let social = Social::MESSENGER;
    let late = stage.agent_writes(social, "One")?;
    reaches(&stage, &late, &[Journey::Delivered, Journey::Read]).await?;
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    stage.stop().await
}

/// Whether Meta lets persons answer late, how long ago the customer wrote, and whether the answer goes.
const WINDOWS: [(bool, u32, bool); 3] = [(false, 2, false), (true, 2, true), (true, 8, false)];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_the_window_a_person_may_answer_where_meta_allows_it() -> Result<()> {
    for (human_agent, days, goes) in WINDOWS {
        let mut messenger = MessengerOptions::default();
        messenger.pages = vec![Page {
            human_agent,
            ..messenger.pages[0].clone()
        }];
        let stage = opened(messenger, DAY * days).await?;
        for social in Social::ALL {
            let sent = stage.agent_writes(social, "Still there?")?;
            let case = format!("{social:?}, {days} days, {human_agent}");
            if goes {
                let ends = [Journey::Sent, Journey::Delivered];
                reaches(&stage, &sent, &ends).await.context(case.clone())?;
                let all = sent_by(&stage, social.surface);
                ensure!(
                    all.len() == 1 && all[0].body["tag"] == "HUMAN_AGENT",
                    "{case}"
                );
                continue;
            }
            reaches(&stage, &sent, &[Journey::Failed, Journey::Rejected])
                .await
                .context(case.clone())?;
            let told = receipt(&stage, &sent).await?;
            let code = &told.request["reasons"][0]["code"];
            ensure!(
                told.status == "Failed" && code == "MessageExpired",
                "{case}: {told:?}"
            );
            ensure!(sent_by(&stage, social.surface).is_empty(), "{case}");
        }
        ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
        stage.stop().await?;
    }
    Ok(())
}

/// By our reckoning the window is open; the platform says that it is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_platform_has_the_last_word_on_the_window() -> Result<()> {
    let messenger = MessengerOptions {
        window: Duration::ZERO,
        ..MessengerOptions::default()
    };
    let stage = opened(messenger, Duration::ZERO).await?;
    for social in Social::ALL {
        let sent = stage.agent_writes(social, "Still there?")?;
        let item = reaches(&stage, &sent, &[Journey::Failed]).await?;
        let code = item.record.diagnosis.map(|it| it.code).unwrap_or_default();
        ensure!(
            code == format!("{}.window-closed", social.profile),
            "{code}"
        );
        let told = receipt(&stage, &sent).await?;
        let code = &told.request["reasons"][0]["code"];
        ensure!(
            told.status == "Failed" && code == "MessageExpired",
            "{told:?}"
        );
    }
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_found_by_the_echo_and_never_sent_again() -> Result<()> {
    let stage = opened(MessengerOptions::default(), Duration::ZERO).await?;
    let faults = stage.standins.messenger.faults();
    for social in Social::ALL {
        let lost = faults.arm_at(Fault::LostAnswer, Times(1), Point::Send)?;
        let file = AgentFile::new(bytes("screenshot.png"), "image/png").named("plan.png");
        let sent = stage.agent_hands(social, file, "")?;
        let found = match social == Social::MESSENGER {
            // Its echo brings our id back, and its delivery tells the rest.
            true => Journey::Delivered,
            false => Journey::Unconfirmed,
        };
        reaches(&stage, &sent, &[found]).await?;
        stage.quiet(BOUND).await?;
        let copies = sent_by(&stage, social.surface).len();
        ensure!(
            copies == 1 && lost.fired() == 1,
            "{social:?}: {copies} copies"
        );
        let told = texts(&stage, social);
        let open = told.iter().any(|text| text.contains("not known whether"));
        ensure!(open == (found == Journey::Unconfirmed), "{told:?}");
    }
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    stage.stop().await
}
