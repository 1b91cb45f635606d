//! Links that carry their own end: the moment they die stands in them, sealed by a hash.

use crate::signature;

/// Seals and checks the links of one platform.
#[derive(Debug)]
pub(crate) struct Seal {
    key: String,
}

/// What is wrong with a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadLink {
    /// Never made here, or changed since.
    Forged,
    /// Past its life.
    Expired,
}

impl Seal {
    /// A seal nobody else has.
    pub(crate) fn new() -> Self {
        Self {
            key: crate::random::hex(16),
        }
    }

    /// The hash over what a link leads to and the Unix second it dies at.
    pub(crate) fn hash(&self, subject: &str, dies_at: i64) -> String {
        let sealed = signature::meta(&self.key, format!("{subject}|{dies_at}").as_bytes());
        format!("AR{}", &sealed[7..39])
    }

    /// Checks a link's parts.
    pub(crate) fn check(
        &self,
        subject: &str,
        dies_at: &str,
        hash: &str,
        now: i64,
    ) -> Result<(), BadLink> {
        let dies_at: i64 = dies_at.parse().map_err(|_| BadLink::Forged)?;
        match hash == self.hash(subject, dies_at) {
            false => Err(BadLink::Forged),
            true if now >= dies_at => Err(BadLink::Expired),
            true => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_die_on_time_and_cannot_be_altered() {
        let seal = Seal::new();
        let hash = seal.hash("77", 1000);
        let rows = [
            ("77", "1000", hash.as_str(), 999, Ok(())),
            ("77", "1000", &hash, 1000, Err(BadLink::Expired)),
            ("78", "1000", &hash, 999, Err(BadLink::Forged)),
            ("77", "2000", &hash, 999, Err(BadLink::Forged)),
            ("77", "soon", &hash, 999, Err(BadLink::Forged)),
            ("77", "1000", "AR00", 999, Err(BadLink::Forged)),
        ];
        for (id, dies_at, hash, now, expected) in rows {
            let checked = seal.check(id, dies_at, hash, now);
            assert_eq!(checked, expected, "{id} {dies_at} {now}");
        }
    }
}
