//! Small files of many formats, made in memory.

use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

pub(crate) fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in entries {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// An office document with the given main content type, its types part last.
pub(crate) fn office(main: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    let types = format!(
        "<?xml version=\"1.0\"?><Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
         <Override PartName=\"/main.xml\" ContentType=\"{main}\"/></Types>"
    );
    let mut entries: Vec<(&str, &[u8])> = vec![("main.xml", b"<x/>")];
    entries.extend_from_slice(more);
    entries.push(("[Content_Types].xml", types.as_bytes()));
    zip(&entries)
}

pub(crate) fn ole2(root_class: Option<u128>, streams: &[&str]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    if let Some(class) = root_class {
        file.set_storage_clsid("/", uuid::Uuid::from_u128(class))
            .unwrap();
    }
    for stream in streams {
        if let Some((storage, _)) = stream.rsplit_once('/') {
            file.create_storage_all(storage).unwrap();
        }
        file.create_stream(stream)
            .unwrap()
            .write_all(b"content")
            .unwrap();
    }
    file.into_inner().into_inner()
}

/// A box of ISO base media.
pub(crate) fn atom(name: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    [&(8 + payload.len() as u32).to_be_bytes()[..], name, payload].concat()
}

pub(crate) fn media(major: &[u8; 4], compatible: &[u8], handlers: &[&[u8; 4]]) -> Vec<u8> {
    let track = |handler: &[u8; 4]| {
        let payload = [&[0; 8][..], handler, &[0; 13]].concat();
        atom(b"trak", &atom(b"mdia", &atom(b"hdlr", &payload)))
    };
    let tracks: Vec<u8> = handlers.iter().flat_map(|handler| track(handler)).collect();
    let brands = [&major[..], &[0; 4], compatible].concat();
    [
        atom(b"ftyp", &brands),
        atom(b"mdat", b"data"),
        atom(b"moov", &tracks),
        atom(b"meta", b""),
    ]
    .concat()
}
