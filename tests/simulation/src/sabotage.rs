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
    /// The judge asks no scanner.
    SkipScans,
    /// A send to a customer whose answer is lost counts as not sent.
    RepeatUnknown,
    /// No notice is ever written.
    SkipNotices,
    /// The answer to a receipt is not heard: it is sent again.
    ReceiptTwice,
    /// No receipt is ever written.
    SkipReceipts,
    /// Captions are left out on the way to customers.
    DropCaptions,
    /// Every window counts as open.
    IgnoreWindow,
    /// Signed links are asked with the token of the hop before.
    TokenEverywhere,
    /// Tries of the sender are not counted.
    ForgetTries,
    /// Genesys is told that everything is stored.
    AcknowledgeAlways,
    /// Parts of a message do not wait for each other.
    ForgetBundles,
    /// Words stand in line behind files.
    WordsBehindFiles,
    /// The lease is freed after the job was sent when a transfer is handed over, not before.
    FreeLate,
    /// Which item a message begins with is not written down.
    ForgetNotes,
    /// What is taken back is sent all the same.
    SendTombstones,
    /// Bytes that come after they were removed stay.
    KeepLateStores,
    /// Bytes of what only references are kept of stay.
    KeepReferences,
    /// They go as soon as the item ends, whatever link lives.
    CutLinks,
    /// While a host's probe is out, whoever asks may be another.
    LetAllProbe,
    /// That a host is in trouble is not shared.
    ForgetHosts,
    /// That a number's questions are answered with errors is not shared.
    ForgetErrors,
    /// What is told of an upload before its answer was written down is dropped.
    DropEarlyEvents,
    /// A probe that was not made is not given back.
    KeepProbes,
    /// Before each download it is asked whether its host is in trouble.
    AskAlways,
}
