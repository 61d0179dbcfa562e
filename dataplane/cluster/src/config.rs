//! What a member is told when it starts.

use types::{Nanos, Open, Operation};

/// When something that was said beforehand is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// At a time of the day.
    At(Nanos),
    /// So many ns after the day was opened.
    After(u64),
}

impl Due {
    /// The stamp, on a day that was opened then.
    pub fn at(self, opened: Nanos) -> Nanos {
        match self {
            Due::At(stamp) => stamp,
            Due::After(ns) => Nanos(opened.0.saturating_add(ns)),
        }
    }
}

/// How a member behaves. All but the bounds must be the same on all nodes.
#[derive(Clone, Debug)]
pub struct MemberConfig {
    /// Inputs that may be enacted and not committed.
    pub inflight_max: usize,
    /// Committed entries that are enacted in one poll at most.
    pub enact_max: usize,
    /// How the first leader of the day opens it; `None` leaves that to the operator.
    pub opening: Option<Open>,
    /// What the operator has said beforehand; those due at one time in their order here.
    pub schedule: Vec<(Due, Operation)>,
}

impl Default for MemberConfig {
    /// Half a log's batch under way, which is several round trips' worth, and as many to catch up.
    fn default() -> Self {
        MemberConfig { inflight_max: 1024, enact_max: 256, opening: None, schedule: Vec::new() }
    }
}
