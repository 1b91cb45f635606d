//! Where a platform sends its webhooks: asked for, set, taken back.
//!
//! | profile | asked for and set by | source |
//! |---|---|---|
//! | `genesys-open-messaging` | `GET`, `PATCH /api/v2/conversations/messaging/integrations/open/{id}`: an integration always has one address | genesys.md §3 |
//! | `genesys-web-messaging` | `GET`, `POST`, `DELETE /api/v2/platform/webhooks/webhooks`, not published by Genesys | `S3-22`…`S3-25` |
//! | `messenger`, `instagram` | `GET`, `POST`, `DELETE /{page}/subscribed_apps`: the app's own address stands in its dashboard | general knowledge |
//! | `whatsapp` | `GET`, `POST`, `DELETE /{account}/subscribed_apps` with `override_callback_uri` | Graph v23.0 schema |
//!
//! Everything else is done by hand.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::account_request;
use crate::connection::{Account, Connection, Profile};
use crate::signature::Secret;
use crate::wire::{Auth, Body, Method, Request, Response, Verbatim};

/// How long a platform may take; Meta calls the address before it answers.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a registration of ours is called, where it has a name.
const NAME: &str = "Attaché";

/// The events of the documents' uploads (`S3-24`).
const COMPLETION: &str = "eventType = \"genesys.cloud.messaging.file.upload.completed\"";

/// One registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// By which it is taken back, where it needs one.
    pub id: Option<String>,
    /// Where it goes; `None`: to the address that stands in the app's dashboard.
    pub url: Option<String>,
    /// What it is for.
    pub events: Vec<String>,
}

/// What is to be registered.
#[derive(Clone, Copy, Debug)]
pub struct Hook<'a> {
    /// Our endpoint.
    pub url: &'a Url,
    /// What webhooks are to be signed with, where that is ours to choose.
    pub secret: Option<&'a Secret>,
    /// What the platform shows when it verifies the address.
    pub verify_token: Option<&'a Secret>,
}

/// The events that a profile needs of a page.
#[must_use]
pub fn needed_events(profile: Profile) -> &'static [&'static str] {
    match profile {
        Profile::Messenger => &[
            "messages",
            "message_echoes",
            "message_deliveries",
            "message_reads",
            "messaging_postbacks",
            "message_reactions",
        ],
        Profile::Instagram => &["messages"],
        _ => &[],
    }
}

/// Asks what is registered; `account` is the WhatsApp business account's id. `None`: it cannot be asked.
#[must_use]
pub fn list_request(connection: &Connection, account: Option<&str>) -> Option<Request> {
    match &connection.account {
        Account::GenesysOpenMessaging { .. } => account_request(connection),
        _ => {
            let url = place(connection, account)?;
            Some(request(connection, Method::Get, url, Body::Empty))
        }
    }
}

/// Reads what is registered.
#[must_use]
pub fn read_list(connection: &Connection, response: &Response) -> Vec<Registered> {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let all = |key: &str| body.get(key).and_then(Value::as_array).cloned();
    match connection.profile() {
        Profile::GenesysOpenMessaging => vec![Registered {
            id: text(&body, "id"),
            url: text(&body, "outboundNotificationWebhookUrl"),
            events: vec!["messages".to_owned()],
        }],
        Profile::GenesysWebMessaging => {
            let all = all("entities").unwrap_or_default();
            let one = |entity: &Value| Registered {
                id: text(entity, "id"),
                url: text(entity, "uri"),
                events: text(entity, "eventFilter").into_iter().collect(),
            };
            all.iter().map(one).collect()
        }
        _ => {
            let all = all("data").unwrap_or_default();
            let one = |app: &Value| {
                let fields = app.get("subscribed_fields").and_then(Value::as_array);
                let fields = fields.into_iter().flatten().filter_map(Value::as_str);
                Registered {
                    id: text(app, "id")
                        .or_else(|| text(app.get("whatsapp_business_api_data")?, "id")),
                    url: text(app, "override_callback_uri"),
                    events: fields.map(str::to_owned).collect(),
                }
            };
            all.iter().map(one).collect()
        }
    }
}

/// Whether one of these is what is wanted.
#[must_use]
pub fn is_there(connection: &Connection, all: &[Registered], url: &Url) -> bool {
    let needed = needed_events(connection.profile());
    all.iter().any(|one| {
        let goes_to_us = match connection.profile() {
            // The app's own address cannot be asked for by a page.
            Profile::Messenger | Profile::Instagram => true,
            Profile::GenesysWebMessaging => {
                one.url.as_deref() == Some(url.as_str()) && one.events == [COMPLETION]
            }
            _ => one.url.as_deref() == Some(url.as_str()),
        };
        goes_to_us
            && needed
                .iter()
                .all(|event| one.events.iter().any(|it| it == event))
    })
}

