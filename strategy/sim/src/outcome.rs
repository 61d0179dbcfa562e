//! What comes of a run: a hash of all that happened, or what was broken.

use std::fmt;

/// What is checked, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// All nodes commit the same entries, and whoever commits one has a quorum's disks for it.
    CommittedPrefix,
    /// What leaves a node is what was agreed on, and nothing else leaves.
    Acknowledged,
    /// A client's messages come once each, in order, with the bytes that were agreed on.
    ClientStream,
    /// The feed's messages likewise, and all of them arrive.
    Feed,
    /// A client is told of each fill once.
    Fills,
    /// Cash, shares and tables add up.
    Ledger,
    /// Behind the same entry all nodes are in the same state.
    StateHash,
    /// A term has one leader at most.
    OneLeader,
    /// At most one node serves at a time.
    OneServes,
    /// An order that was entered after another was acknowledged comes after it in the log.
    Linear,
    /// Stamps never fall.
    Stamps,
    /// A damaged disk is not believed.
    Disk,
    /// When the weather is fine again all orders are answered and all nodes agree.
    Progress,
}

impl Check {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Check::CommittedPrefix => "committed-prefix",
            Check::Acknowledged => "acknowledged",
            Check::ClientStream => "client-stream",
            Check::Feed => "feed",
            Check::Fills => "fills",
            Check::Ledger => "ledger",
            Check::StateHash => "state-hash",
            Check::OneLeader => "one-leader",
            Check::OneServes => "one-serves",
            Check::Linear => "linear",
            Check::Stamps => "stamps",
            Check::Disk => "disk",
            Check::Progress => "progress",
        }
    }

    pub(crate) fn broken(self, what: String) -> Violation {
        Violation { check: self, what, step: 0, at_ns: 0 }
    }
}

/// A check that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub check: Check,
    /// In words.
    pub what: String,
    /// At which step of the run.
    pub step: u64,
    /// When, in ns of the run's own time.
    pub at_ns: u64,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { check, what, step, at_ns } = self;
        let (us, ns) = (at_ns / 1_000, at_ns % 1_000);
        write!(f, "{} at step {step} ({us}.{ns:03} us): {what}", check.name())
    }
}

/// What happened, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Entries that were committed.
    pub committed: u64,
    /// Messages that clients were told.
    pub told: u64,
    /// Times that a node began to serve.
    pub served: u64,
    /// Times that processes ended.
    pub crashes: u64,
    /// Faults of all kinds.
    pub faults: u64,
    /// States that had to be made anew.
    pub rebuilt: u64,
    /// Disks that were found damaged, and refused.
    pub refused: u64,
    /// Snapshots that were taken over.
    pub snapshots: u64,
}

impl Tally {
    /// Adds another's counts.
    pub fn add(&mut self, other: &Tally) {
        let Tally { committed, told, served, crashes, faults, rebuilt, refused, snapshots } = other;
        self.committed += committed;
        self.told += told;
        self.served += served;
        self.crashes += crashes;
        self.faults += faults;
        self.rebuilt += rebuilt;
        self.refused += refused;
        self.snapshots += snapshots;
    }
}

/// What came of a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which.
    pub seed: u64,
    /// A hash over every step: the same for the same seed and program.
    pub trace: u64,
    /// Steps that it took.
    pub steps: u64,
    /// What was counted.
    pub tally: Tally,
    /// What was broken, if anything.
    pub violation: Option<Violation>,
}
