//! ISO base media: MP4, M4A, 3GP, QuickTime, HEIC, AVIF: told by brands, and sound from video by the tracks.
//!
//! Boxes are walked by their headers only, wherever `moov` stands. Sources: ISO/IEC 14496-12 §4.2 and §4.3, the
//! registry at mp4ra.org, Apple's QuickTime File Format for files without `ftyp`.

use crate::findings::Integrity;
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// More boxes than this on one level are not walked.
const BOXES_CAP: usize = 4096;
/// Compatible brands looked at.
const BRANDS_CAP: u64 = 256;

/// A box's name and extent: `at..end`, payload from `data`.
#[derive(Clone, Copy)]
struct Extent {
    name: [u8; 4],
    at: u64,
    data: u64,
    end: u64,
}

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    let kind = match source.head().get(4..8) {
        // Canon's raw pictures use the same boxes.
        Some(b"ftyp") if source.head().get(8..12) == Some(b"crx ") => return Ok(None),
        Some(b"ftyp") => Some(by_brands(source, 0)?),
        Some(b"moov" | b"mdat" | b"wide" | b"free" | b"skip" | b"pnot") => None,
        _ => return Ok(None),
    };
    let top = top_level(source)?;
    let has = |name: &[u8; 4]| top.boxes.iter().any(|one| &one.name == name);
    // Some writers leave room before the brands.
    let late = top.boxes.iter().find(|one| &one.name == b"ftyp");
    let kind = match (kind, late) {
        (None, Some(late)) => Some(by_brands(source, late.at)?),
        (kind, _) => kind,
    };
    // Without brands only a movie box makes it QuickTime; otherwise the four letters were chance.
    let Some(kind) = kind.or(has(b"moov").then_some(FileType::QuickTime)) else {
        return Ok(None);
    };
    let needs_movie = !matches!(kind, FileType::Heic | FileType::Heif | FileType::Avif);
    let integrity = match top.integrity {
        Integrity::Whole | Integrity::Trailing { .. } if needs_movie && !has(b"moov") => {
            Integrity::truncated("the file ends before its movie box")
        }
        Integrity::Whole | Integrity::Trailing { .. }
            if !needs_movie && !has(b"meta") && !has(b"moov") =>
        {
            Integrity::truncated("the file ends before its item index")
        }
        other => other,
    };
    let movie = top.boxes.iter().find(|one| &one.name == b"moov").copied();
    let kind = match (kind, movie) {
        (FileType::Mp4, Some(movie)) if only_sound(source, movie)? => FileType::M4a,
        _ => kind,
    };
    let mut seen = Seen::certain(kind).with_integrity(integrity);
    let spare = |one: &&Extent| !matches!(&one.name, b"ftyp" | b"moov" | b"mdat" | b"moof");
    seen.asides = top
        .boxes
        .iter()
        .filter(spare)
        .map(|one| one.data..one.end)
        .collect();
    seen.mapped = true;
    if matches!(seen.integrity, Integrity::Truncated { .. }) {
        // What looks like a box that goes on may be something else that begins there.
        seen.reach = top.boxes.last().map(|last| last.at);
    }
    Ok(Some(seen))
}

/// The type by the major brand, then by the compatible ones, of the box at `at`.
fn by_brands(source: &mut Source<'_>, at: u64) -> io::Result<FileType> {
    let size = source.exactly::<4>(at)?.map_or(0, u32::from_be_bytes);
    let brands = source.at(
        at + 8,
        u64::from(size).saturating_sub(8).clamp(4, BRANDS_CAP),
    )?;
    let (major, compatible) = brands.split_at(brands.len().min(4));
    let compatible = compatible.get(4..).unwrap_or_default();
    // `mif1` and `msf1` only say "some HEIF": the codec is among the compatible brands.
    let named = by_brand(major).filter(|kind| *kind != FileType::Heif);
    let otherwise = || {
        compatible
            .chunks_exact(4)
            .filter_map(by_brand)
            .find(|kind| *kind != FileType::Heif)
    };
    Ok(match named {
        Some(kind) => kind,
        None if matches!(major, b"mif1" | b"msf1" | b"mif2") => {
            otherwise().unwrap_or(FileType::Heif)
        }
        None => otherwise().unwrap_or_else(|| {
            let picture = compatible.chunks_exact(4).filter_map(by_brand).next();
            picture.unwrap_or(FileType::Mp4)
        }),
    })
}

