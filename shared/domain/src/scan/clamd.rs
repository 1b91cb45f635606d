//! clamd's `INSTREAM` command, without the socket: the bytes go to it in chunks over the connection the command was given on,
//! and one line comes back.
//!
//! After <https://docs.clamav.net/manual/Usage/Scanning.html> and clamd(8) (checked 2026-11-26): the command begins with `z`
//! and ends, like the answer, with a zero byte; a chunk is its length, four bytes in network order, and its bytes; a chunk of
//! length zero is the end.

use super::Scanned;

/// As which its findings are written down.
pub const NAME: &str = "clamd";

/// The command.
pub const COMMAND: &[u8] = b"zINSTREAM\0";

/// The chunk that ends the stream.
pub const END: [u8; 4] = [0; 4];

/// The longest answer that is read. Signatures have short names.
pub const LONGEST_REPLY: usize = 4096;

/// What clamd answers to a stream that is longer than its `StreamMaxLength`; it hangs up then.
const TOO_LONG: &str = "INSTREAM size limit exceeded. ERROR";

/// Findings that are no malware: clamd met a limit of its own, or a lock, and did not look behind it.
const UNSEEN: [&str; 2] = ["Heuristics.Limits.Exceeded", "Heuristics.Encrypted"];

/// An answer that tells nothing of the bytes; asked again, clamd may know more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("clamd answered {0:?}")]
pub struct Trouble(pub String);

/// What stands before a chunk of `bytes` bytes.
#[must_use]
pub fn chunk_header(bytes: u32) -> [u8; 4] {
    bytes.to_be_bytes()
}

/// Reads an answer.
///
/// # Errors
/// [`Trouble`] if it is an error of clamd's that says nothing of the file, or no answer of clamd's at all.
pub fn reply(bytes: &[u8]) -> Result<Scanned, Trouble> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches(['\0', '\n', '\r']);
    if text == TOO_LONG {
        return Ok(Scanned::not_scanned(NAME, TOO_LONG));
    }
    let verdict = text.strip_prefix("stream: ");
    if verdict == Some("OK") {
        return Ok(Scanned::clean(NAME));
    }
    let found = verdict.and_then(|verdict| verdict.strip_suffix(" FOUND"));
    match found.filter(|signature| !signature.is_empty()) {
        Some(signature) if UNSEEN.iter().any(|unseen| signature.starts_with(unseen)) => {
            Ok(Scanned::not_scanned(NAME, signature))
        }
        Some(signature) => Ok(Scanned::malware(NAME, Some(signature))),
        None => Err(Trouble(crate::diagnosis::excerpt(text, 120))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_and_what_is_none_is_trouble() {
        let malware = |name| Some(Scanned::malware(NAME, Some(name)));
        let not_scanned = |why| Some(Scanned::not_scanned(NAME, why));
        for (answer, expected) in [
            ("stream: OK\0", Some(Scanned::clean(NAME))),
            ("stream: OK\n", Some(Scanned::clean(NAME))),
            (
                "stream: Win.Test.EICAR_HDB-1 FOUND\0",
                malware("Win.Test.EICAR_HDB-1"),
            ),
            (
                "stream: {HEX}Some thing.UNOFFICIAL FOUND\0",
                malware("{HEX}Some thing.UNOFFICIAL"),
            ),
            (
                "INSTREAM size limit exceeded. ERROR\0",
                not_scanned(TOO_LONG),
            ),
            (
                "stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0",
                not_scanned("Heuristics.Limits.Exceeded.MaxFileSize"),
            ),
            (
                "stream: Heuristics.Encrypted.Zip FOUND\0",
                not_scanned("Heuristics.Encrypted.Zip"),
            ),
            ("stream: Can't allocate memory ERROR\0", None),
            ("COMMAND READ TIMED OUT\0", None),
            ("UNKNOWN COMMAND\0", None),
            ("stream:  FOUND", None),
            ("stream: OKAY", None),
            ("OK", None),
            ("", None),
            ("HTTP/1.1 400 Bad Request\r\n", None),
        ] {
            assert_eq!(reply(answer.as_bytes()).ok(), expected, "{answer:?}");
        }
    }

    #[test]
    fn a_chunk_tells_its_length_in_network_order() {
        assert_eq!(chunk_header(65_536), [0, 1, 0, 0]);
        assert_eq!(chunk_header(0), END);
    }
}
