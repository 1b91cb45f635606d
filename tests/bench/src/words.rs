//! From a customer's text to the agent reading it, while files are fully stalled: every download of the platform stands still.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use attache_operator::binaries;
use attache_operator::site::{self, SiteOptions};
use attache_platforms::faults::{Fault, Point, Times};
use attache_platforms::whatsapp::MediaFile;
use serde::Serialize;

use crate::spread::Spread;
use crate::stack::Stack;

/// The shortest time from one text to the next: words towards Genesys are paced at 75 a minute, with twenty at once.
const APART: Duration = Duration::from_millis(810);

/// How long one text may take before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    bench: &'static str,
    build: &'static str,
    texts: u32,
    stalled_files: u32,
    alone: Option<Spread>,
    beside_stalled_files: Option<Spread>,
}

/// Measures `texts` texts alone, then as many beside `files` stalled files.
///
/// # Errors
/// If the system cannot be started, or a text does not arrive.
pub(crate) async fn measure(texts: u32, files: u32) -> Result<Report> {
    let folder = binaries::build().await?;
    let provisioned = site::provision(folder, SiteOptions::default()).await?;
    let stack = Stack::start(provisioned).await?;
    one(&stack, "warm").await?;
    let alone = several(&stack, "alone", texts).await?;
    let whatsapp = &stack.standins.whatsapp;
    let times = Times(files * 100);
    whatsapp
        .faults()
        .arm_at(Fault::Stall, times, Point::Download)?;
    for n in 0..files {
        let text = format!("stalled file {n}");
        let file = MediaFile::new(text.into_bytes(), "text/plain").as_document();
        whatsapp.customer().send_media(file);
    }
    whatsapp.faults().wait_until_held(PATIENCE).await?;
    let beside = several(&stack, "beside", texts).await?;
    whatsapp.faults().release();
    stack.run.stop().await?;
    Ok(Report {
        bench: "words",
        build: crate::build(),
        texts,
        stalled_files: files,
        alone: Spread::of(&alone),
        beside_stalled_files: Spread::of(&beside),
    })
}

async fn several(stack: &Stack, what: &str, texts: u32) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    for n in 0..texts {
        let turn = tokio::time::Instant::now() + APART;
        times.push(one(stack, &format!("{what} {n}")).await?);
        tokio::time::sleep_until(turn).await;
    }
    Ok(times)
}

/// From the moment its webhook was posted until the agent could read it.
async fn one(stack: &Stack, text: &str) -> Result<Duration> {
    let genesys = &stack.standins.genesys;
    let before = genesys.messages().len();
    let posted = Instant::now();
    stack.standins.whatsapp.customer().send_text(text);
    let shown = genesys.wait_for_messages(before + 1, PATIENCE).await?;
    let found = shown
        .iter()
        .find(|message| message.text.as_deref() == Some(text));
    let found = found.with_context(|| format!("{text:?} did not arrive"))?;
    Ok(found.shown.saturating_duration_since(posted))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (texts, files) = (self.texts, self.stalled_files);
        writeln!(f, "{} build, this machine", self.build)?;
        for (what, spread) in [
            ("alone".to_owned(), self.alone),
            (
                format!("beside {files} stalled files"),
                self.beside_stalled_files,
            ),
        ] {
            if let Some(spread) = spread {
                writeln!(f, "webhook to read, {what:<24} {spread} ({texts} texts)")?;
            }
        }
        Ok(())
    }
}
