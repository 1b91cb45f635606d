//! Files towards web messaging, over real processes: each upload has a fate of its own, and every file arrives once or is told of.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use attache_domain::connection::{Account, Connection, Endpoint, Profile, Route, Row, SecretName};
use attache_domain::ids::{ConnectionId, EndpointId};
use attache_domain::journey::Stage as Journey;
use attache_domain::verdict::Verdict;
use attache_e2e::media::note;
use attache_e2e::{Sent, Setup, Stage, eventually};
use attache_operator::site::STAGE;
use attache_operator::standins::{CUSTOMERS, StandIns};
use attache_platforms::faults::Point::{Place, Put, Scan};
use attache_platforms::faults::{Aim, Fault, Point, Times};
use attache_platforms::genesys::Progress;

/// Longer than an upload is waited for, and one that follows it.
const BOUND: Duration = Duration::from_secs(180);

/// The endpoint and the connection.
const WEB: &str = "web";

/// How an upload ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Its file arrives.
    Arrives,
    /// The platform calls it malware.
    TakenAway,
    /// Its scan failed: it waits for five minutes.
    Waits,
    /// It fails at once, with this diagnosis.
    Fails(&'static str),
}

impl End {
    /// Whether the agent reads a notice instead.
    fn is_told_of(self) -> bool {
        matches!(self, Self::TakenAway | Self::Fails(_))
    }
}

/// What happens to the uploads, one after the other.
const FATES: [(Option<(Fault, Point)>, End); 16] = [
    (None, End::Arrives),
    (Some((Fault::CompletionFirst, Scan)), End::Arrives),
    (Some((Fault::CompletionTwice, Scan)), End::Arrives),
    (Some((Fault::CompletionNever, Scan)), End::Arrives),
    (Some((Fault::UploadLinkExpired, Put)), End::Arrives),
    (Some((Fault::FiveHundreds, Put)), End::Arrives),
    (Some((Fault::FiveHundreds, Place)), End::Arrives),
    (Some((Fault::LostAnswer, Put)), End::Arrives),
    (Some((Fault::LostAnswer, Place)), End::Arrives),
    (Some((Fault::StuckQueued, Scan)), End::Arrives),
    (Some((Fault::Silent202, Scan)), End::Arrives),
    (Some((Fault::VirusFound, Scan)), End::TakenAway),
    (Some((Fault::Scan500, Scan)), End::Waits),
    (
        Some((Fault::TlsDowngrade, Scan)),
        End::Fails("network.tls-downgraded"),
    ),
    (
        Some((Fault::Wrong415, Place)),
        End::Fails("genesys.multipart-refused"),
    ),
    (Some((Fault::Wrong415, Put)), End::Fails("genesys.refused")),
];

/// The number's files go to web messaging, on the channel that is the stand-in's integration.
pub(crate) fn rows(standins: &StandIns) -> Result<Vec<Row>> {
    let seed = standins.seed(STAGE)?;
    let org = seed.rows.iter().find_map(|row| match row {
        Row::Connection(connection) => connection.org().cloned(),
        Row::Endpoint(_) | Row::Route(_) | Row::Policy(_) => None,
    });
    let Some(org) = org else {
        bail!("the stand-ins have no organisation")
    };
    let account = Account::GenesysWebMessaging {
        endpoint: Some(EndpointId::new(WEB)),
        channel_id: standins.genesys.options().integration_id.clone(),
        org,
    };
    let id = ConnectionId::new(WEB);
    Ok(vec![
        Row::Endpoint(Endpoint {
            id: EndpointId::new(WEB),
            profile: Profile::GenesysWebMessaging,
            secrets: vec![SecretName(format!(
                "attache/{STAGE}/endpoints/genesys/secret-1"
            ))],
            verify_token: None,
            forward_to: None,
            shadow: false,
        }),
        Row::Connection(Connection {
            local: true,
            ..Connection::new(id.clone(), account)
        }),
        Row::Route(Route {
            from: ConnectionId::new(CUSTOMERS),
            to: Some(id),
        }),
    ])
}

/// A stage whose customers' files go there.
pub(crate) fn setup() -> Setup {
    Setup {
        rows: Some(rows),
        ..Setup::default()
    }
}

/// Tells the platform where its events go.
fn subscribe(stage: &Stage) -> Result<()> {
    let callback = format!("{}/webhooks/{WEB}", stage.run.api_url());
    let surface = stage.standins.genesys.web_messaging();
    surface.set_callback(callback.parse()?);
    Ok(())
}

