//! Rules that hold for every queue, table, bucket and function of the template, read from its text.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use attache_domain::scan::guardduty;
use attache_flow::deliver::{LIMIT_DRIFT, PLATFORM_DEGRADED};
use attache_flow::fetch::LINK_USED;
use attache_flow::intake::{KEPT_ROUTELESS, KEPT_UNKNOWN, OTHER_CONTENT};
use attache_local::template::Event;
use attache_operator::binaries::root;
use serde_json::{Map, Value, json};
use serde_yaml_ng as yaml;

use super::template;

/// The template's text as JSON; `!Ref X` becomes `{"Ref": "X"}`, `!GetAtt X.Y` becomes `{"GetAtt": "X.Y"}`.
pub(super) fn document() -> Result<Value> {
    let text = std::fs::read_to_string(root().join("template.yaml"))?;
    Ok(plain(yaml::from_str(&text)?))
}

fn plain(value: yaml::Value) -> Value {
    match value {
        yaml::Value::Tagged(tagged) => {
            let name = tagged.tag.to_string();
            let mut object = Map::new();
            object.insert(name.trim_start_matches('!').to_owned(), plain(tagged.value));
            Value::Object(object)
        }
        yaml::Value::Sequence(items) => items.into_iter().map(plain).collect(),
        yaml::Value::Mapping(entries) => {
            let entries = entries.into_iter().map(|(key, value)| {
                let key = key
                    .as_str()
                    .map_or_else(|| format!("{key:?}"), str::to_owned);
                (key, plain(value))
            });
            Value::Object(entries.collect())
        }
        other => serde_json::to_value(other).unwrap_or(Value::Null),
    }
}

/// Logical id and properties of every resource of one type.
pub(super) fn resources(document: &Value, kind: &str) -> Result<BTreeMap<String, Value>> {
    let all = document["Resources"].as_object().context("no resources")?;
    let of_kind = all.iter().filter(|(_, resource)| resource["Type"] == kind);
    let found: BTreeMap<_, _> = of_kind
        .map(|(id, resource)| (id.clone(), resource["Properties"].clone()))
        .collect();
    anyhow::ensure!(!found.is_empty(), "no {kind} in the template");
    Ok(found)
}

#[test]
fn every_address_under_an_endpoint_leads_to_intake() -> Result<()> {
    let template = template()?;
    let intake = template.function("IntakeFunction").context("no intake")?;
    let routes: BTreeSet<String> = intake
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Http(route) => Some(route.key()),
            _ => None,
        })
        .collect();
    let expected = ["GET", "POST"].into_iter().flat_map(|method| {
        ["", "/{path+}"].map(|rest| format!("{method} /webhooks/{{endpoint}}{rest}"))
    });
    assert_eq!(routes, expected.collect());
    Ok(())
}

fn get_att(value: &Value) -> Option<&str> {
    let (id, _) = value["GetAtt"].as_str()?.split_once('.')?;
    Some(id)
}

#[test]
fn every_queue_has_dead_letters_and_they_have_an_alarm() -> Result<()> {
    let document = document()?;
    let queues = resources(&document, "AWS::SQS::Queue")?;
    let dead: BTreeSet<&str> = queues
        .values()
        .filter_map(|queue| get_att(&queue["RedrivePolicy"]["deadLetterTargetArn"]))
        .collect();
    // Parked for people: no function takes from it, so it needs none.
    let parked = "ArrivalsFailed";
    for (id, queue) in &queues {
        let ends_here = dead.contains(id.as_str()) || id == parked;
        let redrive = &queue["RedrivePolicy"];
        assert_eq!(redrive.is_null(), ends_here, "{id}: {redrive}");
        if !ends_here {
            assert_eq!(
                get_att(&redrive["deadLetterTargetArn"]),
                Some(format!("{}DeadLetters", id.trim_end_matches("Queue")).as_str())
            );
        }
        assert_eq!(queue["SqsManagedSseEnabled"], json!(true), "{id}");
    }
    let alarms = resources(&document, "AWS::CloudWatch::Alarm")?;
    for id in dead.into_iter().chain([parked]) {
        let watches = |alarm: &&Value| {
            alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
                && get_att(&alarm["Dimensions"][0]["Value"]) == Some(id)
        };
        let alarm = alarms
            .values()
            .find(watches)
            .with_context(|| format!("{id} has no alarm"))?;
        assert_eq!(
            (&alarm["Namespace"], &alarm["Threshold"]),
            (&json!("AWS/SQS"), &json!(0)),
            "{id}"
        );
        assert!(
            alarm["AlarmDescription"]
                .as_str()
                .is_some_and(|text| text.contains("Runbook: infra/runbooks/")),
            "{id}"
        );
    }
    Ok(())
}

