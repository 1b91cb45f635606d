//! What a local run says of itself to other commands, in a file that is there while the run is: with `--data DIR` in that
//! folder, otherwise one file for each user in the system's folder for temporary files (of several runs, the last).
//!
//! The file is its owner's alone (mode 0600), and only a file of one's own is believed: it says where secrets are sent.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use attache_local::LocalRun;
use attache_local::engine::Endpoints;
use attache_local::template::Template;
use serde::{Deserialize, Serialize};

use crate::ready::Ready;

/// The ready line, and the names behind it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    /// The process of the run.
    pub pid: u32,
    /// Its stage.
    pub stage: String,
    /// How old a function's copy of the configuration may be.
    pub connections_max_age_seconds: u64,
    /// The template's outputs, as they are in this run.
    pub outputs: BTreeMap<String, String>,
    /// What came up and where.
    #[serde(flatten)]
    pub ready: Ready,
}

/// A record that was written; it is removed with this.
#[derive(Debug)]
pub struct Posted {
    path: PathBuf,
    pid: u32,
}

impl Record {
    /// Of a run that is up.
    #[must_use]
    pub fn of(run: &LocalRun, ready: Ready) -> Self {
        let template = run.template();
        let max_age = setting(template, "CONNECTIONS_MAX_AGE_SECONDS");
        Self {
            pid: std::process::id(),
            stage: template.stage.clone(),
            connections_max_age_seconds: max_age.and_then(|text| text.parse().ok()).unwrap_or(60),
            outputs: outputs(template, run.api_url()),
            ready,
        }
    }

    /// Where the record of a run with this `--data` folder is, or of one without.
    ///
    /// # Errors
    /// If `data` is no folder, or it cannot be told who runs this.
    pub fn path(data: Option<&Path>) -> Result<PathBuf> {
        match data {
            Some(folder) if folder.is_file() => bail!(
                "{} is a file; expected the folder that `attache local --data` was given (put FILE before --local)",
                folder.display()
            ),
            Some(folder) => Ok(folder.join("ready.json")),
            None => {
                let user = user().context("cannot tell who runs this")?;
                Ok(std::env::temp_dir().join(format!("attache-local-{user}.json")))
            }
        }
    }

    /// Writes it. A record of another run in its place is replaced.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn post(&self, path: PathBuf) -> Result<Posted> {
        let beside = path.with_extension(format!("{}.new", self.pid));
        let write = || -> io::Result<()> {
            // What a killed process of the same number left is not written into.
            let _ = fs::remove_file(&beside);
            let mut options = OpenOptions::new();
            options.write(true).create_new(true).mode(0o600);
            options
                .open(&beside)?
                .write_all(&serde_json::to_vec(self)?)?;
            fs::rename(&beside, &path)
        };
        write().with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Posted {
            path,
            pid: self.pid,
        })
    }

    /// Reads it, if its run is still there.
    ///
    /// # Errors
    /// If there is none, it is somebody else's, or its process is gone; the message says how to start one.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let file = match fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(
                "no local run: {shown} is not there; start one with `attache local`, or name its --data folder"
            ),
            Err(error) => return Err(error).with_context(|| format!("cannot read {shown}")),
        };
        let owner = file.metadata().map(|metadata| metadata.uid());
        let owner = owner.with_context(|| format!("cannot read {shown}"))?;
        ensure!(
            owner == user()?,
            "{shown} belongs to another user and is not believed"
        );
        let record: Self = serde_json::from_reader(file)
            .with_context(|| format!("{shown} is no record of a local run"))?;
        ensure!(
            is_alive(record.pid),
            "the local run of {shown} is gone (process {} has ended without removing it); start it again with \
             `attache local`",
            record.pid
        );
        Ok(record)
    }

    /// The addresses of the AWS services.
    ///
    /// # Errors
    /// Names the service that is missing.
    pub fn endpoints(&self) -> Result<Endpoints> {
        let of = |service: &str| {
            let address = self.ready.aws.get(service).cloned();
            address.with_context(|| format!("the local run names no {service}"))
        };
        Ok(Endpoints {
            s3: of("s3")?,
            sqs: of("sqs")?,
            dynamodb: of("dynamodb")?,
            secrets_manager: of("secretsmanager")?,
            kms: of("kms")?,
        })
    }
}

