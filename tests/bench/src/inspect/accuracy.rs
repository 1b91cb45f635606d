//! How often inspection is right over files whose types are known, beside libmagic.
//!
//! A label is a type's name (`docm`), an extension or a MIME type. Right is what goes by it, neither more nor less: a
//! DOCX called a ZIP is wrong, and so is a DOCM called a DOCX.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use attache_inspect::{Claim, FileType, inspect};
use serde::Serialize;

use super::{files, peer};

/// The list of labels that is looked for in the folder.
const LABELS: &str = "labels.tsv";

/// What was counted.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    bench: &'static str,
    ours: Tally,
    libmagic: Tally,
    lines: Vec<Line>,
}

#[derive(Debug, Default, Serialize)]
struct Tally {
    right: usize,
    unknown: usize,
    wrong: usize,
}

/// One file that inspection did not get right.
#[derive(Debug, Serialize)]
struct Line {
    file: PathBuf,
    label: String,
    ours: &'static str,
    libmagic: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Right,
    Unknown,
    Wrong,
}

impl Tally {
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Right => self.right += 1,
            Outcome::Unknown => self.unknown += 1,
            Outcome::Wrong => self.wrong += 1,
        }
    }
}

/// Compares every labelled file below `folder`. Labels stand in its `labels.tsv` (`path<TAB>type`), or each file's label
/// is the name of the folder it lies in. The file's name is not told, unless `named` says so.
///
/// # Errors
/// If a file cannot be read, a label names no type, or libmagic is missing.
pub(crate) fn measure(folder: &Path, named: bool) -> Result<Report> {
    let labelled = labelled(folder)?;
    for (file, label) in &labelled {
        let known = FileType::ALL.iter().any(|kind| goes_by(*kind, label));
        ensure!(known, "{file:?}: no type goes by {label:?}");
    }
    let paths: Vec<PathBuf> = labelled.iter().map(|(file, _)| file.clone()).collect();
    let said = peer::ask(&paths, 1)?;
    let (mut ours, mut libmagic, mut lines) = (Tally::default(), Tally::default(), Vec::new());
    for ((file, label), said) in labelled.into_iter().zip(said) {
        let claim = Claim {
            declared: None,
            file_name: file
                .file_name()
                .and_then(|name| name.to_str())
                .filter(|_| named),
        };
        let mut source = File::open(&file).with_context(|| format!("cannot open {file:?}"))?;
        let kind = inspect(&mut source, &claim)?.kind;
        let outcome = of_ours(kind, &label);
        ours.count(outcome);
        libmagic.count(of_libmagic(&said.mime, &label));
        if outcome != Outcome::Right {
            lines.push(Line {
                file,
                label,
                ours: kind.as_str(),
                libmagic: said.mime,
            });
        }
    }
    Ok(Report {
        bench: "accuracy",
        ours,
        libmagic,
        lines,
    })
}

fn labelled(folder: &Path) -> Result<Vec<(PathBuf, String)>> {
    let list = folder.join(LABELS);
    if list.exists() {
        let text = std::fs::read_to_string(&list)?;
        let lines = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.is_empty());
        return lines
            .map(|(at, line)| {
                let (path, label) = line
                    .split_once('\t')
                    .with_context(|| format!("{list:?}, line {}: no tab", at + 1))?;
                let label = label.split('\t').next().unwrap_or_default();
                Ok((folder.join(path), label.to_ascii_lowercase()))
            })
            .collect();
    }
    files::below(folder)?
        .into_iter()
        .map(|file| {
            let parent = file.parent().and_then(Path::file_name);
            let label = parent.and_then(|name| name.to_str());
            let label = label.with_context(|| format!("{file:?} lies in no folder with a name"))?;
            Ok((file.clone(), label.to_ascii_lowercase()))
        })
        .collect()
}

/// Whether a label means this very type, not one that it is a kind of.
fn goes_by(kind: FileType, label: &str) -> bool {
    let general = |by: fn(FileType, &str) -> bool| {
        by(kind, label) && !kind.is_a().is_some_and(|general| by(general, label))
    };
    kind.as_str() == label
        || general(|kind, label| kind.goes_by_mime(label))
        || general(|kind, label| kind.goes_by_extension(label))
}

fn of_ours(kind: FileType, label: &str) -> Outcome {
    match kind {
        FileType::Unknown => Outcome::Unknown,
        kind if goes_by(kind, label) => Outcome::Right,
        _ => Outcome::Wrong,
    }
}

/// libmagic says a MIME type: right where a type goes by both.
fn of_libmagic(mime: &str, label: &str) -> Outcome {
    let both = |kind: &&FileType| goes_by(**kind, label) && goes_by(**kind, mime);
    match mime {
        "" | "application/octet-stream" => Outcome::Unknown,
        _ if FileType::ALL.iter().any(|kind| both(&kind)) => Outcome::Right,
        _ => Outcome::Wrong,
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            right,
            unknown,
            wrong,
        } = self;
        let share = 100.0 * *right as f64 / (right + unknown + wrong).max(1) as f64;
        write!(
            f,
            "{share:.2} % right ({right} right, {unknown} unknown, {wrong} wrong)"
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut by_label = BTreeMap::new();
        for line in &self.lines {
            *by_label.entry(&line.label).or_insert(0) += 1;
            let file = line.file.display();
            writeln!(
                f,
                "{}\t{}\t{}\t{file}",
                line.label, line.ours, line.libmagic
            )?;
        }
        for (label, count) in by_label {
            writeln!(f, "{label}: {count}")?;
        }
        writeln!(f, "inspection {}", self.ours)?;
        writeln!(f, "libmagic   {}", self.libmagic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_mean_one_type() {
        use Outcome::{Right, Unknown, Wrong};
        let rows = [
            (FileType::Docx, "docx", Right),
            (FileType::Docm, "docx", Wrong),
            (FileType::Zip, "docx", Wrong),
            (FileType::Docx, "zip", Wrong),
            (FileType::OggOpus, "audio/ogg", Right),
            (FileType::WebpAnimated, "webp", Right),
            (FileType::Csv, "txt", Wrong),
            (FileType::Text, "txt", Right),
            (FileType::Unknown, "pdf", Unknown),
        ];
        for (kind, label, expected) in rows {
            assert_eq!(of_ours(kind, label), expected, "{kind:?} {label}");
        }
    }

    #[test]
    fn libmagic_is_taken_at_its_word() {
        let docx = FileType::Docx.mime();
        let rows = [
            (docx, "docx", Outcome::Right),
            (docx, "docm", Outcome::Wrong),
            ("application/zip", "docx", Outcome::Wrong),
            ("audio/mpeg", "mp3", Outcome::Right),
            ("application/octet-stream", "mp3", Outcome::Unknown),
        ];
        for (mime, label, expected) in rows {
            assert_eq!(of_libmagic(mime, label), expected, "{mime} {label}");
        }
    }
}
