//! `--local`: a run on this machine is found, configured and shown.

use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::command::Home;
use super::{connections_toml, nowhere_toml};

/// The rows of an answer of `apply`, by what became of them.
fn rows(applied: &Value, change: &str) -> Result<Vec<String>> {
    let rows = applied["rows"].as_array().context("no rows")?;
    let found = rows.iter().filter(|row| row["change"] == change);
    let ids = found.map(|row| row["id"].as_str().map(str::to_owned));
    ids.collect::<Option<_>>().context("a row without id")
}

/// The id of our own number in an answer of `show`.
fn number_of(shown: &Value) -> Result<&str> {
    let connections = shown["connections"].as_array().context("no connections")?;
    let own = connections.iter().find(|doc| doc["id"] == "number");
    let own = own.context("the number is not connected")?;
    own["phone_number_id"].as_str().context("no id")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_applied_changed_and_pruned() -> Result<()> {
    let mut home = Home::new()?;
    // The stand-ins' rows are there from the start.
    let running = home.local("").await?;
    home.write("connections.toml", &nowhere_toml("1"))?;
    let ours = [
        "endpoint/front",
        "connection/number",
        "connection/org",
        "route/number",
    ];

    let tried = home.document("apply --local --dry-run").await?;
    ensure!(
        tried["applied"] == false && rows(&tried, "added")? == ours,
        "{tried}"
    );
    let standins = rows(&tried, "kept")?;
    let is_standin = |id: &&str| standins.iter().any(|standin| standin == id);
    let demo = ["connection/genesys-demo", "connection/whatsapp-demo"];
    ensure!(demo.iter().all(is_standin), "{tried}");
    let shown = home.document("show --local").await?;
    ensure!(number_of(&shown).is_err(), "a dry run wrote: {shown}");

    let applied = home.document("apply --local").await?;
    ensure!(
        applied["applied"] == true && rows(&applied, "added")? == ours,
        "{applied}"
    );
    ensure!(rows(&applied, "kept")? == standins, "{applied}");
    let again = home.succeeds("apply --local").await?;
    ensure!(again.contains("nothing to do"), "{again}");
    ensure!(
        again.contains("route/whatsapp-demo (not in the file; --prune removes it)"),
        "{again}"
    );

    // From another machine, as it were, without the secrets: they are kept.
    home.unset("TOKEN");
    let kept = home.succeeds("apply --local").await?;
    ensure!(
        kept.contains("number/token (environment variable TOKEN is not set)"),
        "{kept}"
    );
    ensure!(kept.contains("nothing to do"), "{kept}");

    home.set("TOKEN", "another-token-nobody-sees");
    home.write("connections.toml", &nowhere_toml("2"))?;
    let told = home.fails("apply --local").await?;
    ensure!(
        told.contains("nobody can be asked: nothing was done; --yes does it"),
        "{told}"
    );
    let shown = home.document("show --local").await?;
    ensure!(number_of(&shown)? == "1", "{shown}");
    let changed = home.document("apply --local --yes").await?;
    ensure!(
        rows(&changed, "changed")? == ["connection/number"],
        "{changed}"
    );
    let difference = json!([{"key": "phone_number_id", "before": "1", "after": "2"}]);
    ensure!(changed["rows"][1]["differences"] == difference, "{changed}");
    let secrets = changed["secrets"].as_array().context("no secrets")?;
    let updated: Vec<_> = secrets
        .iter()
        .filter(|secret| secret["change"] == "updated")
        .collect();
    ensure!(
        updated.len() == 1 && updated[0]["name"] == "attache/local/clients/number/token",
        "{changed}"
    );

    let told = home.fails("apply --local --prune").await?;
    ensure!(told.contains("nothing was done"), "{told}");
    let pruned = home.document("apply --local --prune --yes").await?;
    ensure!(rows(&pruned, "removed")? == standins, "{pruned}");
    let shown = home.succeeds("show --local").await?;
    ensure!(
        !shown.contains("demo") && shown.contains("number → org"),
        "{shown}"
    );
    running.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_shown_to_paste_is_what_the_endpoint_answers_to() -> Result<()> {
    let home = Home::new()?;
    home.write("nothing.toml", "")?;
    home.write("app-secret", "in-a-file-nobody-sees\n")?;
    let text = nowhere_toml("1").replace("{ env = \"APP_SECRET\" }", "{ file = \"app-secret\" }");
    home.write("connections.toml", &text)?;
    let running = home
        .local("--connections nothing.toml --data state")
        .await?;
    home.succeeds("apply --local state").await?;

    let plain = home.succeeds("show --local state").await?;
    ensure!(
        plain.contains("set; `attache connections show --local state --reveal` shows it"),
        "{plain}"
    );
    let hidden = home.document("show --local state").await?;
    let fields = &hidden["paste"][0]["fields"];
    ensure!(
        fields[1]["set"] == true && fields[1].get("value").is_none(),
        "{hidden}"
    );
    let revealed = home.document("show --local state --reveal").await?;
    let field = |n: usize| revealed["paste"][0]["fields"][n]["value"].as_str();
    let (url, token) = (field(0).context("no URL")?, field(1).context("no token")?);
    let api = running.ready["api"].as_str().context("no api")?;
    ensure!(
        url == format!("{api}/webhooks/front") && token.len() == 32,
        "{revealed}"
    );

    let challenge = format!("{url}?hub.mode=subscribe&hub.verify_token={token}&hub.challenge=4711");
    let answer = reqwest::get(challenge).await?;
    ensure!(
        answer.status() == 200 && answer.text().await? == "4711",
        "the endpoint does not know its token"
    );
    running.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generated_token_outlives_a_run_that_keeps_its_data() -> Result<()> {
    let home = Home::new()?;
    home.write("connections.toml", &nowhere_toml("1"))?;
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let running = home
            .local("--connections connections.toml --data state")
            .await?;
        let revealed = home.document("show --local state --reveal").await?;
        tokens.push(revealed["paste"][0]["fields"][1]["value"].clone());
        running.stop().await?;
    }
    ensure!(
        tokens[0].is_string() && tokens[0] == tokens[1],
        "{tokens:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_found_while_it_is_there() -> Result<()> {
    let home = Home::new()?;
    home.write("connections.toml", &nowhere_toml("1"))?;
    let told = home.fails("apply --local").await?;
    ensure!(told.contains("no local run: "), "{told}");
    let told = home.fails("show --local connections.toml").await?;
    ensure!(
        told.contains("connections.toml is a file; expected the folder"),
        "{told}"
    );

    let running = home.local("--data state").await?;
    let record = home.path().join("state/ready.json");
    let mode = std::fs::metadata(&record)?.permissions().mode() & 0o777;
    ensure!(mode == 0o600, "mode {mode:o}");
    running.stop().await?;
    ensure!(!record.exists(), "it stays behind");

    let running = home.local("--data state").await?;
    running.kill().await?;
    ensure!(record.exists(), "a killed run cannot clean up");
    let told = home.fails("show --local state").await?;
    ensure!(told.contains("is gone (process "), "{told}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_are_told_before_any_system_is_asked() -> Result<()> {
    let mut home = Home::new()?;
    home.write(
        "wrong.toml",
        &connections_toml("1").replace("to = \"org\"", "to = \"nowhere\""),
    )?;
    for target in ["--local", "--stack attache"] {
        let told = home.fails(&format!("apply wrong.toml {target}")).await?;
        ensure!(
            told.contains("wrong.toml:23: route/number: connection \"nowhere\" is not configured"),
            "{told}"
        );
    }
    home.write("right.toml", &connections_toml("1"))?;
    let told = home.fails("apply right.toml").await?;
    ensure!(
        told.contains("--stack") && told.contains("--local"),
        "{told}"
    );

    let running = home.local("").await?;
    home.unset("CLIENT_SECRET");
    let told = home.fails("apply right.toml --local").await?;
    ensure!(
        told.contains(
            "right.toml:15: connection/org: key `client_secret`: environment variable CLIENT_SECRET is not set; expected"
        ),
        "{told}"
    );
    let shown = home.succeeds("show --local").await?;
    ensure!(!shown.contains("front"), "something was written: {shown}");
    running.stop().await
}
