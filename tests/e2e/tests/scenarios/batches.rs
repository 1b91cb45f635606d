//! Ten jobs in one invocation, over a real process: those that fail are named and no others; a token that dies in the middle costs one
//! renewal; a process that is killed after seven were sent leaves nothing that is sent a second time.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attache_domain::channels::Direction;
use attache_domain::event::{Content, FollowUp, Origin, Words};
use attache_domain::ids::{AttachmentId, ConnectionId, MessageId};
use attache_domain::job::ItemJob;
use attache_domain::journey::{Item, Stage as Journey};
use attache_e2e::{CUSTOMER, Setup, Stage, eventually};
use attache_edge::clock::SystemClock;
use attache_flow::ports::Clock;
use attache_operator::standins::{AGENTS, CUSTOMERS};
use attache_platforms::faults::{Fault, Point, Times};
use attache_platforms::genesys::{Duplicates, GenesysOptions};
use attache_platforms::whatsapp::Say;
use serde_json::{Value, json};

const BOUND: Duration = Duration::from_secs(90);

/// How long what waits for its slot in place waits, in milliseconds: shorter than the longest wait in place.
const IN_PLACE: u64 = 1_900;

/// Ten words on their way, and the event with their jobs.
struct Batch {
    direction: Direction,
    items: Vec<Item>,
    jobs: Vec<ItemJob>,
}

impl Batch {
    async fn of_ten(stage: &Stage, direction: Direction) -> Result<Self> {
        let (from, to) = match direction {
            Direction::ToAgent => (CUSTOMERS, AGENTS),
            Direction::ToCustomer => (AGENTS, CUSTOMERS),
        };
        let now = SystemClock::default().now();
        let (mut items, mut jobs) = (Vec::new(), Vec::new());
        for n in 0..10 {
            let part = FollowUp::Words.part(&AttachmentId::new(""));
            let words = Content::Words(Words {
                text: format!("Words {n}"),
                notice: false,
            });
            let origin = Origin {
                target: Some(ConnectionId::new(to)),
                ..Origin::new(
                    (ConnectionId::new(from), direction),
                    (MessageId::new(format!("batch.{n}")), part),
                    (CUSTOMER, now),
                    words,
                )
            };
            let (item, job) = stage.write_down(origin).await?;
            items.push(item);
            jobs.push(job);
        }
        Ok(Self {
            direction,
            items,
            jobs,
        })
    }

    /// Has `text` work on all of them; the ids (numbers) of the records that it says failed.
    async fn invoke(&self, stage: &Stage, others: &[&str]) -> Result<Vec<String>> {
        let jobs = self.jobs.iter().map(serde_json::to_string);
        let mut bodies: Vec<String> = jobs.collect::<Result<_, _>>()?;
        for (body, other) in bodies.iter_mut().rev().zip(others) {
            (*other).clone_into(body);
        }
        let record = |(n, body): (usize, &String)| {
            json!({ "messageId": n.to_string(), "receiptHandle": "r", "body": body, "attributes": {},
                "messageAttributes": {}, "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:text",
                "awsRegion": "eu-central-1" })
        };
        let records: Vec<Value> = bodies.iter().enumerate().map(record).collect();
        let event = json!({ "Records": records }).to_string();
        let answer = stage.run.invoke("TextFunction", event).await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        let failed = answer["batchItemFailures"].as_array().context("no list")?;
        let ids = failed.iter().map(|it| it["itemIdentifier"].as_str());
        let ids: Option<Vec<_>> = ids.map(|id| id.map(str::to_owned)).collect();
        ids.context("a failure without its id")
    }

    /// The rows as they are.
    async fn rows(&self, stage: &Stage) -> Result<Vec<Item>> {
        let mut rows = Vec::new();
        for item in &self.items {
            rows.push(stage.row(&item.id).await?.context("a row is gone")?);
        }
        Ok(rows)
    }

