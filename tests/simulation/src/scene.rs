//! What one seed plays: the configuration, the customers' files, their webhooks, and what every part of the run shares.

use std::fmt;
use std::rc::Rc;

use attache_domain::connection::{
    Account, Connection, Directory, Endpoint, Profile, Route, Row, SecretName,
};
use attache_domain::ids::{AttachmentId, ConnectionId, EndpointId, MediaId, MessageId};
use attache_domain::time::Timestamp;
use attache_flow::ports::Queue;
use serde_json::{Value, json};
use url::Url;

use crate::dice::Dice;
use crate::faults::Faults;
use crate::files::{File, Nature};
use crate::platforms::genesys::Landing;
use crate::reference::Reference;
use crate::schedule::{Agenda, TaskId};
use crate::trace::{Keep, Trace};

/// When every run begins.
pub const BEGINNING: Timestamp = Timestamp::from_seconds(1_790_000_000);
/// Meta's look-up host.
pub const GRAPH: &str = "graph.facebook.com";
/// Meta's download host.
pub const LOOKASIDE: &str = "lookaside.fbsbx.com";
/// Nobody's host; a link may name it.
pub const STRANGER: &str = "media.example.net";
/// Genesys' platform API.
pub const API: &str = "api.mypurecloud.de";
/// Genesys' login host.
pub const LOGIN: &str = "login.mypurecloud.de";
/// The endpoint all webhooks come to.
pub const ENDPOINT: &str = "wa";
/// The app secret that signs them.
pub const APP_SECRET: &str = "the app's secret";

/// What happens in the world around the functions.
#[derive(Debug)]
pub enum Event {
    /// The sender posts this webhook.
    Webhook(usize),
    /// A message becomes visible.
    Visible(u64),
    /// A queue's messages are handed to a function.
    Poll(Queue),
    /// The bucket reports an object, for the `tries`-th time after failures.
    ObjectCreated {
        /// Its key.
        key: String,
        /// Failed invocations before this one.
        tries: u8,
    },
    /// The schedule of `sweep`.
    Sweep,
    /// The schedule of `refresh`.
    Refresh,
    /// A function's time is up.
    Timeout(TaskId),
    /// A message lands at Genesys after its caller stopped waiting.
    Land(Landing),
    /// A replaced token is stored in Secrets Manager.
    HandOut,
    /// Other traffic reserves this many slots.
    Rush(u32),
}

/// One file a customer sends.
#[derive(Clone, Debug)]
pub struct Item {
    /// What the system must call it.
    pub id: MediaId,
    /// Its message's id.
    pub message: String,
    /// The platform's id for it.
    pub attachment: String,
    /// The number it was sent to.
    pub number: usize,
    /// Whether its route leads to an agent.
    pub routed: bool,
    /// The file.
    pub file: File,
    /// Meta never gives it out.
    pub withheld: bool,
}

/// One webhook body, and what is in it.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The body.
    pub body: Vec<u8>,
    /// The files it announces.
    pub items: Vec<MediaId>,
    /// The keys under which the rest of it must be kept.
    pub kept: Vec<String>,
}

/// What every part of a run shares.
pub struct Scene {
    /// Time, order and chance.
    pub agenda: Agenda<Event>,
    /// What goes wrong.
    pub faults: Faults,
    /// What happened.
    pub trace: Trace,
    /// What must hold.
    pub reference: Reference,
    /// The files.
    pub items: Vec<Item>,
    /// The webhooks that announce them.
    pub webhooks: Vec<Webhook>,
}

impl Scene {
    /// The scene of one seed.
    #[must_use]
    pub fn draw(seed: u64, keep: Keep) -> Rc<Self> {
        let dice = Dice::new(seed);
        let faults = Faults::draw(&dice, BEGINNING);
        let many = dice.between(2, 6);
        let items: Vec<Item> = (0..many).map(|n| item(&dice, n)).collect();
        let webhooks = webhooks(&dice, &items);
        Rc::new(Self {
            agenda: Agenda::new(BEGINNING, dice),
            faults,
            trace: Trace::new(keep, BEGINNING),
            reference: Reference::default(),
            items,
            webhooks,
        })
    }

    /// Adds a line to the trace.
    pub fn note(&self, line: fmt::Arguments<'_>) {
        self.trace.note(self.agenda.now(), line);
    }

    /// The file of this item.
    pub fn item(&self, id: &MediaId) -> Option<&Item> {
        self.items.iter().find(|item| item.id == *id)
    }
}

/// The connection of a number.
#[must_use]
pub fn number_id(number: usize) -> ConnectionId {
    ConnectionId::new(format!("wa-{number}"))
}

/// Meta's id of a number.
#[must_use]
pub fn phone_number_id(number: usize) -> String {
    format!("10654035224292{number}")
}

/// The secret that holds a number's token.
#[must_use]
pub fn token_secret(number: usize) -> SecretName {
    SecretName(format!("attache/sim/clients/wa-{number}"))
}

/// The agents' side.
#[must_use]
pub fn genesys_id() -> ConnectionId {
    ConnectionId::new("genesys")
}

/// The secret of the agents' OAuth client.
#[must_use]
pub fn client_secret() -> SecretName {
    SecretName("attache/sim/clients/genesys".to_owned())
}

/// Numbers 0 and 1 lead to the agents, number 2 to the archive; number 3 is nobody's.
const NUMBERS: usize = 3;

