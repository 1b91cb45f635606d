//! Meta's numeric codes. By body code, not by HTTP status: Meta throttles with HTTP 400, and a 500 can be permanent. From
//! Meta's error pages (read June 2026; `meta.md` §2.5 has the table).

use super::super::Confidence::{Certain, Likely, Unknown as NotSure};
use super::super::Domain::{Customer, Limits, Ours, Pipeline, Provider, Token, Unknown};
use super::super::rule::Then::{Again, Open, OtherForm, Reject, Renew, Smaller, Throttle};
use super::super::rule::{Rule, Scope, TRANSIENT, number, rule, status, subcode};
use super::super::seen::Platform::{Instagram, Messenger, WhatsApp};
use super::super::seen::Step::{LookUp, Send, Upload};

const SOCIAL: &[super::super::seen::Platform] = &[Messenger, Instagram];
const CODES: &str = "Meta, error codes";

/// A server that erred may have sent the message before it did. Only codes that say that they did nothing are repeated then.
const SERVER: &[(u16, u16)] = &[(500, 599)];

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    rule("meta-token", "*.token-refused", number(&[(0, 0), (190, 190)]), (Token, Renew, Certain), TOKEN, "Meta, error codes; S0-57"),
    rule("meta-app-throttled", "*.app-throttled", number(&[(4, 4)]), (Provider, Throttle, Certain), THROTTLED, CODES).about(Scope::Token),
    rule("meta-page-throttled", "*.page-throttled", number(&[(32, 32)]).of(SOCIAL), (Provider, Throttle, Certain), THROTTLED, CODES).about(Scope::Connection),
    rule("meta-api-throttled", "*.throttled", number(&[(613, 613)]), (Provider, Throttle, Certain), THROTTLED, CODES),
    rule("meta-account-throttled", "*.account-throttled", number(&[(80_000, 80_014)]), (Provider, Throttle, Certain), THROTTLED, CODES).about(Scope::Token),
    rule("wa-number-throttled", "*.number-throttled", number(&[(130_429, 130_429)]).of(&[WhatsApp]), (Provider, Throttle, Certain), THROTTLED, "S0-36; Meta, error codes").about(Scope::Connection),
    rule("wa-pair-throttled", "*.pair-throttled", number(&[(131_056, 131_056)]).of(&[WhatsApp]), (Provider, Throttle, Certain), THROTTLED, CODES).about(Scope::Pair),
    rule("wa-spam", "*.account-blocked", number(&[(131_048, 131_048)]).of(&[WhatsApp]), (Provider, Reject, Certain), SPAM, CODES),
    rule("meta-unavailable-send", "*.outcome-unknown", number(&[(1, 2), (131_000, 131_000)]).status(SERVER).at(&[Send]), (Provider, Open, Likely), OPEN, "C7; Meta, error codes"),
    rule("meta-unavailable", "*.unavailable", number(&[(1, 2), (1200, 1200)]), (Provider, Again, Likely), TRANSIENT_REMEDY, CODES),
    rule("wa-unavailable", "*.unavailable", number(&[(131_000, 131_000), (131_016, 131_016)]).of(&[WhatsApp]), (Provider, Again, Certain), TRANSIENT_REMEDY, CODES),
    rule("wa-maintenance", "*.unavailable", number(&[(131_057, 131_057)]).of(&[WhatsApp]), (Provider, Again, Certain), MAINTENANCE, CODES),
    rule("wa-media-gone", "*.media-gone", subcode(&[(100, 100)], &[33]).at(&[LookUp]), (Provider, Reject, Certain), GONE, CODES),
    rule("meta-object-gone", "*.not-found", subcode(&[(100, 100)], &[33]), (Ours, Reject, Likely), NOT_FOUND, CODES),
    rule("meta-number-gone", "*.not-found", number(&[(33, 33)]), (Ours, Reject, Certain), NOT_FOUND, CODES),
    rule("social-window", "*.window-closed", subcode(&[(10, 10)], &[2_018_278]).of(SOCIAL), (Customer, Reject, Certain), SOCIAL_WINDOW, CODES),
    rule("social-nobody", "*.undeliverable", subcode(&[(100, 100)], &[2_018_001]).of(SOCIAL), (Customer, Reject, Certain), UNAVAILABLE_PERSON, CODES),
    rule("social-size", "*.too-large", subcode(&[(100, 100)], &[2_018_109]).of(SOCIAL), (Limits, Smaller, Certain), DRIFT, CODES),
    rule("social-unavailable-person", "*.undeliverable", number(&[(551, 551)]).of(SOCIAL), (Customer, Reject, Certain), UNAVAILABLE_PERSON, CODES),
    rule("meta-permission", "*.permission", number(&[(3, 3), (10, 10), (200, 299), (131_005, 131_005)]), (Token, Reject, Certain), PERMISSION, "Meta, error codes; S0-64"),
    rule("meta-policy", "*.account-blocked", number(&[(368, 368)]), (Provider, Reject, Certain), BLOCKED, CODES),
    rule("wa-locked", "*.account-blocked", number(&[(131_031, 131_031), (130_497, 130_497)]).of(&[WhatsApp]), (Provider, Reject, Certain), BLOCKED, CODES),
    rule("wa-payment", "*.account-blocked", number(&[(131_042, 131_042)]).of(&[WhatsApp]), (Ours, Reject, Certain), PAYMENT, CODES),
    rule("wa-display-name", "*.account-blocked", number(&[(131_037, 131_037)]).of(&[WhatsApp]), (Ours, Reject, Certain), DISPLAY_NAME, CODES),
    rule("wa-window", "*.window-closed", number(&[(131_047, 131_047)]).of(&[WhatsApp]), (Customer, Reject, Certain), WINDOW, CODES),
    rule("wa-undeliverable", "*.undeliverable", number(&[(131_026, 131_026)]).of(&[WhatsApp]), (Customer, Reject, Certain), UNDELIVERABLE, CODES),
    rule("wa-to-itself", "*.recipient-is-sender", number(&[(131_021, 131_021)]).of(&[WhatsApp]), (Ours, Reject, Certain), TO_ITSELF, CODES),
    rule("wa-allowed-list", "*.recipient-not-listed", number(&[(131_030, 131_030)]).of(&[WhatsApp]), (Ours, Reject, Certain), LISTED, CODES),
    rule("wa-not-wanted", "*.not-wanted", number(&[(131_049, 131_050), (130_472, 130_472)]).of(&[WhatsApp]), (Customer, Reject, Certain), NOT_WANTED, CODES),
    rule("wa-type", "*.type-not-taken", number(&[(131_051, 131_051)]).of(&[WhatsApp]), (Provider, OtherForm, Certain), MEDIA, CODES),
    rule("wa-not-fetched", "*.media-refused", number(&[(131_052, 131_052)]).of(&[WhatsApp]), (Provider, Reject, Certain), NOT_FETCHED, CODES),
    rule("wa-media", "*.media-refused", number(&[(131_053, 131_053)]).of(&[WhatsApp]), (Customer, OtherForm, Certain), MEDIA, "Meta, error codes; S0-70…75"),
    rule("wa-template", "*.template-refused", number(&[(132_000, 132_099)]).of(&[WhatsApp]), (Ours, Reject, Certain), TEMPLATE, CODES),
    rule("wa-registration-busy", "*.unavailable", number(&[(133_004, 133_004)]).of(&[WhatsApp]), (Provider, Again, Certain), TRANSIENT_REMEDY, CODES),
    rule("wa-registration", "*.number-not-registered", number(&[(131_045, 131_045), (133_000, 133_099)]).of(&[WhatsApp]), (Ours, Reject, Certain), REGISTRATION, CODES),
    rule("wa-request", "*.request-refused", number(&[(131_008, 131_009), (131_055, 131_055)]).of(&[WhatsApp]), (Ours, Reject, Likely), REQUEST, CODES),
    rule("meta-payload-mismatch", "*.bytes-altered", number(&[(100, 100)]).at(&[Upload]).says(&["payload mismatch", "content-length", "content length"]), (Pipeline, Again, Likely), ALTERED, "S0-31, S0-32"),
    rule("wa-upload", "*.media-refused", number(&[(100, 100)]).at(&[Upload]).of(&[WhatsApp]), (Customer, OtherForm, Likely), MEDIA, "meta.md §2.3: its other parameters never differ"),
    rule("meta-request", "*.request-refused", number(&[(100, 100)]), (Ours, Reject, Likely), REQUEST, CODES),
    rule("meta-unlisted-send", "*.outcome-unknown", number(&[(i64::MIN, i64::MAX)]).status(SERVER).at(&[Send]), (Unknown, Open, NotSure), OPEN, "C7; Meta, error codes"),
    rule("meta-transient", "*.unavailable", TRANSIENT, (Provider, Again, Likely), TRANSIENT_REMEDY, "Meta, `is_transient`"),
    rule("meta-unlisted-5xx", "*.unavailable", number(&[(i64::MIN, i64::MAX)]).status(SERVER), (Unknown, Again, NotSure), UNLISTED, CODES),
    rule("meta-unlisted", "*.refused", number(&[(i64::MIN, i64::MAX)]), (Unknown, Reject, NotSure), UNLISTED, CODES),
    rule("meta-open", "*.outcome-unknown", status(&[(500, 599), (408, 408)]).at(&[Send]).bare(), (Pipeline, Open, NotSure), OPEN, "C7; meta.md §2.3"),
    rule("meta-unread", "*.outcome-unknown", status(&[(200, 299)]).at(&[Send]).bare(), (Pipeline, Open, NotSure), OPEN, "C7; meta.md §2.3"),
];

