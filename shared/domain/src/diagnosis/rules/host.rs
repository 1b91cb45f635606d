//! Hosts that give files by link: content networks and object stores. Links die, and a dead one is asked for anew.

use super::super::Confidence::{Certain, Likely, Unknown as NotSure};
use super::super::Domain::{Pipeline, Provider, Unknown};
use super::super::rule::Then::{Again, Doubt, Throttle};
use super::super::rule::{Rule, rule, status};

const DEAD: &[(u16, u16)] = &[(400, 401), (403, 404), (410, 410)];

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    rule("host-expired", "transfer.link-refused", status(DEAD).worded().says(&["expired"]), (Provider, Again, Certain), EXPIRED, "S1, edge case 1"),
    rule("host-signature", "transfer.link-refused", status(DEAD).worded().says(&["signaturedoesnotmatch", "accessdenied", "nosuchkey", "authorization"]), (Provider, Again, Likely), REFUSED, "S1, step 1; C23"),
    rule("host-refused", "transfer.link-refused", status(&[(401, 401), (403, 404), (410, 410)]), (Pipeline, Again, NotSure), REFUSED, "S1, step 1"),
    rule("host-throttled", "transfer.throttled", status(&[(429, 429)]), (Provider, Throttle, Likely), AGAIN, "S0-42, C7"),
    rule("host-busy", "transfer.throttled", status(&[(503, 503)]).says(&["slowdown", "reduce your request rate"]), (Provider, Throttle, Certain), AGAIN, "C7"),
    rule("host-redirected", "transfer.redirected", status(&[(300, 399)]), (Provider, Doubt, Likely), REDIRECTED, "genesys.md §4, meta.md §2.2"),
    rule("host-unavailable", "transfer.unavailable", status(&[(500, 599)]), (Pipeline, Again, NotSure), AGAIN, "S1, step 1; C7"),
    rule("host-unexpected", "transfer.unavailable", status(&[(100, 999)]), (Unknown, Again, NotSure), AGAIN, "C7"),
];

const EXPIRED: &str = "The link lived too short for when it was used. Nothing to do: it is asked for again while the platform gives it.";
const REFUSED: &str = "The link does not work, or not any more. Nothing to do: it is asked for again while the platform gives it.";
const AGAIN: &str = "Nothing to do: Attaché tries again while the platform still has the file.";
const REDIRECTED: &str =
    "The platform answers with a redirect, which its documents do not mention. Report it.";