/// A file arrives there, and the platform's event of it is taken.
pub(crate) async fn arrives(stage: &Stage) -> Result<()> {
    subscribe(stage)?;
    let sent = stage.send(note(0))?;
    ended(stage, &sent, End::Arrives).await?;
    let genesys = &stage.standins.genesys;
    let told = genesys
        .deliveries()
        .into_iter()
        .find(|delivery| delivery.body.windows(6).any(|it| it == b"fileId"))
        .context("no event")?;
    let told = genesys.wait_for_delivery(&told.messages[0], BOUND).await?;
    let taken = told.attempts.iter().any(|attempt| attempt.acknowledged());
    ensure!(taken, "{told:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_becomes_of_an_upload_its_file_arrives_once_or_is_told_of() -> Result<()> {
    let stage = Stage::start(setup()).await?;
    let genesys = &stage.standins.genesys;
    subscribe(&stage)?;
    let mut armed = Vec::new();
    let mut files = Vec::new();
    for (number, (fault, end)) in FATES.into_iter().enumerate() {
        if let Some((fault, point)) = fault {
            let name = format!("note-{number}.txt");
            let aim = Aim {
                times: Times(1),
                point: Some(point),
                subject: Some(&name),
                ..Aim::default()
            };
            armed.push((fault, genesys.faults().arm_aimed(fault, aim)?));
        }
        files.push((number, stage.send(note(number))?, end));
    }
    for (number, sent, end) in &files {
        ended(&stage, sent, *end)
            .await
            .with_context(|| format!("note {number}, {:?}", FATES[*number]))?;
    }
    for (fault, armed) in armed {
        ensure!(armed.fired() == 1, "{fault} struck {} times", armed.fired());
    }
    let arrived = files.iter().filter(|(_, _, end)| *end == End::Arrives);
    let told = files.iter().filter(|(_, _, end)| end.is_told_of());
    let shown = genesys
        .wait_for_messages(arrived.clone().count() + told.count(), BOUND)
        .await?;
    for (number, _, _) in arrived {
        let (name, bytes) = (format!("note-{number}.txt"), note(*number).bytes);
        let of_it = shown.iter().flat_map(|message| &message.attachments);
        let of_it: Vec<_> = of_it
            .filter(|file| file.filename.as_ref() == Some(&name))
            .collect();
        ensure!(of_it.len() == 1, "{name} arrived {} times", of_it.len());
        ensure!(
            of_it[0].bytes() == Some(&bytes),
            "{name} arrived as another"
        );
    }
    let uploads = genesys.web_messaging().files();
    let cancelled = uploads
        .iter()
        .filter(|upload| upload.progress == Progress::Cancelled);
    ensure!(
        cancelled.count() == 2,
        "queued and silent ones alone: {uploads:?}"
    );
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    stage.stop().await
}

async fn ended(stage: &Stage, sent: &Sent, end: End) -> Result<()> {
    if end == End::Waits {
        let waits = || async {
            let item = stage.item(sent).await?;
            let diagnosis = item.and_then(|item| item.record.diagnosis);
            Ok(diagnosis.filter(|it| it.code == "genesys.scan-failed"))
        };
        eventually("a failed scan", BOUND, waits).await?;
        return Ok(());
    }
    let item = stage.at_rest(sent, BOUND).await?;
    let expected = match end {
        End::Arrives | End::Waits => (Journey::Sent, Verdict::Clean),
        End::TakenAway => (Journey::Undelivered, Verdict::Quarantined),
        End::Fails(_) => (Journey::Failed, Verdict::Clean),
    };
    let got = (item.gate.stage, item.gate.verdict);
    ensure!(got == expected, "{got:?}: {:?}", item.record.diagnosis);
    item.trail.verify(&item.id).context("the trail")?;
    if let End::Fails(expected) = end {
        let code = item.record.diagnosis.map(|it| it.code);
        ensure!(code.as_deref() == Some(expected), "{code:?}");
        ensure!(
            item.record.attempts == 1,
            "{} attempts",
            item.record.attempts
        );
    }
    if end == End::TakenAway {
        let key = sent.id.arrival_key();
        ensure!(stage.keys("QuarantineBucket").await?.contains(&key));
        ensure!(!stage.keys("MediaBucket").await?.contains(&key));
    }
    Ok(())
}
