//! The EICAR test file: 68 agreed bytes by which one checks that scanning happens at all (eicar.org).

use super::find;

/// Its middle, which no other text has; never written out whole, so that no scanner takes this program for it.
const HALVES: [&[u8]; 2] = [b"EICAR-STANDARD-", b"ANTIVIRUS-TEST-FILE!$H+H*"];
const START: &[u8] = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$";

/// Whether the test string stands in these bytes.
pub(crate) fn is_in(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = find(rest, START) {
        rest = &rest[at + START.len()..];
        if rest
            .strip_prefix(HALVES[0])
            .is_some_and(|more| more.starts_with(HALVES[1]))
        {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_string() {
        let whole = [b"  ", START, HALVES[0], HALVES[1], b"\n"].concat();
        assert!(is_in(&whole));
        assert!(!is_in(&whole[..60]));
        assert!(!is_in(HALVES[0]));
    }
}
