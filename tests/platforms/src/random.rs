//! Ids, tokens and hashes as the platforms draw them: unpredictable, and no two alike.

use std::fmt::Write as _;

/// `count` random decimal digits, the first not zero.
pub(crate) fn digits(count: usize) -> String {
    let drawn = (0..count).map(|place| {
        let low = u32::from(place == 0);
        char::from_digit(rand::random_range(low..10), 10).unwrap_or('1')
    });
    drawn.collect()
}

/// `count` random letters and digits.
pub(crate) fn letters(count: usize) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let drawn = (0..count).map(|_| char::from(ALPHABET[rand::random_range(0..ALPHABET.len())]));
    drawn.collect()
}

/// `count` random bytes in hex.
pub(crate) fn hex(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, _| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{:02x}", rand::random::<u8>());
        text
    })
}

/// A random identifier in the shape of a version 4 UUID.
pub(crate) fn uuid() -> String {
    let hex = hex(16);
    let variant = ["8", "9", "a", "b"][rand::random_range(0..4)];
    format!(
        "{}-{}-4{}-{variant}{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..]
    )
}
