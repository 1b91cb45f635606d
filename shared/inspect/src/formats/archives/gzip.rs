//! gzip: the name it carries, what it begins with once unpacked, and whether it is a bomb (RFC 1952).

use crate::findings::{HazardKind, Integrity};
use crate::formats::attached::{self, Carrier, HEAD};
use crate::formats::find;
use crate::inflate;
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use flate2::bufread::{GzDecoder, MultiGzDecoder};
use std::io::{self, BufReader, Seek, SeekFrom};

/// What unpacks to more than this, at more than the ratio, is a bomb.
const UNPACKED_CAP: u64 = 16 << 20;
const RATIO_CAP: u64 = 200;
/// How much of the file is read to count.
const READ_ALLOWED: u64 = 1 << 20;
/// How much is unpacked to find the end.
const END_CAP: u64 = 2 << 20;

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Seen> {
    let mut seen = Seen::certain(FileType::Gzip);
    if !source.is_deep() {
        return Ok(seen);
    }
    let whole = source.head().len() as u64 == source.len();
    let head = source.head();
    let mut stream = GzDecoder::new(head);
    let inside = inflate::take(&mut stream, usize::try_from(HEAD).unwrap_or(usize::MAX));
    let mut inner_name = String::new();
    if let Some(header) = stream.header() {
        let name = header.filename().map(String::from_utf8_lossy);
        inner_name = name.unwrap_or_default().into_owned();
        attached::by_name(Carrier::Archive, &inner_name, &mut seen);
        let fields = [header.extra(), header.filename(), header.comment()];
        if fields.into_iter().flatten().any(begins_something) {
            seen.add_hazard(HazardKind::Polyglot, "another format within the header");
        }
    }
    let sample = &head[..head.len().min(2048)];
    let dense = inflate::count(GzDecoder::new(sample), 1 << 20) / 2048;
    if dense > RATIO_CAP {
        attached::by_head(Carrier::Archive, &inside, &mut seen);
        bomb(source, UNPACKED_CAP, &mut seen)?;
        return Ok(seen);
    }
    if whole {
        seen.integrity = end(head, stream);
    }
    contents(source, (&inner_name, &inside), &mut seen)?;
    Ok(seen)
}

/// Adds what the file is once it is unpacked.
fn contents(
    source: &mut Source<'_>,
    (name, head): (&str, &[u8]),
    seen: &mut Seen,
) -> io::Result<()> {
    let mut allowance = *source.allowance();
    let unpack = |cap: usize| {
        source.seek(SeekFrom::Start(0))?;
        let packed = BufReader::new(&mut *source);
        Ok(inflate::take(MultiGzDecoder::new(packed), cap))
    };
    attached::enter(
        (&mut allowance, Carrier::Archive),
        (name, head),
        unpack,
        seen,
    )?;
    source.allowance().after(&allowance);
    Ok(())
}

/// Whether a field of the header holds what begins another file: fields are names and short notes.
fn begins_something(field: &[u8]) -> bool {
    let binary = field.iter().filter(|b| b.is_ascii_control()).count();
    field.len() > 512
        || find(field, b"%PDF-").is_some()
        || find(field, b"<").is_some()
        || (field.len() > 32 && binary > 4)
}

/// Where the members end, if unpacking them to the end is cheap.
fn end(head: &[u8], mut stream: GzDecoder<&[u8]>) -> Integrity {
    loop {
        if inflate::count(&mut stream, END_CAP) >= END_CAP {
            return Integrity::NotChecked;
        }
        let rest = stream.into_inner();
        if rest.is_empty() || !rest.starts_with(b"\x1F\x8B\x08") {
            return Integrity::ending_at((head.len() - rest.len()) as u64, head.len() as u64);
        }
        stream = GzDecoder::new(rest);
    }
}

fn bomb(source: &mut Source<'_>, cap: u64, seen: &mut Seen) -> io::Result<()> {
    source.allow(READ_ALLOWED);
    source.hold(READ_ALLOWED)?;
    source.seek(SeekFrom::Start(0))?;
    let length = source.len();
    let packed = BufReader::new(&mut *source);
    if inflate::count(MultiGzDecoder::new(packed), cap) >= cap {
        seen.add_hazard(
            HazardKind::Bomb,
            format!("{length} bytes unpack to more than {cap}"),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Depth;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::{Cursor, Write};

    #[test]
    fn members_count_together() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&[0; 100_000]).unwrap();
        let member = encoder.finish().unwrap();
        for (members, is_bomb) in [(2, false), (3, true)] {
            let mut cursor = Cursor::new(member.repeat(members));
            let mut source = Source::open(&mut cursor, Depth::Deep).unwrap();
            let mut seen = Seen::certain(FileType::Gzip);
            bomb(&mut source, 250_000, &mut seen).unwrap();
            assert_eq!(!seen.hazards.is_empty(), is_bomb, "{members}");
        }
    }
}
