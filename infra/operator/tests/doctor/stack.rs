//! A deployed stack: what AWS holds of it, beside this version's template.

use anyhow::{Result, ensure};

use super::account::Account;
use super::home::Scene;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_stack_is_found_and_nothing_else() -> Result<()> {
    let mut scene = Scene::new(|_| {}).await?;
    let opened = Account::open(&mut scene).await?;
    let examined = scene.examine("--stack attache").await?;
    ensure!(
        examined.found.is_empty() && examined.is_success,
        "{examined:#?}"
    );
    let in_order = examined.document["in_order"].to_string();
    for check in [
        "bucket-private",
        "bucket-encrypted",
        "stack",
        "permissions",
        "content-domain",
    ] {
        ensure!(
            in_order.contains(&format!("\"{check}\"")),
            "no {check}: {in_order}"
        );
    }
    for (wrong, is_note) in [
        ("aws.bucket-public", false),
        ("aws.bucket-unencrypted", false),
        ("aws.no-alarm", false),
        ("aws.missing", false),
        ("aws.permission-missing", false),
        ("aws.not-allowed", true),
        ("content.no-domain", false),
        ("webhook.unreachable", false),
    ] {
        opened.account.spoil(wrong);
        let examined = scene.examine("--stack attache").await?;
        ensure!(examined.found == [wrong], "{wrong}: {examined:#?}");
        ensure!(examined.is_success == is_note, "{wrong}: {examined:#?}");
    }
    opened.account.spoil("");
    let url = format!("{}/webhooks/other", opened.url);
    scene.genesys.set_callback(url.parse()?);
    let examined = scene.examine("--stack attache").await?;
    ensure!(examined.found == ["webhook.elsewhere"], "{examined:#?}");
    Ok(())
}
