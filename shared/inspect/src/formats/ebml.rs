//! Matroska and WebM: told by the document type in the EBML header (RFC 8794 §11.2.6, RFC 9559).

use crate::findings::Integrity;
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

const HEADER: u32 = 0x1A45_DFA3;
const DOCUMENT_TYPE: u32 = 0x4282;
const SEGMENT: u32 = 0x1853_8067;
/// Elements of the header looked at.
const ELEMENTS_CAP: usize = 32;

/// An element: its id, where its data begins, and how long it is where that is known.
struct Element {
    id: u32,
    data: u64,
    length: Option<u64>,
}

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    if !source.head().starts_with(&HEADER.to_be_bytes()) {
        return Ok(None);
    }
    let Some(header) = element(source, 0)? else {
        return Ok(None);
    };
    let end = header.data.saturating_add(header.length.unwrap_or(0));
    let mut at = header.data;
    let mut name = Vec::new();
    for _ in 0..ELEMENTS_CAP {
        let Some(one) = element(source, at)?.filter(|_| at < end) else {
            break;
        };
        let length = one.length.unwrap_or(0);
        if one.id == DOCUMENT_TYPE {
            name = source.at(one.data, length.min(16))?.to_vec();
        }
        at = one.data.saturating_add(length);
    }
    let kind = match name.split(|&b| b == 0).next() {
        Some(b"webm") => FileType::Webm,
        Some(b"matroska") => FileType::Matroska,
        _ => return Ok(None),
    };
    let integrity = match element(source, end)? {
        Some(Element {
            id: SEGMENT,
            data,
            length: Some(length),
        }) => Integrity::ending_at(data.saturating_add(length), source.len()),
        // Recordings that were never finished leave the length open.
        _ => Integrity::NotChecked,
    };
    Ok(Some(Seen::certain(kind).with_integrity(integrity)))
}

fn element(source: &mut Source<'_>, at: u64) -> io::Result<Option<Element>> {
    let bytes = source.at(at, 12)?;
    let Some(id_length) = bytes
        .first()
        .map(|first| first.leading_zeros() as usize + 1)
        .filter(|&length| length <= 4)
    else {
        return Ok(None);
    };
    let Some((id, rest)) = bytes.split_at_checked(id_length) else {
        return Ok(None);
    };
    let Some(length) = rest
        .first()
        .map(|first| first.leading_zeros() as usize + 1)
        .filter(|&length| length <= 8)
    else {
        return Ok(None);
    };
    let Some(digits) = rest.get(..length) else {
        return Ok(None);
    };
    let value = digits
        .iter()
        .fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte));
    let mask = (1_u64 << (7 * length)) - 1;
    Ok(Some(Element {
        id: id.iter().fold(0, |sum, &byte| sum << 8 | u32::from(byte)),
        data: at + (id_length + length) as u64,
        length: (value & mask != mask).then_some(value & mask),
    }))
}
