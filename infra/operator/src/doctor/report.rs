//! What was found, for people. Colour only underlines what the words say.

use std::io::IsTerminal;

use super::notebook::{Notebook, Remark};
use super::rule::Severity;

/// Whether colours are wanted: on a terminal, unless `NO_COLOR` says otherwise (no-color.org).
pub(super) fn colours() -> bool {
    let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    std::io::stdout().is_terminal() && !is_unwanted
}

/// The report.
pub(super) fn text(notes: &Notebook, colours: bool) -> String {
    let mut text = String::new();
    let mut findings: Vec<_> = notes.findings.iter().collect();
    findings.sort_by_key(|finding| finding.severity);
    let width = findings
        .iter()
        .map(|it| it.id.id().len())
        .max()
        .unwrap_or(0);
    for finding in findings {
        let word = format!("{:<7}", finding.severity.as_str());
        let word = painted(&word, finding.severity, colours);
        let (id, about) = (finding.id.id(), &finding.about);
        text.push_str(&format!("{word}  {id:<width$}  {about}\n"));
        let asks = finding.asks.join(", ");
        for (label, line) in [
            ("seen", finding.evidence.as_str()),
            ("do", finding.remedy),
            ("asks", &asks),
        ] {
            text.push_str(&format!("         {label:<5} {line}\n"));
        }
    }
    section(&mut text, "in order", &notes.in_order);
    section(&mut text, "not checked", &notes.not_checked);
    text.push_str(&summary(notes));
    text
}

fn section(text: &mut String, title: &str, remarks: &[Remark]) {
    if remarks.is_empty() {
        return;
    }
    text.push_str(&format!("\n{title}\n"));
    let widest = |of: fn(&Remark) -> usize| remarks.iter().map(of).max().unwrap_or(0);
    let (check, about) = (widest(|it| it.check.len()), widest(|it| it.about.len()));
    for remark in remarks {
        text.push_str(&format!(
            "  {:<check$}  {:<about$}  {}\n",
            remark.check, remark.about, remark.text
        ));
    }
}

fn summary(notes: &Notebook) -> String {
    let count = |severity| {
        let of = notes.findings.iter().filter(|it| it.severity == severity);
        of.count()
    };
    format!(
        "\n{} errors, {} warnings, {} notes; {} in order, {} not checked\n",
        count(Severity::Error),
        count(Severity::Warning),
        count(Severity::Note),
        notes.in_order.len(),
        notes.not_checked.len()
    )
}

fn painted(word: &str, severity: Severity, colours: bool) -> String {
    let code = match severity {
        Severity::Error => 31,
        Severity::Warning => 33,
        Severity::Note => 36,
    };
    match colours {
        true => format!("\u{1b}[{code}m{word}\u{1b}[0m"),
        false => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::rule::Rule;
    use super::*;

    #[test]
    fn the_worst_comes_first_and_colour_adds_nothing() {
        let mut notes = Notebook::default();
        notes.find(Rule::NoRoute, "number", "no route");
        notes.find(Rule::TlsExpired, "host", "ended");
        notes.well("token", "org", "lives 86399 s");
        let plain = text(&notes, false);
        assert!(
            plain.starts_with("error    tls.expired      host\n         seen  ended\n"),
            "{plain}"
        );
        assert!(
            plain.ends_with("1 errors, 0 warnings, 1 notes; 1 in order, 0 not checked\n"),
            "{plain}"
        );
        let painted = text(&notes, true);
        let stripped = ["\u{1b}[31m", "\u{1b}[36m", "\u{1b}[0m"]
            .iter()
            .fold(painted, |text, code| text.replace(code, ""));
        assert_eq!(stripped, plain);
        assert!(!notes.is_clean());
    }
}
