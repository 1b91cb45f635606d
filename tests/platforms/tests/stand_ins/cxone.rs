//! The CXone stand-in keeps its rules: discovery, a strict form, one bucket for each contact, files that are pulled or given, and a
//! field that no example has.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attache_platforms::clock::Clock;
use attache_platforms::cxone::{Cxone, CxoneOptions};
use serde_json::{Value, json};

use crate::support::client;

const EXAMPLE: &str =
    include_str!("../../examples/cxone/request-create-message-with-attachment.json");

/// A token by the way that is published.
async fn token(cxone: &Cxone, client: &reqwest::Client) -> Result<String> {
    let discovery = format!("{}/.well-known/openid-configuration", cxone.issuer_url());
    let discovery: Value =
        serde_json::from_str(&client.get(discovery).send().await?.text().await?)?;
    let endpoint = discovery["token_endpoint"]
        .as_str()
        .context("no endpoint")?;
    let options = cxone.options();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "password")
        .append_pair("username", &options.access_key)
        .append_pair("password", &options.access_key_secret)
        .finish();
    let answer = client
        .post(endpoint)
        .basic_auth(&options.client_id, Some(&options.client_secret))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await?;
    let answer: Value = serde_json::from_str(&answer.text().await?)?;
    Ok(answer["access_token"]
        .as_str()
        .context("no token")?
        .to_owned())
}

#[tokio::test]
async fn tokens_want_a_strict_form_and_die() -> Result<()> {
    let clock = Clock::real();
    let options = CxoneOptions {
        clock: clock.clone(),
        ..CxoneOptions::default()
    };
    let cxone = Cxone::start(options).await?;
    let client = client();
    let token = token(&cxone, &client).await?;
    let options = cxone.options();
    let loose = format!(
        "grant_type=password&username={}&password={}",
        options.access_key, options.access_key_secret
    );
    let answer = client
        .post(format!("{}/auth/token", cxone.issuer_url()))
        .basic_auth(&options.client_id, Some(&options.client_secret))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(loose)
        .send()
        .await?;
    ensure!(answer.status() == 400, "{}", answer.status());
    ensure!(cxone.violations().len() == 1, "{:?}", cxone.violations());
    let post = || {
        let url = format!("{}/dfo/3.0/channels/byoc_1/messages", cxone.api_url());
        client.post(url).json(&json!({}))
    };
    ensure!(post().send().await?.status() == 401, "no token");
    ensure!(
        post().bearer_auth(&token).send().await?.status() == 400,
        "an empty message"
    );
    clock.advance(Duration::from_secs(3601));
    ensure!(
        post().bearer_auth(&token).send().await?.status() == 401,
        "a dead token"
    );
    Ok(())
}

#[tokio::test]
async fn a_contact_has_a_bucket_and_messages_no_fields_of_their_own() -> Result<()> {
    let options = CxoneOptions {
        contact: (2, 17),
        ..CxoneOptions::default()
    };
    let cxone = Cxone::start(options).await?;
    let client = client();
    let token = token(&cxone, &client).await?;
    let mut body: Value = serde_json::from_str(EXAMPLE)?;
    body["attachments"] = json!([]);
    let post = |body: &Value| {
        let url = format!("{}/dfo/3.0/channels/byoc_1/messages", cxone.api_url());
        client.post(url).bearer_auth(&token).json(body).send()
    };
    ensure!(post(&body).await?.status() == 200, "as published");
    ensure!(cxone.violations().is_empty(), "{:?}", cxone.violations());
    body["metadata"] = json!({});
    ensure!(post(&body).await?.status() == 200, "taken all the same");
    ensure!(cxone.violations() == ["message: /metadata is in no published example"]);
    ensure!(post(&body).await?.status() == 429, "the bucket is empty");
    body["thread"]["idOnExternalPlatform"] = json!("another");
    ensure!(
        post(&body).await?.status() == 200,
        "another contact's is not"
    );
    ensure!(cxone.contacts_limited() == 1);
    cxone.wait_for_shown(3, Duration::from_secs(20)).await?;
    Ok(())
}

#[tokio::test]
async fn temporary_attachments_are_served_by_their_link_alone() -> Result<()> {
    let cxone = Cxone::start(CxoneOptions::default()).await?;
    let client = client();
    let token = token(&cxone, &client).await?;
    let answer = client
        .post(format!("{}/dfo/3.0/attachments/temporary", cxone.api_url()))
        .bearer_auth(&token)
        .json(&json!({ "content": "JVBERi0xLjcK", "mimeType": "application/pdf" }))
        .send()
        .await?;
    let answer: Value = serde_json::from_str(&answer.text().await?)?;
    let url = answer["url"].as_str().context("no link")?;
    let served = client.get(url).send().await?.bytes().await?;
    ensure!(served[..] == b"%PDF-1.7\n"[..], "{served:?}");
    let (bare, _) = url.split_once('?').context("no signature")?;
    ensure!(client.get(bare).send().await?.status() == 403);
    let with_token = client.get(url).bearer_auth(&token).send().await?;
    ensure!(with_token.status() == 400 && cxone.options().canary.strays().len() == 1);
    Ok(())
}
