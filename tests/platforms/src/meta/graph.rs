//! The door of a Graph host: versions, the faults that refuse a call, and the token.

use http::StatusCode;

use super::error::GraphError;
use crate::{
    faults::{Fault, Faults, Point},
    spoil::redirect,
    wire::{Answer, Request},
};

/// `v23.0` and its like.
pub(crate) fn is_version(text: &str) -> bool {
    let numbers = text.strip_prefix('v').and_then(|rest| rest.split_once('.'));
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    numbers.is_some_and(|(major, minor)| number(major) && number(minor))
}

/// What a fault leaves of a Graph call.
pub(crate) enum Struck {
    /// This answer, and nothing happened.
    Refused(Answer),
    /// The call takes effect; this fault may still mar its answer ([`marred`](crate::spoil::marred)).
    Proceeds(Option<Fault>),
}

/// The words in which a channel says what the host refuses.
pub(crate) struct Words {
    /// Too many calls.
    pub(crate) throttled: fn() -> GraphError,
    /// The host's own trouble.
    pub(crate) failed: fn() -> GraphError,
    /// A file that by everything published is small enough.
    pub(crate) too_large: fn() -> Answer,
    /// A file whose type is published as taken.
    pub(crate) not_taken: fn() -> GraphError,
}

/// A Graph host at which a call arrives.
pub(crate) struct Door<'s> {
    pub(crate) faults: &'s Faults,
    /// `http://host:port` of the host that is not Meta's.
    pub(crate) elsewhere: &'s str,
    pub(crate) words: &'static Words,
}

impl Door<'_> {
    /// Lets the armed fault strike and looks at the token (`stranger` says what is wrong with it), in the order the real host would.
    pub(crate) async fn enter(
        &self,
        request: &Request,
        point: Point,
        subjects: &[String],
        stranger: impl FnOnce(Option<&str>) -> Option<GraphError>,
    ) -> Struck {
        let fault = self.faults.take(point, subjects);
        if let Some(fault) = fault
            && let Some(refused) = self.refused(fault, request).await
        {
            return Struck::Refused(refused);
        }
        match stranger(request.bearer()) {
            Some(error) => Struck::Refused(error.answer()),
            None => Struck::Proceeds(fault),
        }
    }

    /// The refusal that a fault answers with, if it does.
    async fn refused(&self, fault: Fault, request: &Request) -> Option<Answer> {
        let words = self.words;
        match fault {
            Fault::RateLimit => {
                let throttled = (words.throttled)();
                Some(throttled.under(StatusCode::TOO_MANY_REQUESTS).answer())
            }
            Fault::MetaThrottleAs400 => Some((words.throttled)().answer()),
            Fault::FiveHundreds => Some((words.failed)().transient().answer()),
            Fault::DeadToken => Some(GraphError::token(true).answer()),
            Fault::Unauthorised => Some(GraphError::token(false).answer()),
            Fault::HtmlErrorPage => Some(Answer::html(StatusCode::BAD_GATEWAY)),
            Fault::LimitDrift => Some((words.too_large)()),
            Fault::Wrong415 => Some(unsupported()),
            Fault::ProviderRejectsType => Some((words.not_taken)().answer()),
            Fault::Stall => {
                self.faults.stalled().await;
                None
            }
            other => redirect(other, request, self.elsewhere),
        }
    }
}

/// 415; no published code has this status, so the code is that of any parameter.
fn unsupported() -> Answer {
    let error = GraphError::parameter("The content type is not supported.");
    error.under(StatusCode::UNSUPPORTED_MEDIA_TYPE).answer()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_from_other_paths() {
        let rows = [
            ("v23.0", true),
            ("v5.10", true),
            ("v23", false),
            ("23.0", false),
            ("v.0", false),
        ];
        for (text, expected) in rows {
            assert_eq!(is_version(text), expected, "{text}");
        }
    }
}
