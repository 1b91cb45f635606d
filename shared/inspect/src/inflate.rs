//! Unpacking with a cap: how much of a stream is taken, and how much it would become.

use flate2::read::{DeflateDecoder, ZlibDecoder};
use std::io::Read;

/// Unpacks a zlib stream up to `cap` bytes; what was good before an error is kept.
pub(crate) fn zlib(packed: &[u8], cap: usize) -> Vec<u8> {
    take(ZlibDecoder::new(packed), cap)
}

/// Unpacks raw deflate data up to `cap` bytes; what was good before an error is kept.
pub(crate) fn deflate(packed: &[u8], cap: usize) -> Vec<u8> {
    take(DeflateDecoder::new(packed), cap)
}

/// Reads up to `cap` bytes; what was good before an error is kept.
pub(crate) fn take(reader: impl Read, cap: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut limited = reader.take(cap as u64);
    // Whatever ends it, damage or the cap: what came before is what is judged.
    let _ = limited.read_to_end(&mut bytes);
    bytes
}

/// How many bytes come out of a reader, counted up to `cap` and thrown away.
pub(crate) fn count(mut reader: impl Read, cap: u64) -> u64 {
    let mut room = vec![0; 64 << 10];
    let mut total = 0;
    while total < cap {
        match reader.read(&mut room) {
            Ok(0) | Err(_) => break,
            Ok(more) => total += more as u64,
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use std::io::Write;

    #[test]
    fn caps_hold_and_damage_keeps_what_was_good() {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&[7; 100_000]).unwrap();
        let packed = encoder.finish().unwrap();
        assert_eq!(zlib(&packed, 10), [7; 10]);
        assert_eq!(zlib(&packed, 1 << 20).len(), 100_000);
        assert_eq!(deflate(&packed[2..], 1 << 20).len(), 100_000);
        assert!(zlib(b"not packed", 10).is_empty());
        assert_eq!(count(ZlibDecoder::new(&packed[..]), 1 << 20), 100_000);
        assert!((5..100_000).contains(&count(ZlibDecoder::new(&packed[..]), 5)));
    }
}
