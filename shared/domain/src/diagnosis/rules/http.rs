//! The status alone, where nothing in the body or the headers is the vendor's own. Hardly anything is sure: such an answer
//! may be a proxy's, a firewall's or a content network's.

use super::super::Confidence::{Likely, Unknown as NotSure};
use super::super::Domain::{Pipeline, Token, Unknown};
use super::super::rule::Then::{Again, Pause, Reject, Renew, Smaller, Throttle};
use super::super::rule::{Rule, rule, status};
use super::super::seen::Step;
use super::super::seen::Step::{LookUp, Upload};

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    rule("http-401", "*.token-refused", status(&[(401, 401)]).worded(), (Token, Renew, Likely), TOKEN, "S2-27, S3-50"),
    rule("http-401-bare", "*.token-refused", status(&[(401, 401)]), (Unknown, Renew, NotSure), TOKEN, "S2-27, S3-50"),
    rule("http-429-bare", "*.throttled", status(&[(429, 429)]), (Unknown, Throttle, NotSure), THROTTLED, "S0-42, S2-33, S3-53"),
    rule("http-413-bare", "*.too-large", status(&[(413, 413)]), (Unknown, Smaller, NotSure), TOO_LARGE, "S2-26"),
    rule("http-415-bare", "*.refused", status(&[(415, 415)]), (Unknown, Reject, NotSure), UNSUPPORTED, "S4-13"),
    rule("http-403-bare", "*.refused", status(&[(403, 403)]), (Unknown, Reject, NotSure), BETWEEN, "S0-30"),
    rule("http-gone-bare", "*.unavailable", status(&[(404, 404), (410, 410)]).at(&[LookUp]), (Unknown, Again, NotSure), BETWEEN, "S1, step 1"),
    rule("http-408", "*.unavailable", status(&[(408, 408), (425, 425)]), (Pipeline, Again, NotSure), TRANSIENT, "C7"),
    rule("http-503-wait", "*.unavailable", status(&[(503, 503)]).with("retry-after"), (Pipeline, Pause, NotSure), TRANSIENT, "S0-42, C7"),
    rule("http-502", "*.unavailable", status(&[(502, 502), (504, 504)]), (Pipeline, Again, Likely), TRANSIENT, "S0, step 1; S3-18"),
    rule("http-5xx", "*.unavailable", status(&[(500, 599)]), (Unknown, Again, NotSure), TRANSIENT, "S2-34, C7"),
    rule("look-up-unread", "*.look-up-unreadable", status(&[(200, 299)]).at(&[LookUp]), (Unknown, Again, NotSure), LOOK_UP, "meta.md §2.2"),
    rule("upload-unread", "*.upload-unreadable", status(&[(200, 299)]).at(&[Upload]), (Unknown, Again, NotSure), UPLOAD, "meta.md §2.3"),
    rule("token-unread", "*.token-unreadable", status(&[(200, 299)]).at(&[Step::Token]), (Unknown, Again, NotSure), TOKEN_UNREAD, "S2-6"),
];

const TOKEN: &str =
    "The token was refused. See whether it is still valid, and renew what it is made from.";
const THROTTLED: &str =
    "Nothing to do: Attaché waits and tries again. If it lasts, see who else uses this account.";
const TOO_LARGE: &str = "Something takes less than this file's size, and it is not certain that it is the platform: look at the body limit of proxies between.";
const UNSUPPORTED: &str = "Something does not take a body of this type; a WWW-Authenticate header in the evidence may hint at why.";
const BETWEEN: &str = "The answer is not the platform's own. Look at what stands between: proxies, firewalls, and whether one of them opens or lowers TLS.";
const TRANSIENT: &str =
    "Nothing to do: Attaché tries again. If it lasts ten minutes, see the platform's status page.";
const LOOK_UP: &str = "Nothing to do: the look-up is repeated. If it stays, its answer may have changed, or something between answers in its place.";
const UPLOAD: &str = "Nothing to do: the upload is repeated. If it stays, its answer may have changed, or something between answers in its place.";
const TOKEN_UNREAD: &str =
    "Check the connection's login address; something between may answer in its place.";
