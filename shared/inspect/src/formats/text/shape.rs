//! Texts told by their shape: JSON, vCard, iCalendar, captions, tables; and what tables start.

use crate::claim::Claim;
use crate::kind::FileType;
use crate::work::Work;
use serde::de::IgnoredAny;

/// Lines of a table that are looked at.
const ROWS: usize = 64;

/// How entries of calendars begin that are kept without their frame (RFC 5545 §3.6).
const ENTRIES: [&str; 5] = [
    "BEGIN:VEVENT",
    "BEGIN:VTODO",
    "BEGIN:VJOURNAL",
    "BEGIN:VFREEBUSY",
    "BEGIN:VTIMEZONE",
];

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
    } else if begins("BEGIN:VCALENDAR")
        || ENTRIES.iter().any(|part| begins(part)) && !is_called_text(claim)
    {
        Some(FileType::Calendar)
    } else if begins("WEBVTT") && start[6..].chars().next().is_none_or(char::is_whitespace) {
        Some(FileType::WebVtt)
    } else if begins("ID;P") && start.contains("\nC;") {
        Some(FileType::Sylk)
    } else if begins("%!PS") {
        Some(FileType::PostScript)
    } else if start.starts_with(['{', '[']) && is_json(start, complete)
        || claim.extension().as_deref() == Some("json") && complete && is_json(start, true)
    {
        Some(FileType::Json)
    } else {
        table(text, complete, claim)
    }
}

/// Whether the name says that this is plain text.
fn is_called_text(claim: &Claim<'_>) -> bool {
    claim
        .extension()
        .is_some_and(|extension| FileType::Text.goes_by_extension(&extension))
}

fn is_json(text: &str, complete: bool) -> bool {
    let one = |text: &str| serde_json::from_str::<IgnoredAny>(text);
    match one(text) {
        Ok(_) => true,
        // Cut by our own window: whatever was read must have been right so far.
        Err(error) if error.is_eof() => !complete,
        // Logs and exports are one object after another.
        Err(_) => {
            text.starts_with('{')
                && serde_json::Deserializer::from_str(text)
                    .into_iter::<IgnoredAny>()
                    .take(ROWS)
                    .all(|one| one.is_ok())
        }
    }
}

/// A table, by its rows; where one row says too little, by what it is called.
fn table(text: &str, complete: bool, claim: &Claim<'_>) -> Option<FileType> {
    let extension = claim.extension();
    let named = match extension.as_deref() {
        Some("csv") => Some(FileType::Csv),
        Some("tsv" | "tab") => Some(FileType::Tsv),
        _ => None,
    };
    let claimed = named.is_some()
        || claim.essence().is_some_and(|essence| {
            essence == "text/csv"
                || essence == "application/csv"
                || essence == "text/tab-separated-values"
        });
    let shown = if [',', ';', '|']
        .into_iter()
        .any(|separator| is_table(text, separator, complete, claimed))
    {
        Some(FileType::Csv)
    } else {
        // Columns set with tabs are also how people write lists: called text, they are text.
        (!is_called_text(claim) && is_table(text, '\t', complete, claimed)).then_some(FileType::Tsv)
    };
    shown.or(named.filter(|_| !text.trim().is_empty()))
}

/// Whether a cell is a formula that starts a program: `=cmd|'/c …'!A0` or `=DDE(…)` (OWASP, CSV injection).
pub(super) fn starts_programs(text: &str) -> bool {
    // Most tables have neither sign.
    let calls = || {
        memchr::memmem::find_iter(text.as_bytes(), b"(")
            .any(|at| at >= 3 && text.as_bytes()[at - 3..at].eq_ignore_ascii_case(b"dde"))
    };
    if memchr::memchr(b'|', text.as_bytes()).is_none() && !calls() {
        return false;
    }
    text.lines().any(|line| {
        pipes_to_server(line, &mut Work::over(line.len()))
            || line
                .to_ascii_uppercase()
                .split([',', ';', '\t'])
                .any(|cell| is_formula(cell) && cell.contains("DDE("))
    })
}

/// Whether a cell is read as a formula. Quotes and spaces before its sign do not hinder.
fn is_formula(cell: &str) -> bool {
    cell.trim_start_matches(['"', '\'', ' '])
        .starts_with(['=', '+', '-', '@'])
}