fn by_brand(brand: &[u8]) -> Option<FileType> {
    Some(match brand {
        b"qt  " => FileType::QuickTime,
        b"M4A " | b"M4B " | b"M4P " | b"F4A " | b"F4B " => FileType::M4a,
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => {
            FileType::Heic
        }
        b"avif" | b"avis" => FileType::Avif,
        b"mif1" | b"msf1" | b"mif2" => FileType::Heif,
        [b'3', b'g', b'2', _] => FileType::ThreeGp2,
        [b'3', b'g', b'p' | b'r' | b's' | b'e' | b'g' | b'h', _] => FileType::ThreeGp,
        b"isom" | b"iso2" | b"iso3" | b"iso4" | b"iso5" | b"iso6" | b"iso7" | b"iso8" | b"iso9" => {
            FileType::Mp4
        }
        b"mp41" | b"mp42" | b"avc1" | b"M4V " | b"M4VH" | b"M4VP" | b"MSNV" | b"dash" | b"F4V "
        | b"XAVC" => FileType::Mp4,
        _ => return None,
    })
}

struct Level {
    boxes: Vec<Extent>,
    integrity: Integrity,
}

fn top_level(source: &mut Source<'_>) -> io::Result<Level> {
    walk(source, 0, source.len())
}

/// The boxes between `at` and `end`, and whether they fill it.
fn walk(source: &mut Source<'_>, mut at: u64, end: u64) -> io::Result<Level> {
    let mut boxes = Vec::new();
    while at < end {
        if boxes.len() == BOXES_CAP {
            return Ok(Level {
                boxes,
                integrity: Integrity::NotChecked,
            });
        }
        let Some(one) = box_at(source, at, end)? else {
            return Ok(Level {
                integrity: remainder(&boxes, at, end),
                boxes,
            });
        };
        if one.end > end {
            let cut = format!("a box ends at byte {}, its room at {end}", one.end);
            boxes.push(one);
            return Ok(Level {
                boxes,
                integrity: Integrity::truncated(cut),
            });
        }
        at = one.end;
        boxes.push(one);
    }
    Ok(Level {
        boxes,
        integrity: Integrity::Whole,
    })
}

/// What bytes that begin no box mean: padding after the movie, damage before it.
fn remainder(boxes: &[Extent], at: u64, end: u64) -> Integrity {
    if boxes
        .iter()
        .any(|one| matches!(&one.name, b"moov" | b"meta"))
    {
        Integrity::Trailing { bytes: end - at }
    } else if end - at < 8 {
        Integrity::truncated("the file ends within the header of a box")
    } else {
        Integrity::damaged(format!("no box begins at byte {at}"))
    }
}

/// The box at `at`; `None` where no plausible header stands.
fn box_at(source: &mut Source<'_>, at: u64, end: u64) -> io::Result<Option<Extent>> {
    let Some([a, b, c, d, name @ ..]) = source.exactly::<8>(at)? else {
        return Ok(None);
    };
    if !name.iter().all(|&b| b == 0xA9 || (0x20..0x7F).contains(&b)) {
        return Ok(None);
    }
    let (header, size) = match u32::from_be_bytes([a, b, c, d]) {
        0 => (8, end - at),
        1 => match source.exactly::<8>(at + 8)? {
            Some(large) => (16, u64::from_be_bytes(large)),
            None => return Ok(None),
        },
        size => (8, u64::from(size)),
    };
    let Some(stop) = at.checked_add(size).filter(|_| size >= header) else {
        return Ok(None);
    };
    Ok(Some(Extent {
        name,
        at,
        data: at + header,
        end: stop,
    }))
}

/// Whether the movie has sound tracks and no picture track.
fn only_sound(source: &mut Source<'_>, movie: Extent) -> io::Result<bool> {
    let (mut sound, mut picture) = (false, false);
    for track in children(source, movie, *b"trak")? {
        for media in children(source, track, *b"mdia")? {
            for handler in children(source, media, *b"hdlr")? {
                // Version and flags, then a reserved word, then the handler's type (14496-12 §8.4.3).
                match source.exactly(handler.data + 8)?.as_ref() {
                    Some(b"soun") => sound = true,
                    Some(b"vide") => picture = true,
                    _ => {}
                }
            }
        }
    }
    Ok(sound && !picture)
}

fn children(source: &mut Source<'_>, parent: Extent, name: [u8; 4]) -> io::Result<Vec<Extent>> {
    let end = parent.end.min(source.len());
    let level = walk(source, parent.data, end)?;
    Ok(level
        .boxes
        .into_iter()
        .filter(|one| one.name == name)
        .take(64)
        .collect())
}
