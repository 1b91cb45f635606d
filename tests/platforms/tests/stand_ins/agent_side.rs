//! The agent's side of conversations: places, bytes, states, messages, and their faults.

use attache_platforms::{
    faults::{Aim, Fault, Point, Times},
    genesys::{Conversation, Genesys, GenesysOptions, MediaState},
};
use reqwest::Response;
use serde_json::{Value, json};

use crate::support::*;

const BYTES: &[u8] = b"\x89PNG not really";

struct Desk {
    genesys: Genesys,
    token: String,
    open: Conversation,
}

async fn desk() -> Desk {
    let (genesys, token) = genesys(GenesysOptions::default()).await;
    let open = genesys.agent_side().open();
    Desk {
        genesys,
        token,
        open,
    }
}

impl Desk {
    fn url(&self, below: &str) -> String {
        format!(
            "{}/api/v2/conversations/messages/{}/communications/{}/messages{below}",
            self.genesys.api_url(),
            self.open.conversation_id,
            self.open.communication_id
        )
    }

    async fn post(&self, below: &str, body: &Value) -> (u16, Value) {
        let request = client().post(self.url(below)).bearer_auth(&self.token);
        status_and_body(request.json(body).send().await).await
    }

    async fn place(&self, name: &str) -> (u16, Value) {
        let body = json!({"fileName": name, "contentLengthBytes": BYTES.len()});
        self.post("/media/uploads", &body).await
    }

    async fn medium(&self, id: &str) -> (u16, Value) {
        let request = client().get(self.url(&format!("/media/{id}")));
        status_and_body(request.bearer_auth(&self.token).send().await).await
    }

    async fn valid(&self, name: &str) -> String {
        let (status, place) = self.place(name).await;
        assert_eq!(status, 200, "{place}");
        let answer = put(&place, BYTES, "image/png", &[]).await;
        assert_eq!(answer.expect("an answer").status(), 200);
        let id = place["id"].as_str().expect("an id").to_owned();
        self.until(&id, "valid").await;
        id
    }

    async fn until(&self, id: &str, state: &str) {
        let within = std::time::Duration::from_secs(20);
        let asked = tokio::time::timeout(within, async {
            while self.medium(id).await.1["status"] != state {
                tokio::task::yield_now().await;
            }
        });
        asked.await.expect("the state in time");
    }
}

/// A put as it should be, and these headers besides; one of an empty value is left out.
async fn put(
    place: &Value,
    bytes: &'static [u8],
    mime: &str,
    headers: &[(&str, &str)],
) -> reqwest::Result<Response> {
    let given = place["uploadHeaders"].as_object().expect("headers");
    let given = given
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().expect("text")));
    let mut request = client().put(place["uploadUrl"].as_str().expect("a link"));
    request = request.header("content-type", mime).body(bytes);
    for (name, value) in given.filter(|(name, _)| !headers.contains(&(*name, ""))) {
        request = request.header(name, value);
    }
    for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
        request = request.header(*name, *value);
    }
    request.send().await
}

#[tokio::test]
async fn a_medium_is_valid_after_its_bytes_and_is_named_by_a_message() {
    let desk = desk().await;
    let id = desk.valid("a.png").await;
    let message = json!({"textBody": "Look", "mediaIds": [id]});
    let (status, answer) = desk.post("", &message).await;
    assert_eq!((status, &answer["status"]), (200, &json!("queued")));
    let said = desk.genesys.agent_side().said();
    assert_eq!((said.len(), &said[0].request), (1, &message));
    let (bytes, mime) = said[0].media[0].bytes.clone().expect("bytes");
    assert_eq!((&*bytes, mime.as_str()), (BYTES, "image/png"));
    assert!(
        desk.genesys.violations().is_empty(),
        "{:?}",
        desk.genesys.violations()
    );
}

#[tokio::test]
async fn what_the_schema_s_text_forbids_is_refused() {
    let desk = desk().await;
    for name in [
        ".hidden", "a b.png", "a#1.png", "a[1].png", "folder/", "a%20.png",
    ] {
        assert_eq!(desk.place(name).await.0, 400, "{name}");
    }
    let id = desk.valid("a.png").await;
    let (_, open) = desk.place("b.png").await;
    for (body, expected) in [
        (json!({"mediaIds": [id]}), 400),
        (json!({"textBody": "", "mediaIds": [id]}), 400),
        (json!({"textBody": "x".repeat(2001)}), 400),
        (json!({"textBody": "x", "mediaIds": ["nobody's"]}), 400),
        (json!({"textBody": "x", "mediaIds": [open["id"]]}), 400),
        (json!({"textBody": "x".repeat(2000), "mediaIds": [id]}), 200),
    ] {
        assert_eq!(desk.post("", &body).await.0, expected, "{body}");
    }
    desk.genesys.agent_side().close(&desk.open);
    assert_eq!(desk.place("c.png").await.0, 404);
    assert_eq!(desk.medium(&id).await.0, 404);
}

#[tokio::test]
async fn bytes_come_with_exactly_the_given_headers() {
    let desk = desk().await;
    let (_, place) = desk.place("a.png").await;
    for (bytes, headers, expected) in [
        (BYTES, &[("x-amz-tagging", "")][..], 403),
        (BYTES, &[("x-amz-acl", "private")], 403),
        (BYTES, &[("authorization", "Bearer x")], 400),
        (&BYTES[1..], &[], 400),
        (BYTES, &[], 200),
    ] {
        let answer = put(&place, bytes, "image/png", headers).await;
        let status = answer.expect("an answer").status();
        assert_eq!(status, expected, "{headers:?}");
    }
}

#[tokio::test]
async fn a_type_that_agents_may_not_send_is_invalid_and_so_is_what_a_fault_says() {
    let desk = desk().await;
    let (_, place) = desk.place("a.pdf").await;
    put(&place, BYTES, "application/pdf", &[])
        .await
        .expect("an answer");
    desk.until(place["id"].as_str().expect("an id"), "invalid")
        .await;
    let faults = desk.genesys.faults();
    faults.arm(Fault::VirusFound, Times(1)).expect("armed");
    let (_, place) = desk.place("b.png").await;
    put(&place, BYTES, "image/png", &[])
        .await
        .expect("an answer");
    desk.until(place["id"].as_str().expect("an id"), "invalid")
        .await;
    let media = desk.genesys.agent_side().media();
    assert!(
        media
            .iter()
            .all(|medium| medium.state == MediaState::Invalid)
    );
}

#[tokio::test]
async fn a_lost_answer_takes_its_effect() {
    let desk = desk().await;
    let aim = Aim {
        times: Times(1),
        point: Some(Point::AgentMessage),
        ..Aim::default()
    };
    let armed = desk.genesys.faults().arm_aimed(Fault::LostAnswer, aim);
    let armed = armed.expect("armed");
    let request = client().post(desk.url("")).bearer_auth(&desk.token);
    let answer = request.json(&json!({"textBody": "once"})).send().await;
    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(
        (armed.fired(), desk.genesys.agent_side().said().len()),
        (1, 1)
    );
}
