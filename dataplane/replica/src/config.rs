//! What a node is told when it starts.

use crate::members::Members;

/// Payloads may be this large at most, whatever the configuration says.
pub const PAYLOAD_BYTES_MAX: usize = 1024;
/// The smallest datagram: a header, an append's fixed part, and the largest entry.
pub const DATAGRAM_BYTES_MIN: usize = 1200;
/// The largest datagram: a jumbo frame's.
pub const DATAGRAM_BYTES_MAX: usize = 8972;

/// What happens to replies when the quorum takes longer than its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlowQuorum {
    /// They are held until they are committed.
    Stall {
        /// When the quorum counts as slow, and [`crate::Release::Slow`] says so.
        bound_ns: u64,
    },
    /// They may leave with a flag, while the lease holds.
    Provisional {
        /// How old a proposal is before its reply may.
        bound_ns: u64,
        /// How many may be out that are not committed.
        entries_max: u64,
    },
}

/// A node and its cluster. All but `node`, the founders and `datagram_bytes` must be equal on all
/// nodes: they are hashed into every datagram ([`Config::agreed_hash`]).
#[derive(Clone, Debug)]
pub struct Config {
    /// This node's number, from 1.
    pub node: u64,
    /// The cluster's identity: random bytes, drawn when it was founded.
    pub cluster: [u8; 16],
    /// Of everything outside this crate that the nodes must agree on.
    pub config_hash: u64,
    /// The members of a cluster that has never run; later ones come from the log.
    pub founders: Members,
    /// How long a tick is. A node counts no tick that comes sooner.
    pub tick_ns: u64,
    /// A leader sends a heartbeat every so many ticks.
    pub heartbeat_ticks: u32,
    /// A leader that did not hear from a quorum for so many ticks steps down. More than
    /// `heartbeat_ticks`.
    pub election_ticks: u32,
    /// The first in succession campaigns so many ticks after the last word of its leader, and no
    /// voter gives its vote sooner than one tick before that. More than `election_ticks`.
    pub campaign_ticks: u32,
    /// Each place in the succession waits so many ticks longer. With 2 or more the first in line
    /// wins if it lives and is not behind, and if it does not, the next is so much later. With 0
    /// all campaign in the same tick, and where two of them ask for the same votes, priority
    /// decides: the succession takes no longer when the first in line is dead too, or behind.
    pub stagger_ticks: u32,
    /// A lease is this much shorter than the ticks that it is made of, for clocks that differ.
    pub drift_ppm: u32,
    /// UDP payload of a datagram, at most.
    pub datagram_bytes: usize,
    /// A proposal's bytes, at most.
    pub payload_bytes_max: usize,
    /// Proposals between two polls, at most.
    pub batch_entries_max: usize,
    /// Appends under way to one peer, at most; one takes up to four datagrams. A peer that catches
    /// up is sent that many at once.
    pub inflight_max: usize,
    /// Entries that the log keeps in memory.
    pub log_entries: usize,
    /// Bytes of payload that the log keeps in memory.
    pub log_bytes: usize,
    /// What happens when the quorum is slow.
    pub slow_quorum: SlowQuorum,
}

