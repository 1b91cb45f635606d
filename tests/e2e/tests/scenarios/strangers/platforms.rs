//! The stranger's own platforms: the stand-ins, known to the command by a configuration file only.

use anyhow::Result;
use attache_platforms::canary::Canary;
use attache_platforms::genesys::{Genesys, GenesysOptions};
use attache_platforms::whatsapp::{PhoneNumber, WhatsApp, WhatsAppOptions};

/// The connection that files come in by.
pub(super) const CUSTOMERS: &str = "customers";

/// The id of the account's second number, which the file does not name.
const SECOND_NUMBER: &str = "106540352249999";

/// Both platforms, as servers of the stranger's.
pub(super) struct Platforms {
    pub(super) whatsapp: WhatsApp,
    pub(super) genesys: Genesys,
    canary: Canary,
}

impl Platforms {
    pub(super) async fn start() -> Result<Self> {
        let canary = Canary::default();
        let mut numbers = WhatsAppOptions::default().numbers;
        numbers.push(PhoneNumber::new(SECOND_NUMBER, "4930123456", "1"));
        let whatsapp = WhatsApp::start(WhatsAppOptions {
            canary: canary.clone(),
            numbers,
            ..WhatsAppOptions::default()
        })
        .await?;
        let genesys = Genesys::start(GenesysOptions {
            canary: canary.clone(),
            tokens_at_the_api: true,
            ..GenesysOptions::default()
        })
        .await?;
        Ok(Self {
            whatsapp,
            genesys,
            canary,
        })
    }

    /// The file as a person would write it from the example.
    pub(super) fn connections_toml(&self) -> String {
        let (media_url, number) = (
            self.whatsapp.media_url(),
            &self.whatsapp.options().numbers[0].phone_number_id,
        );
        let genesys = self.genesys.options();
        let media_host = media_url.trim_start_matches("http://");
        format!(
            r#"# My servers.
[[endpoint]]
id = "front-door"
profile = "whatsapp"
secrets = [{{ env = "MY_APP_SECRET" }}]
verify_token = {{ env = "MY_VERIFY_TOKEN" }}

[[connection]]
id = "{CUSTOMERS}"
profile = "whatsapp"
endpoint = "front-door"
phone_number_id = "{number}"
graph_version = "v23.0"
base_url = "{graph}"
media_hosts = ["{media_host}"]
token = {{ env = "MY_TOKEN" }}
local = true

[[connection]]
id = "agents"
profile = "genesys-open-messaging"
api_url = "{api}"
login_url = "{login}"
integration_id = "{integration}"
client_id = "{client}"
client_secret = {{ env = "MY_CLIENT_SECRET" }}
local = true

[[route]]
from = "{CUSTOMERS}"
to = "agents"
"#,
            graph = self.whatsapp.graph_url(),
            api = self.genesys.api_url(),
            login = self.genesys.login_url(),
            integration = genesys.integration_id,
            client = genesys.client_id,
        )
    }

    /// The same, and the second number with a route to the same agents.
    pub(super) fn toml_of_both_numbers(&self) -> String {
        let toml = self.connections_toml();
        let first = &self.whatsapp.options().numbers[0].phone_number_id;
        let begins = toml.find("[[connection]]").unwrap_or_default();
        let ends = toml[begins + 1..]
            .find("[[connection]]")
            .map_or(begins, |n| begins + 1 + n);
        let second = toml[begins..ends]
            .replace(CUSTOMERS, "customers-too")
            .replace(first, SECOND_NUMBER);
        format!("{toml}\n{second}\n[[route]]\nfrom = \"customers-too\"\nto = \"agents\"\n")
    }

    /// The variables that hold what the file refers to.
    pub(super) fn secrets(&self) -> Vec<(&'static str, String)> {
        let (whatsapp, genesys) = (self.whatsapp.options(), self.genesys.options());
        vec![
            ("MY_APP_SECRET", whatsapp.app_secret.clone()),
            ("MY_VERIFY_TOKEN", whatsapp.verify_token.clone()),
            ("MY_TOKEN", whatsapp.access_token.clone()),
            ("MY_CLIENT_SECRET", genesys.client_secret.clone()),
        ]
    }

    /// Breaches of the published schemas, and tokens where they do not belong.
    pub(super) fn breaches(&self) -> Vec<String> {
        let violations = self
            .whatsapp
            .violations()
            .into_iter()
            .chain(self.genesys.violations());
        let strays = self
            .canary
            .strays()
            .into_iter()
            .map(|stray| format!("{stray:?}"));
        violations
            .map(|violation| format!("{violation:?}"))
            .chain(strays)
            .collect()
    }
}
