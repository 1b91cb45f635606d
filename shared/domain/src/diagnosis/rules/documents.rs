//! What the source documents tell of upload surfaces and their completion events: published by nobody, so nothing here is
//! certain but what an event says of itself. Surfaces: `S0` and `S1`, `S2`, `S3`, `S4` of Genesys, `S1` of CXone.

use super::super::Confidence::{Certain, Likely, Unknown as NotSure};
use super::super::Domain::{Customer, Limits, Network, Ours, Pipeline, Provider, Token, Unknown};
use super::super::rule::Then::{Again, AgainLater, Reject, Smaller, Throttle};
use super::super::rule::{Rule, field, rule, status};
use super::super::seen::Step;
use super::super::seen::Step::{Register, Send, Token as AtToken, Upload, UploadStatus, Webhook};

const REPORTS: &[Step] = &[Webhook, UploadStatus];
const BYTES: &[Step] = &[Upload, Send];
const BAD: &[(u16, u16)] = &[(400, 400), (422, 422)];

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    rule("malware", "*.malware", field(&["virusScanResult"], &["malicious", "infected"]), (Customer, Reject, Certain), MALWARE, "S3-27, S3-58"),
    rule("scan-failed", "*.scan-failed", field(&["virusScanResult"], &["failed", "error", "timeout", "unscannable"]), (Pipeline, AgainLater, Certain), SCAN, "S3-54, C28"),
    rule("scan-failed-500", "*.scan-failed", status(&[(500, 500)]).at(&[Upload, UploadStatus]).worded().says(&["scan", "virus"]), (Pipeline, AgainLater, Likely), SCAN, "S3-54, C28"),
    rule("format-refused", "*.media-refused", field(&["formatValidation"], &["failed", "invalid", "rejected"]), (Customer, Reject, Certain), FORMAT, "S3-26, C16"),
    rule("cdn-ingestion", "pipeline.cdn-ingestion", field(&["error_code", "errorCode"], &["cdn_ingestion_timeout", "cdn_ingestion_error"]), (Pipeline, Again, Certain), INGESTION, "S0, step 1; S0-49"),
    rule("provider-rate-limited", "*.throttled", field(&["error_code", "errorCode"], &["provider_rate_limited"]), (Provider, Throttle, Certain), THROTTLED, "S0-49"),
    rule("second-hop-403", "network.tls-downgraded", field(&["provider_status", "providerStatus"], &["403"]).at(REPORTS), (Network, Reject, Likely), DOWNGRADED, "S0-29, S0-30"),
    rule("upload-failed", "pipeline.upload-failed", field(&["error_code", "errorCode"], &["media_upload_failed"]), (Pipeline, Again, Likely), FAILED, "S0-49"),
    rule("media-invalid", "*.media-refused", field(&["status"], &["invalid"]).at(REPORTS), (Customer, Reject, Certain), FORMAT, "genesys.md §6"),
    rule("completion-failed", "pipeline.upload-failed", field(&["status"], &["failed"]).at(REPORTS), (Unknown, Again, NotSure), FAILED, "S3-27; S0, step 1"),
    rule("silent-202", "pipeline.silent-202", field(&["status"], &["queued", "accepted", "uploading", "pending", "processing"]).at(REPORTS), (Pipeline, Again, Likely), SILENT, "S0, step 1; S0-81…86"),
    rule("type-stripped", "pipeline.type-stripped", field(&["type", "mimeType", "mime_type"], &["application/octet-stream"]).at(&[Upload, UploadStatus]), (Pipeline, Again, Likely), STRIPPED, "S0-70…73; S2-21"),
    rule("payload-mismatch", "*.bytes-altered", status(BAD).at(BYTES).worded().says(&["payload mismatch", "content-length", "content length"]), (Pipeline, Again, Likely), ALTERED, "S0-31, S0-32"),
    rule("multipart-refused", "*.multipart-refused", status(&[(415, 415)]).worded().says(&["multipart/form-data"]), (Ours, Reject, Certain), MULTIPART, "S4-3…8"),
    rule("name-refused", "*.name-refused", status(BAD).at(BYTES).worded().says(&["file name", "filename", "name contains"]), (Ours, Reject, Likely), NAME, "S3-52; S1-45, S1-47"),
    rule("form-field", "*.form-refused", status(BAD).at(&[Upload]).worded().says(&["form field", "field name", "multipart", "boundary", "no file"]), (Ours, Reject, Likely), FORM, "S2-31; S4-10"),
    rule("size-400", "*.too-large", status(BAD).at(BYTES).worded().says(&["maximum allowed size", "file size", "size exceeds", "too large"]), (Limits, Smaller, Likely), DRIFT, "S3-52, S2-32"),
    rule("type-400", "*.media-refused", status(BAD).at(BYTES).worded().says(&["mime", "content type", "content-type", "media type", "file type"]), (Customer, Reject, Likely), TYPE, "S2-25, S2-31; S1-45, S1-49"),
    rule("gateway-400", "*.media-refused", status(&[(400, 400)]).at(&[Upload]).worded().says(&["media gateway", "invalid payload"]), (Customer, Reject, Likely), TYPE, "S1-45, S1-46"),
    rule("not-of-conversation", "*.attachment-elsewhere", status(BAD).at(&[Send]).worded().says(&["does not belong", "not associated", "attachment not found"]), (Ours, Reject, Likely), ELSEWHERE, "S2-28, S2-30"),
    rule("limit-drift", "*.too-large", status(&[(413, 413)]).worded(), (Limits, Smaller, Likely), DRIFT, "S2-26, S2-32; C5"),
    rule("upload-link-expired", "*.upload-link-expired", status(&[(400, 400), (403, 403)]).at(&[Upload]).says(&["request has expired", "link has expired", "url has expired"]), (Pipeline, Again, Likely), LINK_EXPIRED, "S3-15, S3-21"),
    rule("signature-refused", "*.signature-refused", status(&[(401, 401), (403, 403)]).worded().says(&["signature"]), (Ours, Reject, Likely), SIGNATURE, "S0-53"),
    rule("scope-missing", "*.permission", status(&[(401, 401), (403, 403)]).worded().says(&["scope", "permission"]), (Token, Reject, Likely), SCOPE, "S0-54, S0-64; S3-50, S3-51; S4-9"),
    rule("registered-already", "*.registered-already", status(&[(409, 409)]).at(&[Register]), (Ours, Reject, Likely), REGISTERED, "S3-25"),
    rule("grant-refused", "*.client-refused", field(&["error"], &["invalid_client", "unauthorized_client", "invalid_grant", "invalid_scope"]).at(&[AtToken]), (Token, Reject, Certain), CLIENT, "S0-54, S0-57; RFC 6749 §5.2"),
];

