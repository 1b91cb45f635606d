//! The files of the tour, or the person's own, and what each is meant to show.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use attache_platforms::whatsapp::MediaFile;

/// What a piece is expected to end as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Delivered,
    Quarantined,
    Held,
    /// A person's own file: whatever the bytes deserve.
    Anything,
}

/// What happens to it on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    None,
    /// Its webhook is delivered five times.
    Repeated,
    /// Its delivery meets 429 twice.
    Throttled,
    /// The function that fetches it is killed in the middle.
    Killed,
}

/// One file.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) file_name: String,
    pub(super) bytes: Vec<u8>,
    declared: &'static str,
    as_document: bool,
    caption: Option<&'static str>,
    pub(super) expected: Expected,
    pub(super) trouble: Trouble,
}

impl Piece {
    fn new(file_name: &str, bytes: &[u8], declared: &'static str) -> Self {
        Self {
            file_name: file_name.to_owned(),
            bytes: bytes.to_vec(),
            declared,
            as_document: !declared.starts_with("image/")
                && !declared.starts_with("audio/")
                && !declared.starts_with("video/"),
            caption: None,
            expected: Expected::Delivered,
            trouble: Trouble::None,
        }
    }

    fn document(self) -> Self {
        Self {
            as_document: true,
            ..self
        }
    }

    fn with(self, trouble: Trouble) -> Self {
        Self { trouble, ..self }
    }

    fn expecting(self, expected: Expected) -> Self {
        Self { expected, ..self }
    }

    /// The stages in which it may end; none: wherever it comes to rest.
    pub(super) fn until(&self) -> &'static [&'static str] {
        match self.expected {
            Expected::Delivered | Expected::Anything => &["sent"],
            Expected::Quarantined | Expected::Held => &[],
        }
    }

    /// As the customer sends it.
    pub(super) fn media(&self) -> MediaFile {
        let mut file = MediaFile::new(self.bytes.clone(), self.declared).named(&self.file_name);
        if self.as_document {
            file = file.as_document();
        }
        match self.caption {
            Some(caption) => file.captioned(caption),
            None => file,
        }
    }
}

macro_rules! media {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/media/", $name))
    };
}

/// The demo's own files: made for this project, kept small; `tests/media/README.md` says how.
pub(super) fn programme() -> Vec<Piece> {
    let captioned = Piece {
        caption: Some("Is this covered by the warranty?"),
        ..Piece::new("photo.jpg", media!("photo.jpg"), "image/jpeg")
    };
    let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    vec![
        Piece::new("photo-1mb.jpg", media!("photo-1mb.jpg"), "image/jpeg").with(Trouble::Killed),
        captioned.with(Trouble::Repeated),
        Piece::new("screenshot.png", media!("screenshot.png"), "image/png")
            .with(Trouble::Throttled),
        Piece::new(
            "Rechnung März (1).pdf",
            media!("Rechnung März (1).pdf"),
            "application/pdf",
        ),
        Piece::new("brief.docx", media!("brief.docx"), docx),
        Piece::new("voice.ogg", media!("voice.ogg"), "audio/ogg; codecs=opus"),
        Piece::new("clip.mp4", media!("clip.mp4"), "video/mp4"),
        Piece::new("invoice.png", media!("invoice.png"), "image/png")
            .document()
            .expecting(Expected::Quarantined),
        Piece::new("truncated.pdf", media!("truncated.pdf"), "application/pdf")
            .expecting(Expected::Held),
    ]
}

/// A person's own files, declared as their extension says: WhatsApp does the same.
///
/// # Errors
/// If one cannot be read or is empty.
pub(super) fn of_files(paths: &[PathBuf]) -> Result<Vec<Piece>> {
    paths.iter().map(|path| of_file(path)).collect()
}

fn of_file(path: &Path) -> Result<Piece> {
    let bytes = std::fs::read(path).with_context(|| format!("{}", path.display()))?;
    anyhow::ensure!(
        !bytes.is_empty(),
        "{} is empty; WhatsApp takes no empty files",
        path.display()
    );
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_else(|| "file".to_owned());
    let extension = path
        .extension()
        .map(|e| e.to_string_lossy().to_ascii_lowercase())
        .unwrap_or_default();
    let declared = match extension.as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "mp4" => "video/mp4",
        "ogg" | "opus" => "audio/ogg; codecs=opus",
        "mp3" => "audio/mpeg",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        _ => "application/octet-stream",
    };
    Ok(Piece::new(&name, &bytes, declared)
        .document()
        .expecting(Expected::Anything))
}
