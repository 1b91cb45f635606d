//! Files that are small and mean harm by what they unfold to: how long each verdict takes, and the memory it takes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use attache_inspect::{Claim, HazardKind, Policy, Verdict, inspect};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde::{Deserialize, Serialize};

use super::files::archive;
use crate::own;

/// What the flat ones unfold to.
const UNFOLDED: usize = 256 << 20;

/// What one verdict took.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Cost {
    #[serde(default)]
    pub(super) name: String,
    pub(super) milliseconds: f64,
    pub(super) memory_mib: f64,
}

/// Makes every bomb and has each judged by a process of its own, whose memory is measured.
///
/// # Errors
/// If a process fails, or a bomb is not quarantined as one.
pub(super) fn measure() -> Result<Vec<Cost>> {
    let folder = tempfile::tempdir()?;
    let mut costs = Vec::new();
    for (name, path) in make(folder.path())? {
        let output = Command::new(std::env::current_exe()?)
            .arg("inspect-child")
            .arg(&path)
            .output()?;
        ensure!(
            output.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let cost: Cost = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("{name}: the process said something else"))?;
        costs.push(Cost {
            name: name.to_owned(),
            ..cost
        });
    }
    Ok(costs)
}

/// Judges one bomb in this process and prints what it took: what `measure` starts.
///
/// # Errors
/// If it is not quarantined as a bomb.
pub(crate) fn run(path: &Path) -> Result<()> {
    let policy = Policy::default();
    let claim = Claim {
        declared: None,
        file_name: path.file_name().and_then(|name| name.to_str()),
    };
    own::forget_peak()?;
    let before = own::resident_kib()?;
    let start = Instant::now();
    let findings = inspect(&mut std::fs::File::open(path)?, &claim)?;
    let judgement = policy.judge(&findings);
    let took = start.elapsed();
    ensure!(
        findings.has(HazardKind::Bomb) && judgement.verdict == Verdict::Quarantined,
        "{path:?} is {:?}, with {:?}",
        judgement.verdict,
        findings.hazards
    );
    let cost = Cost {
        name: String::new(),
        milliseconds: took.as_secs_f64() * 1000.0,
        memory_mib: own::peak_kib()?.saturating_sub(before) as f64 / 1024.0,
    };
    println!("{}", serde_json::to_string(&cost)?);
    Ok(())
}

/// A name, a file name and its bytes.
type Bomb = (&'static str, &'static str, Vec<u8>);

fn make(folder: &Path) -> Result<Vec<(&'static str, PathBuf)>> {
    small()?
        .into_iter()
        .chain(large()?)
        .map(|(name, file, bytes)| {
            let path = folder.join(file);
            std::fs::write(&path, bytes)?;
            Ok((name, path))
        })
        .collect()
}

/// Bombs by what they say.
fn small() -> Result<Vec<Bomb>> {
    let plain = archive(&[("a.txt", b"x")])?;
    let nested = (0..5).try_fold(plain.clone(), |inner, _| archive(&[("inner.zip", inner)]))?;
    let flat = archive(&[("zeros", vec![0; 4 << 20])])?;
    let ten = |inner: &Vec<u8>| {
        let names: Vec<String> = (0..10).map(|n| format!("{n}.zip")).collect();
        let entries: Vec<_> = names.iter().map(|name| (name.as_str(), inner)).collect();
        archive(&entries)
    };
    let wide = ten(&ten(&flat)?)?;
    let laughs: String = (1..10)
        .map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10)))
        .collect();
    let entities =
        format!("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY l0 'lol'>{laughs}]><a>&l9;</a>");
    Ok(vec![
        ("nested ZIP", "n.zip", nested),
        ("ZIPs of ten ZIPs of ten", "w.zip", wide),
        ("gzip in gzip", "g.gz", twice(17 << 20)?),
        ("overlapping ZIP", "o.zip", overlapping(&plain)?),
        ("picture", "a.png", picture()),
        ("entities", "a.xml", entities.into_bytes()),
    ])
}

/// Zeros, packed twice: what is left of them is not dense any more.
fn twice(zeros: usize) -> Result<Vec<u8>> {
    let once = |bytes: &[u8]| -> Result<Vec<u8>> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(bytes)?;
        Ok(gzip.finish()?)
    };
    once(&once(&vec![0; zeros])?)
}

/// Bombs by what they unfold to.
fn large() -> Result<Vec<Bomb>> {
    let zeros = vec![0; UNFOLDED];
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&zeros)?;
    Ok(vec![
        ("flat ZIP", "a.zip", archive(&[("zeros", &zeros)])?),
        (
            "workbook",
            "a.xlsx",
            archive(&[("[Content_Types].xml", &zeros)])?,
        ),
        ("gzip", "a.gz", gzip.finish()?),
        ("PDF filters", "a.pdf", document(&zeros)?),
    ])
}

/// The directory's only record thrice, each for the same bytes.
fn overlapping(flat: &[u8]) -> Result<Vec<u8>> {
    let find = |magic: &[u8]| flat.windows(4).rposition(|four| four == magic);
    let directory = find(b"PK\x01\x02").context("no directory")?;
    let end = find(b"PK\x05\x06").context("no end record")?;
    let record = &flat[directory..end];
    let mut bytes = flat[..directory].to_vec();
    for letter in b"abc" {
        let mut one = record.to_vec();
        // The name stands behind 46 fixed bytes.
        one[46] = *letter;
        bytes.extend(one);
    }
    let mut close = flat[end..].to_vec();
    close[8..12].copy_from_slice(&[3, 0, 3, 0]);
    let length = u32::try_from(3 * record.len())?;
    close[12..16].copy_from_slice(&length.to_le_bytes());
    bytes.extend(close);
    Ok(bytes)
}

/// A PNG header of 60000 × 60000 pixels.
fn picture() -> Vec<u8> {
    let side = 60_000_u32.to_be_bytes();
    let header = [&b"IHDR"[..], &side, &side, &[8, 2, 0, 0, 0]].concat();
    let mut sum = flate2::Crc::new();
    sum.update(&header);
    [
        b"\x89PNG\r\n\x1A\n\0\0\0\x0D",
        &header[..],
        &sum.sum().to_be_bytes(),
        b"\0\0\0\0IEND\xAE\x42\x60\x82",
    ]
    .concat()
}

/// A stream behind two layers of deflate.
fn document(zeros: &[u8]) -> Result<Vec<u8>> {
    let pack = |bytes: &[u8]| -> Result<Vec<u8>> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes)?;
        Ok(encoder.finish()?)
    };
    let packed = pack(&pack(zeros)?)?;
    let mut bytes = b"%PDF-1.7\n1 0 obj\n".to_vec();
    write!(
        bytes,
        "<</Filter[/FlateDecode/FlateDecode]/Length {}>>\nstream\n",
        packed.len()
    )?;
    bytes.extend(packed);
    let section = bytes.len() + "\nendstream\nendobj\n".len();
    write!(
        bytes,
        "\nendstream\nendobj\nxref\n0 1\n0000000000 65535 f \ntrailer <</Size 2>>\nstartxref\n{section}\n%%EOF"
    )?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bombs_by_what_they_say_are_quarantined() {
        let folder = tempfile::tempdir().unwrap();
        for (name, file, bytes) in small().unwrap() {
            let path = folder.path().join(file);
            std::fs::write(&path, bytes).unwrap();
            run(&path).unwrap_or_else(|error| panic!("{name}: {error:#}"));
        }
    }
}
