//! Opening the download: by a look-up where an id finds the file, by the link of the webhook where not. Every hop is judged
//! before a packet leaves, and a bearer goes to its issuer's hosts alone. A host in trouble is left alone ([`crate::guard`]).

use std::time::Duration;

use async_trait::async_trait;
use attache_domain::connection::{Connection, Profile, authority};
use attache_domain::diagnosis::{Disposition, Failure, Passage};
use attache_domain::egress;
use attache_domain::event::{File, Link};
use attache_domain::journey::Item;
use attache_domain::pacing::retry_after::RetryAfter;
use attache_domain::platforms::links::{self, Hop};
use attache_domain::platforms::whatsapp;
use attache_domain::time::Timestamp;
use attache_domain::transfer::{self, Announced, Rest, Said};
use attache_domain::wire::{Auth, Body, CallError, Headers, Method, Request, Response};
use bytes::Bytes;
use url::Url;

use super::{Fetch, LINK_SEALED_AS};
use crate::bearer::Bearer;
use crate::guard::{Left, Pass};
use crate::ports::{Answer, Credential, Download, Outage, Source, SourceError};

/// How long a hop that only names the next one may take.
const HOP_PATIENCE: Duration = Duration::from_secs(10);

/// How long it may take until a body comes, by one hop.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Logged with the life a link had left when it was used, `life_left_s`. A filter in `template.yaml` makes a metric of it.
pub const LINK_USED: &str = "link used";

/// More hops than this are a loop.
const MOST_HOPS: usize = 4;

/// Over which connection a file is had, and with which bearer, where its profile needs one.
#[derive(Clone, Copy)]
pub(super) struct By<'a> {
    pub(super) connection: &'a Connection,
    pub(super) bearer: Option<&'a Bearer>,
}

impl By<'_> {
    /// The version of the bearer; 0: there is none.
    pub(super) fn version(self) -> u32 {
        self.bearer.map_or(0, |bearer| bearer.version.number)
    }

    fn credential(self, auth: Auth) -> Credential {
        match (auth, self.bearer) {
            (Auth::Bearer, Some(bearer)) => Credential::of(self.connection, &bearer.token),
            (Auth::Bearer | Auth::None | Auth::ClientBasic | Auth::ClientAndPassword, _) => {
                Credential::None
            }
        }
    }
}

/// A download whose headers were judged.
pub(super) struct Opened {
    /// What they announced.
    pub(super) announced: Announced,
    /// The body.
    pub(super) body: Box<dyn Source>,
    /// The right to the call; goes back with how the body ended.
    pub(super) pass: Pass,
}

/// Why nothing was opened.
enum Shut {
    /// It failed, or is not to be tried now.
    Failure(Failure),
    /// The world failed.
    Outage(Outage),
}

impl From<Failure> for Shut {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Outage> for Shut {
    fn from(outage: Outage) -> Self {
        Self::Outage(outage)
    }
}

impl Fetch<'_> {
    /// The whole file, or the rest of it. The outer error is ours.
    pub(super) async fn open(
        &self,
        item: &Item,
        by: By<'_>,
        rest: Option<&Rest>,
    ) -> Answer<Result<Opened, Failure>> {
        let Some(file) = item.origin.file() else {
            return Ok(Err(Failure::misconfigured("the item has no file")));
        };
        let opened = match by.connection.profile() {
            Profile::WhatsApp => self.by_look_up(item, file, by, rest).await,
            Profile::GenesysOpenMessaging
            | Profile::GenesysMessageMedia
            | Profile::GenesysWebMessaging
            | Profile::GenesysWebChat
            | Profile::GenesysMediaUpload
            | Profile::GenesysAgent
            | Profile::Messenger
            | Profile::Instagram
            | Profile::CxoneByoc
            | Profile::CxoneConversations => self.by_stored_link(item, file, by, rest).await,
        };
        match opened {
            Ok(opened) => Ok(Ok(opened)),
            Err(Shut::Failure(failure)) => Ok(Err(failure)),
            Err(Shut::Outage(outage)) => Err(outage),
        }
    }

    async fn by_look_up(
        &self,
        item: &Item,
        file: &File,
        by: By<'_>,
        rest: Option<&Rest>,
    ) -> Result<Opened, Shut> {
        let link = self.look_up(item, by).await?;
        let connection = by.connection;
        egress::judge(&link.url, &connection.bearer_hosts(), connection.local)
            .map_err(|refused| transfer::refused_host(&refused))?;
        let (download, pass) = self
            .download((&Link(link.url.clone()), Auth::Bearer), by, rest)
            .await?;
        let said = Said {
            kind: Some(file.kind),
            origin_type: file.declared_type.clone(),
            link_type: link.declared_type,
            size_bytes: link.size_bytes,
            digests: [file.digest, link.digest],
        };
        let opened = self.judge_headers((download, pass), said, rest).await?;
        self.note_life(
            item,
            &link.url,
            self.clock.now() + connection.profile().link_life(),
        );
        Ok(opened)
    }

