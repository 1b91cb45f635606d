//! The functions' binaries: found beside the running test where they are fresh, built otherwise.
//!
//! `cargo test --workspace` has built them already. Asking cargo again from inside that run would settle on other
//! features for shared dependencies (a workspace's tests add some) and compile half the tree a second time, so cargo is
//! asked only when a binary is missing or older than one of its sources, which cargo lists beside it (`<name>.d`) where
//! it was asked for the binary by name.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use attache_operator::binaries::{FUNCTIONS, binaries_beside, build};
use tokio::sync::OnceCell;

/// The operator's command.
pub const OPERATOR: &str = "attache";

static FOLDER: OnceCell<PathBuf> = OnceCell::const_new();

/// The folder of the binaries, the operator's included; built at most once in a process.
///
/// # Errors
/// If they have to be built and cannot be; the message says how to build them by hand.
pub async fn folder() -> Result<&'static Path> {
    let folder = FOLDER.get_or_try_init(find).await?;
    Ok(folder)
}

async fn find() -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot tell where this test lies")?;
    let folder = binaries_beside(&own);
    let mut names = FUNCTIONS.into_iter().chain([OPERATOR]);
    if names.all(|name| is_fresh(&folder, name)) {
        return Ok(folder);
    }
    build().await.context(
        "build the binaries with `cargo build --workspace --bins`, then run the tests again",
    )
}

/// Whether a binary is there and no older than any of its sources: those that cargo lists, or, where it lists none
/// (binaries built on behalf of integration tests), all of the workspace's.
fn is_fresh(folder: &Path, name: &str) -> bool {
    let modified = |path: &Path| std::fs::metadata(path).and_then(|meta| meta.modified());
    let Ok(built) = modified(&folder.join(name)) else {
        return false;
    };
    let listed = match std::fs::read_to_string(folder.join(format!("{name}.d"))) {
        Ok(rule) => sources(&rule),
        Err(_) => ["functions", "infra", "shared"]
            .into_iter()
            .flat_map(|part| below(&attache_operator::binaries::root().join(part)))
            .collect(),
    };
    let is_older = |source: PathBuf| modified(&source).is_ok_and(|at: SystemTime| at <= built);
    listed.into_iter().all(is_older)
}

/// Every Rust source in the `src` folders below `folder`.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .flat_map(|path| match path.extension() {
            _ if path.is_dir() && !path.ends_with("tests") => below(&path),
            Some(extension) if extension == "rs" => vec![path],
            _ => Vec::new(),
        })
        .collect()
}

/// The prerequisites of a make rule; spaces within a path are escaped.
fn sources(rule: &str) -> Vec<PathBuf> {
    let (_, listed) = rule.split_once(": ").unwrap_or_default();
    let listed = listed.trim_end().replace("\\ ", "\0");
    let paths = listed.split(' ').filter(|path| !path.is_empty());
    paths
        .map(|path| PathBuf::from(path.replace('\0', " ")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read_from_cargos_list() {
        for (rule, expected) in [
            (
                "/t/debug/intake: /w/a.rs /w/b.rs\n",
                vec!["/w/a.rs", "/w/b.rs"],
            ),
            ("/t/my\\ x/intake: /w/my\\ src/a.rs", vec!["/w/my src/a.rs"]),
            ("/t/debug/intake:", vec![]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(PathBuf::from).collect();
            assert_eq!(sources(rule), expected, "{rule}");
        }
    }

    #[test]
    fn a_binary_is_fresh_while_its_sources_are_older() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let rule = format!("{}: {}", path("tool").display(), path("a.rs").display());
        assert!(!is_fresh(folder.path(), "tool"), "it is not there");
        std::fs::write(path("tool.d"), rule).unwrap();
        std::fs::write(path("a.rs"), "").unwrap();
        let file = std::fs::File::create(path("tool")).unwrap();
        assert!(is_fresh(folder.path(), "tool"));
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert!(!is_fresh(folder.path(), "tool"), "its source is newer");
    }
}
