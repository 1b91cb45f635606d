//! The table of types: stable name, family, MIME essence, canonical extension, and what else the world calls them.
//!
//! MIME names follow the IANA registry where it has one, otherwise what the messaging platforms use
//! (`application/vnd.android.package-archive`, `audio/aac`). Adding a type is adding a row.

use serde::{Deserialize, Serialize};

/// What kind of thing a type is; policy and disguise are judged by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// A still or moving picture.
    Image,
    /// Sound.
    Audio,
    /// Moving pictures, with or without sound.
    Video,
    /// Something to read: PDF, office formats, books.
    Document,
    /// Text without markup.
    Text,
    /// Text that a browser renders and may run.
    Markup,
    /// Several files in one, or one compressed.
    Archive,
    /// Something a machine runs.
    Executable,
    /// Text that an interpreter runs.
    Script,
    /// Known, but nothing to look at: fonts, databases.
    Other,
    /// Not recognised.
    Unknown,
}

struct Row {
    name: &'static str,
    label: &'static str,
    family: Family,
    mime: &'static str,
    extension: &'static str,
    also_mimes: &'static [&'static str],
    also_extensions: &'static [&'static str],
}

macro_rules! file_types {
    ($($variant:ident $name:literal $label:literal $family:ident $mime:literal $extension:literal
        [$($also_mime:literal)*] [$($also_extension:literal)*];)+) => {
        /// A type by the bytes. Serialised as its stable kebab-case name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum FileType {
            $(#[doc = concat!($label, ": `", $mime, "`, `.", $extension, "`.")]
            #[serde(rename = $name)]
            $variant,)+
        }

        impl FileType {
            /// Every type we can name.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn row(self) -> &'static Row {
                match self {
                    $(Self::$variant => &Row {
                        name: $name, label: $label, family: Family::$family, mime: $mime, extension: $extension,
                        also_mimes: &[$($also_mime),*], also_extensions: &[$($also_extension),*],
                    },)+
                }
            }
        }
    };
}

