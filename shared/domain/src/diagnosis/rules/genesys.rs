//! Genesys Cloud's own words: error codes of the API, of the login host and of web messaging's frames (`genesys.md` §8, §9).

use super::super::Confidence::{Certain, Likely, Unknown as NotSure};
use super::super::Domain::{Customer, Limits, Ours, Pipeline, Provider, Token, Unknown};
use super::super::rule::Then::{Again, Open, Pause, Reject, Renew, Throttle};
use super::super::rule::{ANY, Rule, field, rule, status};
use super::super::seen::Step;
use super::super::seen::Step::{LookUp, Send, Token as AtToken};

const CODE: &[&str] = &["code"];
const FRAME: &[&str] = &["errorCode"];
const PAGE: &str = "genesys.md §9";
const FRAMES: &str = "genesys.md §8";
const NOT_SEND: &[Step] = &[
    AtToken,
    LookUp,
    Step::Upload,
    Step::UploadStatus,
    Step::Register,
    Step::Configuration,
];

/// What Genesys says in so many words; asked before anything else.
#[rustfmt::skip]
pub(super) const CODES: &[Rule] = &[
    rule("genesys-token", "genesys.token-refused", field(CODE, &["bad.credentials", "authentication.required", "invalid.credentials"]), (Token, Renew, Certain), TOKEN, "S2-27, S3-50; genesys.md §9"),
    rule("genesys-permission", "genesys.permission", field(CODE, &["missing.permissions", "not.authorized", "missing.any.permissions"]), (Token, Reject, Certain), PERMISSION, "S3-51; genesys.md §9"),
    rule("genesys-rate", "genesys.rate-limited", field(CODE, &["too.many.requests", "rate.limit.exceeded"]), (Provider, Throttle, Certain), THROTTLED, "S2-22, S2-33, S3-53; genesys.md §9"),
];

/// The rest.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    rule("genesys-not-fetched", "genesys.not-fetched", ANY.at(&[Step::Webhook]).says(&["download", "fetch", "retrieve", "link has expired", "url has expired"]), (Pipeline, Reject, Likely), NOT_FETCHED, "genesys.md §5, §7; S0-17"),
    rule("genesys-link-dead", "genesys.link-dead", status(&[(404, 404), (410, 410)]).at(&[LookUp]).worded(), (Provider, Reject, Likely), LINK_DEAD, "S1-16; genesys.md §4"),
    rule("genesys-not-found", "genesys.not-found", field(CODE, &["not.found"]), (Ours, Reject, Likely), NOT_FOUND, PAGE),
    rule("genesys-type", "genesys.type-refused", field(CODE, &["unsupported.media.type"]), (Ours, Reject, Likely), UNSUPPORTED, "S4-3, S4-13"),
    rule("genesys-request", "genesys.refused", field(CODE, &["bad.request", "invalid.value", "invalid.property", "conflict"]), (Ours, Reject, Likely), REFUSED, "S2-25; genesys.md §9"),
    rule("genesys-busy", "genesys.unavailable", field(CODE, &["service.unavailable"]), (Pipeline, Again, Certain), TRANSIENT, "S2-34; genesys.md §9"),
    rule("genesys-login-busy", "genesys.unavailable", field(CODE, &["authentication.request.timeout"]), (Pipeline, Again, Certain), TRANSIENT, PAGE),
    rule("genesys-open", "genesys.outcome-unknown", field(CODE, &["internal.server.error", "request.timeout", "gateway.timeout"]).at(&[Send]), (Pipeline, Open, Certain), OPEN, "C7; genesys.md §9"),
    rule("genesys-error", "genesys.unavailable", field(CODE, &["internal.server.error", "request.timeout", "gateway.timeout"]), (Pipeline, Again, Certain), TRANSIENT, "S2-34; genesys.md §9"),
    rule("frame-type", "genesys.media-refused", field(FRAME, &["4001", "4003"]), (Customer, Reject, Likely), MEDIA, FRAMES),
    rule("frame-size", "genesys.too-large", field(FRAME, &["4002"]), (Limits, Reject, Likely), DRIFT, FRAMES),
    rule("frame-name", "genesys.name-refused", field(FRAME, &["4004", "4005"]), (Ours, Reject, Likely), NAME, FRAMES),
    rule("frame-session", "genesys.session-expired", field(FRAME, &["4006"]), (Token, Renew, Likely), SESSION, FRAMES),
    rule("frame-attachment", "genesys.attachment-gone", field(FRAME, &["4008", "4009", "4010"]), (Pipeline, Again, Likely), ATTACHMENT, FRAMES),
    rule("frame-length", "genesys.refused", field(FRAME, &["4011"]), (Customer, Reject, Likely), LONG, FRAMES),
    rule("frame-rate", "genesys.rate-limited", field(FRAME, &["4029"]), (Provider, Throttle, Likely), THROTTLED, FRAMES),
    rule("genesys-429", "genesys.rate-limited", status(&[(429, 429)]).worded(), (Provider, Throttle, Certain), THROTTLED, "S2-33, S3-53"),
    rule("genesys-429-bare", "genesys.rate-limited", status(&[(429, 429)]), (Unknown, Throttle, NotSure), THROTTLED, "S2-33, C7"),
    rule("genesys-403", "genesys.permission", status(&[(403, 403)]).worded(), (Token, Reject, Likely), PERMISSION, "S3-51"),
    rule("genesys-404", "genesys.not-found", status(&[(404, 404)]).worded(), (Ours, Reject, Likely), NOT_FOUND, PAGE),
    rule("genesys-502", "genesys.unavailable", status(&[(502, 502)]), (Pipeline, Again, Likely), TRANSIENT, "S0, step 1"),
    rule("genesys-503", "genesys.unavailable", status(&[(503, 503)]).with("retry-after"), (Pipeline, Pause, Likely), TRANSIENT, "S2-34, C7"),
    rule("genesys-503-bare", "genesys.unavailable", status(&[(503, 503)]), (Pipeline, Again, Likely), TRANSIENT, "S2-34, C7"),
    rule("genesys-5xx-send", "genesys.outcome-unknown", status(&[(408, 408), (500, 599)]).at(&[Send]), (Pipeline, Open, NotSure), OPEN, "S2-34, C7"),
    rule("genesys-504", "genesys.unavailable", status(&[(504, 504)]), (Pipeline, Again, Likely), TRANSIENT, "S0, step 1"),
    rule("genesys-5xx", "genesys.unavailable", status(&[(408, 408), (500, 599)]).at(NOT_SEND), (Unknown, Again, NotSure), TRANSIENT, "S2-34, C7"),
    rule("genesys-token-unread", "genesys.token-unreadable", status(&[(200, 299)]).at(&[AtToken]), (Unknown, Again, NotSure), TOKEN_UNREAD, "genesys.md §2"),
    rule("genesys-link-unread", "genesys.download-unreadable", status(&[(200, 399)]).at(&[LookUp]), (Unknown, Again, NotSure), LINK_UNREAD, "genesys.md §4"),
    rule("genesys-upload-unread", "genesys.upload-unreadable", status(&[(200, 399)]).at(&[Step::Upload, Step::UploadStatus]), (Unknown, Again, NotSure), UPLOAD_UNREAD, "S3-12, S3-31"),
    rule("genesys-unexpected", "genesys.unexpected-answer", status(&[(200, 399)]).at(&[Send]), (Unknown, Open, NotSure), REFUSED, "genesys.md §5"),
];

