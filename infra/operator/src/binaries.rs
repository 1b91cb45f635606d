//! The functions' binaries: built on demand from the workspace, found beside this command otherwise.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

/// The functions, by their binaries' names.
pub const FUNCTIONS: [&str; 9] = [
    "intake", "fetch", "validate", "convert", "upload", "text", "forward", "refresh", "sweep",
];

/// The root of the workspace: the nearest folder from here upwards that holds the template, else where this command
/// was built.
#[must_use]
pub fn root() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let built = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .map(Path::to_owned)
        .unwrap_or_default();
    here.ancestors()
        .find(|folder| folder.join("template.yaml").is_file())
        .map_or(built, Path::to_owned)
}

/// Builds the functions if this is a checkout with cargo, showing cargo's progress on standard error, and returns the
/// folder of the binaries. Cargo does nothing where nothing changed.
///
/// # Errors
/// If the build fails, or there are neither sources nor binaries.
pub async fn build() -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot tell where this command lies")?;
    let folder = binaries_beside(&own);
    let manifest = root().join("Cargo.toml");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = tokio::process::Command::new(cargo);
    // This command's own package is named as well: cargo then settles on the same features for the libraries that both
    // use, and builds none of them twice.
    command
        .arg("build")
        .arg("--manifest-path")
        .arg(&manifest)
        .args(["-p", "attache-operator"]);
    for function in FUNCTIONS {
        command.args(["-p", &format!("attache-{function}")]);
    }
    if folder.file_name().is_some_and(|name| name == "release") {
        command.arg("--release");
    }
    if let Some(target) = folder.parent() {
        command.arg("--target-dir").arg(target);
    }
    let built = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .await;
    match built {
        Ok(status) if status.success() => Ok(folder),
        Ok(status) => bail!("the functions could not be built: cargo ended with {status}"),
        Err(_)
            if FUNCTIONS
                .iter()
                .all(|function| folder.join(function).is_file()) =>
        {
            Ok(folder)
        }
        Err(error) => Err(error).context(format!(
            "no function binaries in {} and no cargo to build them",
            folder.display()
        )),
    }
}

/// Where binaries of the same build lie: beside this command, or one up for a test's own binary (`deps`).
#[must_use]
pub fn binaries_beside(own: &Path) -> PathBuf {
    let folder = own.parent().unwrap_or(Path::new("."));
    match folder.file_name() {
        Some(name) if name == "deps" || name == "examples" => {
            folder.parent().unwrap_or(folder).to_owned()
        }
        _ => folder.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_of_the_template_is_built() {
        let template = std::fs::read_to_string(root().join("template.yaml")).unwrap();
        let mut declared: Vec<&str> = template
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Binary: "))
            .collect();
        let mut built = FUNCTIONS.to_vec();
        declared.sort_unstable();
        built.sort_unstable();
        assert_eq!(built, declared);
    }
}
