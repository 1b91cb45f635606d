//! Archive only: the source documents' media event on a route that leads nowhere. Stored before the answer, judged, kept.

use std::time::Duration;

use anyhow::{Result, ensure};
use attache_domain::connection::{Account, Connection, Endpoint, Profile, Route, Row, SecretName};
use attache_domain::ids::{AttachmentId, ConnectionId, EndpointId, MediaId, MessageId};
use attache_domain::journey::Stage as Journey;
use attache_e2e::media::bytes;
use attache_e2e::{Sent, Setup, Stage};
use attache_operator::site::STAGE;
use attache_operator::standins::StandIns;
use attache_platforms::genesys::AgentFile;

const BOUND: Duration = Duration::from_secs(60);

/// The organisation's media events, at an endpoint of their own.
fn rows(standins: &StandIns) -> Result<Vec<Row>> {
    let seed = standins.seed(STAGE)?;
    let org = seed.rows.iter().find_map(|row| match row {
        Row::Connection(connection) => connection.org().cloned(),
        Row::Endpoint(_) | Row::Route(_) | Row::Policy(_) => None,
    });
    let Some(org) = org else {
        anyhow::bail!("the stand-ins have no organisation")
    };
    let id = ConnectionId::new("archive");
    Ok(vec![
        Row::Endpoint(Endpoint {
            id: EndpointId::new("media-events"),
            profile: Profile::GenesysMessageMedia,
            secrets: vec![SecretName(format!(
                "attache/{STAGE}/endpoints/genesys/secret-1"
            ))],
            verify_token: None,
            forward_to: None,
            shadow: false,
        }),
        Row::Connection(Connection {
            local: true,
            ..Connection::new(
                id.clone(),
                Account::GenesysMessageMedia {
                    endpoint: EndpointId::new("media-events"),
                    agent_id: None,
                    org,
                },
            )
        }),
        Row::Route(Route { from: id, to: None }),
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_media_event_is_stored_before_its_answer_and_kept() -> Result<()> {
    let stage = Stage::start(Setup {
        rows: Some(rows),
        ..Setup::default()
    })
    .await?;
    let events = stage.standins.genesys.message_media();
    let callback = format!("{}/webhooks/media-events", stage.run.api_url());
    events.set_callback(callback.parse()?);
    let pdf = bytes("Rechnung März (1).pdf");
    let announced = events.announce(AgentFile::new(pdf, "application/pdf"));
    let delivery = stage
        .standins
        .genesys
        .wait_for_delivery(&announced.event_id, BOUND)
        .await?;
    ensure!(
        delivery
            .attempts
            .iter()
            .any(|attempt| attempt.acknowledged()),
        "{delivery:?}"
    );
    let id = MediaId::derive(
        &ConnectionId::new("archive"),
        &MessageId::new(announced.message_id.as_str()),
        &AttachmentId::new(&*announced.media_id),
    );
    ensure!(
        stage.keys("MediaBucket").await? == [id.arrival_key()],
        "not stored before the answer"
    );
    let sent = Sent {
        message: announced.event_id,
        id,
    };
    let item = stage.at_rest(&sent, BOUND).await?;
    ensure!(item.gate.stage == Journey::Kept, "{item:?}");
    ensure!(
        stage.standins.genesys.messages().is_empty(),
        "it was delivered"
    );
    ensure!(
        stage.standins.whatsapp.sent().is_empty(),
        "it was delivered"
    );
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    stage.stop().await
}
