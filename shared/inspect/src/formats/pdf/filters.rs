//! Undoing the filters of a stream, with a cap (ISO 32000-2 §7.4).

use super::value::Value;
use crate::inflate;
use flate2::read::ZlibDecoder;
use std::borrow::Cow;
use std::io::Read;

/// What a stream may unfold to before it counts as a bomb.
const BOMB: u64 = 64 << 20;
/// A single layer of deflate makes at most so many bytes of one.
const DENSEST: u64 = 1100;
/// How much of a layer is unpacked to see how dense it is, and what counts as dense.
const SAMPLE: u64 = 256 << 10;
const DENSE: u64 = 200;
/// More layers than this have no honest use.
const LAYERS_CAP: usize = 4;

/// The filters of a stream's dictionary, in the order they are undone.
pub(super) fn names<'a>(dictionary: &'a Value<'_>) -> Vec<&'a [u8]> {
    let filter = dictionary.get(b"Filter").or_else(|| dictionary.get(b"F"));
    match filter {
        Some(Value::Name(name)) => vec![name],
        Some(Value::List(list)) => list
            .iter()
            .filter_map(|one| match one {
                Value::Name(name) => Some(name.as_ref()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Undoes all filters, up to `cap` bytes for each; `None` where one of them is not for text.
pub(super) fn undo<'a>(raw: &'a [u8], filters: &[&[u8]], cap: usize) -> Option<Cow<'a, [u8]>> {
    let mut bytes = Cow::Borrowed(raw);
    for filter in filters.iter().take(LAYERS_CAP) {
        bytes = match *filter {
            b"FlateDecode" | b"Fl" => inflate::zlib(&bytes, cap).into(),
            b"ASCIIHexDecode" | b"AHx" => hexadecimal(&bytes).into(),
            b"ASCII85Decode" | b"A85" => ascii85(&bytes).into(),
            _ => return None,
        };
    }
    Some(bytes)
}

/// What a stream would unfold to, if that is more than anybody needs.
pub(super) fn bomb(raw: &[u8], filters: &[&[u8]]) -> Option<String> {
    beyond(raw, filters, BOMB)
}

fn beyond(raw: &[u8], filters: &[&[u8]], cap: u64) -> Option<String> {
    let layers = filters
        .iter()
        .filter(|one| matches!(**one, b"FlateDecode" | b"Fl"))
        .count();
    if filters.len() > LAYERS_CAP {
        return Some(format!("a stream behind {} filters", filters.len()));
    }
    if layers == 0 || (layers == 1 && (raw.len() as u64) < cap / DENSEST) {
        return None;
    }
    if !matches!(filters.first(), Some(&b"FlateDecode" | &b"Fl")) {
        return None;
    }
    let open = || -> Box<dyn Read + '_> {
        (0..layers).fold(Box::new(raw), |inner, _| Box::new(ZlibDecoder::new(inner)))
    };
    // A look at the beginning settles nearly all of them.
    let few = inflate::count(ZlibDecoder::new(&raw[..raw.len().min(1 << 10)]), SAMPLE);
    if layers == 1 && few < DENSE << 10 {
        return None;
    }
    let unfolded = inflate::count(open(), cap);
    (unfolded >= cap).then(|| format!("a stream of {} bytes unfolds to more than {cap}", raw.len()))
}

fn hexadecimal(bytes: &[u8]) -> Vec<u8> {
    let digits: Vec<u32> = bytes
        .iter()
        .take_while(|&&b| b != b'>')
        .filter_map(|&b| char::from(b).to_digit(16))
        .collect();
    digits
        .chunks(2)
        .map(|pair| (pair[0] << 4 | pair.get(1).copied().unwrap_or(0)) as u8)
        .collect()
}

fn ascii85(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() * 4 / 5);
    let mut group = Vec::with_capacity(5);
    let bytes = bytes.trim_ascii_start();
    for &byte in bytes.strip_prefix(b"<~").unwrap_or(bytes) {
        match byte {
            b'~' => break,
            b'z' if group.is_empty() => out.extend([0; 4]),
            b'!'..=b'u' => group.push(u32::from(byte - b'!')),
            _ => {}
        }
        if group.len() == 5 {
            out.extend(word(&group));
            group.clear();
        }
    }
    if group.len() > 1 {
        let have = group.len();
        group.resize(5, 84);
        out.extend(&word(&group)[..have - 1]);
    }
    out
}

fn word(group: &[u32]) -> [u8; 4] {
    group
        .iter()
        .fold(0_u32, |sum, digit| {
            sum.wrapping_mul(85).wrapping_add(*digit)
        })
        .to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use std::io::Write;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn filters_are_undone_in_order() {
        let twice: String = packed(b"<< /S >>")
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        type Row<'a> = (&'a [u8], &'a [&'a [u8]], &'a [u8]);
        let rows: [Row; 4] = [
            (b"4a 53>", &[b"ASCIIHexDecode"], b"JS"),
            (b"<~87cURDZ~>", &[b"A85"], b"Hello"),
            (b"plain", &[], b"plain"),
            (twice.as_bytes(), &[b"AHx", b"FlateDecode"], b"<< /S >>"),
        ];
        for (raw, filters, expected) in rows {
            assert_eq!(undo(raw, filters, 100).as_deref(), Some(expected));
        }
        assert_eq!(undo(b"x", &[b"DCTDecode"], 9), None);
    }

    #[test]
    fn bombs_are_counted_not_kept() {
        let once = packed(&vec![0; 3 << 20]);
        let twice = packed(&once);
        let flate = &b"FlateDecode"[..];
        assert!(beyond(&once, &[flate], 2 << 20).is_some());
        assert!(beyond(&twice, &[flate, flate], 2 << 20).is_some());
        assert_eq!(bomb(&once, &[flate]), None);
        assert_eq!(beyond(&once, &[b"DCTDecode"], 1), None);
        assert!(bomb(b"x", &[flate; 9]).is_some());
    }
}
