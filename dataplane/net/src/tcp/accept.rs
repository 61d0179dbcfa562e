//! Segments for no connection: new ones are let in while there is room, the rest is refused.

use super::reset::refuse;
use super::slot::Phase;
use super::table::Tuple;
use super::{LISTEN_MAX, TcpHost};
use crate::classify::{DropReason, TcpIn};
use crate::error::NetError;
use crate::frame_tx::FrameTx;
use std::hash::{DefaultHasher, Hasher};
use std::net::SocketAddrV4;
use wire::tcp;

/// Whether a segment asks for a new connection.
pub(super) fn is_syn(segment: &TcpIn<'_>) -> bool {
    segment.header.flags & (tcp::SYN | tcp::ACK | tcp::RST | tcp::FIN) == tcp::SYN
}

impl TcpHost {
    /// Lets peers connect to `port` from now on.
    ///
    /// # Errors
    /// Port 0, or as many ports as can be.
    pub fn listen(&mut self, port: u16) -> Result<(), NetError> {
        if port == 0 {
            return Err(NetError::PortZero);
        }
        if self.is_listening(port) {
            return Ok(());
        }
        let free = self.listening.iter_mut().find(|p| **p == 0);
        *free.ok_or(NetError::ListenersFull { ports: LISTEN_MAX })? = port;
        Ok(())
    }

    /// Lets nobody new connect to `port`; connections that are open stay.
    pub fn unlisten(&mut self, port: u16) {
        for listening in self.listening.iter_mut().filter(|p| **p == port) {
            *listening = 0;
        }
    }

    pub(super) fn is_listening(&self, port: u16) -> bool {
        port != 0 && self.listening.contains(&port)
    }

    /// A segment whose 4-tuple no slot has.
    #[cold]
    pub(super) fn on_stranger<T: FrameTx>(
        &mut self,
        now_ns: u64,
        segment: &TcpIn<'_>,
        tx: &mut T,
    ) -> Result<(), DropReason> {
        if is_syn(segment) && self.is_listening(segment.header.dst_port.get()) {
            return match self.take_slot(now_ns) {
                Ok(slot) => {
                    self.admit(now_ns, slot, segment, tx);
                    Ok(())
                }
                Err(DropReason::TcpNoSlot) => Err(self.refuse(DropReason::TcpNoSlot, segment, tx)),
                Err(reason) => Err(reason),
            };
        }
        if segment.header.has(tcp::RST) {
            return Err(DropReason::TcpNoConnection);
        }
        Err(self.refuse(DropReason::TcpNoConnection, segment, tx))
    }

    fn refuse<T: FrameTx>(
        &mut self,
        reason: DropReason,
        segment: &TcpIn<'_>,
        tx: &mut T,
    ) -> DropReason {
        self.send_refusal(segment, tx);
        reason
    }

    /// Answers a segment with a reset.
    #[cold]
    pub(super) fn send_refusal<T: FrameTx>(&mut self, segment: &TcpIn<'_>, tx: &mut T) {
        if refuse(&self.interface, self.checks, segment, tx) {
            self.counters.resets_out += 1;
        }
    }

    /// Our first sequence number of a connection (RFC 9293, 3.4.1): a clock of 4 µs, so that
    /// numbers of an old connection between the same ends lie behind, and a keyed hash of the ends,
    /// so that nobody else can tell them (RFC 6528).
    pub(super) fn first_sequence(
        &self,
        now_ns: u64,
        (local_port, remote): (u16, SocketAddrV4),
    ) -> u32 {
        let mut hash = DefaultHasher::new();
        hash.write_u64(self.config.seed);
        hash.write_u32(remote.ip().to_bits());
        hash.write_u16(remote.port());
        hash.write_u16(local_port);
        (hash.finish() as u32).wrapping_add((now_ns / 4_000) as u32)
    }

    /// A slot for a new connection, if need be that of one which both sides have ended, or of the
    /// oldest half-open one.
    pub(super) fn take_slot(&mut self, now_ns: u64) -> Result<usize, DropReason> {
        if let Some(slot) = self.free.pop() {
            return Ok(slot as usize);
        }
        if let Some(slot) = self.time_wait.oldest() {
            self.release(slot);
        } else if let Some(slot) = self.half_open.oldest() {
            let age_ns = now_ns.saturating_sub(self.slots[slot].since_ns);
            if age_ns < self.config.half_open_grace_ns {
                return Err(DropReason::TcpHalfOpen);
            }
            self.drop_half_open(slot);
        }
        // One that lingers is not free before the caller has heard of its end.
        let full = if self.ending > 0 { DropReason::TcpSlotsEnding } else { DropReason::TcpNoSlot };
        self.free.pop().map(|slot| slot as usize).ok_or(full)
    }

    pub(super) fn drop_half_open(&mut self, slot: usize) {
        self.counters.half_open_dropped += 1;
        self.release(slot);
    }

    /// Answers a SYN from a slot of its own.
    fn admit<T: FrameTx>(&mut self, now_ns: u64, slot: usize, segment: &TcpIn<'_>, tx: &mut T) {
        let ends = (segment.header.dst_port.get(), segment.remote());
        let first = self.first_sequence(now_ns, ends);
        let place = &mut self.slots[slot];
        place.begin(now_ns, ends);
        place.next_hop = self.interface.next_hop(*ends.1.ip()).unwrap_or(*ends.1.ip());
        place.accepted = true;
        place.face(&self.interface, segment.ip.src_mac, self.checks);
        place.phase = Phase::HalfOpen;
        place.machine.accept(now_ns, segment, first, &self.config);
        place.seen = place.machine.state;
        self.half_open.push(slot);
        self.table.insert(Tuple::new(ends.0, ends.1), slot as u32);
        self.counters.segments_in += 1;
        self.egress(now_ns, slot, tx);
    }
}
