//! Where the platform works on the bytes before a message can carry them: where to → the bytes → has it got
//! them? → write the intent down → one call.
//!
//! Where to and the bytes may be asked and handed over again; each attempt has a link of its own, which lives in no row and no
//! job. The row knows what the platform calls the file before the bytes leave, so that an event may be faster than their answer.
//! Between two looks the item waits as a delayed copy of its job; an event brings it back at once ([`crate::completion`]).

use std::time::Duration;

use attache_domain::channels::Direction;
use attache_domain::connection::Connection;
use attache_domain::diagnosis::rules::ours;
use attache_domain::diagnosis::{Disposition, Failure, Step};
use attache_domain::journey::{Item, RETENTION, Stage, Upload};
use attache_domain::platforms::genesys::web_messaging::read_put;
use attache_domain::platforms::uploads::{self, Attachment, Belongs, Given, Place, Sent};
use attache_domain::processing::{self, ASK_EVERY, Next};
use attache_domain::scan::Scanned;
use attache_domain::time::Timestamp;
use attache_domain::token::{Purpose, Version};
use attache_domain::wire::{Request, Response};

use super::outcome::alias;
use super::send::{Accepted, Failed, unplanned};
use super::{Deliver, UPLOAD_PATIENCE};
use crate::bearer::Bearer;
use crate::ports::{Answer, Credential, Saved};
use crate::retry;

/// How long handing the bytes over may take (`S3-19`): 10 MB at less than 0.4 MB/s.
pub(super) const TRANSFER: Duration = Duration::from_secs(30);

/// A link that is about to die is given so much all the same: whoever made it says so best.
const LEAST: Duration = Duration::from_secs(1);

// Both calls of an attempt end before somebody else may begin another.
const _: () = assert!(TRANSFER.as_secs() * 2 < UPLOAD_PATIENCE.as_secs());

