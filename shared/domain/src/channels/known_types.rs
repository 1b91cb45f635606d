//! The formats we know: a MIME type, its extensions (the usual one first) and other spellings of its type.
//!
//! Registered names per <https://www.iana.org/assignments/media-types>, otherwise what platforms say; other spellings as met in
//! practice. Whatever inspection can name stands here, which a test compares.

/// A MIME type, its extensions, and its other spellings.
type Known = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

macro_rules! known {
    ($($name:literal: $($extension:literal)+ $(, also $($alias:literal)+)?;)+) => {
        &[$(($name, &[$($extension),+], &[$($($alias),+)?])),+]
    };
}

/// All of them.
pub(super) const KNOWN: &[Known] = known! {
    "image/jpeg": "jpg" "jpeg", also "image/jpg" "image/pjpeg";
    "image/png": "png", also "image/x-png";
    "image/gif": "gif";
    "image/webp": "webp";
    "image/heic": "heic";
    "image/tiff": "tiff" "tif";
    "image/svg+xml": "svg";
    "image/heif": "heif" "heifs" "hif", also "image/heif-sequence";
    "image/avif": "avif" "avifs", also "image/avif-sequence";
    "image/bmp": "bmp" "dib", also "image/x-bmp" "image/x-ms-bmp";
    "image/vnd.microsoft.icon": "ico" "cur", also "image/x-icon" "image/ico";
    "image/jxl": "jxl";
    "image/vnd.adobe.photoshop": "psd", also "image/x-photoshop" "application/x-photoshop";
    "image/jp2": "jp2" "j2k" "j2c" "jpx" "jpm" "jpc" "jpf", also "image/jpx" "image/jpm" "image/x-jp2-codestream" "image/jpeg2000";
    "image/jls": "jls", also "image/x-jls";
    "image/x-adobe-dng": "dng", also "image/dng";
    "image/emf": "emf", also "image/x-emf";
    "image/wmf": "wmf", also "image/x-wmf";
    "audio/aac": "aac", also "audio/x-aac" "audio/aacp";
    "audio/amr": "amr";
    "audio/mpeg": "mp3" "mp2", also "audio/mp3" "audio/mpeg3";
    "audio/mp4": "m4a", also "audio/x-m4a" "audio/m4a";
    "audio/ogg": "ogg" "oga" "opus" "spx", also "audio/opus";
    "audio/wav": "wav", also "audio/x-wav" "audio/wave" "audio/vnd.wave";
    "audio/amr-wb": "awb";
    "audio/flac": "flac", also "audio/x-flac";
    "audio/midi": "mid" "midi", also "audio/x-midi";
    "audio/aiff": "aiff" "aif" "aifc", also "audio/x-aiff" "audio/x-aifc";
    "video/mp4": "mp4" "m4v", also "video/x-m4v";
    "video/3gpp": "3gp" "3gpp", also "video/3gp";
    "video/quicktime": "mov";
    "video/webm": "webm";
    "video/ogg": "ogv";
    "video/3gpp2": "3g2" "3gpp2", also "audio/3gpp2" "video/3g2";
    "video/x-matroska": "mkv" "mka" "mk3d", also "video/matroska" "audio/x-matroska";
    "video/x-msvideo": "avi", also "video/avi" "video/msvideo";
    "video/mpeg": "mpg" "mpeg" "mpe" "vob" "m2v" "m1v", also "video/mpg" "video/x-mpeg" "video/mp1s" "video/mp2p";
    "video/mp2t": "ts" "mts" "m2ts" "m2t";
    "video/x-flv": "flv";
    "video/x-ms-wmv": "wmv" "wma" "asf", also "audio/x-ms-wma" "video/x-ms-asf";
    "text/plain": "txt" "log";
    "text/csv": "csv", also "application/csv";
    "text/html": "html" "htm";
    "text/tab-separated-values": "tsv" "tab";
    "text/vcard": "vcf" "vcard", also "text/x-vcard";
    "text/calendar": "ics" "ical" "ifb", also "application/ics";
    "text/vtt": "vtt";
    "text/x-shellscript": "sh" "bash" "py" "pl" "rb" "command", also "application/x-sh" "text/x-python" "text/x-perl";
    "text/x-powershell": "ps1" "psm1" "psd1", also "application/x-powershell";
    "text/vbscript": "vbs" "vbe" "bas" "vba", also "text/x-vbscript";
    "text/javascript": "js" "mjs" "cjs" "jse", also "application/javascript" "application/x-javascript";
    "text/x-windows-script": "wsf" "sct" "wsc" "reg" "inf" "url" "scf";
    "application/pdf": "pdf", also "application/x-pdf";
    "application/json": "json", also "text/json";
    "application/zip": "zip", also "application/x-zip-compressed" "application/x-zip";
    "application/msword": "doc";
    "application/vnd.ms-excel": "xls";
    "application/vnd.ms-powerpoint": "ppt";
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx";
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx";
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx";
    "application/dicom": "dcm" "dicom", also "image/dicom-rle";
    "application/ogg": "ogx";
    "application/vnd.ms-word.document.macroenabled.12": "docm";
    "application/vnd.openxmlformats-officedocument.wordprocessingml.template": "dotx";
    "application/vnd.ms-word.template.macroenabled.12": "dotm";
    "application/vnd.ms-excel.sheet.macroenabled.12": "xlsm";
    "application/vnd.openxmlformats-officedocument.spreadsheetml.template": "xltx";
    "application/vnd.ms-excel.template.macroenabled.12": "xltm";
    "application/vnd.ms-excel.sheet.binary.macroenabled.12": "xlsb";
    "application/vnd.ms-excel.addin.macroenabled.12": "xlam";
    "application/vnd.ms-powerpoint.presentation.macroenabled.12": "pptm";
    "application/vnd.openxmlformats-officedocument.presentationml.slideshow": "ppsx";
    "application/vnd.ms-powerpoint.slideshow.macroenabled.12": "ppsm";
    "application/vnd.openxmlformats-officedocument.presentationml.template": "potx";
    "application/vnd.ms-powerpoint.template.macroenabled.12": "potm";
    "application/vnd.ms-powerpoint.addin.macroenabled.12": "ppam";
    "application/vnd.ms-visio.drawing": "vsdx", also "application/vnd.ms-visio.drawing.main+xml";
    "application/vnd.ms-visio.drawing.macroenabled.12": "vsdm", also "application/vnd.ms-visio.drawing.macroenabled";
    "application/vnd.ms-visio.template": "vstx";
    "application/vnd.ms-visio.template.macroenabled.12": "vstm", also "application/vnd.ms-visio.template.macroenabled";
    "application/vnd.ms-visio.stencil": "vssx";
    "application/vnd.ms-visio.stencil.macroenabled.12": "vssm", also "application/vnd.ms-visio.stencil.macroenabled";
    "application/vnd.ms-xpsdocument": "xps" "oxps", also "application/oxps";
    "application/vnd.oasis.opendocument.text": "odt";
    "application/vnd.oasis.opendocument.spreadsheet": "ods";
    "application/vnd.oasis.opendocument.presentation": "odp";
    "application/vnd.oasis.opendocument.graphics": "odg" "otg";
    "application/vnd.oasis.opendocument.text-template": "ott";
    "application/vnd.oasis.opendocument.spreadsheet-template": "ots";
    "application/vnd.oasis.opendocument.presentation-template": "otp";
    "application/vnd.oasis.opendocument": "odf" "odc" "odb" "odi" "odm", also "application/vnd.oasis.opendocument.formula" "application/vnd.oasis.opendocument.chart" "application/vnd.oasis.opendocument.base" "application/vnd.oasis.opendocument.image";
    "application/vnd.apple.pages": "pages", also "application/x-iwork-pages-sffpages";
    "application/vnd.apple.numbers": "numbers", also "application/x-iwork-numbers-sffnumbers";
    "application/vnd.apple.keynote": "key", also "application/x-iwork-keynote-sffkey";
    "application/epub+zip": "epub";
    "application/vnd.ms-outlook": "msg";
    "application/vnd.visio": "vsd" "vss" "vst", also "application/vnd.ms-visio";
    "application/x-mspublisher": "pub", also "application/vnd.ms-publisher";
    "application/vnd.ms-project": "mpp" "mpt";
    "application/vnd.ms-works": "wps" "wks" "xlr";
    "application/x-hwp": "hwp", also "application/vnd.hancom.hwp";
    "application/onenote": "one" "onetoc2", also "application/msonenote";
    "application/x-ms-office-encrypted": "ole";
    "application/x-ole-storage": "ole", also "application/x-cfb";
    "application/rtf": "rtf", also "text/rtf" "application/x-rtf";
    "application/postscript": "ps" "eps" "ai";
    "application/x-sylk": "slk" "sylk", also "text/spreadsheet";
    "application/xml": "xml" "xsd" "xsl" "xslt" "kml" "gpx" "rss" "atom", also "text/xml";
    "application/x-7z-compressed": "7z";
    "application/vnd.rar": "rar", also "application/x-rar-compressed" "application/x-rar";
    "application/x-tar": "tar";
    "application/gzip": "gz" "tgz", also "application/x-gzip";
    "application/x-bzip2": "bz2" "tbz2", also "application/x-bzip";
    "application/x-xz": "xz" "txz";
    "application/zstd": "zst";
    "application/vnd.ms-cab-compressed": "cab";
    "application/x-iso9660-image": "iso" "img" "udf", also "application/x-cd-image";
    "application/lzip": "lz", also "application/x-lzip";
    "application/x-lz4": "lz4";
    "application/x-compress": "z";
    "application/vnd.microsoft.portable-executable": "exe" "dll" "scr" "sys" "ocx" "cpl" "efi", also "application/x-msdownload";
    "application/x-dosexec": "exe" "com";
    "application/x-executable": "elf" "so" "o" "bin" "run", also "application/x-elf" "application/x-sharedlib" "application/x-pie-executable";
    "application/x-mach-binary": "macho" "dylib";
    "application/java-vm": "class", also "application/java";
    "application/java-archive": "jar" "war" "ear", also "application/x-java-archive";
    "application/vnd.android.package-archive": "apk";
    "application/vnd.android.dex": "dex";
    "application/wasm": "wasm";
    "application/x-msi": "msi" "msp" "mst";
    "application/x-ms-shortcut": "lnk";
    "application/vnd.debian.binary-package": "deb";
    "application/x-rpm": "rpm";
    "application/x-google-chrome-extension": "crx";
    "application/x-shockwave-flash": "swf";
    "application/vnd.ms-htmlhelp": "chm", also "application/x-chm";
    "application/x-applescript": "scpt";
    "application/x-bat": "bat" "cmd";
    "application/x-httpd-php": "php" "phtml", also "text/x-php";
    "application/vnd.sqlite3": "sqlite" "db", also "application/x-sqlite3";
    "message/rfc822": "eml" "mht" "mhtml" "mbox" "emlx", also "application/x-mimearchive" "application/mbox";
    "font/sfnt": "ttf" "otf" "woff" "woff2", also "font/ttf" "font/otf" "font/woff" "font/woff2";
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_means_one_type() {
        let mut seen = std::collections::BTreeSet::new();
        for (name, extensions, aliases) in KNOWN {
            assert!(!extensions.is_empty(), "{name}");
            for spelling in aliases.iter().chain([name]) {
                assert!(seen.insert(*spelling), "{spelling} twice");
                assert_eq!(*spelling, spelling.to_ascii_lowercase());
            }
        }
    }
}
