//! What `apply` says: the plan, then what came of it; in words, or as one JSON document. Never a secret's value.

use serde::Serialize;

use super::paste::Paste;
use super::plan::{Plan, RowChange, RowPlan, SecretPlan};
use super::show::reveal_command;
use crate::system::System;

/// Everything there is to say.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    system: String,
    stage: String,
    dry_run: bool,
    /// Whether anything was written or removed.
    pub(super) applied: bool,
    #[serde(flatten)]
    plan: &'a Plan,
    paste: Vec<Paste>,
    taken_up_within_seconds: u64,
}

impl<'a> Report<'a> {
    /// Of a plan that was not carried out yet.
    pub(super) fn new(system: &System, plan: &'a Plan, paste: Vec<Paste>, dry_run: bool) -> Self {
        Self {
            system: system.to_string(),
            stage: system.stage.clone(),
            dry_run,
            applied: false,
            plan,
            paste,
            taken_up_within_seconds: system.connections_max_age_seconds,
        }
    }

    /// The plan in words.
    pub(super) fn plan_lines(&self) -> String {
        let mut text = format!("{}, stage {}\n\nrows\n", self.system, self.stage);
        self.plan
            .rows
            .iter()
            .for_each(|row| row_lines(row, &mut text));
        text.push_str("secrets\n");
        let secrets = self.plan.secrets.iter();
        secrets.for_each(|secret| secret_line(secret, &mut text));
        text.push('\n');
        text
    }

    /// What came of it, in words.
    pub(super) fn outcome_lines(&self, system: &System) -> String {
        let reveal = reveal_command(system);
        if self.plan.is_nothing() {
            return format!("nothing to do; `{reveal}` shows what to paste where\n");
        }
        if self.dry_run {
            return "dry run: nothing was written\n".to_owned();
        }
        let mut text = format!(
            "Done. Running functions take it up within {} seconds.\n\npaste\n",
            self.taken_up_within_seconds
        );
        self.paste
            .iter()
            .for_each(|paste| text.push_str(&paste.lines(&reveal)));
        text
    }
}

fn row_lines(row: &RowPlan, text: &mut String) {
    let (word, note) = match row.change {
        RowChange::Added => ("added", ""),
        RowChange::Changed => ("changed", ""),
        RowChange::Unchanged => ("unchanged", ""),
        RowChange::Removed => ("removed", " (its secrets stay in Secrets Manager)"),
        RowChange::Kept if row.unreadable => (
            "kept",
            " (not in the file, and no row of this version's: functions that read it stop; --prune removes it)",
        ),
        RowChange::Kept => ("kept", " (not in the file; --prune removes it)"),
    };
    text.push_str(&format!("  {word:<9}  {}{note}\n", row.id));
    for difference in &row.differences {
        text.push_str(&format!(
            "             {}: {} → {}\n",
            difference.key, difference.before, difference.after
        ));
    }
}

fn secret_line(secret: &SecretPlan, text: &mut String) {
    use super::plan::SecretChange::{Created, Kept, Unchanged, Updated};
    let word = match secret.change {
        Created => "created",
        Updated => "updated",
        Unchanged => "unchanged",
        Kept => "kept",
    };
    let note = secret.note.as_ref().map(|note| format!(" ({note})"));
    text.push_str(&format!(
        "  {word:<9}  {}{}\n",
        secret.name.0,
        note.unwrap_or_default()
    ));
}
