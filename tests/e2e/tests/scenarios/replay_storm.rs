//! A storm of repeats at the real intake process: every message three times, in any order, fifty at once. One row each, and no
//! second delivery.
//!
//! Words of many customers, so that nothing but intake and its tables is in the way; most of them to a number whose words are only
//! kept, because the agents' platform takes 75 a minute. How many events is a matter of the machine: some here, more with
//! `ATTACHE_STORM_EVENTS` (ten thousand is what the plan of the intake asks for).

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attache_domain::connection::{Account, Profile, Route, Row};
use attache_domain::ids::ConnectionId;
use attache_e2e::{Setup, Stage};
use attache_operator::site::STAGE;
use attache_operator::standins::{ENDPOINT, StandIns};
use attache_platforms::signature;
use attache_platforms::whatsapp::{PhoneNumber, WhatsAppOptions};
use futures_util::{StreamExt, TryStreamExt, stream};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use reqwest::{Client, StatusCode};
use serde_json::json;

/// How often each message comes.
const DELIVERIES: usize = 3;
/// Webhooks on their way at once.
const AT_ONCE: usize = 50;
/// Events unless the environment says otherwise.
const EVENTS: usize = 1200;
/// Until the last of those for the agents is there.
const BOUND: Duration = Duration::from_secs(240);
/// A webhook that is turned away comes again, but not for ever.
const MOST_TRIES: u32 = 50;

/// One message in so many goes on to the agents.
const DELIVERED: usize = 50;

fn events() -> Result<usize> {
    match std::env::var("ATTACHE_STORM_EVENTS") {
        Ok(count) => count.parse().context("ATTACHE_STORM_EVENTS is no number"),
        Err(_) => Ok(EVENTS),
    }
}

/// A second number, whose route leads nowhere.
fn second_number(standins: &StandIns) -> Result<Vec<Row>> {
    let rows = standins.seed(STAGE)?.rows.into_iter();
    let mut numbers = rows.filter_map(|row| match row {
        Row::Connection(connection) if connection.profile() == Profile::WhatsApp => {
            Some(connection)
        }
        Row::Connection(_) | Row::Endpoint(_) | Row::Route(_) | Row::Policy(_) => None,
    });
    let mut kept = numbers.next().context("the stand-ins have no number")?;
    kept.id = ConnectionId::new("kept");
    if let Account::WhatsApp {
        phone_number_id, ..
    } = &mut kept.account
    {
        phone_number_id.clone_from(&standins.whatsapp.options().numbers[1].phone_number_id);
    }
    let route = Route {
        from: kept.id.clone(),
        to: None,
    };
    Ok(vec![Row::Connection(kept), Row::Route(route)])
}

/// Id of a message.
fn id(number: usize) -> String {
    format!("wamid.storm-{number}")
}

/// The webhook of a message, byte for byte the same whenever it comes.
fn webhook(stage: &Stage, number: usize) -> String {
    let numbers = &stage.standins.whatsapp.options().numbers;
    let business = &numbers[usize::from(!number.is_multiple_of(DELIVERED))];
    let customer = format!("4915{:08}", number % 500);
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": business.display_phone_number,
            "phone_number_id": business.phone_number_id,
        },
        "contacts": [{ "profile": { "name": "One of many" }, "wa_id": customer }],
        "messages": [{
            "from": customer, "id": id(number), "timestamp": "1750000000",
            "type": "text", "text": { "body": format!("Message {number}") },
        }],
    });
    let entry =
        json!({ "id": business.waba_id, "changes": [{ "field": "messages", "value": value }] });
    json!({ "object": "whatsapp_business_account", "entry": [entry] }).to_string()
}

/// Posts a webhook as often as it is turned away for want of capacity; how often that was.
async fn post(client: &Client, stage: &Stage, number: usize) -> Result<u32> {
    let body = webhook(stage, number);
    let secret = &stage.standins.whatsapp.options().app_secret;
    let signature = signature::meta(secret, body.as_bytes());
    let url = format!("{}/webhooks/{ENDPOINT}", stage.run.api_url());
    for turned_away in 0..MOST_TRIES {
        let request = client
            .post(&url)
            .header("Content-Type", "application/json")
            .header(signature::HEADER, &signature);
        let status = request.body(body.clone()).send().await?.status();
        match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {}
            status => {
                ensure!(status.is_success(), "{}: {status}", id(number));
                return Ok(turned_away);
            }
        }
    }
    anyhow::bail!("{} was turned away {MOST_TRIES} times", id(number))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_repeats_leaves_one_row_and_no_second_delivery() -> Result<()> {
    // Leases and intents as deployed: nothing dies here, so nothing is to be swept up.
    let parameters = vec![
        ("LeaseSeconds", "60"),
        ("SendPatienceSeconds", "20"),
        ("IntentGraceSeconds", "30"),
        ("ConnectionsMaxAgeSeconds", "3600"),
    ];
    let mut whatsapp = WhatsAppOptions::default();
    whatsapp
        .numbers
        .push(PhoneNumber::new("106540352249999", "4930123456", "1"));
    let stage = Stage::start(Setup {
        whatsapp,
        parameters,
        rows: Some(second_number),
        ..Setup::default()
    })
    .await?;
    let messages = events()? / DELIVERIES;
    let mut order: Vec<usize> = (0..messages)
        .flat_map(|number| [number; DELIVERIES])
        .collect();
    order.shuffle(&mut StdRng::seed_from_u64(10_000));
    let client = Client::new();
    let posted = stream::iter(order).map(|number| post(&client, &stage, number));
    let turned_away: Vec<u32> = posted.buffer_unordered(AT_ONCE).try_collect().await?;
    ensure!(turned_away.len() == messages * DELIVERIES, "not all came");

    let origins = stage.origins().await?.into_iter();
    let mut rows: Vec<String> = origins
        .map(|origin| origin.message.as_str().to_owned())
        .collect();
    rows.sort();
    let mut expected: Vec<String> = (0..messages).map(id).collect();
    expected.sort();
    ensure!(
        rows == expected,
        "{} rows for {messages} messages",
        rows.len()
    );

    // Posts are counted, not messages: Genesys might hide the second.
    let genesys = &stage.standins.genesys;
    let mut delivered: Vec<String> = (0..messages).step_by(DELIVERED).map(id).collect();
    delivered.sort();
    genesys.wait_for_messages(delivered.len(), BOUND).await?;
    let posts = genesys.posts().into_iter();
    let mut seen: Vec<String> = posts.filter_map(|post| post.channel_message_id).collect();
    seen.sort();
    ensure!(seen == delivered, "{seen:?}");
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    stage.stop().await
}
