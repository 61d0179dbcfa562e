//! What a run is like: drawn from its seed before it begins.

use crate::canary::Canary;
use crate::rng::Rng;

/// Kinds of faults that happen while it is rough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A node's process ends at once.
    Crash,
    /// All processes end at once.
    PowerLoss,
    /// A process stands still, and goes on later.
    Pause,
    /// A node hears nobody, and nobody hears it.
    Isolate,
    /// One node is not heard by another, which it hears.
    OneWay,
    /// Clients cannot reach a node, nor it them.
    CutClients,
    /// A disk takes a thousand times as long.
    SlowDisk,
    /// The time of the day jumps.
    ClockJump,
    /// The time of the day stands still.
    ClockStop,
    /// Whoever leads is asked to hand over.
    HandOver,
}

const ALL: [Fault; 10] = [
    Fault::Crash,
    Fault::PowerLoss,
    Fault::Pause,
    Fault::Isolate,
    Fault::OneWay,
    Fault::CutClients,
    Fault::SlowDisk,
    Fault::ClockJump,
    Fault::ClockStop,
    Fault::HandOver,
];

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Weather {
    pub(crate) nodes: u64,
    /// Entries that a log keeps in memory; where those are few, who lags needs a snapshot.
    pub(crate) log_entries: usize,
    /// A datagram's way, in ns, and how much longer it may take.
    pub(crate) hop_ns: u64,
    pub(crate) jitter_ns: u64,
    /// Datagrams that are lost and that come twice, in a million.
    pub(crate) loss_ppm: u64,
    pub(crate) twice_ppm: u64,
    /// A write's time, and how much longer it may take.
    pub(crate) disk_ns: u64,
    pub(crate) disk_jitter_ns: u64,
    /// Faults that happen, and how far apart on average.
    pub(crate) faults: Vec<Fault>,
    pub(crate) fault_every_ns: u64,
    /// When the last of them may happen.
    pub(crate) rough_ns: u64,
    /// Whoever begins to serve may be cut off at once, while a node that voted for it starts anew.
    pub(crate) strikes: bool,
    /// The disk of one node may have a bit flipped while it is down.
    pub(crate) flips: bool,
    /// Orders of each client, and the pause between two.
    pub(crate) orders: u32,
    pub(crate) order_every_ns: u64,
}

impl Weather {
    /// The weather in which a canary is found out soonest.
    pub(crate) fn against(mut self, canary: Option<Canary>) -> Weather {
        match canary {
            Some(Canary::ForgetVote) => {
                self.nodes = 3;
                self.strikes = true;
                self.faults = vec![Fault::Crash, Fault::Isolate, Fault::OneWay, Fault::HandOver];
                self.fault_every_ns = self.fault_every_ns.min(300_000);
            }
            Some(Canary::BelieveDamage) => {
                self.flips = true;
                self.faults = vec![Fault::Crash, Fault::Isolate];
                self.fault_every_ns = self.fault_every_ns.min(600_000);
            }
            _ => {}
        }
        self
    }

    pub(crate) fn of(rng: &mut Rng) -> Weather {
        let bad_net = rng.below(4);
        let kinds = rng.between(1, ALL.len() as u64) as usize;
        let mut faults: Vec<Fault> = (0..kinds).map(|_| rng.pick(&ALL)).collect();
        if rng.one_in(8) {
            faults.clear();
        }
        Weather {
            nodes: rng.pick(&[3, 3, 3, 5]),
            log_entries: rng.pick(&[1 << 13, 1 << 13, 128, 40]),
            hop_ns: rng.between(2_000, 12_000),
            jitter_ns: [0, 1_000, 10_000, 60_000][bad_net as usize],
            loss_ppm: [0, 0, 5_000, 50_000][bad_net as usize],
            twice_ppm: [0, 0, 5_000, 20_000][bad_net as usize],
            disk_ns: rng.between(3_000, 30_000),
            disk_jitter_ns: rng.pick(&[0, 5_000, 40_000]),
            faults,
            fault_every_ns: rng.between(200_000, 2_000_000),
            rough_ns: rng.between(4_000_000, 16_000_000),
            strikes: rng.one_in(4),
            flips: rng.one_in(3),
            orders: rng.between(20, 80) as u32,
            order_every_ns: rng.between(20_000, 200_000),
        }
    }
}
