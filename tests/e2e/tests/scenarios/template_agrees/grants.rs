//! The policies grant what the functions declare they call, and the functions call what they declare.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use attache_local::iam::CallCount;
use attache_local::template::{Resources, Statement, Template};

use super::{FUNCTIONS, template};

/// Statements that are no calls of the function's own code: its log is written by Lambda's agent, its jobs are taken and
/// its failed events reported by Lambda's event sources under its role.
const LAMBDAS_OWN: [&str; 3] = ["WriteItsOwnLog", "TakeJobs", "ReportFailedArrivals"];

/// One call: function, action, and what it is made on in the template's words.
pub(crate) type Call = (String, String, String);

/// What an ARN is in the template's words: `MediaTable/index/due`, `MediaBucket/arrivals/*`, `clients/*`, `FetchQueue`.
fn label(template: &Template, arn: &str) -> String {
    let within = |start: &str, id: &str| arn.strip_prefix(start).map(|rest| format!("{id}{rest}"));
    let tables = template.tables.iter().find_map(|table| {
        let start = format!(
            "arn:aws:dynamodb:us-east-1:000000000000:table/{}",
            table.name
        );
        within(&start, &table.logical_id)
    });
    let buckets = || {
        let mut buckets = template.buckets.iter();
        buckets
            .find_map(|bucket| within(&format!("arn:aws:s3:::{}", bucket.name), &bucket.logical_id))
    };
    let queues = || {
        template
            .queues
            .iter()
            .find(|queue| queue.arn == arn)
            .map(|queue| queue.logical_id.clone())
    };
    let secrets = || {
        Some(
            arn.split_once(&format!(":secret:attache/{}/", template.stage))?
                .1
                .to_owned(),
        )
    };
    let keys = || arn.contains(":kms:").then(|| "DataKey".to_owned());
    tables
        .or_else(buckets)
        .or_else(queues)
        .or_else(secrets)
        .or_else(keys)
        .unwrap_or_else(|| arn.to_owned())
}

fn granted(template: &Template, function: &str, statement: &Statement) -> BTreeSet<Call> {
    let Resources::Only(arns) = &statement.resources else {
        panic!("{function}: {:?} grants by exception", statement.sid);
    };
    let of_action = |action: &String| {
        let calls = arns
            .iter()
            .map(|arn| (function.to_owned(), action.clone(), label(template, arn)));
        calls.collect::<Vec<_>>()
    };
    statement.actions.iter().flat_map(of_action).collect()
}

fn declared() -> BTreeSet<Call> {
    let calls = FUNCTIONS
        .into_iter()
        .flat_map(|(function, calls)| calls.iter().map(move |call| (function, *call)));
    calls
        .map(|(function, (action, on))| (function.to_owned(), action.to_owned(), on.to_owned()))
        .collect()
}

#[test]
fn every_policy_grants_exactly_what_the_function_declares() -> Result<()> {
    let template = template()?;
    let mut all = BTreeSet::new();
    for (id, _) in FUNCTIONS {
        let function = template.function(id).context(id)?;
        assert!(function.own_role, "{id}: SAM's own role would grant more");
        for statement in &function.policy {
            let sid = statement
                .sid
                .as_deref()
                .with_context(|| format!("{id}: a statement without a name"))?;
            assert!(statement.allow, "{id}: {sid}");
            if !LAMBDAS_OWN.contains(&sid) {
                all.extend(granted(&template, id, statement));
            }
        }
    }
    let declared = declared();
    let only =
        |a: &BTreeSet<Call>, b: &BTreeSet<Call>| a.difference(b).cloned().collect::<Vec<_>>();
    assert_eq!(only(&all, &declared), [], "granted and not called");
    assert_eq!(only(&declared, &all), [], "called and not granted");
    Ok(())
}

#[test]
fn roles_are_kept_apart() {
    let may = |action: &str, on: &str| {
        let calls = declared()
            .into_iter()
            .filter(move |call| call.1 == action && call.2 == on);
        calls.map(|call| call.0).collect::<Vec<_>>()
    };
    for (action, on, who) in [
        (
            "secretsmanager:GetSecretValue",
            "clients/*",
            vec!["RefreshFunction"],
        ),
        (
            "secretsmanager:GetSecretValue",
            "endpoints/*",
            vec!["IntakeFunction"],
        ),
        (
            "secretsmanager:GetSecretValue",
            "content/*",
            vec!["TextFunction", "UploadFunction"],
        ),
        (
            "kms:GenerateDataKey",
            "DataKey",
            vec!["IntakeFunction", "RefreshFunction"],
        ),
        (
            "kms:Decrypt",
            "DataKey",
            vec![
                "FetchFunction",
                "IntakeFunction",
                "RefreshFunction",
                "TextFunction",
                "UploadFunction",
            ],
        ),
        (
            "s3:PutObject",
            "MediaBucket/arrivals/*",
            vec!["FetchFunction", "IntakeFunction"],
        ),
        (
            "s3:PutObject",
            "MediaBucket/renditions/*",
            vec!["ConvertFunction"],
        ),
        (
            "s3:GetObject",
            "MediaBucket/renditions/*",
            vec!["ConvertFunction", "UploadFunction"],
        ),
        (
            "s3:GetObject",
            "MediaBucket/arrivals/*",
            vec![
                "ConvertFunction",
                "FetchFunction",
                "IntakeFunction",
                // What its links allow.
                "TextFunction",
                "UploadFunction",
                "ValidateFunction",
            ],
        ),
        (
            "s3:PutObject",
            "QuarantineBucket/*",
            vec!["ValidateFunction"],
        ),
        (
            "s3:DeleteObject",
            "MediaBucket/arrivals/*",
            vec!["ValidateFunction"],
        ),
        ("s3:GetObject", "QuarantineBucket/*", vec![]),
    ] {
        assert_eq!(may(action, on), who, "{action} on {on}");
    }
}

/// The functions' own calls of a run, in the template's words. A call on one object or secret counts for the pattern.
pub(crate) fn called(template: &Template, calls: &[CallCount]) -> BTreeSet<Call> {
    let own = calls.iter().filter(|call| {
        FUNCTIONS
            .iter()
            .any(|(function, _)| *function == call.principal)
    });
    own.map(|call| {
        let label = label(template, &call.resource);
        let on = match label.split_once('/') {
            Some((bucket @ "MediaBucket", key)) => {
                let folder = key.split('/').next().unwrap_or_default();
                format!("{bucket}/{folder}/*")
            }
            Some((
                secrets_or_bucket @ ("QuarantineBucket" | "clients" | "content" | "endpoints"),
                _,
            )) => {
                format!("{secrets_or_bucket}/*")
            }
            Some(_) | None => label,
        };
        (call.principal.clone(), call.action.clone(), on)
    })
    .collect()
}

/// The declared calls that are not among those made, after checking that none was made that is not declared.
pub(crate) fn never_made(called: &BTreeSet<Call>) -> Vec<Call> {
    let declared = declared();
    let undeclared: Vec<_> = called.difference(&declared).collect();
    assert!(
        undeclared.is_empty(),
        "called and not declared: {undeclared:?}"
    );
    declared.difference(called).cloned().collect()
}
