//! Web messaging as the source documents describe it: files go in two steps, and are complete when the platform says so.

use anyhow::{Context, Result};
use async_trait::async_trait;
use attache_domain::connection::{Account, Connection, Endpoint, Profile, Route, Row, SecretName};
use attache_domain::ids::{AttachmentId, ConnectionId, EndpointId};
use attache_platforms::faults::{Aim, Fault, Point, Times};
use attache_platforms::whatsapp::MediaFile;
use url::Url;

use super::{Scene, Tour};
use crate::site::{STAGE, Seed};
use crate::standins::{CUSTOMERS, StandIns};

/// The endpoint and the connection.
const WEB: &str = "web";

/// A file's name, what becomes of its upload, its end, and how often its agent has it.
type Fate = (&'static str, Option<Fault>, &'static [&'static str], usize);

const FATES: [Fate; 4] = [
    ("as-it-should.txt", None, &["sent"], 1),
    ("told-twice.txt", Some(Fault::CompletionTwice), &["sent"], 1),
    ("told-never.txt", Some(Fault::CompletionNever), &["sent"], 1),
    ("malware.txt", Some(Fault::VirusFound), &["undelivered"], 0),
];

/// The number's files go to a channel.
pub(super) struct Channel;

#[async_trait(?Send)]
impl Tour for Channel {
    fn profile(&self) -> Profile {
        Profile::GenesysWebMessaging
    }

    fn seed(&self, standins: &StandIns) -> Result<Seed> {
        let seed = standins.seed(STAGE)?;
        let org = seed.rows.iter().find_map(|row| match row {
            Row::Connection(connection) => connection.org().cloned(),
            Row::Endpoint(_) | Row::Route(_) | Row::Policy(_) => None,
        });
        let account = Account::GenesysWebMessaging {
            endpoint: Some(EndpointId::new(WEB)),
            channel_id: standins.genesys.options().integration_id.clone(),
            org: org.context("the stand-ins have no organisation")?,
        };
        let id = ConnectionId::new(WEB);
        let rows = vec![
            Row::Endpoint(Endpoint {
                id: EndpointId::new(WEB),
                profile: Profile::GenesysWebMessaging,
                secrets: vec![SecretName(format!(
                    "attache/{STAGE}/endpoints/genesys/secret-1"
                ))],
                verify_token: None,
                forward_to: None,
                shadow: false,
            }),
            Row::Connection(Connection {
                local: true,
                ..Connection::new(id.clone(), account)
            }),
            Row::Route(Route {
                from: ConnectionId::new(CUSTOMERS),
                to: Some(id),
            }),
        ];
        Ok(Seed {
            rows,
            ..Seed::default()
        })
    }

    async fn subscribe(&self, standins: &StandIns, api_url: &str) -> Result<()> {
        let callback = Url::parse(&format!("{api_url}/webhooks/{WEB}"))?;
        standins.genesys.web_messaging().set_callback(callback);
        Ok(())
    }

    async fn play(&self, scene: &mut Scene<'_>) -> Result<()> {
        for (name, fault, until, wanted) in FATES {
            let bytes = format!("A note that is called {name}.\n").into_bytes();
            if let Some(fault) = fault {
                let aim = Aim {
                    times: Times(1),
                    point: Some(Point::Scan),
                    subject: Some(name),
                    ..Aim::default()
                };
                scene.standins.genesys.faults().arm_aimed(fault, aim)?;
                let line = format!("its upload will meet {fault}");
                scene.timeline.say(name, &line);
            }
            let whatsapp = &scene.standins.whatsapp;
            let file = MediaFile::new(bytes.clone(), "text/plain").named(name);
            let message = whatsapp.customer().compose_media(file.as_document());
            let id = message.id().clone();
            let medium = whatsapp
                .medium(&id)
                .context("the stand-in does not know its own file")?;
            let seen = move |standins: &StandIns| {
                let all = standins.genesys.messages().into_iter();
                let files = all.flat_map(|message| message.attachments);
                files
                    .filter(|it| it.bytes().is_some_and(|it| *it == bytes))
                    .count()
            };
            let of = (CUSTOMERS, id.as_str(), AttachmentId::new(&*medium.id));
            scene.promise(name, of, until, (wanted, Box::new(seen)));
            scene.timeline.say(name, "the customer sends it");
            whatsapp.send_batch(vec![message]);
        }
        scene.settle().await
    }
}
