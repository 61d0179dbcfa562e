//! What goes out: which segment is next, and when something is due.

use super::seq::{after, before};
use super::{Again, Machine, NEVER, State};
use wire::tcp::{ACK, FIN, PSH, RST, SYN};

/// A segment that is to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) sequence: u32,
    pub(crate) flags: u8,
    /// Where its bytes lie in the ring of what was written.
    pub(crate) from: u32,
    /// How many bytes.
    pub(crate) len: u32,
}

impl Segment {
    /// The sequence number behind it.
    #[inline]
    fn end(&self) -> u32 {
        let controls = u32::from(self.flags & (SYN | FIN) != 0);
        self.sequence.wrapping_add(self.len + controls)
    }
}

impl Machine {
    /// The segment that is to leave now, if there is one. It leaves with [`left`](Self::left), and
    /// is planned again until then.
    #[inline]
    pub(crate) fn plan(&mut self, now_ns: u64) -> Option<Segment> {
        if now_ns >= self.rto_at_ns || now_ns >= self.heard_ns.saturating_add(self.keep_alive_ns) {
            self.look_at_clock(now_ns);
        }
        match self.state {
            State::Established
            | State::CloseWait
            | State::FinWait1
            | State::Closing
            | State::LastAck => self.plan_text(now_ns),
            _ => self.plan_control(),
        }
    }

    /// Whether it is simply established, and no timer is due.
    #[inline]
    pub(crate) fn is_calm(&self, now_ns: u64) -> bool {
        let asks_ns = self.heard_ns.saturating_add(self.keep_alive_ns);
        self.state == State::Established && now_ns < self.rto_at_ns.min(asks_ns)
    }

    /// Whether something was written that has not left, as after what has just left.
    #[inline]
    pub(crate) fn has_more(&self) -> bool {
        self.tx.len() > self.nxt.wrapping_sub(self.una) as usize
    }

    /// When what has left is said again.
    #[inline]
    pub(crate) fn rto_at_ns(&self) -> u64 {
        self.rto_at_ns
    }

    /// A segment with bytes or a FIN, or an acknowledgment.
    #[inline]
    fn plan_text(&mut self, now_ns: u64) -> Option<Segment> {
        let sequence = if self.again == Again::First { self.una } else { self.nxt };
        let (sent, queued) = (sequence.wrapping_sub(self.una), self.tx.len() as u32);
        let waiting = queued.saturating_sub(sent);
        let mut len = waiting.min(u32::from(self.mss)).min(self.window.saturating_sub(sent));
        if len == 0 && waiting > 0 && self.again == Again::Probe {
            len = 1;
        }
        let ends = matches!(self.state, State::FinWait1 | State::Closing | State::LastAck);
        let fin = if ends && sent + len == queued { FIN } else { 0 };
        if len > 0 || fin != 0 {
            let push = if len > 0 && sent + len == queued { PSH } else { 0 };
            return Some(Segment { sequence, flags: ACK | push | fin, from: sent, len });
        }
        if self.again == Again::First {
            self.again = Again::No;
            return self.plan_text_behind(now_ns);
        }
        if waiting > 0 && self.rto_at_ns == NEVER {
            // The window is closed: it is asked after in a while.
            self.rto_at_ns = now_ns.saturating_add(self.rtt.rto_ns());
        }
        (self.owes_ack || self.has_news()).then(|| self.acknowledgment())
    }

    /// A second look, where there was nothing to say again.
    #[cold]
    fn plan_text_behind(&mut self, now_ns: u64) -> Option<Segment> {
        self.plan_text(now_ns)
    }

    fn plan_control(&self) -> Option<Segment> {
        let is_first = self.nxt == self.una;
        let syn = |flags| Some(Segment { sequence: self.una, flags, from: 0, len: 0 });
        match self.state {
            State::SynSent if is_first => syn(SYN),
            State::SynReceived if is_first => syn(SYN | ACK),
            State::SynReceived | State::TimeWait if self.owes_ack => Some(self.acknowledgment()),
            State::FinWait2 if self.owes_ack || self.has_news() => Some(self.acknowledgment()),
            State::Closed if self.owes_reset => {
                Some(Segment { flags: RST | ACK, ..self.acknowledgment() })
            }
            _ => None,
        }
    }

