//! The policy by which files are judged: the standard one with the owner's verdicts in their places.

use std::borrow::Cow;

use attache_domain::connection::FilePolicy;
use attache_domain::digest::Sha256Digest;
use attache_domain::verdict;
use attache_inspect::{Hazard, HazardKind, Policy, PolicyError, Verdict};

/// Lays the owner's verdicts over `standard`.
///
/// # Errors
/// If an entry names no flag, or gives it a verdict that it cannot have. Then nothing is judged: never is the standard taken in
/// its place.
pub fn overlaid<'a>(
    standard: &'a Policy,
    own: &FilePolicy,
) -> Result<Cow<'a, Policy>, PolicyError> {
    let mut policy = Cow::Borrowed(standard);
    for (section, flags) in &own.verdicts {
        for (flag, verdict) in flags {
            policy.to_mut().set(section, flag, judged(*verdict))?;
        }
    }
    Ok(policy)
}

/// What a file raises whose hash is on the owner's list.
#[must_use]
pub fn blocked(own: &FilePolicy, digest: &Sha256Digest) -> Option<Hazard> {
    own.blocks(digest).then(|| Hazard {
        kind: HazardKind::BlockListed,
        evidence: "its hash is on the owner's block list".to_owned(),
    })
}

/// Nobody can write that a flag is not judged; if somebody did, the worst is meant.
fn judged(verdict: verdict::Verdict) -> Verdict {
    match verdict {
        verdict::Verdict::Clean => Verdict::Clean,
        verdict::Verdict::Held => Verdict::Held,
        verdict::Verdict::Quarantined | verdict::Verdict::Unjudged => Verdict::Quarantined,
    }
}
