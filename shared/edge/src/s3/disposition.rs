//! `Content-Disposition` for a file name of any script (RFC 6266, with the extended notation of RFC 5987).

use std::fmt::Write;

/// `attachment` with the name twice: in ASCII for old readers, and whole, percent-encoded, for all others, which prefer
/// it. Nothing in the name can end the value or begin another header.
pub(super) fn attachment(file_name: &str) -> String {
    let plain = |c: char| (c == ' ' || c.is_ascii_graphic()) && !matches!(c, '"' | '\\' | '%');
    let fallback: String = file_name
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    let mut value = format!("attachment; filename=\"{fallback}\"; filename*=UTF-8''");
    for byte in file_name.bytes() {
        // RFC 5987's `attr-char`.
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            value.push(char::from(byte));
        } else {
            // Writing into a `String` cannot fail.
            let _ = write!(value, "%{byte:02X}");
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_travel_and_cannot_break_out() {
        for (name, expected) in [
            (
                "a.pdf",
                "attachment; filename=\"a.pdf\"; filename*=UTF-8''a.pdf",
            ),
            (
                "Rechnung März (1).pdf",
                "attachment; filename=\"Rechnung M_rz (1).pdf\"; filename*=UTF-8''Rechnung%20M%C3%A4rz%20%281%29.pdf",
            ),
            (
                "a\"; x=\"b\r\nc%41",
                "attachment; filename=\"a_; x=_b__c_41\"; filename*=UTF-8''a%22%3B%20x%3D%22b%0D%0Ac%2541",
            ),
            ("*'", "attachment; filename=\"*'\"; filename*=UTF-8''%2A%27"),
        ] {
            assert_eq!(attachment(name), expected);
        }
    }
}
