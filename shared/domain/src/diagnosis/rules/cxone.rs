//! NICE CXone. The form of its errors is not published: the status decides (`cxone.md` §7), and nothing is certain.

use super::super::Confidence::{Certain, Likely, Unknown as NotSure};
use super::super::Domain::{Customer, Ours, Pipeline, Provider, Token, Unknown};
use super::super::rule::Then::{Again, Open, Reject, Renew, Throttle};
use super::super::rule::{Rule, field, rule, status};
use super::super::seen::Step::Send;

const PAGE: &str = "cxone.md §7";

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    rule("cxone-limits", "cxone.media-refused", field(&["allowedFileSize"], &[]).worded(), (Customer, Reject, Certain), LIMITS, "cxone.md §5"),
    rule("cxone-client", "cxone.permission", status(&[(401, 401)]).worded().says(&["not authorized for user"]), (Token, Reject, Likely), PERMISSION, PAGE),
    rule("cxone-token", "cxone.token-refused", status(&[(401, 401)]).worded(), (Token, Renew, Likely), TOKEN, PAGE),
    rule("cxone-permission", "cxone.permission", status(&[(403, 403)]).worded(), (Token, Reject, Likely), PERMISSION, PAGE),
    rule("cxone-rate", "cxone.throttled", status(&[(429, 429)]).worded(), (Provider, Throttle, Likely), THROTTLED, "S0-44; cxone.md §8"),
    rule("cxone-not-found", "cxone.not-found", status(&[(404, 404)]).worded(), (Ours, Reject, Likely), NOT_FOUND, PAGE),
    rule("cxone-refused", "cxone.refused", status(&[(400, 400), (409, 409), (415, 415), (422, 422)]).worded(), (Ours, Reject, Likely), REFUSED, PAGE),
    rule("cxone-502", "cxone.unavailable", status(&[(502, 503)]), (Pipeline, Again, Likely), TRANSIENT, "S0, step 1; cxone.md §7"),
    rule("cxone-5xx-send", "cxone.outcome-unknown", status(&[(408, 408), (500, 599)]).at(&[Send]), (Pipeline, Open, NotSure), OPEN, "C7; cxone.md §7"),
    rule("cxone-504", "cxone.unavailable", status(&[(504, 504)]), (Pipeline, Again, Likely), TRANSIENT, "S0, step 1; cxone.md §7"),
    rule("cxone-open", "cxone.outcome-unknown", status(&[(200, 399)]).at(&[Send]), (Unknown, Open, NotSure), OPEN, "cxone.md §7"),
];

const LIMITS: &str = "CXone does not take a file of this size or type. Its answer names what it takes: compare it with the channel's file restrictions.";
const PERMISSION: &str = "The application is not authorised for the user behind the access key. Have it registered for that user; a new token does not cure it.";
const TOKEN: &str = "The token was refused twice. Check the access key, its secret and the area.";
const THROTTLED: &str = "Nothing to do: Attaché waits and tries again. If it lasts, one contact or the tenant is above CXone's limits.";
const NOT_FOUND: &str = "Check the connection's channel id and area.";
const REFUSED: &str =
    "CXone does not take the request as it was made. Give its support the evidence.";
const TRANSIENT: &str =
    "Nothing to do: Attaché tries again. If it lasts ten minutes, see CXone's status page.";
const OPEN: &str = "Nothing to do: it may have arrived, and Attaché tries again under the same id.";