const MALWARE: &str = "The platform's scanner calls the file malicious. It was blocked; keep it in quarantine, and tell the sender to check the device it came from.";
const SCAN: &str = "The platform's scanner could not read the file. Attaché tries once more after five minutes; then see whether the file opens at all.";
const FORMAT: &str = "The platform does not take the file in this form: its content and its name disagree, or it is damaged. Ask for it in another form.";
const INGESTION: &str = "The platform took the file and lost it on the way to its content network. Attaché tries again. If it lasts ten minutes, see the platform's status page.";
const THROTTLED: &str =
    "Nothing to do: Attaché waits and tries again. If it lasts, see who else uses this account.";
const DOWNGRADED: &str = "The platform took the file, and its provider refused the second hop: look for a proxy or firewall between that lowers TLS below 1.3.";
const FAILED: &str = "The platform took the file and then failed without saying why. Attaché tries again; give support the id in the evidence.";
const SILENT: &str = "Accepted is not delivered: the file still waits inside the platform, mostly because of a rate limit. Attaché asks every 5 s, gives up at 60 s and tries again.";
const STRIPPED: &str = "The type got lost on the way, and the customer would see a broken icon. Have every proxy and content network between pass Content-Type on.";
const ALTERED: &str = "Something on the way changes the bytes. Switch compression off for pictures, films and PDF on every proxy and content network between.";
const MULTIPART: &str =
    "This address takes JSON only. Send the message as JSON, and the file by an upload of its own.";
const NAME: &str = "The file's name has characters that the platform does not take, or none was given. Report it: Attaché writes names that fit.";
const FORM: &str =
    "The form's field is not the one the platform expects. Check the profile's field name.";
const DRIFT: &str = "The file fits the limits that are known, and the platform takes less. Read its configuration again and compare; send a smaller file, never go round the limit.";
const TYPE: &str = "The platform does not take this type, or its content is another than its name says. See the types its configuration allows.";
const ELSEWHERE: &str = "The uploaded file is not one of this conversation. Upload it within the conversation and send its id.";
const LINK_EXPIRED: &str = "The signed link for the upload died before the bytes were there. Attaché asks for a new one; if it lasts, compare the clocks.";
const SIGNATURE: &str = "The signature was refused: something on the way changes the body, or the secret is another. Compare the secrets; look for proxies that rewrite.";
const SCOPE: &str = "The client lacks a scope or permission, which the evidence may name. Grant it to the OAuth client, not to a user, and to long-lived tokens only.";
const REGISTERED: &str = "Nothing to do: the webhook is registered already.";
const CLIENT: &str =
    "The OAuth client was refused. Check its id, secret, grant and scopes, and the region.";
