//! Meta's rules for its webhooks.
//!
//! 200 acknowledges (every other answer is a failure). A failed webhook comes again with decreasing frequency for seven days by the
//! stand-in's clock. Meta's SHA-1 header is left out: the documents say to ignore it.

use std::sync::Arc;

use http::StatusCode;

use super::options::WhatsAppOptions;
use crate::{
    delivery::{Address, Patience, Terms},
    signature,
};

/// When and how often webhooks come.
pub(super) fn terms(options: &WhatsAppOptions) -> Terms {
    let plan = options.retries;
    Terms {
        patience: Patience::Real(options.patience),
        acknowledges: |status| status == StatusCode::OK,
        again: Box::new(move |tries, _, since| {
            let wait = plan.wait_after(tries);
            (since + wait <= plan.horizon).then_some(wait)
        }),
    }
}

/// The app's callback, with what its webhooks bear.
pub(super) fn address(options: &WhatsAppOptions) -> Arc<Address> {
    let secret = options.app_secret.clone();
    Address::new(options.callback.clone(), move |body| {
        let signature = signature::meta(&secret, body);
        [
            ("content-type", "application/json"),
            ("user-agent", "facebookexternalua"),
            (signature::HEADER, &signature),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    })
}
