//! Changing what is known to all processes in the `limits` table, one at a time.

use attache_domain::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ports::{Answer, Clock, Limits, Outage};

/// So many rivals in a row are not a race but a fault: more than there are processes at once, each of which writes twice at the
/// most.
const MOST_WRITES: usize = 48;

/// Changes what is known of `key` by all; what it is then, and what the change said.
pub(crate) async fn change<S, T>(
    shared: (&dyn Limits, &dyn Clock),
    key: &str,
    how: impl Fn(&mut S) -> T,
) -> Answer<(S, T)>
where
    S: Clone + Default + PartialEq + Serialize + DeserializeOwned,
{
    change_line(shared, key, how, |_, _| None).await
}

/// The same of a key under which slots are reserved: `restart` says of what is known before and after where their line begins
/// anew, if it does.
pub(crate) async fn change_line<S, T>(
    (limits, clock): (&dyn Limits, &dyn Clock),
    key: &str,
    how: impl Fn(&mut S) -> T,
    restart: impl Fn(&S, &S) -> Option<Timestamp>,
) -> Answer<(S, T)>
where
    S: Clone + Default + PartialEq + Serialize + DeserializeOwned,
{
    let doing = || format!("learning of {key}");
    let mut found = limits.known(key).await?;
    for _ in 0..MOST_WRITES {
        let before: S = match &found {
            Some(text) => serde_json::from_str(text).map_err(|e| Outage::new(doing(), e))?,
            None => S::default(),
        };
        let mut after = before.clone();
        let said = how(&mut after);
        if after == before {
            return Ok((after, said));
        }
        let written = Written {
            state: &after,
            by: clock.draw(),
        };
        let text = serde_json::to_string(&written).map_err(|e| Outage::new(doing(), e))?;
        let step = (found.as_deref(), text.as_str());
        let restart = restart(&before, &after);
        match limits.learn(key, step, restart, clock.now()).await? {
            Ok(()) => return Ok((after, said)),
            Err(rival) => found = rival,
        }
    }
    Err(Outage::new(
        doing(),
        format!("{MOST_WRITES} writes in a row were overtaken"),
    ))
}

/// What is written: two who change the same in the same millisecond must not write the same, or the second would take the
/// first one's write for a repeat of its own.
#[derive(Serialize)]
struct Written<'a, S> {
    #[serde(flatten)]
    state: &'a S,
    by: u64,
}
