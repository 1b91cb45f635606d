//! The bucket of each contact: so many calls at once, so many put back each minute (the vendor's page on throttling).

use std::collections::HashMap;

use time::OffsetDateTime;

/// The buckets.
#[derive(Debug)]
pub(super) struct Contacts {
    burst: f64,
    per_second: f64,
    buckets: HashMap<String, (f64, OffsetDateTime)>,
}

impl Contacts {
    pub(super) fn new((burst, per_minute): (u32, u32)) -> Self {
        Self {
            burst: f64::from(burst),
            per_second: f64::from(per_minute) / 60.0,
            buckets: HashMap::new(),
        }
    }

    /// Takes one call out of a contact's bucket; `false`: it is empty.
    pub(super) fn take(&mut self, contact: &str, now: OffsetDateTime) -> bool {
        let full = (self.burst, now);
        let (left, at) = self.buckets.entry(contact.to_owned()).or_insert(full);
        let put_back = (now - *at).as_seconds_f64() * self.per_second;
        *left = (*left + put_back).min(self.burst);
        *at = now;
        let enough = *left >= 1.0;
        if enough {
            *left -= 1.0;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::Duration;
    use time::macros::datetime;

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let mut contacts = Contacts::new((3, 60));
        let now = datetime!(2026-01-15 13:41:24 UTC);
        let taken: Vec<bool> = (0..4).map(|_| contacts.take("a", now)).collect();
        assert_eq!(taken, [true, true, true, false]);
        assert!(contacts.take("b", now), "another contact has its own");
        assert!(contacts.take("a", now + Duration::SECOND));
        assert!(!contacts.take("a", now + Duration::SECOND));
    }
}
