//! The limiter's rows as the functions of a run see them: what is reserved is noted, and a planted bug may forget what is known.

use async_trait::async_trait;
use attache_domain::pacing::gcra;
use attache_domain::time::Timestamp;
use attache_flow::ports::{Answer, Limits, Reservation, Reserved};
use serde_json::{Value, json};

use crate::ports::Ports;
use crate::sabotage::Sabotage;

#[async_trait(?Send)]
impl Limits for Ports {
    async fn reserve(&self, key: &str, request: &gcra::Request) -> Answer<Reservation> {
        let line = if self.sabotage == Sabotage::WordsBehindFiles {
            key.replace("text/", "media/")
        } else {
            key.to_owned()
        };
        let mut reserved = self.world.reserve(&line, request).await?;
        let now = self.scene.agenda.now();
        match &mut reserved.reserved {
            Reserved::Slots(slots) if self.sabotage == Sabotage::NeverWait => slots.fill(now),
            _ => {}
        }
        // A host's slots are asked for by those who use them at once; sends are what may wait for theirs.
        let of_sends = !is_host(key);
        if let Reserved::Slots(slots) = &reserved.reserved
            && of_sends
        {
            let task = self.scene.agenda.running();
            let known = reserved.known.as_deref();
            self.scene.reference.granted(task, (key, known), slots);
        }
        Ok(reserved)
    }

    async fn known(&self, key: &str) -> Answer<Option<String>> {
        let known = self.world.known(key).await?;
        Ok(match self.sabotage {
            _ if self.forgets(key) => None,
            Sabotage::LetAllProbe if is_host(key) => known.map(|text| with_old_probe(&text)),
            _ => known,
        })
    }

    async fn learn(
        &self,
        key: &str,
        (from, to): (Option<&str>, &str),
        restart: Option<Timestamp>,
        now: Timestamp,
    ) -> Answer<Result<(), Option<String>>> {
        if self.forgets(key) {
            return Ok(Ok(()));
        }
        if self.sabotage == Sabotage::KeepProbes && is_given_back(from, to) {
            return Ok(Ok(()));
        }
        if self.sabotage == Sabotage::LetAllProbe && is_host(key) {
            let truly = self.world.state.borrow().learnt.get(key).cloned();
            return self
                .world
                .learn(key, (truly.as_deref(), to), restart, now)
                .await;
        }
        self.world.learn(key, (from, to), restart, now).await
    }
}

impl Ports {
    /// Whether what is known of this key is not shared.
    fn forgets(&self, key: &str) -> bool {
        match self.sabotage {
            Sabotage::ForgetHosts => is_host(key),
            Sabotage::ForgetErrors => key.starts_with("errors/"),
            _ => false,
        }
    }
}

/// Whether a key is that of a host of files.
fn is_host(key: &str) -> bool {
    key.starts_with("host/")
}

/// Whether a probe that was out may be made by the next who asks.
fn is_given_back(from: Option<&str>, to: &str) -> bool {
    let breaker =
        |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default()["breaker"].clone();
    let (from, to) = (breaker(from.unwrap_or("null")), breaker(to));
    let same = |key: &str| from[key] == to[key];
    to["state"] == "half-open" && same("state") && same("probe") && !same("until")
}

/// A probe that is out, as if it had been for so long that another may go.
fn with_old_probe(text: &str) -> String {
    let mut row: Value = serde_json::from_str(text).unwrap_or_default();
    if row["breaker"]["state"] == "half-open" {
        row["breaker"]["until"] = json!(0);
    }
    row.to_string()
}
