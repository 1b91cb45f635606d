//! What an account is asked about itself: its numbers, and the apps that its webhooks go to.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::state::{State, lock};
use crate::{
    meta::{callback, error::GraphError},
    specs::Operation,
    wire::{Answer, Request},
};

/// The app that asks; there is only one here.
const APP: &str = "1234567890123456";

/// One of the account's numbers.
pub(super) fn number(state: &State, request: &Request, id: &str) -> Answer {
    if let Some(refused) = unauthorised(state, request) {
        return refused;
    }
    let Some(number) = state.number(id) else {
        return GraphError::no_such_object(id).answer();
    };
    let shown = json!({
        "id": number.phone_number_id, "display_phone_number": format!("+{}", number.display_phone_number),
        "verified_name": "Example Ltd", "quality_rating": "GREEN",
    });
    Answer::json(StatusCode::OK, &shown)
}

/// Which apps the account's webhooks go to; asked for, changed, or cancelled.
pub(super) async fn subscribed_apps(
    state: &State,
    request: &Request,
    method: &Method,
    account: &str,
) -> Answer {
    if let Some(refused) = unauthorised(state, request) {
        return refused;
    }
    let mut numbers = state.options.numbers.iter();
    if !numbers.any(|number| number.waba_id == account) {
        return GraphError::no_such_object(account).answer();
    }
    match *method {
        Method::GET => listed(state).of(Operation::SubscribedApps),
        Method::POST => subscribe(state, request).await.of(Operation::Subscribe),
        Method::DELETE => {
            *lock(&state.subscribed) = None;
            Answer::json(StatusCode::OK, &json!({ "success": true })).of(Operation::Unsubscribe)
        }
        _ => GraphError::parameter("Unsupported request").answer(),
    }
}

fn listed(state: &State) -> Answer {
    let app = |own: Option<String>| {
        let mut app = json!({ "whatsapp_business_api_data": {
            "id": APP, "name": "Relay", "link": format!("https://www.facebook.com/games/?app_id={APP}"),
        } });
        if let Some(url) = own {
            app["override_callback_uri"] = url.into();
        }
        app
    };
    let apps: Vec<Value> = lock(&state.subscribed)
        .clone()
        .map(app)
        .into_iter()
        .collect();
    Answer::json(StatusCode::OK, &json!({ "data": apps }))
}

/// An address of the account's own is verified before it is taken.
async fn subscribe(state: &State, request: &Request) -> Answer {
    let body: Value = match request.body.is_empty() {
        true => json!({}),
        false => match serde_json::from_slice(&request.body) {
            Ok(body) => body,
            Err(_) => return GraphError::parameter("The body is not JSON").answer(),
        },
    };
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let own = text("override_callback_uri");
    if let Some(own) = own {
        let Ok(callback) = own.parse::<url::Url>() else {
            return GraphError::parameter("override_callback_uri is no URL").answer();
        };
        let token = text("verify_token").unwrap_or_default();
        let patience = state.options.patience;
        if callback::challenge(&state.client, callback.clone(), token, patience)
            .await
            .is_err()
        {
            return GraphError::parameter("The callback URL could not be verified").answer();
        }
        state.address.set_callback(callback);
    }
    *lock(&state.subscribed) = Some(own.map(str::to_owned));
    Answer::json(StatusCode::OK, &json!({ "success": true }))
}

fn unauthorised(state: &State, request: &Request) -> Option<Answer> {
    (!state.admits(request)).then(|| GraphError::token(false).answer())
}