    /// Asks for the link of the item's id, if the number may still ask.
    async fn look_up(&self, item: &Item, by: By<'_>) -> Result<whatsapp::LookedUp, Shut> {
        let (connection, now) = (by.connection, self.clock.now());
        let request = whatsapp::look_up(connection, &item.origin.attachment)?;
        let failed_before = item.record.diagnosis.as_ref();
        let again = failed_before.is_some_and(|d| d.code.starts_with("whatsapp."));
        let question = match self.guard.question(&connection.id, again).await? {
            Ok(question) => question,
            Err(until) => {
                let why = "too many of this number's look-ups were answered with errors";
                return Err(transfer::paused(why, (until, now)).into());
            }
        };
        let read =
            |response: &Response| whatsapp::read_link(connection, response, self.clock.now());
        let link = self.ask(item, request, by, read).await;
        let erred = matches!(&link, Err(Shut::Failure(failure))
            if matches!(failure.disposition, Disposition::Rejected | Disposition::Unauthorised));
        self.guard.answered(&connection.id, question, erred).await?;
        link.map_err(|shut| not_there_yet(shut, item))
    }

    async fn by_stored_link(
        &self,
        item: &Item,
        file: &File,
        by: By<'_>,
        rest: Option<&Rest>,
    ) -> Result<Opened, Shut> {
        let link = self.link_of(item).await?;
        let link = link.ok_or_else(transfer::no_link)?;
        let (opened, from) = self
            .by_link((item, link), file, by, rest)
            .await
            .map_err(|shut| not_there_yet(shut, item))?;
        self.note_life(
            item,
            &from,
            item.origin.sent_at + by.connection.profile().link_life(),
        );
        Ok(opened)
    }

    /// The link in the row, opened; `None`: there is none, or it is none.
    pub(super) async fn link_of(&self, item: &Item) -> Answer<Option<Link>> {
        let Some(sealed) = &item.record.link else {
            return Ok(None);
        };
        let vault = self.desk.vault;
        let link = vault.open(LINK_SEALED_AS, item.id.as_str(), sealed).await?;
        let text = std::str::from_utf8(link.expose()).ok();
        Ok(text.and_then(|text| Url::parse(text).ok()).map(Link))
    }

    /// Follows the link hop by hop; also from where the bytes come in the end.
    async fn by_link(
        &self,
        (item, link): (&Item, Link),
        file: &File,
        by: By<'_>,
        rest: Option<&Rest>,
    ) -> Result<(Opened, Url), Shut> {
        let connection = by.connection;
        let mut hop = links::first_hop(connection, &link)?;
        for _ in 0..MOST_HOPS {
            let (from, auth) = match hop {
                Hop::Ask(link) => {
                    let request = get(&link, Auth::Bearer, HOP_PATIENCE, connection);
                    let read = |response: &Response| {
                        links::read_hop(connection, response, self.clock.now())
                    };
                    hop = self.ask(item, request, by, read).await?;
                    continue;
                }
                Hop::Download { from, auth } => (from, auth),
            };
            let (download, pass) = self.download((&from, auth), by, rest).await?;
            if (300..400).contains(&download.status) {
                self.guard.left(&pass, Left::Answered).await?;
                let response = without_body(download);
                hop = links::read_hop(connection, &response, self.clock.now())?;
                continue;
            }
            let said = Said {
                kind: Some(file.kind),
                origin_type: file.declared_type.clone(),
                link_type: None,
                size_bytes: file.size_bytes,
                digests: [file.digest, None],
            };
            let opened = self.judge_headers((download, pass), said, rest).await?;
            return Ok((opened, from.0));
        }
        Err(transfer::looping().into())
    }

    /// A call whose answer is short, and is read at once.
    async fn ask<T>(
        &self,
        item: &Item,
        request: Request,
        by: By<'_>,
        read: impl FnOnce(&Response) -> Result<T, Failure>,
    ) -> Result<T, Shut> {
        let before = item.record.diagnosis.as_ref();
        let request = transfer::past_caches(request, before, item.gate.fence);
        let pass = self.enter(by.connection, &request.url).await?;
        let credential = by.credential(Auth::Bearer);
        let response = match self.http.call(&request, &credential).await {
            Ok(response) => response,
            Err(error) => return Err(self.no_answer(&pass, &error).await?.into()),
        };
        let passage = Passage::read(&response.headers);
        let answer = read(&response);
        let left = match &answer {
            // Meta throttles with status 400: only the body tells.
            Err(Failure {
                disposition:
                    Disposition::Throttled { retry_after } | Disposition::Down { retry_after },
                ..
            }) => Left::Throttled {
                retry_after: *retry_after,
                request_id: passage.telling_id(),
            },
            _ => left(response.status, &response.headers, self.clock.now()),
        };
        let repeated = self.guard.left(&pass, left).await?;
        answer.map_err(|failure| failure.passed(&passage, repeated).into())
    }

