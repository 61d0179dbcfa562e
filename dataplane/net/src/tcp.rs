//! TCP over a fixed set of connection slots.
//!
//! Why it exists: `smoltcp` has the state machine, but finds a segment's socket by looking at all
//! of them. Here each slot is a stack of its own with one socket, found through our table of
//! 4-tuples, so a segment costs the same with one connection and with thousands.
//!
//! Layout: `slots` hold the stacks and buffers; `table` leads from a 4-tuple to a slot; `dirty` and
//! `deadlines` say which slots have something to do. A segment is only taken in by
//! [`TcpHost::on_segment`]: when it brought data, the acknowledgment waits for the caller's
//! [`flush`](TcpHost::flush), so that it rides on the reply, or for the next
//! [`poll`](TcpHost::poll). A frame goes back to where its connection's SYN came from, or to the
//! next hop.
//!
//! Limits: see [`TcpConfig`]; [`TcpConfig::memory_bytes`] says what the slots cost. No selective
//! retransmission, no congestion control, no timestamps, a least retransmission time of some
//! milliseconds (the module `clock` says how): right for a clean, short network, wrong for the
//! Internet. A receive ring is at most [`RX_BYTES_MAX`] bytes, and segments that come out of order
//! are kept as long as they leave at most eight gaps.
//!
//! Failure modes: a flood of SYNs fills the free slots and no others; each new SYN then takes the
//! oldest half-open slot, unless that is younger than a handshake takes. When all slots are in use,
//! a newcomer is not answered as long as some are about to be free, since it will ask again, and
//! reset otherwise; both are counted. A slot whose end the caller has not been told of is not used
//! again, so an event never speaks of another connection than its own. A peer that vanished is
//! found by the keep-alive, one that takes nothing by the user timeout, one that never closes by a
//! time limit; resets and SYNs that may be forged are the module `guard`'s.

mod accept;
mod clock;
mod connect;
mod device;
mod guard;
mod queues;
mod reset;
mod slot;
mod stream;
mod table;
mod types;

use crate::classify::{DropReason, TcpIn};
use crate::error::NetError;
use crate::frame_tx::FrameTx;
use crate::interface::{Interface, TxChecks};
use device::{Caps, Out};
use queues::{AgeList, Deadlines, DirtySet, SlotRing};
use slot::{Phase, Slot};
use smoltcp::socket::tcp::State;
use table::{Cell, Tuple, TupleTable};

pub use types::{CloseReason, ConnId, ConnState, NetEvent, RX_BYTES_MAX, TcpConfig, TcpCounters};

/// Ports listened on.
const LISTEN_MAX: usize = 16;
/// Segments one connection sends before it is another's turn.
const EMIT_MAX: usize = 32;
/// Dirty slots served in one poll.
const POLL_SLOTS_MAX: usize = 64;
/// How long a slot rests that wants to emit and does not.
const STUCK_NS: u64 = 1_000_000;
/// How long late segments of a finished connection are answered. Twice a segment's life would be
/// minutes on the Internet; on one link it is what a peer needs to repeat its FIN: Linux does so
/// after 200 and again after 400 ms.
const TIME_WAIT_NS: u64 = 1_000_000_000;
/// The first port taken for connections of ours (RFC 6335, 6).
const EPHEMERAL_FIRST: u16 = 49_152;

/// What a slot takes beside its rings: itself, its socket, its cells of the table (a quarter full),
/// its places in the lists, its deadline.
const SLOT_BYTES: usize = size_of::<Slot>()
    + size_of::<smoltcp::iface::SocketStorage<'static>>()
    + 8 * size_of::<Cell>()
    + 2 * size_of::<(u32, u32)>()
    + 2 * size_of::<u32>()
    + size_of::<u64>();

/// All connections of one address.
pub struct TcpHost {
    slots: Box<[Slot]>,
    free: Vec<u32>,
    table: TupleTable,
    dirty: DirtySet,
    deadlines: Deadlines,
    events: SlotRing,
    listening: [u16; LISTEN_MAX],
    half_open: AgeList,
    time_wait: AgeList,
    resolving: usize,
    /// Slots in use that will soon be free.
    ending: usize,
    out: Out,
    /// Where a message is put together that lies across a ring's end.
    straddle: Box<[u8]>,
    caps: Caps,
    config: TcpConfig,
    interface: Interface,
    counters: TcpCounters,
    next_port: u16,
    now_ns: u64,
}

