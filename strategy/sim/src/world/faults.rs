//! What breaks, and how it is mended.

use super::{What, World};
use crate::outcome::Violation;
use crate::weather::Fault;
use cluster::Standing;

impl World {
    pub(super) fn is_cut(&self, from: u64, to: u64) -> bool {
        self.cuts.iter().any(|(_, f, t)| (*f, *t) == (from, to))
    }

    fn cut(&mut self, fault: usize, from: u64, to: u64) {
        self.cuts.push((fault, from, to));
    }

    pub(super) fn fault(&mut self) -> Result<(), Violation> {
        if self.fine || self.weather.faults.is_empty() {
            return Ok(());
        }
        let next_ns = 1 + self.rng.below(2 * self.weather.fault_every_ns);
        self.after(next_ns, What::Fault);
        let kind = self.rng.pick(&self.weather.faults);
        let count = self.nodes.len() as u64;
        // Whoever serves is the one that matters most.
        let node = match self.owner {
            Some(owner) if self.rng.one_in(2) => owner,
            _ => self.rng.below(count) as usize,
        };
        self.faults += 1;
        self.tally.faults += 1;
        let (fault, id) = (self.faults, node as u64 + 1);
        self.note(|| format!("{kind:?} at node {id}"));
        self.mix(kind as u64 ^ (id << 8));
        let lasts_ns = self.rng.between(50_000, 4_000_000);
        match kind {
            Fault::Crash => self.crash(node),
            Fault::PowerLoss => (0..self.nodes.len()).for_each(|node| self.crash(node)),
            Fault::Pause => {
                let longest_ns = self.rng.pick(&[100_000, 400_000, 4_000_000]);
                self.nodes[node].paused_ns = self.now_ns + self.rng.between(20_000, longest_ns);
            }
            Fault::Isolate => self.isolate(fault, id),
            Fault::OneWay => {
                let other = 1 + (node as u64 + 1 + self.rng.below(count - 1)) % count;
                self.cut(fault, id, other);
            }
            Fault::CutClients => {
                self.cut(fault, 0, id);
                if self.rng.one_in(2) {
                    self.cut(fault, id, 0);
                }
            }
            Fault::SlowDisk => self.nodes[node].slow_ns = self.now_ns + lasts_ns,
            Fault::ClockJump => {
                let by_ns = self.rng.below(60_000_000) as i64 - 30_000_000;
                self.nodes[node].clocks.set_ns += by_ns;
            }
            Fault::ClockStop => self.nodes[node].clocks.stopped = Some(self.now_ns),
            Fault::HandOver => self.hand_over(node),
        }
        self.after(lasts_ns, What::Heal { fault });
        Ok(())
    }

    fn crash(&mut self, node: usize) {
        if self.nodes[node].run.is_none() {
            return;
        }
        self.tally.crashes += 1;
        let World { nodes, rng, .. } = self;
        nodes[node].crash(rng);
        // One disk at most: with two of three gone there is nothing to go on from.
        let any = self.nodes.iter().any(|node| node.disk.flipped.is_some());
        if self.weather.flips && !any && self.rng.one_in(6) {
            let World { nodes, rng, .. } = self;
            nodes[node].disk.flip(rng);
        }
        let down_ns = self.rng.between(20_000, 3_000_000);
        self.after(down_ns, What::Start { node });
    }

    /// Nobody hears a node, and it hears nobody.
    fn isolate(&mut self, fault: usize, id: u64) {
        for other in (1..=self.nodes.len() as u64).filter(|other| *other != id) {
            self.cut(fault, id, other);
            self.cut(fault, other, id);
        }
    }

    /// A node has just begun to serve: the worst moment to lose it and one that voted for it.
    pub(super) fn strike(&mut self, node: usize) {
        if self.fine || !self.weather.strikes || !self.rng.one_in(3) {
            return;
        }
        self.faults += 1;
        self.tally.faults += 1;
        let fault = self.faults;
        self.isolate(fault, node as u64 + 1);
        let count = self.nodes.len();
        let other = (node + 1 + self.rng.below(count as u64 - 1) as usize) % count;
        self.note(|| format!("strike: {} is cut off, {} crashes", node + 1, other + 1));
        self.crash(other);
        let lasts_ns = self.rng.between(300_000, 3_000_000);
        self.after(lasts_ns, What::Heal { fault });
    }

    fn hand_over(&mut self, node: usize) {
        let to = 1 + self.rng.below(self.nodes.len() as u64);
        if let Some(run) = &mut self.nodes[node].run
            && matches!(run.member.standing(), Standing::Serving { .. })
        {
            // To itself it is refused.
            let _ = run.member.hand_over(to);
        }
    }

    pub(super) fn heal(&mut self, fault: usize) -> Result<(), Violation> {
        self.cuts.retain(|(of, ..)| *of != fault);
        let pick = self.rng.below(self.nodes.len() as u64) as usize;
        self.nodes[pick].clocks.stopped = None;
        Ok(())
    }

    /// All is mended: what comes now must come right.
    pub(super) fn turn_fine(&mut self) -> Result<(), Violation> {
        self.note(|| "the weather is fine".into());
        self.fine = true;
        self.cuts.clear();
        for node in 0..self.nodes.len() {
            let it = &mut self.nodes[node];
            (it.paused_ns, it.slow_ns, it.clocks.stopped) = (0, 0, None);
            if it.run.is_none() && !it.refused {
                self.after(1, What::Start { node });
            }
        }
        Ok(())
    }
}
