//! TCP over a fixed set of connection slots.
//!
//! Why it exists: an order comes and goes through here, so this is a good part of what a venue
//! costs it. Each slot has a state machine of its own, found through a table of 4-tuples, so that a
//! segment costs the same with one connection and with thousands; and the segment that mostly
//! comes, the next one in order, goes past the machine's rules (`machine`) and is read where its
//! frame lies.
//!
//! Layout: `slots` hold machines and rings; `table` leads from a 4-tuple to a slot; `dirty` and
//! `deadlines` say which slots have something to do. [`TcpHost::on_segment`] takes in what a
//! segment says of our bytes, and lends its own, in order, as [`TcpData`]: [`TcpHost::read`] shows
//! them to the caller and keeps what he leaves in the ring, [`TcpHost::keep`] keeps all. Their
//! acknowledgment waits for the caller's [`flush`](TcpHost::flush), so that it rides on the reply,
//! or for the next [`poll`](TcpHost::poll). What is neither read nor kept is not acknowledged: the
//! peer sends it again. A frame goes back to where its connection's SYN came from, or to the next
//! hop, behind prebuilt headers (`template`).
//!
//! Limits: see [`TcpConfig`]; [`TcpConfig::memory_bytes`] says what the slots cost. What the
//! machine leaves out is told there: right for a clean, short network, wrong for the Internet. A
//! receive ring is at most [`RX_BYTES_MAX`] bytes.
//!
//! Failure modes: a flood of SYNs fills the free slots and no others; each new SYN then takes the
//! oldest half-open slot, unless that is younger than a handshake takes. When all slots are in use,
//! a newcomer is not answered as long as some are about to be free, since it will ask again, and
//! reset otherwise; both are counted. A slot whose end the caller has not been told of is not used
//! again, so an event never speaks of another connection than its own. A peer that vanished is
//! found by the keep-alive, one that takes nothing by the user timeout, one that never closes by a
//! time limit; resets and SYNs that may be forged are the module `guard`'s.

mod accept;
mod ahead;
mod connect;
mod guard;
mod machine;
mod queues;
mod reset;
mod ring;
mod slot;
mod stream;
mod table;
mod template;
mod types;

use crate::classify::{DropReason, TcpIn};
use crate::error::NetError;
use crate::frame_tx::FrameTx;
use crate::interface::{Interface, TxChecks};
use machine::{State, Verdict};
use queues::{AgeList, Deadlines, DirtySet, SlotRing};
use slot::{Phase, Slot};
use table::{Cell, Tuple, TupleTable};

pub use ahead::{AHEAD_MAX, Ahead};
pub use stream::TcpData;
pub use types::{CloseReason, ConnId, ConnState, NetEvent, RX_BYTES_MAX, TcpConfig, TcpCounters};

/// Ports listened on.
const LISTEN_MAX: usize = 16;
/// Segments one connection sends before it is another's turn.
const EMIT_MAX: usize = 32;
/// Dirty slots served in one poll.
const POLL_SLOTS_MAX: usize = 64;
/// How long late segments of a finished connection are answered. Twice a segment's life would be
/// minutes on the Internet; on one link it is what a peer needs to repeat its FIN: Linux does so
/// after 200 and again after 400 ms.
const TIME_WAIT_NS: u64 = 1_000_000_000;
/// The first port taken for connections of ours (RFC 6335, 6).
const EPHEMERAL_FIRST: u16 = 49_152;

