//! What is started: the functions as cargo builds them, and the peer in Python with what it imports.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use attache_operator::binaries::{binaries_beside, root};
use tokio::process::Command;

/// The peer.
const PEER: &str = include_str!("peer.py");

/// What it imports, pinned so that a figure can be had again.
const PACKAGES: [&str; 3] = [
    "aws-lambda-powertools==3.37.0",
    "boto3==1.44.8",
    "requests==2.34.2",
];

/// Builds intake and the empty function as this command is built; the folder that holds them.
///
/// # Errors
/// If cargo fails.
pub(super) async fn functions() -> Result<PathBuf> {
    let folder = binaries_beside(&std::env::current_exe()?);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // Both packages at once: cargo then settles on the same features of their libraries for both.
    command
        .args(["build", "-p", "attache-intake", "-p", "attache-bench"])
        .args(["--bin", "intake", "--bin", "attache-bench-empty"])
        .arg("--manifest-path")
        .arg(root().join("Cargo.toml"));
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    if let Some(target) = folder.parent() {
        command.arg("--target-dir").arg(target);
    }
    run(&mut command).await?;
    Ok(folder)
}

/// Makes a program of the peer in `folder`, with an environment of its own beside the binaries, which is made once and needs
/// the network then.
///
/// # Errors
/// If there is no Python, or its packages cannot be had.
pub(super) async fn peer(binaries: &Path, folder: &Path) -> Result<()> {
    let environment = binaries.join("bench-python");
    let python = environment.join("bin/python3");
    if !python.exists() {
        run(Command::new("python3")
            .args(["-m", "venv"])
            .arg(&environment))
        .await?;
    }
    let mut install = Command::new(&python);
    run(install
        .args(["-m", "pip", "install", "--quiet"])
        .args(PACKAGES))
    .await?;
    let program = folder.join("peer");
    std::fs::write(&program, format!("#!{}\n{PEER}", python.display()))?;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
    Ok(())
}

async fn run(command: &mut Command) -> Result<()> {
    let name = format!("{:?}", command.as_std().get_program());
    let status = command.status().await.with_context(|| name.clone())?;
    ensure!(status.success(), "{name} ended with {status}");
    Ok(())
}
