//! JSON as it stands in Meta's webhooks.

use serde_json::Value;

/// JSON as Meta writes it: everything outside ASCII as `\uXXXX` in lower-case hex, and `/` as `\/` if asked for. The
/// signature is over these bytes; written again in another way, the same JSON has another signature.
pub(crate) fn write(body: &Value, escape_slashes: bool) -> Vec<u8> {
    let plain = body.to_string();
    let mut written = String::with_capacity(plain.len());
    let mut units = [0; 2];
    for character in plain.chars() {
        match character {
            '/' if escape_slashes => written.push_str("\\/"),
            c if c.is_ascii() => written.push(c),
            c => {
                for unit in c.encode_utf16(&mut units) {
                    written.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    written.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn non_ascii_is_escaped_as_in_the_published_vector() {
        let text = json!({ "body": "äöå 👍 a/b" });
        let rows = [
            (false, r#"{"body":"\u00e4\u00f6\u00e5 \ud83d\udc4d a/b"}"#),
            (true, r#"{"body":"\u00e4\u00f6\u00e5 \ud83d\udc4d a\/b"}"#),
        ];
        for (slashes, expected) in rows {
            let written = write(&text, slashes);
            assert_eq!(String::from_utf8_lossy(&written), expected);
            let read: Value = serde_json::from_slice(&written).expect("JSON still");
            assert_eq!(read, text);
        }
    }
}
