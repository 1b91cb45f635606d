//! **convert**: triggered by the `convert` queue. Promises: of a file that its channel does not take, the rendition that was
//! planned, within its limit; the original stays. Where none can be made, whoever waits for the file is told.

pub mod config;

use std::io::Cursor;

use attache_flow::batch::{Record, each};
use attache_flow::convert::{Convert, Order, Renderer};
use attache_inspect::{Claim, FileType, sniff};
use attache_render::{Format, Rendition, Shape, Target, Unconvertible, document, picture};

/// Handles a batch; returns the ids of the records that failed.
pub async fn handle(records: &[Record], convert: &Convert<'_>) -> Vec<String> {
    each(records, |record| async move {
        convert.handle(&record.body).await
    })
    .await
}

/// Renditions by `attache-render`.
#[derive(Clone, Copy, Debug)]
pub struct Library;

impl Renderer for Library {
    fn render(&self, original: &[u8], order: &Order<'_>) -> Result<Vec<u8>, String> {
        let made = rendition(original, order).map_err(|error| error.to_string())?;
        match made.bytes.len() as u64 {
            length if length > order.max_bytes => Err(format!("it would have {length} bytes")),
            _ => Ok(made.bytes),
        }
    }
}

fn rendition(original: &[u8], order: &Order<'_>) -> Result<Rendition, Unconvertible> {
    let format = match order.mime {
        "application/pdf" => return document(original, shape(original, order), order.name),
        "image/jpeg" => Format::Jpeg,
        "image/png" => Format::Png,
        _ => return Err(Unconvertible::Format),
    };
    let target = Target {
        format,
        max_bytes: order.max_bytes,
        max_side: None,
    };
    picture(original, &target)
}

/// Whether a text is a table, as `validate` sees it.
fn shape(original: &[u8], order: &Order<'_>) -> Shape {
    let claim = Claim {
        declared: None,
        file_name: Some(order.name),
    };
    let kind = sniff(&mut Cursor::new(original), &claim).map(|findings| findings.kind);
    match kind {
        Ok(FileType::Csv | FileType::Tsv) => Shape::Table,
        // Reading from memory does not fail.
        Ok(_) | Err(_) => Shape::Text,
    }
}
