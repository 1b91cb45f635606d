//! What is started: the functions as cargo builds them.

use std::path::PathBuf;

use anyhow::Result;
use attache_operator::binaries::{binaries_beside, root};
use tokio::process::Command;

use crate::python::run;

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