/// Everything configured; `media_hosts` may have the numbers' tokens.
#[must_use]
pub fn directory(media_hosts: &[&str]) -> Directory {
    let endpoint = Row::Endpoint(Endpoint {
        id: EndpointId::new(ENDPOINT),
        profile: Profile::WhatsApp,
        secrets: vec![SecretName("attache/sim/endpoints/wa".to_owned())],
        verify_token: None,
    });
    let agents = host(API).zip(host(LOGIN)).map(|(api_url, login_url)| {
        Row::Connection(Connection {
            id: genesys_id(),
            account: Account::GenesysOpenMessaging {
                integration_id: "2d1f6a3c".to_owned(),
                api_url,
                login_url,
                client_id: "client".to_owned(),
                client_secret: client_secret(),
            },
            local: false,
        })
    });
    let numbers = (0..NUMBERS).filter_map(|number| {
        Some(Row::Connection(Connection {
            id: number_id(number),
            account: Account::WhatsApp {
                endpoint: EndpointId::new(ENDPOINT),
                phone_number_id: phone_number_id(number),
                base_url: host(GRAPH)?,
                graph_version: "v23.0".to_owned(),
                media_hosts: media_hosts.iter().map(ToString::to_string).collect(),
                token: token_secret(number),
            },
            local: false,
        }))
    });
    let routes = (0..NUMBERS).map(|number| {
        Row::Route(Route {
            from: number_id(number),
            to: (number < 2).then(genesys_id),
        })
    });
    Directory::new(
        std::iter::once(endpoint)
            .chain(agents)
            .chain(numbers)
            .chain(routes),
    )
}

fn host(name: &str) -> Option<Url> {
    Url::parse(&format!("https://{name}")).ok()
}

fn item(dice: &Dice, n: u64) -> Item {
    let nature = match dice.below(10) {
        0 | 1 => Nature::Executable,
        2 => Nature::Torn,
        _ => Nature::Clean,
    };
    let number = *dice.pick(&[0, 0, 0, 1, 1, 2]).unwrap_or(&0);
    let (message, attachment) = (format!("wamid.{n}"), format!("90000{n}"));
    Item {
        id: MediaId::derive(
            &number_id(number),
            &MessageId::new(&*message),
            &AttachmentId::new(&*attachment),
        ),
        message,
        attachment,
        number,
        routed: number < 2,
        file: File::new(nature, n, dice.chance(500)),
        withheld: dice.chance(5),
    }
}

/// Each item in one webhook, some of them together, some with other things said.
fn webhooks(dice: &Dice, items: &[Item]) -> Vec<Webhook> {
    let mut groups: Vec<Vec<&Item>> = Vec::new();
    for item in items {
        match groups.last_mut().filter(|_| dice.chance(350)) {
            Some(group) => group.push(item),
            None => groups.push(vec![item]),
        }
    }
    let mut webhooks: Vec<Webhook> = (0_usize..)
        .zip(groups)
        .map(|(n, group)| webhook(dice, n, &group))
        .collect();
    // Some messages come in a second webhook of their own, while the first is still on its way.
    for item in items.iter().filter(|_| dice.chance(150)) {
        let n = webhooks.len();
        webhooks.push(webhook(dice, n, &[item]));
    }
    webhooks
}

fn webhook(dice: &Dice, n: usize, group: &[&Item]) -> Webhook {
    let mut changes: Vec<Value> = group
        .iter()
        .map(|item| change(item.number, "messages", message(item)))
        .collect();
    let mut kept = Vec::new();
    let mut add = |number: usize, list: &str, entry: Value, suffix: &str| {
        let id = entry["id"].as_str().unwrap_or_default();
        kept.push(format!("{ENDPOINT}/{id}{suffix}"));
        changes.push(change(number, list, entry));
    };
    if dice.chance(200) {
        let text = json!({ "from": "16505551234", "id": format!("wamid.text{n}"), "timestamp": "1790000000", "type": "text", "text": { "body": "Hello" } });
        add(0, "messages", text, "");
    }
    if dice.chance(200) {
        let status = json!({ "id": format!("wamid.out{n}"), "status": "delivered", "timestamp": "1790000000", "recipient_id": "16505551234" });
        add(1, "statuses", status, "/status:delivered");
    }
    if dice.chance(100) {
        let image = json!({ "from": "16505551234", "id": format!("wamid.stranger{n}"), "timestamp": "1790000000", "type": "image", "image": { "id": "1", "mime_type": "image/png" } });
        add(NUMBERS, "messages", image, "");
    }
    let body = json!({ "object": "whatsapp_business_account", "entry": [ { "id": "1", "changes": changes } ] });
    Webhook {
        body: body.to_string().into_bytes(),
        items: group.iter().map(|item| item.id.clone()).collect(),
        kept,
    }
}

fn change(number: usize, list: &str, entry: Value) -> Value {
    json!({ "field": "messages", "value": {
        "messaging_product": "whatsapp",
        "metadata": { "phone_number_id": phone_number_id(number) },
        "contacts": [ { "wa_id": "16505551234", "profile": { "name": "Sheena" } } ],
        list: [entry],
    } })
}

fn message(item: &Item) -> Value {
    let file = &item.file;
    let mut media =
        json!({ "id": item.attachment, "mime_type": file.mime, "sha256": file.digest.to_base64() });
    if let Some(name) = file.name {
        media["filename"] = json!(name);
    }
    json!({
        "from": "16505551234",
        "id": item.message,
        "timestamp": BEGINNING.as_seconds().to_string(),
        "type": file.kind,
        (file.kind): media,
    })
}
