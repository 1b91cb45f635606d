//! What a running WhatsApp stand-in shares between its listeners, its customers and its background deliveries.

use std::sync::{Arc, Mutex};

use anyhow::Context as _;

use super::{
    budget::Budget,
    media::{Links, Store},
    options::{PhoneNumber, WhatsAppOptions},
    sent::Outbound,
    statuses::Statuses,
};
pub(super) use crate::background::lock;
use crate::{
    background::Background,
    delivery::{Address, Courier},
    faults::Faults,
    meta::callback,
    specs::Checker,
    wire::Request,
};

/// Shared state. Tasks in the background hold it too: whoever owns the stand-in stops them to let it go.
pub(super) struct State {
    pub(super) options: WhatsAppOptions,
    pub(super) faults: Faults,
    pub(super) checker: Arc<Checker>,
    pub(super) links: Links,
    /// `http://host:port` of the host that is not Meta's.
    pub(super) elsewhere: String,
    pub(super) client: reqwest::Client,
    pub(super) access_token: Mutex<String>,
    /// Where the business account's webhooks go over the app's own address; `None`: nowhere else, or not at all.
    pub(super) subscribed: Mutex<Option<Option<String>>>,
    pub(super) media: Mutex<Store>,
    pub(super) budget: Mutex<Budget>,
    pub(super) courier: Arc<Courier>,
    pub(super) address: Arc<Address>,
    pub(super) outbound: Mutex<Outbound>,
    pub(super) statuses: Mutex<Statuses>,
    /// Changes whenever a delivery or an outbound message does.
    pub(super) background: Arc<Background>,
}

impl State {
    /// The state of a stand-in that nothing has happened to.
    ///
    /// # Errors
    /// If no HTTP client can be built.
    pub(super) fn new(
        options: WhatsAppOptions,
        checker: Arc<Checker>,
        links: Links,
        elsewhere: String,
    ) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        let client = client.build().context("the client that posts webhooks")?;
        let background = Arc::<Background>::default();
        let courier = Courier::new(
            options.clock.clone(),
            client.clone(),
            callback::terms(options.retries, options.patience),
            background.clone(),
        );
        Ok(Self {
            faults: Faults::new(super::ISSUER, super::POINTS, options.clock.clone()),
            checker,
            links,
            elsewhere,
            client,
            access_token: Mutex::new(options.access_token.clone()),
            subscribed: Mutex::default(),
            media: Mutex::default(),
            budget: Mutex::new(Budget::new(options.error_budget)),
            courier,
            address: callback::address(options.callback.clone(), &options.app_secret),
            outbound: Mutex::default(),
            statuses: Mutex::default(),
            background,
            options,
        })
    }

    /// Whether a request bears the token, where it is wanted and nowhere else.
    pub(super) fn admits(&self, request: &Request) -> bool {
        let token = lock(&self.access_token);
        match &self.options.provider {
            None => request.bearer() == Some(token.as_str()),
            Some(header) => {
                request.header(header) == Some(token.as_str()) && request.bearer().is_none()
            }
        }
    }

    /// The number with this id, if it is the account's.
    pub(super) fn number(&self, phone_number_id: &str) -> Option<PhoneNumber> {
        let mut numbers = self.options.numbers.iter();
        numbers
            .find(|number| number.phone_number_id == phone_number_id)
            .cloned()
    }
}
