//! What is wrong in a file, on the way, or at a platform.

use std::time::Duration;

use anyhow::{Result, ensure};
use attache_platforms::faults::{Fault, Times};
use attache_platforms::genesys::GenesysOptions;

use super::home::Scene;

/// What is switched on: at the platform before it starts, then in file and environment.
type AtPlatform = fn(&mut GenesysOptions);
type InFile = fn(&mut Scene) -> Result<()>;

fn nothing(_: &mut GenesysOptions) {}

fn as_it_is(_: &mut Scene) -> Result<()> {
    Ok(())
}

/// By the id of the finding that it leads to.
const MISCONFIGURATIONS: &[(&str, AtPlatform, InFile)] = &[
    ("config.wrong", nothing, |scene| {
        scene.replace("to = \"org\"", "to = \"nowhere\"")
    }),
    ("config.secret-missing", nothing, |scene| {
        scene.home.unset("APP_SECRET");
        Ok(())
    }),
    ("config.no-route", nothing, |scene| {
        scene.replace("[[route]]\nfrom = \"org\"\nto = \"number\"\n", "")
    }),
    ("config.graph-version", nothing, |scene| {
        scene.replace("v23.0", "v18.0")
    }),
    ("host.no-name", nothing, |scene| {
        let api = scene.genesys.api_url();
        scene.replace(&api, "http://no-such-host.invalid")
    }),
    ("host.unreachable", nothing, |scene| {
        let api = scene.genesys.api_url();
        scene.replace(&api, "http://127.0.0.1:9")
    }),
    ("host.not-public", nothing, |scene| {
        let api = scene.genesys.api_url();
        scene.replace(&api, "https://localhost:9")?;
        let login = scene.genesys.login_url();
        scene.replace(&login, "https://localhost:9")?;
        scene.replace(
            "endpoint = \"agents\"\nlocal = true",
            "endpoint = \"agents\"",
        )
    }),
    ("token.refused", nothing, |scene| {
        scene.home.set("CLIENT_SECRET", "another-one-nobody-sees");
        Ok(())
    }),
    (
        "token.short-life",
        |options| options.token_life = Duration::from_secs(240),
        as_it_is,
    ),
    ("token.unanswered", nothing, |scene| {
        scene.genesys.faults().arm(Fault::FiveHundreds, Times(1))?;
        Ok(())
    }),
    (
        "permission.missing",
        |options| options.shows_configuration = false,
        as_it_is,
    ),
    ("account.unknown", nothing, |scene| {
        let id = scene.genesys.options().integration_id.clone();
        scene.replace(&id, "00000000-0000-0000-0000-000000000000")
    }),
    (
        "content.refused",
        |options| options.outbound_types = vec!["image/*".to_owned()],
        as_it_is,
    ),
    (
        "limits.wider-than-platform",
        |options| options.inbound_types = vec!["image/*".to_owned()],
        |scene| {
            let last = "client_secret = { env = \"CLIENT_SECRET\" }\n";
            let limits = "[connection.limits]\ntypes = [\"image/*\", \"application/pdf\"]\n";
            scene.replace(last, &format!("{last}{limits}"))
        },
    ),
    (
        "clock.skewed",
        |options| options.clock.set_offset(time::Duration::minutes(15)),
        as_it_is,
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_found_where_nothing_is_wrong() -> Result<()> {
    let scene = Scene::new(|_| {}).await?;
    let examined = scene.examine("").await?;
    ensure!(
        examined.found.is_empty() && examined.is_success,
        "{examined:#?}"
    );
    let in_order = examined.document["in_order"].to_string();
    for check in ["egress", "token", "account", "content", "clock", "secret"] {
        ensure!(
            in_order.contains(&format!("\"{check}\"")),
            "no {check}: {in_order}"
        );
    }
    ensure!(
        scene.genesys.violations().is_empty(),
        "{:?}",
        scene.genesys.violations()
    );
    ensure!(
        scene.whatsapp.violations().is_empty(),
        "{:?}",
        scene.whatsapp.violations()
    );
    let (_, text, _) = scene
        .home
        .attache("doctor --connections connections.toml")
        .await?;
    ensure!(text.contains("0 errors, 0 warnings, 0 notes"), "{text}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_misconfiguration_is_found_and_no_other() -> Result<()> {
    for (id, at_platform, in_file) in MISCONFIGURATIONS {
        let mut scene = Scene::new(at_platform).await?;
        in_file(&mut scene)?;
        let examined = scene.examine("").await?;
        ensure!(examined.found == [*id], "{id}: {examined:#?}");
        let is_note = *id == "config.no-route";
        ensure!(examined.is_success == is_note, "{id}: {examined:#?}");
        let finding = &examined.document["findings"][0];
        for key in ["severity", "about", "evidence", "remedy"] {
            let has = finding[key].as_str().is_some_and(|text| !text.is_empty());
            ensure!(has, "{id}: no {key}: {finding}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_address_is_looked_up_in_the_owners_list() -> Result<()> {
    let scene = Scene::new(|_| {}).await?;
    scene.home.write("open.txt", "127.0.0.0/8\n::1\n")?;
    let examined = scene.examine("--egress open.txt").await?;
    ensure!(examined.found.is_empty(), "{examined:#?}");
    scene.home.write("closed.txt", "10.0.0.0/8 # edges\n")?;
    let examined = scene
        .examine("--egress closed.txt --connection org")
        .await?;
    // Login and API host.
    let expected = ["host.not-on-egress-list"; 2];
    ensure!(examined.found == expected, "{examined:#?}");
    Ok(())
}

/// A connection of the direct upload test beside the others.
fn with_test(scene: &mut Scene) {
    let (api, login) = (scene.genesys.api_url(), scene.genesys.login_url());
    let client = scene.genesys.options().client_id.clone();
    scene.file.push_str(&format!(
        r#"
[[endpoint]]
id = "uploads"
profile = "genesys-media-upload"
secrets = [{{ env = "WEBHOOK_SECRET" }}]

[[connection]]
id = "upload-test"
profile = "genesys-media-upload"
endpoint = "uploads"
local = true
api_url = "{api}"
login_url = "{login}"
channel_type = "whatsapp"
client_id = "{client}"
client_secret = {{ env = "CLIENT_SECRET" }}
"#
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_marked_picture_is_written_if_asked_for_and_nothing_otherwise() -> Result<()> {
    let mut scene = Scene::new(|_| {}).await?;
    with_test(&mut scene);
    let writes = |scene: &Scene| {
        let requests = scene.genesys.requests().into_iter();
        let others = requests.filter(|it| it.method != "GET" && it.path != "/oauth/token");
        others.collect::<Vec<_>>()
    };
    let examined = scene.examine("").await?;
    ensure!(examined.found.is_empty(), "{examined:#?}");
    ensure!(writes(&scene).is_empty(), "{:?}", writes(&scene));

    let examined = scene.examine("--write-test").await?;
    ensure!(
        examined.found.is_empty() && examined.is_success,
        "{examined:#?}"
    );
    let in_order = examined.document["in_order"].to_string();
    ensure!(
        in_order.contains("by edge edge-fra-07, request id "),
        "{in_order}"
    );
    let written = writes(&scene);
    ensure!(
        written.len() == 1 && written[0].path == "/api/v2/media/upload",
        "{written:?}"
    );
    let mark = written[0].headers.get("x-synthetic-test");
    ensure!(mark.is_some_and(|mark| mark == "true"), "{written:?}");
    let files = scene.genesys.media_upload().files();
    ensure!(
        files.len() == 1 && files[0].name == "test_upload.png",
        "{files:?}"
    );

    scene.genesys.faults().arm(Fault::Wrong415, Times(1))?;
    let examined = scene.examine("--write-test").await?;
    ensure!(
        examined.found == ["write-test.refused"] && !examined.is_success,
        "{examined:#?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_alone_is_examined() -> Result<()> {
    let mut scene = Scene::new(|_| {}).await?;
    scene.home.set("CLIENT_SECRET", "another-one-nobody-sees");
    let examined = scene.examine("--connection number").await?;
    ensure!(examined.found.is_empty(), "{examined:#?}");
    ensure!(
        scene.genesys.requests().is_empty(),
        "the other one was asked"
    );
    let (is_success, _, errors) = scene
        .home
        .attache("doctor --connections connections.toml --connection nobody")
        .await?;
    ensure!(
        !is_success && errors.contains("no connection nobody; there are: number, org"),
        "{errors}"
    );
    Ok(())
}
