//! What nodes do: start, tick, hear each other, write, serve.

use super::{What, World};
use crate::canary::Canary;
use crate::node::Out;
use crate::outcome::{Check, Violation};
use cluster::{Standing, Why};
use replica::{Entry, RecoveredEntry, RoleKind};
use session::SessionId;

/// How long it takes to make a state from a disk, and how much longer it may take.
const MAKING_NS: (u64, u64) = (100_000, 1_000_000);

impl World {
    pub(super) fn start(&mut self, node: usize) -> Result<(), Violation> {
        let nodes = (self.weather.nodes, self.weather.log_entries);
        let (forgetful, credulous) = (self.is(Canary::ForgetVote), self.is(Canary::BelieveDamage));
        let now_ns = self.now_ns;
        let it = &mut self.nodes[node];
        if it.run.is_some() || it.refused {
            return Ok(());
        }
        // A bit of what was torn off, and cut before, does no harm.
        let flipped = it.disk.flipped.is_some_and(|before| it.disk.digest() != before);
        it.disk.flipped = it.disk.flipped.filter(|_| flipped);
        let started = it.start(nodes, now_ns, forgetful, credulous);
        self.note(|| format!("node {} starts: {started:?}", node + 1));
        match (started, flipped) {
            (Ok(()), false) => {}
            (Ok(()), true) if credulous => {}
            (Ok(()), true) => {
                let what = format!("node {} believes a flipped bit", node + 1);
                return Err(Check::Disk.broken(what));
            }
            (Err(_), true) => {
                self.nodes[node].refused = true;
                self.tally.refused += 1;
                return Ok(());
            }
            (Err(damaged), false) => {
                let what = format!("node {} refuses its own sound disk: {damaged}", node + 1);
                return Err(Check::Disk.broken(what));
            }
        }
        let life = self.nodes[node].life;
        self.after(1, What::Tick { node, life });
        Ok(())
    }

    fn lives(&self, node: usize, life: u32) -> bool {
        self.nodes[node].run.is_some() && self.nodes[node].life == life
    }

    pub(super) fn tick(&mut self, node: usize, life: u32) -> Result<(), Violation> {
        if !self.lives(node, life) {
            return Ok(());
        }
        self.poll(node)?;
        let it = &self.nodes[node];
        let Some(run) = &it.run else { return Ok(()) };
        let at_ns = it.clocks.when(run.member.replica().next_tick_ns(), self.now_ns);
        self.at(at_ns, What::Tick { node, life });
        Ok(())
    }

    pub(super) fn datagram(&mut self, from: u64, to: usize, bytes: &[u8]) -> Result<(), Violation> {
        if self.is_cut(from, to as u64 + 1) {
            return Ok(());
        }
        let it = &mut self.nodes[to];
        let time = it.clocks.time(self.now_ns);
        let Some(run) = &mut it.run else { return Ok(()) };
        // Whatever is refused is counted by the replica.
        let _ = run.member.on_datagram(time, from, bytes);
        self.poll(to)
    }

    pub(super) fn written(&mut self, node: usize, life: u32) -> Result<(), Violation> {
        if !self.lives(node, life) {
            return Ok(());
        }
        let it = &mut self.nodes[node];
        if let (Some(record), Some(run)) = (it.disk.done(), &mut it.run) {
            run.member.on_durable(record);
        }
        self.poll(node)
    }

    pub(super) fn made(&mut self, node: usize, life: u32) -> Result<(), Violation> {
        if !self.lives(node, life) {
            return Ok(());
        }
        let blind = self.is(Canary::IgnoreSuperseded);
        let it = &mut self.nodes[node];
        let Some(need) = it.run.as_ref().and_then(|run| run.member.need()) else { return Ok(()) };
        let (floor, mut state) = it.make_state(need.most, blind);
        let Some(run) = &mut it.run else { return Ok(()) };
        run.making = false;
        let index = state.core.inputs();
        if blind {
            state.term = run.member.replica().term_of(index).unwrap_or(state.term);
        }
        let installed = run.member.install(state);
        if installed.is_ok() {
            run.floor = floor;
            run.held = index;
        }
        match need.why {
            Why::Diverged => self.tally.rebuilt += 1,
            Why::Overtaken => self.tally.snapshots += 1,
        }
        self.note(|| format!("node {} has a state made: {installed:?}", node + 1));
        self.poll(node)
    }

    /// Has a node do what it has to do, and looks at what comes of it.
    pub(super) fn poll(&mut self, node: usize) -> Result<(), Violation> {
        let now_ns = self.now_ns;
        let it = &mut self.nodes[node];
        let time = it.clocks.time(now_ns);
        let Some(run) = &mut it.run else { return Ok(()) };
        if matches!(run.member.standing(), Standing::Serving { .. }) {
            run.serve(time);
        }
        let out = it.poll(now_ns);
        self.observe(node, &out.committed)?;
        self.carry_out(node, out);
        self.one_serves(node)?;
        self.pump(node)
    }

    fn carry_out(&mut self, node: usize, out: Out) {
        for (to, bytes) in out.sent {
            self.send(node as u64 + 1, to, bytes);
        }
        let life = self.nodes[node].life;
        if self.nodes[node].disk.write() {
            let slow = self.nodes[node].slow_ns > self.now_ns;
            let jitter_ns = self.rng.below(self.weather.disk_jitter_ns + 1);
            let takes_ns = (self.weather.disk_ns + jitter_ns) * if slow { 50 } else { 1 };
            self.after(takes_ns, What::Written { node, life });
        }
        if self.is(Canary::LieAboutDisk)
            && let Some(run) = &mut self.nodes[node].run
        {
            let (all, _) = run.member.replica().records();
            run.member.on_durable(all);
        }
        for standing in out.standings {
            self.stand(node, standing);
        }
        let Some(run) = &mut self.nodes[node].run else { return };
        if run.member.need().is_some() && !std::mem::replace(&mut run.making, true) {
            let takes_ns = MAKING_NS.0 + self.rng.below(MAKING_NS.1);
            self.after(takes_ns, What::Made { node, life });
        }
    }

