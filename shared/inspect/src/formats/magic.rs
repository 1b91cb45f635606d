//! The last resort: magic numbers by `infer`, for formats that need no closer look yet.
//!
//! Only signatures long enough to be believed are taken; what `infer` says about text, ZIP, OLE2 and ISO-BMFF is settled
//! by structure before this room is asked.

use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;

pub(super) fn read(source: &Source<'_>) -> Option<Seen> {
    let kind = match infer::get(source.head())?.extension() {
        "tif" => FileType::Tiff,
        "bmp" if is_bitmap(source) => FileType::Bmp,
        "ico" => FileType::Ico,
        "jxl" => FileType::JpegXl,
        "psd" => FileType::Photoshop,
        "midi" => FileType::Midi,
        "flac" => FileType::Flac,
        "aiff" => FileType::Aiff,
        "mkv" => FileType::Matroska,
        "webm" => FileType::Webm,
        "mpg" => FileType::MpegVideo,
        "flv" => FileType::FlashVideo,
        "wmv" => FileType::WindowsMedia,
        "7z" => FileType::SevenZip,
        "rar" => FileType::Rar,
        "tar" => FileType::Tar,
        "gz" => FileType::Gzip,
        "bz2" => FileType::Bzip2,
        "xz" => FileType::Xz,
        "zst" => FileType::Zstd,
        "cab" => FileType::Cab,
        "deb" => FileType::DebianPackage,
        "rpm" => FileType::RpmPackage,
        "crx" => FileType::BrowserExtension,
        "swf" => FileType::Flash,
        "ps" => FileType::PostScript,
        "rtf" => FileType::Rtf,
        "sqlite" => FileType::Sqlite,
        "woff" | "woff2" | "ttf" | "otf" => FileType::Font,
        _ => return None,
    };
    Some(Seen::likely(kind))
}

/// Two letters are no signature: the header behind them must have a known size.
fn is_bitmap(source: &Source<'_>) -> bool {
    let header = source
        .head()
        .get(14..18)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u32::from_le_bytes);
    matches!(header, Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124))
}