    /// How often each was said.
    fn said(&self, stage: &Stage) -> BTreeMap<String, usize> {
        let texts: Vec<String> = match self.direction {
            Direction::ToAgent => {
                let posts = stage.standins.genesys.posts().into_iter();
                let text = posts.map(|it| it.request["text"].as_str().map(str::to_owned));
                text.flatten().collect()
            }
            Direction::ToCustomer => {
                let sent = stage.standins.whatsapp.sent();
                let text = sent.iter().map(|it| it.text().map(str::to_owned));
                text.flatten().collect()
            }
        };
        let mut said = BTreeMap::new();
        for n in 0..10 {
            let words = format!("Words {n}");
            let times = texts.iter().filter(|it| **it == words).count();
            said.insert(words, times);
        }
        said
    }
}

fn is_at_customer(stage: Journey) -> bool {
    matches!(stage, Journey::Sent | Journey::Delivered | Journey::Read)
}

async fn opened(patience: &'static str) -> Result<Stage> {
    let stage = Stage::start(Setup {
        parameters: vec![("SendPatienceSeconds", patience)],
        genesys: GenesysOptions {
            duplicates: Duplicates::Suppressed,
            ..GenesysOptions::default()
        },
        ..Setup::default()
    })
    .await?;
    let hello = stage.says(Say::Text("Hello".to_owned()));
    stage.at_rest(&hello, BOUND).await?;
    stage.quiet(BOUND).await?;
    Ok(stage)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_of_ten_fail_and_are_named() -> Result<()> {
    let stage = opened("20").await?;
    let batch = Batch::of_ten(&stage, Direction::ToAgent).await?;
    let stranger = r#"{"v":1,"media":"l2wfnx2ykow6332tuxvuxtr2em","connection":"genesys-demo","epoch":0,"sequence":0}"#;
    let others = ["no job", "{}", stranger];
    for _ in 0..2 {
        let failed = batch.invoke(&stage, &others).await?;
        ensure!(failed == ["7", "8", "9"], "{failed:?}");
        let said = batch.said(&stage);
        let first = said.values().take(7).all(|times| *times == 1);
        ensure!(first && said.values().sum::<usize>() == 7, "{said:?}");
    }
    let failed = batch.invoke(&stage, &[]).await?;
    ensure!(failed.is_empty(), "{failed:?}");
    // The line is long by now: who has no slot comes back by the queue.
    let all = || async {
        let said = batch.said(&stage);
        Ok(said.values().all(|times| *times > 0).then_some(said))
    };
    let said = eventually("all ten", BOUND, all).await?;
    ensure!(said.values().all(|times| *times == 1), "{said:?}");
    stage.stop().await
}

/// `dead-token-mid-batch`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_dies_in_the_middle_costs_one_renewal() -> Result<()> {
    let stage = opened("20").await?;
    let genesys = &stage.standins.genesys;
    let issued = genesys.tokens_issued();
    let armed = genesys
        .faults()
        .arm_on(Fault::DeadTokenMidBatch, Times(1), "batch.4")?;
    let batch = Batch::of_ten(&stage, Direction::ToAgent).await?;
    let failed = batch.invoke(&stage, &[]).await?;
    ensure!(failed.is_empty() && armed.fired() == 1, "{failed:?}");
    let all = || async {
        let rows = batch.rows(&stage).await?;
        let sent = rows.iter().all(|item| item.gate.stage == Journey::Sent);
        Ok(sent.then_some(rows))
    };
    let rows = eventually("all ten", BOUND, all).await?;
    let attempts: Vec<_> = rows.iter().map(|item| item.record.attempts).collect();
    ensure!(
        attempts.iter().all(|attempts| *attempts == 0),
        "a renewal is no attempt: {attempts:?}"
    );
    let said = batch.said(&stage);
    ensure!(said.values().all(|times| *times == 1), "{said:?}");
    let renewed = genesys.tokens_issued() - issued;
    ensure!(renewed == 1, "{renewed} renewals");
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_after_seven_of_ten_repeats_none_of_them() -> Result<()> {
    for direction in [Direction::ToAgent, Direction::ToCustomer] {
        let play = killed_after_seven(direction).await;
        play.map_err(|error| error.context(format!("{direction:?}")))?;
    }
    Ok(())
}

/// Eight of them go out at once: of one the platform does not say whether it has it. The other two wait for their slots.
async fn killed_after_seven(direction: Direction) -> Result<()> {
    let stage = opened("10").await?;
    let (faults, point) = match direction {
        Direction::ToAgent => (stage.standins.genesys.faults(), Point::Inbound),
        Direction::ToCustomer => (stage.standins.whatsapp.faults(), Point::Send),
    };
    let mut batch = Batch::of_ten(&stage, direction).await?;
    let armed = faults.arm_at(Fault::Stall, Times(1), point)?;
    let slot = SystemClock::default().now().as_millis() + IN_PLACE;
    for job in &mut batch.jobs[8..] {
        job.slot = Some(slot);
    }
    let killed = async {
        let seven = || async {
            let rows = batch.rows(&stage).await?;
            let sent = rows.iter().filter(|item| is_at_customer(item.gate.stage));
            Ok((sent.count() >= 7 && faults.held() == 1).then_some(()))
        };
        eventually("seven of ten", BOUND, seven).await?;
        ensure!(stage.run.kill_function("TextFunction") > 0, "nobody lives");
        batch.rows(&stage).await
    };
    let (invoked, rows) = tokio::join!(batch.invoke(&stage, &[]), killed);
    ensure!(invoked.is_err(), "killed, and it answered {invoked:?}");
    let (rows, said) = (rows?, batch.said(&stage));
    faults.release();
    // All ten are received again, at once and later.
    let again = batch.invoke(&stage, &[]).await?;
    ensure!(again.is_empty(), "{again:?}");
    let over = || async {
        let rows = batch.rows(&stage).await?;
        let over = rows.iter().all(|item| item.gate.stage.is_over());
        Ok(over.then_some(()))
    };
    eventually("all ten over", BOUND, over).await?;
    let again = batch.invoke(&stage, &[]).await?;
    ensure!(again.is_empty(), "{again:?}");
    stage.quiet(BOUND).await?;

    let (mut recorded, mut waiting) = (0, 0);
    let ended = batch.rows(&stage).await?;
    for ((before, item), (words, times)) in rows.iter().zip(&ended).zip(batch.said(&stage)) {
        let at_death = said[&words];
        let came = is_at_customer(item.gate.stage);
        match before.gate.stage {
            stage if is_at_customer(stage) => {
                recorded += 1;
                ensure!((at_death, times) == (1, 1), "{words} is said again");
            }
            _ if before.gate.intent_until.is_none() => {
                waiting += 1;
                ensure!(came && times == 1, "{words}: {times}, {:?}", item.gate);
            }
            _ if direction == Direction::ToAgent => {
                let most = 1 + usize::try_from(item.record.repeats)?;
                ensure!(came && (1..=most).contains(&times), "{words}: {times}");
            }
            _ => {
                let told = times == usize::from(came);
                let open = item.gate.stage == Journey::Unconfirmed || came;
                ensure!(told && open, "{words}: {times}, {:?}", item.gate);
            }
        }
    }
    ensure!(armed.fired() == 1 && recorded >= 7, "{recorded} recorded");
    println!("{direction:?}: {recorded} were sent, {waiting} had not begun");
    let shown = stage.standins.genesys.messages();
    let words = shown.iter().filter_map(|it| it.text.as_deref());
    let words = words.filter(|text| text.starts_with("Words ")).count();
    let expected = if direction == Direction::ToAgent {
        10
    } else {
        0
    };
    ensure!(words == expected, "the agent reads {words}");
    // Genesys knows nothing of the messages that these are said to be.
    let breaches = stage.breaches().into_iter();
    let breaches: Vec<_> = breaches
        .filter(|breach| !breach.contains("no message batch."))
        .collect();
    ensure!(breaches.is_empty(), "{breaches:?}");
    stage.stop().await
}
