//! JPEG pictures built to be slow: each scan passes over the whole picture, and a few bytes make one.

use memchr::memchr_iter;

use crate::Unconvertible;

/// The most scans that are decoded. Encoders write 1 to 14; every further one costs as much as the whole picture.
const MOST_SCANS: usize = 64;

/// Refuses a picture of more scans than anybody needs. Inside a scan's data the marker that begins one cannot stand by itself
/// (a zero follows each 0xFF there), so counting needs no parsing; what stands in a comment is counted too.
pub(super) fn bounded(bytes: &[u8]) -> Result<(), Unconvertible> {
    let is_scan = |at: &usize| bytes.get(at + 1) == Some(&0xDA);
    let scans = memchr_iter(0xFF, bytes)
        .filter(is_scan)
        .take(MOST_SCANS + 1);
    match scans.count() {
        0..=MOST_SCANS => Ok(()),
        _ => Err(Unconvertible::Damaged(format!(
            "more than {MOST_SCANS} scans"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_scans_and_no_more() {
        let of = |scans: usize| [&[0xFF, 0xD8][..], &[0xFF, 0xDA, 0xFF, 0].repeat(scans)].concat();
        assert_eq!(bounded(&of(MOST_SCANS)), Ok(()));
        assert!(bounded(&of(MOST_SCANS + 1)).is_err());
        assert_eq!(bounded(&[0xFF]), Ok(()));
    }
}
