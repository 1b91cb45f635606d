//! Fields in WordprocessingML, in packages and in the flat XML of Word 2003: do they start a program?

use super::find;
use crate::findings::HazardKind;
use crate::seen::Seen;
use crate::work::Work;

/// Elements that carry a piece of a field's code, and the attribute that carries a whole one.
const PIECE: &str = "instrText";
const WHOLE: &str = "instr=";
/// Field codes longer than this are cut.
const CODE_CAP: usize = 4096;
/// The letters of a code's first word that tell, and one more.
const WORD: usize = 8;
/// How much of a field that spells another is looked at.
const QUOTE_CAP: usize = 96;
/// No reference to one character is longer.
const REFERENCE_CAP: usize = 64;

/// Adds a field that starts a program.
pub(super) fn flag(xml: &str, seen: &mut Seen) {
    let mut work = Work::over(xml.len());
    if has_dde(xml, &mut work) {
        seen.add_hazard(HazardKind::Dde, "a DDE field");
    } else if work.is_spent() {
        seen.add_hazard(HazardKind::BeyondLimits, "more fields than are looked at");
    }
}

/// Whether a field's code begins with DDE or DDEAUTO. Codes are cut across runs at will, so pieces are joined up to
/// the mark that ends or separates the field.
fn has_dde(xml: &str, work: &mut Work) -> bool {
    let simple = find(xml.as_bytes(), WHOLE.as_bytes()).is_some();
    simple && attributes_have_dde(xml, work) || pieces_have_dde(xml, work)
}

fn attributes_have_dde(xml: &str, work: &mut Work) -> bool {
    xml.match_indices(WHOLE).any(|(at, _)| {
        let rest = &xml[at + WHOLE.len()..];
        ['"', '\'']
            .into_iter()
            .find_map(|quote| Some((rest.strip_prefix(quote)?, quote)))
            .is_some_and(|(code, quote)| is_dde(code, Some(quote), work))
    })
}

fn pieces_have_dde(xml: &str, work: &mut Work) -> bool {
    let mut code = String::new();
    let mut rest = xml;
    while let Some(at) = find(rest.as_bytes(), PIECE.as_bytes()) {
        // A field that begins between two pieces begins a new code.
        let between = &rest[..at];
        if between.contains("fldCharType=\"begin\"") || between.contains("fldCharType='begin'") {
            if is_dde(&code, None, work) {
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
    is_dde(&code, None, work)
}

/// Whether a code, references resolved, begins with DDE or DDEAUTO. It ends at its `quote`, if it has one; no more of it
/// is looked at than its first word takes.
fn is_dde(code: &str, quote: Option<char>, work: &mut Work) -> bool {
    let mut word = String::new();
    let mut rest = code;
    while word.chars().count() < WORD && !work.is_spent() {
        let Some((one, after)) = character(rest, quote) else {
            break;
        };
        work.looked_at(rest.len() - after.len());
        rest = after;
        if !(word.is_empty() && (one.is_whitespace() || one == '"')) {
            word.push(one.to_ascii_uppercase());
        }
    }
    is_dde_word(&word) || word.starts_with("QUOTE") && spells_dde(code, work)
}

fn is_dde_word(word: &str) -> bool {
    word.strip_prefix("DDEAUTO")
        .or_else(|| word.strip_prefix("DDE"))
        .is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric()))
}

/// Whether a field QUOTE gives, by the numbers of its characters, the code of another that begins so (ECMA-376 part 1
/// §17.16.5.52): put inside another field, it is that field's code.
fn spells_dde(code: &str, work: &mut Work) -> bool {
    let start: String = code.chars().take(QUOTE_CAP).collect();
    work.looked_at(start.len());
    let numbers = start.split_whitespace().skip(1).map_while(|number| {
        let digits = number.trim_matches('"');
        let code = match digits
            .strip_prefix("0x")
            .or_else(|| digits.strip_prefix("0X"))
        {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => digits.parse(),
        };
        char::from_u32(code.ok()?)
    });
    let spelt: String = numbers.collect::<String>().to_ascii_uppercase();
    is_dde_word(spelt.trim_start())
}

/// The first character of a text in XML, and what follows; `None` at the end and at the quote. A reference that is none
/// stands for itself.
fn character(text: &str, quote: Option<char>) -> Option<(char, &str)> {
    let mut characters = text.chars();
    let first = characters.next().filter(|one| Some(*one) != quote)?;
    let reference = || {
        let end = text.bytes().take(REFERENCE_CAP).position(|b| b == b';')?;
        let plain = quick_xml::escape::unescape(&text[..=end]).ok()?;
        Some((plain.chars().next()?, &text[end + 1..]))
    };
    let resolved = (first == '&').then(reference).flatten();
    Some(resolved.unwrap_or((first, characters.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::assert_grows_with_length;

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
            (
                "<w:fldSimple w:instr='  &#x20;&quot;DDEAUTO cmd'/>".to_owned(),
                true,
            ),
            (
                "<w:fldSimple w:instr='' other='DDE cmd'/>".to_owned(),
                false,
            ),
            ("instr=\u{4E00}".to_owned(), false),
            ("instr=\u{201C}DDE\u{201D}".to_owned(), false),
            ("instr=\"&\u{4E00};DDE\"".to_owned(), false),
            ("instr=".to_owned(), false),
            (
                format!("{begin}<w:instrText> QUOTE 68 68 69 65 85 84 79 32 99</w:instrText>"),
                true,
            ),
            (
                format!("{begin}<w:instrText> quote 0x44 0x44 0x45 </w:instrText>"),
                true,
            ),
            (
                format!("{begin}<w:instrText> QUOTE \"68 dollars\"</w:instrText>"),
                false,
            ),
            (
                format!("{begin}<w:instrText> QUOTE 72 105</w:instrText>"),
                false,
            ),
        ];
        for (xml, expected) in rows {
            let mut work = Work::over(xml.len());
            assert_eq!(has_dde(&xml, &mut work), expected, "{xml}");
        }
    }

    #[test]
    fn work_grows_with_the_text() {
        let tokens = [
            "instr=\"",
            "instr=' ",
            "instr='&#32;",
            "instr='&#x",
            "<w:instrText>D</w:instrText><w:fldChar w:fldCharType='begin'/>",
            "fldCharType=\"begin\"<instrText>D</",
        ];
        for token in tokens {
            assert_grows_with_length(token, |times| {
                let xml = token.repeat(times);
                let mut work = Work::over(xml.len());
                has_dde(&xml, &mut work);
                assert!(!work.is_spent());
                work.spent()
            });
        }
    }
}