/// Whether a formula of a line has a server's name before a bar, and an item behind a bang. One pass: where a cell begins is
/// carried along.
fn pipes_to_server(line: &str, work: &mut Work) -> bool {
    let Some(bang) = memchr::memrchr(b'!', line.as_bytes()) else {
        return false;
    };
    let mut formula = |cell: &str| {
        let start = cell.trim_start_matches(['"', '\'', ' ']);
        work.looked_at(1 + cell.len() - start.len());
        is_formula(start)
    };
    let first = formula(line);
    let (mut in_formula, mut before) = (first, b' ');
    for (at, byte) in line.bytes().enumerate().take(bang) {
        match byte {
            b',' | b';' | b'\t' => in_formula = formula(&line[at + 1..]),
            b'|' if before.is_ascii_alphabetic() && (in_formula || first) => return true,
            _ => {}
        }
        before = byte;
    }
    false
}

/// Whether a symbolic link table names a macro that runs on opening, or is all macro sheet.
pub(super) fn has_macro(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    upper.contains("AUTO_OPEN")
        || upper
            .lines()
            .any(|line| line.starts_with("O;") && line.contains(";E"))
}

/// Rows of one width. Prose with a comma in each line is told by its width, its row count and the space after the comma;
/// a claim lowers the bar to two equal rows.
fn is_table(text: &str, separator: char, complete: bool, claimed: bool) -> bool {
    if separator == '|' && (claimed || text.trim_start().starts_with('|')) {
        return false;
    }
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
    use crate::work::assert_grows_with_length;

    #[test]
    fn shapes() {
        let rows = [
            ("{\"a\": [1, 2]}", Some(FileType::Json)),
            ("[note to self] buy milk", None),
            ("BEGIN:VCARD\r\nVERSION:3.0", Some(FileType::VCard)),
            ("begin:vcalendar", Some(FileType::Calendar)),
            ("BEGIN:VEVENT\nDTSTART:1", Some(FileType::Calendar)),
            (
                "id;name;sum\n1;Müller;3,50\n2;\"a;b\nc\";4\n",
                Some(FileType::Csv),
            ),
            ("a\tb\n1\t2\n3\t4", Some(FileType::Tsv)),
            ("{\"a\": 1}\n{\"a\": 2}\n", Some(FileType::Json)),
            (
                "WEBVTT\n\n00:01.000 --> 00:02.000\nhi",
                Some(FileType::WebVtt),
            ),
            ("ID;PWXL;N;E\nC;Y1;X1;K1\nE", Some(FileType::Sylk)),
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
        assert_eq!(kind("only one column", true, &claim), Some(FileType::Csv));
        let claim = Claim {
            declared: None,
            file_name: Some("list.txt"),
        };
        assert_eq!(kind("a\tb\n1\t2\n3\t4", true, &claim), None);
        assert_eq!(kind("BEGIN:VEVENT\nDTSTART:1", true, &claim), None);
        let claim = Claim {
            declared: None,
            file_name: Some("answer.json"),
        };
        assert_eq!(kind("\"yes\"\n", true, &claim), Some(FileType::Json));
        assert_eq!(kind("yes\n", true, &claim), None);
    }

    #[test]
    fn cells_that_start_programs() {
        let rows = [
            ("name,note\nx,=cmd|'/c calc'!A0", true),
            ("\"@SUM(1+1)*cmd|' /C calc'!A0\"", true),
            ("=DDE(\"cmd\";\"/C calc\";\"x\")", true),
            ("a,=1+2,=SUM(A1:A2)", false),
            ("a|b|c\n-1|2|3!", false),
            ("=Sheet|x!A1", true),
            ("=1|x!A1", false),
            ("a,b|x!A1", false),
            ("=a,b|x!A1", true),
            ("a!=b|c", false),
        ];
        for (text, expected) in rows {
            assert_eq!(starts_programs(text), expected, "{text}");
        }
    }

    #[test]
    fn json_may_be_cut_by_the_window_only() {
        assert_eq!(
            kind("{\"a\": [1, 2", false, &Claim::default()),
            Some(FileType::Json)
        );
        assert_eq!(kind("{\"a\": [1, 2", true, &Claim::default()), None);
    }

    #[test]
    fn work_grows_with_the_line() {
        for token in ["|", "a|", ",=a", ", \"|", "=a|b,"] {
            assert_grows_with_length(token, |times| {
                let line = format!("a{}!", token.repeat(times));
                let mut work = Work::over(line.len());
                pipes_to_server(&line, &mut work);
                assert!(!work.is_spent());
                work.spent()
            });
        }
    }
}
