//! One direction of an impairment: from a port's receive queue to the other's transmit queue.

use super::plan::{Fate, Plan, Rates};
use crate::port_io::{Burst, Outbox, PortIo};
use arrayvec::ArrayVec;
use dpdk::Mbuf;
use std::collections::VecDeque;
use telemetry::CounterSet;

/// Frames that others are let past, at once.
const ASIDE_MAX: usize = 64;
/// Frames that are late, at once.
const LATE_MAX: usize = 960;
/// Frames of one direction that can be held at once.
pub const HELD_MAX: usize = ASIDE_MAX + LATE_MAX;
/// For how long a frame lets others past at most, in ns: where none come, it must not stay.
pub const REORDER_NS_MAX: u64 = 1_000_000;
/// What a frame may become: itself and a copy.
const COPIES_MAX: usize = 2;

telemetry::keys! {
    /// What becomes of the frames of one direction.
    pub enum ImpairCounter in "impair" {
        /// Frames that went on, late or damaged ones too, copies apart.
        Passed = "passed",
        /// Frames lost one by one.
        Lost = "lost",
        /// Frames lost in a run of them.
        LostInBursts = "lost_in_bursts",
        /// Frames that went on twice.
        Duplicated = "duplicated",
        /// Frames that others were let past.
        Reordered = "reordered",
        /// Frames and copies that went on later by the fixed delay.
        Delayed = "delayed",
        /// Frames of which one byte was changed.
        Corrupted = "corrupted",
        /// Frames and copies lost that should not have been; the aim is 0.
        NotTaken = "not_taken",
        /// Polls that received nothing, for want of room in a port or to hold frames in.
        Waited = "waited",
    }
}

/// A frame that lets others past.
#[derive(Debug)]
struct Aside<'e> {
    mbuf: Mbuf<'e>,
    /// How many more.
    others: u16,
    /// When it goes on in any case.
    until_ns: u64,
}

/// A frame that is late.
#[derive(Debug)]
struct Late<'e> {
    mbuf: Mbuf<'e>,
    due_ns: u64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Way<'e> {
    plan: Plan,
    delay_ns: u64,
    udp_port: Option<u16>,
    reorders: bool,
    /// Received and not yet decided on, the next one last.
    arrivals: Burst<'e>,
    aside: ArrayVec<Aside<'e>, ASIDE_MAX>,
    /// By due time, for all are late by as much. Never longer than [`LATE_MAX`].
    late: VecDeque<Late<'e>>,
    counters: CounterSet<ImpairCounter>,
}

