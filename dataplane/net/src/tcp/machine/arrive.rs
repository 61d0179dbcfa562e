//! What comes in: RFC 9293, 3.10.7.

use super::seq::{after, before, within};
use super::{Again, MSS_MIN, Machine, NEVER, State};
use crate::classify::TcpIn;
use crate::tcp::TcpConfig;
use wire::tcp::{self, ACK, FIN, PSH, RST, SYN};

/// What is to be done with a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing more; an acknowledgment may be owed.
    Taken,
    /// It is answered with a reset.
    Refused,
}

/// Doubles of an acknowledgment that mean a loss (RFC 5681, 3.2).
const DOUBLES: u8 = 3;
/// The least time between two challenges on a connection.
const CHALLENGE_PAUSE_NS: u64 = 10_000_000;
/// How far behind an acknowledgment may be that is only late: the widest window.
const ACK_LATE_MAX: u32 = 65_535;

/// The segment size in a SYN's options; `None` without one.
fn segment_size(mut options: &[u8]) -> Option<u16> {
    loop {
        match *options {
            [0, ..] | [] => return None,
            [1, ref rest @ ..] => options = rest,
            [2, 4, high, low, ..] => return Some(u16::from_be_bytes([high, low])),
            // RFC 9293, 3.1: MUST-7, be prepared to handle an illegal option length.
            [_, length, ..] if length >= 2 => options = options.get(usize::from(length)..)?,
            _ => return None,
        }
    }
}

impl Machine {
    /// Whether this is the segment that mostly comes: established, in order, nothing but data or an
    /// acknowledgment, nothing under way again, no window closed. Then [`advance`](Self::advance)
    /// does for it.
    #[inline]
    pub(crate) fn expects(&self, header: &tcp::Header, len: usize) -> bool {
        let ack = header.acknowledgment.get();
        self.state == State::Established
            && header.data_offset == 5 << 4
            && header.flags & !PSH == ACK
            && header.sequence.get() == self.rcv_nxt
            && ack.wrapping_sub(self.una) <= self.max.wrapping_sub(self.una)
            && self.nxt == self.max
            && self.window > 0
            && !self.recovers
            && self.gaps.is_empty()
            && if len > 0 { self.takes(len) } else { ack != self.una }
    }

    /// Takes in what an expected segment says of our bytes; its own are
    /// [`take_in`](Self::take_in)'s. Whether that lets something leave.
    #[inline]
    pub(crate) fn advance(&mut self, now_ns: u64, header: &tcp::Header) -> bool {
        let ack = header.acknowledgment.get();
        self.heard_ns = now_ns;
        self.window = header.window.get().into();
        (self.window_seq, self.window_ack) = (self.rcv_nxt, ack);
        if ack != self.una {
            self.acked(now_ns, ack);
        }
        self.has_more()
    }

    /// Whether the next `len` bytes of the peer have room, and nothing waits beyond them: what does
    /// lies at its distance from the ring's end, which bytes that are read at once do not move.
    #[inline]
    pub(crate) fn takes(&self, len: usize) -> bool {
        len <= self.rx.free() && self.gaps.is_empty()
    }

    /// Takes in the peer's next bytes, of which the caller has read `read` already.
    #[inline]
    pub(crate) fn take_in(&mut self, bytes: &[u8], read: usize) {
        self.rcv_nxt = self.rcv_nxt.wrapping_add(bytes.len() as u32);
        self.owes_ack = true;
        if let Some(rest @ [_, ..]) = bytes.get(read..) {
            self.rx.put_ahead(0, rest);
            self.rx.extend(rest.len());
        }
    }

    /// Our numbers before `ack` have arrived; it lies in `una..=max` and not at `una`. Gives how
    /// many of them were no bytes: a SYN's or a FIN's.
    #[inline]
    fn acked(&mut self, now_ns: u64, ack: u32) -> u32 {
        let count = ack.wrapping_sub(self.una);
        let bytes = count.min(self.tx.len() as u32);
        self.tx.consume(bytes as usize, true);
        self.una = ack;
        if before(self.nxt, ack) {
            self.nxt = ack;
        }
        self.rtt.acked(ack, now_ns);
        self.acked_ns = now_ns;
        self.doubles = 0;
        // RFC 6298, 5.2 and 5.3.
        self.rto_at_ns =
            if ack == self.max { NEVER } else { now_ns.saturating_add(self.rtt.rto_ns()) };
        count - bytes
    }

