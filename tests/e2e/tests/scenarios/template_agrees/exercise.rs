//! Every grant is used: a set of small plays, good and bad, makes every call that a function declares, none that it does
//! not, and is refused none.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attache_domain::journey::Stage as Journey;
use attache_e2e::media::{bytes, long_note, note, sample_named};
use attache_e2e::{OldSystem, Sent, Setup, Stage};
use attache_local::iam::{Act, KillPoint, When};
use attache_platforms::clamd::Clamd;
use attache_platforms::faults::{Fault, Point, Times};
use attache_platforms::genesys::AgentFile;
use attache_platforms::whatsapp::{MediaFile, Say};
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::StatusCode;
use serde_json::json;

use super::given_up::given_up;
use super::grants::{Call, called, never_made};
use crate::{limits, taken_back, two_steps};

pub(super) const BOUND: Duration = Duration::from_secs(90);

/// Plays at once; they mostly wait for leases to end.
const AT_ONCE: usize = 5;

/// Declared, granted, and made in no play. The right to list a bucket is never used for a list: it makes S3 answer 404
/// instead of 403 for an object that is not there. Intake asks for a token where it is the one who carries on after somebody
/// else: `fetch` is nearly always faster.
const NEVER_MADE: [(&str, &str, &str); 6] = [
    ("ConvertFunction", "s3:ListBucket", "MediaBucket"),
    ("FetchFunction", "s3:ListBucket", "MediaBucket"),
    ("IntakeFunction", "s3:ListBucket", "MediaBucket"),
    ("IntakeFunction", "sqs:SendMessage", "RefreshQueue"),
    ("UploadFunction", "s3:ListBucket", "MediaBucket"),
    ("ValidateFunction", "s3:ListBucket", "MediaBucket"),
];

/// One play on a stage of its own.
struct Play {
    name: &'static str,
    files: fn() -> Vec<MediaFile>,
    trouble: fn(&Stage, &Sent) -> Result<()>,
    end: Journey,
}

fn plays() -> Vec<Play> {
    let photo = || vec![sample_named("photo.jpg")];
    let invoice = || vec![sample_named("invoice.png")];
    let play = |name, files, trouble, end| Play {
        name,
        files,
        trouble,
        end,
    };
    vec![
        play(
            "more at once than Genesys takes",
            || (0..60).map(note).collect(),
            |_, _| Ok(()),
            Journey::Sent,
        ),
        play(
            "Genesys throttles",
            photo,
            |stage, sent| {
                let faults = stage.standins.genesys.faults();
                drop(faults.arm_on(Fault::RateLimit, Times(1), sent.message.as_str())?);
                Ok(())
            },
            Journey::Sent,
        ),
        play(
            "Genesys refuses token after token",
            photo,
            |stage, sent| {
                let faults = stage.standins.genesys.faults();
                drop(faults.arm_on(Fault::Unauthorised, Times(2), sent.message.as_str())?);
                Ok(())
            },
            Journey::Failed,
        ),
        play(
            "WhatsApp refuses a token",
            photo,
            |stage, sent| {
                let medium = stage
                    .standins
                    .whatsapp
                    .medium(&sent.message)
                    .context("no medium")?;
                drop(stage.standins.whatsapp.faults().arm_on(
                    Fault::Unauthorised,
                    Times(1),
                    &medium.id,
                )?);
                Ok(())
            },
            Journey::Sent,
        ),
        play(
            "a long file breaks off twice and is another for a moment",
            || vec![long_note()],
            |stage, sent| {
                let whatsapp = &stage.standins.whatsapp;
                let medium = whatsapp.medium(&sent.message).context("no medium")?;
                for fault in [
                    Fault::TruncatedBody,
                    // Half of it: a part is stored.
                    Fault::TruncatedBody,
                    // The rest does not fit to it: the part is dropped.
                    Fault::DigestMismatch,
                ] {
                    drop(whatsapp.faults().arm_on(fault, Times(1), &medium.id)?);
                }
                Ok(())
            },
            Journey::Sent,
        ),
        play(
            "WhatsApp has forgotten the file",
            photo,
            |stage, _| {
                let options = stage.standins.whatsapp.options();
                options
                    .clock
                    .advance(options.media_life + Duration::from_secs(1));
                Ok(())
            },
            Journey::Lost,
        ),
        play(
            "fetch and every judge die, the bytes are there",
            photo,
            |stage, _| {
                kill(stage, "FetchFunction", 2, When::After);
                (1..=3).for_each(|attempt| kill(stage, "ValidateFunction", attempt, When::Before));
                Ok(())
            },
            Journey::Sent,
        ),
        play(
            "every judge of a dangerous file dies",
            invoice,
            |stage, _| {
                // Copied, the notice written and sent, the row written.
                kill(stage, "ValidateFunction", 4, When::After);
                // Counted over all attempts: after the first four effects, one for each of the two retries.
                kill(stage, "ValidateFunction", 5, When::Before);
                kill(stage, "ValidateFunction", 6, When::Before);
                Ok(())
            },
            Journey::Rejected,
        ),
        play(
            "fetch dies with the item",
            photo,
            |stage, _| {
                kill(stage, "FetchFunction", 1, When::After);
                Ok(())
            },
            Journey::Sent,
        ),
        play(
            "upload dies before it has the item",
            photo,
            |stage, _| {
                kill(stage, "UploadFunction", 1, When::Before);
                Ok(())
            },
            Journey::Sent,
        ),
    ]
}

