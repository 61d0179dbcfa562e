//! Segments that could end a connection, or claim that it never was (RFC 5961), and those that
//! should not be: looked at here, before the machine sees them.
//!
//! Why it exists: a window is 65,535 wide, so a forger who knows addresses and ports would need but
//! 65,537 guesses to end a member's session. Here a reset must have exactly the next sequence
//! number expected; one that is merely inside the window is answered with a challenge, an
//! acknowledgment that makes a peer which meant it say it again, exactly. A SYN is always answered
//! with one: a peer that restarted and has the same port then resets the old connection and gets
//! in.
//!
//! Limits: one challenge a connection in 10 ms (RFC 5961, 7). The limit is each connection's own:
//! one limit for all would tell an attacker of others' connections.

use super::accept::is_syn;
use super::machine::State;
use super::machine::seq::within;
use super::reset::answer;
use super::slot::Phase;
use super::{ConnId, TcpHost};
use crate::classify::{DropReason, TcpIn};
use crate::frame_tx::FrameTx;
use wire::tcp;

impl TcpHost {
    /// Whether the machine may not simply be given this segment.
    #[inline]
    pub(super) fn is_guarded(&self, slot: usize, segment: &TcpIn<'_>) -> bool {
        let place = &self.slots[slot];
        segment.header.flags & (tcp::SYN | tcp::RST) != 0
            || !matches!(place.phase, Phase::Open | Phase::HalfOpen)
            || place.machine.peer_has_closed()
    }

    /// Takes in a guarded segment.
    #[cold]
    pub(super) fn on_guarded<T: FrameTx>(
        &mut self,
        now_ns: u64,
        slot: usize,
        segment: &TcpIn<'_>,
        tx: &mut T,
    ) -> Result<Option<ConnId>, DropReason> {
        let (phase, header) = (self.slots[slot].phase, segment.header);
        match phase {
            // Nothing of ours has left yet: this is an old connection's.
            Phase::Resolving | Phase::Free | Phase::Dead => Err(DropReason::TcpNoConnection),
            // Given up, and the reset that says so has not left yet.
            Phase::Open if self.slots[slot].machine.state == State::Closed => {
                Err(DropReason::TcpNoConnection)
            }
            // A peer begins anew before we have forgotten the old connection: RFC 9293, 3.10.7.4
            // (MAY-2) lets it.
            Phase::TimeWait if is_syn(segment) => {
                self.release(slot);
                self.on_stranger(now_ns, segment, tx).map(|()| None)
            }
            // RFC 9293, 3.10.7.4: "the only thing that can arrive in this state is a
            // retransmission of the remote FIN. Acknowledge it".
            Phase::TimeWait if !header.has(tcp::RST) => {
                let controls = tcp::SYN | tcp::FIN;
                if !segment.payload.is_empty() || header.flags & controls != 0 {
                    self.challenge(now_ns, slot, segment, tx);
                }
                Ok(None)
            }
            Phase::Open if self.slots[slot].machine.state == State::SynSent => {
                Ok(self.take(now_ns, slot, segment, tx))
            }
            _ if header.has(tcp::RST) => self.on_reset(now_ns, slot, segment, tx),
            _ if header.has(tcp::SYN) => self.on_syn(now_ns, slot, segment, tx),
            _ => {
                // RFC 9293, 3.10.7.4: after the peer's FIN "this should not occur … Ignore the
                // segment text".
                let place = &self.slots[slot];
                let length = segment.payload.len() as u32;
                let end = header.sequence.get().wrapping_add(length);
                let is_old = place.machine.rcv_nxt().wrapping_sub(end) < 1 << 31;
                if length > 0 && !is_old {
                    return Err(DropReason::TcpAfterFin);
                }
                Ok(self.take(now_ns, slot, segment, tx))
            }
        }
    }

    /// RFC 5961, 3.2: a reset counts if its sequence number is exactly the next one expected;
    /// inside the window it is challenged, outside it is dropped.
    fn on_reset<T: FrameTx>(
        &mut self,
        now_ns: u64,
        slot: usize,
        segment: &TcpIn<'_>,
        tx: &mut T,
    ) -> Result<Option<ConnId>, DropReason> {
        let place = &self.slots[slot];
        let (sequence, expected) = (segment.header.sequence.get(), place.machine.rcv_nxt());
        if sequence != expected {
            if within(sequence, expected, place.machine.our_window().into()) {
                self.challenge(now_ns, slot, segment, tx);
            }
            return Err(DropReason::TcpReset);
        }
        if place.phase == Phase::TimeWait {
            self.release(slot);
            return Ok(None);
        }
        Ok(self.take(now_ns, slot, segment, tx))
    }

    /// RFC 5961, 4.2: on a SYN, "irrespective of the sequence number, TCP MUST send an ACK". The
    /// double of the SYN that a half-open connection began with is answered by the retransmission
    /// of our SYN, which is due at once.
    fn on_syn<T: FrameTx>(
        &mut self,
        now_ns: u64,
        slot: usize,
        segment: &TcpIn<'_>,
        tx: &mut T,
    ) -> Result<Option<ConnId>, DropReason> {
        let place = &self.slots[slot];
        let first = place.machine.rcv_nxt().wrapping_sub(1);
        if place.phase != Phase::HalfOpen || segment.header.sequence.get() != first {
            self.challenge(now_ns, slot, segment, tx);
        }
        Err(DropReason::TcpSyn)
    }

    /// Says where we are, if we did not just now. Before our SYN has left we are nowhere.
    fn challenge<T: FrameTx>(&mut self, now_ns: u64, slot: usize, segment: &TcpIn<'_>, tx: &mut T) {
        let place = &mut self.slots[slot];
        if !place.machine.has_spoken() || !place.machine.may_challenge(now_ns) {
            return;
        }
        let words = place.words(place.machine.snd_max(), tcp::ACK);
        if answer(&self.interface, self.checks, segment, &words, tx) {
            self.counters.challenges_out += 1;
        }
    }
}