impl TcpHost {
    /// Takes all the memory the connections will ever need.
    ///
    /// # Errors
    /// A setting out of its bounds.
    pub fn new(
        interface: Interface,
        config: TcpConfig,
        checks: TxChecks,
    ) -> Result<TcpHost, NetError> {
        interface.check()?;
        config.check()?;
        let slots = config.slots;
        let caps = Caps { mtu: interface.mtu.into(), checks };
        // Each slot has a sequence of its own; the multiplier spreads neighbouring seeds
        // (splitmix64's).
        let seed = |slot: usize| {
            (config.seed ^ slot as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
        };
        let straddle = vec![0; config.rx_bytes.max(config.tx_bytes)].into_boxed_slice();
        let scratch = vec![0; caps.mtu].into_boxed_slice();
        Ok(TcpHost {
            slots: (0..slots).map(|i| Slot::new(&interface, &config, caps, seed(i))).collect(),
            // Taken from the end: the first connection gets slot 0.
            free: (0..slots as u32).rev().collect(),
            table: TupleTable::new(slots, config.seed),
            dirty: DirtySet::new(slots),
            deadlines: Deadlines::new(slots),
            events: SlotRing::new(slots),
            listening: [0; LISTEN_MAX],
            half_open: AgeList::new(slots),
            time_wait: AgeList::new(slots),
            resolving: 0,
            ending: 0,
            out: Out { scratch, sent: 0, lost: 0 },
            straddle,
            caps,
            config,
            interface,
            counters: TcpCounters::default(),
            next_port: (config.seed >> 32) as u16 | EPHEMERAL_FIRST,
            now_ns: 0,
        })
    }

    /// Time does not go backwards.
    fn tick(&mut self, now_ns: u64) -> u64 {
        self.now_ns = self.now_ns.max(now_ns);
        self.now_ns
    }

    /// What was done so far.
    pub fn counters(&self) -> TcpCounters {
        TcpCounters { segments_out: self.out.sent, answers_lost: self.out.lost, ..self.counters }
    }

    /// Slots that no connection holds.
    pub fn free_slots(&self) -> usize {
        self.free.len()
    }

    /// Takes a segment in. Gives the connection when it has bytes to read.
    ///
    /// # Errors
    /// Why the segment went to no connection; it was answered as it had to be.
    #[inline]
    pub fn on_segment<T: FrameTx>(
        &mut self,
        now_ns: u64,
        segment: &TcpIn<'_>,
        tx: &mut T,
    ) -> Result<Option<ConnId>, DropReason> {
        let now_ns = self.tick(now_ns);
        let tuple = Tuple::new(segment.header.dst_port.get(), segment.remote());
        let Some(slot) = self.table.get(tuple) else {
            return self.on_stranger(now_ns, segment, tx).map(|()| None);
        };
        let slot = slot as usize;
        if self.is_guarded(slot, segment) {
            return self.on_guarded(now_ns, slot, segment, tx);
        }
        Ok(self.take(now_ns, slot, segment, tx))
    }

    /// Gives a segment to its socket. Gives the connection when it has bytes to read.
    #[inline]
    fn take<T: FrameTx>(
        &mut self,
        now_ns: u64,
        slot: usize,
        segment: &TcpIn<'_>,
        tx: &mut T,
    ) -> Option<ConnId> {
        self.counters.segments_in += 1;
        self.slots[slot].ingress(now_ns, segment.ip.packet, (tx, &mut self.out, self.caps));
        let place = &mut self.slots[slot];
        if place.seen == State::SynSent {
            // If the peer's SYN was taken, this is where its bytes begin.
            place.unread = segment.header.sequence.get().wrapping_add(1);
        }
        self.settle(now_ns, slot, true);
        let place = &self.slots[slot];
        let is_live = matches!(place.phase, Phase::Open | Phase::TimeWait);
        if is_live && place.socket().can_recv() {
            self.dirty.insert(slot);
            return Some(self.id(slot));
        }
        self.egress(now_ns, slot, tx);
        None
    }

    fn id(&self, slot: usize) -> ConnId {
        ConnId { slot: slot as u32, generation: self.slots[slot].generation }
    }

    /// The slot of a connection that has not been said to be closed.
    fn slot_of(&self, conn: ConnId) -> Option<usize> {
        let slot = self.slots.get(conn.index())?;
        let known = slot.generation == conn.generation && slot.phase != Phase::Free;
        known.then_some(conn.index())
    }

    /// Sends what a connection has to send: data, acknowledgments, its end. What finds no room, or
    /// exceeds one turn's segments, goes with the next poll. Gives the segments sent.
    #[inline]
    pub fn flush<T: FrameTx>(&mut self, now_ns: u64, conn: ConnId, tx: &mut T) -> usize {
        let now_ns = self.tick(now_ns);
        match self.slot_of(conn) {
            Some(slot) => self.egress(now_ns, slot, tx),
            None => 0,
        }
    }

    /// Serves the slots that were not flushed, and those whose timers are due. A bounded piece of
    /// work; gives the segments sent.
    pub fn poll<T: FrameTx>(&mut self, now_ns: u64, tx: &mut T) -> usize {
        let now_ns = self.tick(now_ns);
        let mut sent = 0;
        for _ in 0..self.dirty.len().min(POLL_SLOTS_MAX) {
            if !tx.ready() {
                break;
            }
            let Some(slot) = self.dirty.next() else { break };
            sent += self.egress(now_ns, slot, tx);
        }
        for slot in self.deadlines.turn(now_ns) {
            if self.deadlines.take(slot, now_ns) {
                sent += self.on_timer(now_ns, slot, tx);
            }
        }
        self.deadlines.end_turn();
        sent
    }

    #[cold]
    fn on_timer<T: FrameTx>(&mut self, now_ns: u64, slot: usize, tx: &mut T) -> usize {
        let place = &self.slots[slot];
        match place.phase {
            Phase::HalfOpen
                if now_ns.saturating_sub(place.since_ns) >= self.config.half_open_ns =>
            {
                self.drop_half_open(slot);
                0
            }
            Phase::TimeWait => {
                if now_ns.saturating_sub(place.since_ns) >= TIME_WAIT_NS {
                    self.release(slot);
                }
                0
            }
            Phase::Free | Phase::Resolving | Phase::Dead => 0,
            Phase::HalfOpen => self.egress(now_ns, slot, tx),
            Phase::Open => {
                if now_ns >= place.limit_ns(&self.config) {
                    self.slots[slot].socket_mut().abort();
                }
                self.egress(now_ns, slot, tx)
            }
        }
    }

    /// Lets a slot send, a bounded number of segments, and notes when it wants to again.
    fn egress<T: FrameTx>(&mut self, now_ns: u64, slot: usize, tx: &mut T) -> usize {
        let was_dirty = self.dirty.remove(slot);
        let place = &self.slots[slot];
        let is_over = match place.phase {
            Phase::Free | Phase::Resolving | Phase::Dead => true,
            // The last acknowledgment leaves; that the socket then takes TIME-WAIT for over, which
            // for it is ten times the least RTO, is not waited for.
            Phase::TimeWait => now_ns >= place.since_ns.saturating_add(5 * self.config.rto_min_ns),
            Phase::HalfOpen | Phase::Open => false,
        };
        if is_over {
            return 0;
        }
        let mut sent = 0;
        // A dirty slot mostly has something to send; asking when would cost as much as trying.
        let mut due_ns = if was_dirty { now_ns } else { self.slots[slot].due_ns(now_ns) };
        while due_ns <= now_ns {
            if sent >= EMIT_MAX || !tx.ready() {
                self.dirty.insert(slot);
                break;
            }
            let emitted = self.slots[slot].emit(now_ns, (tx, &mut self.out, self.caps));
            sent += usize::from(emitted);
            due_ns = self.slots[slot].due_ns(now_ns);
            if !emitted && due_ns <= now_ns {
                due_ns = now_ns.saturating_add(STUCK_NS);
            }
        }
        let place = &self.slots[slot];
        due_ns = match place.phase {
            Phase::TimeWait => place.since_ns.saturating_add(TIME_WAIT_NS),
            _ => due_ns.min(place.limit_ns(&self.config)),
        };
        self.deadlines.set(slot, due_ns);
        if place.socket().state() != place.seen || place.socket().remote_endpoint().is_none() {
            self.settle(now_ns, slot, false);
        }
        sent
    }

    /// Draws the conclusions from the socket's state after a segment or a timer.
    fn settle(&mut self, now_ns: u64, slot: usize, by_segment: bool) {
        let place = &mut self.slots[slot];
        let (was, is) = (place.seen, place.socket().state());
        place.seen = is;
        let over = matches!(is, State::Closed | State::Listen);
        if was == is && !over {
            return;
        }
        match place.phase {
            Phase::HalfOpen if over => self.drop_half_open(slot),
            Phase::HalfOpen if is != State::SynReceived => {
                self.half_open.remove(slot);
                place.phase = Phase::Open;
                self.counters.accepted += 1;
                place.pending.opened = true;
                if is == State::CloseWait {
                    place.pending.peer_closed = true;
                    self.mark_ending(slot);
                }
                self.notify(slot);
            }
            Phase::TimeWait if over => self.release(slot),
            Phase::Open => self.settle_open(now_ns, slot, (was, is), by_segment),
            _ => {}
        }
    }

    fn settle_open(
        &mut self,
        now_ns: u64,
        slot: usize,
        (was, is): (State, State),
        by_segment: bool,
    ) {
        let place = &mut self.slots[slot];
        let was_opening = matches!(was, State::SynSent | State::SynReceived);
        match is {
            State::Established | State::CloseWait => {
                if was_opening && !place.accepted {
                    self.counters.connected += 1;
                    place.pending.opened = true;
                }
                if is == State::CloseWait && was != State::CloseWait {
                    place.pending.peer_closed = true;
                    self.mark_ending(slot);
                }
                self.notify(slot);
            }
            State::TimeWait => {
                place.phase = Phase::TimeWait;
                self.time_wait.push(slot);
                place.since_ns = now_ns;
                place.reason = CloseReason::Finished;
                place.pending.closed = true;
                self.counters.closed += 1;
                self.notify(slot);
            }
            State::Closed | State::Listen => {
                if was != is {
                    place.reason = match was {
                        _ if place.aborted => CloseReason::Aborted,
                        State::LastAck | State::Closing if by_segment => CloseReason::Finished,
                        State::SynSent | State::SynReceived if by_segment => CloseReason::Refused,
                        _ if by_segment => CloseReason::Reset,
                        _ => CloseReason::TimedOut,
                    };
                }
                // While the socket remembers its peer it has a reset to send first.
                if place.socket().remote_endpoint().is_none() {
                    self.end(slot);
                } else {
                    self.dirty.insert(slot);
                }
            }
            _ => {}
        }
    }

    /// The connection is over: the caller is to be told, and the slot is used again.
    fn end(&mut self, slot: usize) {
        self.counters.closed += 1;
        self.slots[slot].pending.closed = true;
        self.notify(slot);
        self.release(slot);
    }

    /// Puts a slot's news into the ring of events.
    fn notify(&mut self, slot: usize) {
        let pending = &mut self.slots[slot].pending;
        let news = pending.opened || pending.peer_closed || pending.closed;
        if news && !pending.queued {
            pending.queued = true;
            self.events.push(slot);
        }
    }

    /// Takes a slot out of service. It is free at once unless the caller has still to be told
    /// something.
    fn release(&mut self, slot: usize) {
        let place = &mut self.slots[slot];
        match place.phase {
            Phase::Free | Phase::Dead => return,
            Phase::Resolving => self.resolving -= 1,
            Phase::HalfOpen => self.half_open.remove(slot),
            Phase::TimeWait => self.time_wait.remove(slot),
            Phase::Open => {}
        }
        self.table.remove(place.tuple());
        self.dirty.remove(slot);
        self.deadlines.set(slot, u64::MAX);
        place.wipe();
        if place.pending.queued {
            place.phase = Phase::Dead;
            self.mark_ending(slot);
        } else {
            self.free_up(slot);
        }
    }

    /// Notes that a slot will soon be free.
    fn mark_ending(&mut self, slot: usize) {
        self.ending += usize::from(!std::mem::replace(&mut self.slots[slot].ending, true));
    }

    fn free_up(&mut self, slot: usize) {
        let place = &mut self.slots[slot];
        self.ending -= usize::from(std::mem::take(&mut place.ending));
        place.phase = Phase::Free;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(slot as u32);
    }

    /// The next thing that happened; `None` when the caller knows it all.
    pub fn next_event(&mut self) -> Option<NetEvent> {
        let slot = self.events.front()?;
        let conn = self.id(slot);
        let place = &mut self.slots[slot];
        let event = if std::mem::take(&mut place.pending.opened) {
            let (local_port, remote) = (place.local_port, place.remote);
            if place.accepted {
                NetEvent::Accepted { conn, local_port, remote }
            } else {
                NetEvent::Connected { conn }
            }
        } else if std::mem::take(&mut place.pending.peer_closed) {
            NetEvent::PeerClosed { conn }
        } else {
            place.pending.closed = false;
            NetEvent::Closed { conn, reason: place.reason }
        };
        let pending = &mut place.pending;
        if !(pending.opened || pending.peer_closed || pending.closed) {
            pending.queued = false;
            self.events.pop();
            if place.phase == Phase::Dead {
                self.free_up(slot);
            }
        }
        Some(event)
    }
}