pub(super) fn kill(stage: &Stage, function: &str, nth_effect: u64, when: When) {
    drop(stage.run.arm(KillPoint {
        function: function.to_owned(),
        act: Act::Kill,
        nth_effect,
        when,
    }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_declared_call_is_made_and_no_other() -> Result<()> {
    let played = stream::iter(plays())
        .map(performed)
        .buffer_unordered(AT_ONCE);
    let played: Vec<BTreeSet<Call>> = played.try_collect().await?;
    let of_words = stream::iter(OF_WORDS).map(spoken).buffer_unordered(AT_ONCE);
    let of_words: Vec<BTreeSet<Call>> = of_words.try_collect().await?;
    let given_up = given_up().await.context("given up")?;
    let played = played.into_iter().chain(of_words);
    let calls = played.flatten().chain(given_up).collect();
    let expected = NEVER_MADE
        .map(|(function, action, on)| -> Call { (function.into(), action.into(), on.into()) });
    assert_eq!(
        never_made(&calls),
        expected,
        "left: declared, and made in no play"
    );
    Ok(())
}

async fn performed(play: Play) -> Result<BTreeSet<Call>> {
    let perform = async {
        // Longer than S3's event is retried, so that sweep comes after the last retry.
        let setup = Setup {
            parameters: vec![("LeaseSeconds", "6")],
            ..Setup::default()
        };
        let stage = Stage::start(setup).await?;
        let (mut messages, mut composed) = (Vec::new(), Vec::new());
        for file in (play.files)() {
            let (sent, message) = stage.compose(file)?;
            (play.trouble)(&stage, &sent)?;
            messages.push(sent);
            composed.push(message);
        }
        composed.push(
            stage
                .standins
                .whatsapp
                .customer()
                .compose_text("And a word."),
        );
        stage.standins.whatsapp.send_batch(composed);
        for sent in &messages {
            let item = stage.at_rest(sent, BOUND).await?;
            ensure!(
                item.gate.stage == play.end,
                "ended as {:?}: {:?}",
                item.gate.stage,
                item.record.diagnosis
            );
        }
        stage.quiet(BOUND).await?;
        ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
        let calls = called(stage.run.template(), &stage.run.calls());
        stage.stop().await?;
        anyhow::Ok(calls)
    };
    perform.await.with_context(|| play.name)
}

/// What is played with words, and towards a customer.
#[derive(Clone, Copy, Debug)]
enum Words {
    /// An agent's file arrives, although its host fails once; the customer answers a message.
    FileAndReply,
    /// An agent's words, whose token is refused once; a voice note with a text apart.
    FromAgent,
    /// An agent's words for a number that never wrote.
    Uninvited,
    /// An agent's file breaks off, so often that its webhook comes again before `fetch` has it.
    BrokenOff,
    /// An agent's file whose link may not be followed.
    Forbidden,
    /// The function of words dies before it has them.
    Dies,
    /// An agent's picture that WhatsApp does not take, and whose convert dies before it has written the row.
    Converted,
    /// An agent's table, which WhatsApp does not take, and of which no rendition can be made.
    Unconvertible,
    /// Such a picture, whose convert dies before it has done anything.
    SweptUp,
    /// A message to a number that nobody configured.
    Stranger,
    /// A dangerous file, and one that is half here, which the customer takes back.
    TakenBack,
    /// Another system, which does not want what is passed on to it.
    PassedOn,
    /// A file while the scanner is down.
    Unscanned,
    /// An agent's table goes as a link, which the customer follows.
    Linked,
    /// The same with a content domain; and a file the other way, which Genesys fetches there.
    LinkedThere,
    /// A customer's file goes to web messaging, which tells of its end by itself.
    InTwoSteps,
    /// WhatsApp and Genesys refuse what they should take; limits are read anew, by a process that did not seal the token.
    Drifted,
}

const OF_WORDS: [Words; 17] = [
    Words::FileAndReply,
    Words::FromAgent,
    Words::Uninvited,
    Words::BrokenOff,
    Words::Forbidden,
    Words::Dies,
    Words::Converted,
    Words::Unconvertible,
    Words::SweptUp,
    Words::Stranger,
    Words::TakenBack,
    Words::PassedOn,
    Words::Unscanned,
    Words::Linked,
    Words::LinkedThere,
    Words::InTwoSteps,
    Words::Drifted,
];

async fn spoken(what: Words) -> Result<BTreeSet<Call>> {
    let play = async {
        let other = OldSystem::start([StatusCode::NOT_FOUND; 30]).await?;
        let setup = match what {
            Words::TakenBack => taken_back::setup(),
            Words::Linked | Words::LinkedThere | Words::Drifted => limits::linking(),
            Words::InTwoSteps => two_steps::setup(),
            _ => Setup::default(),
        };
        let content_domain = matches!(what, Words::LinkedThere).then_some("media.example.com");
        let clamd = Clamd::start().await?;
        let stage = Stage::start(Setup {
            parameters: vec![("LeaseSeconds", "6")],
            content_domain,
            clamd: matches!(what, Words::Unscanned).then(|| clamd.address()),
            forward_to: matches!(what, Words::PassedOn).then(|| other.url()),
            ..setup
        })
        .await?;
        match what {
            Words::Dies => kill(&stage, "TextFunction", 1, When::Before),
            // The rendition is stored; the row is not written.
            Words::Converted => kill(&stage, "ConvertFunction", 1, When::After),
            Words::SweptUp => kill(&stage, "ConvertFunction", 1, When::Before),
            // Whenever it next writes down what it read of limits.
            Words::Drifted => kill(&stage, "RefreshFunction", 1, When::Before),
            _ => {}
        }
        let hello = stage.says(Say::Text("Hello".to_owned()));
        stage.at_rest(&hello, BOUND).await?;
        match what {
            Words::Unscanned => play_unscanned(&stage, &clamd).await?,
            _ => play_words(&stage, what, &hello).await?,
        }
        stage.quiet(BOUND).await?;
        ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
        let calls = called(stage.run.template(), &stage.run.calls());
        stage.stop().await?;
        anyhow::Ok(calls)
    };
    play.await.with_context(|| format!("{what:?}"))
}

async fn play_unscanned(stage: &Stage, clamd: &Clamd) -> Result<()> {
    clamd.go_down().await;
    let sent = stage.send(sample_named("photo.jpg"))?;
    let look = || async { Ok((!stage.log.containing("not scanned").is_empty()).then_some(())) };
    attache_e2e::eventually("a scan that failed", BOUND, look).await?;
    clamd.come_back().await?;
    let item = stage.at_rest(&sent, BOUND).await?;
    ensure!(item.gate.stage == Journey::Sent, "{:?}", item.gate);
    Ok(())
}

async fn play_words(stage: &Stage, what: Words, hello: &Sent) -> Result<()> {
    let (genesys, whatsapp) = (&stage.standins.genesys, &stage.standins.whatsapp);
    let file = || AgentFile::new(bytes("screenshot.png"), "image/png").named("plan.png");
    match what {
        Words::Dies | Words::Unscanned => {}
        Words::Converted | Words::SweptUp => {
            let sent = stage.agent_sends(AgentFile::new(bytes("anim.gif"), "image/gif"), "Look")?;
            genesys.wait_for_final_receipt(&sent.message, BOUND).await?;
        }
        Words::Unconvertible => {
            // In no standard font.
            let table = "Имя;Сумма\nИван;пять\nМария;шесть\n".as_bytes().to_vec();
            let file = AgentFile::new(table, "text/csv").named("list.csv");
            let sent = stage.agent_sends(file, "")?;
            genesys.wait_for_final_receipt(&sent.message, BOUND).await?;
        }
        Words::FileAndReply => {
            let refusal = Fault::FiveHundreds;
            genesys
                .faults()
                .arm_at(refusal, Times(1), Point::Download)?;
            let sent = stage.agent_sends(file(), "The plan")?;
            genesys.wait_for_final_receipt(&sent.message, BOUND).await?;
            whatsapp
                .customer()
                .reply(&hello.message, Say::Text("As I said".to_owned()));
            genesys.wait_for_messages(2, BOUND).await?;
        }
        Words::FromAgent => {
            let refusal = Fault::Unauthorised;
            whatsapp.faults().arm_at(refusal, Times(1), Point::Send)?;
            let answer = stage.agent_says("Tomorrow");
            genesys
                .wait_for_final_receipt(&answer.message, BOUND)
                .await?;
            // The line of words learns of a refusal too.
            let refusal = Fault::RateLimit;
            whatsapp.faults().arm_at(refusal, Times(1), Point::Send)?;
            let answer = stage.agent_says("At nine");
            genesys
                .wait_for_final_receipt(&answer.message, BOUND)
                .await?;
            let voice = AgentFile::new(bytes("voice.ogg"), "audio/ogg");
            let sent = stage.agent_sends(voice, "Listen to this")?;
            genesys.wait_for_final_receipt(&sent.message, BOUND).await?;
        }
        Words::Uninvited => {
            let early = genesys.agent().send_text("16505550000", "Hello?");
            genesys.wait_for_final_receipt(&early, BOUND).await?;
        }
        Words::BrokenOff => {
            genesys
                .faults()
                .arm_at(Fault::TruncatedBody, Times(12), Point::Download)?;
            let sent = stage.agent_sends(file(), "")?;
            genesys.wait_for_final_receipt(&sent.message, BOUND).await?;
            let delivery = genesys.wait_for_delivery(&sent.message, BOUND).await?;
            ensure!(delivery.attempts.len() > 1, "{delivery:?}");
        }
        Words::Forbidden => {
            // Given up at once, while Genesys waits.
            let url = "http://169.254.169.254/latest/meta-data";
            let body = json!({
                "id": "0123456789abcdef0123456789abcdef", "type": "Text", "direction": "Outbound",
                "channel": {
                    "id": genesys.options().integration_id, "platform": "Open", "type": "Private",
                    "to": { "id": attache_e2e::CUSTOMER }, "time": "2026-01-15T13:41:24.276Z",
                },
                "content": [{ "contentType": "Attachment", "attachment": { "id": "1", "mediaType": "File", "url": url } }],
            });
            genesys.agent().send_raw(body.to_string());
            // The greeting, and the notice.
            genesys.wait_for_messages(2, BOUND).await?;
        }
        Words::Stranger => {
            let value = json!({
                "metadata": { "phone_number_id": "999" },
                "messages": [{ "from": "1", "id": "wamid.stranger", "type": "text", "text": { "body": "x" } }],
            });
            let body =
                json!({ "entry": [{ "changes": [{ "field": "messages", "value": value }] }] });
            whatsapp.send_raw(body.to_string());
            let look = || async {
                let kept = stage.log.containing("nobody configured");
                Ok((!kept.is_empty()).then_some(()))
            };
            attache_e2e::eventually("the event kept", BOUND, look).await?;
        }
        Words::TakenBack => {
            let dangerous = stage.send(sample_named("invoice.png"))?;
            stage.at_rest(&dangerous, BOUND).await?;
            let half = taken_back::half_here(stage).await?;
            for sent in [&dangerous, &half] {
                taken_back::take_back(stage, sent).await?;
            }
        }
        Words::InTwoSteps => two_steps::arrives(stage).await?,
        Words::Linked => {
            limits::link_followed(stage).await?;
        }
        Words::LinkedThere => {
            limits::link_followed(stage).await?;
            let sent = stage.send(sample_named("photo.jpg"))?;
            let item = stage.at_rest(&sent, BOUND).await?;
            ensure!(item.gate.stage == Journey::Sent, "{:?}", item.gate);
        }
        Words::Drifted => {
            limits::drifted(stage).await?;
            let unsealed = || async {
                let calls = called(stage.run.template(), &stage.run.calls());
                let wanted = ["RefreshFunction", "kms:Decrypt", "DataKey"].map(str::to_owned);
                Ok(calls.contains(&wanted.into()).then_some(()))
            };
            attache_e2e::eventually("limits read anew", BOUND, unsealed).await?;
        }
        Words::PassedOn => {
            // A webhook that is repeated because its answer was slow is passed on again, as a job of its own.
            let look = || async { Ok((stage.dead_letters().await? >= 1).then_some(())) };
            attache_e2e::eventually("the dead letter", BOUND, look).await?;
        }
    }
    Ok(())
}
