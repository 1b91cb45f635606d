//! What became of each item, as lines for a person or as JSON.

use attache_domain::ids::MediaId;
use attache_domain::journey::Stage;
use attache_flow::reopening::Redriven;
use serde_json::json;

/// Prints each item as it is done, and counts.
pub(super) struct Report {
    json: bool,
    dry_run: bool,
    on_their_way: usize,
    left: usize,
}

impl Report {
    pub(super) fn new(json: bool, dry_run: bool) -> Self {
        Self {
            json,
            dry_run,
            on_their_way: 0,
            left: 0,
        }
    }

    /// One item, and the cause for which it was given up, if that is known.
    pub(super) fn add(&mut self, id: &MediaId, redriven: Redriven, cause: Option<&str>) {
        match redriven {
            Redriven::Now(_) => self.on_their_way += 1,
            Redriven::Unfit(..) | Redriven::Unknown => self.left += 1,
        }
        println!("{}", self.line(id, redriven, cause));
    }

    /// The sum, for a person.
    pub(super) fn end(&self) {
        if !self.json {
            println!("{}", self.sum());
        }
    }

    fn line(&self, id: &MediaId, redriven: Redriven, cause: Option<&str>) -> String {
        let (outcome, stage, why) = match redriven {
            Redriven::Now(stage) if self.dry_run => ("would be redriven", Some(stage), None),
            Redriven::Now(stage) => ("redriven", Some(stage), None),
            Redriven::Unfit(stage, unfit) => ("left", Some(stage), Some(unfit.to_string())),
            Redriven::Unknown => ("unknown", None, None),
        };
        let stage = stage.map(Stage::as_str);
        if self.json {
            let line = json!({
                "media": id.as_str(), "outcome": outcome, "stage": stage, "cause": cause, "why": why,
            });
            return line.to_string();
        }
        let details: Vec<&str> = [stage, cause, why.as_deref()]
            .into_iter()
            .flatten()
            .collect();
        match details.join("; ") {
            none if none.is_empty() => format!("{id}  {outcome}"),
            details => format!("{id}  {outcome}  ({details})"),
        }
    }

    fn sum(&self) -> String {
        let done = match self.dry_run {
            true => "would be on their way again; nothing was done",
            false => "on their way again",
        };
        format!("{} {done}; {} left", self.on_their_way, self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attache_domain::journey::Unfit;

    #[test]
    fn each_outcome_has_its_words() {
        let id: MediaId = "abcdefghijklmnopqrstuvwxyz".parse().unwrap();
        let report = |json, dry_run| Report::new(json, dry_run);
        for (dry_run, redriven, cause, expected) in [
            (
                false,
                Redriven::Now(Stage::Stored),
                Some("genesys.refused"),
                "redriven  (stored; genesys.refused)",
            ),
            (
                true,
                Redriven::Now(Stage::Stored),
                None,
                "would be redriven  (stored)",
            ),
            (
                false,
                Redriven::Unfit(Stage::Sent, Unfit::Arrived),
                None,
                "left  (sent; it arrived, or was only to be kept)",
            ),
            (false, Redriven::Unknown, None, "unknown"),
        ] {
            let line = report(false, dry_run).line(&id, redriven, cause);
            assert_eq!(line, format!("{id}  {expected}"));
        }
        let line = report(true, false).line(&id, Redriven::Unknown, None);
        assert_eq!(
            line,
            r#"{"cause":null,"media":"abcdefghijklmnopqrstuvwxyz","outcome":"unknown","stage":null,"why":null}"#
        );
        let mut counted = report(false, true);
        counted.add(&id, Redriven::Now(Stage::Stored), None);
        counted.add(&id, Redriven::Unknown, None);
        assert_eq!(
            counted.sum(),
            "1 would be on their way again; nothing was done; 1 left"
        );
    }
}
