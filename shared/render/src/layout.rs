//! Lines of letters of one width: wrapped to a page, or set as a table. Nothing is cut off.

/// A sheet of paper as a grid of letters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Grid {
    /// Whether the long side lies.
    pub(crate) lies: bool,
    /// The size of the font, in points.
    pub(crate) points: u8,
    /// How many letters a line has.
    pub(crate) columns: usize,
    /// How many lines a page has.
    pub(crate) lines: usize,
}

/// A4, in points (ISO 216: 210 × 297 mm).
pub(crate) const SHEET: (f32, f32) = (595.0, 842.0);

/// On all four sides, in points.
pub(crate) const MARGIN: f32 = 48.0;

/// A letter of Courier is six tenths of the font's size wide.
const LETTER: f32 = 0.6;

/// From line to line, in sizes of the font.
pub(crate) const LEADING: f32 = 1.25;

/// The blanks between two columns of a table.
const GAP: usize = 2;

/// A column of a table is never narrower than this.
const NARROWEST: usize = 6;

/// Blanks to which a tab leads at most.
const TAB: usize = 8;

impl Grid {
    fn new(lies: bool, points: u8) -> Self {
        let (width, height) = if lies { (SHEET.1, SHEET.0) } else { SHEET };
        let size = f32::from(points);
        Self {
            lies,
            points,
            columns: ((width - 2.0 * MARGIN) / (size * LETTER)) as usize,
            lines: ((height - 2.0 * MARGIN) / (size * LEADING)) as usize,
        }
    }

    /// For running text.
    pub(crate) fn of_text() -> Self {
        Self::new(false, 10)
    }
}

/// Text as lines of at most so many letters, broken at blanks where there are any.
pub(crate) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    text.lines()
        .flat_map(|line| broken(&untabbed(line), columns))
        .collect()
}

fn untabbed(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut at = 0;
    for letter in line.chars() {
        let blanks = TAB - at % TAB;
        match letter {
            '\t' => out.extend(std::iter::repeat_n(' ', blanks)),
            _ => out.push(letter),
        }
        at += if letter == '\t' { blanks } else { 1 };
    }
    out
}

fn broken(line: &str, columns: usize) -> Vec<String> {
    let letters: Vec<char> = line.trim_end().chars().collect();
    let mut rest = letters.as_slice();
    let mut lines = Vec::new();
    while rest.len() > columns {
        // The blank may be the first letter that no longer fits.
        let blank = rest[..=columns].iter().rposition(|letter| *letter == ' ');
        let end = blank.filter(|at| *at > 0).unwrap_or(columns);
        lines.push(rest[..end].iter().collect());
        rest = &rest[end..];
        if blank.is_some_and(|at| at > 0) {
            rest = &rest[1..];
        }
    }
    lines.push(rest.iter().collect());
    lines
}

/// A table as lines, on the sheet and in the size in which its columns stand side by side best; `None`: it has too many.
pub(crate) fn table(rows: &[Vec<String>]) -> Option<(Grid, Vec<String>)> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut widths = vec![1; count];
    for (at, cell) in rows.iter().flat_map(|row| row.iter().enumerate()) {
        widths[at] = cell.chars().count().max(widths[at]);
    }
    let grids = [(false, 10), (false, 8), (true, 9), (true, 7), (true, 6)];
    let grids = grids.map(|(lies, points)| Grid::new(lies, points));
    let gaps = GAP * count.saturating_sub(1);
    let needed = widths.iter().sum::<usize>() + gaps;
    let widest = grids[grids.len() - 1];
    let grid = grids
        .into_iter()
        .find(|grid| needed <= grid.columns)
        .unwrap_or(widest);
    let room = grid.columns.checked_sub(gaps)?;
    narrow(&mut widths, room)?;
    let lines = rows.iter().flat_map(|row| side_by_side(row, &widths));
    Some((grid, lines.collect()))
}

/// Takes from the widest columns until all fit into `room`; `None`: they cannot.
fn narrow(widths: &mut [usize], room: usize) -> Option<()> {
    let floor: usize = widths.iter().map(|width| (*width).min(NARROWEST)).sum();
    if floor > room {
        return None;
    }
    // The widest that all may be is found by halving: between the narrowest and the whole room.
    let fits = |cap: usize| widths.iter().map(|width| (*width).min(cap)).sum::<usize>() <= room;
    let (mut low, mut high) = (NARROWEST, room.max(NARROWEST));
    while low < high {
        let middle = (low + high).div_ceil(2);
        if fits(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    for width in widths {
        *width = (*width).min(low);
    }
    Some(())
}

/// One row, of as many lines as its highest cell.
fn side_by_side(row: &[String], widths: &[usize]) -> Vec<String> {
    let cells: Vec<Vec<String>> = row
        .iter()
        .zip(widths)
        .map(|(cell, width)| wrapped(cell, *width))
        .collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let line = |at: usize| {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            let part = cell.get(at).map_or("", String::as_str);
            line.push_str(part);
            let blanks = width.saturating_sub(part.chars().count()) + GAP;
            line.extend(std::iter::repeat_n(' ', blanks));
        }
        line.truncate(line.trim_end().len());
        line
    };
    (0..height).map(line).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_break_at_blanks_and_long_words_anywhere() {
        for (text, columns, expected) in [
            ("one two three", 7, &["one two", "three"][..]),
            ("one two three", 8, &["one two", "three"]),
            ("abcdefghij", 4, &["abcd", "efgh", "ij"]),
            ("a\tb", 20, &["a       b"]),
            ("", 5, &[]),
            ("x\n\ny  ", 5, &["x", "", "y"]),
        ] {
            assert_eq!(wrapped(text, columns), expected, "{text:?}");
        }
    }

    #[test]
    fn a_table_lies_down_and_becomes_small_as_it_needs_to() {
        let row = |cells: usize, letters: usize| vec![vec!["x".repeat(letters); cells]];
        for (rows, expected) in [
            (row(3, 10), Some((false, 10))),
            (row(3, 30), Some((false, 8))),
            (row(4, 30), Some((true, 9))),
            (row(4, 1000), Some((true, 6))),
            (row(100, 10), None),
        ] {
            let grid = table(&rows).map(|(grid, _)| (grid.lies, grid.points));
            assert_eq!(grid, expected);
        }
        let rows = [
            vec!["a".to_owned(), "longer".to_owned()],
            vec!["bb".to_owned()],
        ];
        let (_, lines) = table(&rows).unwrap();
        assert_eq!(lines, ["a   longer", "bb"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_line_is_too_long(text in "[a-z \n]{0,200}", columns in 1_usize..40) {
            let lines = wrapped(&text, columns);
            prop_assert!(lines.iter().all(|line| line.chars().count() <= columns));
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }

        #[test]
        fn tables_fit_their_sheet(rows in prop::collection::vec(prop::collection::vec("[a-z ]{0,60}", 0..12), 0..8)) {
            if let Some((grid, lines)) = table(&rows) {
                prop_assert!(lines.iter().all(|line| line.chars().count() <= grid.columns));
                let letters = |text: &str| text.chars().filter(|c| *c != ' ').count();
                let cells: usize = rows.iter().flatten().map(|cell| letters(cell)).sum();
                prop_assert_eq!(lines.iter().map(|line| letters(line)).sum::<usize>(), cells);
            }
        }
    }
}
