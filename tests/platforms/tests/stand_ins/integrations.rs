//! Several integrations in one Genesys: own secrets, own callbacks, own clients, nothing in common.

use attache_platforms::{
    genesys::{Genesys, GenesysOptions, Integration},
    signature,
};
use serde_json::{Value, json};

use crate::support::*;

const SECOND: &str = "7a0e4c55-0000-4000-8000-000000000002";
const SECRET: &str = "the-second-webhook-secret";

fn two(client: Option<(String, String)>) -> GenesysOptions {
    let second = Integration {
        client,
        ..Integration::new(SECOND, SECRET)
    };
    GenesysOptions {
        integrations: vec![second],
        ..GenesysOptions::default()
    }
}

async fn token_for(genesys: &Genesys, id: &str, secret: &str) -> String {
    let url = format!("{}/oauth/token", genesys.login_url());
    let request = client().post(url).basic_auth(id, Some(secret));
    let answer = request
        .form(&[("grant_type", "client_credentials")])
        .send()
        .await;
    let answer: Value = answer.expect("an answer").json().await.expect("JSON");
    answer["access_token"].as_str().expect("a token").to_owned()
}

/// Posts to an integration; the status of the answer.
async fn give(genesys: &Genesys, integration: &str, token: &str, kind: &str, body: &Value) -> u16 {
    let path = format!("/api/v2/conversations/messages/{integration}/inbound/open/{kind}");
    let request = client().post(format!("{}{path}", genesys.api_url()));
    let answer = request.bearer_auth(token).json(body).send().await;
    answer.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn each_integration_signs_with_its_own_secret_and_calls_its_own_callback() {
    let (genesys, token, first) = genesys_calling(two(None), &[]).await;
    let (second, url) = Callback::start(&[]).await;
    genesys.set_callback_of(SECOND, url).expect("known");
    let ours = genesys.options().integration_id.clone();
    let agents = [
        (genesys.agent(), &first),
        (genesys.agent_of(SECOND).expect("known"), &second),
    ];
    let secrets = [genesys.options().webhook_secret.as_str(), SECRET];
    let mut ids = Vec::new();
    for ((agent, callback), secret) in agents.into_iter().zip(secrets) {
        let id = agent.send_text("16505551234", "Hello");
        genesys.wait_for_delivery(&id, SOON).await.expect("settled");
        let received = callback.received.lock().expect("lock").clone();
        assert_eq!(received.len(), 1);
        let (headers, body) = &received[0];
        assert_eq!(headers[signature::HEADER], signature::genesys(secret, body));
        ids.push(id);
    }
    let receipt = json!({
        "id": ids[1].as_str(), "status": "Delivered", "isFinalReceipt": true,
        "channel": { "to": { "id": "16505551234" }, "time": "2026-01-15T13:41:27.000Z" },
    });
    assert_eq!(
        give(&genesys, &ours, &token, "receipt", &receipt).await,
        404,
        "the other's"
    );
    assert_eq!(
        give(&genesys, SECOND, &token, "receipt", &receipt).await,
        200
    );
    assert_eq!(genesys.receipts()[0].integration_id, SECOND);
    assert!(genesys.agent_of("nobody").is_none());
}

#[tokio::test]
async fn the_same_customer_and_id_at_two_integrations_are_two() {
    let (genesys, token) = genesys(two(None)).await;
    let ours = genesys.options().integration_id.clone();
    for integration in [&ours, SECOND] {
        let status = give(
            &genesys,
            integration,
            &token,
            "message",
            &message("m1", None),
        )
        .await;
        assert_eq!(status, 200);
    }
    let messages = genesys.wait_for_messages(2, SOON).await.expect("shown");
    let integrations: Vec<_> = messages.iter().map(|m| m.integration_id.as_str()).collect();
    assert_eq!(integrations, [&ours, SECOND]);
    assert_ne!(messages[0].conversation_id, messages[1].conversation_id);
}

#[tokio::test]
async fn an_integration_with_a_client_of_its_own_is_hidden_from_others() {
    let own = (
        "second-client".to_owned(),
        "second-client-secret".to_owned(),
    );
    let (genesys, token) = genesys(two(Some(own.clone()))).await;
    let other = token_for(&genesys, &own.0, &own.1).await;
    let ours = genesys.options().integration_id.clone();
    let rows = [
        (ours.as_str(), &token, 200),
        (SECOND, &other, 200),
        (ours.as_str(), &other, 404),
        (SECOND, &token, 404),
    ];
    for (integration, token, expected) in rows {
        let status = give(
            &genesys,
            integration,
            token,
            "message",
            &message("m1", None),
        )
        .await;
        assert_eq!(status, expected, "{integration}");
    }
    assert_eq!(genesys.options().canary.strays(), []);
}

#[tokio::test]
async fn integrations_that_genesys_would_refuse_do_not_start() {
    let ours = GenesysOptions::default().integration_id;
    let rows = [
        (
            "a short secret",
            Integration::new(SECOND, "fifteen-letters"),
        ),
        ("an id twice", Integration::new(&ours, SECRET)),
    ];
    for (name, integration) in rows {
        let options = GenesysOptions {
            integrations: vec![integration],
            ..GenesysOptions::default()
        };
        assert!(Genesys::start(options).await.is_err(), "{name}");
    }
}
