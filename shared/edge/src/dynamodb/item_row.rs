//! How a media item lies in its row.
//!
//! Column names are short because a row must stay within one write unit (1 KB) on the happy path; only what the
//! table's index and time-to-live name has a long one.
//!
//! | column | type | holds |
//! |---|---|---|
//! | `id` | S | media id (the key) |
//! | `rv` | N | revision |
//! | `ep` | N | epoch |
//! | `sq` | N | sequence |
//! | `st` | N | stage, by its number |
//! | `vd` | N | verdict, by its number |
//! | `fn` | N | fence |
//! | `lh` | S | lease holder: 64 bits do not fit a number column in every client |
//! | `ls`, `lu` | N | lease since and until, milliseconds; all three absent without a lease |
//! | `iu` | N | open intent until, milliseconds; absent without one |
//! | `due_shard`, `due_at` | S, N | sparse index `due`: shard `0`–`7`, milliseconds; both absent once nothing is due |
//! | `expires_at` | N | time-to-live, **seconds**: milliseconds are cut off |
//! | `o` | S | origin, JSON |
//! | `r` | S | record, JSON |
//! | `t` | B | audit trail, packed |

use attache_domain::audit::Trail;
use attache_domain::claim::Lease;
use attache_domain::ids::MediaId;
use attache_domain::journey::{Gate, Item, Stage};
use attache_domain::time::Timestamp;
use attache_domain::verdict::Verdict;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use super::row::{Columns, Row, Undecodable, instant, number, text};

/// The row of an item.
pub(super) fn encode(item: &Item) -> Result<Row, serde_json::Error> {
    let gate = &item.gate;
    let lease = gate.lease.as_ref();
    let shard = gate.due_at.map(|_| Item::due_shard(&item.id));
    let columns = [
        ("id", Some(text(item.id.as_str()))),
        ("rv", Some(number(gate.revision))),
        ("ep", Some(number(gate.epoch))),
        ("sq", Some(number(gate.sequence))),
        ("st", Some(stage(gate.stage))),
        ("vd", Some(verdict(gate.verdict))),
        ("fn", Some(number(gate.fence))),
        ("lh", lease.map(|lease| holder(lease.holder))),
        ("ls", lease.map(|lease| instant(lease.since))),
        ("lu", lease.map(|lease| instant(lease.until))),
        ("iu", gate.intent_until.map(instant)),
        ("due_shard", shard.map(|shard| text(shard.to_string()))),
        ("due_at", gate.due_at.map(instant)),
        ("expires_at", Some(number(item.expires_at.as_seconds()))),
        ("o", Some(text(serde_json::to_string(&item.origin)?))),
        ("r", Some(text(serde_json::to_string(&item.record)?))),
        (
            "t",
            Some(AttributeValue::B(Blob::new(item.trail.as_bytes()))),
        ),
    ];
    let present = |(name, value): (&str, Option<_>)| value.map(|value| (name.to_owned(), value));
    Ok(columns.into_iter().filter_map(present).collect())
}

/// The item of a row of `table`.
pub(super) fn decode(table: &str, row: &Row) -> Result<Item, Undecodable> {
    let columns = Columns::new(table, row);
    let id = columns.text("id")?.parse::<MediaId>();
    let trail = Trail::from_bytes(columns.bytes("t")?.to_vec());
    Ok(Item {
        id: id.map_err(|e| columns.wrong("id", format!("is {e}")))?,
        gate: gate(columns)?,
        origin: columns.json("o")?,
        record: columns.json("r")?,
        trail: trail.map_err(|e| columns.wrong("t", format!("is damaged: {e}")))?,
        expires_at: Timestamp::from_seconds(columns.number("expires_at")?),
    })
}

fn gate(columns: Columns<'_>) -> Result<Gate, Undecodable> {
    let stage = Stage::from_number(columns.number("st")?);
    let verdict = columns.number::<u8>("vd")?;
    let verdict = Verdict::ALL.into_iter().find(|v| *v as u8 == verdict);
    Ok(Gate {
        revision: columns.number("rv")?,
        epoch: columns.number("ep")?,
        sequence: columns.number("sq")?,
        stage: stage.ok_or_else(|| columns.wrong("st", "is no known stage"))?,
        verdict: verdict.ok_or_else(|| columns.wrong("vd", "is no known verdict"))?,
        fence: columns.number("fn")?,
        lease: lease(columns)?,
        intent_until: columns.instant_if("iu")?,
        due_at: columns.instant_if("due_at")?,
    })
}