file_types! {
    Jpeg "jpeg" "JPEG picture" Image "image/jpeg" "jpg" ["image/jpg" "image/pjpeg"] ["jpeg" "jpe" "jfif"];
    Png "png" "PNG picture" Image "image/png" "png" ["image/x-png" "image/apng" "image/vnd.mozilla.apng"] ["apng"];
    Gif "gif" "GIF picture" Image "image/gif" "gif" [] [];
    Webp "webp" "WebP picture" Image "image/webp" "webp" [] [];
    WebpAnimated "webp-animated" "animated WebP picture" Image "image/webp" "webp" [] [];
    Heic "heic" "HEIC picture" Image "image/heic" "heic" ["image/heif" "image/heic-sequence"] ["heif" "heics"];
    Heif "heif" "HEIF picture" Image "image/heif" "heif" ["image/heif-sequence"] ["heifs" "hif"];
    Avif "avif" "AVIF picture" Image "image/avif" "avif" ["image/avif-sequence"] ["avifs"];
    Tiff "tiff" "TIFF picture" Image "image/tiff" "tiff" ["image/tif"] ["tif"];
    Bmp "bmp" "BMP picture" Image "image/bmp" "bmp" ["image/x-bmp" "image/x-ms-bmp"] ["dib"];
    Ico "ico" "Windows icon" Image "image/vnd.microsoft.icon" "ico" ["image/x-icon" "image/ico"] ["cur"];
    JpegXl "jpeg-xl" "JPEG XL picture" Image "image/jxl" "jxl" [] [];
    Photoshop "photoshop" "Photoshop picture" Image "image/vnd.adobe.photoshop" "psd" ["image/x-photoshop" "application/x-photoshop"] [];
    Jpeg2000 "jpeg-2000" "JPEG 2000 picture" Image "image/jp2" "jp2" ["image/jpx" "image/jpm" "image/x-jp2-codestream" "image/jpeg2000"] ["j2k" "j2c" "jpx" "jpm" "jpc" "jpf"];
    JpegLs "jpeg-ls" "JPEG-LS picture" Image "image/jls" "jls" ["image/x-jls"] [];
    Dng "dng" "raw picture (DNG)" Image "image/x-adobe-dng" "dng" ["image/dng" "image/tiff"] ["tif"];
    Emf "emf" "Windows metafile (EMF)" Image "image/emf" "emf" ["image/x-emf"] [];
    Wmf "wmf" "Windows metafile (WMF)" Image "image/wmf" "wmf" ["image/x-wmf"] [];
    Dicom "dicom" "DICOM picture" Image "application/dicom" "dcm" ["image/dicom-rle"] ["dicom"];

    OggOpus "ogg-opus" "Opus sound in Ogg" Audio "audio/ogg" "ogg" ["audio/opus" "application/ogg"] ["opus" "oga"];
    OggVorbis "ogg-vorbis" "Vorbis sound in Ogg" Audio "audio/ogg" "ogg" ["audio/vorbis" "audio/x-vorbis+ogg" "application/ogg"] ["oga"];
    OggSpeex "ogg-speex" "Speex sound in Ogg" Audio "audio/ogg" "spx" ["audio/speex" "audio/x-speex" "application/ogg"] ["ogg" "oga"];
    OggFlac "ogg-flac" "FLAC sound in Ogg" Audio "audio/ogg" "oga" ["audio/flac" "application/ogg"] ["ogg"];
    OggVideo "ogg-video" "Theora video in Ogg" Video "video/ogg" "ogv" ["application/ogg"] ["ogg"];
    Ogg "ogg" "Ogg stream" Other "application/ogg" "ogx" ["audio/ogg" "video/ogg"] ["ogg" "oga" "ogv"];
    Mp3 "mp3" "MP3 sound" Audio "audio/mpeg" "mp3" ["audio/mp3" "audio/x-mp3" "audio/mpeg3" "audio/x-mpeg"] [];
    Mp2 "mp2" "MPEG sound, layer I or II" Audio "audio/mpeg" "mp2" ["audio/mp2" "audio/x-mp2"] ["mp1" "mpa" "mp3"];
    Aac "aac" "AAC sound" Audio "audio/aac" "aac" ["audio/x-aac" "audio/aacp" "audio/x-hx-aac-adts"] ["adts"];
    Amr "amr" "AMR sound" Audio "audio/amr" "amr" ["audio/amr-nb"] [];
    AmrWideband "amr-wb" "wideband AMR sound" Audio "audio/amr-wb" "awb" ["audio/amr"] ["amr"];
    Wav "wav" "WAV sound" Audio "audio/wav" "wav" ["audio/x-wav" "audio/wave" "audio/vnd.wave"] ["wave"];
    M4a "m4a" "sound in MP4" Audio "audio/mp4" "m4a" ["audio/x-m4a" "audio/m4a"] ["m4b" "mp4"];
    Flac "flac" "FLAC sound" Audio "audio/flac" "flac" ["audio/x-flac"] [];
    Midi "midi" "MIDI music" Audio "audio/midi" "mid" ["audio/x-midi"] ["midi"];
    Aiff "aiff" "AIFF sound" Audio "audio/aiff" "aiff" ["audio/x-aiff" "audio/x-aifc"] ["aif" "aifc"];

    Mp4 "mp4" "MP4 video" Video "video/mp4" "mp4" ["video/x-m4v" "video/m4v"] ["m4v"];
    ThreeGp "3gp" "3GPP video" Video "video/3gpp" "3gp" ["video/3gp" "audio/3gpp" "video/3gpp-encrypted"] ["3gpp"];
    ThreeGp2 "3g2" "3GPP2 video" Video "video/3gpp2" "3g2" ["audio/3gpp2" "video/3g2"] ["3gpp2"];
    QuickTime "quicktime" "QuickTime video" Video "video/quicktime" "mov" ["video/mov" "video/x-quicktime"] ["qt"];
    Matroska "matroska" "Matroska video" Video "video/x-matroska" "mkv" ["video/matroska" "audio/x-matroska"] ["mka" "mk3d"];
    Webm "webm" "WebM video" Video "video/webm" "webm" ["audio/webm"] ["weba"];
    Avi "avi" "AVI video" Video "video/x-msvideo" "avi" ["video/avi" "video/msvideo"] [];
    MpegVideo "mpeg-video" "MPEG video" Video "video/mpeg" "mpg" ["video/mpg" "video/x-mpeg" "video/mp1s" "video/mp2p"] ["mpeg" "mpe" "vob" "m2v" "m1v"];
    MpegTs "mpeg-ts" "MPEG transport stream" Video "video/mp2t" "ts" ["video/mpeg"] ["mts" "m2ts" "m2t"];
    FlashVideo "flash-video" "Flash video" Video "video/x-flv" "flv" [] [];
    WindowsMedia "windows-media" "Windows media" Video "video/x-ms-wmv" "wmv" ["audio/x-ms-wma" "video/x-ms-asf"] ["wma" "asf"];

    Pdf "pdf" "PDF document" Document "application/pdf" "pdf" ["application/x-pdf" "application/acrobat" "text/pdf"] [];
    Docx "docx" "Word document" Document "application/vnd.openxmlformats-officedocument.wordprocessingml.document" "docx" [] [];
    Docm "docm" "Word document for macros" Document "application/vnd.ms-word.document.macroEnabled.12" "docm" [] [];
    Dotx "dotx" "Word template" Document "application/vnd.openxmlformats-officedocument.wordprocessingml.template" "dotx" [] [];
    Dotm "dotm" "Word template for macros" Document "application/vnd.ms-word.template.macroEnabled.12" "dotm" [] [];
    Xlsx "xlsx" "Excel workbook" Document "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" "xlsx" [] [];
    Xlsm "xlsm" "Excel workbook for macros" Document "application/vnd.ms-excel.sheet.macroEnabled.12" "xlsm" [] [];
    Xltx "xltx" "Excel template" Document "application/vnd.openxmlformats-officedocument.spreadsheetml.template" "xltx" [] [];
    Xltm "xltm" "Excel template for macros" Document "application/vnd.ms-excel.template.macroEnabled.12" "xltm" [] [];
    Xlsb "xlsb" "binary Excel workbook" Document "application/vnd.ms-excel.sheet.binary.macroEnabled.12" "xlsb" [] [];
    Xlam "xlam" "Excel add-in" Document "application/vnd.ms-excel.addin.macroEnabled.12" "xlam" [] [];
    Pptx "pptx" "PowerPoint presentation" Document "application/vnd.openxmlformats-officedocument.presentationml.presentation" "pptx" [] [];
    Pptm "pptm" "PowerPoint presentation for macros" Document "application/vnd.ms-powerpoint.presentation.macroEnabled.12" "pptm" [] [];
    Ppsx "ppsx" "PowerPoint slide show" Document "application/vnd.openxmlformats-officedocument.presentationml.slideshow" "ppsx" [] [];
    Ppsm "ppsm" "PowerPoint slide show for macros" Document "application/vnd.ms-powerpoint.slideshow.macroEnabled.12" "ppsm" [] [];
    Potx "potx" "PowerPoint template" Document "application/vnd.openxmlformats-officedocument.presentationml.template" "potx" [] [];
    Potm "potm" "PowerPoint template for macros" Document "application/vnd.ms-powerpoint.template.macroEnabled.12" "potm" [] [];
    Ppam "ppam" "PowerPoint add-in" Document "application/vnd.ms-powerpoint.addin.macroEnabled.12" "ppam" [] [];
    Vsdx "vsdx" "Visio drawing" Document "application/vnd.ms-visio.drawing" "vsdx" ["application/vnd.ms-visio.drawing.main+xml"] [];
    Vsdm "vsdm" "Visio drawing for macros" Document "application/vnd.ms-visio.drawing.macroEnabled.12" "vsdm" ["application/vnd.ms-visio.drawing.macroenabled"] [];
    Vstx "vstx" "Visio template" Document "application/vnd.ms-visio.template" "vstx" [] [];
    Vstm "vstm" "Visio template for macros" Document "application/vnd.ms-visio.template.macroEnabled.12" "vstm" ["application/vnd.ms-visio.template.macroenabled"] [];
    Vssx "vssx" "Visio stencil" Document "application/vnd.ms-visio.stencil" "vssx" [] [];
    Vssm "vssm" "Visio stencil for macros" Document "application/vnd.ms-visio.stencil.macroEnabled.12" "vssm" ["application/vnd.ms-visio.stencil.macroenabled"] [];
    Xps "xps" "XPS document" Document "application/vnd.ms-xpsdocument" "xps" ["application/oxps"] ["oxps"];
    Odt "odt" "OpenDocument text" Document "application/vnd.oasis.opendocument.text" "odt" [] [];
    Ods "ods" "OpenDocument spreadsheet" Document "application/vnd.oasis.opendocument.spreadsheet" "ods" [] [];
    Odp "odp" "OpenDocument presentation" Document "application/vnd.oasis.opendocument.presentation" "odp" [] [];
    Odg "odg" "OpenDocument drawing" Document "application/vnd.oasis.opendocument.graphics" "odg" [] ["otg"];
    Ott "ott" "OpenDocument text template" Document "application/vnd.oasis.opendocument.text-template" "ott" ["application/vnd.oasis.opendocument.text"] ["odt"];
    Ots "ots" "OpenDocument spreadsheet template" Document "application/vnd.oasis.opendocument.spreadsheet-template" "ots" ["application/vnd.oasis.opendocument.spreadsheet"] ["ods"];
    Otp "otp" "OpenDocument presentation template" Document "application/vnd.oasis.opendocument.presentation-template" "otp" ["application/vnd.oasis.opendocument.presentation"] ["odp"];
    OpenDocument "opendocument" "other OpenDocument file" Document "application/vnd.oasis.opendocument" "odf" ["application/vnd.oasis.opendocument.formula" "application/vnd.oasis.opendocument.chart" "application/vnd.oasis.opendocument.base" "application/vnd.oasis.opendocument.image"] ["odc" "odb" "odi" "odm"];
    Pages "pages" "Pages document" Document "application/vnd.apple.pages" "pages" ["application/x-iwork-pages-sffpages"] [];
    Numbers "numbers" "Numbers spreadsheet" Document "application/vnd.apple.numbers" "numbers" ["application/x-iwork-numbers-sffnumbers"] [];
    Keynote "keynote" "Keynote presentation" Document "application/vnd.apple.keynote" "key" ["application/x-iwork-keynote-sffkey"] [];
    Epub "epub" "EPUB book" Document "application/epub+zip" "epub" [] [];
    Doc "doc" "Word 97 document" Document "application/msword" "doc" [] ["dot"];
    Xls "xls" "Excel 97 workbook" Document "application/vnd.ms-excel" "xls" ["application/msexcel" "application/x-msexcel"] ["xlt"];
    Ppt "ppt" "PowerPoint 97 presentation" Document "application/vnd.ms-powerpoint" "ppt" ["application/mspowerpoint"] ["pps" "pot"];
    OutlookMessage "outlook-message" "Outlook message" Document "application/vnd.ms-outlook" "msg" [] [];
    Visio "visio" "Visio 2000 drawing" Document "application/vnd.visio" "vsd" ["application/vnd.ms-visio"] ["vss" "vst"];
    Publisher "publisher" "Publisher document" Document "application/x-mspublisher" "pub" ["application/vnd.ms-publisher"] [];
    Project "project" "Project plan" Document "application/vnd.ms-project" "mpp" [] ["mpt"];
    Works "works" "Works document" Document "application/vnd.ms-works" "wps" [] ["wks" "xlr"];
    Hangul "hangul" "Hangul document" Document "application/x-hwp" "hwp" ["application/vnd.hancom.hwp"] [];
    OneNote "onenote" "OneNote section" Document "application/onenote" "one" ["application/msonenote"] ["onetoc2"];
    OfficeEncrypted "office-encrypted" "encrypted Office document" Document "application/x-ms-office-encrypted" "ole"
        ["application/vnd.ms-office" "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
            "application/vnd.openxmlformats-officedocument.presentationml.presentation"] ["docx" "xlsx" "pptx"];
    Ole2 "ole2" "OLE2 container" Other "application/x-ole-storage" "ole" ["application/vnd.ms-office" "application/x-cfb"] [];
    Rtf "rtf" "RTF document" Document "application/rtf" "rtf" ["text/rtf" "application/x-rtf"] [];
    PostScript "postscript" "PostScript document" Document "application/postscript" "ps" [] ["eps" "ai"];

    Text "text" "plain text" Text "text/plain" "txt" []
        ["text" "log" "md" "markdown" "ini" "cfg" "conf" "asc" "yaml" "yml" "toml" "rst" "tex" "srt" "sql" "properties"];
    Csv "csv" "CSV table" Text "text/csv" "csv"
        ["application/csv" "text/comma-separated-values" "application/vnd.ms-excel"] [];
    Tsv "tsv" "tab-separated table" Text "text/tab-separated-values" "tsv" ["text/csv" "application/vnd.ms-excel"] ["tab" "csv"];
    Json "json" "JSON data" Text "application/json" "json" ["text/json" "application/ld+json" "application/geo+json"] ["geojson" "jsonl" "map"];
    VCard "vcard" "vCard contact" Text "text/vcard" "vcf" ["text/x-vcard" "text/directory"] ["vcard"];
    Calendar "calendar" "iCalendar entry" Text "text/calendar" "ics" ["application/ics"] ["ical" "ifb"];
    Email "email" "e-mail message" Text "message/rfc822" "eml" ["multipart/related" "application/x-mimearchive" "message/partial" "application/mbox"] ["mht" "mhtml" "mbox" "emlx"];
    WebVtt "webvtt" "captions (WebVTT)" Text "text/vtt" "vtt" [] [];
    Sylk "sylk" "symbolic link table (SYLK)" Text "application/x-sylk" "slk" ["text/spreadsheet" "application/vnd.ms-excel"] ["sylk"];
    Xml "xml" "XML data" Markup "application/xml" "xml" ["text/xml"] ["xsd" "xsl" "xslt" "kml" "gpx" "rss" "atom"];
    Svg "svg" "SVG picture" Markup "image/svg+xml" "svg" ["image/svg"] [];
    Html "html" "HTML page" Markup "text/html" "html" ["application/xhtml+xml"] ["htm" "xhtml" "shtml"];

    Zip "zip" "ZIP archive" Archive "application/zip" "zip" ["application/x-zip-compressed" "application/x-zip"] [];
    SevenZip "7z" "7-Zip archive" Archive "application/x-7z-compressed" "7z" [] [];
    Rar "rar" "RAR archive" Archive "application/vnd.rar" "rar" ["application/x-rar-compressed" "application/x-rar"] [];
    Tar "tar" "tar archive" Archive "application/x-tar" "tar" [] [];
    Gzip "gzip" "gzip archive" Archive "application/gzip" "gz" ["application/x-gzip"] ["tgz"];
    Bzip2 "bzip2" "bzip2 archive" Archive "application/x-bzip2" "bz2" ["application/x-bzip"] ["tbz2"];
    Xz "xz" "xz archive" Archive "application/x-xz" "xz" [] ["txz"];
    Zstd "zstd" "Zstandard archive" Archive "application/zstd" "zst" [] [];
    Cab "cab" "Windows cabinet" Archive "application/vnd.ms-cab-compressed" "cab" [] [];
    Iso "iso" "disc image" Archive "application/x-iso9660-image" "iso" ["application/x-cd-image"] ["img" "udf"];
    Lzip "lzip" "lzip archive" Archive "application/lzip" "lz" ["application/x-lzip"] [];
    Lz4 "lz4" "LZ4 archive" Archive "application/x-lz4" "lz4" [] [];
    Compress "compress" "compressed file (.Z)" Archive "application/x-compress" "z" [] [];

    Pe "pe" "Windows executable (PE)" Executable "application/vnd.microsoft.portable-executable" "exe"
        ["application/x-msdownload" "application/x-dosexec" "application/x-msdos-program"] ["dll" "scr" "sys" "ocx" "cpl" "efi"];
    DosExecutable "dos-executable" "DOS executable" Executable "application/x-dosexec" "exe" ["application/x-msdos-program"] ["com"];
    Elf "elf" "Linux executable (ELF)" Executable "application/x-executable" "elf"
        ["application/x-elf" "application/x-sharedlib" "application/x-pie-executable"] ["so" "o" "bin" "run"];
    MachO "mach-o" "macOS executable (Mach-O)" Executable "application/x-mach-binary" "macho" [] ["dylib" "bin"];
    JavaClass "java-class" "Java class" Executable "application/java-vm" "class" ["application/java"] [];
    Jar "jar" "Java archive" Executable "application/java-archive" "jar" ["application/x-java-archive"] ["war" "ear"];
    Apk "apk" "Android package" Executable "application/vnd.android.package-archive" "apk" [] [];
    Dex "dex" "Android bytecode" Executable "application/vnd.android.dex" "dex" [] [];
    Wasm "wasm" "WebAssembly module" Executable "application/wasm" "wasm" [] [];
    Msi "msi" "Windows installer" Executable "application/x-msi" "msi" ["application/x-ole-storage"] ["msp" "mst"];
    WindowsShortcut "windows-shortcut" "Windows shortcut" Executable "application/x-ms-shortcut" "lnk" [] [];
    DebianPackage "debian-package" "Debian package" Executable "application/vnd.debian.binary-package" "deb" [] [];
    RpmPackage "rpm-package" "RPM package" Executable "application/x-rpm" "rpm" [] [];
    BrowserExtension "browser-extension" "browser extension" Executable "application/x-google-chrome-extension" "crx" [] [];
    Flash "flash" "Flash program" Executable "application/x-shockwave-flash" "swf" [] [];
    CompiledHelp "compiled-help" "compiled HTML help" Executable "application/vnd.ms-htmlhelp" "chm" ["application/x-chm"] [];
    CompiledAppleScript "compiled-applescript" "compiled AppleScript" Executable "application/x-applescript" "scpt" [] [];
    ShellScript "shell-script" "script with an interpreter line" Script "text/x-shellscript" "sh"
        ["application/x-sh" "text/x-python" "text/x-perl"] ["bash" "py" "pl" "rb" "command"];
    BatchScript "batch-script" "Windows batch script" Script "application/x-bat" "bat" [] ["cmd"];
    PhpScript "php-script" "PHP script" Script "application/x-httpd-php" "php" ["text/x-php"] ["phtml"];
    PowerShell "powershell" "PowerShell script" Script "text/x-powershell" "ps1" ["application/x-powershell"] ["psm1" "psd1"];
    VbScript "vbscript" "Visual Basic script" Script "text/vbscript" "vbs" ["text/x-vbscript"] ["vbe" "bas" "vba"];
    JavaScript "javascript" "JavaScript" Script "text/javascript" "js" ["application/javascript" "application/x-javascript"] ["mjs" "cjs" "jse"];
    WindowsScript "windows-script" "Windows script or settings file" Script "text/x-windows-script" "wsf" [] ["sct" "wsc" "reg" "inf" "url" "scf"];

    Sqlite "sqlite" "SQLite database" Other "application/vnd.sqlite3" "sqlite" ["application/x-sqlite3"] ["db"];
    Font "font" "font" Other "font/sfnt" "ttf" ["font/ttf" "font/otf" "font/woff" "font/woff2"] ["otf" "woff" "woff2"];
    Unknown "unknown" "unknown type" Unknown "application/octet-stream" "bin" [] [];
}

