//! Texts told by their shape: JSON, vCard, iCalendar, tables, and scripts without an extension.

use crate::claim::Claim;
use crate::kind::FileType;
use serde::de::IgnoredAny;

/// Lines of a table that are looked at.
const ROWS: usize = 64;

/// A script by its first line.
pub(super) fn script(text: &str) -> Option<FileType> {
    let first = text
        .trim_start()
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_ascii_lowercase();
    if first.starts_with("<?php") || first == "<?" {
        Some(FileType::PhpScript)
    } else if first.starts_with("@echo off") || first.starts_with("@echo on") {
        Some(FileType::BatchScript)
    } else {
        None
    }
}

/// Data by its shape. `complete` says that the text is the whole file.
pub(super) fn kind(text: &str, complete: bool, claim: &Claim<'_>) -> Option<FileType> {
    let start = text.trim_start();
    let begins = |with: &str| {
        start
            .get(..with.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(with))
    };
    if begins("BEGIN:VCARD") {
        Some(FileType::VCard)
    } else if begins("BEGIN:VCALENDAR") {
        Some(FileType::Calendar)
    } else if begins("{\\rtf") {
        Some(FileType::Rtf)
    } else if begins("%!PS") {
        Some(FileType::PostScript)
    } else if start.starts_with(['{', '[']) && is_json(text, complete) {
        Some(FileType::Json)
    } else {
        is_table(text, complete, claims_table(claim)).then_some(FileType::Csv)
    }
}

fn is_json(text: &str, complete: bool) -> bool {
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => true,
        // Cut by our own window: whatever was read must have been right so far.
        Err(error) => !complete && error.is_eof(),
    }
}

fn claims_table(claim: &Claim<'_>) -> bool {
    let by_name = claim
        .extension()
        .is_some_and(|extension| matches!(extension.as_str(), "csv" | "tsv" | "tab"));
    by_name
        || claim
            .essence()
            .is_some_and(|essence| FileType::Csv.goes_by_mime(&essence) && essence != "text/plain")
}

/// Rows of one width. Prose with a comma in each line is told by its width, its row count and the space after the comma;
/// a claim lowers the bar to two equal rows.
fn is_table(text: &str, complete: bool, claimed: bool) -> bool {
    [',', ';', '\t'].into_iter().any(|separator| {
        let mut rows = rows(text, separator);
        if !complete && rows.len() < ROWS {
            rows.pop();
        }
        let Some(&(width, _)) = rows.first() else {
            return false;
        };
        let even = width >= 2 && rows.iter().all(|row| row.0 == width);
        let spaced = rows.iter().map(|row| row.1).sum::<usize>();
        let prose = separator != '\t' && spaced * 2 > rows.len() * (width - 1);
        even && if claimed {
            rows.len() >= 2
        } else {
            rows.len() >= 3 && !prose
        }
    })
}

/// Width and number of separators followed by a space, for each of the first rows; quotes may span lines.
fn rows(text: &str, separator: char) -> Vec<(usize, usize)> {
    let mut rows = Vec::new();
    let (mut width, mut spaced, mut quoted, mut empty) = (1, 0, false, true);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        if c == '"' {
            quoted = !quoted;
        } else if c == '\n' && !quoted {
            if !empty {
                rows.push((width, spaced));
            }
            (width, spaced, empty) = (1, 0, true);
            if rows.len() == ROWS {
                return rows;
            }
            continue;
        } else if c == separator && !quoted {
            width += 1;
            spaced += usize::from(characters.peek() == Some(&' '));
        }
        empty &= c.is_whitespace() && c != separator;
    }
    if !empty {
        rows.push((width, spaced));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        let rows = [
            ("{\"a\": [1, 2]}", Some(FileType::Json)),
            ("[note to self] buy milk", None),
            ("BEGIN:VCARD\r\nVERSION:3.0", Some(FileType::VCard)),
            ("begin:vcalendar", Some(FileType::Calendar)),
            (
                "id;name;sum\n1;Müller;3,50\n2;\"a;b\nc\";4\n",
                Some(FileType::Csv),
            ),
            ("a\tb\n1\t2\n3\t4", Some(FileType::Csv)),
            ("Dear Anna,\nthank you.\nBest,", None),
            ("Hello, you\nGood, fine\nWell, yes\n", None),
            ("a,b\n1,2", None),
            ("one line, no table", None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(kind(text, true, &Claim::default()), expected, "{text}");
        }
        let claim = Claim {
            declared: None,
            file_name: Some("export.csv"),
        };
        assert_eq!(kind("a,b\n1,2", true, &claim), Some(FileType::Csv));
    }

    #[test]
    fn json_may_be_cut_by_the_window_only() {
        assert_eq!(
            kind("{\"a\": [1, 2", false, &Claim::default()),
            Some(FileType::Json)
        );
        assert_eq!(kind("{\"a\": [1, 2", true, &Claim::default()), None);
    }
}
