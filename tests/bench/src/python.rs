//! Peers in Python: an environment with what they import, and programs of their sources.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

/// How they speak with Lambda.
const RUNTIME: &str = include_str!("runtime.py");

/// What they import, pinned so that a figure can be had again.
const PACKAGES: [&str; 3] = [
    "aws-lambda-powertools==3.37.0",
    "boto3==1.44.8",
    "requests==2.34.2",
];

/// Makes the program `peer` of this source in `folder`, with an environment of its own beside the binaries, which is made once
/// and needs the network then.
///
/// # Errors
/// If there is no Python, or its packages cannot be had.
pub(crate) async fn peer(binaries: &Path, folder: &Path, source: &str) -> Result<()> {
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
    std::fs::write(
        &program,
        format!("#!{}\n{RUNTIME}\n{source}", python.display()),
    )?;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
    Ok(())
}

pub(crate) async fn run(command: &mut Command) -> Result<()> {
    let name = format!("{:?}", command.as_std().get_program());
    let status = command.status().await.with_context(|| name.clone())?;
    ensure!(status.success(), "{name} ended with {status}");
    Ok(())
}