impl FileType {
    /// The stable kebab-case name, the same as in serialised form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// What a person calls it.
    #[must_use]
    pub fn label(self) -> &'static str {
        self.row().label
    }

    /// What kind of thing it is.
    #[must_use]
    pub fn family(self) -> Family {
        self.row().family
    }

    /// The MIME essence to put on the wire, without parameters. `application/octet-stream` when unknown.
    #[must_use]
    pub fn mime(self) -> &'static str {
        self.row().mime
    }

    /// The MIME type with its codec, where one essence covers several: `audio/ogg; codecs=opus` (RFC 5334).
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::OggOpus => "audio/ogg; codecs=opus",
            Self::OggVorbis => "audio/ogg; codecs=vorbis",
            Self::OggSpeex => "audio/ogg; codecs=speex",
            Self::OggFlac => "audio/ogg; codecs=flac",
            _ => self.mime(),
        }
    }

    /// Whether it moves, of a type that can also be still.
    #[must_use]
    pub fn is_animated(self) -> bool {
        self == Self::WebpAnimated
    }

    /// The canonical extension, without the dot. `bin` when unknown.
    #[must_use]
    pub fn extension(self) -> &'static str {
        self.row().extension
    }

    /// Whether a MIME essence (lower case, no parameters) is a name for this type or for what it is a kind of.
    #[must_use]
    pub fn goes_by_mime(self, essence: &str) -> bool {
        let row = self.row();
        row.mime.eq_ignore_ascii_case(essence)
            || row.also_mimes.contains(&essence)
            || self
                .is_a()
                .is_some_and(|general| general.goes_by_mime(essence))
    }

    /// Whether an extension (lower case, no dot) is usual for this type or for what it is a kind of.
    #[must_use]
    pub fn goes_by_extension(self, extension: &str) -> bool {
        let row = self.row();
        row.extension == extension
            || row.also_extensions.contains(&extension)
            || self
                .is_a()
                .is_some_and(|general| general.goes_by_extension(extension))
    }

    /// The more general type this one is told from by looking closer: DOCX is a ZIP, CSV is text.
    /// HTML and SVG are deliberately not "text": calling them so is how they slip through.
    #[must_use]
    pub fn is_a(self) -> Option<Self> {
        match self {
            Self::Docx | Self::Xlsx | Self::Pptx | Self::Dotx | Self::Xltx | Self::Potx => {
                Some(Self::Zip)
            }
            Self::Docm | Self::Dotm | Self::Xlsm | Self::Xltm | Self::Xlam | Self::Pptm => {
                Some(Self::Zip)
            }
            Self::Ppsx | Self::Ppsm | Self::Potm | Self::Xlsb | Self::Vsdx | Self::Xps => {
                Some(Self::Zip)
            }
            Self::Odt | Self::Ods | Self::Odp | Self::Odg | Self::OpenDocument | Self::Epub => {
                Some(Self::Zip)
            }
            Self::Ott | Self::Ots | Self::Otp | Self::Pages | Self::Numbers | Self::Keynote => {
                Some(Self::Zip)
            }
            Self::Vsdm | Self::Vstx | Self::Vstm | Self::Vssx | Self::Vssm | Self::Ppam => {
                Some(Self::Zip)
            }
            Self::Jar | Self::Apk => Some(Self::Zip),
            Self::Csv | Self::Tsv | Self::Json | Self::VCard | Self::Calendar => Some(Self::Text),
            Self::Email | Self::WebVtt | Self::Sylk => Some(Self::Text),
            Self::Doc | Self::Xls | Self::Ppt | Self::OutlookMessage | Self::OfficeEncrypted => {
                Some(Self::Ole2)
            }
            Self::Visio | Self::Publisher | Self::Project | Self::Works | Self::Hangul => {
                Some(Self::Ole2)
            }
            Self::Svg => Some(Self::Xml),
            _ => None,
        }
    }

    /// Whether any type goes by this MIME essence.
    #[must_use]
    pub fn knows_mime(essence: &str) -> bool {
        Self::ALL.iter().any(|kind| kind.goes_by_mime(essence))
    }

    /// Whether any type goes by this extension.
    #[must_use]
    pub fn knows_extension(extension: &str) -> bool {
        Self::ALL
            .iter()
            .any(|kind| kind.goes_by_extension(extension))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn rows_are_well_formed() {
        let mut names = HashSet::new();
        for &kind in FileType::ALL {
            let row = kind.row();
            assert!(names.insert(row.name), "{} twice", row.name);
            assert_eq!(serde_json::to_value(kind).unwrap(), row.name);
            for mime in row.also_mimes {
                assert!(
                    mime.contains('/') && *mime == mime.to_ascii_lowercase(),
                    "{mime}"
                );
            }
            for extension in row.also_extensions.iter().chain([&row.extension]) {
                assert!(
                    extension
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()),
                    "{extension}"
                );
            }
            assert!(kind.goes_by_mime(&kind.mime().to_ascii_lowercase()));
            let essence = kind.content_type().split(';').next();
            assert_eq!(essence, Some(kind.mime()), "{kind:?}");
            assert!(kind.goes_by_extension(kind.extension()));
        }
    }

    #[test]
    fn names_of_the_world() {
        let table = [
            (FileType::Jpeg, "image/jpg", true),
            (FileType::ThreeGp, "video/3gp", true),
            (FileType::Zip, "application/x-zip-compressed", true),
            (FileType::Docx, "application/zip", true),
            (FileType::Docm, FileType::Docx.mime(), false),
            (FileType::Csv, "text/plain", true),
            (FileType::Html, "text/plain", false),
            (FileType::Svg, "text/xml", true),
            (FileType::Png, "image/jpeg", false),
            (
                FileType::Docm,
                "application/vnd.ms-word.document.macroenabled.12",
                true,
            ),
        ];
        for (kind, essence, expected) in table {
            assert_eq!(kind.goes_by_mime(essence), expected, "{kind:?} {essence}");
        }
    }
}