const TOKEN: &str = "The access token was refused. Create a new system-user token and store it in the connection's secret.";
const THROTTLED: &str =
    "Nothing to do: Attaché waits and tries again. If it lasts, see who else uses this account.";
const TRANSIENT_REMEDY: &str =
    "Nothing to do: Attaché tries again. If it lasts ten minutes, see Meta's status page.";
const MAINTENANCE: &str = "Nothing to do: the number is being moved to a higher throughput, which takes about a minute. Attaché tries again.";
const SPAM: &str = "Too many customers blocked or reported this number, and Meta restricts it. Stop campaigns; see the number's quality in Business Manager.";
const GONE: &str = "The file's id is unknown, expired (7 days) or another number's. Ask the customer to send it again.";
const NOT_FOUND: &str = "Meta does not know this number or page, or the token may not see it. Check the connection's ids and whom the token belongs to.";
const PERMISSION: &str = "Give the system user access to this account and the messaging permission of its channel (WhatsApp: whatsapp_business_messaging).";
const BLOCKED: &str = "Meta restricts this account. See the account's quality and payment settings in Business Manager.";
const PAYMENT: &str =
    "Meta lacks a valid payment method for this account. Correct it in Business Manager.";
const DISPLAY_NAME: &str =
    "The number's display name is not approved yet. Have it approved in Business Manager.";