    /// Begins with a peer's SYN; `first` is our first sequence number.
    pub(crate) fn accept(
        &mut self,
        now_ns: u64,
        segment: &TcpIn<'_>,
        first: u32,
        config: &TcpConfig,
    ) {
        self.begin(now_ns, first, config);
        self.take_syn(segment);
        self.state = State::SynReceived;
    }

    fn take_syn(&mut self, segment: &TcpIn<'_>) {
        self.rcv_nxt = segment.header.sequence.get().wrapping_add(1);
        self.told_edge = self.rcv_nxt;
        if let Some(size) = segment_size(segment.options) {
            self.mss = size.max(MSS_MIN).min(self.mss_ours);
        }
        self.take_window(segment.header);
    }

    fn take_window(&mut self, header: &tcp::Header) {
        self.window = header.window.get().into();
        self.window_seq = header.sequence.get();
        self.window_ack = header.acknowledgment.get();
    }

    /// Takes any segment in.
    pub(crate) fn arrive(&mut self, now_ns: u64, segment: &TcpIn<'_>) -> Verdict {
        match self.state {
            State::Closed | State::TimeWait => Verdict::Taken,
            State::SynSent => self.arrive_at_syn_sent(now_ns, segment),
            _ => self.arrive_at_open(now_ns, segment),
        }
    }

    /// RFC 9293, 3.10.7.3.
    fn arrive_at_syn_sent(&mut self, now_ns: u64, segment: &TcpIn<'_>) -> Verdict {
        let header = segment.header;
        let ack = header.acknowledgment.get();
        let acks = header.has(ACK);
        if acks && (!after(ack, self.una) || after(ack, self.max)) {
            return if header.has(RST) { Verdict::Taken } else { Verdict::Refused };
        }
        if header.has(RST) {
            if acks {
                self.state = State::Closed;
            }
            return Verdict::Taken;
        }
        if !header.has(SYN) {
            return Verdict::Taken;
        }
        self.heard_ns = now_ns;
        self.take_syn(segment);
        if acks {
            self.acked(now_ns, ack);
            self.state = State::Established;
            self.owes_ack = true;
        } else {
            // Both asked at once: our SYN goes again, with an acknowledgment.
            self.state = State::SynReceived;
            self.nxt = self.una;
            self.rtt.forget();
        }
        Verdict::Taken
    }

    /// RFC 9293, 3.10.7.4.
    fn arrive_at_open(&mut self, now_ns: u64, segment: &TcpIn<'_>) -> Verdict {
        let header = segment.header;
        if header.has(RST) {
            // The guard lets through those that are exact.
            (self.state, self.owes_reset) = (State::Closed, false);
            return Verdict::Taken;
        }
        let length = segment.payload.len() as u32 + u32::from(header.has(FIN));
        if !self.is_acceptable(header.sequence.get(), length) {
            self.owe_challenge(now_ns, length);
            return Verdict::Taken;
        }
        if !header.has(ACK) {
            return Verdict::Taken;
        }
        let ack = header.acknowledgment.get();
        if self.state == State::SynReceived {
            if !after(ack, self.una) || after(ack, self.max) {
                return Verdict::Refused;
            }
            self.state = State::Established;
            self.take_window(header);
        }
        // RFC 5961, 5.2.
        if after(ack, self.max) || before(ack, self.una.wrapping_sub(ACK_LATE_MAX)) {
            self.owe_challenge(now_ns, length);
            return Verdict::Taken;
        }
        self.heard_ns = now_ns;
        self.take_ack(now_ns, header, length);
        if matches!(self.state, State::Established | State::FinWait1 | State::FinWait2) {
            self.take_text(segment);
        }
        Verdict::Taken
    }

    /// Whether a segment has something in our window (RFC 9293, 3.10.7.4, table 6); also one that
    /// is exactly next, whose acknowledgment counts though the window be closed.
    fn is_acceptable(&self, sequence: u32, length: u32) -> bool {
        let (end, window) = (sequence.wrapping_add(length), self.rx.free() as u32);
        let edge = self.rcv_nxt.wrapping_add(window);
        sequence == self.rcv_nxt
            || if length == 0 {
                within(sequence, self.rcv_nxt, window)
            } else {
                after(end, self.rcv_nxt) && before(sequence, edge)
            }
    }

