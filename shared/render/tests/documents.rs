//! Texts and tables as PDFs: what is in them, read back from their streams.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::io::Read;

use attache_render::{Change, LONGEST_TEXT, Shape, Unconvertible, document};

/// The text of every page, one string a page, letters as Windows-1252 bytes turned to Unicode where they are Latin-1.
fn pages(pdf: &[u8]) -> Vec<String> {
    let find = |from: usize, what: &[u8]| {
        let rest = pdf.get(from..)?;
        rest.windows(what.len())
            .position(|part| part == what)
            .map(|at| from + at)
    };
    let (mut at, mut pages) = (0, Vec::new());
    while let Some(start) = find(at, b"stream\n") {
        let start = start + b"stream\n".len();
        let end = find(start, b"endstream").unwrap();
        let mut drawn = Vec::new();
        flate2::read::ZlibDecoder::new(&pdf[start..end])
            .read_to_end(&mut drawn)
            .unwrap();
        let drawn: String = drawn.into_iter().map(char::from).collect();
        pages.push(drawn.lines().map(shown).collect::<Vec<_>>().join("\n"));
        at = end + b"endstream".len();
    }
    pages
}

/// A line of a page; strings written in hexadecimal are turned into letters.
fn shown(line: &str) -> String {
    let digits = line.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    let Some((digits, _)) = digits else {
        return line.to_owned();
    };
    let letter = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len())
        .step_by(2)
        .map(letter)
        .map(char::from)
        .collect()
}

#[test]
fn a_text_stands_in_its_pdf() {
    let text = "Grüße aus Köln\n\n(in Klammern) und \\ schräg";
    let made = document(text.as_bytes(), Shape::Text, "Grüße").unwrap();
    assert_eq!(
        (made.media_type, made.changes.as_slice()),
        ("application/pdf", &[][..])
    );
    assert!(made.bytes.starts_with(b"%PDF-1.") && made.bytes.trim_ascii_end().ends_with(b"%%EOF"));
    let pages = pages(&made.bytes);
    assert_eq!(pages.len(), 1);
    for shown in ["Grüße aus Köln", "(in Klammern) und \\ schräg"] {
        assert!(pages[0].contains(shown), "{shown} in {}", pages[0]);
    }
}

#[test]
fn a_long_text_has_the_pages_it_needs_and_not_too_many() {
    for (lines, expected) in [(1, 1), (59, 1), (60, 2), (600, 11)] {
        let text = "line\n".repeat(lines);
        let made = document(text.as_bytes(), Shape::Text, "").unwrap();
        assert_eq!(pages(&made.bytes).len(), expected, "{lines} lines");
    }
    let many = "x\n".repeat(100_000);
    let refused = document(many.as_bytes(), Shape::Text, "");
    assert_eq!(refused, Err(Unconvertible::TooManyPages));
    let long = vec![b'x'; usize::try_from(LONGEST_TEXT).unwrap() + 1];
    let refused = document(&long, Shape::Text, "");
    assert!(matches!(refused, Err(Unconvertible::TooLong { .. })));
    assert!(document(&long[1..], Shape::Text, "").is_ok());
}

#[test]
fn a_table_stands_in_columns() {
    let made = document(b"Posten;Betrag\nWartung;48,00\n", Shape::Table, "").unwrap();
    let page = &pages(&made.bytes)[0];
    for shown in ["(Posten   Betrag)", "(Wartung  48,00)"] {
        assert!(page.contains(shown), "{shown} in {page}");
    }
}

#[test]
fn what_no_standard_font_has_is_told_and_too_much_of_it_is_refused() {
    let text = format!("{} Łódź 😀", "plain words ".repeat(10));
    let made = document(text.as_bytes(), Shape::Text, "").unwrap();
    let spelt = Change::Spelt {
        letters: vec!['Ł', 'ź'],
    };
    let missing = Change::Missing {
        letters: vec!['😀'],
        count: 1,
    };
    assert_eq!(made.changes, [spelt, missing]);
    let refused = document("Привет, как дела?".as_bytes(), Shape::Text, "").unwrap_err();
    assert_eq!(
        refused,
        Unconvertible::Unreadable {
            missing: 13,
            characters: 15
        }
    );
}
