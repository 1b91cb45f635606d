//! Office Open XML: the type by the main part's content type, and what the parts link to or start.
//!
//! Sources: ECMA-376 part 2 §§6.5, 7.3 (relationships, content types), part 1 §17.16 (fields), §18.14 (external links);
//! MS-OFFMACRO2; MS-XLSB §2.4.584 (BrtBeginSupBook).

use super::parts::Parts;
use crate::findings::HazardKind;
use crate::formats::fields;
use crate::formats::text::entities;
use crate::kind::FileType;
use crate::seen::Seen;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::io::{Read, Seek};

/// The most that is unpacked of `[Content_Types].xml`; real ones are a few KiB, of large slide decks some tens.
const TYPES_CAP: u64 = 1 << 20;
/// The most that is unpacked of one part with relationships or links.
const LINKS_CAP: u64 = 512 << 10;
/// The most that is unpacked of one part with text.
const TEXT_CAP: u64 = 6 << 20;
/// Parts of one sort that are looked at.
const PARTS_CAP: usize = 256;

/// Main parts by the end of their content type; the macro twins differ here and nowhere else.
const MAIN_PARTS: [(&str, FileType); 27] = [
    ("wordprocessingml.document.main+xml", FileType::Docx),
    ("ms-word.document.macroenabled.main+xml", FileType::Docm),
    ("wordprocessingml.template.main+xml", FileType::Dotx),
    (
        "ms-word.template.macroenabledtemplate.main+xml",
        FileType::Dotm,
    ),
    ("ms-word.template.macroenabled.main+xml", FileType::Dotm),
    ("spreadsheetml.sheet.main+xml", FileType::Xlsx),
    ("ms-excel.sheet.macroenabled.main+xml", FileType::Xlsm),
    ("spreadsheetml.template.main+xml", FileType::Xltx),
    ("ms-excel.template.macroenabled.main+xml", FileType::Xltm),
    ("ms-excel.sheet.binary.macroenabled.main", FileType::Xlsb),
    ("ms-excel.addin.macroenabled.main+xml", FileType::Xlam),
    ("presentationml.presentation.main+xml", FileType::Pptx),
    (
        "ms-powerpoint.presentation.macroenabled.main+xml",
        FileType::Pptm,
    ),
    ("presentationml.slideshow.main+xml", FileType::Ppsx),
    (
        "ms-powerpoint.slideshow.macroenabled.main+xml",
        FileType::Ppsm,
    ),
    ("presentationml.template.main+xml", FileType::Potx),
    (
        "ms-powerpoint.template.macroenabled.main+xml",
        FileType::Potm,
    ),
    ("ms-powerpoint.addin.macroenabled.main+xml", FileType::Ppam),
    ("ms-visio.drawing.main+xml", FileType::Vsdx),
    ("ms-visio.drawing.macroenabled.main+xml", FileType::Vsdm),
    ("ms-visio.template.main+xml", FileType::Vstx),
    ("ms-visio.template.macroenabled.main+xml", FileType::Vstm),
    ("ms-visio.stencil.main+xml", FileType::Vssx),
    ("ms-visio.stencil.macroenabled.main+xml", FileType::Vssm),
    ("ms-package.xps-fixeddocumentsequence+xml", FileType::Xps),
    ("openxps-fixeddocumentsequence+xml", FileType::Xps),
    ("oxps-fixeddocumentsequence+xml", FileType::Xps),
];

/// An element, whose attributes are only looked at when asked for.
pub(in crate::formats) struct Element<'a>(&'a BytesStart<'a>);

impl Element<'_> {
    /// An attribute by its local name, references resolved, trimmed, in lower case. Empty where there is none.
    pub(in crate::formats) fn value(&self, name: &str) -> String {
        let mut attributes = self.0.attributes();
        let found = attributes.with_checks(false).flatten().find(|one| {
            one.key
                .local_name()
                .as_ref()
                .eq_ignore_ascii_case(name.as_bytes())
        });
        let raw = found
            .map(|one| String::from_utf8_lossy(&one.value).into_owned())
            .unwrap_or_default();
        let plain = quick_xml::escape::unescape(&raw).map(|plain| plain.trim().to_lowercase());
        plain.unwrap_or_else(|_| raw.to_lowercase())
    }
}