#[test]
fn queues_hide_a_message_for_six_times_the_functions_limit() -> Result<()> {
    let template = template()?;
    let mut seen = 0;
    for function in &template.functions {
        for event in &function.events {
            let Event::Queue(event) = event else { continue };
            let queue = template
                .queue(&event.queue)
                .with_context(|| event.queue.clone())?;
            let (id, from) = (&function.logical_id, &event.queue);
            assert!(queue.visibility >= function.timeout * 6, "{id} from {from}");
            assert!(
                event.partial_responses,
                "{id} from {from}: ReportBatchItemFailures"
            );
            assert!(
                event.maximum_concurrency.is_some_and(|most| most >= 2),
                "{id} from {from}: MaximumConcurrency"
            );
            seen += 1;
        }
    }
    assert_eq!(seen, 8, "every queue has one taker");
    Ok(())
}

#[test]
fn the_data_key_is_granted_for_one_purpose_at_a_time() -> Result<()> {
    let mut uses = BTreeSet::new();
    for (role, properties) in resources(&document()?, "AWS::IAM::Role")? {
        let statements = properties["Policies"][0]["PolicyDocument"]["Statement"].as_array();
        for statement in statements.context(role.clone())? {
            if get_att(&statement["Resource"]) != Some("DataKey") {
                continue;
            }
            let bound = &statement["Condition"]["StringEquals"]["kms:EncryptionContext:purpose"];
            let purpose = bound
                .as_str()
                .with_context(|| format!("{role}: {statement}"))?;
            let actions = match &statement["Action"] {
                Value::Array(actions) => actions.clone(),
                action => vec![action.clone()],
            };
            uses.extend(actions.iter().map(|action| {
                let action = action.as_str().unwrap_or_default();
                format!("{role} {action} {purpose}")
            }));
        }
    }
    let expected = [
        "FetchRole kms:Decrypt link",
        "FetchRole kms:Decrypt token",
        "IntakeRole kms:Decrypt link",
        "IntakeRole kms:Decrypt token",
        "IntakeRole kms:GenerateDataKey link",
        "RefreshRole kms:Decrypt token",
        "RefreshRole kms:GenerateDataKey token",
        "TextRole kms:Decrypt token",
        "UploadRole kms:Decrypt token",
    ];
    assert_eq!(uses, expected.map(str::to_owned).into());
    Ok(())
}

#[test]
fn functions_stay_out_of_vpcs_and_reserve_nothing() -> Result<()> {
    let document = document()?;
    let globals = &document["Globals"]["Function"];
    let functions = resources(&document, "AWS::Serverless::Function")?;
    for (id, function) in &functions {
        for scope in [globals, function] {
            for refused in ["VpcConfig", "ReservedConcurrentExecutions", "Policies"] {
                assert!(scope[refused].is_null(), "{id}: {refused}");
            }
        }
        assert!(
            !function["Role"].is_null() && !function["LoggingConfig"]["LogGroup"].is_null(),
            "{id}"
        );
    }
    for (id, group) in resources(&document, "AWS::Logs::LogGroup")? {
        assert!(
            !group["RetentionInDays"].is_null(),
            "{id} keeps everything for ever"
        );
    }
    Ok(())
}