const TOKEN: &str = "The token was refused twice. Check the OAuth client's id, secret and region.";
const PERMISSION: &str = "Give the OAuth client's role the permission conversation:message:receive; on the agent's side, conversation:message:create.";
const NOT_FOUND: &str = "Check the connection's integration_id and region; on the agent's side, that the conversation is still there.";
const LINK_DEAD: &str = "Genesys does not give the file any more. Ask the agent to send it again.";
const NOT_FETCHED: &str = "Genesys reports that it could not fetch the file. Attaché sends it a fresh link; see what the host of the link answers.";
const UNSUPPORTED: &str = "Genesys does not take a body of this type here; a WWW-Authenticate header in the evidence may hint at why. Report it.";
const THROTTLED: &str =
    "Nothing to do: Attaché waits and tries again. If it lasts, see who else uses this account.";
const TRANSIENT: &str =
    "Nothing to do: Attaché tries again. If it lasts ten minutes, see status.mypurecloud.com.";
const OPEN: &str = "Nothing to do: it may have arrived, and Attaché tries again under the same message id. If it lasts ten minutes, see status.mypurecloud.com.";
const DRIFT: &str = "The file fits the limits that are known, and Genesys takes less. Read its configuration again and compare; send a smaller file, never go round the limit.";
const MEDIA: &str = "Genesys does not take this type, or its content is another than its name says. See the supported-content profile.";
const NAME: &str =
    "Genesys does not take the file's name. Report it: Attaché writes names that fit.";
const SESSION: &str = "The guest's session ended. A new one begins by itself.";
const ATTACHMENT: &str = "The uploaded file expired before it was sent. Attaché uploads it again.";
const LONG: &str = "The text is longer than Genesys takes. Send it in parts.";
const REFUSED: &str = "Give Genesys support the correlation id named in the evidence.";
const TOKEN_UNREAD: &str = "Check the connection's region and login_url.";
const UPLOAD_UNREAD: &str = "Genesys answered an upload with something else than the source documents describe. See that the connection's profile is the right one: this surface is not published.";
const LINK_UNREAD: &str = "Nothing to do: the link is asked for again while it lives.";