    fn acknowledgment(&self) -> Segment {
        Segment { sequence: self.max, flags: ACK, from: 0, len: 0 }
    }

    /// Whether the peer should hear of our window, which has opened: when it has doubled and has
    /// room for a segment more (RFC 9293, 3.8.6.2.2).
    #[inline]
    fn has_news(&self) -> bool {
        let free = self.rx.free() as u32;
        let told = self.told_edge.wrapping_sub(self.rcv_nxt);
        if free / 2 < told {
            return false;
        }
        let enough = (self.rx.capacity() as u32 / 2).min(self.mss_ours.into());
        free - told >= enough && !self.peer_has_closed()
    }

    /// Timers that are due.
    #[cold]
    fn look_at_clock(&mut self, now_ns: u64) {
        if matches!(self.state, State::Closed | State::TimeWait) {
            return;
        }
        if now_ns >= self.heard_ns.saturating_add(self.timeout_ns) {
            self.abort();
            return;
        }
        if now_ns < self.rto_at_ns {
            return;
        }
        if self.una == self.max && !self.has_more() {
            self.rto_at_ns = NEVER;
            return;
        }
        // RFC 6298, 5.4 to 5.6. Everything goes again: what else is lost is not known.
        self.rtt.back_off();
        self.rtt.forget();
        self.nxt = self.una;
        (self.again, self.recovers, self.doubles) = (Again::Probe, false, 0);
        self.rto_at_ns = now_ns.saturating_add(self.rtt.rto_ns());
    }

    /// A question whether the peer is there, when it is time for one: an old sequence number and
    /// nothing else, which is answered as anything that is not new (RFC 9293, 3.8.4).
    pub(crate) fn plan_question(&mut self, now_ns: u64) -> Option<Segment> {
        if now_ns < self.question_ns() {
            return None;
        }
        self.asked_ns = now_ns;
        Some(Segment { sequence: self.una.wrapping_sub(1), ..self.acknowledgment() })
    }

    /// When the peer is asked whether it is there, if nothing comes of it until then.
    fn question_ns(&self) -> u64 {
        let is_quiet = self.una == self.max && self.tx.is_empty();
        let is_open = !matches!(
            self.state,
            State::Closed | State::SynSent | State::SynReceived | State::TimeWait
        );
        if !is_quiet || !is_open {
            return NEVER;
        }
        self.heard_ns.max(self.asked_ns).saturating_add(self.keep_alive_ns)
    }

    /// When the next timer is due, for one that has nothing to send now.
    #[inline]
    pub(crate) fn due_ns(&self) -> u64 {
        if matches!(self.state, State::Closed | State::TimeWait) {
            return NEVER;
        }
        let timeout_ns = self.heard_ns.saturating_add(self.timeout_ns);
        self.rto_at_ns.min(timeout_ns).min(self.question_ns())
    }

    /// A planned segment has left; whether it had something that had left before.
    #[inline]
    pub(crate) fn left(&mut self, now_ns: u64, segment: &Segment) -> bool {
        (self.owes_ack, self.owes_reset, self.again) = (false, false, Again::No);
        self.told_edge = self.rcv_nxt.wrapping_add(self.our_window().into());
        let end = segment.end();
        let is_repeated = before(segment.sequence, self.max) && end != segment.sequence;
        if is_repeated {
            self.rtt.forget();
        }
        if after(end, self.nxt) {
            self.nxt = end;
        }
        if after(end, self.max) {
            self.max = end;
            self.rtt.sent(end, now_ns);
        }
        if self.una != self.max && self.rto_at_ns == NEVER {
            self.rto_at_ns = now_ns.saturating_add(self.rtt.rto_ns());
        }
        is_repeated
    }
}
