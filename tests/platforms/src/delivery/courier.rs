//! Who carries the webhooks of one platform.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::task::JoinSet;

use super::{Attempt, Delivery, DeliveryState, MessageId};
use crate::{
    background::{Background, lock},
    clock::Clock,
    wait::TimedOut,
};

/// Makes the headers of a webhook from its body: the signature and whatever else the platform sends.
type Headers = Box<dyn Fn(&[u8]) -> Vec<(String, String)> + Send + Sync>;

/// Where the webhooks of one subscription go, and what they bear.
pub(crate) struct Address {
    callback: Mutex<Option<url::Url>>,
    headers: Headers,
}

impl Address {
    pub(crate) fn new(
        callback: Option<url::Url>,
        headers: impl Fn(&[u8]) -> Vec<(String, String)> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            callback: Mutex::new(callback),
            headers: Box::new(headers),
        })
    }

    /// Sets where webhooks go, from the next try on.
    pub(crate) fn set_callback(&self, callback: url::Url) {
        *lock(&self.callback) = Some(callback);
    }

    pub(crate) fn callback(&self) -> Option<url::Url> {
        lock(&self.callback).clone()
    }

    /// The headers of a webhook; a name or value that cannot stand in a header is left out.
    fn headers(&self, body: &[u8]) -> HeaderMap {
        let pairs = (self.headers)(body).into_iter();
        pairs
            .filter_map(|(name, value)| {
                let name: HeaderName = name.parse().ok()?;
                Some((name, HeaderValue::from_str(&value).ok()?))
            })
            .collect()
    }
}

/// How long an answer is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    /// In real time.
    Real(Duration),
    /// By the stand-in's clock.
    ByClock(Duration),
}

/// After how many tries, with this outcome of the last and so long after the first: the wait until the next, or `None` for giving up.
type Again = Box<dyn Fn(u32, &Result<u16, String>, Duration) -> Option<Duration> + Send + Sync>;

/// A platform's rules for its webhooks.
pub(crate) struct Terms {
    pub(crate) patience: Patience,
    /// Which statuses acknowledge.
    pub(crate) acknowledges: fn(StatusCode) -> bool,
    pub(crate) again: Again,
}

/// What a webhook brings.
#[derive(Debug, Default)]
pub(crate) struct Cargo {
    pub(crate) messages: Vec<MessageId>,
    pub(crate) statuses: Vec<(MessageId, String)>,
    pub(crate) body: Vec<u8>,
}

/// Carries the webhooks of one platform.
pub(crate) struct Courier {
    clock: Clock,
    client: reqwest::Client,
    terms: Terms,
    background: Arc<Background>,
    deliveries: Mutex<Vec<(Delivery, Arc<Address>)>>,
}

impl Courier {
    pub(crate) fn new(
        clock: Clock,
        client: reqwest::Client,
        terms: Terms,
        background: Arc<Background>,
    ) -> Arc<Self> {
        Arc::new(Self {
            clock,
            client,
            terms,
            background,
            deliveries: Mutex::default(),
        })
    }

    /// Queues a webhook: it is on its way when this returns.
    pub(crate) fn queue(self: &Arc<Self>, address: &Arc<Address>, cargo: Cargo) {
        let number = {
            let mut deliveries = lock(&self.deliveries);
            let delivery = Delivery {
                messages: cargo.messages,
                statuses: cargo.statuses,
                body: cargo.body.into(),
                attempts: Vec::new(),
                state: DeliveryState::Pending,
            };
            deliveries.push((delivery, address.clone()));
            deliveries.len() - 1
        };
        let courier = self.clone();
        self.background
            .spawn(async move { courier.deliver(number).await });
    }

