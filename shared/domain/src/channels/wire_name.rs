//! The file name under which media goes out: one that every platform accepts and that ends as its bytes demand.
//!
//! The strictest rule met, `^[a-zA-Z0-9_\-\.]+$` without a leading dot, lies within all the others (Genesys' upload takes no
//! blanks, no leading dot, no trailing slash and none of ``\ { ^ } % ` ] " > [ ~ < # |``), so one rule serves all profiles.
//! Latin letters are spelt in ASCII, everything else becomes `_`; exactly one dot remains, before the extension, so that no
//! name pretends to be two types. The original name is kept with the item; nothing is ever stored under either.

use super::media_type::{MediaType, is_known_extension};

/// The longest name, in characters, extension included.
pub const LONGEST_NAME: usize = 100;

/// The longest extension kept for a type we do not know.
const LONGEST_EXTENSION: usize = 8;

/// The name for a file that came as `original` (`None`: without a name) and whose bytes are of `media_type`.
///
/// Always 1 to [`LONGEST_NAME`] characters of `[a-zA-Z0-9_-]`, one dot, an extension of the type. Folders are dropped,
/// and so is an extension of another type; a name with nothing left of it becomes `file`.
#[must_use]
pub fn wire_name(original: Option<&str>, media_type: &MediaType) -> String {
    named(original, media_type.extensions())
}

/// The same where the channel takes only some extensions. None of them the type's: any of the type's will have to do.
#[must_use]
pub fn wire_name_among(
    original: Option<&str>,
    media_type: &MediaType,
    extensions: &[String],
) -> String {
    let own = media_type.extensions().iter().copied();
    let both: Vec<&str> = own
        .filter(|own| extensions.iter().any(|taken| taken == own))
        .collect();
    match both.as_slice() {
        [] => wire_name(original, media_type),
        some => named(original, some),
    }
}

/// The original name for people: its folders, control characters and direction marks dropped, everything else kept. A name
/// that does not end as its bytes demand is nobody's to see: then it is the name on the wire.
#[must_use]
pub fn display_name(original: Option<&str>, media_type: &MediaType) -> String {
    let base = original.unwrap_or_default().rsplit(['/', '\\']).next();
    let is_shown = |letter: &char| !letter.is_control() && !is_direction_mark(*letter);
    let shown: String = base
        .unwrap_or_default()
        .trim()
        .chars()
        .filter(is_shown)
        .take(LONGEST_NAME)
        .collect();
    let ending = shown.rsplit_once('.').filter(|(stem, _)| !stem.is_empty());
    let ends_well = ending.is_some_and(|(_, extension)| {
        let extension = extension.to_ascii_lowercase();
        media_type.extensions().contains(&extension.as_str())
    });
    if ends_well {
        shown
    } else {
        wire_name(original, media_type)
    }
}

