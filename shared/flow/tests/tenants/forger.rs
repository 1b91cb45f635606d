//! Webhooks that one tenant makes up: signed with its own secrets, and full of what is the others'.

use attache_domain::signature::Scheme;
use serde_json::{Value, json};

use crate::life::{CUSTOMER, Facts, Known, change, signed};
use crate::site::{TENANTS, integration_of, number_of, secret_of};

/// A webhook as it is posted.
#[derive(Clone, Debug)]
pub(crate) struct Forged {
    /// The endpoint's name out of the path.
    pub(crate) endpoint: String,
    pub(crate) signature: Option<String>,
    pub(crate) body: String,
    /// Whether it comes to an endpoint of the forger's under its right signature.
    pub(crate) is_own: bool,
}

/// Makes them up; the same ones for the same seed.
pub(crate) struct Forger<'a> {
    dice: u64,
    own: &'static str,
    known: &'a Known,
}

impl<'a> Forger<'a> {
    pub(crate) fn new(seed: u64, own: &'static str, known: &'a Known) -> Self {
        Self {
            dice: seed,
            own,
            known,
        }
    }

    /// The next webhook.
    pub(crate) fn forge(&mut self) -> Forged {
        match self.below(10) {
            0 => self.under_a_wrong_signature(),
            1 => self.media_event(),
            2..=4 => self.agent_message(),
            _ => self.customer_messages(),
        }
    }

    /// One whose signature does not fit, or whose endpoint there is not.
    pub(crate) fn under_a_wrong_signature(&mut self) -> Forged {
        let right = match self.below(3) {
            0 => self.media_event(),
            1 => self.agent_message(),
            _ => self.customer_messages(),
        };
        let (own, other) = (self.own, self.other());
        let surface = right.endpoint[..2].to_owned();
        let (endpoint, signature) = match self.below(8) {
            0 | 1 => (format!("{surface}-{other}"), right.signature.clone()),
            2 => (right.endpoint.clone(), None),
            3 => {
                let another = secret_of(&format!("{surface}-{other}"));
                let scheme = scheme_of(&surface);
                (
                    right.endpoint.clone(),
                    Some(scheme.sign(&another, right.body.as_bytes())),
                )
            }
            4 => {
                // A secret of its own, of another of its endpoints.
                let another = if surface == "wa" { "gc" } else { "wa" };
                let secret = secret_of(&format!("{another}-{own}"));
                let scheme = scheme_of(&surface);
                (
                    right.endpoint.clone(),
                    Some(scheme.sign(&secret, right.body.as_bytes())),
                )
            }
            5 => {
                let scheme = scheme_of(&surface);
                let of_another = scheme.sign(&secret_of(&right.endpoint), b"{}");
                (right.endpoint.clone(), Some(of_another))
            }
            6 => (format!("{surface}-{other}/"), right.signature.clone()),
            _ => {
                let strange = [
                    format!("../{surface}-{other}"),
                    format!("{}-{other}", surface.to_uppercase()),
                    format!("{surface}-{own}/{surface}-{other}"),
                    format!("endpoint/{surface}-{other}"),
                    String::new(),
                ];
                (self.one_of(&strange), right.signature.clone())
            }
        };
        Forged {
            endpoint,
            signature,
            body: right.body,
            is_own: false,
        }
    }

    /// Messages and statuses, of one number or of several in one body.
    fn customer_messages(&mut self) -> Forged {
        let entries: Vec<Value> = (0..=self.below(2)).map(|_| self.entry()).collect();
        signed(&format!("wa-{}", self.own), &json!({ "entry": entries }))
    }

    fn entry(&mut self) -> Value {
        let other = self.other();
        let number = match self.below(4) {
            0 => integration_of(other),
            1 => format!("wa-{other}"),
            _ => number_of(other),
        };
        // Half of them under its own number, so that they get further.
        let number = if self.below(2) == 0 {
            number_of(self.own)
        } else {
            number
        };
        let value = if self.below(3) == 0 {
            json!({"statuses": [self.status()]})
        } else {
            json!({"messages": [self.message()], "contacts": [{"profile": {"name": "forged"}, "wa_id": CUSTOMER}]})
        };
        change(&number, value)
    }

    fn message(&mut self) -> Value {
        let (kind, content) = match self.below(8) {
            0 => ("image", json!({"id": self.medium(), "caption": "forged"})),
            1 => (
                "document",
                json!({"id": self.medium(), "filename": "forged.txt"}),
            ),
            2 => (
                "reaction",
                json!({"message_id": self.message_id(), "emoji": "👍"}),
            ),
            3 => ("location", json!({"latitude": 1, "longitude": 2})),
            4 => ("button", json!({"text": "forged", "payload": self.item()})),
            _ => ("text", json!({"body": "forged"})),
        };
        let mut message = json!({"from": self.customer(), "id": self.message_id(), "timestamp": "1744344510", "type": kind});
        message[kind] = content;
        if self.below(2) == 0 {
            message["context"] = json!({"id": self.message_id(), "from": number_of(self.other())});
        }
        message
    }

    fn status(&mut self) -> Value {
        let word =
            self.one_of(&["sent", "delivered", "read", "failed", "played"].map(str::to_owned));
        let mut status = json!({"id": self.message_id(), "status": word, "timestamp": "1744344510",
            "recipient_id": self.customer(), "biz_opaque_callback_data": self.item()});
        if word == "failed" {
            status["errors"] = json!([{"code": 131_026, "title": "forged"}]);
        }
        status
    }

