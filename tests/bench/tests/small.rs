//! The benches themselves, with sizes so small that they measure nothing: they run through, and say what they measured.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::process::Command;

use serde_json::Value;

/// What a bench prints with `--json`.
fn measured(arguments: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_attache-bench"));
    let output = command.args(arguments).arg("--json").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Every figure that is held against a bar is a number of something.
fn assert_bars(report: &Value, bars: usize) {
    let all = report["bars"].as_array().unwrap();
    assert_eq!(all.len(), bars, "{report}");
    for bar in all {
        assert!(bar["measured"].as_f64().unwrap() > 0.0, "{bar}");
        assert!(bar["met"].is_boolean(), "{bar}");
    }
}

#[test]
fn a_relay_goes_each_way() {
    // Less and more than one piece, and what is longer than one of the host's.
    for bytes in ["1", "100000", "600001"] {
        let report = measured(&["relay", "--bytes", bytes, "--runs", "1"]);
        assert_bars(&report, 2);
        let ways = report["ways"].as_array().unwrap();
        let names: Vec<&str> = ways.iter().map(|it| it["way"].as_str().unwrap()).collect();
        assert_eq!(names, ["attache", "raw", "raw-hashed"]);
    }
}

#[test]
fn memory_is_told_for_each_size_and_kind() {
    // The second is longer than a part, so that it goes in parts where its length is unknown.
    let sizes = ["memory", "--bytes", "200000,6000000", "--at-once", "2"];
    let report = measured(&[&sizes[..], &["--runs", "1"]].concat());
    let lines = report["lines"].as_array().unwrap();
    let kinds: Vec<_> = lines
        .iter()
        .map(|it| {
            (
                it["bytes"].as_u64(),
                it["chunked"].as_bool(),
                it["at_once"].as_u64(),
            )
        })
        .collect();
    let kind = |bytes, chunked, at_once| (Some(bytes), Some(chunked), Some(at_once));
    let expected = [
        kind(200_000, false, 1),
        kind(6_000_000, false, 1),
        kind(6_000_000, true, 1),
        kind(6_000_000, false, 2),
    ];
    assert_eq!(kinds, expected);
    for line in lines {
        assert!(line["idle_mib"].as_f64().unwrap() > 1.0, "{line}");
    }
}

#[test]
fn every_kind_of_event_is_handled() {
    let report = measured(&["handler", "--events", "150", "--runs", "1"]);
    for line in report["lines"].as_array().unwrap() {
        let (handler, whole) = (&line["ours"]["handler_us"], &line["ours"]["whole_us"]);
        assert!(handler.as_f64().unwrap() > 0.0, "{line}");
        assert!(whole.as_f64() > handler.as_f64(), "{line}");
    }
}

#[test]
fn a_storm_is_played_beside_its_peers() {
    let sizes = ["--seeds", "1", "--uploads", "200", "--queued", "1,150"];
    let report = measured(&[&["storm"], &sizes[..]].concat());
    let bars = report["bars"].as_array().unwrap();
    assert_eq!(bars.len(), 11, "{report}");
    assert!(bars.iter().all(|bar| bar["met"].is_boolean()), "{report}");
    let lines = report["lines"].as_array().unwrap();
    let figure = |of: usize, name: &str| lines[of][name].as_f64().unwrap();
    let (ours, tries, jitter) = (0, lines.len() - 4, lines.len() - 2);
    assert_eq!(figure(ours, "lost"), 0.0, "{report}");
    assert!(figure(ours, "calls_per_upload") < figure(tries, "calls_per_upload"));
    assert!(figure(jitter, "calls_per_upload") > 1.0, "{report}");
}

#[test]
fn what_fails_is_said_and_is_no_measurement() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_attache-bench"));
    let output = command
        .args(["memory", "--bytes", "200000000"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no size that the product takes"), "{said}");
}