    fn stand(&mut self, node: usize, standing: Standing) {
        self.mix(node as u64 ^ 0xABCD);
        self.note(|| format!("node {} is {standing:?}", node + 1));
        match standing {
            Standing::Serving { .. } => {
                self.tally.served += 1;
                self.owner = Some(node);
                self.strike(node);
            }
            Standing::Muted { .. } => {}
            Standing::Standby => {
                let it = &mut self.nodes[node];
                let time = it.clocks.time(self.now_ns);
                let Some(run) = &mut it.run else { return };
                while !run.ends.is_empty() {
                    run.close(0, time);
                }
            }
        }
    }

    /// Sends a datagram: it may be lost, late, or come twice.
    fn send(&mut self, from: u64, to: u64, bytes: Vec<u8>) {
        let (loss_ppm, twice_ppm) = (self.weather.loss_ppm, self.weather.twice_ppm);
        let copies = 1 + u64::from(!self.fine && self.rng.ppm(twice_ppm));
        for _ in 0..copies {
            if !self.fine && self.rng.ppm(loss_ppm) {
                continue;
            }
            let jitter_ns = if self.fine { 0 } else { self.weather.jitter_ns };
            let takes_ns = self.weather.hop_ns + self.rng.below(jitter_ns + 1);
            self.after(
                takes_ns,
                What::Datagram { from, to: to as usize - 1, bytes: bytes.clone() },
            );
        }
    }

    /// Holds what a node says is committed, and its state, against what is true.
    fn observe(
        &mut self,
        node: usize,
        committed: &[(u64, RecoveredEntry)],
    ) -> Result<(), Violation> {
        let World { nodes, oracle, leaders, .. } = self;
        let Some(run) = &nodes[node].run else { return Ok(()) };
        let replica = run.member.replica();
        for (index, RecoveredEntry { term, kind, payload }) in committed {
            let entry = Entry { index: *index, term: *term, kind: *kind, payload };
            if oracle.agree(node as u64 + 1, &entry)? {
                let have = nodes.iter().filter(|node| node.disk.has(entry.index, entry.term));
                let (have, quorum) = (have.count(), nodes.len() / 2 + 1);
                if have < quorum {
                    return Err(Check::CommittedPrefix.broken(format!(
                        "node {} has entry {} committed, which {have} disks have",
                        node + 1,
                        entry.index
                    )));
                }
            }
        }
        let role = replica.role();
        if role.kind >= RoleKind::LeaderElect {
            let leader = *leaders.entry(role.term).or_insert(node as u64 + 1);
            if leader != node as u64 + 1 {
                let what = format!("nodes {leader} and {} lead in term {}", node + 1, role.term);
                return Err(Check::OneLeader.broken(what));
            }
        }
        let (checked, inputs) = (run.member.checked(), run.member.core().inputs());
        let mut held = run.held;
        if checked == inputs && checked > held && run.member.need().is_none() {
            let hash = run.member.core().engine().state_hash();
            oracle.hold(node as u64 + 1, checked, hash)?;
            held = checked;
        }
        if let Some(run) = &mut nodes[node].run {
            run.held = held;
        }
        Ok(())
    }

    /// Whether a node would send to clients now.
    pub(super) fn serves(&self, node: usize) -> bool {
        let it = &self.nodes[node];
        let Some(run) = &it.run else { return false };
        let careless = self.is(Canary::ServeWithoutLease)
            && run.member.replica().role().kind == RoleKind::Leader
            && run.member.standing() != Standing::Standby;
        careless || run.member.may_send(it.clocks.time(self.now_ns).clock_ns)
    }

    fn one_serves(&self, node: usize) -> Result<(), Violation> {
        if !self.serves(node) {
            return Ok(());
        }
        let awake = |other: &usize| self.nodes[*other].paused_ns <= self.now_ns;
        let other = (0..self.nodes.len()).filter(awake).find(|&at| at != node && self.serves(at));
        match other {
            None => Ok(()),
            Some(other) => {
                let what = format!("nodes {} and {} serve", node + 1, other + 1);
                Err(Check::OneServes.broken(what))
            }
        }
    }

    /// Has a node that serves say what may leave.
    fn pump(&mut self, node: usize) -> Result<(), Violation> {
        if self.is(Canary::AckBeforeCommit)
            && let Some(run) = &mut self.nodes[node].run
        {
            let all = run.member.core().inputs();
            run.floor.sessions.release_through(all);
            run.floor.publisher.release_through(all);
        }
        let serves = self.serves(node);
        let it = &mut self.nodes[node];
        let time = it.clocks.time(self.now_ns);
        let Some(run) = &mut it.run else { return Ok(()) };
        while let Some(SessionId(_)) = run.member.next_dirty(&run.floor.sessions) {}
        if !serves {
            return Ok(());
        }
        let (mut at, mut feed) = (0, Vec::new());
        loop {
            let mut out = vec![0; 1400];
            let len = run.floor.publisher.pump(time.clock_ns, &mut out);
            if len == 0 {
                break;
            }
            out.truncate(len);
            feed.push(out);
        }
        while let Some(end) = self.nodes[node].run.as_ref().and_then(|run| run.ends.get(at)) {
            let drained = end.server.is_drained();
            self.pump_end(node, at)?;
            if drained {
                self.hang_up(node, at);
            } else {
                at += 1;
            }
        }
        feed.into_iter().try_for_each(|packet| self.publish(packet))
    }
}