impl Drop for Posted {
    fn drop(&mut self) {
        let posted = fs::read(&self.path).ok();
        let record = posted.and_then(|bytes| serde_json::from_slice::<Record>(&bytes).ok());
        // Another run's by now: that one removes it.
        if record.is_some_and(|record| record.pid == self.pid) {
            // What cannot be removed is known to be stale by its process.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The template's outputs under their own names: what it declares carries them in its logical ids.
fn outputs(template: &Template, api_url: &str) -> BTreeMap<String, String> {
    let tables = template.tables.iter();
    let tables = tables.map(|table| (format!("{}Name", table.logical_id), table.name.clone()));
    let buckets = template.buckets.iter();
    let buckets = buckets.map(|bucket| (format!("{}Name", bucket.logical_id), bucket.name.clone()));
    let queues = template.queues.iter();
    let queues = queues.map(|queue| (format!("{}Url", queue.logical_id), queue.url.clone()));
    let key = setting(template, "DATA_KEY_ID").map(|id| ("DataKeyId".to_owned(), id));
    let front = ("WebhookUrl".to_owned(), format!("{api_url}/webhooks"));
    let stage = ("Stage".to_owned(), crate::site::STAGE.to_owned());
    tables
        .chain(buckets)
        .chain(queues)
        .chain(key)
        .chain([front, stage])
        .collect()
}

/// A setting of the functions that have it.
fn setting(template: &Template, key: &str) -> Option<String> {
    let mut functions = template.functions.iter();
    functions.find_map(|function| function.environment.get(key).cloned())
}

/// Whose files this process makes.
fn user() -> io::Result<u32> {
    Ok(tempfile::tempfile()?.metadata()?.uid())
}

/// Whether a process of this number is there. The shell's own `kill`: the program of that name is not everywhere.
fn is_alive(pid: u32) -> bool {
    let mut shell = Command::new("sh");
    shell.args(["-c", "kill -0 \"$0\"", &pid.to_string()]);
    let asked = shell.stdin(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use attache_local::template::Settings;

    use super::*;
    use crate::binaries::root;

    #[test]
    fn a_local_run_has_every_output_of_the_template() {
        let path = root().join("template.yaml");
        let settings = Settings {
            sqs_endpoint: "http://127.0.0.1:1".to_owned(),
            ..Settings::default()
        };
        let template = Template::read(&path, &settings).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let (_, declared) = text.split_once("\nOutputs:\n").unwrap();
        let mut keys = Vec::new();
        for line in declared.lines().filter(|line| line.starts_with("  ")) {
            if line.starts_with("    Condition:") {
                // Not there without its parameters.
                keys.pop();
            } else if !line.starts_with("   ") {
                keys.push(line.trim().trim_end_matches(':'));
            }
        }
        let declared: BTreeSet<_> = keys.into_iter().collect();
        let ours = outputs(&template, "http://127.0.0.1:2");
        let ours: BTreeSet<_> = ours.keys().map(String::as_str).collect();
        assert!(
            declared.len() > 10 && ours.is_superset(&declared),
            "{:?}",
            &declared - &ours
        );
    }

    #[test]
    fn a_record_is_found_again_and_removed_by_its_own_run_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = Record::path(Some(folder.path())).unwrap();
        let record = |pid: u32| Record {
            pid,
            stage: "local".to_owned(),
            connections_max_age_seconds: 60,
            outputs: BTreeMap::new(),
            ready: Ready {
                ready: true,
                api: "http://127.0.0.1:1".to_owned(),
                aws: BTreeMap::new(),
                platforms: BTreeMap::new(),
            },
        };
        let own = std::process::id();
        let first = record(1).post(path.clone()).unwrap();
        let second = record(own).post(path.clone()).unwrap();
        drop(first);
        assert_eq!(Record::read(&path).unwrap().pid, own);
        drop(second);
        let gone = Record::read(&path).unwrap_err().to_string();
        assert!(gone.starts_with("no local run: "), "{gone}");
    }
}