    /// Every webhook so far with its tries.
    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        let deliveries = lock(&self.deliveries);
        deliveries.iter().map(|(one, _)| one.clone()).collect()
    }

    /// Posts the webhook of a message `times` more, all at once; the tries, in the order they ended.
    pub(crate) async fn redeliver(
        self: &Arc<Self>,
        message: &MessageId,
        times: usize,
    ) -> Vec<Attempt> {
        let number = lock(&self.deliveries)
            .iter()
            .position(|(delivery, _)| delivery.messages.contains(message));
        let mut tries = JoinSet::new();
        for _ in 0..times {
            let (courier, number) = (self.clone(), number.unwrap_or(usize::MAX));
            tries.spawn(async move { courier.post(number).await });
        }
        tries.join_all().await
    }

    /// Waits until the webhook of a message is acknowledged or given up.
    pub(crate) async fn wait_for_delivery(
        &self,
        message: &MessageId,
        within: Duration,
    ) -> anyhow::Result<Delivery> {
        let settled = |delivery: &Delivery| {
            delivery.state != DeliveryState::Pending && delivery.messages.contains(message)
        };
        let wait = self.wait_for(settled, within);
        wait.await.with_context(|| {
            format!("the webhook of {message} is neither acknowledged nor given up")
        })
    }

    /// Waits until the webhook of a message was posted at least `tries` times, whatever the answers.
    pub(crate) async fn wait_for_attempts(
        &self,
        message: &MessageId,
        tries: usize,
        within: Duration,
    ) -> anyhow::Result<Delivery> {
        let tried = |delivery: &Delivery| {
            delivery.attempts.len() >= tries && delivery.messages.contains(message)
        };
        let wait = self.wait_for(tried, within);
        wait.await
            .with_context(|| format!("the webhook of {message} was not posted {tries} times"))
    }

    /// Waits for the first webhook that is as wanted.
    pub(crate) async fn wait_for(
        &self,
        wanted: impl Fn(&Delivery) -> bool,
        within: Duration,
    ) -> Result<Delivery, TimedOut> {
        let found = || {
            let deliveries = lock(&self.deliveries);
            let mut all = deliveries.iter().map(|(delivery, _)| delivery);
            all.find(|delivery| wanted(delivery)).cloned()
        };
        self.background.until(within, found).await
    }

    /// Posts a webhook until it is acknowledged or given up.
    async fn deliver(&self, number: usize) {
        let started = self.clock.now();
        for tries in 1.. {
            let attempt = self.post(number).await;
            if attempt.acknowledged {
                return self.settle(number, DeliveryState::Acknowledged);
            }
            let now = self.clock.now();
            let since = Duration::try_from(now - started).unwrap_or_default();
            let Some(wait) = (self.terms.again)(tries, &attempt.outcome, since) else {
                return self.settle(number, DeliveryState::GivenUp);
            };
            self.clock.sleep_until(now + wait).await;
        }
    }

    fn settle(&self, number: usize, end: DeliveryState) {
        if let Some((delivery, _)) = lock(&self.deliveries).get_mut(number) {
            delivery.state = end;
        }
        self.background.changed();
    }

    /// Posts a webhook once and notes what came of it.
    async fn post(&self, number: usize) -> Attempt {
        let known = lock(&self.deliveries)
            .get(number)
            .map(|(delivery, address)| (delivery.body.clone(), address.clone()));
        let at = self.clock.now();
        let started = tokio::time::Instant::now();
        let outcome = match known {
            Some((body, address)) => self.request(&address, body).await,
            None => Err("no such delivery".to_owned()),
        };
        let status = outcome.as_ref().ok();
        let status = status.and_then(|&code| StatusCode::from_u16(code).ok());
        let attempt = Attempt {
            at,
            took: started.elapsed(),
            acknowledged: status.is_some_and(self.terms.acknowledges),
            outcome,
        };
        if let Some((delivery, _)) = lock(&self.deliveries).get_mut(number) {
            delivery.attempts.push(attempt.clone());
        }
        self.background.changed();
        attempt
    }

    async fn request(&self, address: &Address, body: Bytes) -> Result<u16, String> {
        let callback = address
            .callback()
            .ok_or_else(|| "no callback is configured".to_owned())?;
        let request = self.client.post(callback);
        let mut request = request.headers(address.headers(&body)).body(body);
        if let Patience::Real(patience) = self.terms.patience {
            request = request.timeout(patience);
        }
        let over = async {
            match self.terms.patience {
                Patience::Real(_) => std::future::pending().await,
                Patience::ByClock(patience) => {
                    self.clock.sleep_until(self.clock.now() + patience).await;
                }
            }
        };
        tokio::select! {
            answer = request.send() => match answer {
                Ok(response) => Ok(response.status().as_u16()),
                Err(error) => Err(chain(&error)),
            },
            () = over => Err("no answer in time".to_owned()),
        }
    }
}

/// An error with its causes, for a record that a person reads.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
