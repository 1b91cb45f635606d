//! Genesys' rules for its webhooks.
//!
//! Any 2xx acknowledges. After 10 s without an answer, a refused connection, 429 or 5xx a webhook comes again, up to 5 times, 5 s apart:
//! all over within about 85 s, and then the message is lost for the receiver. Any other answer ends it at once. There is no challenge.

use std::sync::{Arc, Mutex};

use http::StatusCode;

use super::options::{GenesysOptions, Integration};
use crate::{
    background::lock,
    delivery::{Address, Patience, Terms},
    signature,
};

/// When and how often webhooks come.
pub(super) fn terms(options: &GenesysOptions) -> Terms {
    let (retries, pause) = (options.webhook_retries, options.webhook_pause);
    Terms {
        patience: Patience::ByClock(options.webhook_patience),
        acknowledges: |status| status.is_success(),
        again: Box::new(move |tries, outcome, _| {
            let passing = outcome.as_ref().map_or(true, |&code| passes(code));
            (passing && tries <= retries).then_some(pause)
        }),
    }
}

/// Whether an answer says that a later try may fare better.
fn passes(code: u16) -> bool {
    code == StatusCode::TOO_MANY_REQUESTS.as_u16() || code >= 500
}

/// An integration's callback, with what its webhooks bear.
pub(super) fn address(integration: &Integration, secret: Arc<Mutex<String>>) -> Arc<Address> {
    let fixed = integration.webhook_headers.clone();
    Address::new(integration.callback.clone(), move |body| {
        let mut headers = fixed.clone();
        headers.push(("content-type".into(), "application/json".into()));
        headers.push((
            signature::HEADER.into(),
            signature::genesys(&lock(&secret), body),
        ));
        headers
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn only_passing_troubles_bring_a_webhook_back_and_only_five_times() {
        let terms = terms(&GenesysOptions::default());
        let pause = Some(Duration::from_secs(5));
        let rows = [
            (1, Err("refused".to_owned()), pause),
            (5, Ok(503), pause),
            (6, Ok(503), None),
            (1, Ok(429), pause),
            (1, Ok(400), None),
            (1, Ok(302), None),
        ];
        for (tries, outcome, expected) in rows {
            let wait = (terms.again)(tries, &outcome, Duration::ZERO);
            assert_eq!(wait, expected, "{tries} {outcome:?}");
        }
    }
}