impl<'e> Way<'e> {
    pub(super) fn new(plan: Plan, rates: &Rates) -> Way<'e> {
        Way {
            plan,
            delay_ns: rates.delay_ns,
            udp_port: rates.udp_port,
            reorders: rates.reorder > 0.0,
            arrivals: Burst::new(),
            aside: ArrayVec::new(),
            late: VecDeque::with_capacity(if rates.delay_ns > 0 { LATE_MAX } else { 0 }),
            counters: CounterSet::new(),
        }
    }

    pub(super) fn counters(&self) -> &CounterSet<ImpairCounter> {
        &self.counters
    }

    /// Frames that were received and are not with the other port yet.
    pub(super) fn held(&self) -> usize {
        self.arrivals.len() + self.aside.len() + self.late.len()
    }

    /// Sends what is due, receives a burst, decides on it, and sends again; gives how many frames
    /// came or went.
    pub(super) fn pass_on(
        &mut self,
        now_ns: u64,
        from: &mut PortIo<'e>,
        out: &mut Outbox<'e>,
    ) -> usize {
        out.flush();
        let mut work = self.release(now_ns, out);
        if !self.takes_one(out) {
            self.counters.inc(ImpairCounter::Waited);
            out.flush();
            return work;
        }
        if self.arrivals.is_empty() {
            from.rx(&mut self.arrivals);
            self.arrivals.reverse();
        }
        while self.takes_one(out) {
            let Some(mbuf) = self.arrivals.pop() else { break };
            self.take(now_ns, mbuf, out);
            self.release_aside(now_ns, out);
            work += 1;
        }
        out.flush();
        work
    }

    /// Whether there is room for whatever becomes of a frame.
    fn takes_one(&self, out: &mut Outbox<'e>) -> bool {
        if out.room() < COPIES_MAX {
            out.flush();
        }
        let late = self.delay_ns == 0 || self.late.len() + COPIES_MAX <= LATE_MAX;
        let aside = !self.reorders || !self.aside.is_full();
        late && aside && out.room() >= COPIES_MAX
    }

    /// Lets a frame's fate come to pass.
    fn take(&mut self, now_ns: u64, mbuf: Mbuf<'e>, out: &mut Outbox<'e>) {
        use ImpairCounter as C;
        if self.udp_port.is_some_and(|port| !is_udp_to(mbuf.data(), port)) {
            self.counters.inc(C::Passed);
            self.others_pass();
            return self.send(mbuf, out);
        }
        match self.plan.decide(mbuf.len()) {
            Fate::Pass => self.go_on(now_ns, mbuf, out),
            Fate::Drop { in_burst: false } => self.counters.inc(C::Lost),
            Fate::Drop { in_burst: true } => self.counters.inc(C::LostInBursts),
            Fate::Twice => {
                let copy = out.copy_of(mbuf.data());
                self.go_on(now_ns, mbuf, out);
                match copy {
                    Some(copy) => {
                        self.counters.inc(C::Duplicated);
                        self.delay(now_ns, copy, out);
                    }
                    None => self.counters.inc(C::NotTaken),
                }
            }
            Fate::Hold(others) => {
                self.counters.inc(C::Reordered);
                let until_ns = now_ns + REORDER_NS_MAX;
                // There is room: see `takes_one`.
                if self.aside.try_push(Aside { mbuf, others, until_ns }).is_err() {
                    self.counters.inc(C::NotTaken);
                }
            }
            // A copy, for the device's word that the checksums are right must not go with it.
            Fate::Corrupt { offset, flip } => match out.copy_of(mbuf.data()) {
                Some(mut copy) => {
                    if let Some(byte) = copy.data_mut().get_mut(usize::from(offset)) {
                        *byte ^= flip;
                    }
                    self.counters.inc(C::Corrupted);
                    self.go_on(now_ns, copy, out);
                }
                None => self.counters.inc(C::NotTaken),
            },
        }
    }

    /// A frame goes on, past those that are aside.
    fn go_on(&mut self, now_ns: u64, mbuf: Mbuf<'e>, out: &mut Outbox<'e>) {
        self.counters.inc(ImpairCounter::Passed);
        self.others_pass();
        self.delay(now_ns, mbuf, out);
    }

    fn others_pass(&mut self) {
        for aside in &mut self.aside {
            aside.others = aside.others.saturating_sub(1);
        }
    }

    fn delay(&mut self, now_ns: u64, mbuf: Mbuf<'e>, out: &mut Outbox<'e>) {
        if self.delay_ns == 0 {
            return self.send(mbuf, out);
        }
        self.counters.inc(ImpairCounter::Delayed);
        self.late.push_back(Late { mbuf, due_ns: now_ns + self.delay_ns });
    }

    /// The caller has seen to room.
    fn send(&mut self, mbuf: Mbuf<'e>, out: &mut Outbox<'e>) {
        if out.forward(mbuf).is_err() {
            self.counters.inc(ImpairCounter::NotTaken);
        }
    }

    /// Sends late frames that are due, and lets those go on that have let enough others past, as
    /// far as there is room.
    fn release(&mut self, now_ns: u64, out: &mut Outbox<'e>) -> usize {
        let mut released = 0;
        while self.late.front().is_some_and(|late| late.due_ns <= now_ns) && out.room() > 0 {
            let Some(late) = self.late.pop_front() else { break };
            self.send(late.mbuf, out);
            released += 1;
        }
        released + self.release_aside(now_ns, out)
    }

    fn release_aside(&mut self, now_ns: u64, out: &mut Outbox<'e>) -> usize {
        let mut at = 0;
        let before = self.aside.len();
        while let Some(aside) = self.aside.get(at) {
            let room = out.room() > 0 && (self.delay_ns == 0 || self.late.len() < LATE_MAX);
            if room && (aside.others == 0 || aside.until_ns <= now_ns) {
                let mbuf = self.aside.remove(at).mbuf;
                self.counters.inc(ImpairCounter::Passed);
                self.delay(now_ns, mbuf, out);
            } else {
                at += 1;
            }
        }
        before - self.aside.len()
    }

    /// The end: from here on nothing is held back, and what was is due.
    pub(super) fn release_all(&mut self, out: &mut Outbox<'e>) {
        self.delay_ns = 0;
        self.late.iter_mut().for_each(|late| late.due_ns = 0);
        self.aside.iter_mut().for_each(|aside| aside.until_ns = 0);
        self.release(0, out);
    }
}

/// Whether a frame is UDP, over IPv4, to this port. Of a packet in fragments only the first says
/// so.
fn is_udp_to(frame: &[u8], port: u16) -> bool {
    let Ok(frame) = wire::ether::parse(frame) else { return false };
    let Ok(packet) = wire::ipv4::parse(frame.payload) else { return false };
    frame.ethertype == wire::ether::IPV4
        && packet.header.protocol == wire::ipv4::UDP
        && packet.header.fragment.get() & 0x1FFF == 0
        && packet.payload.get(2..4) == Some(&port.to_be_bytes())
}
