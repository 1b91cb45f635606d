//! How a stand-in for Messenger and Instagram is set up.

use std::time::Duration;

use crate::{canary::Canary, clock::Clock, meta::RetryPlan};

/// A Facebook page of the app, and the Instagram professional account that is linked to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The page's id: `entry[].id` of Messenger's webhooks, part of every call's path.
    pub page_id: String,
    /// The professional account's id: `entry[].id` of Instagram's webhooks. `None`: no account is linked.
    pub instagram_id: Option<String>,
    /// The page access token, the only one that may call for it.
    pub access_token: String,
    /// Whether Meta has granted it the permission for `HUMAN_AGENT`.
    pub human_agent: bool,
}

impl Page {
    /// A page with an Instagram account, without the permission to answer late.
    #[must_use]
    pub fn new(page_id: &str, instagram_id: &str, access_token: &str) -> Self {
        Self {
            page_id: page_id.to_owned(),
            instagram_id: Some(instagram_id.to_owned()),
            access_token: access_token.to_owned(),
            human_agent: false,
        }
    }
}

/// How many messages a page may send in a second, of each class (meta.md §3, §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallsPerSecond {
    /// Texts, pictures and files.
    pub texts: usize,
    /// Sound and film.
    pub media: usize,
}

/// Everything the stand-in can be told. [`Default`] is one page with a linked account and documentation-style credentials.
#[derive(Clone, Debug)]
pub struct MessengerOptions {
    /// Signs webhooks; one app has one.
    pub app_secret: String,
    /// Sent in the GET challenge.
    pub verify_token: String,
    /// The app's id, in echoes of what it sends.
    pub app_id: u64,
    /// The pages that have installed the app; at least one.
    pub pages: Vec<Page>,
    /// Where Messenger's webhooks go; can be set later.
    pub callback: Option<url::Url>,
    /// Where Instagram's go.
    pub instagram_callback: Option<url::Url>,
    /// Time for links, windows, uploads and retries.
    pub clock: Clock,
    /// Who watches for tokens.
    pub canary: Canary,
    /// Life of a link to what a customer sent. Not published; a day here.
    pub link_life: Duration,
    /// Life of an uploaded attachment's id: 90 days (saving assets, Apr 2026).
    pub upload_life: Duration,
    /// For how long a page may answer: 24 hours.
    pub window: Duration,
    /// For how long a person may, under the tag `HUMAN_AGENT`: 7 days.
    pub human_agent_window: Duration,
    /// Calls per second and page.
    pub limits: CallsPerSecond,
    /// Whether downloads honour `Range` and `If-Range`. Not documented; delivery networks do as a rule.
    pub ranges: bool,
    /// Whether a sticker also comes as a picture, as it does until 2026-08-30.
    pub stickers_twice: bool,
    /// Whether delivery events name messages; "may not be present" by the reference.
    pub mids_in_deliveries: bool,
    /// Whether the app has subscribed to echoes.
    pub echoes: bool,
    /// Whether customers read every message as soon as they have it; otherwise [`Messenger::read`](super::Messenger::read) says when.
    pub auto_read: bool,
    /// When unacknowledged webhooks come again.
    pub retries: RetryPlan,
    /// How long a webhook waits for its answer, in real time: 20 s.
    pub patience: Duration,
}

impl Default for MessengerOptions {
    fn default() -> Self {
        let hours = |count: u64| Duration::from_secs(3600 * count);
        Self {
            app_secret: "meta-page-app-secret-0123456789abc".into(),
            verify_token: "meta-page-verify-token".into(),
            app_id: 1_517_776_481_860_111,
            pages: vec![Page::new(
                "682498302938465",
                "17841405793187218",
                "EAAJB-page-access-token",
            )],
            callback: None,
            instagram_callback: None,
            clock: Clock::real(),
            canary: Canary::default(),
            link_life: hours(24),
            upload_life: hours(24 * 90),
            window: hours(24),
            human_agent_window: hours(24 * 7),
            limits: CallsPerSecond {
                texts: 300,
                media: 10,
            },
            ranges: true,
            stickers_twice: false,
            mids_in_deliveries: true,
            echoes: true,
            auto_read: false,
            retries: RetryPlan {
                first: Duration::from_secs(5),
                factor: 2,
                longest: hours(1),
                horizon: hours(36),
            },
            patience: Duration::from_secs(20),
        }
    }
}
