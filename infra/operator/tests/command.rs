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
    for subcommand in ["demo", "local", "connections", "replay"] {
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
