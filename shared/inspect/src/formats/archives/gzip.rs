//! gzip: the name it carries, what it begins with once unpacked, and whether it is a bomb (RFC 1952).

use super::tar;
use crate::findings::HazardKind;
use crate::formats::{executable, runnable};
use crate::inflate;
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufReader, Seek, SeekFrom};

/// What unpacks to more than this, at more than the ratio, is a bomb.
const UNPACKED_CAP: u64 = 64 << 20;
const RATIO_CAP: u64 = 200;
/// How much of the contents is looked at.
const HEAD: usize = 4096;
/// How much of the file is read to count.
const READ_ALLOWED: u64 = 1 << 20;
/// Header flag: a name follows.
const NAMED: u8 = 8;

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Seen> {
    let mut seen = Seen::certain(FileType::Gzip);
    if !source.is_deep() {
        return Ok(seen);
    }
    let head = source.head();
    if head.get(3).is_some_and(|flags| flags & NAMED != 0) {
        // A field between header and name is rare enough to do without the name.
        let name = head
            .get(10..)
            .unwrap_or_default()
            .split(|&b| b == 0)
            .next()
            .unwrap_or_default();
        if let Some(extension) = runnable::extension(&String::from_utf8_lossy(name)) {
            seen.add_hazard(
                HazardKind::ExecutableInside,
                format!("a file that ends with .{extension}"),
            );
        }
    }
    let inside = inflate::take(MultiGzDecoder::new(head), HEAD);
    if executable::is_program(&inside) {
        seen.add_hazard(HazardKind::ExecutableInside, "a file that is a program");
    }
    if tar::begins(&inside)
        && let Some(extension) = inside[..100]
            .split(|&b| b == 0)
            .next()
            .and_then(|name| runnable::extension(&String::from_utf8_lossy(name)))
    {
        seen.add_hazard(
            HazardKind::ExecutableInside,
            format!("an entry that ends with .{extension}"),
        );
    }
    let sample = &head[..head.len().min(2048)];
    let dense = inflate::count(MultiGzDecoder::new(sample), 1 << 20) / sample.len().max(1) as u64;
    if dense > RATIO_CAP {
        bomb(source, &mut seen)?;
    }
    Ok(seen)
}

fn bomb(source: &mut Source<'_>, seen: &mut Seen) -> io::Result<()> {
    source.allow(READ_ALLOWED);
    source.hold(READ_ALLOWED)?;
    source.seek(SeekFrom::Start(0))?;
    let length = source.len();
    let unpacked = inflate::count(
        MultiGzDecoder::new(BufReader::new(&mut *source)),
        UNPACKED_CAP,
    );
    if unpacked >= UNPACKED_CAP {
        seen.add_hazard(
            HazardKind::Bomb,
            format!("{length} bytes unpack to more than {UNPACKED_CAP}"),
        );
    }
    Ok(())
}
