//! What one file costs in DynamoDB writes, from its webhook to `sent`.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attache_domain::ids::MediaId;
use attache_edge::dynamodb::ItemsTable;
use attache_flow::ports::Items;
use attache_local::template::Template;
use attache_local::{LocalOptions, LocalStack, Provisioned};
use attache_operator::binaries;
use attache_operator::site;
use serde::Serialize;

use crate::meter::{Cost, Costs, Meter};
use crate::stack::Stack;
use crate::{Load, picture};

/// Tables that every file writes to. Tokens are renewed by the clock, whatever is sent.
const PER_FILE: [&str; 3] = ["MediaTable", "ClaimsTable", "LimitsTable"];

/// How long a row may take to be finished once the agent sees the file.
const SETTLES: Duration = Duration::from_secs(10);

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    bench: &'static str,
    build: &'static str,
    #[serde(flatten)]
    load: Load,
    lines: Vec<Line>,
    media_units_per_file: f64,
    media_writes_per_file: f64,
    units_per_file: f64,
}

/// One caller's writes of one kind to one table, of all files together.
#[derive(Debug, Serialize)]
struct Line {
    caller: String,
    operation: String,
    table: String,
    #[serde(flatten)]
    cost: Cost,
}

/// Measures.
///
/// # Errors
/// If the system cannot be started, or a file does not arrive whole and end as `sent`.
pub(crate) async fn measure(load: Load) -> Result<Report> {
    let picture = picture::of_size(load.bytes)?;
    let meter = Meter::install().await?;
    let provisioned = provision(&meter).await?;
    meter.connect(&provisioned.endpoints().dynamodb);
    let names = logical_ids(provisioned.template());
    let mut stack = Stack::start(provisioned).await?;
    let mut sent = Vec::new();
    for _ in 0..load.files {
        sent.push(stack.relay(&picture).await?.media);
    }
    settle(&stack, &sent).await?;
    let costs = meter.read();
    stack.run.stop().await?;
    Ok(report(load, costs, &names))
}

/// A local run whose functions find the meter where DynamoDB was.
pub(crate) async fn provision(meter: &Meter) -> Result<Provisioned> {
    let binaries = binaries::build().await?;
    let template = std::fs::read_to_string(binaries::root().join("template.yaml"))?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("template.yaml");
    std::fs::write(&path, metered(&template, meter.url())?)?;
    // Otherwise as deployed: with leases as long as that, nothing is swept while it is counted.
    let parameters = [("Stage", site::STAGE), ("AllowLocal", "true")];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let options = LocalOptions {
        parameters: parameters.into(),
        ..LocalOptions::new(&path, binaries)
    };
    LocalStack::provision(options).await
}

/// The template with one more variable for every function.
fn metered(template: &str, url: &str) -> Result<String> {
    let place = "    Environment:\n      Variables:\n";
    let (before, after) = template
        .split_once(place)
        .context("template.yaml has no variables under Globals")?;
    Ok(format!(
        "{before}{place}        AWS_ENDPOINT_URL_DYNAMODB: {url}\n{after}"
    ))
}

/// Logical ids of the tables by name.
fn logical_ids(template: &Template) -> BTreeMap<String, String> {
    let tables = template.tables.iter();
    tables
        .map(|table| (table.name.clone(), table.logical_id.clone()))
        .collect()
}

/// Waits until every row has had its last write.
pub(crate) async fn settle(stack: &Stack, sent: &[MediaId]) -> Result<()> {
    let table = site::table_name(stack.run.template(), "MediaTable")?;
    let items = ItemsTable::new(stack.run.clients().dynamodb.clone(), table);
    let end = tokio::time::Instant::now() + SETTLES;
    for id in sent {
        loop {
            let item = items.load(id).await?.context("a row is missing")?;
            if item.gate.due_at.is_none() {
                break;
            }
            ensure!(
                tokio::time::Instant::now() < end,
                "item {id} stays {:?}",
                item.gate.stage
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Ok(())
}

fn report(load: Load, costs: Costs, names: &BTreeMap<String, String>) -> Report {
    let lines: Vec<Line> = costs
        .into_iter()
        .map(|((caller, operation, table), cost)| Line {
            caller,
            operation,
            table: names.get(&table).cloned().unwrap_or(table),
            cost,
        })
        .collect();
    let per_file = |tables: &[&str], of: fn(&Cost) -> f64| {
        let counted = lines
            .iter()
            .filter(|line| tables.contains(&line.table.as_str()));
        counted.map(|line| of(&line.cost)).sum::<f64>() / f64::from(load.files)
    };
    Report {
        bench: "writes",
        build: crate::build(),
        load,
        media_units_per_file: per_file(&["MediaTable"], |cost| cost.units),
        media_writes_per_file: per_file(&["MediaTable"], |cost| cost.writes.into()),
        units_per_file: per_file(&PER_FILE, |cost| cost.units),
        lines,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Load { files, bytes } = self.load;
        writeln!(
            f,
            "{files} files of {bytes} bytes, one after the other; write units with their indexes"
        )?;
        for line in &self.lines {
            let Cost {
                writes,
                refused,
                units,
            } = line.cost;
            let (caller, operation, table) = (&line.caller, &line.operation, &line.table);
            writeln!(
                f,
                "  {caller:<17} {operation:<11} {table:<17} {writes:>4} writes {refused:>3} refused {units:>6.1} units"
            )?;
        }
        writeln!(
            f,
            "media row per file  {:.2} writes, {:.2} units",
            self.media_writes_per_file, self.media_units_per_file
        )?;
        writeln!(
            f,
            "all per file        {:.2} units (without tokens, which are renewed by the clock)",
            self.units_per_file
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_of_the_template_gets_the_meter() {
        let template = include_str!("../../../template.yaml");
        let settings = attache_local::template::Settings {
            parameters: BTreeMap::from([("Stage".to_owned(), "local".to_owned())]),
            sqs_endpoint: "http://127.0.0.1:1".to_owned(),
            key_ids: BTreeMap::from(
                ["DataKey", "QuarantineKey"].map(|id| (id.to_owned(), "k".to_owned())),
            ),
        };
        let url = "http://127.0.0.1:2";
        let template = Template::parse(&metered(template, url).unwrap(), &settings).unwrap();
        assert!(!template.functions.is_empty());
        for function in &template.functions {
            let given = function.environment.get("AWS_ENDPOINT_URL_DYNAMODB");
            assert_eq!(
                given.map(String::as_str),
                Some(url),
                "{}",
                function.logical_id
            );
        }
    }

    #[test]
    fn costs_are_shared_out_among_the_files() {
        let key =
            |caller: &str, table: &str| (caller.to_owned(), "PutItem".to_owned(), table.to_owned());
        let cost = |writes, units| Cost {
            writes,
            refused: 0,
            units,
        };
        let costs = Costs::from([
            (key("IntakeFunction", "a-media"), cost(2, 4.0)),
            (key("UploadFunction", "a-limits"), cost(2, 2.0)),
            (key("RefreshFunction", "a-tokens"), cost(4, 4.0)),
        ]);
        let names = [
            ("a-media", "MediaTable"),
            ("a-limits", "LimitsTable"),
            ("a-tokens", "TokensTable"),
        ];
        let names = names
            .map(|(name, id)| (name.to_owned(), id.to_owned()))
            .into();
        let load = Load { files: 2, bytes: 1 };
        let report = report(load, costs, &names);
        assert_eq!(
            (report.media_units_per_file, report.units_per_file),
            (2.0, 3.0)
        );
        assert_eq!(report.media_writes_per_file, 1.0);
    }
}
