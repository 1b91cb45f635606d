//! NICE CXone over real processes: a channel of one's own making in both directions, and the source documents' conversations.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attache_domain::connection::{
    Account, Attachments, Connection, Endpoint, Profile, Route, Row, SecretName, Tenant,
};
use attache_domain::ids::{ConnectionId, EndpointId};
use attache_domain::journey::Stage as Journey;
use attache_e2e::media::{bytes, note, sample_named};
use attache_e2e::{CUSTOMER, Setup, Stage, eventually};
use attache_operator::site::{STAGE, Seed};
use attache_operator::standins::CUSTOMERS;
use attache_platforms::canary::Canary;
use attache_platforms::cxone::{Contract, Cxone, CxoneOptions, Outbound, Shown};
use attache_platforms::faults::{Fault, Point, Times};
use attache_platforms::whatsapp::Say;
use bytes::Bytes;
use url::Url;

const BOUND: Duration = Duration::from_secs(120);

/// The endpoint and the connection; also what the channel type has for its client id.
const CXONE: &str = "cxone";

fn secret(name: &str) -> SecretName {
    SecretName(format!("attache/{STAGE}/{name}"))
}

/// A platform, and a stage on which the number's customers and its agents speak to each other.
async fn staged(profile: Profile, attachments: Attachments) -> Result<(Cxone, Stage)> {
    let canary = Canary::default();
    let cxone = Cxone::start(CxoneOptions {
        canary: canary.clone(),
        ..CxoneOptions::default()
    })
    .await?;
    let setup = Setup {
        more: seed(&cxone, profile, attachments)?,
        canary,
        ..Setup::default()
    };
    let stage = Stage::start(setup).await?;
    let address: Url = format!("{}/webhooks/{CXONE}", stage.run.api_url()).parse()?;
    cxone.set_box(address.clone());
    cxone.conversations().set_callback(address);
    Ok((cxone, stage))
}

fn seed(cxone: &Cxone, profile: Profile, attachments: Attachments) -> Result<Seed> {
    let options = cxone.options();
    let endpoint = Some(EndpointId::new(CXONE));
    let tenant = Tenant {
        issuer_url: cxone.issuer_url().parse()?,
        api_url: None,
        client_id: options.client_id.clone(),
        client_secret: secret("clients/cxone/client_secret"),
        access_key: options.access_key.clone(),
        access_key_secret: secret("clients/cxone/access_key_secret"),
    };
    let (account, own) = match profile {
        Profile::CxoneConversations => (
            Account::CxoneConversations {
                endpoint,
                tenant: Tenant {
                    api_url: Some(cxone.api_url().parse()?),
                    ..tenant
                },
            },
            &options.webhook_secret,
        ),
        _ => (
            Account::CxoneByoc {
                endpoint,
                channel_id: options.channel_id.clone(),
                attachments,
                tenant,
            },
            &options.middleware_client.1,
        ),
    };
    let route = |from: &str, to: &str| {
        Row::Route(Route {
            from: ConnectionId::new(from),
            to: Some(ConnectionId::new(to)),
        })
    };
    let secrets = [
        ("endpoints/cxone/secret-1", own),
        ("clients/cxone/client_secret", &options.client_secret),
        (
            "clients/cxone/access_key_secret",
            &options.access_key_secret,
        ),
    ];
    Ok(Seed {
        rows: vec![
            Row::Endpoint(Endpoint {
                id: EndpointId::new(CXONE),
                profile,
                secrets: vec![secret("endpoints/cxone/secret-1")],
                verify_token: None,
                forward_to: None,
                shadow: false,
            }),
            Row::Connection(Connection {
                local: true,
                ..Connection::new(ConnectionId::new(CXONE), account)
            }),
            route(CUSTOMERS, CXONE),
            route(CXONE, CUSTOMERS),
        ],
        secrets: secrets
            .map(|(name, value)| (secret(name), value.clone()))
            .to_vec(),
        ..Seed::default()
    })
}

/// The thread of the customer who writes to the stand-in's first number.
fn thread(stage: &Stage) -> String {
    let numbers = &stage.standins.whatsapp.options().numbers;
    let number = numbers.first().map(|it| it.phone_number_id.as_str());
    format!("whatsapp_{}_{CUSTOMER}", number.unwrap_or_default())
}

fn file_of(shown: &Shown) -> Result<&Bytes> {
    let [file] = shown.attachments.as_slice() else {
        anyhow::bail!("{} files", shown.attachments.len())
    };
    file.bytes
        .as_ref()
        .map_err(|why| anyhow::anyhow!("{}: {why}", file.name))
}