/// Marks that turn the direction of what follows (UAX #9): with one, `fdp.jpg` is shown as `gpj.pdf`.
const fn is_direction_mark(letter: char) -> bool {
    matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The name, with one of `extensions`, which are the type's; none: it is a type we do not know.
fn named(original: Option<&str>, extensions: &[&str]) -> String {
    let base = original
        .unwrap_or_default()
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or_default()
        .trim();
    let (stem, given) = match base.rsplit_once('.') {
        Some((stem, extension)) => (stem, extension.to_ascii_lowercase()),
        None => (base, String::new()),
    };
    let (stem, extension) = match extensions {
        [] if is_plain_extension(&given) => (stem, given.as_str()),
        [] => (base, "bin"),
        own if own.contains(&given.as_str()) => (stem, given.as_str()),
        [usual, ..] if is_known_extension(&given) => (stem, *usual),
        [usual, ..] => (base, *usual),
    };
    let room = LONGEST_NAME - 1 - extension.len();
    let plain = plain(stem);
    let cut = plain.get(..room).unwrap_or(&plain).trim_matches(['_', '-']);
    format!("{}.{extension}", if cut.is_empty() { "file" } else { cut })
}

fn is_plain_extension(extension: &str) -> bool {
    (1..=LONGEST_EXTENSION).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Letters, digits, `-` and `_`; a run of anything else is one `_`.
fn plain(stem: &str) -> String {
    let mut out = String::with_capacity(stem.len());
    for letter in stem.chars() {
        match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' => out.push(letter),
            // An umlaut written as letter + diaeresis, as macOS does.
            '\u{308}' if out.ends_with(['a', 'o', 'u', 'A', 'O', 'U']) => out.push('e'),
            '\u{300}'..='\u{36f}' => {}
            _ => match in_ascii(letter) {
                Some(spelt) => out.push_str(spelt),
                None if out.ends_with('_') => {}
                None => out.push('_'),
            },
        }
    }
    out
}

/// How a Latin letter is spelt in ASCII; the usual spelling of the languages it is most common in.
#[must_use]
pub const fn in_ascii(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ä' | 'æ' => "ae",
        'Ä' | 'Æ' => "Ae",
        'ö' | 'œ' => "oe",
        'Ö' | 'Œ' => "Oe",
        'ü' => "ue",
        'Ü' => "Ue",
        'ß' => "ss",
        'ẞ' => "SS",
        'þ' => "th",
        'Þ' => "Th",
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'À' | 'Á' | 'Â' | 'Ã' | 'Å' | 'Ā' | 'Ă' | 'Ą' => "A",
        'ç' | 'ć' | 'č' | 'ĉ' | 'ċ' => "c",
        'Ç' | 'Ć' | 'Č' | 'Ĉ' | 'Ċ' => "C",
        'ď' | 'đ' | 'ð' => "d",
        'Ď' | 'Đ' | 'Ð' => "D",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'ě' => "e",
        'È' | 'É' | 'Ê' | 'Ë' | 'Ē' | 'Ė' | 'Ę' | 'Ě' => "E",
        'ğ' | 'ģ' | 'ġ' => "g",
        'Ğ' | 'Ģ' | 'Ġ' => "G",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'į' | 'ı' => "i",
        'Ì' | 'Í' | 'Î' | 'Ï' | 'Ī' | 'Į' | 'İ' => "I",
        'ķ' => "k",
        'Ķ' => "K",
        'ł' | 'ľ' | 'ļ' | 'ĺ' => "l",
        'Ł' | 'Ľ' | 'Ļ' | 'Ĺ' => "L",
        'ñ' | 'ń' | 'ň' | 'ņ' => "n",
        'Ñ' | 'Ń' | 'Ň' | 'Ņ' => "N",
        'ò' | 'ó' | 'ô' | 'õ' | 'ø' | 'ō' | 'ő' => "o",
        'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ø' | 'Ō' | 'Ő' => "O",
        'ŕ' | 'ř' => "r",
        'Ŕ' | 'Ř' => "R",
        'ś' | 'š' | 'ş' | 'ș' => "s",
        'Ś' | 'Š' | 'Ş' | 'Ș' => "S",
        'ť' | 'ţ' | 'ț' => "t",
        'Ť' | 'Ţ' | 'Ț' => "T",
        'ù' | 'ú' | 'û' | 'ū' | 'ů' | 'ű' | 'ų' => "u",
        'Ù' | 'Ú' | 'Û' | 'Ū' | 'Ů' | 'Ű' | 'Ų' => "U",
        'ý' | 'ÿ' => "y",
        'Ý' | 'Ÿ' => "Y",
        'ź' | 'ż' | 'ž' => "z",
        'Ź' | 'Ż' | 'Ž' => "Z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn on_the_wire(original: &str, media_type: &str) -> String {
        wire_name(Some(original), &MediaType::parse(media_type).unwrap())
    }

    #[test]
    fn names_stay_readable_and_end_as_their_bytes_demand() {
        let (pdf, jpeg, other) = ("application/pdf", "image/jpeg", "application/x-unheard-of");
        for (original, media_type, expected) in [
            ("invoice_q3.pdf", pdf, "invoice_q3.pdf"),
            ("Rechnung März (1).pdf", pdf, "Rechnung_Maerz_1.pdf"),
            ("Rechnung Ma\u{308}rz (1).pdf", pdf, "Rechnung_Maerz_1.pdf"),
            ("Ünïcødé Łódź ß.PDF", pdf, "Uenicode_Lodz_ss.pdf"),
            ("photo.JPEG", jpeg, "photo.jpeg"),
            ("photo", jpeg, "photo.jpg"),
            ("invoice.png", pdf, "invoice.pdf"),
            ("invoice.pdf.exe", pdf, "invoice_pdf.pdf"),
            ("v1.2", pdf, "v1_2.pdf"),
            ("../../etc/passwd", "text/plain", "passwd.txt"),
            ("C:\\Users\\me\\scan.pdf", pdf, "scan.pdf"),
            (".pdf", pdf, "file.pdf"),
            ("счёт.pdf", pdf, "file.pdf"),
            ("fdp.\u{202e}gpj.pdf", pdf, "fdp_gpj.pdf"),
            ("--rf.pdf", pdf, "rf.pdf"),
            ("", pdf, "file.pdf"),
            ("folder/", pdf, "file.pdf"),
            ("data.xyz", other, "data.xyz"),
            ("data.much-too-long", other, "data_much-too-long.bin"),
            ("data", other, "data.bin"),
        ] {
            assert_eq!(on_the_wire(original, media_type), expected, "{original:?}");
        }
        assert_eq!(
            wire_name(None, &MediaType::parse(jpeg).unwrap()),
            "file.jpg"
        );
    }

    #[test]
    fn a_channels_extensions_narrow_the_types() {
        let text = MediaType::parse("text/plain").unwrap();
        let taken = ["pdf".to_owned(), "txt".to_owned()];
        for (original, extensions, expected) in [
            ("server.log", &taken[..], "server.txt"),
            ("notes.TXT", &taken[..], "notes.txt"),
            ("server.log", &taken[..1], "server.log"),
            ("server.log", &[], "server.log"),
        ] {
            let name = wire_name_among(Some(original), &text, extensions);
            assert_eq!(name, expected, "{original} {extensions:?}");
        }
    }

    #[test]
    fn people_see_the_original_unless_it_pretends() {
        let pdf = MediaType::parse("application/pdf").unwrap();
        for (original, expected) in [
            (Some("Rechnung März (1).pdf"), "Rechnung März (1).pdf"),
            (Some("счёт.PDF"), "счёт.PDF"),
            (Some("C:\\me\\scan.pdf"), "scan.pdf"),
            (Some("a\r\nb.pdf"), "ab.pdf"),
            (Some("x\u{202e}y.pdf"), "xy.pdf"),
            (Some("invoice.pdf.exe"), "invoice_pdf.pdf"),
            (Some("fdp.\u{202e}gpj"), "fdp_gpj.pdf"),
            (Some(".pdf"), "file.pdf"),
            (None, "file.pdf"),
        ] {
            assert_eq!(display_name(original, &pdf), expected, "{original:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_before_its_extension() {
        let name = on_the_wire(&format!("{}.docx.pdf", "a".repeat(300)), "application/pdf");
        assert_eq!(name, format!("{}.pdf", "a".repeat(96)));
    }

    proptest! {
        #[test]
        fn every_name_keeps_the_rule(
            original in "\\PC{0,150}|[a-z ./\\\\é_-]{0,150}",
            media_type in prop::sample::select(vec!["image/jpeg", "application/pdf", "text/plain", "x/y"]),
        ) {
            let name = on_the_wire(&original, media_type);
            prop_assert!(name.len() <= LONGEST_NAME && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b)));
            let (stem, extension) = name.split_once('.').unwrap();
            prop_assert!(!stem.is_empty() && !extension.is_empty() && !extension.contains('.'));
            let own = MediaType::parse(media_type).unwrap().extensions();
            prop_assert!(own.is_empty() || own.contains(&extension), "{name}");
            prop_assert_eq!(on_the_wire(&name, media_type), name.clone(), "sanitised once is sanitised");
        }
    }
}
