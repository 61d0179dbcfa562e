//! Deliberately broken variants: each must be found out by a check.

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canary {
    /// Replies leave before a quorum has what they come of.
    AckBeforeCommit,
    /// A state that went another way than the log is kept.
    IgnoreSuperseded,
    /// A leader serves on when its lease is over.
    ServeWithoutLease,
    /// Term and vote are not there after a crash.
    ForgetVote,
    /// The first message behind a login at a later leader is not sent.
    DropMessage,
    /// What is still under way to the disk is said to be there.
    LieAboutDisk,
    /// Damage on the disk is passed over: what can be read of it is taken for all.
    BelieveDamage,
}

impl Canary {
    /// All of them.
    pub const ALL: [Canary; 7] = [
        Canary::AckBeforeCommit,
        Canary::IgnoreSuperseded,
        Canary::ServeWithoutLease,
        Canary::ForgetVote,
        Canary::DropMessage,
        Canary::LieAboutDisk,
        Canary::BelieveDamage,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Canary::AckBeforeCommit => "ack-before-commit",
            Canary::IgnoreSuperseded => "ignore-superseded",
            Canary::ServeWithoutLease => "serve-without-lease",
            Canary::ForgetVote => "forget-vote",
            Canary::DropMessage => "drop-message",
            Canary::LieAboutDisk => "lie-about-disk",
            Canary::BelieveDamage => "believe-damage",
        }
    }
}
