//! The files a customer sends: the project's sample media, and small texts where only the number of them matters.

use attache_platforms::whatsapp::MediaFile;

/// Where a file is meant to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// At the agent, byte for byte.
    Delivered,
    /// In the quarantine bucket.
    Quarantined,
    /// In the media bucket, until a person decides.
    Held,
}

/// One sample file.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its name.
    pub name: &'static str,
    /// As the customer sends it.
    pub file: MediaFile,
    /// Where it is meant to end.
    pub end: End,
}

macro_rules! samples {
    ($($name:literal, $declared:literal, $document:literal, $end:ident;)*) => {
        vec![$(sample($name, include_bytes!(concat!("../../media/", $name)), $declared, $document, End::$end),)*]
    };
}

/// Every sample medium, sent as the type a person's phone would declare.
#[must_use]
pub fn samples() -> Vec<Sample> {
    samples! {
        "photo.jpg", "image/jpeg", false, Delivered;
        "photo-1mb.jpg", "image/jpeg", false, Delivered;
        "screenshot.png", "image/png", false, Delivered;
        "Rechnung März (1).pdf", "application/pdf", true, Delivered;
        "brief.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", true, Delivered;
        "voice.ogg", "audio/ogg; codecs=opus", false, Delivered;
        "clip.mp4", "video/mp4", false, Delivered;
        "anim.gif", "image/gif", true, Delivered;
        "animation.webp", "image/webp", false, Delivered;
        "sticker.webp", "image/webp", false, Delivered;
        "notes.txt", "text/plain", true, Delivered;
        "invoice.png", "image/png", true, Quarantined;
        "truncated.pdf", "application/pdf", true, Held;
    }
}

fn sample(name: &'static str, bytes: &[u8], declared: &str, document: bool, end: End) -> Sample {
    let file = MediaFile::new(bytes.to_vec(), declared).named(name);
    let file = if document { file.as_document() } else { file };
    Sample { name, file, end }
}

/// The sample of this name, as the customer sends it.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn sample_named(name: &str) -> MediaFile {
    match samples().into_iter().find(|sample| sample.name == name) {
        Some(sample) => sample.file,
        None => panic!("there is no sample medium {name}"),
    }
}

/// The bytes of the sample of this name.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn bytes(name: &str) -> Vec<u8> {
    sample_named(name).bytes.to_vec()
}

/// A small text file that no other number gives.
#[must_use]
pub fn note(number: usize) -> MediaFile {
    let text = format!("Note {number}.\nOne of many.\n");
    MediaFile::new(text.into_bytes(), "text/plain")
        .named(&format!("note-{number}.txt"))
        .as_document()
}
