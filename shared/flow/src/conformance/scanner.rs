//! The suite of [`Scanner`].

use std::io::{Cursor, SeekFrom};

use attache_domain::scan::{Outcome, Scanned};

use super::ok;
use crate::ports::{Bytestream, Scanner};

/// Runs the suite against a scanner that knows `signature` by `name`, and looks at no file longer than `longest` bytes, which is
/// more than 200 000.
pub async fn scanner(scanner: &dyn Scanner, (signature, name): (&[u8], &str), longest: usize) {
    let within = |length: usize, at: usize| {
        let mut bytes = vec![b'.'; length];
        bytes[at..at + signature.len()].copy_from_slice(signature);
        bytes
    };
    let malware = || Scanned::malware(scanner.name(), Some(name));
    let clean = || Scanned::clean(scanner.name());
    let end = longest - signature.len();
    for (what, bytes, expected) in [
        ("nothing", Vec::new(), clean()),
        ("a byte", vec![0], clean()),
        ("harmless bytes", vec![b'.'; 200_000], clean()),
        ("only it", signature.to_vec(), malware()),
        (
            "it at the end of the longest file",
            within(longest, end),
            malware(),
        ),
        // Across the borders of whatever pieces the bytes are read in.
        ("it across 64 KiB", within(200_000, 65_536 - 3), malware()),
        ("a part of it", signature[1..].to_vec(), clean()),
    ] {
        let mut bytes = Cursor::new(bytes);
        // Whoever inspected it left it somewhere.
        let seen = bytes.get_ref().len() as u64 / 2;
        ok(std::io::Seek::seek(&mut bytes, SeekFrom::Start(seen))
            .map_err(|e| crate::ports::Outage::new("seeking", e)));
        assert_eq!(ok(scanner.scan(&mut bytes).await), expected, "{what}");
    }
    let mut too_long: Box<dyn Bytestream> = Box::new(Cursor::new(within(longest + 1, 0)));
    let scanned = ok(scanner.scan(&mut *too_long).await);
    assert!(
        matches!(scanned.outcome, Outcome::NotScanned { .. }),
        "one byte too long, and {scanned:?}"
    );
}

/// Runs the suite against a scanner that cannot do its part: that is an outage, and never an outcome.
pub async fn scanner_in_trouble(scanner: &dyn Scanner, bytes: Vec<u8>) {
    let mut bytes = Cursor::new(bytes);
    let scanned = scanner.scan(&mut bytes).await;
    assert!(scanned.is_err(), "in trouble, and {scanned:?}");
}
