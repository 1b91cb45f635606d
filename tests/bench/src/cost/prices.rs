//! What AWS asks for requests, and which call is which kind.

use std::collections::BTreeMap;

use attache_local::iam::CallCount;
use serde::Serialize;

use crate::meter::Costs;

/// Kinds of requests that are paid for, and the list price of a million in dollars: us-east-1, on demand, first tier, as AWS's
/// pricing pages had it in 2025.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    WriteUnits,
    Reads,
    Puts,
    Gets,
    QueueCalls,
    Secrets,
    Keys,
    Invocations,
    Webhooks,
}

impl Kind {
    /// Dollars for a million.
    fn price(self) -> f64 {
        match self {
            Self::WriteUnits => 0.625,
            Self::Reads => 0.125,
            Self::Puts => 5.0,
            Self::Gets | Self::QueueCalls => 0.4,
            Self::Secrets => 5.0,
            Self::Keys => 3.0,
            Self::Invocations => 0.2,
            Self::Webhooks => 1.0,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::WriteUnits => "DynamoDB write units",
            Self::Reads => "DynamoDB reads",
            Self::Puts => "S3 puts",
            Self::Gets => "S3 gets",
            Self::QueueCalls => "SQS calls",
            Self::Secrets => "Secrets Manager calls",
            Self::Keys => "KMS calls",
            Self::Invocations => "Lambda invocations",
            Self::Webhooks => "HTTP API requests",
        }
    }

    /// What an allowed call to an engine is. Writes are counted by their units; the receives of event sources by what they then
    /// delete, since how often they find nothing depends on the clock and not on files.
    fn of(action: &str) -> Option<(Self, u64)> {
        Some(match action {
            "dynamodb:GetItem" | "dynamodb:Query" | "dynamodb:Scan" => (Self::Reads, 1),
            "s3:PutObject" | "s3:ListBucket" => (Self::Puts, 1),
            "s3:GetObject" => (Self::Gets, 1),
            "sqs:SendMessage" => (Self::QueueCalls, 1),
            "sqs:DeleteMessage" => (Self::QueueCalls, 2),
            "secretsmanager:GetSecretValue" => (Self::Secrets, 1),
            "kms:Decrypt" | "kms:GenerateDataKey" | "kms:Encrypt" => (Self::Keys, 1),
            _ => return None,
        })
    }
}

/// Requests by kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Tally(BTreeMap<Kind, f64>);

impl Tally {
    pub(crate) fn add(&mut self, kind: Kind, count: f64) {
        *self.0.entry(kind).or_default() += count;
    }

    /// What the engines counted of those who work on files.
    pub(crate) fn of(calls: &[CallCount], writes: &Costs, works: impl Fn(&str) -> bool) -> Self {
        let mut tally = Self::default();
        for call in calls.iter().filter(|call| works(&call.principal)) {
            if let Some((kind, each)) = Kind::of(&call.action) {
                // Counts of a bench are far below what an f64 holds exactly.
                #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
                tally.add(kind, (call.allowed * each) as f64);
            }
        }
        for ((caller, _, _), cost) in writes {
            if works(caller) {
                // A write that its condition refuses is billed as one that succeeds: a unit, of rows this small.
                tally.add(Kind::WriteUnits, cost.units + f64::from(cost.refused));
            }
        }
        tally
    }

    /// What happened since an earlier count, for each of so many files.
    pub(crate) fn per_file(&self, before: &Self, files: u32) -> Self {
        let since = self.0.iter().map(|(kind, count)| {
            let earlier = before.0.get(kind).copied().unwrap_or_default();
            (*kind, (count - earlier) / f64::from(files))
        });
        Self(since.filter(|(_, count)| *count > 0.0).collect())
    }

    pub(crate) fn get(&self, kind: Kind) -> f64 {
        self.0.get(&kind).copied().unwrap_or_default()
    }

    /// Kinds, counts, and dollars for a million files.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (Kind, f64, f64)> + '_ {
        let lines = self.0.iter();
        lines.map(|(kind, count)| (*kind, *count, count * kind.price()))
    }

    /// Dollars for a million files.
    pub(crate) fn dollars(&self) -> f64 {
        self.lines().map(|(_, _, dollars)| dollars).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::Cost;

    fn call(principal: &str, action: &str, allowed: u64) -> CallCount {
        CallCount {
            principal: principal.to_owned(),
            action: action.to_owned(),
            resource: "*".to_owned(),
            allowed,
            denied: 9,
        }
    }

    #[test]
    fn who_works_on_files_is_counted_and_priced() {
        let calls = [
            call("A", "s3:PutObject", 2),
            call("A", "dynamodb:PutItem", 7),
            call("A/source", "sqs:ReceiveMessage", 500),
            call("A/source", "sqs:DeleteMessage", 2),
            call("Clock", "kms:Decrypt", 40),
        ];
        let key = ("A".to_owned(), "PutItem".to_owned(), "t".to_owned());
        let cost = Cost {
            writes: 6,
            refused: 1,
            units: 9.0,
        };
        let tally = Tally::of(&calls, &Costs::from([(key, cost)]), |it| it != "Clock");
        let each = tally.per_file(&Tally::default(), 2);
        let found: Vec<_> = each.lines().collect();
        assert_eq!(
            found,
            [
                (Kind::WriteUnits, 5.0, 3.125),
                (Kind::Puts, 1.0, 5.0),
                (Kind::QueueCalls, 2.0, 0.8),
            ]
        );
        assert!((each.dollars() - 8.925).abs() < 1e-9);
        assert_eq!(tally.per_file(&tally, 2), Tally::default());
    }
}