/// Nothing is left, nothing leaked, no example was left behind.
async fn in_order(cxone: &Cxone, stage: Stage) -> Result<()> {
    stage.quiet(BOUND).await?;
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    ensure!(cxone.violations().is_empty(), "{:?}", cxone.violations());
    let options = cxone.options();
    for word in [
        options.access_key_secret.as_str(),
        &options.client_secret,
        &options.middleware_client.1,
        &options.webhook_secret,
        "Signature=",
        "access_token",
    ] {
        ensure!(stage.log.containing(word).is_empty(), "{word} in the log");
    }
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn customers_and_agents_of_a_byoc_channel_speak_to_each_other() -> Result<()> {
    let (cxone, stage) = staged(Profile::CxoneByoc, Attachments::Link).await?;
    let hello = stage.says(Say::Text("Hello".to_owned()));
    let greeted = cxone.wait_for_shown(1, BOUND).await?;
    ensure!(
        greeted[0].text == "Hello" && greeted[0].thread == thread(&stage),
        "{greeted:?}"
    );
    ensure!(greeted[0].id == hello.message.as_str(), "{greeted:?}");
    let photo = stage.send(sample_named("photo.jpg"))?;
    let shown = cxone.wait_for_shown(2, BOUND).await?;
    ensure!(
        file_of(&shown[1])?[..] == bytes("photo.jpg")[..],
        "other bytes"
    );
    ensure!(stage.at_rest(&photo, BOUND).await?.gate.stage == Journey::Sent);
    ensure!(
        cxone.tokens_issued() == 1,
        "{} tokens",
        cxone.tokens_issued()
    );

    let pdf = Bytes::from(bytes("Rechnung März (1).pdf"));
    let png = Bytes::from(bytes("screenshot.png"));
    let file =
        |name: &str, mime: &str, bytes: &Bytes| (name.to_owned(), mime.to_owned(), bytes.clone());
    let both = Outbound {
        contract: Contract::Two,
        thread: thread(&stage),
        text: "Your invoice".to_owned(),
        files: vec![
            file("Rechnung.pdf", "application/pdf", &pdf),
            file("Bild.png", "image/png", &png),
        ],
        times: 2,
    };
    let call = cxone.agent_sends(&both).await?;
    ensure!(call.statuses == [401, 200, 200], "{:?}", call.statuses);
    let named = |n: usize| {
        call.answers[n]
            .pointer("/message/idOnExternalPlatform")
            .cloned()
    };
    let name = named(0).context("no id")?;
    ensure!(
        named(1).as_ref() == Some(&name),
        "a repeat has another name"
    );
    let sent = eventually("two files", BOUND, || async {
        Ok(Some(stage.standins.whatsapp.sent()).filter(|sent| sent.len() >= 2))
    })
    .await?;
    let media: Vec<_> = sent.iter().filter_map(|it| it.media.as_ref()).collect();
    ensure!(
        media.len() == 2 && media[0].bytes == pdf && media[1].bytes == png,
        "{sent:?}"
    );
    ensure!(sent[0].text() == Some("Your invoice"), "{sent:?}");
    let mut items = stage.origins().await?.into_iter();
    let item = items.find(|origin| name == origin.media_id().as_str());
    ensure!(
        item.is_some_and(|it| it.customer == CUSTOMER),
        "our id {name} is no item's"
    );

    let words = Outbound {
        contract: Contract::One,
        text: "Anything else?".to_owned(),
        files: Vec::new(),
        times: 1,
        ..both
    };
    let call = cxone.agent_sends(&words).await?;
    ensure!(
        call.statuses == [200] && call.answers[0]["idOnExternalPlatform"].is_string(),
        "{call:?}"
    );
    let sent = eventually("the words", BOUND, || async {
        Ok(Some(stage.standins.whatsapp.sent()).filter(|sent| sent.len() >= 3))
    })
    .await?;
    ensure!(
        sent.len() == 3 && sent[2].text() == Some("Anything else?"),
        "{sent:?}"
    );
    strangers_are_refused(&stage).await?;
    stage.quiet(BOUND).await?;
    ensure!(
        cxone.shown().len() == 2,
        "CXone takes no receipts: {:?}",
        cxone.shown()
    );
    in_order(&cxone, stage).await
}

/// Without a token of ours nothing happens, and what nothing of ours needs is answered.
async fn strangers_are_refused(stage: &Stage) -> Result<()> {
    let client = reqwest::Client::new();
    let under = |path: &str| format!("{}/webhooks/{CXONE}/{path}", stage.run.api_url());
    let message = "2.0/channel/byoc_1/outbound";
    let thief =
        r#"{"grant_type":"client_credentials","client_id":"cxone","client_secret":"guess"}"#;
    for (path, bearer, body, expected) in [
        (message, None, "{}", 401),
        (message, Some("1.Yg.YQ"), "{}", 401),
        ("1.0/token", None, thief, 401),
        ("1.0/token", None, "{}", 400),
        ("1.0/action", None, "{}", 200),
        ("1.0/remove", None, "", 200),
        ("3.0/anything", None, "{}", 404),
    ] {
        let request = client.post(under(path)).body(body);
        let request = match bearer {
            Some(bearer) => request.bearer_auth(bearer),
            None => request,
        };
        let status = request.send().await?.status().as_u16();
        ensure!(status == expected, "{path}: {status}");
    }
    let visited = client.get(under("1.0/reconnect")).send().await?.status();
    ensure!(visited == 200, "{visited}");
    let elsewhere = format!("{}/webhooks/whatsapp/1.0/token", stage.run.api_url());
    let status = client.post(elsewhere).body(thief).send().await?.status();
    ensure!(status == 404, "{status}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_given_as_temporary_attachments_whatever_goes_wrong() -> Result<()> {
    let (cxone, stage) = staged(Profile::CxoneByoc, Attachments::Temporary).await?;
    let faults = [
        (Fault::FiveHundreds, Point::Upload),
        (Fault::RateLimit, Point::Upload),
        (Fault::LostAnswer, Point::Upload),
        (Fault::Unauthorised, Point::Inbound),
        (Fault::FiveHundreds, Point::Inbound),
    ];
    let first = stage.send(note(0))?;
    cxone.wait_for_shown(1, BOUND).await?;
    ensure!(stage.at_rest(&first, BOUND).await?.gate.stage == Journey::Sent);
    for (number, (fault, point)) in (1..).zip(faults) {
        let armed = cxone.faults().arm_at(fault, Times(1), point)?;
        let sent = stage.send(note(number))?;
        let item = stage.at_rest(&sent, BOUND).await?;
        ensure!(
            item.gate.stage == Journey::Sent,
            "{fault}: {:?}",
            item.record.diagnosis
        );
        ensure!(armed.fired() == 1, "{fault} struck {} times", armed.fired());
    }
    let shown = cxone.wait_for_shown(1 + faults.len(), BOUND).await?;
    ensure!(shown.len() == 1 + faults.len(), "{} shown", shown.len());
    for (number, message) in shown.iter().enumerate() {
        ensure!(
            file_of(message)?[..] == note(number).bytes[..],
            "note {number} is another"
        );
    }
    let lost = cxone
        .faults()
        .arm_at(Fault::LostAnswer, Times(1), Point::Inbound)?;
    let sent = stage.send(note(9))?;
    let item = stage.at_rest(&sent, BOUND).await?;
    ensure!(lost.fired() == 1 && item.record.repeats == 1, "{item:?}");
    let shown = cxone.wait_for_shown(3 + faults.len(), BOUND).await?;
    let twice: Vec<_> = shown.iter().rev().take(2).map(|it| &it.id).collect();
    ensure!(twice[0] == twice[1], "a repeat under another id: {twice:?}");
    in_order(&cxone, stage).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documents_conversations_go_both_ways() -> Result<()> {
    let (cxone, stage) = staged(Profile::CxoneConversations, Attachments::Link).await?;
    let _words = stage.says(Say::Text("Hello".to_owned()));
    cxone.wait_for_shown(1, BOUND).await?;
    let photo = stage.send(sample_named("photo.jpg").captioned("Look"))?;
    let shown = cxone.wait_for_shown(2, BOUND).await?;
    ensure!(
        shown[1].thread == CUSTOMER && shown[1].text == "Look",
        "{shown:?}"
    );
    ensure!(
        file_of(&shown[1])?[..] == bytes("photo.jpg")[..],
        "other bytes"
    );
    ensure!(stage.at_rest(&photo, BOUND).await?.gate.stage == Journey::Sent);
    let pdf = Bytes::from(bytes("Rechnung März (1).pdf"));
    let png = Bytes::from(bytes("screenshot.png"));
    let files = [
        ("invoice_q2.pdf", "application/pdf", pdf.clone()),
        ("screenshot.png", "image/png", png.clone()),
    ];
    let (status, event) = cxone.conversations().announce(CUSTOMER, &files).await?;
    ensure!(status == 200, "{status}: {event}");
    let sent = eventually("two files", BOUND, || async {
        Ok(Some(stage.standins.whatsapp.sent()).filter(|sent| sent.len() >= 2))
    })
    .await?;
    let media: Vec<_> = sent.iter().filter_map(|it| it.media.as_ref()).collect();
    ensure!(
        media.len() == 2 && media[0].bytes == pdf && media[1].bytes == png,
        "{sent:?}"
    );
    in_order(&cxone, stage).await
}