/// Calls `visit` with every element and its local name, up to the first error.
pub(in crate::formats) fn elements(xml: &str, mut visit: impl FnMut(&str, &Element<'_>)) {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    loop {
        match reader.read_event() {
            Ok(Event::Start(element) | Event::Empty(element)) => {
                let name = element.local_name();
                visit(
                    std::str::from_utf8(name.as_ref()).unwrap_or_default(),
                    &Element(&element),
                );
            }
            Ok(Event::Eof) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// The type by the part that the package names as its document; without one, by any main part's type.
pub(super) fn kind<R: Read + Seek>(parts: &mut Parts<R>) -> Option<FileType> {
    let types = parts.text("[content_types].xml", TYPES_CAP)?;
    let mut document = None;
    elements(
        &parts.text("_rels/.rels", LINKS_CAP).unwrap_or_default(),
        |_, of| {
            let link = of.value("type");
            if [
                "/officedocument",
                "/relationships/document",
                "/fixedrepresentation",
            ]
            .iter()
            .any(|end| link.ends_with(end))
            {
                document.get_or_insert_with(|| {
                    of.value("target").trim_start_matches(['/', '.']).to_owned()
                });
            }
        },
    );
    by_types(&types, document.as_deref())
}

/// The type named by a content-types part for this document.
pub(super) fn by_types(types: &str, document: Option<&str>) -> Option<FileType> {
    let (mut named, mut any) = (None, None);
    elements(types, |_, of| {
        let found = main_part(&of.value("contenttype"));
        let part = of.value("partname");
        let part = part.trim_start_matches('/');
        if !part.is_empty() && Some(part) == document {
            named = Some(found);
        }
        any = any.or(found);
    });
    // A document of another type (a theme, say) is none of these, whatever else the package holds.
    named.unwrap_or(any)
}

/// The only type that plainly written content types name; `None` where there are several, or anything needs reading.
pub(super) fn only_type(types: &[u8]) -> Option<FileType> {
    let mut found = None;
    for at in memchr::memmem::find_iter(types, b".main") {
        let start = memchr::memrchr2(b'"', b'\'', &types[..at])? + 1;
        let length = memchr::memchr2(b'"', b'\'', &types[at..])? + at - start;
        let mime = std::str::from_utf8(&types[start..start + length])
            .ok()?
            .to_ascii_lowercase();
        if let Some(kind) = main_part(&mime) {
            if found.is_some_and(|other| other != kind) {
                return None;
            }
            found = Some(kind);
        }
    }
    found
}

fn main_part(mime: &str) -> Option<FileType> {
    MAIN_PARTS
        .iter()
        .find(|(end, _)| mime.ends_with(end))
        .map(|&(_, kind)| kind)
}

/// Adds what the parts give away: code under any name, links that load, fields that start programs. Answers how the names of
/// parts end that are files of another format, shown as part of the text.
pub(super) fn flag<R: Read + Seek>(parts: &mut Parts<R>, seen: &mut Seen) -> Vec<String> {
    let mut chunks = Vec::new();
    let types = parts
        .text("[content_types].xml", TYPES_CAP)
        .unwrap_or_default();
    elements(&types, |_, of| {
        let mime = of.value("contenttype");
        if mime.ends_with("ms-office.vbaproject") && !of.value("partname").is_empty() {
            seen.add_hazard(HazardKind::Macro, "a VBA project part");
        } else if mime.contains("macrosheet+xml")
            || mime.ends_with("ms-excel.macrosheet")
            || mime.ends_with("intlmacrosheet")
        {
            seen.add_hazard(HazardKind::Macro, "an Excel 4 macro sheet");
        } else if mime.ends_with("ms-office.activex+xml") && !of.value("partname").is_empty() {
            seen.add_hazard(HazardKind::ActiveX, "a control");
        }
    });
    for index in take(parts.indices(|name| name.ends_with(".rels"))) {
        let links = parts.text_at(index, LINKS_CAP);
        elements(&links, |_, link| {
            relationship(link, seen);
            chunks.extend(chunk(link));
        });
    }
    for index in take(
        parts.indices(|name| name.starts_with("xl/externallinks/") && !name.ends_with(".rels")),
    ) {
        external_link(&parts.bytes(index, LINKS_CAP), seen);
    }
    let is_text = |name: &str| {
        let part = name.strip_prefix("word/").unwrap_or_default();
        part.ends_with(".xml")
            && [
                "document",
                "header",
                "footer",
                "footnotes",
                "endnotes",
                "comments",
                "glossary/document",
            ]
            .iter()
            .any(|start| part.starts_with(start))
    };
    for index in take(parts.indices(is_text)) {
        text_part(&parts.text_at(index, TEXT_CAP), seen);
    }
    chunks
}

/// The last part of the name of a part that is a file of another format.
fn chunk(of: &Element<'_>) -> Option<String> {
    if !of.value("type").ends_with("/afchunk") {
        return None;
    }
    of.value("target").rsplit('/').next().map(str::to_owned)
}

fn take(indices: Vec<usize>) -> impl Iterator<Item = usize> {
    indices.into_iter().take(PARTS_CAP)
}

fn relationship(of: &Element<'_>, seen: &mut Seen) {
    let (link, target) = (of.value("type"), of.value("target"));
    let (link, target) = (link.rsplit('/').next().unwrap_or_default(), target.as_str());
    if link == "vbaproject" || link == "xlmacrosheet" || link == "xlintlmacrosheet" {
        seen.add_hazard(HazardKind::Macro, "a link to code");
    }
    if of.value("targetmode") != "external" {
        return;
    }
    match link {
        "attachedtemplate" if is_remote(target) => {
            seen.add_hazard(
                HazardKind::ExternalTemplate,
                "a template from another place",
            );
        }
        "oleobject" | "frame" | "subdocument" | "afchunk" | "control" => {
            seen.add_hazard(HazardKind::ExternalObject, format!("a linked {link}"));
        }
        "image" | "video" | "audio" | "media" if is_web(target) => {
            seen.add_hazard(
                HazardKind::ExternalMedia,
                format!("a linked {link} from the web"),
            );
        }
        "image" | "video" | "audio" | "media" if is_remote(target) => {
            seen.add_hazard(
                HazardKind::ExternalObject,
                format!("a linked {link} from another place"),
            );
        }
        _ => {}
    }
}

/// Whether following an address leaves the machine: any scheme but a local file, or a network share.
pub(super) fn is_remote(target: &str) -> bool {
    let path = target
        .strip_prefix("file:")
        .map(|rest| rest.trim_start_matches("///"));
    match path {
        Some(path) => path.starts_with("\\\\") || path.starts_with("//"),
        None => {
            target.starts_with("\\\\")
                || target
                    .split_once(':')
                    .is_some_and(|(scheme, _)| scheme.len() > 1)
        }
    }
}

/// Whether an address is one of the web: fetching it tells the server that somebody did. A share is told who.
fn is_web(target: &str) -> bool {
    target.starts_with("http://") || target.starts_with("https://")
}

fn external_link(part: &[u8], seen: &mut Seen) {
    // Binary workbooks begin the link with record 360, whose first word says of what sort it is.
    if let [0xE8, 0x02, _, sort, ..] = part {
        match sort {
            1 => seen.add_hazard(HazardKind::Dde, "a DDE link"),
            2 => seen.add_hazard(HazardKind::ExternalObject, "a linked object"),
            _ => {}
        }
        return;
    }
    elements(&crate::formats::text::unicode(part), |name, _| match name {
        "ddeLink" => seen.add_hazard(HazardKind::Dde, "a DDE link"),
        "oleLink" => seen.add_hazard(HazardKind::ExternalObject, "a linked object"),
        _ => {}
    });
}

fn text_part(xml: &str, seen: &mut Seen) {
    if xml.len() as u64 >= TEXT_CAP {
        let long = format!("more than {TEXT_CAP} bytes of text in one part");
        seen.add_hazard(HazardKind::BeyondLimits, long);
    }
    fields::flag(xml, seen);
    entities::flag(xml, seen);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let rows = [
            ("http://a.example/t.dotm", true),
            ("\\\\server\\share\\t.dotx", true),
            ("file:///\\\\server\\share\\t.dotx", true),
            ("file://server/share/t.dotx", true),
            ("file:///c:\\users\\a\\t.dotm", false),
            ("file:///users/a/t.dotm", false),
            ("c:\\t.dotm", false),
            ("media/image1.png", false),
            ("mhtml:http://a.example", true),
        ];
        for (target, expected) in rows {
            assert_eq!(is_remote(target), expected, "{target}");
        }
    }

    #[test]
    fn the_named_document_decides() {
        let types = "<t:Types xmlns:t='x'><t:Override PartName='/a.xml' ContentType='application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml'/>\
             <t:Override ContentType='application/vnd.ms-word.document.macroEnabled.main+xml' PartName='/word/Document.xml'/></t:Types>";
        assert_eq!(
            by_types(types, Some("word/document.xml")),
            Some(FileType::Docm)
        );
        assert_eq!(by_types(types, None), Some(FileType::Xlsx));
        assert_eq!(by_types("<a><b", None), None);
    }
}