#[test]
fn buckets_are_private_encrypted_and_cleaned() -> Result<()> {
    let document = document()?;
    let policies = resources(&document, "AWS::S3::BucketPolicy")?;
    for (id, bucket) in resources(&document, "AWS::S3::Bucket")? {
        let blocked = &bucket["PublicAccessBlockConfiguration"];
        for what in [
            "BlockPublicAcls",
            "BlockPublicPolicy",
            "IgnorePublicAcls",
            "RestrictPublicBuckets",
        ] {
            assert_eq!(blocked[what], json!(true), "{id}: {what}");
        }
        let encryption = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
        assert_eq!(encryption["BucketKeyEnabled"], json!(true), "{id}");
        assert_eq!(
            encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"], "aws:kms",
            "{id}"
        );
        assert!(
            bucket["VersioningConfiguration"].is_null(),
            "{id}: keys are written once"
        );
        let rules = bucket["LifecycleConfiguration"]["Rules"].to_string();
        assert!(
            rules.contains("ExpirationInDays") && rules.contains("AbortIncompleteMultipartUpload"),
            "{id}: {rules}"
        );
        let of_it = policies
            .values()
            .find(|policy| policy["Bucket"]["Ref"] == id.as_str());
        let policy = of_it.with_context(|| format!("{id} has no policy"))?;
        assert!(
            policy
                .to_string()
                .contains(r#""aws:SecureTransport":"false""#),
            "{id} over TLS only"
        );
    }
    Ok(())
}

#[test]
fn tables_can_be_restored_expire_and_are_encrypted() -> Result<()> {
    for (id, table) in resources(&document()?, "AWS::DynamoDB::Table")? {
        assert_eq!(table["BillingMode"], "PAY_PER_REQUEST", "{id}");
        assert_eq!(
            table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"],
            json!(true),
            "{id}"
        );
        assert_eq!(table["SSESpecification"]["SSEEnabled"], json!(true), "{id}");
        let expiry = &table["TimeToLiveSpecification"];
        assert_eq!(
            (&expiry["AttributeName"], &expiry["Enabled"]),
            (&json!("expires_at"), &json!(true)),
            "{id}"
        );
    }
    Ok(())
}

#[test]
fn what_is_kept_for_want_of_configuration_is_counted_and_alarmed() -> Result<()> {
    let document = document()?;
    let filter = &resources(&document, "AWS::Logs::MetricFilter")?["KeptEventsFilter"];
    let [unknown, routeless] =
        [KEPT_UNKNOWN, KEPT_ROUTELESS].map(|words| format!("$.message = {words:?}"));
    assert_eq!(
        (&filter["FilterPattern"], &filter["LogGroupName"]["Ref"]),
        (
            &json!(format!("{{ ({unknown}) || ({routeless}) }}")),
            &json!("IntakeLog")
        )
    );
    counted_and_alarmed(&document, filter, "KeptEventsAlarm")
}

#[test]
fn other_content_under_a_known_id_is_counted_and_alarmed() -> Result<()> {
    let document = document()?;
    let filter = &resources(&document, "AWS::Logs::MetricFilter")?["OtherContentFilter"];
    assert_eq!(
        (&filter["FilterPattern"], &filter["LogGroupName"]["Ref"]),
        (
            &json!(format!("{{ $.message = {OTHER_CONTENT:?} }}")),
            &json!("IntakeLog")
        )
    );
    counted_and_alarmed(&document, filter, "OtherContentAlarm")
}

#[test]
fn what_a_platform_refuses_in_spite_of_its_limits_is_counted_and_alarmed() -> Result<()> {
    let document = document()?;
    let filter = &resources(&document, "AWS::Logs::MetricFilter")?["LimitDriftFilter"];
    let pattern = format!("{{ ($.message = {LIMIT_DRIFT:?}) && ($.synthetic IS FALSE) }}");
    assert_eq!(
        (&filter["FilterPattern"], &filter["LogGroupName"]["Ref"]),
        (&json!(pattern), &json!("UploadLog"))
    );
    counted_and_alarmed(&document, filter, "LimitDriftAlarm")
}

#[test]
fn a_platform_that_fails_for_ten_minutes_is_alarmed() -> Result<()> {
    let document = document()?;
    let filters = resources(&document, "AWS::Logs::MetricFilter")?;
    for (id, log) in [
        ("PlatformDegradedForFilesFilter", "UploadLog"),
        ("PlatformDegradedForWordsFilter", "TextLog"),
    ] {
        let filter = &filters[id];
        let pattern =
            format!("{{ ($.message = {PLATFORM_DEGRADED:?}) && ($.synthetic IS FALSE) }}");
        assert_eq!(filter["FilterPattern"], json!(pattern), "{id}");
        assert_eq!(filter["LogGroupName"]["Ref"], json!(log), "{id}");
        counted_and_alarmed(&document, filter, "PlatformDegradedAlarm")?;
    }
    Ok(())
}

/// Each line that the filter finds counts one, and one is an alarm.
fn counted_and_alarmed(document: &Value, filter: &Value, alarm: &str) -> Result<()> {
    let counted = &filter["MetricTransformations"][0];
    let alarm = &resources(document, "AWS::CloudWatch::Alarm")?[alarm];
    for (of_filter, of_alarm) in [
        ("MetricNamespace", "Namespace"),
        ("MetricName", "MetricName"),
    ] {
        assert_eq!(counted[of_filter], alarm[of_alarm]);
    }
    assert_eq!(
        (&counted["MetricValue"], &alarm["Threshold"]),
        (&json!("1"), &json!(0))
    );
    Ok(())
}

#[test]
fn the_life_that_links_have_left_is_a_metric_of_real_traffic() -> Result<()> {
    let document = document()?;
    let filters = resources(&document, "AWS::Logs::MetricFilter")?;
    for (id, log) in [
        ("LinksUsedByIntakeFilter", "IntakeLog"),
        ("LinksUsedByFetchFilter", "FetchLog"),
    ] {
        let filter = &filters[id];
        let pattern = format!("{{ ($.message = {LINK_USED:?}) && ($.synthetic IS FALSE) }}");
        assert_eq!(filter["FilterPattern"], json!(pattern), "{id}");
        assert_eq!(filter["LogGroupName"]["Ref"], json!(log), "{id}");
        let metric = &filter["MetricTransformations"][0];
        assert_eq!(metric["MetricValue"], json!("$.life_left_s"), "{id}");
    }
    Ok(())
}

#[test]
fn results_of_scans_come_to_validate() -> Result<()> {
    let document = document()?;
    let rule = &resources(&document, "AWS::Events::Rule")?["ScanResultsRule"];
    let pattern = &rule["EventPattern"];
    assert_eq!(
        (&pattern["source"], &pattern["detail-type"]),
        (
            &json!([guardduty::SOURCE]),
            &json!([guardduty::DETAIL_TYPE])
        )
    );
    let target = &rule["Targets"][0]["Arn"];
    assert_eq!(get_att(target), Some("ValidateFunction"));
    let permission = &resources(&document, "AWS::Lambda::Permission")?["ScanResultsPermission"];
    assert_eq!(get_att(&permission["SourceArn"]), Some("ScanResultsRule"));
    Ok(())
}

#[test]
fn every_runbook_that_an_alarm_names_is_there() -> Result<()> {
    for (id, alarm) in resources(&document()?, "AWS::CloudWatch::Alarm")? {
        let text = alarm["AlarmDescription"].as_str().unwrap_or_default();
        let (_, runbook) = text
            .split_once("Runbook: ")
            .with_context(|| format!("{id} names no runbook"))?;
        assert!(root().join(runbook).is_file(), "{id}: {runbook}");
    }
    Ok(())
}
