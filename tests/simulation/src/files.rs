//! The files: small, real enough for the inspection, and each with the end it must come to.

use attache_domain::digest::Sha256Digest;

/// What a file truly is; the reference knows, the system must find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// Harmless and whole.
    Clean,
    /// A programme under a picture's name.
    Executable,
    /// Whole, and harmless to look at; the scanner knows it.
    Infected,
    /// A picture whose end is missing.
    Torn,
    /// Harmless and whole, but of a type that WhatsApp does not take.
    Foreign,
}

/// What the scanner knows infected files by, and what it calls them.
pub const SIGNATURE: (&[u8], &str) = (b"Send this letter on to ten others", "Sim.Letter");

/// One file on the platform.
#[derive(Clone, Debug)]
pub struct File {
    /// What it truly is.
    pub nature: Nature,
    /// What WhatsApp calls it: `image` or `document`.
    pub kind: &'static str,
    /// The type it was declared to be.
    pub mime: &'static str,
    /// Its name, if it came as a document.
    pub name: Option<&'static str>,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Their digest.
    pub digest: Sha256Digest,
}

impl File {
    /// The file number `number` of a run; no two numbers give the same bytes.
    #[must_use]
    pub fn new(nature: Nature, number: u64, text: bool) -> Self {
        let (kind, mime, name, bytes) = match nature {
            Nature::Clean if text => (
                "document",
                "text/plain",
                Some("notes.txt"),
                format!("Notes of the customer, sheet {number}.\nAll is well.\n").into_bytes(),
            ),
            Nature::Clean => ("image", "image/png", None, png(number, true)),
            Nature::Torn => ("image", "image/png", None, png(number, false)),
            Nature::Foreign => ("image", "image/gif", None, gif(number)),
            Nature::Infected => (
                "document",
                "text/plain",
                Some("letter.txt"),
                [
                    format!("Letter {number}.\n").as_bytes(),
                    SIGNATURE.0,
                    b".\n",
                ]
                .concat(),
            ),
            Nature::Executable => (
                "document",
                "image/png",
                Some("invoice.png"),
                programme(number),
            ),
        };
        let digest = Sha256Digest::of(&bytes);
        Self {
            nature,
            kind,
            mime,
            name,
            bytes,
            digest,
        }
    }
}

/// A picture of one point; `number` stands in a private chunk, which readers pass over.
fn png(number: u64, whole: bool) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1A\n".to_vec();
    let mut chunk = |name: &[u8; 4], data: &[u8]| {
        bytes.extend_from_slice(&u32::try_from(data.len()).unwrap_or(0).to_be_bytes());
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(data);
        let mut checksum = flate2::Crc::new();
        checksum.update(name);
        checksum.update(data);
        bytes.extend_from_slice(&checksum.sum().to_be_bytes());
    };
    chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
    chunk(b"prIv", &number.to_be_bytes());
    chunk(b"IDAT", &[0x78, 0x9c, 0x63, 0, 0, 0, 2, 0, 1]);
    if whole {
        bytes.extend_from_slice(b"\0\0\0\0IEND\xAE\x42\x60\x82");
    }
    bytes
}

/// A picture of one point; `number` stands in a comment.
fn gif(number: u64) -> Vec<u8> {
    let mut bytes = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xFF\xFF\xFF".to_vec();
    bytes.extend_from_slice(b"\x21\xFE\x08");
    bytes.extend_from_slice(&number.to_be_bytes());
    bytes.extend_from_slice(b"\0\x2C\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3B");
    bytes
}

/// The head of a Windows programme.
fn programme(number: u64) -> Vec<u8> {
    let mut bytes = vec![0; 128];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[0x3c] = 64;
    bytes[64..68].copy_from_slice(b"PE\0\0");
    bytes[68..70].copy_from_slice(&[0x64, 0x86]);
    bytes[100..108].copy_from_slice(&number.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use attache_inspect::{Claim, Policy, Verdict, inspect};

    #[test]
    fn the_inspection_finds_out_each_nature() {
        for (nature, text, expected) in [
            (Nature::Clean, false, Verdict::Clean),
            (Nature::Clean, true, Verdict::Clean),
            (Nature::Torn, false, Verdict::Held),
            (Nature::Executable, false, Verdict::Quarantined),
            (Nature::Infected, false, Verdict::Clean),
            (Nature::Foreign, false, Verdict::Clean),
        ] {
            let file = File::new(nature, 7, text);
            let claim = Claim {
                declared: Some(file.mime),
                file_name: file.name,
            };
            let mut bytes = std::io::Cursor::new(&file.bytes);
            let findings = inspect(&mut bytes, &claim).unwrap();
            assert_eq!(
                Policy::default().judge(&findings).verdict,
                expected,
                "{file:?}: {findings:?}"
            );
        }
    }

    #[test]
    fn numbers_tell_files_apart() {
        for nature in [
            Nature::Clean,
            Nature::Torn,
            Nature::Executable,
            Nature::Infected,
            Nature::Foreign,
        ] {
            assert_ne!(
                File::new(nature, 1, false).digest,
                File::new(nature, 2, false).digest
            );
        }
    }
}
