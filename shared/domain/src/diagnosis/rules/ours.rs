//! What Attaché sees itself, with no answer to judge: transfers that do not fit what was said, configuration that does not
//! fit what is asked, waits that ended. Our own code says these by name.

use super::super::Confidence::{Certain, Likely, Unknown as NotSure};
use super::super::Domain::{Cache, Customer, Limits, Network, Ours, Pipeline, Provider, Token};
use super::super::rule::Then::{Again, AgainLater, Doubt, Reject, Throttle};
use super::super::rule::{OURS, Rule, Then, rule};
use super::super::{Confidence, Domain};

const fn own(
    id: &'static str,
    code: &'static str,
    says: (Domain, Then, Confidence),
    remedy: &'static str,
    source: &'static str,
) -> Rule {
    rule(id, code, OURS, says, remedy, source)
}

macro_rules! table {
    ($($name:ident = $row:expr;)*) => {
        $(#[doc = "See the table."] pub const $name: Rule = $row;)*
        pub(super) const RULES: &[Rule] = &[$($name),*];
    };
}

/// Whether the rule of this id is one of these.
pub(in super::super) fn has(id: &str) -> bool {
    RULES.iter().any(|rule| rule.id == id)
}

#[rustfmt::skip]
table! {
    CACHED = own("cached-error", "pipeline.cached-error", (Cache, Again, Likely), PURGE, "S0-25, S0-76…80");
    QUEUED_TOO_LONG = own("queued-too-long", "pipeline.queued-too-long", (Pipeline, Again, Likely), QUEUED, "S0-84, S0-85");
    COMPLETION_TIMEOUT = own("completion-timeout", "pipeline.completion-timeout", (Pipeline, Again, NotSure), TIMEOUT, "S0-81…86");
    SIZE_REFUSED = own("size-refused", "transfer.size-refused", (Customer, Reject, Certain), SIZE, "S1-27, S1-31");
    SIZE_DOUBTED = own("size-doubted", "transfer.size-refused", (Customer, Doubt, Likely), SIZE, "S1-27, S1-31");
    PAUSED = own("paused", "transfer.paused", (Pipeline, Throttle, Certain), AGAIN, "S0-39");
    HOST_REFUSED = own("host-not-listed", "transfer.host-refused", (Ours, Reject, Certain), HOST, "S1-51");
    NO_LINK = own("no-link", "transfer.no-link", (Provider, Reject, Certain), LINKLESS, "S1-16");
    REDIRECT_LOOP = own("redirect-loop", "transfer.redirect-loop", (Pipeline, Again, Likely), AGAIN, "genesys.md §4");
    ERROR_PAGE = own("error-page", "transfer.error-page", (Pipeline, Again, Likely), AGAIN, "S1-32");
    DIGEST_DIFFERS = own("digest-differs", "transfer.digest-differs", (Provider, Reject, Certain), CHANGED_FILE, "S1-32");
    OTHER_BYTES = own("other-bytes", "transfer.other-bytes", (Provider, Doubt, Certain), CHANGED_FILE, "S1-32");
    ENCODED = own("encoded", "transfer.encoded", (Pipeline, Again, Likely), AGAIN, "S0-31");
    LENGTH_DIFFERS = own("length-differs", "transfer.length-differs", (Pipeline, Again, Likely), AGAIN, "S0-32, S1-32");
    RANGE_REFUSED = own("range-refused", "transfer.range-refused", (Pipeline, Again, Likely), AGAIN, "RFC 9110 §14");
    INTERRUPTED = own("interrupted", "transfer.interrupted", (Pipeline, Again, NotSure), AGAIN, "S1-32");
    FILE_CHANGED = own("file-changed", "transfer.file-changed", (Pipeline, Again, Certain), AGAIN, "RFC 9110 §13.1.5");
    TOO_SLOW = own("too-slow", "transfer.too-slow", (Pipeline, Again, NotSure), AGAIN, "S1-38");
    PARTS_GONE = own("parts-gone", "transfer.parts-gone", (Pipeline, Again, Certain), AGAIN, "decision 0020");
    VANISHED = own("object-vanished", "transfer.object-vanished", (Pipeline, Again, Certain), AGAIN, "design §5");
    MISCONFIGURED = own("misconfigured", "ours.connection-misconfigured", (Ours, Reject, Certain), CORRECT, "design §6");
    NO_ADDRESS = own("address-missing", "ours.address-missing", (Ours, Reject, Certain), ADDRESS, "design §6");
    REMOVED = own("removed", "ours.connection-removed", (Ours, Reject, Certain), PUT_BACK, "design §6");
    ASSET_UNREADABLE = own("asset-unreadable", "ours.asset-unreadable", (Ours, Reject, Certain), ASSET, "S4-16");
    UNPLANNED = own("unplanned", "ours.unplanned", (Ours, Reject, Certain), REPORT, "design §4");
    TOO_LATE = own("deadline-passed", "ours.deadline-passed", (Ours, Again, Certain), LATER, "design §5");
    NO_TOKEN_ENDPOINT = own("no-token-endpoint", "ours.no-token-endpoint", (Ours, Reject, Certain), LOGIN_URL, "genesys.md §2");
    FILE_NOT_SENT = own("file-not-sent", "bundle.file-not-sent", (Ours, Reject, Certain), SEE_FILE, "decision 0017");
    WINDOW_CLOSED = own("window-known-closed", "whatsapp.window-closed", (Customer, Reject, Certain), WINDOW, "meta.md §2.6");
    PAGE_WINDOW_CLOSED = own("page-window-known-closed", "channel.window-closed", (Customer, Reject, Certain), PAGE_WINDOW, "meta.md §3, §4");
    SCAN_FAILED = own("own-scan-failed", "scan.failed", (Ours, AgainLater, Certain), SCANNER, "S3-54, C28");
    PROVIDER_MALWARE = own("provider-malware", "provider.malware", (Customer, Reject, Certain), MALICIOUS, "S3-27, S3-58");
    RETURNED_DIFFERS = own("returned-differs", "transfer.returned-differs", (Pipeline, Again, Certain), RETURNED, "S2-21, S3-26");
    WITHHELD = own("file-withheld", "genesys.file-withheld", (Provider, Reject, Likely), WITHHELD_FILE, "S3-32");
    LIMITS_UNREADABLE = own("limits-unreadable", "genesys.limits-unreadable", (Provider, Again, Likely), BY_PUBLISHED, "genesys.md §11");
    LIMIT_DRIFT = own("drifted", "channel.limit-drift", (Limits, Reject, Certain), DRIFTED, "S2-26, S2-32; C5");
    LINK_NOT_MADE = own("link-not-made", "ours.no-link", (Ours, Again, Certain), LATER, "design §5");
    PULLED_LATE = own("link-pulled-late", "delivery.link-pulled-late", (Pipeline, Reject, Likely), PULLED, "S1-16, S1-17; design §5");
    NOT_PULLED = own("link-not-pulled", "delivery.link-not-pulled", (Pipeline, Reject, NotSure), UNPULLED, "S0-17, S0-26; design §5");
    PLATFORM_DOWN = own("platform-down", "delivery.platform-down", (Provider, Reject, Certain), STATUS_PAGES, "S0-39, S2-34, C28");
    NO_TOKEN = own("no-token", "delivery.no-token", (Token, Reject, Certain), TOKENS, "S2-36; design §5");
    FORWARD_REDIRECTED = own("forward-redirected", "forward.redirected", (Provider, Again, Certain), FORWARD_TO, "S0-63");
    FORWARD_REFUSED = own("forward-refused", "forward.refused", (Provider, Reject, Likely), THEIR_LOG, "S0-63");
    FORWARD_UNAVAILABLE = own("forward-unavailable", "forward.unavailable", (Provider, Again, Likely), THEIR_PACE, "S0-63");
    FORWARD_ADDRESS = own("forward-address", "forward.address-refused", (Ours, Again, Certain), FORWARD_URL, "S0-63");
    FORWARD_NO_ANSWER = own("forward-no-answer", "forward.no-answer", (Network, Again, Likely), REACHABLE, "S0-63");
}

const PURGE: &str = "An edge cache repeats an old error. Attaché asks again past it; if it stays, have the cache of that edge node purged for this path.";
const QUEUED: &str = "The platform kept the file queued for 45 s, mostly because of a rate limit of its provider. The upload was cancelled and is tried again.";
const TIMEOUT: &str = "The platform did not say within 60 s what became of the file. What it said last is in the evidence; a rate limit hides behind this more often than not.";
const SIZE: &str = "The file is empty or larger than Attaché takes. Ask the customer for another.";
const HOST: &str = "If this host belongs to the platform, add it to the connection's media_hosts.";
const LINKLESS: &str =
    "The platform announced a file without saying where it is. Ask for it again.";
const CHANGED_FILE: &str = "The file changed under its id. Ask the customer to send it again.";
const AGAIN: &str = "Nothing to do: Attaché tries again while the platform still has the file.";
const CORRECT: &str = "Correct the connection in connections.toml and apply it again.";
const PUT_BACK: &str = "Put the connection back, and ask the sender for the file again.";
const ADDRESS: &str = "Send it by hand once, and name what the evidence says: attache send FILE --to CONNECTION --address FIELD=VALUE. The conversation remembers it.";
const ASSET: &str =
    "The store refuses to give a file of ours. Grant the role that reads it s3:GetObject on it.";
const REPORT: &str = "This should not happen; report it with the item's trail.";
const LATER: &str = "Nothing to do: Attaché tries again.";
const LOGIN_URL: &str = "Correct the connection's login_url.";
const SEE_FILE: &str = "See what became of the file.";
const WINDOW: &str = "The customer wrote last more than 24 hours ago, and WhatsApp lets nothing but approved templates through then. Send it again once the customer has written.";
const PAGE_WINDOW: &str = "The customer wrote last more than 24 hours ago, and the channel takes nothing then. If Meta allows the page to answer as a person for seven days, set human_agent; else wait until the customer writes.";
const SCANNER: &str = "The scanner could not read the file. It is tried once more after five minutes; then see whether the file opens at all, and whether the scanner is up.";
const MALICIOUS: &str = "The platform scanned the file, calls it malware and passes it on to nobody. Ask its sender to clean the machine it came from.";
const RETURNED: &str = "What the platform has is not what was sent. Attaché hands it over again; if it lasts, look for what changes uploads on the way.";
const WITHHELD_FILE: &str = "The platform has the file and gives it to nobody: it is quarantined or deleted there. See the platform's own records of it.";
const BY_PUBLISHED: &str = "Nothing to do: files are planned by the published limits. If it stays, the platform may have changed its answer.";
const DRIFTED: &str = "It was refused in two forms, although both should have fitted. Send it in another form, or a smaller one.";
const PULLED: &str = "The platform came for the file after its link had died; life and age are in the evidence. Attaché sends a fresh link, twice at most. If it lasts, give links a longer life: a content domain, and LinkSeconds.";
const UNPULLED: &str = "The platform could not fetch the file although its link was alive. Attaché sends a fresh link, twice at most. If it lasts, see whether the link's host can be reached from the internet, and what it answers.";
const STATUS_PAGES: &str = "The platform did not work for so long that nobody was waiting for this any more. See its status page (metastatus.com, status.mypurecloud.com, status.niceincontact.com); once it works, send it again.";
const TOKENS: &str = "Nobody could be asked for lack of a token. The log of the function refresh says why none was issued: client, secret, region, or a login host that is down. Once that is mended, `attache redrive` sends it.";
const FORWARD_TO: &str =
    "Set forward_to to the address that the other system redirects to: redirects are not followed.";
const THEIR_LOG: &str = "Look at the other system's log: it refuses what is forwarded. If it says 401 or 403, see whether it has the app secret the endpoint has.";
const THEIR_PACE: &str = "See whether the other system is up and keeps pace. Nothing is lost: the dead letter can be moved back to the queue.";
const FORWARD_URL: &str = "Correct forward_to: it must lead to a public address over https.";
const REACHABLE: &str =
    "See whether the other system is reachable from the internet and its certificate valid.";
