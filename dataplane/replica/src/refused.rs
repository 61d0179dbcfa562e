//! Why a datagram, or a proposal, is not taken: each reason with a name and a counter.

/// Why a datagram was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[repr(u8)]
pub enum Refused {
    /// Fewer bytes than a header, or than the header says.
    #[error("truncated")]
    Truncated,
    /// Another protocol's bytes.
    #[error("not a replica's datagram")]
    Magic,
    /// Not the bytes that were sent.
    #[error("checksum does not match")]
    Checksum,
    /// A version of the layout that this program does not know.
    #[error("version of the layout is not known here")]
    Version,
    /// The identity of another cluster.
    #[error("of another cluster")]
    OtherCluster,
    /// The sender runs with another configuration than we do.
    #[error("configuration of the sender differs from ours")]
    OtherConfig,
    /// For another node.
    #[error("addressed to another node")]
    NotForUs,
    /// The sender is no member, or not who the caller says it is.
    #[error("sender is not a member")]
    UnknownNode,
    /// Whole, and no message: a field has a value that no sender writes.
    #[error("malformed")]
    Malformed,
    /// Of a term that is over. Its sender is told where there is something to tell.
    #[error("from a past epoch")]
    PastEpoch,
    /// An answer to nothing that we asked.
    #[error("unsolicited answer")]
    Unsolicited,
    /// It says that we have, or had, what we do not have: a log was lost, here or there.
    #[error("contradicts the log")]
    Contradiction,
    /// Asks for a vote while a leader's lease may run that we have answered for, or to lead where
    /// we are not ready to.
    #[error("too soon to vote after the leader's last word or the start, or to lead")]
    TooSoon,
    /// The log has no room until the engine or the disk is further.
    #[error("the log is full")]
    LogFull,
}

impl Refused {
    /// How many reasons there are.
    pub const COUNT: usize = Refused::LogFull as usize + 1;
    /// Every reason, by its number.
    pub const ALL: [Refused; Refused::COUNT] = [
        Refused::Truncated,
        Refused::Magic,
        Refused::Checksum,
        Refused::Version,
        Refused::OtherCluster,
        Refused::OtherConfig,
        Refused::NotForUs,
        Refused::UnknownNode,
        Refused::Malformed,
        Refused::PastEpoch,
        Refused::Unsolicited,
        Refused::Contradiction,
        Refused::TooSoon,
        Refused::LogFull,
    ];
}

/// Why nothing was proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[repr(u8)]
pub enum NotProposed {
    /// Another node leads, or nobody.
    #[error("this node does not lead")]
    NotLeader,
    /// Leadership is being handed over.
    #[error("leadership is being handed over")]
    Transferring,
    /// No bytes, or more than the configuration allows.
    #[error("payload is empty or too large")]
    Size,
    /// The log has no room until the disk, the engine or the quorum is further.
    #[error("the log is full")]
    LogFull,
    /// The batch is full: poll first.
    #[error("the batch is full")]
    BatchFull,
    /// One change of the members at a time.
    #[error("a change of the members is under way")]
    ChangePending,
    /// It would leave nobody to vote, has no room, or changes nothing.
    #[error("not a possible change of the members")]
    BadChange,
}

/// How many datagrams were refused, by reason.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Refusals([u64; Refused::COUNT]);

impl std::fmt::Debug for Refusals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Refusals {
    pub(crate) fn count(&mut self, why: Refused) {
        self.0[why as usize] += 1;
    }

    /// For one reason.
    pub fn of(&self, why: Refused) -> u64 {
        self.0[why as usize]
    }

    /// All reasons that were met, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (Refused, u64)> {
        Refused::ALL.into_iter().map(|why| (why, self.of(why))).filter(|(_, count)| *count > 0)
    }
}
