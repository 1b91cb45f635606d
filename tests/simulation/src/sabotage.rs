//! Planted bugs: each takes one safeguard away, to show that a run without it is noticed.

/// What is broken on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sabotage {
    /// Nothing.
    #[default]
    None,
    /// Rows are written whatever revision they have.
    IgnoreRevisions,
    /// A claim takes the lease from whoever has it, open intent or not.
    StealClaims,
    /// Some announcements are acknowledged and never written.
    AnnounceFromMemory,
    /// The bucket keeps what it has of an upload that broke off.
    KeepTornObjects,
    /// Queues forget a message when they hand it out. Not a bug that breaks a promise: the sweep makes up for it.
    AcknowledgeFirst,
    /// The limiter's slots are taken to be now.
    NeverWait,
    /// The list of hosts that may have a token names one too many.
    TrustStrangers,
    /// Nothing is ever swept.
    NeverSweep,
    /// The judge's policy lets programmes pass.
    BlindJudge,
}
