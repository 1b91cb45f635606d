//! The `attache` binary: what it says of itself and of a configuration. (With this test `cargo test --workspace` builds
//! the binary, which the scenarios start.)

use std::path::Path;
use std::process::{Command, Output};

fn attache(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_attache"))
        .args(arguments)
        .output()
        .expect("the binary starts")
}

fn example() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connections.example.toml");
    path.display().to_string()
}

#[test]
fn help_names_every_subcommand() {
    let help = attache(&["--help"]);
    let text = String::from_utf8_lossy(&help.stdout);
    assert!(help.status.success());
    for subcommand in ["demo", "local", "connections"] {
        assert!(text.contains(subcommand), "{subcommand} in:\n{text}");
    }
}

#[test]
fn a_configuration_is_found_right_or_wrong_by_exit_code_file_and_line() {
    let right = attache(&["connections", "validate", &example()]);
    assert!(
        right.status.success(),
        "{}",
        String::from_utf8_lossy(&right.stderr)
    );

    let folder = std::env::temp_dir().join(format!("attache-command-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("wrong.toml");
    std::fs::write(&path, "[[route]]\nfrom = \"nobody\"\n").expect("a file");
    let wrong = attache(&["connections", "validate", &path.display().to_string()]);
    std::fs::remove_dir_all(&folder).expect("the folder goes");
    let text = String::from_utf8_lossy(&wrong.stderr);
    assert!(!wrong.status.success());
    assert!(
        text.contains("wrong.toml:1: ") && text.contains("\"nobody\" is not configured"),
        "{text}"
    );
}
