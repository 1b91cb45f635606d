//! An agent's files, with Genesys' API and its object store misbehaving.

use anyhow::{Result, ensure};
use attache_domain::journey::Stage as Journey;
use attache_e2e::{Setup, Stage, eventually};
use attache_platforms::faults::Fault as F;
use attache_platforms::faults::Point::{Download, Resolve};
use attache_platforms::faults::Times;
use attache_platforms::genesys::AgentFile;
use attache_platforms::whatsapp::Say;

use super::{
    BOUND, Case, End, Row, SLOW, fatal, in_order, let_the_minute_pass, of_any_platform, passing,
    repeated,
};

/// What Genesys' hosts may do besides what any platform's may. Signed links may lead anywhere, without a token.
const ROWS: [Row; 6] = [
    passing(F::RedirectOffHost, Download),
    // More than any way has hops.
    repeated(F::RedirectLoop, Download, Times(5)),
    fatal(F::RedirectToMetadata, Download, "transfer.host-refused"),
    passing(F::RedirectOffHost, Resolve),
    passing(F::RedirectLoop, Resolve),
    fatal(F::RedirectToMetadata, Resolve, "transfer.host-refused"),
];

/// By itself: the clock that ends its minute is the one by which webhooks are repeated.
const MINUTE: Row = repeated(F::FiveHundredsForAMinute, Resolve, Times::ALWAYS);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_files_arrive_or_are_told_of() -> Result<()> {
    let stage = Stage::start(Setup::default()).await?;
    // The customer has written, so that the agent may answer.
    let hello = stage.says(Say::Text("Hello".to_owned()));
    stage.at_rest(&hello, BOUND).await?;
    let genesys = &stage.standins.genesys;
    genesys.faults().set_slow_rate(SLOW);
    let rows = of_any_platform(Resolve).into_iter().chain(ROWS);
    let mut cases = played(&stage, rows.collect()).await?;
    cases.extend(played(&stage, vec![MINUTE]).await?);
    customers_see(&stage, &cases).await?;
    in_order(stage, &cases).await
}

/// Sends a file for every row, and waits until all of them rest.
async fn played(stage: &Stage, rows: Vec<Row>) -> Result<Vec<Case>> {
    let cases: Vec<Case> = rows
        .into_iter()
        .map(|row| send(stage, row))
        .collect::<Result<_>>()?;
    let_the_minute_pass(&cases, &stage.standins.genesys.options().clock).await?;
    for case in &cases {
        case.rests(stage, Journey::Delivered).await?;
    }
    Ok(cases)
}

/// Sends a file whose way the fault will be in.
fn send(stage: &Stage, row: Row) -> Result<Case> {
    let text = row.text();
    let file = AgentFile::new(text.clone(), "text/plain").named(&row.name());
    let file = match row.fault {
        // Nothing but the digest would tell.
        F::DigestMismatch => file.with_digest(),
        // Nothing but the header tells.
        F::GzipLies | F::LengthZero | F::LengthHuge => AgentFile {
            declared_size: None,
            ..file
        },
        _ => file,
    };
    let armed = row.arm(stage.standins.genesys.faults(), &row.name())?;
    let sent = stage.agent_sends(file, "")?;
    Ok(Case {
        row,
        sent,
        text,
        armed,
    })
}

/// Every file that arrived is at the customer once, byte for byte; of each that was lost the agent is told, by a receipt and by a
/// notice.
async fn customers_see(stage: &Stage, cases: &[Case]) -> Result<()> {
    let seen = stage.standins.whatsapp.sent();
    for case in cases {
        let name = case.row.name();
        let genesys = &stage.standins.genesys;
        let receipt = genesys
            .wait_for_final_receipt(&case.sent.message, BOUND)
            .await?;
        let count = seen
            .iter()
            .filter(|sent| {
                sent.media
                    .as_ref()
                    .is_some_and(|media| media.bytes == case.text)
            })
            .count();
        match case.row.end {
            End::Delivered => ensure!(
                count == 1 && receipt.status == "Delivered",
                "{name}: {count}, {receipt:?}"
            ),
            End::Lost(_) => {
                ensure!(
                    count == 0 && receipt.status == "Failed",
                    "{name}: {count}, {receipt:?}"
                );
                let look = || async {
                    let mut told = genesys.texts().into_iter();
                    Ok(told.find(|text| text.contains(&name)))
                };
                eventually(&format!("a notice of {name}"), BOUND, look).await?;
            }
        }
    }
    let arrived = cases
        .iter()
        .filter(|case| case.row.end == End::Delivered)
        .count();
    ensure!(
        seen.len() == arrived,
        "{} messages to the customer",
        seen.len()
    );
    Ok(())
}
