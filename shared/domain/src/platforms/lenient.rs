//! Reading foreign JSON leniently: every optional field may be missing or of another type.

use serde_json::Value;

use crate::digest::Sha256Digest;

/// More messages and statuses than this in one body are refused: no platform sends as many at once.
pub(super) const MOST_ANNOUNCEMENTS: usize = 1_000;

/// The longest slice that is kept, in bytes (DynamoDB: 400 KB for a row); no platform sends a longer message.
const LONGEST_SLICE: usize = 256 * 1024;

/// A body that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Not JSON (nested deeper than 128 levels counts as that).
    #[error("not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// JSON, but no object.
    #[error("the body is not a JSON object")]
    NotAnObject,
    /// More announcements than any platform sends at once.
    #[error("more than {MOST_ANNOUNCEMENTS} messages and statuses in one body")]
    TooMany,
    /// Something is missing without which it is of no use.
    #[error("it does not name {0}")]
    Missing(&'static str),
}

/// The body as a JSON object.
pub(super) fn object(body: &[u8]) -> Result<Value, Unreadable> {
    let body: Value = serde_json::from_slice(body)?;
    if body.is_object() {
        Ok(body)
    } else {
        Err(Unreadable::NotAnObject)
    }
}

/// The entries of the array under `key`; none if there is no array.
pub(super) fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// A string or a number as a string.
pub(super) fn text(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A text that says something.
pub(super) fn words(value: &Value, key: &str) -> Option<String> {
    text(value, key).filter(|text| !text.trim().is_empty())
}

/// A whole number, also written as a string.
pub(super) fn whole(value: &Value, key: &str) -> Option<u64> {
    let value = value.get(key)?;
    value
        .as_u64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}

/// A digest in hexadecimal or base64. The two cannot be confused: their lengths differ.
pub(super) fn digest(text: &str) -> Option<Sha256Digest> {
    Sha256Digest::from_base64(text)
        .or_else(|_| Sha256Digest::from_hex(text))
        .ok()
}

/// The name of what has none: its content's, so that a repeat is named alike.
pub(super) fn unnamed(slice: &str) -> String {
    format!("unnamed-{}", Sha256Digest::of(slice.as_bytes()))
}

/// A slice short enough for a row.
pub(super) fn kept(mut slice: String) -> String {
    slice.truncate(slice.floor_char_boundary(LONGEST_SLICE));
    slice
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_of_either_type_and_none() {
        let value = json!({"a": 1, "b": "2", "c": null, "d": "  ", "e": ["x"], "f": "303833"});
        assert_eq!(text(&value, "a").as_deref(), Some("1"));
        assert_eq!(text(&value, "b").as_deref(), Some("2"));
        assert_eq!((text(&value, "c"), words(&value, "d")), (None, None));
        assert_eq!(
            (whole(&value, "a"), whole(&value, "f")),
            (Some(1), Some(303_833))
        );
        assert_eq!(
            (list(&value, "e").count(), list(&value, "a").count()),
            (1, 0)
        );
    }

    #[test]
    fn long_slices_are_cut_between_letters() {
        let long = "\u{e4}".repeat(LONGEST_SLICE);
        assert!(kept(long).len() <= LONGEST_SLICE);
        assert!(matches!(object(b"[]"), Err(Unreadable::NotAnObject)));
        assert!(matches!(object(b"\xff"), Err(Unreadable::Json(_))));
        let deep = "[".repeat(100_000);
        assert!(matches!(object(deep.as_bytes()), Err(Unreadable::Json(_))));
    }
}
