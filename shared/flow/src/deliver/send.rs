//! The calls: what is sent to the target, and with which token.

use std::time::Duration;

use attache_domain::channels::{MediaType, display_name};
use attache_domain::connection::{Connection, Directory, Profile};
use attache_domain::delivery::{self, Outlasted};
use attache_domain::diagnosis::rules::ours;
use attache_domain::diagnosis::{Failure, Outcome, Passage, Seen, Step, judge};
use attache_domain::event::Content;
use attache_domain::journey::Item;
use attache_domain::pacing::usage::Hint;
use attache_domain::platforms::agent::{self, Inbound, SentFile};
use attache_domain::pull::{GivenLink, Pull};
use attache_domain::token::{Purpose, Version};
use attache_domain::verdict::Delivery;
use attache_domain::wire::{CallError, Request, Response};
use url::Url;

use super::Deliver;
use crate::bearer::Bearer;
use crate::ports::{Answer, Credential, Objects, Outage};

/// What a target accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Accepted {
    /// Its id for the message.
    pub(super) message: Option<String>,
    /// What it calls the conversation.
    pub(super) conversation: Option<String>,
}

/// How an attempt failed, and with which version of the token.
pub(super) type Failed = (Failure, Version);

impl Deliver<'_> {
    /// Takes a claimed item as far as it comes.
    pub(super) async fn send(&self, item: &mut Item, connection: &Connection) -> Answer<()> {
        match connection.profile() {
            Profile::WhatsApp | Profile::Messenger | Profile::Instagram => {
                self.tell_customer(item, connection).await
            }
            Profile::GenesysOpenMessaging => self.tell_agent(item, connection).await,
            Profile::CxoneByoc | Profile::CxoneConversations if connection.uploads_first() => {
                self.given_first(item, connection).await
            }
            Profile::CxoneByoc | Profile::CxoneConversations => {
                self.tell_agent(item, connection).await
            }
            Profile::GenesysWebMessaging | Profile::GenesysMediaUpload | Profile::GenesysAgent => {
                self.in_two_steps(item, connection).await
            }
            Profile::GenesysMessageMedia | Profile::GenesysWebChat => {
                self.tell_by_name(item, connection).await
            }
        }
    }

    pub(super) async fn tell_agent(&self, item: &mut Item, connection: &Connection) -> Answer<()> {
        self.call_agent(item, connection, None).await
    }

    /// The one call. `held`: from where the file can be had that the platform holds already, under its name for it.
    pub(super) async fn call_agent(
        &self,
        item: &mut Item,
        connection: &Connection,
        held: Option<&Url>,
    ) -> Answer<()> {
        let Some(bearer) = self.bearer(item, connection, Purpose::Messages).await? else {
            return Ok(());
        };
        let target = (connection, bearer.api.as_ref());
        let request = match self.agent_request(item, target, held).await? {
            Ok(request) => request,
            Err(failure) => return self.after(item, (failure, bearer.version)).await,
        };
        let answer = self.call(&request, &bearer, connection).await;
        let now = self.clock.now();
        match answer.and_then(|response| agent::read_accepted(connection, &response, now)) {
            Ok(accepted) => {
                let accepted = Accepted {
                    message: Some(accepted.message).filter(|id| !id.is_empty()),
                    conversation: accepted.conversation,
                };
                self.record(item, accepted).await
            }
            Err(failure) => self.after(item, (failure, bearer.version)).await,
        }
    }

    /// A fit token; without one the item is put off, and a renewal was asked for. It is given up once it has waited for one as long
    /// as for a platform that is down.
    pub(super) async fn bearer(
        &self,
        item: &mut Item,
        connection: &Connection,
        purpose: Purpose,
    ) -> Answer<Option<Bearer>> {
        let floor = item.record.floor(purpose);
        if let Some(bearer) = self.desk.bearer(connection, purpose, floor).await? {
            item.record.tokenless_since = None;
            return Ok(Some(bearer));
        }
        let now = self.clock.now();
        let since = *item.record.tokenless_since.get_or_insert(now);
        match Outlasted::by(item, since, now) {
            Some(outlasted) => {
                let diagnosis = outlasted.without_token(item, purpose);
                self.give_up(item, diagnosis).await?;
            }
            None => {
                let wait = delivery::renewal_wait(item.gate.sequence);
                self.put_off(item, wait).await?;
            }
        }
        Ok(None)
    }

    pub(super) async fn call(
        &self,
        request: &Request,
        bearer: &Bearer,
        connection: &Connection,
    ) -> Result<Response, Failure> {
        let credential = Credential::of(connection, &bearer.token);
        let answer = self.http.call(request, &credential).await;
        self.answered(answer, Step::Send, connection)
    }

    /// Takes in what an answer tells of the connection's limits; without one, what that means.
    pub(super) fn answered(
        &self,
        answer: Result<Response, CallError>,
        step: Step,
        connection: &Connection,
    ) -> Result<Response, Failure> {
        let now = self.clock.now();
        let response = answer.map_err(|error| {
            let seen = Seen {
                platform: connection.profile().platform(),
                step,
                outcome: Outcome::Lost(&error),
            };
            judge(&seen, now)
        })?;
        if let Some(hint) = Hint::read(&response.headers) {
            let mut known = self.learnt.usage.borrow_mut();
            let usage = known.entry(connection.quota()).or_default();
            usage.learn(hint, now);
            if usage.is_tight() {
                tracing::info!(connection.id = %connection.id, limit.used_percent = hint.used_share, limit.resets_in = ?hint.resets_in, "a limit of the platform is nearly used up");
            }
        }
        Ok(response)
    }

    /// Reads what an upload was answered. An error that came with the same request id as the last one of its host lies in a cache
    /// between (`S0-76`): it says nothing of the platform.
    pub(super) fn read<T>(
        &self,
        (request, response): (&Request, &Response),
        read: impl FnOnce(&Response) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        read(response).map_err(|failure| {
            let passage = Passage::read(&response.headers);
            let host = request.url.host_str().unwrap_or_default();
            let repeated = self.learnt.repeats(host, passage.telling_id());
            failure.passed(&passage, repeated)
        })
    }

    /// The outer error is ours (nothing was sent).
    pub(super) async fn agent_request(
        &self,
        item: &mut Item,
        (connection, api): (&Connection, Option<&Url>),
        held: Option<&Url>,
    ) -> Answer<Result<Request, Failure>> {
        let given = connection.uploads_first();
        let directory = self.directories.knowing(&item.origin.connection).await?;
        let channel = customers_side(&directory, item, connection);
        let attributes = self.attributes(item).await?;
        let in_place = match self.words_in_place(item).await {
            Ok(words) => words,
            Err(failure) => return Ok(Err(failure)),
        };
        let pulled = match (item.origin.file(), &in_place) {
            (Some(_), None) if !given => self.link_to(item).await?,
            _ => None,
        };
        // Behind all that may take its time: what is left is the call's.
        let Some(patience) = self.patience_left(item) else {
            return Ok(Err(too_late()));
        };
        let origin = &item.origin;
        let (text, file) = match &origin.content {
            Content::Receipt(receipt) => {
                let at = (self.clock.now(), patience);
                return Ok(agent::receipt(connection, origin, receipt, at));
            }
            Content::Words(words) => (Some(words.text.clone()), None),
            Content::File(_) if in_place.is_some() => (in_place, None),
            Content::File(file) => (file.caption.clone(), Some(file.kind)),
        };
        let text = quoted(origin.quote.as_deref(), text);
        let Some(kind) = file else {
            let message = Inbound {
                origin,
                channel,
                text,
                file: None,
                attributes,
                patience,
            };
            return Ok(agent::inbound(connection, api, &message));
        };
        let Some((Delivery { mime, name, .. }, object)) = item.outgoing() else {
            return Ok(Err(unplanned()));
        };
        let (id, link) = match (given, &item.record.uploaded, &pulled) {
            (true, Some(file), _) => (file.as_str(), held),
            (false, _, Some(pulled)) => (item.id.as_str(), Some(&pulled.link.0)),
            _ => return Ok(Err(unplanned())),
        };
        let message = Inbound {
            origin,
            channel,
            text,
            file: Some(SentFile {
                id,
                kind,
                link,
                mime,
                file_name: name,
                digest: object.digest,
            }),
            attributes,
            patience,
        };
        Ok(agent::inbound(connection, api, &message))
    }

    /// A link to the bytes that go out, which is remembered as given; `None`: nothing is planned to go out.
    async fn link_to(&self, item: &mut Item) -> Answer<Option<GivenLink>> {
        let Some((Delivery { mime, name, .. }, _)) = item.outgoing() else {
            return Ok(None);
        };
        let shown = shown_name(item, mime, name);
        let when = (self.clock.now(), delivery::LINK_LIFE);
        let link = self.bytes_of(item)?.link(&item.id, (mime, &shown), when);
        let link = link.await?;
        item.record.pull = Some(Pull::after(item.record.pull.as_ref(), &link, when.0));
        Ok(Some(link))
    }

    /// Where the bytes lie that go out.
    pub(super) fn bytes_of(&self, item: &Item) -> Answer<&dyn Objects> {
        let place = match item.is_converted() {
            true => self.renditions,
            false => self.objects,
        };
        place.ok_or_else(|| no_bucket(item))
    }

    /// What is left of the intent's time; `None`: too late to begin, nobody may judge this intent earlier, and nothing was
    /// sent under it.
    ///
    /// Less than a tenth of [`Deliver::patience`] is too late: such a call is likelier to be cut off, its outcome unknown,
    /// than to be answered.
    pub(super) fn patience_left(&self, item: &Item) -> Option<Duration> {
        let deadline = item.gate.intent_until?;
        let left = deadline.saturating_since(self.clock.now());
        (left >= self.patience / 10).then_some(left)
    }
}

