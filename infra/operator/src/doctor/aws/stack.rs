//! A deployed stack beside this version's template: resources that are missing, alarms first of all, and calls that functions make
//! and may not.
//!
//! The template is part of this command. What the stack was made from is asked of CloudFormation; a policy that was changed by
//! hand since does not show there.

use std::collections::BTreeSet;

use attache_local::template::{Resources, Settings, Template};

use crate::doctor::notebook::Notebook;
use crate::doctor::rule::Rule;
use crate::system::System;

/// This version's template.
const OURS: &str = include_str!("../../../../../template.yaml");

/// The type of an alarm.
const ALARM: &str = "AWS::CloudWatch::Alarm";

/// Compares resources, then policies.
pub(super) async fn check(system: &System, notes: &mut Notebook) {
    match system.resources().await {
        Ok(there) => missing(&there, system, notes),
        Err(error) => notes.find(Rule::NotAllowed, system, format!("{error:#}")),
    }
    match system.template().await {
        Ok(theirs) => permissions(&theirs, system, notes),
        Err(error) => notes.find(Rule::NotAllowed, system, format!("{error:#}")),
    }
}

/// The resources that a template declares without a condition, as logical id and type.
fn declared(template: &str) -> Vec<(&str, &str)> {
    let mut lines = template
        .lines()
        .skip_while(|line| *line != "Resources:")
        .skip(1)
        .take_while(|line| !line.starts_with(|first: char| first.is_ascii_alphabetic()))
        .peekable();
    let mut declared = Vec::new();
    while let Some(line) = lines.next() {
        let id = line
            .strip_prefix("  ")
            .and_then(|line| line.strip_suffix(':'));
        let Some(id) = id.filter(|id| !id.starts_with([' ', '#'])) else {
            continue;
        };
        let mut kind = None;
        let mut is_conditional = false;
        while let Some(line) = lines.next_if(|line| line.starts_with("    ") || line.is_empty()) {
            kind = line.strip_prefix("    Type: ").or(kind);
            is_conditional |= line.starts_with("    Condition: ");
        }
        if let Some(kind) = kind.filter(|_| !is_conditional) {
            declared.push((id, kind));
        }
    }
    declared
}

fn missing(there: &BTreeSet<String>, system: &System, notes: &mut Notebook) {
    let before = notes.findings.len();
    for (id, kind) in declared(OURS) {
        // Logical ids of an HTTP API and of functions are kept by SAM's transformation.
        if !there.contains(id) {
            let rule = if kind == ALARM {
                Rule::NoAlarm
            } else {
                Rule::ResourceMissing
            };
            notes.find(rule, id, format!("{system} has no {kind} of this name"));
        }
    }
    if notes.findings.len() == before {
        notes.well(
            "stack",
            system,
            "every resource of this version's template is there",
        );
    }
}

/// One call that a function is granted: function, action, resource.
type Grant = (String, String, String);

fn grants(template: &Template) -> BTreeSet<Grant> {
    let mut grants = BTreeSet::new();
    for function in &template.functions {
        for statement in function.policy.iter().filter(|it| it.allow) {
            let Resources::Only(resources) = &statement.resources else {
                continue;
            };
            for action in &statement.actions {
                for resource in resources {
                    let grant = (
                        function.logical_id.clone(),
                        action.clone(),
                        resource.clone(),
                    );
                    grants.insert(grant);
                }
            }
        }
    }
    grants
}

fn permissions(theirs: &str, system: &System, notes: &mut Notebook) {
    let read = |text: &str| Template::parse(text, &Settings::default());
    let (ours, theirs) = match (read(OURS), read(theirs)) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (_, Err(error)) | (Err(error), _) => {
            notes.skip(
                "permissions",
                system,
                format!("its template cannot be read: {error}"),
            );
            return;
        }
    };
    let (needed, granted) = (grants(&ours), grants(&theirs));
    let lacking: Vec<&Grant> = needed.difference(&granted).collect();
    for (function, action, resource) in &lacking {
        let resource = resource.rsplit(':').next().unwrap_or_default();
        notes.find(
            Rule::FunctionMayNot,
            function,
            format!("{action} on {resource}"),
        );
    }
    if lacking.is_empty() {
        notes.well(
            "permissions",
            system,
            "functions may do what this version's do",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_s_resources_are_read() {
        let declared = declared(OURS);
        for expected in [
            ("MediaQueue", "AWS::SQS::Queue"),
            ("MediaDeadLettersAlarm", ALARM),
            ("UploadFunction", "AWS::Serverless::Function"),
            ("LimitDriftFilter", "AWS::Logs::MetricFilter"),
        ] {
            assert!(declared.contains(&expected), "{expected:?}");
        }
        // Those of a content domain and of a scanner are there only if they are asked for.
        for conditional in ["ContentDistribution", "ScanPlan"] {
            assert!(
                declared.iter().all(|(id, _)| *id != conditional),
                "{conditional}"
            );
        }
    }

    #[test]
    fn a_call_that_is_not_granted_is_lacking() {
        let parse = |text: &str| grants(&Template::parse(text, &Settings::default()).unwrap());
        let ours = parse(OURS);
        let one = ours.iter().find(|(function, action, _)| {
            function == "SweepFunction" && action == "dynamodb:Query"
        });
        let one = one.unwrap();
        let with_less = OURS.replace("dynamodb:Query", "dynamodb:Scan");
        let theirs = parse(&with_less);
        assert!(ours.difference(&theirs).any(|grant| grant == one));
        assert!(ours.difference(&ours).next().is_none());
    }
}
