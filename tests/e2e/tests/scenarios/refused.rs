//! Calls that are refused for what stands in the way or for what the platform says of their form: each is explained, told of, and
//! made no more often than it can be of use.

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attache_domain::connection::{Account, Row};
use attache_domain::journey::Stage as Journey;
use attache_e2e::media::{bytes, sample_named};
use attache_e2e::{Setup, Stage};
use attache_operator::site::STAGE;
use attache_operator::standins::{AGENTS, StandIns};
use attache_platforms::faults::{Aim, Fault, Point, Times};
use attache_platforms::genesys::AgentFile;
use attache_platforms::old_tls::{APPLICATION_DATA, OldTls, record_types};
use attache_platforms::whatsapp::Say;

const BOUND: Duration = Duration::from_secs(120);

/// Where the machine in the way is.
static IN_THE_WAY: OnceLock<String> = OnceLock::new();

/// The agents' platform is behind it.
fn behind(standins: &StandIns) -> Result<Vec<Row>> {
    let url = IN_THE_WAY.get().context("nothing is in the way")?;
    let rows = standins.seed(STAGE)?.rows.into_iter();
    let rows = rows.filter_map(|row| match row {
        Row::Connection(mut connection) if connection.id.as_str() == AGENTS => {
            if let Account::GenesysOpenMessaging { org, .. } = &mut connection.account {
                org.api_url = url.parse().ok()?;
            }
            Some(Row::Connection(connection))
        }
        _ => None,
    });
    Ok(rows.collect())
}

/// `tls-downgrade` on the first hop: nothing is entrusted to a machine that speaks old TLS, and its fault has a name.
/// (On the second hop: `two_steps`.)
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_tls_in_the_way_gets_no_token_and_is_named() -> Result<()> {
    let machine = OldTls::start().await?;
    ensure!(IN_THE_WAY.set(machine.url()).is_ok());
    let stage = Stage::start(Setup {
        rows: Some(behind),
        ..Setup::default()
    })
    .await?;
    let sent = stage.says(Say::Text("Hello".to_owned()));
    let item = stage.at_rest(&sent, BOUND).await?;
    let diagnosis = item.record.diagnosis.context("no diagnosis")?;
    ensure!(
        (item.gate.stage, &*diagnosis.code) == (Journey::Failed, "network.tls-version"),
        "{:?} {diagnosis:?}",
        item.gate.stage
    );
    let received = machine.received();
    ensure!(received.len() >= 4, "{} connections", received.len());
    for bytes in &received {
        let types = record_types(bytes);
        ensure!(types.first() == Some(&0x16), "no greeting: {types:?}");
        ensure!(!types.contains(&APPLICATION_DATA), "{types:?}");
        let says = |words: &[u8]| bytes.windows(words.len()).any(|it| it == words);
        ensure!(!says(b"Bearer") && !says(b"/api/v2"), "in the clear");
    }
    ensure!(stage.standins.genesys.posts().is_empty());
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    stage.stop().await
}

/// `wrong-415`, in both directions. (Of web messaging: `two_steps`.)
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_type_that_is_refused_wrongly_is_not_tried_for_long() -> Result<()> {
    let stage = Stage::start(Setup::default()).await?;
    let (whatsapp, genesys) = (&stage.standins.whatsapp, &stage.standins.genesys);
    let hello = stage.says(Say::Text("Hello".to_owned()));
    stage.at_rest(&hello, BOUND).await?;

    let (to_agent, composed) = stage.compose(sample_named("photo.jpg"))?;
    let aim = Aim {
        times: Times::ALWAYS,
        point: Some(Point::Inbound),
        subject: Some(to_agent.message.as_str()),
        ..Aim::default()
    };
    let messages = genesys.faults().arm_aimed(Fault::Wrong415, aim)?;
    whatsapp.send_batch(vec![composed]);
    let item = stage.at_rest(&to_agent, BOUND).await?;
    let code = item.record.diagnosis.map(|it| it.code);
    ensure!(
        (item.gate.stage, code.as_deref()) == (Journey::Failed, Some("genesys.type-refused")),
        "{code:?}"
    );
    ensure!(messages.fired() == 1, "{} calls", messages.fired());

    let uploads = whatsapp
        .faults()
        .arm_at(Fault::Wrong415, Times::ALWAYS, Point::Upload)?;
    let file = AgentFile::new(bytes("screenshot.png"), "image/png").named("plan.png");
    let to_customer = stage.agent_sends(file, "")?;
    let item = stage.at_rest(&to_customer, BOUND).await?;
    let code = item.record.diagnosis.map(|it| it.code);
    ensure!(
        (item.gate.stage, code.as_deref()) == (Journey::Failed, Some("channel.limit-drift")),
        "{:?} {code:?}",
        item.gate.stage
    );
    // As it is, and once in another form.
    ensure!(uploads.fired() == 2, "{} calls", uploads.fired());
    let receipt = genesys.wait_for_final_receipt(&to_customer.message, BOUND);
    let receipt = receipt.await?;
    ensure!(receipt.status == "Failed", "{receipt:?}");
    // Hello, and a notice of each.
    genesys.wait_for_messages(3, BOUND).await?;
    stage.quiet(BOUND).await?;
    ensure!(stage.dead_letters().await? == 2);
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    stage.stop().await
}
