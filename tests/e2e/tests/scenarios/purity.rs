//! Who may depend on what: `domain`, `inspect` and `render` on nothing that touches the world, `flow` on no SDK, functions never on
//! each other; one version of everything, one set of lints.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use attache_operator::binaries::root;
use toml::{Table, Value};

/// Names, or beginnings of names, of what runs tasks, opens sockets, calls AWS or draws from the system.
const THE_WORLD: [&str; 20] = [
    "async-",
    "aws-",
    "aws_",
    "axum",
    "futures",
    "h2",
    "hyper",
    "lambda",
    "mio",
    "native-tls",
    "openssl",
    "reqwest",
    "ring",
    "rustls",
    "smol",
    "socket2",
    "tokio",
    "tower",
    "tracing",
    "ureq",
];

/// Every package that a normal build of `package` contains.
fn tree(package: &str) -> Result<BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let listed = Command::new(cargo)
        .current_dir(root())
        .args([
            "tree",
            "--offline",
            "--locked",
            "-e",
            "normal",
            "--prefix",
            "none",
            "-f",
            "{p}",
            "-p",
            package,
        ])
        .output()
        .context("cargo cannot be run")?;
    ensure!(
        listed.status.success(),
        "cargo tree: {}",
        String::from_utf8_lossy(&listed.stderr)
    );
    let listed = String::from_utf8(listed.stdout)?;
    Ok(listed
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect())
}

#[test]
fn what_is_pure_contains_nothing_that_touches_the_world() -> Result<()> {
    for (package, also_refused, allowed) in [
        (
            "attache-domain",
            vec!["getrandom", "attache-"],
            vec!["attache-domain"],
        ),
        // The ZIP reader lists a source of randomness for encryption, which is not built.
        (
            "attache-inspect",
            vec!["attache-"],
            vec!["attache-inspect", "attache-domain"],
        ),
        (
            "attache-render",
            vec!["getrandom", "rayon", "attache-"],
            vec!["attache-render", "attache-domain"],
        ),
    ] {
        let names = tree(package)?;
        assert!(names.len() > 5, "{package}: {names:?}");
        let refused = THE_WORLD
            .into_iter()
            .chain(also_refused)
            .collect::<Vec<_>>();
        let found: Vec<_> = names
            .iter()
            .filter(|name| !allowed.contains(&name.as_str()))
            .filter(|name| refused.iter().any(|start| name.starts_with(start)))
            .collect();
        assert!(found.is_empty(), "{package} contains {found:?}");
    }
    Ok(())
}

#[test]
fn flow_knows_no_sdk_no_runtime_and_no_http_client() -> Result<()> {
    let may = [
        "async-trait",
        "futures-core",
        "futures-macro",
        "futures-task",
        "futures-util",
        "tracing",
        "tracing-attributes",
        "tracing-core",
    ];
    let names = tree("attache-flow")?;
    let refused = |name: &&String| {
        THE_WORLD.iter().any(|start| name.starts_with(start)) && !may.contains(&name.as_str())
    };
    let found: Vec<_> = names.iter().filter(refused).collect();
    assert!(found.is_empty(), "attache-flow contains {found:?}");
    Ok(())
}

fn manifest(path: &str) -> Result<Table> {
    let path = root().join(path).join("Cargo.toml");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    text.parse().with_context(|| path.display().to_string())
}

/// Every member's folder and manifest.
fn members() -> Result<Vec<(String, Table)>> {
    let workspace = manifest("")?;
    let members = workspace["workspace"]["members"]
        .as_array()
        .context("no members")?;
    members
        .iter()
        .filter_map(Value::as_str)
        .map(|member| Ok((member.to_owned(), manifest(member)?)))
        .collect()
}

/// A member's dependencies of all kinds.
fn dependencies(manifest: &Table) -> Vec<(&String, &Value)> {
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let tables = kinds
        .into_iter()
        .filter_map(|kind| manifest.get(kind)?.as_table());
    tables.flatten().collect()
}

#[test]
fn every_member_inherits_lints_versions_and_edition() -> Result<()> {
    let inherits = |value: Option<&Value>| {
        value
            .and_then(|value| value.get("workspace"))
            .and_then(Value::as_bool)
            == Some(true)
    };
    for (member, manifest) in members()? {
        assert!(
            inherits(manifest.get("lints")),
            "{member} has lints of its own"
        );
        for key in ["version", "edition", "rust-version", "license", "publish"] {
            assert!(inherits(manifest["package"].get(key)), "{member}: {key}");
        }
        for (name, dependency) in dependencies(&manifest) {
            assert!(
                inherits(Some(dependency)),
                "{member} has a version of {name} of its own"
            );
        }
    }
    let workspace = manifest("")?;
    let lints = &workspace["workspace"]["lints"];
    assert_eq!(lints["rust"]["unsafe_code"].as_str(), Some("forbid"));
    for lint in ["unwrap_used", "expect_used"] {
        assert!(lints["clippy"].get(lint).is_some(), "{lint}");
    }
    Ok(())
}

#[test]
fn direct_dependencies_have_one_version_each() -> Result<()> {
    let lock: Table = std::fs::read_to_string(root().join("Cargo.lock"))?.parse()?;
    let packages = lock["package"].as_array().context("no packages")?;
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    // What belongs to the workspace has no source. A name that occurs in several versions is followed by the one meant.
    for package in packages
        .iter()
        .filter(|package| package.get("source").is_none())
    {
        let listed = package
            .get("dependencies")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        for dependency in listed.filter_map(Value::as_str) {
            let (name, version) = dependency
                .split_once(' ')
                .unwrap_or((dependency, "the only one"));
            versions.entry(name).or_default().insert(version);
        }
    }
    assert!(versions.len() > 30, "{versions:?}");
    let several: Vec<_> = versions
        .iter()
        .filter(|(_, versions)| versions.len() > 1)
        .collect();
    assert!(several.is_empty(), "{several:?}");
    Ok(())
}

#[test]
fn members_use_only_whom_they_may() -> Result<()> {
    for (member, manifest) in members()? {
        let (layer, own) = member
            .split_once('/')
            .context("a member outside the layers")?;
        let may: &[&str] = match (layer, own) {
            ("shared", "domain") => &[],
            ("shared", "inspect" | "render") => &["domain"],
            ("shared", "flow") => &["domain", "inspect"],
            ("shared", "edge") => &["domain", "flow"],
            ("functions", "convert") => &["domain", "inspect", "render", "flow", "edge"],
            ("functions", _) => &["domain", "inspect", "flow", "edge"],
            // The machine and the tests use what they need.
            _ => continue,
        };
        let normal = manifest
            .get("dependencies")
            .and_then(Value::as_table)
            .context("no dependencies")?;
        let ours: Vec<_> = normal
            .keys()
            .filter_map(|name| name.strip_prefix("attache-"))
            .collect();
        let foreign: Vec<_> = ours.iter().filter(|name| !may.contains(name)).collect();
        assert!(foreign.is_empty(), "{member} uses {foreign:?}");
    }
    Ok(())
}
