//! The clock as a source: a tick soon after the start, then one per period, never two at once.

use std::sync::Arc;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;
use tokio::time::MissedTickBehavior;

use super::AsyncInvoker;
use crate::lambda::request_id;
use crate::template::{ACCOUNT, REGION, ScheduleEvent, arn};

/// One schedule of one function.
pub(crate) struct Ticker {
    /// What the template says.
    pub(crate) event: ScheduleEvent,
    /// The function.
    pub(crate) invoker: Arc<AsyncInvoker>,
}

impl Ticker {
    /// Ticks for ever. A tick that is due while the one before still runs is late, not added.
    pub(crate) async fn run(self) {
        let mut period = tokio::time::interval(self.event.every);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            period.tick().await;
            let now = OffsetDateTime::now_utc();
            self.invoker.invoke(payload(&self.event, now)).await;
        }
    }
}

/// The template's own input, or the event EventBridge makes up.
fn payload(event: &ScheduleEvent, now: OffsetDateTime) -> Value {
    if let Some(input) = &event.input {
        return input.clone();
    }
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    json!({
        "version": "0",
        "id": request_id(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": now.format(format).unwrap_or_default(),
        "region": REGION,
        "resources": [arn("events", &format!("rule/{}", event.name))],
        "detail": {},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_tick_carries_the_time_or_the_given_input() {
        let mut event = ScheduleEvent {
            name: "Minute".to_owned(),
            every: Duration::from_secs(60),
            input: None,
        };
        let tick = payload(&event, OffsetDateTime::UNIX_EPOCH);
        assert_eq!(tick["detail-type"], "Scheduled Event");
        assert_eq!(tick["time"], "1970-01-01T00:00:00Z");
        event.input = Some(json!({"probe": true}));
        let tick = payload(&event, OffsetDateTime::UNIX_EPOCH);
        assert_eq!(tick, json!({"probe": true}));
    }
}
