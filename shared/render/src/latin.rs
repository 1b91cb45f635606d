//! The letters of a standard font: what has a place in `WinAnsiEncoding` (ISO 32000-1, annex D.2), what is spelt with what has one,
//! and what is missing.

use std::collections::BTreeSet;

use attache_domain::channels::wire_name::in_ascii;

use crate::Change;

/// What stands in the place of what is missing.
const MISSING: u8 = b'?';

/// The upper half of the control characters, where the encoding has letters: Windows-1252.
const UPPER: [Option<char>; 32] = {
    const NONE: Option<char> = None;
    let mut upper = [NONE; 32];
    let letters = [
        (0x00, '€'),
        (0x02, '‚'),
        (0x03, 'ƒ'),
        (0x04, '„'),
        (0x05, '…'),
        (0x06, '†'),
        (0x07, '‡'),
        (0x08, 'ˆ'),
        (0x09, '‰'),
        (0x0A, 'Š'),
        (0x0B, '‹'),
        (0x0C, 'Œ'),
        (0x0E, 'Ž'),
        (0x11, '‘'),
        (0x12, '’'),
        (0x13, '“'),
        (0x14, '”'),
        (0x15, '•'),
        (0x16, '–'),
        (0x17, '—'),
        (0x18, '˜'),
        (0x19, '™'),
        (0x1A, 'š'),
        (0x1B, '›'),
        (0x1C, 'œ'),
        (0x1E, 'ž'),
        (0x1F, 'Ÿ'),
    ];
    let mut at = 0;
    while at < letters.len() {
        upper[letters[at].0] = Some(letters[at].1);
        at += 1;
    }
    upper
};

/// The character of a byte of Windows-1252; `None`: the byte means nothing there.
pub(crate) fn decoded(byte: u8) -> Option<char> {
    match byte {
        0x80..=0x9F => UPPER[usize::from(byte - 0x80)],
        _ => Some(char::from(byte)),
    }
}

/// Its byte; `None`: it has no place in the encoding.
fn encoded(letter: char) -> Option<u8> {
    match letter {
        ' '..='~' | '\u{a0}'..='\u{ff}' => u8::try_from(u32::from(letter)).ok(),
        _ => (0x80..=0x9F).find(|byte| decoded(*byte) == Some(letter)),
    }
}

/// How it is spelt with what has a place; empty: it is left out, and nobody misses it.
fn spelt(letter: char) -> Option<&'static str> {
    Some(match letter {
        '\u{300}'..='\u{36f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2060}'
        | '\u{fe0e}'
        | '\u{fe0f}'
        | '\u{feff}' => "",
        '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => " ",
        '\u{2010}' | '\u{2011}' | '\u{2212}' => "-",
        '\u{2012}' | '\u{2015}' => "–",
        '‛' => "‘",
        '′' => "'",
        '″' => "\"",
        '←' => "<-",
        '→' => "->",
        '≤' => "<=",
        '≥' => ">=",
        '≠' => "!=",
        '✓' | '✔' => "[x]",
        'ﬁ' => "fi",
        'ﬂ' => "fl",
        '№' => "No.",
        _ => return in_ascii(letter),
    })
}

/// Writes lines in the encoding, and remembers what it could not write as it was.
#[derive(Debug, Default)]
pub(crate) struct Scribe {
    spelt: BTreeSet<char>,
    missing: BTreeSet<char>,
    missing_count: usize,
    shown: usize,
}

impl Scribe {
    /// The text with every letter in its place. Control characters other than line ends and tabs are left out.
    pub(crate) fn plain(&mut self, text: &str) -> String {
        let mut plain = String::with_capacity(text.len());
        for letter in text.chars() {
            match letter {
                '\n' | '\t' => plain.push(letter),
                // An umlaut written as letter and diaeresis, as macOS does.
                '\u{308}' => match composed(plain.chars().next_back()) {
                    Some(umlaut) => {
                        plain.pop();
                        plain.push(umlaut);
                    }
                    None => self.write(letter, &mut plain),
                },
                _ if letter.is_control() => {}
                _ => self.write(letter, &mut plain),
            }
        }
        plain
    }

    fn write(&mut self, letter: char, plain: &mut String) {
        self.shown += usize::from(!letter.is_whitespace());
        if encoded(letter).is_some() {
            plain.push(letter);
        } else if let Some(spelling) = spelt(letter) {
            self.spelt.insert(letter);
            plain.push_str(spelling);
        } else {
            self.missing.insert(letter);
            self.missing_count += 1;
            plain.push(char::from(MISSING));
        }
    }

    /// How many characters are missing, of how many that are not blank.
    pub(crate) fn missing(&self) -> (usize, usize) {
        (self.missing_count, self.shown)
    }

    /// What is otherwise than it was.
    pub(crate) fn changes(self) -> Vec<Change> {
        let mut changes = Vec::new();
        if !self.spelt.is_empty() {
            let letters = self.spelt.into_iter().collect();
            changes.push(Change::Spelt { letters });
        }
        if !self.missing.is_empty() {
            changes.push(Change::Missing {
                letters: self.missing.into_iter().collect(),
                count: self.missing_count,
            });
        }
        changes
    }
}

fn composed(letter: Option<char>) -> Option<char> {
    Some(match letter? {
        'a' => 'ä',
        'o' => 'ö',
        'u' => 'ü',
        'A' => 'Ä',
        'O' => 'Ö',
        'U' => 'Ü',
        'e' => 'ë',
        'i' => 'ï',
        _ => return None,
    })
}

/// A line that [`Scribe::plain`] wrote, in the font's encoding.
pub(crate) fn bytes(line: &str) -> Vec<u8> {
    line.chars()
        .map(|letter| encoded(letter).unwrap_or(MISSING))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_means_one_letter() {
        let letters: Vec<char> = (0x20..=0xFF).filter_map(decoded).collect();
        for letter in letters.iter().filter(|letter| !letter.is_control()) {
            assert_eq!(encoded(*letter).and_then(decoded), Some(*letter));
        }
        assert_eq!(encoded('€'), Some(0x80));
        assert_eq!(encoded('ł'), None);
    }

    #[test]
    fn letters_stay_or_are_spelt_or_are_missing_and_it_is_told_which() {
        for (text, expected, changes) in [
            ("Größe: 5 €, „ja“ – é", "Größe: 5 €, „ja“ – é", vec![]),
            ("Ma\u{308}rz\u{7}", "März", vec![]),
            (
                "Łódź → 3",
                "Lódz -> 3",
                vec![Change::Spelt {
                    letters: vec!['Ł', 'ź', '→'],
                }],
            ),
            (
                "да 😀",
                "?? ?",
                vec![Change::Missing {
                    letters: vec!['а', 'д', '😀'],
                    count: 3,
                }],
            ),
        ] {
            let mut scribe = Scribe::default();
            assert_eq!(scribe.plain(text), expected);
            assert_eq!(scribe.changes(), changes, "{text}");
        }
        assert_eq!(bytes("ä€"), [0xE4, 0x80]);
    }
}