/// What is wrong with a configuration, or with what was recovered under it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A value that cannot be used.
    #[error("{field} is {value}: {why}")]
    Value {
        /// Which.
        field: &'static str,
        /// What it is.
        value: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The members are none, too many, or somebody is there twice.
    #[error("the members are none, or somebody is there twice, or is number 0")]
    Members,
    /// The log that was recovered is not one.
    #[error("recovered log: {0}")]
    Recovered(&'static str),
    /// Raft says no.
    #[error("raft: {0}")]
    Raft(String),
}

impl Config {
    /// A cluster in one room with ticks of 80 µs: heartbeats every tick, a successor after three.
    pub fn new(node: u64, cluster: [u8; 16], founders: Members) -> Config {
        Config {
            node,
            cluster,
            config_hash: 0,
            founders,
            tick_ns: 80_000,
            heartbeat_ticks: 1,
            election_ticks: 2,
            campaign_ticks: 3,
            stagger_ticks: 0,
            drift_ppm: 1_000,
            datagram_bytes: 1472,
            payload_bytes_max: 256,
            batch_entries_max: 256,
            inflight_max: 128,
            log_entries: 1 << 16,
            log_bytes: 1 << 24,
            slow_quorum: SlowQuorum::Stall { bound_ns: 100_000 },
        }
    }

    /// How long a voter gives no vote after a word of its leader.
    ///
    /// The first of the ticks that a candidate counts may come right after the word, so it
    /// campaigns a tick less than `campaign_ticks` after it, or later.
    pub fn silence_ns(&self) -> u64 {
        u64::from(self.campaign_ticks - 1) * self.tick_ns
    }

    /// How long a leader's lease is from the moment that it sent what a quorum has answered: the
    /// voters' silence, less what their clocks may be faster than ours.
    pub fn lease_ns(&self) -> u64 {
        let silence_ns = u128::from(self.silence_ns());
        (silence_ns - silence_ns * u128::from(self.drift_ppm) / 1_000_000) as u64
    }

    /// A hash (FNV-1a, 64 bits) of what all nodes must have the same.
    pub fn agreed_hash(&self) -> u64 {
        let (policy, bound_ns, entries_max) = match self.slow_quorum {
            SlowQuorum::Stall { bound_ns } => (0, bound_ns, 0),
            SlowQuorum::Provisional { bound_ns, entries_max } => (1, bound_ns, entries_max),
        };
        let fields = [
            self.config_hash,
            self.tick_ns,
            u64::from(self.heartbeat_ticks),
            u64::from(self.election_ticks),
            u64::from(self.campaign_ticks),
            u64::from(self.stagger_ticks),
            u64::from(self.drift_ppm),
            self.payload_bytes_max as u64,
            self.log_entries as u64,
            self.log_bytes as u64,
            policy,
            bound_ns,
            entries_max,
        ];
        let bytes = fields.iter().flat_map(|field| field.to_le_bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    /// Refuses what cannot be used, and names it.
    pub fn check(&self) -> Result<(), ConfigError> {
        let bad = |field, value: u64, why| Err(ConfigError::Value { field, value, why });
        let ticks = |ticks: u32| u64::from(ticks);
        match () {
            () if self.node == 0 => bad("node", 0, "numbers begin at 1"),
            () if !self.founders.are_sound() => Err(ConfigError::Members),
            () if self.tick_ns == 0 => bad("tick_ns", 0, "time would stand still"),
            () if self.heartbeat_ticks == 0 => bad("heartbeat_ticks", 0, "one at least"),
            () if self.election_ticks <= self.heartbeat_ticks => {
                bad("election_ticks", ticks(self.election_ticks), "more than heartbeat_ticks")
            }
            () if self.campaign_ticks <= self.election_ticks || self.campaign_ticks > 1 << 16 => {
                bad(
                    "campaign_ticks",
                    ticks(self.campaign_ticks),
                    "more than election_ticks, to 65536",
                )
            }
            () if self.stagger_ticks > 1 << 12 => {
                bad("stagger_ticks", ticks(self.stagger_ticks), "4096 at most")
            }
            () if self.drift_ppm > 100_000 => {
                bad("drift_ppm", ticks(self.drift_ppm), "a tenth (100000) at most")
            }
            () => self.check_sizes(),
        }
    }

    fn check_sizes(&self) -> Result<(), ConfigError> {
        let sizes = [
            ("datagram_bytes", self.datagram_bytes, DATAGRAM_BYTES_MIN, DATAGRAM_BYTES_MAX),
            ("payload_bytes_max", self.payload_bytes_max, 1, PAYLOAD_BYTES_MAX),
            ("batch_entries_max", self.batch_entries_max, 1, 1 << 16),
            ("inflight_max", self.inflight_max, 1, 1 << 16),
            ("log_entries", self.log_entries, 16, 1 << 26),
            ("log_bytes", self.log_bytes, 1 << 16, 1 << 40),
        ];
        for (field, value, least, most) in sizes {
            if value < least || value > most {
                let why = "outside its range, which the documentation of the crate has";
                return Err(ConfigError::Value { field, value: value as u64, why });
            }
        }
        Ok(())
    }
}