impl Deliver<'_> {
    /// Takes a claimed item as far as it comes.
    pub(super) async fn in_two_steps(
        &self,
        item: &mut Item,
        connection: &Connection,
    ) -> Answer<()> {
        match item.gate.stage {
            Stage::Uploading | Stage::Processing => {}
            // Words need no upload, and neither does what goes in the place of a file.
            _ if item.record.uploaded.is_none() => {
                return self.name_it(item, connection, None).await;
            }
            _ => return self.send_uploaded(item, connection).await,
        }
        match item.upload() {
            Upload::HandOver => self.hand_bytes_over(item, connection).await,
            Upload::Follow(since) => self.see_through(item, connection, since).await,
            Upload::Failed(diagnosis) => {
                let failure = Failure::recalled(*diagnosis);
                let version = Version {
                    purpose: Purpose::Media,
                    number: item.record.token_floor,
                };
                self.upload_failed(item, (failure, version)).await
            }
        }
    }

    async fn hand_bytes_over(&self, item: &mut Item, connection: &Connection) -> Answer<()> {
        let Some(bearer) = self.bearer(item, connection, Purpose::Media).await? else {
            return Ok(());
        };
        if uploads::is_one_form(connection) {
            return self.hand_over_in_one_form(item, connection, &bearer).await;
        }
        let place = match self.place(item, connection, &bearer).await? {
            Ok(place) => place,
            Err(failure) => return self.after(item, (failure, bearer.version)).await,
        };
        if !self.write_down(item, connection, &place.file).await? {
            tracing::info!(media.id = %item.id, "somebody else took it over; no bytes were handed over");
            return Ok(());
        }
        if let Err(failure) = self.put(item, connection, &place).await? {
            return self.after(item, (failure, bearer.version)).await;
        }
        item.accepted(self.clock.now());
        tracing::info!(media.id = %item.id, upload.file = %place.file, "accepted, which is not delivered yet");
        self.ask_again(item, ASK_EVERY).await?;
        self.succeeded(item).await
    }

    /// Asks where the bytes go.
    async fn place(
        &self,
        item: &Item,
        connection: &Connection,
        bearer: &Bearer,
    ) -> Answer<Result<Place, Failure>> {
        let Some(file) = sent(item) else {
            return Ok(Err(unplanned()));
        };
        let address = self.address(item, connection).await?;
        let belongs = Belongs {
            message: &item.origin.wire_message(),
            address: &address,
        };
        let request = uploads::request_place(connection, belongs, file, self.patience);
        let request = match request {
            Ok(request) => request,
            Err(failure) => return Ok(Err(failure)),
        };
        let step = (Step::Upload, connection);
        let answer = self.answer_to(&request, bearer, step).await;
        let now = self.clock.now();
        let read = |it: &Response| uploads::read_place(connection, it, now);
        Ok(answer.and_then(|response| self.read((&request, &response), read)))
    }

    /// Writes down what the platform calls the file, under that name too; `false`: the row is somebody else's.
    pub(super) async fn write_down(
        &self,
        item: &mut Item,
        connection: &Connection,
        file: &str,
    ) -> Answer<bool> {
        let expires_at = self.clock.now() + RETENTION;
        let name = alias(&connection.id, file);
        self.claims.name(&name, &item.id, expires_at).await?;
        item.hands_over(file.to_owned());
        Ok(self.items.save(item).await? == Saved::Done)
    }

    async fn put(
        &self,
        item: &Item,
        connection: &Connection,
        place: &Place,
    ) -> Answer<Result<(), Failure>> {
        let Some((delivery, object)) = item.outgoing() else {
            return Ok(Err(unplanned()));
        };
        let objects = self.bytes_of(item)?;
        let Some(bytes) = objects.stream(&item.id, &object.etag).await? else {
            return Ok(Err(unplanned()));
        };
        let file = (delivery.mime.as_str(), object.size_bytes);
        let left = place.dies_at.saturating_since(self.clock.now());
        let request = uploads::put(connection, place, file, left.clamp(LEAST, TRANSFER));
        let answer = self.http.upload(&request, &Credential::None, bytes).await;
        let now = self.clock.now();
        Ok(self
            .answered(answer, Step::Upload, connection)
            .and_then(|response| {
                let read = |it: &Response| read_put(it, now);
                self.read((&request, &response), read)
            }))
    }

    /// Sees what became of the bytes.
    async fn see_through(
        &self,
        item: &mut Item,
        connection: &Connection,
        since: Timestamp,
    ) -> Answer<()> {
        let Some(bearer) = self.bearer(item, connection, Purpose::Media).await? else {
            return Ok(());
        };
        match self.see(item, connection, (&bearer, since)).await? {
            (Next::Ask(wait), _) => self.ask_again(item, wait).await,
            (Next::Send, Given::Withheld) => self.withheld(item).await,
            (Next::Send, given) => {
                let uploaded = item.record.uploaded.clone().unwrap_or_default();
                let now = self.clock.now();
                item.begin_send(uploaded, now + self.patience, now);
                if self.items.save(item).await? == Saved::Overtaken {
                    tracing::info!(media.id = %item.id, "ready, but somebody else took it over; nothing was sent");
                    return Ok(());
                }
                self.name_it(item, connection, Some(&given)).await
            }
            (Next::Condemn(scanned), _) => self.condemn(item, &scanned).await,
            (Next::Failed(failure), _) => self.upload_failed(item, (failure, bearer.version)).await,
            (Next::Cancel(failure), _) => self.cancel(item, connection, (failure, &bearer)).await,
        }
    }

    /// The one call, of an item whose bytes the platform has, as it told: it says from where they can be had, and that is not
    /// kept. What it says against them is the last word: no message names them yet, and no other upload is begun here. That it does
    /// not say anything is a failed attempt as any: it has told already that it has them.
    async fn send_uploaded(&self, item: &mut Item, connection: &Connection) -> Answer<()> {
        let Some(bearer) = self.bearer(item, connection, Purpose::Media).await? else {
            return Ok(());
        };
        let since = item.record.accepted_at.unwrap_or(self.clock.now());
        match self.see(item, connection, (&bearer, since)).await? {
            (Next::Ask(wait), _) => self.ask_again(item, wait).await,
            (Next::Send, Given::Withheld) => self.withheld(item).await,
            (Next::Send, given) => self.name_it(item, connection, Some(&given)).await,
            (Next::Condemn(scanned), _) => self.condemn(item, &scanned).await,
            (Next::Failed(failure), _) => self.give_up(item, *failure.diagnosis).await,
            (Next::Cancel(failure), _) => self.after(item, (failure, bearer.version)).await,
        }
    }

    /// The one call, to whichever side the connection leads. `given`: how it names the file, if there is one.
    async fn name_it(
        &self,
        item: &mut Item,
        connection: &Connection,
        given: Option<&Given>,
    ) -> Answer<()> {
        if given == Some(&Given::Done) {
            return self.record(item, Accepted::default()).await;
        }
        match (connection.profile().direction(), given) {
            (Direction::ToAgent, _) => self.tell_customer(item, connection).await,
            (Direction::ToCustomer, Some(Given::Link(link))) => {
                self.call_agent(item, connection, Some(link)).await
            }
            (Direction::ToCustomer, _) => self.tell_agent(item, connection).await,
        }
    }

    /// What follows from how far the platform is, and how the file is named once it is whole.
    async fn see(
        &self,
        item: &mut Item,
        connection: &Connection,
        (bearer, since): (&Bearer, Timestamp),
    ) -> Answer<(Next, Given)> {
        if uploads::is_one_form(connection) {
            return Ok(self.wait_for_event(item, since));
        }
        let looked = self.look_up(item, connection, bearer).await?;
        match &looked {
            Ok(_) => self.succeeded(item).await?,
            Err(failure) => self.failed(item, failure).await?,
        }
        if let Err(failure) = &looked {
            tracing::info!(media.id = %item.id, failure.code = %failure.diagnosis.code, evidence = %failure.diagnosis.evidence, "not learnt what became of the upload");
            let renewed = item.record.floor(bearer.version.purpose) > 0;
            // Once: a token that is refused again would be refused each time, and the wait's end names it.
            if failure.disposition == Disposition::Unauthorised && !renewed {
                item.record.refuse_token(bearer.version);
            }
        }
        let (heard, given) = match looked {
            Ok(Attachment { told, given }) => (Ok(told), given),
            Err(failure) => (Err(failure), Given::Withheld),
        };
        let waited = self.clock.now().saturating_since(since);
        let next = match processing::next(waited, heard) {
            Next::Cancel(mut failure) => {
                let load = self.load(item);
                failure.diagnosis.evidence.push_str(&load);
                Next::Cancel(failure)
            }
            next => next,
        };
        Ok((next, given))
    }

    /// What a time-out is to be compared with (`S0-85`): how old the message is, and how much this process has in hand.
    fn load(&self, item: &Item) -> String {
        let age = self.clock.now().saturating_since(item.origin.sent_at);
        let (age, in_hand) = (age.as_secs(), self.learnt.in_hand());
        format!("; the message is {age} s old, {in_hand} in hand here")
    }

    async fn look_up(
        &self,
        item: &Item,
        connection: &Connection,
        bearer: &Bearer,
    ) -> Answer<Result<Attachment, Failure>> {
        let (Some(sent), Some(file)) = (sent(item), item.record.uploaded.as_deref()) else {
            return Ok(Err(unplanned()));
        };
        let address = self.address(item, connection).await?;
        let belongs = Belongs {
            message: &item.origin.wire_message(),
            address: &address,
        };
        let patience = self.patience.min(ASK_EVERY);
        let request = match uploads::look_up(connection, (belongs, file), patience) {
            Ok(request) => request,
            Err(failure) => return Ok(Err(failure)),
        };
        let step = (Step::UploadStatus, connection);
        let answer = self.answer_to(&request, bearer, step).await;
        let now = self.clock.now();
        Ok(answer.and_then(|response| {
            uploads::read_attachment(connection, &response, (file, sent), now)
        }))
    }

    /// This upload came to nothing: a failed attempt.
    async fn upload_failed(&self, item: &mut Item, failed: Failed) -> Answer<()> {
        item.drop_upload();
        self.after(item, failed).await
    }

    /// Nobody waits for this upload any more. The row says so first: what is told of it from then on is no news, so that it does
    /// no harm if the platform is not told.
    async fn cancel(
        &self,
        item: &mut Item,
        connection: &Connection,
        (failure, bearer): (Failure, &Bearer),
    ) -> Answer<()> {
        let (file, revision) = (item.record.uploaded.clone(), item.gate.revision);
        self.upload_failed(item, (failure, bearer.version)).await?;
        if item.gate.revision == revision {
            // An event was faster: the platform has the bytes after all.
            return Ok(());
        }
        let file = file.unwrap_or_default();
        let address = self.address(item, connection).await?;
        let belongs = Belongs {
            message: &item.origin.wire_message(),
            address: &address,
        };
        let patience = self.patience.min(ASK_EVERY);
        let answer = match uploads::cancel(connection, (belongs, &file), patience) {
            Ok(None) => return Ok(()),
            Ok(Some(request)) => {
                self.answer_to(&request, bearer, (Step::UploadStatus, connection))
                    .await
            }
            Err(failure) => Err(failure),
        };
        match answer {
            Ok(response) => {
                tracing::info!(media.id = %item.id, upload.file = %file, status = response.status, "upload cancelled");
            }
            Err(failure) => {
                tracing::info!(media.id = %item.id, upload.file = %file, failure.code = %failure.diagnosis.code, "upload not cancelled; nobody waits for it");
            }
        }
        Ok(())
    }

    /// The platform has the file and gives it to nobody.
    async fn withheld(&self, item: &mut Item) -> Answer<()> {
        let evidence = "the upload is complete, and the platform names no link to it";
        self.give_up(item, ours::WITHHELD.diagnosis(evidence)).await
    }

    /// The platform found malware. Nothing is sent; the judge, who alone can, takes the bytes out of everybody's reach.
    async fn condemn(&self, item: &mut Item, scanned: &Scanned) -> Answer<()> {
        item.acknowledge_claim(self.actor());
        item.rest();
        if self.items.save(item).await? == Saved::Overtaken {
            tracing::info!(media.id = %item.id, "malware, but somebody else took it over");
            return Ok(());
        }
        retry::condemn(self.jobs, item, scanned).await
    }

    /// Comes back after `wait`, as what never failed.
    pub(super) async fn ask_again(&self, item: &mut Item, wait: Duration) -> Answer<()> {
        let Some(target) = item.origin.target.clone() else {
            return Ok(());
        };
        let to = (self.queue(), &target);
        let at = (self.clock.now(), wait);
        retry::put_off(
            (self.items, self.jobs),
            item,
            to,
            at,
            retry::Places::default(),
        )
        .await
    }

    async fn answer_to(
        &self,
        request: &Request,
        bearer: &Bearer,
        (step, connection): (Step, &Connection),
    ) -> Result<Response, Failure> {
        let credential = Credential::of(connection, &bearer.token);
        let answer = self.http.call(request, &credential).await;
        self.answered(answer, step, connection)
    }
}

/// The item's file as it is handed over.
pub(super) fn sent(item: &Item) -> Option<Sent<'_>> {
    let (delivery, object) = item.outgoing()?;
    Some(Sent {
        mime: &delivery.mime,
        name: &delivery.name,
        size_bytes: object.size_bytes,
    })
}