/// Registers; `known` is the answer to [`list_request`]. `None`: it is done by hand.
#[must_use]
pub fn register_request(
    connection: &Connection,
    account: Option<&str>,
    hook: &Hook<'_>,
    known: &Response,
) -> Option<Request> {
    let shown = |secret: &Secret| String::from_utf8_lossy(secret.expose()).into_owned();
    let (method, url, body) = match connection.profile() {
        Profile::GenesysOpenMessaging => {
            let known: Value = serde_json::from_slice(&known.body).unwrap_or_default();
            let mut body = json!({
                "name": known.get("name").and_then(Value::as_str).unwrap_or(NAME),
                "outboundNotificationWebhookUrl": hook.url,
            });
            if let Some(secret) = hook.secret {
                body["outboundNotificationWebhookSignatureSecretToken"] = shown(secret).into();
            }
            let url = account_request(connection)?.url;
            (Method::Patch, url, body)
        }
        Profile::GenesysWebMessaging => {
            // As the source writes it (`S3-23`).
            let body = json!({
                "name": NAME, "uri": hook.url, "method": "POST", "eventFilter": COMPLETION,
                "contentType": "application/json",
                "retryPolicy": { "enabled": true, "maxRetries": 3, "backoff": "exponential" },
                "headers": { "Authorization": "Bearer {{platform:webhook:token}}" },
            });
            (Method::Post, place(connection, account)?, body)
        }
        Profile::WhatsApp => {
            let token = shown(hook.verify_token?);
            let body = json!({ "override_callback_uri": hook.url, "verify_token": token });
            (Method::Post, place(connection, account)?, body)
        }
        Profile::Messenger | Profile::Instagram => {
            let fields = needed_events(connection.profile()).join(",");
            let body = json!({ "subscribed_fields": fields });
            (Method::Post, place(connection, account)?, body)
        }
        _ => return None,
    };
    // Its body may hold a secret: only its size shows.
    let body = Body::Verbatim(Verbatim {
        bytes: body.to_string().into_bytes(),
        headers: [("content-type".to_owned(), "application/json".to_owned())].into(),
    });
    Some(request(connection, method, url, body))
}

/// Takes registrations of ours back: those that lead to `url`, or all of a page or account, which has one for each app. Empty: it is
/// done by hand.
#[must_use]
pub fn remove_requests(
    connection: &Connection,
    account: Option<&str>,
    all: &[Registered],
    url: &Url,
) -> Vec<Request> {
    let Some(place) = place(connection, account) else {
        return Vec::new();
    };
    let delete = |url| request(connection, Method::Delete, url, Body::Empty);
    if connection.profile() != Profile::GenesysWebMessaging {
        return if all.is_empty() {
            Vec::new()
        } else {
            vec![delete(place)]
        };
    }
    let ours = all
        .iter()
        .filter(|one| one.url.as_deref() == Some(url.as_str()));
    let below = ours.filter_map(|one| {
        let mut url = place.clone();
        url.path_segments_mut().ok()?.push(one.id.as_deref()?);
        Some(delete(url))
    });
    below.collect()
}

/// Where registrations of a connection are kept.
fn place(connection: &Connection, account: Option<&str>) -> Option<Url> {
    let (base, path) = match &connection.account {
        Account::WhatsApp {
            base_url,
            graph_version,
            ..
        } => (
            base_url,
            vec![graph_version.as_str(), account?, "subscribed_apps"],
        ),
        Account::GenesysWebMessaging { org, .. } => (
            &org.api_url,
            vec!["api", "v2", "platform", "webhooks", "webhooks"],
        ),
        _ => {
            let page = connection.page()?;
            let path = vec![
                page.graph_version.as_str(),
                &page.page_id,
                "subscribed_apps",
            ];
            (&page.base_url, path)
        }
    };
    let mut url = base.clone();
    url.path_segments_mut().ok()?.pop_if_empty().extend(path);
    Some(url)
}

