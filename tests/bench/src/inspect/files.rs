//! Which files are measured: those of a folder, or the media of the tests with some more that are made here.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use zip::write::SimpleFileOptions;

/// Every file below a folder, in a stable order. Links are not followed.
///
/// # Errors
/// If the folder cannot be read, or has no files.
pub(super) fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut files, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        let entries =
            std::fs::read_dir(&folder).with_context(|| format!("cannot read {folder:?}"))?;
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    ensure!(!files.is_empty(), "{folder:?} has no files");
    files.sort();
    Ok(files)
}

/// The media of the tests.
pub(super) fn media() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../media")
}

/// Makes files of the sorts that the media lack, and answers where.
///
/// # Errors
/// If one cannot be written.
pub(super) fn make(folder: &Path) -> Result<Vec<PathBuf>> {
    let letter = "Sehr geehrte Damen und Herren,\nanbei die Rechnung über 12,50 €. Viele Grüße\n";
    let utf16: Vec<u8> = letter.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let rows: String = (0..400).map(|n| format!("{n};Müller;{n},50\n")).collect();
    let sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml";
    let macros = "application/vnd.ms-excel.sheet.macroEnabled.main+xml";
    let all: [(&str, Vec<u8>); 10] = [
        ("letter.txt", letter.repeat(20).into_bytes()),
        ("wide.txt", [&b"\xFF\xFE"[..], &utf16].concat()),
        ("table.csv", rows.clone().into_bytes()),
        (
            "data.json",
            serde_json::to_vec(&rows.lines().collect::<Vec<_>>())?,
        ),
        (
            "contact.vcf",
            b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Anna\r\nEND:VCARD\r\n".to_vec(),
        ),
        (
            "page.html",
            format!(
                "<!doctype html><body>{}</body>",
                "<p>Guten Tag</p>\n".repeat(2000)
            )
            .into_bytes(),
        ),
        (
            "drawing.svg",
            b"<svg xmlns='http://www.w3.org/2000/svg'><path d='M0 0h9'/></svg>".to_vec(),
        ),
        (
            "photos.zip",
            archive(&[("a.txt", letter), ("b.csv", &rows)])?,
        ),
        ("workbook.xlsx", office(sheet, &rows)?),
        ("workbook.xlsm", office(macros, &rows)?),
    ];
    all.into_iter()
        .map(|(name, bytes)| {
            let path = folder.join(name);
            std::fs::write(&path, bytes)?;
            Ok(path)
        })
        .collect()
}

fn office(main: &str, text: &str) -> Result<Vec<u8>> {
    let types = format!(
        "<?xml version=\"1.0\"?><Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
         <Override PartName=\"/xl/workbook.xml\" ContentType=\"{main}\"/></Types>"
    );
    let cells = format!("<worksheet>{text}</worksheet>");
    archive(&[
        ("[Content_Types].xml", types.as_str()),
        ("xl/workbook.xml", "<workbook/>"),
        ("xl/worksheets/sheet1.xml", &cells),
    ])
}

/// A deflated archive of these entries.
///
/// # Errors
/// If the writer refuses one.
pub(super) fn archive(entries: &[(&str, impl AsRef<[u8]>)]) -> Result<Vec<u8>> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, SimpleFileOptions::default())?;
        writer.write_all(bytes.as_ref())?;
    }
    Ok(writer.finish()?.into_inner())
}
