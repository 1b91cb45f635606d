//! `attache connections`, as a process: towards a local run, and towards a stack whose CloudFormation is a server of this
//! test. (The functions' binaries are needed for the local run only.)

mod account;
mod cloudformation;
mod command;
mod local;
mod stack;

/// The values of the secrets that the files here refer to; none of them may ever be printed.
const SECRETS: [(&str, &str); 3] = [
    ("APP_SECRET", "an-app-secret-nobody-sees"),
    ("TOKEN", "a-token-nobody-sees"),
    ("CLIENT_SECRET", "a-client-secret-nobody-sees"),
];

/// A number and an org with a route between them. The verify token is ours to draw.
fn connections_toml(number: &str) -> String {
    format!(
        r#"[[endpoint]]
id = "front"
profile = "whatsapp"
secrets = [{{ env = "APP_SECRET" }}]
verify_token = {{ generate = true }}

[[connection]]
id = "number"
profile = "whatsapp"
endpoint = "front"
phone_number_id = "{number}"
graph_version = "v23.0"
token = {{ env = "TOKEN" }}

[[connection]]
id = "org"
profile = "genesys-open-messaging"
region = "mypurecloud.de"
integration_id = "2d1f6a3c"
client_id = "6c1f0c8e"
client_secret = {{ env = "CLIENT_SECRET" }}

[[route]]
from = "number"
to = "org"
"#
    )
}

/// The same with platforms on this machine, where nobody listens: a run with functions must not go anywhere else.
fn nowhere_toml(number: &str) -> String {
    let nowhere = "http://127.0.0.1:9";
    let number_to = format!("local = true\nbase_url = \"{nowhere}\"\ngraph_version");
    let org_to = format!("local = true\napi_url = \"{nowhere}\"\nlogin_url = \"{nowhere}\"");
    connections_toml(number)
        .replace("graph_version", &number_to)
        .replace("region = \"mypurecloud.de\"", &org_to)
}
