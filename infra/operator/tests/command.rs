//! The `attache` binary: what it says of itself and of a configuration. (With this test `cargo test --workspace` builds
//! the binary, which the scenarios start.)

use std::path::Path;
use std::process::{Command, Output};

use anyhow::Result;

fn attache(arguments: &[&str]) -> Result<Output> {
    Ok(Command::new(env!("CARGO_BIN_EXE_attache"))
        .args(arguments)
        .output()?)
}

#[test]
fn help_names_every_subcommand() -> Result<()> {
    let help = attache(&["--help"])?;
    let text = String::from_utf8_lossy(&help.stdout);
    assert!(help.status.success());
    for subcommand in ["demo", "local", "connections", "replay", "inspect"] {
        assert!(text.contains(subcommand), "{subcommand} in:\n{text}");
    }
    Ok(())
}

#[test]
fn a_configuration_is_found_right_or_wrong_by_exit_code_file_and_line() -> Result<()> {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connections.example.toml");
    let right = attache(&["connections", "validate", &example.display().to_string()])?;
    assert!(
        right.status.success(),
        "{}",
        String::from_utf8_lossy(&right.stderr)
    );

    let folder = std::env::temp_dir().join(format!("attache-command-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let path = folder.join("wrong.toml");
    std::fs::write(&path, "[[route]]\nfrom = \"nobody\"\n")?;
    let wrong = attache(&["connections", "validate", &path.display().to_string()])?;
    std::fs::remove_dir_all(&folder)?;
    let text = String::from_utf8_lossy(&wrong.stderr);
    assert!(!wrong.status.success());
    assert!(
        text.contains("wrong.toml:1: ") && text.contains("\"nobody\" is not configured"),
        "{text}"
    );
    Ok(())
}

/// A folder of one's own for a test, empty.
fn folder(name: &str) -> Result<std::path::PathBuf> {
    let folder = std::env::temp_dir().join(format!("attache-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

#[test]
fn files_are_judged_by_their_bytes_a_line_each() -> Result<()> {
    let folder = folder("inspect")?;
    let path = |name: &str| folder.join(name).display().to_string();
    std::fs::write(path("note.txt"), "hello\n")?;
    std::fs::write(path("bild \u{e4}.jpg"), b"\x7FELF\x02\x01\x01\0")?;
    let files = [path("note.txt"), path("bild \u{e4}.jpg")];
    let mut arguments = vec![
        "inspect",
        "--json",
        "--declared",
        "text/plain; charset=utf-8",
    ];
    arguments.extend(files.iter().map(String::as_str));
    let judged = attache(&arguments)?;
    std::fs::remove_dir_all(&folder)?;
    assert!(
        judged.status.success() && judged.stderr.is_empty(),
        "{judged:?}"
    );
    let text = String::from_utf8(judged.stdout)?;
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let expected = serde_json::json!({
        "file": files[0], "type": "text/plain", "kind": "text", "confidence": "likely", "declared": "text/plain",
        "extension": "txt", "agrees": true, "integrity": "whole", "hazards": [], "verdict": "clean", "reasons": [],
    });
    assert_eq!(lines[0], expected);
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["file"], files[1]);
    assert_eq!(lines[1]["verdict"], "quarantined");
    assert_eq!(lines[1]["agrees"], false);
    assert_eq!(lines[1]["hazards"][0]["kind"], "executable");
    Ok(())
}

#[test]
fn a_file_that_cannot_be_read_spoils_nothing_but_the_exit_code() -> Result<()> {
    let folder = folder("inspect-missing")?;
    let path = |name: &str| folder.join(name).display().to_string();
    std::fs::write(path("empty"), "")?;
    std::fs::write(path("last.txt"), "hello\n")?;
    let judged = attache(&[
        "inspect",
        &path("missing"),
        &folder.display().to_string(),
        &path("empty"),
        &path("last.txt"),
    ])?;
    std::fs::remove_dir_all(&folder)?;
    assert_eq!(judged.status.code(), Some(1));
    let (out, err) = (
        String::from_utf8(judged.stdout)?,
        String::from_utf8(judged.stderr)?,
    );
    assert!(
        err.contains("missing cannot be read: ") && err.contains("it is a folder"),
        "{err}"
    );
    assert_eq!(err.lines().count(), 2, "{err}");
    assert!(
        out.contains("empty: held, ") && out.contains("damaged: the file is empty"),
        "{out}"
    );
    assert!(
        out.contains("last.txt: clean, plain text (text/plain)"),
        "{out}"
    );
    Ok(())
}
