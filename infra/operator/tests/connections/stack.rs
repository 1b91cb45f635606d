//! `--stack`: a stack is found by its outputs, and what is wrong with it is told.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::account::{Account, TABLE};
use super::connections_toml;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_goes_into_a_stack_under_its_stage() -> Result<()> {
    let account = Account::open().await?;
    let home = &account.home;
    home.write("connections.toml", &connections_toml("1"))?;
    let told = home.succeeds("apply --stack attache").await?;
    for expected in [
        "stack attache in eu-central-1, stage prod",
        "added      endpoint/front",
        "created    attache/prod/endpoints/front/verify-token (drawn at random)",
        "take it up within 90 seconds",
        "https://abc123.execute-api.eu-central-1.amazonaws.com/webhooks/front",
        "`attache connections show --stack attache --region eu-central-1 --reveal` shows it",
    ] {
        ensure!(told.contains(expected), "no {expected:?} in:\n{told}");
    }
    let secret = account.clients.secrets_manager.get_secret_value();
    let secret = secret
        .secret_id("attache/prod/clients/number/token")
        .send()
        .await?;
    ensure!(
        secret.secret_string() == Some("a-token-nobody-sees"),
        "written otherwise"
    );
    let shown = home.document("show --stack attache").await?;
    ensure!(shown["connections"][0]["phone_number_id"] == "1", "{shown}");
    ensure!(shown["paste"][0]["fields"][1]["set"] == true, "{shown}");
    let again = home.succeeds("apply --stack attache").await?;
    ensure!(again.contains("nothing to do"), "{again}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_given_under_a_name_must_be_there() -> Result<()> {
    let account = Account::open().await?;
    let home = &account.home;
    let name = "attache/prod/clients/shared/token";
    let text = connections_toml("1");
    let text = text.replace("{ env = \"TOKEN\" }", &format!("{{ name = \"{name}\" }}"));
    home.write("connections.toml", &text)?;
    let told = home.fails("apply --stack attache --yes").await?;
    let expected =
        format!("connections.toml:7: connection/number: key `token`: there is no secret {name:?}");
    ensure!(told.contains(&expected), "{told}");
    let documents = account
        .clients
        .dynamodb
        .scan()
        .table_name(TABLE)
        .send()
        .await?;
    ensure!(documents.count() == 0, "something was written");
    let create = account.clients.secrets_manager.create_secret().name(name);
    create.secret_string("kept-nobody-sees").send().await?;
    let applied = home.document("apply --stack attache").await?;
    let secrets = applied["secrets"].as_array().context("no secrets")?;
    let named = secrets.iter().find(|secret| secret["name"] == name);
    ensure!(
        named.is_some_and(|secret| secret["change"] == "kept"),
        "{applied}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_connections_stay_out_of_a_stack_that_does_not_allow_them() -> Result<()> {
    let account = Account::open().await?;
    let home = &account.home;
    let text = connections_toml("1").replace("graph_version", "local = true\ngraph_version");
    let text = text.replace(
        "verify_token",
        "forward_to = \"http://127.0.0.1:9000/hook\"\nverify_token",
    );
    home.write("mine.toml", &text)?;
    let told = home.fails("apply mine.toml --stack attache --yes").await?;
    for expected in [
        "mine.toml:1: endpoint/front: key `forward_to` is plain http, which is for local runs; stack attache",
        "mine.toml:8: connection/number: key `local` is true, which is for local runs; stack attache",
    ] {
        ensure!(told.contains(expected), "no {expected:?} in:\n{told}");
    }
    let applied = home.document("apply mine.toml --stack trying").await?;
    ensure!(applied["applied"] == Value::Bool(true), "{applied}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_keeps_a_stack_from_being_found_is_told() -> Result<()> {
    let mut account = Account::open().await?;
    account
        .home
        .write("connections.toml", &connections_toml("1"))?;
    for (stack, expected) in [
        ("nobody", "no stack \"nobody\" in eu-central-1"),
        (
            "forbidden",
            "AWS refuses cloudformation:DescribeStacks: the caller needs this permission",
        ),
        (
            "unborn",
            "stack unborn in eu-central-1 has no outputs (status CREATE_IN_PROGRESS)",
        ),
        (
            "without-table",
            "stack without-table in eu-central-1 has no output ConnectionsTableName",
        ),
        ("without-stage", "has neither output nor parameter Stage"),
    ] {
        for command in ["apply", "show"] {
            let told = account
                .home
                .fails(&format!("{command} --stack {stack}"))
                .await?;
            ensure!(told.contains(expected), "{command} {stack}: {told}");
        }
    }
    account.home.unset("AWS_ACCESS_KEY_ID");
    let told = account.home.fails("show --stack attache").await?;
    ensure!(
        told.contains("no AWS credentials: set AWS_ACCESS_KEY_ID"),
        "{told}"
    );
    account.home.unset("AWS_REGION");
    let told = account.home.fails("show --stack attache").await?;
    ensure!(told.contains("no region: give --region"), "{told}");
    let told = account.home.fails("show --stack attache --local").await?;
    ensure!(told.contains("cannot be used with"), "{told}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_knows_both_secrets_before_the_first_changes() -> Result<()> {
    let mut account = Account::open().await?;
    account
        .home
        .write("connections.toml", &connections_toml("1"))?;
    account.home.succeeds("apply --stack attache").await?;
    let both = "[{ env = \"NEW_SECRET\" }, { env = \"APP_SECRET\" }]";
    let text = connections_toml("1").replace("[{ env = \"APP_SECRET\" }]", both);
    account.home.write("connections.toml", &text)?;
    account.home.set("NEW_SECRET", "a-new-secret-nobody-sees");
    account.witness.effects();
    account.home.succeeds("apply --stack attache --yes").await?;
    let effects = account.witness.effects();
    let is_read = |effect: &&String| {
        ["Scan", "Get", "Describe"]
            .iter()
            .any(|read| effect.contains(read))
    };
    let writes: Vec<_> = effects.iter().filter(|effect| !is_read(effect)).collect();
    ensure!(
        writes.len() == 3
            && writes[0].starts_with("secretsmanager:CreateSecret secret-2")
            && writes[1].starts_with("dynamodb:PutItem ")
            && writes[2].starts_with("secretsmanager:PutSecretValue secret-1"),
        "{writes:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_permission_is_named() -> Result<()> {
    for action in [
        "dynamodb:Scan",
        "dynamodb:PutItem",
        "secretsmanager:GetSecretValue",
        "secretsmanager:DescribeSecret",
        "secretsmanager:CreateSecret",
    ] {
        let account = Account::open().await?;
        account
            .home
            .write("connections.toml", &connections_toml("1"))?;
        account.witness.refuse(action);
        let told = account.home.fails("apply --stack attache").await?;
        let expected = format!("AWS refuses {action}: the caller needs this permission");
        ensure!(told.contains(&expected), "{action}: {told}");
    }
    Ok(())
}