    /// What is not acceptable is answered with an acknowledgment: one without length now and then
    /// (RFC 5961, 7), or two peers that mistake each other would never end.
    fn owe_challenge(&mut self, now_ns: u64, length: u32) {
        if length > 0 || self.may_challenge(now_ns) {
            self.owes_ack = true;
        }
    }

    /// Whether a challenge may leave now; it is then taken to do so.
    pub(crate) fn may_challenge(&mut self, now_ns: u64) -> bool {
        let may = now_ns >= self.quiet_until_ns;
        if may {
            self.quiet_until_ns = now_ns.saturating_add(CHALLENGE_PAUSE_NS);
        }
        may
    }

    fn take_ack(&mut self, now_ns: u64, header: &tcp::Header, length: u32) {
        let ack = header.acknowledgment.get();
        let window = u32::from(header.window.get());
        let is_news = after(ack, self.una);
        if is_news {
            let controls = self.acked(now_ns, ack);
            // RFC 6582, 3.2: a partial acknowledgment shows the next loss.
            self.recovers &= before(ack, self.recover);
            if self.recovers {
                self.again = Again::First;
            }
            if controls > 0 {
                self.fin_was_acked();
            }
        } else if ack == self.una && length == 0 && window == self.window && self.una != self.max {
            self.doubles = self.doubles.saturating_add(1);
            if self.doubles == DOUBLES && !self.recovers && window > 0 {
                (self.recovers, self.recover, self.again) = (true, self.max, Again::First);
            }
        }
        // RFC 9293 asks but for the numbers. A peer that repeats a segment may acknowledge more
        // with it than with a later one: its window then counts from there, not the later one's.
        let is_newer = is_news
            || before(self.window_seq, header.sequence.get())
            || (self.window_seq == header.sequence.get() && !after(self.window_ack, ack));
        if is_newer && !before(ack, self.una) {
            if self.window == 0 && window > 0 {
                // What was said while the window was closed has hardly been taken.
                (self.nxt, self.rto_at_ns) = (self.una, NEVER);
                self.rtt.forget();
            }
            self.take_window(header);
        }
    }

    fn fin_was_acked(&mut self) {
        self.state = match self.state {
            State::FinWait1 => State::FinWait2,
            State::Closing => State::TimeWait,
            State::LastAck => State::Closed,
            other => other,
        };
    }

    /// Bytes and a FIN.
    fn take_text(&mut self, segment: &TcpIn<'_>) {
        let (sequence, mut text) = (segment.header.sequence.get(), segment.payload);
        self.owes_ack |= !text.is_empty();
        let end = sequence.wrapping_add(text.len() as u32);
        // What was taken already is cut off at the front, what has no room at the end.
        let mut ahead = sequence.wrapping_sub(self.rcv_nxt) as usize;
        if before(sequence, self.rcv_nxt) {
            let old = self.rcv_nxt.wrapping_sub(sequence) as usize;
            (text, ahead) = (text.get(old..).unwrap_or(&[]), 0);
        }
        text = &text[..text.len().min(self.rx.free().saturating_sub(ahead))];
        if ahead == 0 && !text.is_empty() {
            self.take_in(text, 0);
            let next = self.gaps.close(self.rcv_nxt);
            self.rx.extend(next.wrapping_sub(self.rcv_nxt) as usize);
            self.rcv_nxt = next;
        } else if !text.is_empty() {
            let from = self.rcv_nxt.wrapping_add(ahead as u32);
            if self.gaps.add(from, from.wrapping_add(text.len() as u32)) {
                self.rx.put_ahead(ahead, text);
            }
        }
        // One that comes before its bytes is said again.
        if segment.header.has(FIN) && end == self.rcv_nxt {
            self.rcv_nxt = self.rcv_nxt.wrapping_add(1);
            self.owes_ack = true;
            self.state = match self.state {
                State::FinWait1 => State::Closing,
                State::FinWait2 => State::TimeWait,
                _ => State::CloseWait,
            };
        }
    }
}
