//! What a running stand-in shares between its listeners, its customers and its background deliveries.

use std::sync::{Arc, Mutex};

use anyhow::Context as _;

use super::{
    file::{Assets, Links},
    options::{MessengerOptions, Page},
    reports::Reports,
    surface::Surface,
    talk::Talk,
    upload::Uploads,
};
pub(super) use crate::background::lock;
use crate::{
    background::Background,
    delivery::{Address, Courier},
    faults::Faults,
    meta::callback,
};

/// Shared state. Tasks in the background hold it too: whoever owns the stand-in stops them to let it go.
pub(super) struct State {
    pub(super) options: MessengerOptions,
    pub(super) faults: Faults,
    pub(super) links: Links,
    /// `http://host:port` of the host that is not Meta's.
    pub(super) elsewhere: String,
    pub(super) client: reqwest::Client,
    pub(super) assets: Mutex<Assets>,
    pub(super) uploads: Mutex<Uploads>,
    pub(super) talk: Mutex<Talk>,
    pub(super) reports: Mutex<Reports>,
    pub(super) courier: Arc<Courier>,
    page_address: Arc<Address>,
    instagram_address: Arc<Address>,
    /// Changes whenever a delivery or a sent message does.
    pub(super) background: Arc<Background>,
}

impl State {
    /// The state of a stand-in that nothing has happened to.
    ///
    /// # Errors
    /// If no HTTP client can be built.
    pub(super) fn new(
        options: MessengerOptions,
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
        let address =
            |callback: &Option<url::Url>| callback::address(callback.clone(), &options.app_secret);
        Ok(Self {
            faults: Faults::new(super::ISSUER, super::POINTS, options.clock.clone()),
            links,
            elsewhere,
            client,
            assets: Mutex::default(),
            uploads: Mutex::default(),
            talk: Mutex::default(),
            reports: Mutex::default(),
            courier,
            page_address: address(&options.callback),
            instagram_address: address(&options.instagram_callback),
            background,
            options,
        })
    }

    /// Where a surface's webhooks go: an app has one callback for each object.
    pub(super) fn address(&self, surface: Surface) -> &Arc<Address> {
        match surface {
            Surface::Messenger => &self.page_address,
            Surface::Instagram => &self.instagram_address,
        }
    }

    /// The page with this id, if the app is installed there.
    pub(super) fn page(&self, page_id: &str) -> Option<&Page> {
        let mut pages = self.options.pages.iter();
        pages.find(|page| page.page_id == page_id)
    }

    /// Whom a surface's webhooks name: the page, or its professional account.
    pub(super) fn business(&self, page: &Page, surface: Surface) -> String {
        match surface {
            Surface::Messenger => page.page_id.clone(),
            Surface::Instagram => page.instagram_id.clone().unwrap_or_default(),
        }
    }
}
