//! Opening the download: by a look-up where an id finds the file, by the link of the webhook where not. Every hop is judged
//! before a packet leaves, and a bearer goes to its issuer's hosts alone.

use std::time::Duration;

use attache_domain::connection::{Connection, Profile};
use attache_domain::diagnosis::Failure;
use attache_domain::egress;
use attache_domain::event::{File, Link};
use attache_domain::journey::Item;
use attache_domain::platforms::genesys::{self, Hop};
use attache_domain::platforms::whatsapp;
use attache_domain::transfer::{self, Announced, Rest};
use attache_domain::wire::{Auth, Body, Headers, Method, Request, Response};
use url::Url;

use super::{Fetch, LINK_SEALED_AS};
use crate::bearer::Bearer;
use crate::ports::{Answer, Credential, Download};

/// How long a hop that only names the next one may take.
const HOP_PATIENCE: Duration = Duration::from_secs(10);

/// More hops than this are a loop.
const MOST_HOPS: usize = 4;

/// A download whose headers were judged.
pub(super) type Opened = (Announced, Download);

impl Fetch<'_> {
    /// The whole file, or the rest of it. The outer error is ours.
    pub(super) async fn open(
        &self,
        item: &Item,
        (connection, bearer): (&Connection, &Bearer),
        rest: Option<&Rest>,
    ) -> Answer<Result<Opened, Failure>> {
        let Some(file) = item.origin.file() else {
            return Ok(Err(Failure::misconfigured("the item has no file")));
        };
        match connection.profile() {
            Profile::WhatsApp => Ok(self
                .by_look_up(item, file, (connection, bearer), rest)
                .await),
            Profile::GenesysOpenMessaging | Profile::GenesysMessageMedia => {
                let Some(sealed) = &item.record.link else {
                    return Ok(Err(transfer::no_link()));
                };
                let vault = self.desk.vault;
                let link = vault.open(LINK_SEALED_AS, item.id.as_str(), sealed).await?;
                let url = std::str::from_utf8(link.expose())
                    .ok()
                    .and_then(|t| Url::parse(t).ok());
                match url {
                    Some(url) => {
                        let by = (connection, bearer);
                        let opened = self.by_link(Link(url), file, by, rest).await;
                        let attempts = item.record.attempts;
                        Ok(opened.map_err(|failure| transfer::not_there_yet(failure, attempts)))
                    }
                    None => Ok(Err(transfer::no_link())),
                }
            }
        }
    }

    async fn by_look_up(
        &self,
        item: &Item,
        file: &File,
        (connection, bearer): (&Connection, &Bearer),
        rest: Option<&Rest>,
    ) -> Result<Opened, Failure> {
        let credential = Credential::Bearer(bearer.token.clone());
        let look_up = whatsapp::look_up(connection, &item.origin.attachment)?;
        let response = self
            .http
            .call(&look_up, &credential)
            .await
            .map_err(|e| transfer::no_answer(&e))?;
        let link = whatsapp::read_link(&response, self.clock.now())
            .map_err(|failure| transfer::not_there_yet(failure, item.record.attempts))?;
        egress::judge(&link.url, &connection.bearer_hosts(), connection.local)
            .map_err(|refused| transfer::refused_host(&refused))?;
        let download = self
            .download((Link(link.url), Auth::Bearer), connection, bearer, rest)
            .await?;
        let said = transfer::Said {
            origin_type: file.declared_type.clone(),
            link_type: link.declared_type,
            size_bytes: link.size_bytes,
            digests: [file.digest, link.digest],
        };
        let announced = transfer::read_headers(download.status, &download.headers, said, rest)?;
        Ok((announced, download))
    }

    async fn by_link(
        &self,
        link: Link,
        file: &File,
        (connection, bearer): (&Connection, &Bearer),
        rest: Option<&Rest>,
    ) -> Result<Opened, Failure> {
        let mut hop = genesys::first_hop(connection, &link)?;
        for _ in 0..MOST_HOPS {
            let (from, auth) = match hop {
                Hop::Ask(link) => {
                    hop = self.ask(link, connection, bearer).await?;
                    continue;
                }
                Hop::Download { from, auth } => (from, auth),
            };
            let download = self
                .download((from, auth), connection, bearer, rest)
                .await?;
            if (300..400).contains(&download.status) {
                let response = answer(download.status, download.headers);
                hop = genesys::read_hop(connection, &response, self.clock.now())?;
                continue;
            }
            let said = transfer::Said {
                origin_type: file.declared_type.clone(),
                link_type: None,
                size_bytes: file.size_bytes,
                digests: [file.digest, None],
            };
            let announced = transfer::read_headers(download.status, &download.headers, said, rest)?;
            return Ok((announced, download));
        }
        Err(transfer::looping())
    }

    /// Asks, with the bearer, for the link of the next hop.
    async fn ask(
        &self,
        link: Link,
        connection: &Connection,
        bearer: &Bearer,
    ) -> Result<Hop, Failure> {
        let request = get(link, Auth::Bearer, HOP_PATIENCE, connection);
        let credential = Credential::Bearer(bearer.token.clone());
        let answer = self.http.call(&request, &credential).await;
        let response = answer.map_err(|e| transfer::no_answer(&e))?;
        genesys::read_hop(connection, &response, self.clock.now())
    }

    async fn download(
        &self,
        (link, auth): (Link, Auth),
        connection: &Connection,
        bearer: &Bearer,
        rest: Option<&Rest>,
    ) -> Result<Download, Failure> {
        let request = get(link, auth, transfer::HEADERS_PATIENCE, connection);
        let credential = match auth {
            Auth::Bearer => Credential::Bearer(bearer.token.clone()),
            Auth::None | Auth::ClientBasic => Credential::None,
        };
        let download = self.http.download(&request, &credential, rest).await;
        download.map_err(|e| transfer::no_answer(&e))
    }
}

fn get(link: Link, auth: Auth, patience: Duration, connection: &Connection) -> Request {
    Request {
        method: Method::Get,
        url: link.0,
        auth,
        body: Body::Empty,
        patience,
        local: connection.local,
    }
}

fn answer(status: u16, headers: Headers) -> Response {
    Response {
        status,
        headers,
        body: Vec::new(),
    }
}