fn lease(columns: Columns<'_>) -> Result<Option<Lease>, Undecodable> {
    let Some(holder) = columns.text_if("lh")? else {
        return Ok(None);
    };
    let holder = holder.parse();
    Ok(Some(Lease {
        holder: holder.map_err(|_| columns.wrong("lh", "is not a 64-bit number"))?,
        since: columns.instant("ls")?,
        until: columns.instant("lu")?,
    }))
}

/// A stage, as its column.
pub(super) fn stage(stage: Stage) -> AttributeValue {
    number(stage as u8)
}

/// A verdict, as its column.
pub(super) fn verdict(verdict: Verdict) -> AttributeValue {
    number(verdict as u8)
}

/// A lease holder, as its column.
pub(super) fn holder(holder: u64) -> AttributeValue {
    text(holder.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use attache_domain::audit::Actor;
    use attache_domain::channels::Direction;
    use attache_domain::event::{Content, File, MediaKind, Origin};
    use attache_domain::ids::{AttachmentId, ConnectionId, MessageId};

    use super::*;

    fn item() -> Item {
        let origin = Origin {
            target: Some(ConnectionId::new("genesys")),
            customer_name: Some("Sheena Nelson".to_owned()),
            ..Origin::new(
                (ConnectionId::new("wa-sales"), Direction::ToAgent),
                (
                    MessageId::new(
                        "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA=",
                    ),
                    AttachmentId::new("1003383421387256"),
                ),
                ("16503879439", Timestamp::from_seconds(1_739_321_024)),
                Content::File(File {
                    declared_type: Some("image/jpeg".to_owned()),
                    caption: Some("my receipt".to_owned()),
                    ..File::new(MediaKind::Image)
                }),
            )
        };
        let now = Timestamp::from_seconds(1_739_321_025);
        let spans = (Duration::from_secs(30), Duration::from_secs(90 * 86_400));
        Item::announce(origin, Actor::Intake, now, spans)
    }

    #[test]
    fn rows_round_trip() {
        let mut held = item();
        held.gate.lease = Some(Lease {
            holder: u64::MAX,
            since: Timestamp::from_millis(5),
            until: Timestamp::from_millis(6),
        });
        held.gate.intent_until = Some(Timestamp::from_millis(7));
        held.gate.verdict = Verdict::Quarantined;
        let mut over = item();
        over.gate.due_at = None;
        over.gate.stage = Stage::Erased;
        for item in [item(), held, over] {
            let row = encode(&item).unwrap();
            assert_eq!(decode("media", &row).unwrap(), item);
            let due = item.gate.due_at.is_some();
            assert_eq!(
                (row.contains_key("due_at"), row.contains_key("due_shard")),
                (due, due)
            );
        }
    }

    #[test]
    fn a_fresh_row_leaves_room_within_a_write_unit() {
        let size = |value: &AttributeValue| match value {
            AttributeValue::S(text) => text.len(),
            AttributeValue::B(blob) => blob.as_ref().len(),
            _ => 12,
        };
        let row = encode(&item()).unwrap();
        let bytes: usize = row
            .iter()
            .map(|(name, value)| name.len() + size(value))
            .sum();
        assert!(bytes < 600, "{bytes} bytes");
    }

    #[test]
    fn strangers_are_named() {
        for (column, value, expected) in [
            ("st", number(14_u64), "column st is no known stage"),
            ("vd", number(9_u64), "column vd is no known verdict"),
            (
                "t",
                AttributeValue::B(Blob::new([1])),
                "column t is damaged",
            ),
            ("o", text("{}"), "column o is not the expected JSON"),
            ("ep", number(70_000_u64), "column ep is not a whole number"),
        ] {
            let mut row = encode(&item()).unwrap();
            row.insert(column.to_owned(), value);
            let error = decode("media", &row).unwrap_err().to_string();
            assert!(
                error.contains(expected) && error.contains(item().id.as_str()),
                "{error}"
            );
        }
    }
}
