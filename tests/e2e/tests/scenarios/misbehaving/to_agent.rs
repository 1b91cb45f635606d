//! A customer's files, with WhatsApp's two hosts misbehaving.

use anyhow::{Context, Result, ensure};
use attache_domain::digest::Sha256Digest;
use attache_domain::ids::ConnectionId;
use attache_domain::journey::Stage as Journey;
use attache_e2e::{Setup, Stage, eventually};
use attache_operator::site::STAGE;
use attache_operator::standins::{AGENTS, CUSTOMERS, StandIns};
use attache_platforms::faults::Fault as F;
use attache_platforms::faults::Point::{Download, LookUp};
use attache_platforms::faults::Times;
use attache_platforms::whatsapp::{MediaFile, PhoneNumber, WhatsAppOptions};

use super::{
    BOUND, Case, End, Row, SLOW, fatal, in_order, let_the_minute_pass, of_any_platform, passing,
    repeated,
};

/// What WhatsApp's hosts may do besides what any platform's may.
const ROWS: [Row; 9] = [
    repeated(F::FiveHundredsForAMinute, Download, Times::ALWAYS),
    fatal(F::RedirectOffHost, Download, "transfer.redirected"),
    fatal(F::RedirectToMetadata, Download, "transfer.redirected"),
    fatal(F::RedirectLoop, Download, "transfer.redirected"),
    passing(F::FiveHundreds, LookUp),
    fatal(F::LookupErrors, LookUp, "whatsapp.media-gone"),
    fatal(F::RedirectOffHost, LookUp, "whatsapp.refused"),
    fatal(F::RedirectToMetadata, LookUp, "whatsapp.refused"),
    fatal(F::RedirectLoop, LookUp, "whatsapp.refused"),
];

fn rows() -> Vec<Row> {
    let mut rows = of_any_platform(LookUp);
    rows.extend(ROWS);
    rows
}

/// A number for each row, so that what one of them meets is no trouble of the others'.
fn setup() -> Setup {
    let number = |n: usize| {
        PhoneNumber::new(
            &format!("1065403522{n:05}"),
            &format!("155507{n:05}"),
            "419561257915477",
        )
    };
    Setup {
        whatsapp: WhatsAppOptions {
            numbers: (0..rows().len()).map(number).collect(),
            ..WhatsAppOptions::default()
        },
        rows: Some(connections),
        ..Setup::default()
    }
}

/// The connection of the number with this index.
fn connection(number: usize) -> String {
    match number {
        0 => CUSTOMERS.to_owned(),
        _ => format!("whatsapp-{number}"),
    }
}

fn connections(standins: &StandIns) -> Result<Vec<attache_domain::connection::Row>> {
    use attache_domain::connection::{Account, Route, Row};
    let seed = standins.seed(STAGE)?;
    let first = seed.rows.iter().find_map(|row| match row {
        Row::Connection(it) if it.id.as_str() == CUSTOMERS => Some(it),
        _ => None,
    });
    let first = first.context("no number among the stand-ins")?;
    let numbers = standins.whatsapp.options().numbers.iter().enumerate();
    let rows = numbers.skip(1).flat_map(|(n, number)| {
        let mut of_it = first.clone();
        of_it.id = ConnectionId::new(connection(n));
        if let Account::WhatsApp {
            phone_number_id, ..
        } = &mut of_it.account
        {
            phone_number_id.clone_from(&number.phone_number_id);
        }
        let route = Route {
            from: of_it.id.clone(),
            to: Some(ConnectionId::new(AGENTS)),
        };
        [Row::Connection(of_it), Row::Route(route)]
    });
    Ok(rows.collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn customers_files_arrive_or_are_told_of() -> Result<()> {
    let stage = Stage::start(setup()).await?;
    let whatsapp = &stage.standins.whatsapp;
    whatsapp.faults().set_slow_rate(SLOW);
    let cases: Vec<Case> = rows()
        .into_iter()
        .enumerate()
        .map(|(number, row)| send(&stage, number, row))
        .collect::<Result<_>>()?;
    let_the_minute_pass(&cases, &whatsapp.options().clock).await?;
    for case in &cases {
        case.rests(&stage, Journey::Sent).await?;
    }
    agents_see(&stage, &cases).await?;
    in_order(stage, &cases).await
}

/// Sends a file whose way the fault will be in.
fn send(stage: &Stage, number: usize, row: Row) -> Result<Case> {
    let text = row.text();
    let file = MediaFile::new(text.clone(), "text/plain");
    let to = (number, &*connection(number));
    let (sent, composed) = stage.compose_to(to, file.named(&row.name()).as_document())?;
    let whatsapp = &stage.standins.whatsapp;
    let armed = row.arm(whatsapp.faults(), sent.message.as_str())?;
    whatsapp.send_batch(vec![composed]);
    Ok(Case {
        row,
        sent,
        text,
        armed,
    })
}

/// Every file that arrived is at the agent once, byte for byte; in the place of each that was lost is a notice.
async fn agents_see(stage: &Stage, cases: &[Case]) -> Result<()> {
    let genesys = &stage.standins.genesys;
    let seen = || async { Ok((genesys.messages().len() >= cases.len()).then_some(())) };
    eventually("a file or a notice for each", BOUND, seen).await?;
    let messages = genesys.messages();
    for case in cases {
        let name = case.row.name();
        let of_it = messages.iter().filter(|message| {
            message.channel_message_id.as_deref() == Some(case.sent.message.as_str())
                && !message.attachments.is_empty()
        });
        let digests: Vec<_> = of_it
            .flat_map(|message| &message.attachments)
            .map(|attachment| attachment.sha256().map(str::to_owned))
            .collect();
        let digest = Sha256Digest::of(case.text.as_bytes()).to_string();
        match case.row.end {
            End::Delivered => ensure!(digests == [Some(digest)], "{name}: {digests:?}"),
            End::Lost(_) => {
                ensure!(digests.is_empty(), "{name}: {digests:?}");
                let texts = genesys.texts();
                let notices = texts
                    .iter()
                    .filter(|text| text.starts_with("[Attaché]") && text.contains(&name));
                ensure!(notices.count() == 1, "{name}: {texts:?}");
            }
        }
    }
    ensure!(messages.len() == cases.len(), "{} messages", messages.len());
    Ok(())
}
