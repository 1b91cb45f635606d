//! Fields in WordprocessingML, in packages and in the flat XML of Word 2003: do they start a program?

use super::find;

/// Elements that carry a piece of a field's code, and the attribute that carries a whole one.
const PIECE: &str = "instrText";
const WHOLE: &str = "instr=";
/// Field codes longer than this are cut.
const CODE_CAP: usize = 4096;

/// Whether a field's code begins with DDE or DDEAUTO. Codes are cut across runs at will, so pieces are joined up to
/// the mark that ends or separates the field.
pub(super) fn has_dde(xml: &str) -> bool {
    let simple = || attribute_codes(xml).any(is_dde);
    find(xml.as_bytes(), WHOLE.as_bytes()).is_some() && simple() || pieces_have_dde(xml)
}

fn attribute_codes(xml: &str) -> impl Iterator<Item = &str> {
    xml.match_indices(WHOLE).filter_map(|(at, _)| {
        let rest = &xml[at + WHOLE.len()..];
        let quote = rest.chars().next()?;
        rest[1..].split(quote).next()
    })
}

fn pieces_have_dde(xml: &str) -> bool {
    let mut code = String::new();
    let mut rest = xml;
    while let Some(at) = find(rest.as_bytes(), PIECE.as_bytes()) {
        // A field that begins between two pieces begins a new code.
        let between = &rest[..at];
        if between.contains("fldCharType=\"begin\"") || between.contains("fldCharType='begin'") {
            if is_dde(&code) {
                return true;
            }
            code.clear();
        }
        rest = &rest[at + PIECE.len()..];
        let Some(open) = rest.find('>') else {
            break;
        };
        rest = &rest[open + 1..];
        let end = rest.find('<').unwrap_or(rest.len());
        if code.len() < CODE_CAP {
            code.push_str(&rest[..end]);
        }
        rest = rest[end..]
            .strip_prefix("</")
            .and_then(|close| close.split_once('>'))
            .map_or(&rest[end..], |(_, more)| more);
    }
    is_dde(&code)
}

/// Whether a code, references resolved, begins with DDE or DDEAUTO.
fn is_dde(code: &str) -> bool {
    let plain = quick_xml::escape::unescape(code).unwrap_or_else(|_| code.into());
    let word: String = plain
        .trim_start_matches(|c: char| c.is_whitespace() || c == '"')
        .chars()
        .take(8)
        .collect::<String>()
        .to_ascii_uppercase();
    word.strip_prefix("DDEAUTO")
        .or_else(|| word.strip_prefix("DDE"))
        .is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        let begin = "<w:fldChar w:fldCharType=\"begin\"/>";
        let rows = [
            (
                format!("{begin}<w:instrText> DDEAUTO c:\\x</w:instrText>"),
                true,
            ),
            (
                format!(
                    "{begin}<w:instrText>D</w:instrText></w:r><w:r><w:instrText xml:space='preserve'>DE </w:instrText>"
                ),
                true,
            ),
            (
                format!(
                    "{begin}<w:instrText>PAGE </w:instrText>{begin}<w:instrText>dde a</w:instrText>"
                ),
                true,
            ),
            ("<w:fldSimple w:instr='&#68;DE cmd'/>".to_owned(), true),
            (format!("{begin}<w:instrText>PAGE</w:instrText>"), false),
            (format!("{begin}<w:instrText>DDEFGH x</w:instrText>"), false),
            ("<w:t>DDEAUTO is a field</w:t>".to_owned(), false),
            ("<w:instrText".to_owned(), false),
        ];
        for (xml, expected) in rows {
            assert_eq!(has_dde(&xml), expected, "{xml}");
        }
    }
}
