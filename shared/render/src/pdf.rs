//! A PDF of lines of letters of one width. The font is one that every viewer has (ISO 32000-1, 9.6.2.2), so none is embedded.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

use crate::layout::{Grid, LEADING, MARGIN, SHEET};
use crate::{Unconvertible, latin};

/// The most pages that are made.
pub const MOST_PAGES: usize = 1000;

const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const FONT: Ref = Ref::new(3);
const ABOUT: Ref = Ref::new(4);
/// Pages and what stands on them take turns from here on.
const FIRST: i32 = 5;

const FONT_NAME: Name<'static> = Name(b"F");

/// Writes the lines, page by page; no line, one empty page.
pub(crate) fn write(grid: Grid, lines: &[String], title: &str) -> Result<Vec<u8>, Unconvertible> {
    let mut pages: Vec<&[String]> = lines.chunks(grid.lines).collect();
    if pages.is_empty() {
        pages.push(&[]);
    }
    if pages.len() > MOST_PAGES {
        return Err(Unconvertible::TooManyPages);
    }
    let numbers = || (FIRST..).step_by(2).map(Ref::new);
    let mut pdf = Pdf::new();
    pdf.catalog(CATALOG).pages(PAGES);
    pdf.pages(PAGES)
        .kids(numbers().take(pages.len()))
        .count(i32::try_from(pages.len()).map_err(|_| Unconvertible::TooManyPages)?);
    pdf.type1_font(FONT)
        .base_font(Name(b"Courier"))
        .encoding_predefined(Name(b"WinAnsiEncoding"));
    pdf.document_info(ABOUT).title(TextStr(title));
    let (width, height) = if grid.lies { (SHEET.1, SHEET.0) } else { SHEET };
    for (page, lines) in numbers().zip(pages) {
        let content = Ref::new(page.get() + 1);
        let mut written = pdf.page(page);
        written
            .parent(PAGES)
            .media_box(Rect::new(0.0, 0.0, width, height))
            .contents(content);
        written.resources().fonts().pair(FONT_NAME, FONT);
        written.finish();
        let packed = packed(&drawn(grid, height, lines))
            .map_err(|error| Unconvertible::Damaged(error.to_string()))?;
        pdf.stream(content, &packed).filter(Filter::FlateDecode);
    }
    Ok(pdf.finish())
}

/// What draws the lines of one page.
fn drawn(grid: Grid, height: f32, lines: &[String]) -> Vec<u8> {
    let size = f32::from(grid.points);
    let mut content = Content::new();
    content.begin_text();
    content.set_font(FONT_NAME, size);
    content.set_leading(size * LEADING);
    content.next_line(MARGIN, height - MARGIN - size);
    for line in lines {
        content.show(Str(&latin::bytes(line)));
        content.next_line_using_leading();
    }
    content.end_text();
    content.finish().into_vec()
}

fn packed(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content)?;
    encoder.finish()
}