/// The connection over which the item's customer is spoken to: the one it came over, or, of what an agent wrote or a person sent by
/// hand, the one to which the way back leads.
fn customers_side<'a>(
    directory: &'a Directory,
    item: &Item,
    target: &Connection,
) -> Option<&'a Connection> {
    let came_over = &item.origin.connection;
    let id = match *came_over == target.id {
        true => directory.route(came_over)?.to.as_ref()?,
        false => came_over,
    };
    directory.connection(id)
}

/// The name under which the link serves the file: the original, where it tells the truth about the bytes.
fn shown_name(item: &Item, mime: &str, wire_name: &str) -> String {
    let original = item
        .origin
        .file()
        .and_then(|file| file.file_name.as_deref());
    match (original, MediaType::parse(mime)) {
        (Some(original), Ok(media_type)) => display_name(Some(original), &media_type),
        _ => wire_name.to_owned(),
    }
}

/// Words behind the beginning of the message they answer.
pub(super) fn quoted(quote: Option<&str>, text: Option<String>) -> Option<String> {
    match (quote, text) {
        (Some(quote), Some(text)) => Some(format!("↪ {quote}\n{text}")),
        (Some(quote), None) => Some(format!("↪ {quote}")),
        (None, text) => text,
    }
}

fn no_bucket(item: &Item) -> Outage {
    Outage::new(
        format!("delivering {}", item.id),
        "a file in the lane of words",
    )
}

pub(super) fn unplanned() -> Failure {
    ours::UNPLANNED.failure("the row has no plan to deliver as it is")
}

pub(super) fn too_late() -> Failure {
    ours::TOO_LATE.failure("too little was left of the intent's time to begin the call")
}