const WINDOW: &str = "The customer wrote last more than 24 hours ago, and WhatsApp takes only approved templates then. Wait until the customer writes, or configure window_template.";
const SOCIAL_WINDOW: &str = "The customer wrote last more than 24 hours ago, and the channel takes nothing then. Wait until the customer writes.";
const UNAVAILABLE_PERSON: &str = "The person cannot be reached on this channel: gone, or has blocked the page. Reach the customer another way.";
const UNDELIVERABLE: &str =
    "The number is not on WhatsApp, or its app is too old. Reach the customer another way.";
const TO_ITSELF: &str = "The message was addressed to the number that sends it. Check the route and the connection's number.";
const LISTED: &str = "A test number of Meta's writes only to numbers on its list. Add the customer's number in the app's settings, or use a number of your own.";
const NOT_WANTED: &str = "The customer does not want such messages, or WhatsApp limits them for this customer. Reach the customer another way.";
const MEDIA: &str = "WhatsApp does not take this file. Send it in another form, as JPEG, PNG, PDF or MP4 for example.";
const NOT_FETCHED: &str =
    "WhatsApp could not fetch the file from where it lay. Have it sent again.";
const DRIFT: &str = "The file fits the limits that are known of the channel, and the channel takes less. Correct the connection's limits, and send a smaller file; never go round the limit.";
const TEMPLATE: &str = "The template is not approved under this name and language, or takes variables. Correct window_template.";
const REGISTRATION: &str = "The number is not, or no longer, registered with the Cloud API. Register it again with its PIN.";
const REQUEST: &str = "Meta does not take the request as it was made. Report it with the evidence; the Graph version may have changed.";
const ALTERED: &str = "Something on the way changes the bytes. Switch compression off for pictures, films and PDF on every proxy and content network between.";
const UNLISTED: &str = "See Meta's error page for this code.";
const OPEN: &str =
    "Nothing to do yet: a status of the message will tell. Without one, a person decides.";