/// What a slot takes beside its rings: itself, its cells of the table (a quarter full), its places
/// in the lists, its deadline.
const SLOT_BYTES: usize = size_of::<Slot>()
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
    /// Where a message is put together that lies across a ring's end.
    straddle: Box<[u8]>,
    checks: TxChecks,
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
        let straddle = vec![0; config.rx_bytes.max(config.tx_bytes)].into_boxed_slice();
        Ok(TcpHost {
            slots: (0..slots).map(|_| Slot::new(&interface, &config)).collect(),
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
            straddle,
            checks,
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
        self.counters
    }

    /// Slots that no connection holds.
    pub fn free_slots(&self) -> usize {
        self.free.len()
    }

    /// Takes a segment in. Gives the connection when it has bytes to read, and those of the segment
    /// that are to be [`read`](Self::read) or [`kept`](Self::keep).
    ///
    /// # Errors
    /// Why the segment went to no connection; it was answered as it had to be.
    #[inline]
    pub fn on_segment<'a, T: FrameTx>(
        &mut self,
        now_ns: u64,
        segment: &TcpIn<'a>,
        tx: &mut T,
    ) -> Result<Option<TcpData<'a>>, DropReason> {
        let now_ns = self.tick(now_ns);
        match self.find(segment) {
            Some(slot) => self.on_known(now_ns, slot, segment, tx),
            None => self.on_stranger(now_ns, segment, tx).map(|()| None),
        }
    }

    /// The slot of a segment's connection.
    #[inline]
    pub(crate) fn find(&self, segment: &TcpIn<'_>) -> Option<usize> {
        let tuple = Tuple::new(segment.header.dst_port.get(), segment.remote());
        self.table.get(tuple).map(|slot| slot as usize)
    }

    /// Takes in a segment of the connection in `slot`.
    ///
    /// # Errors
    /// As [`on_segment`](Self::on_segment).
    #[inline]
    pub(crate) fn on_known<'a, T: FrameTx>(
        &mut self,
        now_ns: u64,
        slot: usize,
        segment: &TcpIn<'a>,
        tx: &mut T,
    ) -> Result<Option<TcpData<'a>>, DropReason> {
        let now_ns = self.tick(now_ns);
        let place = &mut self.slots[slot];
        let (header, len) = (segment.header, segment.payload.len());
        if place.phase == Phase::Open && place.machine.expects(header, len) {
            self.counters.segments_in += 1;
            let lets_send = place.machine.advance(now_ns, header);
            if len > 0 {
                return Ok(Some(TcpData::lent(self.id(slot), header, segment.payload)));
            }
            if lets_send {
                self.egress(now_ns, slot, tx);
            }
            return Ok(None);
        }
        self.on_unexpected(now_ns, slot, segment, tx)
    }

    /// A segment of a connection that is not simply the next one.
    #[cold]
    fn on_unexpected<'a, T: FrameTx>(
        &mut self,
        now_ns: u64,
        slot: usize,
        segment: &TcpIn<'a>,
        tx: &mut T,
    ) -> Result<Option<TcpData<'a>>, DropReason> {
        let readable = if self.is_guarded(slot, segment) {
            self.on_guarded(now_ns, slot, segment, tx)?
        } else {
            self.take(now_ns, slot, segment, tx)
        };
        Ok(readable.map(TcpData::from))
    }

    /// Gives a segment to its machine. Gives the connection when it has bytes to read.
    fn take<T: FrameTx>(
        &mut self,
        now_ns: u64,
        slot: usize,
        segment: &TcpIn<'_>,
        tx: &mut T,
    ) -> Option<ConnId> {
        self.counters.segments_in += 1;
        let place = &mut self.slots[slot];
        if place.machine.arrive(now_ns, segment) == Verdict::Refused {
            self.send_refusal(segment, tx);
            return None;
        }
        self.settle(now_ns, slot, true);
        let place = &self.slots[slot];
        let is_live = matches!(place.phase, Phase::Open | Phase::TimeWait);
        if is_live && !place.machine.received().is_empty() {
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
            Some(slot) => self.answer(now_ns, slot, tx),
            None => 0,
        }
    }

    /// What [`egress`](Self::egress) does for a connection in which nothing happens but that
    /// segments come and go: its other deadlines only move away, and are looked at when they were
    /// due before.
    #[inline]
    fn answer<T: FrameTx>(&mut self, now_ns: u64, slot: usize, tx: &mut T) -> usize {
        let place = &mut self.slots[slot];
        let is_calm = place.phase == Phase::Open && place.machine.is_calm(now_ns) && tx.ready();
        if !is_calm {
            return self.egress(now_ns, slot, tx);
        }
        let mut sent = 0;
        if let Some(segment) = place.machine.plan(now_ns) {
            if !place.send(now_ns, &segment, tx, &mut self.counters) {
                self.dirty.insert(slot);
                return 0;
            }
            sent = 1;
            if place.machine.has_more() {
                return sent + self.egress(now_ns, slot, tx);
            }
        }
        self.dirty.remove(slot);
        self.deadlines.bring_forward(slot, place.machine.rto_at_ns());
        sent
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
                    self.slots[slot].machine.abort();
                }
                self.egress(now_ns, slot, tx) + self.ask(now_ns, slot, tx)
            }
        }
    }

    /// Asks a peer that was long silent whether it is there.
    fn ask<T: FrameTx>(&mut self, now_ns: u64, slot: usize, tx: &mut T) -> usize {
        let place = &mut self.slots[slot];
        let mut asked = 0;
        if tx.ready()
            && let Some(question) = place.machine.plan_question(now_ns)
        {
            asked = usize::from(place.send(now_ns, &question, tx, &mut self.counters));
        }
        let due_ns = place.machine.due_ns().min(place.limit_ns(&self.config));
        self.deadlines.set(slot, due_ns.max(now_ns.saturating_add(1)));
        asked
    }

    /// Lets a slot send, a bounded number of segments, and notes when it wants to again.
    #[inline]
    fn egress<T: FrameTx>(&mut self, now_ns: u64, slot: usize, tx: &mut T) -> usize {
        self.dirty.remove(slot);
        let place = &mut self.slots[slot];
        if matches!(place.phase, Phase::Free | Phase::Resolving | Phase::Dead) {
            return 0;
        }
        let mut sent = 0;
        while let Some(segment) = place.machine.plan(now_ns) {
            let may = sent < EMIT_MAX && tx.ready();
            if !may || !place.send(now_ns, &segment, tx, &mut self.counters) {
                self.dirty.insert(slot);
                break;
            }
            sent += 1;
        }
        let due_ns = match place.phase {
            Phase::TimeWait => place.since_ns.saturating_add(TIME_WAIT_NS),
            _ => place.machine.due_ns().min(place.limit_ns(&self.config)),
        };
        self.deadlines.set(slot, due_ns);
        if place.machine.state != place.seen || place.machine.is_gone() {
            self.settle(now_ns, slot, false);
        }
        sent
    }

    /// Draws the conclusions from the machine's state after a segment or a timer.
    #[cold]
    fn settle(&mut self, now_ns: u64, slot: usize, by_segment: bool) {
        let place = &mut self.slots[slot];
        let (was, is) = (place.seen, place.machine.state);
        place.seen = is;
        let over = is == State::Closed;
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
            State::Closed => {
                if was != is {
                    place.reason = match was {
                        _ if place.aborted => CloseReason::Aborted,
                        State::LastAck | State::Closing if by_segment => CloseReason::Finished,
                        State::SynSent | State::SynReceived if by_segment => CloseReason::Refused,
                        _ if by_segment => CloseReason::Reset,
                        _ => CloseReason::TimedOut,
                    };
                }
                // There may be a reset to send first.
                if place.machine.is_gone() {
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