    fn agent_message(&mut self) -> Forged {
        let integration = match self.below(3) {
            0 => integration_of(self.other()),
            1 => {
                let other = self.other();
                self.one_of(&[number_of(other), format!("gc-{other}")])
            }
            _ => integration_of(self.own),
        };
        let integration = if self.below(2) == 0 {
            integration_of(self.own)
        } else {
            integration
        };
        let kind = match self.below(6) {
            0 => "Event",
            1 => "Receipt",
            _ => "Text",
        };
        let mut body = json!({"id": self.message_id(), "type": kind, "text": "forged", "direction": "Outbound",
            "channel": {"id": integration, "to": {"id": self.customer()}, "time": "2025-04-11T04:08:30.000Z"}});
        if kind == "Event" {
            body["events"] = json!([{"eventType": "Typing"}]);
        }
        let files: Vec<Value> = (0..self.below(3))
            .map(|_| json!({"contentType": "Attachment", "attachment": {"id": self.medium(), "mediaType": "File",
                "filename": "forged.txt", "mime": "text/plain", "url": self.link()}}))
            .collect();
        if !files.is_empty() {
            body["content"] = Value::Array(files);
        }
        signed(&format!("gc-{}", self.own), &body)
    }

    fn media_event(&mut self) -> Forged {
        let body = json!({"event_type": "message:message-media", "timestamp": "2025-04-11T04:08:30.000Z",
            "data": {"id": self.medium(), "message_id": self.message_id(), "conversation_id": self.customer(),
                "media_type": "text/plain", "url": self.link()}});
        signed(&format!("mm-{}", self.own), &body)
    }

    /// A link to somebody else's host, to its own, or in a disguise.
    fn link(&mut self) -> String {
        let (own, other) = (self.own, self.other());
        let medium = self.medium();
        self.one_of(&[
            format!("https://api.{other}.example/api/v2/downloads/{medium}"),
            format!("https://apps.{other}.example/api/v2/downloads/1"),
            format!("https://login.{other}.example/oauth/token"),
            format!("https://graph.{other}.example/v23.0/{medium}"),
            format!("https://media.{other}.example/x?hash=1"),
            format!("https://signed.{other}.example/x?sig=1"),
            format!("https://api.{own}.example.{other}.example/api/v2/downloads/1"),
            format!("https://api.{own}.example@api.{other}.example/api/v2/downloads/1"),
            format!("http://api.{other}.example/api/v2/downloads/1"),
            format!("https://api.{other}.example:444/api/v2/downloads/1"),
            format!("https://API.{own}.EXAMPLE/api/v2/downloads/1?url=https://api.{other}.example"),
            format!("https://api.{own}.example/api/v2/downloads/1"),
            format!("https://api.{own}.example/api/v2/message/mediadata/1"),
            "https://169.254.169.254/latest/meta-data".to_owned(),
            "no link".to_owned(),
        ])
    }

    /// The name of a message: somebody else's, one of its own, a new one, or one that looks like a key of ours.
    fn message_id(&mut self) -> String {
        let (other, item) = (self.other(), self.item());
        let wamid = self.of_other(|facts| &facts.wamids);
        match self.below(6) {
            0 => wamid,
            1 => self.of_other(|facts| &facts.messages),
            2 => self.one_of(&[
                format!("name/wa-{other}/{wamid}"),
                format!("wa-{other}/{wamid}"),
                format!("../wa-{other}/wamid.hello-{other}"),
                format!("tries/{item}"),
                format!("{wamid}#{item}"),
                item,
            ]),
            3 => self.one_of(&self.known[self.own].wamids),
            _ => format!("wamid.forged-{}", self.next()),
        }
    }

    fn medium(&mut self) -> String {
        match self.below(4) {
            0 => self.of_other(|facts| &facts.media),
            1 => format!("media-{}", self.other()),
            2 => format!("arrivals/{}", self.item()),
            _ => format!("media-{}", self.next()),
        }
    }

    fn item(&mut self) -> String {
        self.of_other(|facts| &facts.items)
    }

    fn customer(&mut self) -> String {
        let other = self.other();
        match self.below(6) {
            0 => format!("wa-{other}/{CUSTOMER}"),
            1 => format!("../wa-{other}/{CUSTOMER}"),
            2 => number_of(other),
            _ => CUSTOMER.to_owned(),
        }
    }

    fn of_other(&mut self, which: fn(&Facts) -> &Vec<String>) -> String {
        let other = self.other();
        self.one_of(which(&self.known[other]))
    }

    fn other(&mut self) -> &'static str {
        let others = TENANTS.map(|tenant| if tenant == self.own { "" } else { tenant });
        let others: Vec<&'static str> = others.into_iter().filter(|t| !t.is_empty()).collect();
        others[self.below(others.len())]
    }

    fn one_of(&mut self, all: &[String]) -> String {
        all[self.below(all.len())].clone()
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.dice ^ (self.dice >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn scheme_of(surface: &str) -> Scheme {
    if surface == "wa" {
        Scheme::META
    } else {
        Scheme::GENESYS
    }
}
