//! Waiting for a state, with a bound.

use std::future::Future;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::Instant;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(25);

/// Looks until there is something to be seen.
///
/// # Errors
/// What a look fails with, and when nothing was seen `within` the bound: then `what` says what was waited for.
pub async fn eventually<T, F>(
    what: &str,
    within: Duration,
    mut look: impl FnMut() -> F,
) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    let end = Instant::now() + within;
    loop {
        if let Some(seen) = look().await? {
            return Ok(seen);
        }
        if Instant::now() >= end {
            bail!("not within {within:?}: {what}");
        }
        tokio::time::sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_state_is_seen_and_a_bound_is_kept() {
        let mut looks = 0;
        let seen = eventually("a third look", Duration::from_secs(60), || {
            looks += 1;
            let found = (looks == 3).then_some(looks);
            async move { Ok(found) }
        });
        assert_eq!(seen.await.unwrap(), 3);

        let never = eventually::<(), _>("the moon", Duration::ZERO, || async { Ok(None) });
        assert_eq!(
            never.await.unwrap_err().to_string(),
            "not within 0ns: the moon"
        );
    }
}
