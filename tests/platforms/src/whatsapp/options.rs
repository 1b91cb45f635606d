//! How a WhatsApp stand-in is set up.

use std::time::Duration;

use crate::{canary::Canary, clock::Clock, meta::RetryPlan};

/// A business phone number of the fake account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneNumber {
    /// The id in `metadata.phone_number_id`: a tenant's key.
    pub phone_number_id: String,
    /// The number as shown, digits only.
    pub display_phone_number: String,
    /// The WhatsApp business account it belongs to, `entry[].id` of its webhooks.
    pub waba_id: String,
}

impl PhoneNumber {
    /// A number from its three parts.
    #[must_use]
    pub fn new(phone_number_id: &str, display_phone_number: &str, waba_id: &str) -> Self {
        Self {
            phone_number_id: phone_number_id.to_owned(),
            display_phone_number: display_phone_number.to_owned(),
            waba_id: waba_id.to_owned(),
        }
    }
}

/// How a look-up writes `file_size`. The schema says string, live captures show an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSizeForm {
    /// `303833`
    Integer,
    /// `"303833"`
    String,
}

/// When failing look-ups get the caller blocked. The figures are not on a page we could read: treat them as a warning, not a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorBudget {
    /// Refused look-ups within [`window`](Self::window) that bring the block about.
    pub errors: usize,
    /// How far back refused look-ups count.
    pub window: Duration,
    /// How long every look-up is then refused with code 4.
    pub block: Duration,
}

/// A template that Meta has approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// The code of its language, `en_US`.
    pub language: String,
}

impl Template {
    /// A template from its two parts.
    #[must_use]
    pub fn new(name: &str, language: &str) -> Self {
        Self {
            name: name.to_owned(),
            language: language.to_owned(),
        }
    }
}

/// Everything a WhatsApp stand-in can be told. [`Default`] is one number with documentation-style credentials.
#[derive(Clone, Debug)]
pub struct WhatsAppOptions {
    /// Signs webhooks.
    pub app_secret: String,
    /// Sent in the GET challenge.
    pub verify_token: String,
    /// The only bearer token accepted at first.
    pub access_token: String,
    /// The header that a provider between its customers and Meta wants the token in; then paths name neither version nor number, and
    /// downloads come from the same host. `None`: it is Meta itself.
    pub provider: Option<String>,
    /// The account's numbers; at least one.
    pub numbers: Vec<PhoneNumber>,
    /// Where webhooks go; can be set later.
    pub callback: Option<url::Url>,
    /// Time for links, media lives, retries.
    pub clock: Clock,
    /// Who watches for tokens.
    pub canary: Canary,
    /// How look-ups write the size.
    pub file_size: FileSizeForm,
    /// Life of a link from a look-up: 5 minutes (media page, June 2026).
    pub link_life: Duration,
    /// Life of a media id that came with a webhook: 7 days (same page).
    pub media_life: Duration,
    /// Life of an uploaded medium: 30 days (same page).
    pub upload_life: Duration,
    /// Status for a dead link; 401, 403 and 404 are all seen.
    pub expired_status: u16,
    /// Whether downloads without `User-Agent` are refused with 403, as some users report.
    pub needs_user_agent: bool,
    /// Whether downloads honour `Range` and `If-Range`. Not documented; delivery networks do as a rule.
    pub ranges: bool,
    /// Whether media objects in webhooks carry `url` (an addition of Dec 2025, optional).
    pub url_in_webhook: bool,
    /// Whether webhooks write `/` as `\/`, which Meta may do.
    pub escape_slashes: bool,
    /// When failing look-ups block the caller; `None` never.
    pub error_budget: Option<ErrorBudget>,
    /// The approved templates; any other is refused with 132001.
    pub templates: Vec<Template>,
    /// Whether customers read every message as soon as they have it; otherwise [`WhatsApp::read`](super::WhatsApp::read) says when.
    pub auto_read: bool,
    /// When unacknowledged webhooks come again.
    pub retries: RetryPlan,
    /// How long a webhook waits for its answer, in real time.
    pub patience: Duration,
}

impl Default for WhatsAppOptions {
    fn default() -> Self {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        let days = |count: u64| minutes(24 * 60 * count);
        Self {
            app_secret: "meta-app-secret-0123456789abcdef".into(),
            verify_token: "meta-verify-token".into(),
            access_token: "EAAJB-whatsapp-access-token".into(),
            provider: None,
            numbers: vec![PhoneNumber::new(
                "106540352242922",
                "15550783881",
                "419561257915477",
            )],
            callback: None,
            clock: Clock::real(),
            canary: Canary::default(),
            file_size: FileSizeForm::Integer,
            link_life: minutes(5),
            media_life: days(7),
            upload_life: days(30),
            expired_status: 404,
            needs_user_agent: true,
            ranges: true,
            url_in_webhook: false,
            escape_slashes: false,
            error_budget: Some(ErrorBudget {
                errors: 20,
                window: minutes(60),
                block: minutes(30),
            }),
            templates: Vec::new(),
            auto_read: false,
            retries: RetryPlan {
                first: Duration::from_secs(5),
                factor: 2,
                longest: minutes(12 * 60),
                horizon: days(7),
            },
            patience: Duration::from_secs(20),
        }
    }
}