    async fn download(
        &self,
        (link, auth): (&Link, Auth),
        by: By<'_>,
        rest: Option<&Rest>,
    ) -> Result<(Download, Pass), Shut> {
        let pass = self.enter(by.connection, &link.0).await?;
        let request = get(link, auth, transfer::HEADERS_PATIENCE, by.connection);
        let credential = by.credential(auth);
        match self.http.download(&request, &credential, rest).await {
            Ok(download) => Ok((download, pass)),
            Err(error) => Err(self.no_answer(&pass, &error).await?.into()),
        }
    }

    async fn judge_headers(
        &self,
        (download, pass): (Download, Pass),
        said: Said,
        rest: Option<&Rest>,
    ) -> Result<Opened, Shut> {
        let Download {
            status,
            headers,
            body,
        } = download;
        let now = self.clock.now();
        let passage = Passage::read(&headers);
        let read = transfer::read_headers((status, &headers), said, rest, now);
        let (read, body) = peeked(read, body).await;
        match read {
            Ok(announced) => {
                tracing::info!(edge.passage = %passage, "opened");
                Ok(Opened {
                    announced,
                    body,
                    pass,
                })
            }
            Err(failure) => {
                let left = left(status, &headers, now);
                let repeated = self.guard.left(&pass, left).await?;
                Err(failure.passed(&passage, repeated).into())
            }
        }
    }

    async fn enter(&self, connection: &Connection, url: &Url) -> Result<Pass, Shut> {
        let host = authority(url);
        let entered = self.guard.enter(&connection.id, &host).await?;
        entered.map_err(|until| {
            let why = format!("{host} is in trouble");
            transfer::paused(&why, (until, self.clock.now())).into()
        })
    }

    /// What a call without an answer means; the host has failed, unless nothing was sent on our own account.
    async fn no_answer(&self, pass: &Pass, error: &CallError) -> Answer<Failure> {
        if !matches!(error, CallError::Refused(_)) {
            self.guard.left(pass, Left::Failed(None)).await?;
        }
        Ok(transfer::no_answer(error))
    }

    /// How much of the link's life was left when it was used: the metric by which an owner sees that fetching is late.
    fn note_life(&self, item: &Item, link: &Url, at_worst: Timestamp) {
        let now = self.clock.now();
        let known = transfer::dies_at(link, now);
        let left = known.unwrap_or(at_worst).saturating_since(now);
        tracing::info!(media.id = %item.id, connection.id = %item.origin.connection, life_left_s = left.as_secs(), life_known = known.is_some(), synthetic = item.origin.synthetic, "{LINK_USED}");
    }
}

/// Looks at the first bytes where nothing else tells a file from a page.
async fn peeked(
    read: Result<Announced, Failure>,
    mut body: Box<dyn Source>,
) -> (Result<Announced, Failure>, Box<dyn Source>) {
    let Ok(announced) = &read else {
        return (read, body);
    };
    if !announced.unsure {
        return (read, body);
    }
    let first = body.next().await;
    if let Ok(Some(piece)) = &first
        && transfer::begins_like_page(piece, announced.declared_type.as_deref())
    {
        let failure =
            transfer::error_page("status 200 and bytes that begin like a page or an error");
        return (Err(failure), body);
    }
    let first = Some(first);
    (read, Box::new(Peeked { first, body }))
}

/// A body whose beginning was looked at.
struct Peeked {
    first: Option<Result<Option<Bytes>, SourceError>>,
    body: Box<dyn Source>,
}

#[async_trait(?Send)]
impl Source for Peeked {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        match self.first.take() {
            Some(first) => first,
            None => self.body.next().await,
        }
    }
}

/// How an answer shows its host.
fn left(status: u16, headers: &Headers, now: Timestamp) -> Left {
    let request_id = Passage::read(headers).telling_id();
    let hint = headers.get("retry-after");
    let retry_after = hint.and_then(|hint| RetryAfter::parse(hint, now));
    match status {
        429 => Left::Throttled {
            retry_after: retry_after.map(RetryAfter::wait),
            request_id,
        },
        500.. => Left::Failed(request_id),
        _ => Left::Answered,
    }
}

fn not_there_yet(shut: Shut, item: &Item) -> Shut {
    match shut {
        Shut::Failure(failure) => transfer::not_there_yet(failure, item.record.attempts).into(),
        Shut::Outage(outage) => outage.into(),
    }
}

fn get(link: &Link, auth: Auth, patience: Duration, connection: &Connection) -> Request {
    Request {
        method: Method::Get,
        url: link.0.clone(),
        auth,
        body: Body::Empty,
        patience,
        local: connection.local,
    }
}

fn without_body(download: Download) -> Response {
    Response {
        status: download.status,
        headers: download.headers,
        body: Vec::new(),
    }
}
