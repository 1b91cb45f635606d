//! Graph error bodies, with status and name from the published table of codes.

use std::{collections::HashMap, sync::LazyLock};

use http::StatusCode;
use serde_json::{Value, json};

use crate::wire::Answer;

/// Codes this stand-in answers with. Names and statuses come from `specs/meta-error-codes.json`.
pub(crate) const TOO_MANY_CALLS: u32 = 4;
pub(crate) const INVALID_PARAMETER: u32 = 100;
pub(crate) const TOKEN: u32 = 190;
pub(crate) const THROUGHPUT: u32 = 130_429;
pub(crate) const WENT_WRONG: u32 = 131_000;
pub(crate) const NOT_VALID: u32 = 131_009;
pub(crate) const WINDOW_CLOSED: u32 = 131_047;
pub(crate) const MEDIA_DOWNLOAD: u32 = 131_052;
pub(crate) const MEDIA_UPLOAD: u32 = 131_053;
pub(crate) const NO_TEMPLATE: u32 = 132_001;

/// Code → status and name. The table is part of the program: were it unreadable, every lookup would fall back to 400.
static TABLE: LazyLock<HashMap<u64, (u16, String)>> = LazyLock::new(|| {
    let text = include_str!("../../specs/meta-error-codes.json");
    let table: Value = serde_json::from_str(text).unwrap_or_default();
    let rows = table["whatsapp"].as_array().cloned().unwrap_or_default();
    let row = |row: &Value| {
        let status = u16::try_from(row["http"].as_u64()?).ok()?;
        Some((
            row["code"].as_u64()?,
            (status, row["name"].as_str()?.to_owned()),
        ))
    };
    rows.iter().filter_map(row).collect()
});

/// An error to answer with.
#[derive(Clone, Debug)]
pub(crate) struct GraphError {
    code: u32,
    subcode: Option<u32>,
    status: Option<StatusCode>,
    kind: &'static str,
    message: Option<String>,
    details: Option<String>,
    transient: bool,
}

impl GraphError {
    /// The error of this code, worded as the table names it.
    pub(crate) fn new(code: u32) -> Self {
        Self {
            code,
            subcode: None,
            status: None,
            kind: "OAuthException",
            message: None,
            details: None,
            transient: false,
        }
    }

    /// The error of this code and, where there is one, subcode, in the words that are published.
    pub(crate) fn said(code: u32, subcode: Option<u32>, message: &str) -> Self {
        Self {
            subcode,
            message: Some(format!("(#{code}) {message}")),
            ..Self::new(code)
        }
    }

    /// A refused parameter.
    pub(crate) fn parameter(details: &str) -> Self {
        Self::new(INVALID_PARAMETER).details(details)
    }

    /// A media id that is unknown, foreign or past its life: code 100, subcode 33 (general knowledge, as in the example).
    pub(crate) fn no_such_object(id: &str) -> Self {
        let message = format!(
            "Unsupported get request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, \
             or does not support this operation."
        );
        Self {
            subcode: Some(33),
            kind: "GraphMethodException",
            message: Some(message),
            ..Self::new(INVALID_PARAMETER)
        }
    }

    /// A token that has expired (subcode 463) or is not one of ours (none).
    pub(crate) fn token(expired: bool) -> Self {
        let message = match expired {
            true => "Error validating access token: Session has expired.",
            false => "Invalid OAuth access token - Cannot parse access token",
        };
        Self {
            subcode: expired.then_some(463),
            message: Some(message.to_owned()),
            ..Self::new(TOKEN)
        }
    }

    /// Adds `error_data.details`.
    pub(crate) fn details(mut self, details: &str) -> Self {
        self.details = Some(details.to_owned());
        self
    }

    /// Answers under another status than the table's.
    pub(crate) fn under(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    /// Marks the error as transient.
    pub(crate) fn transient(mut self) -> Self {
        self.transient = true;
        self
    }

    /// The error as one of `statuses[].errors[]`.
    pub(crate) fn in_status(&self) -> Value {
        let name = name(self.code);
        json!({
            "code": self.code, "title": name, "message": name,
            "error_data": { "details": self.details.clone().unwrap_or_default() },
            "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"
        })
    }

    /// The error as an HTTP answer.
    pub(crate) fn answer(self) -> Answer {
        let listed = TABLE.get(&u64::from(self.code)).map(|(status, _)| *status);
        let listed = listed.and_then(|status| StatusCode::from_u16(status).ok());
        let status = self.status.or(listed).unwrap_or(StatusCode::BAD_REQUEST);
        let message = self
            .message
            .unwrap_or_else(|| format!("(#{}) {}", self.code, name(self.code)));
        let mut error = json!({
            "message": message, "type": self.kind, "code": self.code,
            "fbtrace_id": crate::random::letters(11),
        });
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = subcode.into();
        }
        if let Some(details) = self.details {
            error["error_data"] = json!({ "messaging_product": "whatsapp", "details": details });
        }
        if self.transient {
            error["is_transient"] = true.into();
        }
        Answer::json(status, &json!({ "error": error }))
    }
}

fn name(code: u32) -> &'static str {
    TABLE
        .get(&u64::from(code))
        .map_or("Unknown error", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_used_is_in_the_table_with_its_status() {
        let rows = [
            (TOO_MANY_CALLS, 400),
            (INVALID_PARAMETER, 400),
            (TOKEN, 401),
            (THROUGHPUT, 400),
            (WENT_WRONG, 500),
            (NOT_VALID, 400),
            (WINDOW_CLOSED, 400),
            (MEDIA_DOWNLOAD, 400),
            (MEDIA_UPLOAD, 400),
            (NO_TEMPLATE, 404),
        ];
        for (code, status) in rows {
            assert_ne!(name(code), "Unknown error", "{code}");
            assert_eq!(
                GraphError::new(code).answer().status.as_u16(),
                status,
                "{code}"
            );
        }
    }
}
