//! The `attache` binary in a folder and with an environment of its own, and a configuration of stand-ins in which nothing is wrong.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use attache_e2e::binaries;
use attache_platforms::genesys::{Genesys, GenesysOptions};
use attache_platforms::whatsapp::{WhatsApp, WhatsAppOptions};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How long anything may take.
const BOUND: Duration = Duration::from_secs(120);

/// What a file of connections refers to; all of it is secret.
const SECRETS: [(&str, &str); 5] = [
    ("APP_SECRET", "an-app-secret-nobody-sees"),
    ("VERIFY", "a-verify-token-nobody-sees"),
    ("TOKEN", "a-token-nobody-sees"),
    ("WEBHOOK_SECRET", "a-webhook-secret-nobody-sees"),
    ("CLIENT_SECRET", "a-client-secret-nobody-sees"),
];

/// A number and an integration at stand-ins, and the file that connects them.
pub(super) struct Scene {
    pub(super) whatsapp: WhatsApp,
    pub(super) genesys: Genesys,
    /// `connections.toml`; a test changes it before it writes it.
    pub(super) file: String,
    pub(super) home: Home,
}

/// Where the command is run.
pub(super) struct Home {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// How doctor ended.
#[derive(Debug)]
pub(super) struct Examined {
    pub(super) is_success: bool,
    /// The ids of what was found.
    pub(super) found: Vec<String>,
    pub(super) document: Value,
}

/// A local run that is up. Killed when dropped.
pub(super) struct Running {
    child: Child,
    pub(super) ready: Value,
}

impl Scene {
    /// Stand-ins with these options over the usual ones.
    pub(super) async fn new(change: impl FnOnce(&mut GenesysOptions)) -> Result<Self> {
        let secret = |name: &str| {
            let mut known = SECRETS.iter();
            known
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        let secret = |name: &str| secret(name).context("no such secret");
        let whatsapp = WhatsApp::start(WhatsAppOptions {
            app_secret: secret("APP_SECRET")?,
            verify_token: secret("VERIFY")?,
            access_token: secret("TOKEN")?,
            ..WhatsAppOptions::default()
        })
        .await?;
        let mut options = GenesysOptions {
            client_secret: secret("CLIENT_SECRET")?,
            webhook_secret: secret("WEBHOOK_SECRET")?,
            outbound_types: vec!["*/*".to_owned()],
            ..GenesysOptions::default()
        };
        change(&mut options);
        let genesys = Genesys::start(options).await?;
        let file = toml(&whatsapp, &genesys);
        let home = Home::new()?;
        Ok(Self {
            whatsapp,
            genesys,
            file,
            home,
        })
    }

    /// Writes one thing in the file otherwise.
    pub(super) fn replace(&mut self, from: &str, to: &str) -> Result<()> {
        ensure!(self.file.contains(from), "{from:?} is not in the file");
        self.file = self.file.replacen(from, to, 1);
        Ok(())
    }

    /// Examines the file.
    pub(super) async fn examine(&self, further: &str) -> Result<Examined> {
        self.home.write("connections.toml", &self.file)?;
        let arguments = format!("--connections connections.toml {further}");
        self.home.doctor(&arguments).await
    }
}

fn toml(whatsapp: &WhatsApp, genesys: &Genesys) -> String {
    let (number, integration) = (&whatsapp.options().numbers[0], genesys.options());
    let media = whatsapp.media_url();
    format!(
        r#"[[endpoint]]
id = "front"
profile = "whatsapp"
secrets = [{{ env = "APP_SECRET" }}]
verify_token = {{ env = "VERIFY" }}

[[endpoint]]
id = "agents"
profile = "genesys-open-messaging"
secrets = [{{ env = "WEBHOOK_SECRET" }}]

[[connection]]
id = "number"
profile = "whatsapp"
endpoint = "front"
local = true
base_url = "{graph}"
media_hosts = ["{media}"]
phone_number_id = "{phone}"
graph_version = "v23.0"
token = {{ env = "TOKEN" }}

[[connection]]
id = "org"
profile = "genesys-open-messaging"
endpoint = "agents"
local = true
api_url = "{api}"
login_url = "{login}"
integration_id = "{integration}"
client_id = "{client}"
client_secret = {{ env = "CLIENT_SECRET" }}

[[route]]
from = "number"
to = "org"

[[route]]
from = "org"
to = "number"
"#,
        graph = whatsapp.graph_url(),
        media = media.trim_start_matches("http://").trim_end_matches('/'),
        phone = number.phone_number_id,
        api = genesys.api_url(),
        login = genesys.login_url(),
        integration = integration.integration_id,
        client = integration.client_id,
    )
}

impl Home {
    fn new() -> Result<Self> {
        let secrets = SECRETS.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(Self {
            folder: tempfile::tempdir()?,
            variables: secrets.into(),
        })
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.unset(name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    pub(super) fn unset(&mut self, name: &str) {
        self.variables.retain(|(known, _)| known != name);
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<()> {
        std::fs::write(self.path().join(name), text).context("cannot write a test's file")
    }

    /// Nothing is inherited but where programs are. A cargo is named that does not exist: what is needed was built.
    fn command(&self, program: &Path, arguments: &str) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments.split_whitespace())
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("CARGO", "there-is-no-cargo-here")
            .env("TMPDIR", self.path())
            .envs(self.variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs `attache …` to its end, and sees that it shows no secret of ours; whether it succeeded, its output and its errors.
    pub(super) async fn attache(&self, arguments: &str) -> Result<(bool, String, String)> {
        let program = Path::new(env!("CARGO_BIN_EXE_attache"));
        let run = self.command(program, arguments).output();
        let ended = tokio::time::timeout(BOUND, run).await;
        let ended = ended.with_context(|| format!("`{arguments}` did not end"))??;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (output, errors) = (text(&ended.stdout), text(&ended.stderr));
        for (_, value) in &self.variables {
            let is_shown = output.contains(value) || errors.contains(value);
            let is_secret = value.ends_with("nobody-sees");
            ensure!(
                !(is_secret && is_shown),
                "`{arguments}` shows {value}: {output}{errors}"
            );
        }
        Ok((ended.status.success(), output, errors))
    }

    /// `attache doctor … --json`.
    pub(super) async fn doctor(&self, arguments: &str) -> Result<Examined> {
        let (is_success, output, errors) =
            self.attache(&format!("doctor {arguments} --json")).await?;
        let document: Value = serde_json::from_str(&output)
            .with_context(|| format!("`doctor {arguments}`: {output}{errors}"))?;
        let findings = document["findings"].as_array().context("no findings")?;
        let ids = findings
            .iter()
            .map(|it| it["id"].as_str().map(str::to_owned));
        let found = ids.collect::<Option<_>>().context("a finding without id")?;
        Ok(Examined {
            is_success,
            found,
            document,
        })
    }

    /// Starts a local run and waits for its ready line.
    pub(super) async fn local(&self, arguments: &str) -> Result<Running> {
        let program = binaries::folder().await?.join(binaries::OPERATOR);
        let mut child = self
            .command(&program, &format!("local --json {arguments}"))
            .stderr(Stdio::inherit())
            .spawn()?;
        let stdout = child.stdout.take().context("no output")?;
        let mut lines = BufReader::new(stdout).lines();
        let first = tokio::time::timeout(BOUND, lines.next_line()).await??;
        let Some(first) = first else {
            bail!("it ended before it was ready")
        };
        Ok(Running {
            child,
            ready: serde_json::from_str(&first)?,
        })
    }
}

impl Running {
    /// Ends it.
    pub(super) async fn stop(mut self) -> Result<()> {
        self.child.kill().await.context("it cannot be killed")
    }
}
