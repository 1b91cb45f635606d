//! How long one message of words may be, and longer ones in pieces.

/// The longest words of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LongestText {
    /// So many Unicode characters.
    Characters(usize),
    /// So many bytes of UTF-8.
    Bytes(usize),
}

impl LongestText {
    /// The text in pieces that fit, which are the text again one after the other. A piece ends behind a line or a word, if
    /// there is one in its last quarter; never within a character.
    #[must_use]
    pub fn pieces(self, text: &str) -> Vec<&str> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(self.end_of_piece(rest));
            pieces.push(piece);
            rest = behind;
        }
        pieces
    }

    /// Where the first piece of a text ends, in bytes.
    fn end_of_piece(self, text: &str) -> usize {
        let most = self.fitting(text);
        let Some(fitting) = text.get(..most).filter(|_| most < text.len()) else {
            return text.len();
        };
        let late = fitting.len() - fitting.len() / 4;
        let behind = |of: char| fitting.rfind(of).map(|at| at + of.len_utf8());
        behind('\n')
            .filter(|end| *end > late)
            .or_else(|| behind(' ').filter(|end| *end > late))
            .unwrap_or(most)
    }

    /// How many bytes of a text fit into one message; at least one character.
    fn fitting(self, text: &str) -> usize {
        let of = |count: usize| {
            let mut ends = text.char_indices().map(|(at, _)| at).skip(count);
            ends.next().unwrap_or(text.len())
        };
        match self {
            Self::Characters(most) => of(most.max(1)),
            Self::Bytes(most) => text.floor_char_boundary(most).max(of(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pieces_end_behind_lines_and_words() {
        for (longest, text, expected) in [
            (LongestText::Characters(8), "", &[][..]),
            (LongestText::Characters(8), "12345678", &["12345678"]),
            (LongestText::Characters(8), "123456789", &["12345678", "9"]),
            (LongestText::Characters(8), "123456 89", &["123456 ", "89"]),
            (
                LongestText::Characters(8),
                "12345\n7 9",
                &["12345\n7 ", "9"],
            ),
            (
                LongestText::Characters(8),
                "123456\n 9",
                &["123456\n", " 9"],
            ),
            (LongestText::Characters(8), "1 3456789", &["1 345678", "9"]),
            (LongestText::Characters(2), "äöü", &["äö", "ü"]),
            (LongestText::Bytes(3), "äöü", &["ä", "ö", "ü"]),
            (LongestText::Bytes(1), "ä", &["ä"]),
        ] {
            assert_eq!(longest.pieces(text), expected, "{longest:?} {text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_everything_fits(text in "[a-zä€😀 \n]{0,200}", most in 4_usize..40) {
            for longest in [LongestText::Characters(most), LongestText::Bytes(most)] {
                let pieces = longest.pieces(&text);
                prop_assert_eq!(pieces.concat(), text.as_str());
                for piece in pieces {
                    let length = match longest {
                        LongestText::Characters(_) => piece.chars().count(),
                        LongestText::Bytes(_) => piece.len(),
                    };
                    prop_assert!((1..=most).contains(&length), "{:?}", piece);
                }
            }
        }
    }
}