fn request(connection: &Connection, method: Method, url: Url, body: Body) -> Request {
    Request {
        method,
        url,
        auth: Auth::Bearer,
        body,
        patience: PATIENCE,
        local: connection.local,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::{genesys, messenger, web_messaging, whatsapp};
    use crate::wire::Headers;

    fn answer(body: &str) -> Response {
        Response {
            status: 200,
            headers: Headers::default(),
            body: body.as_bytes().to_vec(),
        }
    }

    fn ours() -> Url {
        Url::parse("https://a.example/webhooks/x").unwrap()
    }

    fn body(request: &Request) -> Value {
        match &request.body {
            Body::Verbatim(verbatim) => serde_json::from_slice(&verbatim.bytes).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_platform_is_told_in_its_own_way() {
        let secret = Secret::new("tops3cret-and-longer").unwrap();
        let url = ours();
        let hook = Hook {
            url: &url,
            secret: Some(&secret),
            verify_token: Some(&secret),
        };
        let known = answer(r#"{"name":"Sales"}"#);
        let told = |connection: &Connection| {
            let request = register_request(connection, Some("42"), &hook, &known).unwrap();
            assert!(!format!("{request:?}").contains("tops3cret"), "{request:?}");
            (
                request.method,
                request.url.path().to_owned(),
                body(&request),
            )
        };
        let (method, path, body) = told(&genesys());
        assert_eq!(
            (method, path.as_str()),
            (
                Method::Patch,
                "/api/v2/conversations/messaging/integrations/open/2d1f6a3c"
            )
        );
        assert_eq!(
            body,
            json!({"name": "Sales", "outboundNotificationWebhookUrl": "https://a.example/webhooks/x",
                "outboundNotificationWebhookSignatureSecretToken": "tops3cret-and-longer"})
        );
        let (method, path, body) = told(&web_messaging());
        assert_eq!(
            (method, path.as_str()),
            (Method::Post, "/api/v2/platform/webhooks/webhooks")
        );
        assert_eq!(body["retryPolicy"]["maxRetries"], 3);
        let (method, path, body) = told(&whatsapp());
        assert_eq!(
            (method, path.as_str()),
            (Method::Post, "/v23.0/42/subscribed_apps")
        );
        assert_eq!(
            body["override_callback_uri"],
            "https://a.example/webhooks/x"
        );
        let (_, path, body) = told(&messenger());
        assert_eq!(path, "/v23.0/682498302938465/subscribed_apps");
        assert!(
            body["subscribed_fields"]
                .as_str()
                .unwrap()
                .contains("message_echoes")
        );
        assert!(register_request(&whatsapp(), None, &hook, &known).is_none());
    }

    #[test]
    fn what_is_there_is_recognised() {
        let fields = needed_events(Profile::Messenger);
        let page = json!({"data": [{"id": "app", "subscribed_fields": fields}]}).to_string();
        let events = json!({"entities": [{"id": "7", "uri": ours(), "eventFilter": COMPLETION}]})
            .to_string();
        for (connection, body, expected) in [
            (
                genesys(),
                r#"{"id":"i","outboundNotificationWebhookUrl":"https://a.example/webhooks/x"}"#,
                true,
            ),
            (
                genesys(),
                r#"{"id":"i","outboundNotificationWebhookUrl":"https://b.example/"}"#,
                false,
            ),
            (messenger(), &*page, true),
            (
                messenger(),
                r#"{"data":[{"id":"app","subscribed_fields":["messages"]}]}"#,
                false,
            ),
            (web_messaging(), &*events, true),
            (web_messaging(), r#"{"entities":[]}"#, false),
            (
                whatsapp(),
                r#"{"data":[{"whatsapp_business_api_data":{"id":"1"},"override_callback_uri":"https://a.example/webhooks/x"}]}"#,
                true,
            ),
            (
                whatsapp(),
                r#"{"data":[{"whatsapp_business_api_data":{"id":"1"}}]}"#,
                false,
            ),
        ] {
            let all = read_list(&connection, &answer(body));
            assert_eq!(is_there(&connection, &all, &ours()), expected, "{body}");
        }
    }

    #[test]
    fn only_what_is_ours_is_taken_back() {
        let body = json!({"entities": [
            {"id": "7", "uri": ours(), "eventFilter": COMPLETION},
            {"id": "8", "uri": "https://b.example/", "eventFilter": COMPLETION},
        ]});
        let all = read_list(&web_messaging(), &answer(&body.to_string()));
        let requests = remove_requests(&web_messaging(), None, &all, &ours());
        let paths: Vec<&str> = requests.iter().map(|it| it.url.path()).collect();
        assert_eq!(paths, ["/api/v2/platform/webhooks/webhooks/7"]);
        assert!(remove_requests(&genesys(), None, &all, &ours()).is_empty());
        assert!(remove_requests(&messenger(), None, &[], &ours()).is_empty());
    }
}
