//! A gap is open: wait, ask, join a snapshot, or give up, in this order.
//!
//! Only the first gap is worked on; the time of each counts from when it showed, so that one behind
//! another is not waited for twice.

use super::{Ask, End, Feed, Placed, Source, Stage, check};
use crate::config::RetransmitConfig;
use crate::handler::FeedHandler;
use crate::hold::Held;
use session::{Gap, MoldError};
use wire::IntoBytes;
use wire::moldudp64::{self, Downstream, HEADER_LEN, Header, Kind};

impl Feed {
    /// Takes a retransmission reply: a unicast UDP payload, a downstream packet as any other.
    ///
    /// Only what is missing is taken from it; one that reaches beyond what is known to exist is
    /// no answer to what was asked and is refused whole.
    pub fn on_retransmission<H: FeedHandler>(
        &mut self,
        now_ns: u64,
        payload: &[u8],
        handler: &mut H,
    ) {
        self.counters.replies += 1;
        let packet = match self.admit_reply(payload) {
            Ok(packet) => packet,
            Err(error) => {
                self.counters.replies_refused[error as usize] += 1;
                return;
            }
        };
        let first = packet.header.sequence_number.get();
        if matches!(self.stage, Stage::Live) {
            self.counters.reply_duplicates += u64::from(packet.count());
            return;
        }
        self.take_behind(now_ns, &packet, first, Source::Reply, handler);
    }

    fn admit_reply<'a>(&self, payload: &'a [u8]) -> Result<Downstream<'a>, MoldError> {
        let packet = moldudp64::parse(payload).map_err(|_| MoldError::Short)?;
        if self.session != Some(packet.header.session) {
            return Err(MoldError::OtherSession);
        }
        check(&packet)?;
        match packet.kind() {
            Kind::Heartbeat | Kind::EndOfSession => Err(MoldError::Malformed),
            Kind::Messages(_) if packet.next_sequence() > self.known_next => {
                Err(MoldError::SequenceJump)
            }
            Kind::Messages(_) => Ok(packet),
        }
    }

    /// Sequence number `first` shows that all before it exist.
    #[cold]
    pub(super) fn notice<H: FeedHandler>(
        &mut self,
        now_ns: u64,
        first: u64,
        handler: &mut H,
    ) -> Option<Gap> {
        let gap = Gap { from: self.known_next, to: first };
        self.known_next = first;
        self.known_ns = now_ns;
        self.counters.gaps += 1;
        self.counters.missing += gap.missing();
        self.behind = true;
        handler.on_behind(gap);
        if matches!(self.stage, Stage::Live) {
            self.open(now_ns, handler);
        }
        Some(gap)
    }

    /// Sorts in the messages of a packet while something is missing.
    #[cold]
    pub(super) fn take_behind<H: FeedHandler>(
        &mut self,
        now_ns: u64,
        packet: &Downstream<'_>,
        first: u64,
        source: Source,
        handler: &mut H,
    ) -> (u16, u16) {
        let (mut new, mut duplicates) = (0, 0);
        let (gap, lost_gaps) = (self.first_gap(), self.counters.lost_gaps);
        for (seq, message) in (first..).zip(packet.messages().flatten()) {
            match self.place(now_ns, seq, message.data, source, handler) {
                Placed::New => new += 1,
                Placed::Duplicate => duplicates += 1,
                Placed::Dropped => self.counters.held_dropped += 1,
            }
            if seq >= self.known_next {
                self.known_next = seq + 1;
                self.known_ns = now_ns;
            }
        }
        match source {
            Source::Line => self.counters.duplicates += u64::from(duplicates),
            Source::Reply => self.counters.reply_duplicates += u64::from(duplicates),
        }
        let is_filled = self.expected >= gap.to && self.counters.lost_gaps == lost_gaps;
        if is_filled && matches!(self.stage, Stage::Waiting { .. }) {
            self.counters.waited_out += 1;
        }
        let is_answer = source == Source::Reply && self.expected > gap.from;
        self.settle(now_ns, is_answer, handler);
        (new, duplicates)
    }

    fn place<H: FeedHandler>(
        &mut self,
        now_ns: u64,
        seq: u64,
        message: &[u8],
        source: Source,
        handler: &mut H,
    ) -> Placed {
        let was_missing = seq < self.known_next;
        let placed = if seq < self.expected {
            Placed::Duplicate
        } else if seq == self.expected && !self.is_frozen() {
            self.hand_on(seq, message, handler);
            Placed::New
        } else {
            self.hold_back(now_ns, seq, message, handler)
        };
        if placed == Placed::New && was_missing {
            match source {
                Source::Line => self.counters.late_messages += 1,
                Source::Reply => self.counters.recovered_messages += 1,
            }
        }
        placed
    }

    /// Delivers the next message and what is held behind it.
    fn hand_on<H: FeedHandler>(&mut self, seq: u64, message: &[u8], handler: &mut H) {
        handler.on_message(seq, message);
        self.counters.delivered += 1;
        self.expected = seq + 1;
        self.drain(handler);
    }

    /// Delivers what is held and due.
    pub(super) fn drain<H: FeedHandler>(&mut self, handler: &mut H) {
        while let Some((message, _)) = self.hold.get(self.expected) {
            handler.on_message(self.expected, message);
            self.hold.remove(self.expected);
            self.counters.delivered += 1;
            self.expected += 1;
        }
    }

    /// Holds a message; when there is no room, a snapshot is the next means, and without one the
    /// first gap is given up. While joining, the oldest make room: a snapshot is newer than they.
    fn hold_back<H: FeedHandler>(
        &mut self,
        now_ns: u64,
        seq: u64,
        message: &[u8],
        handler: &mut H,
    ) -> Placed {
        loop {
            match self.hold.insert(seq, now_ns, message) {
                Held::New => {
                    let len = self.hold.len() as u64;
                    self.counters.held_high_water = self.counters.held_high_water.max(len);
                    return Placed::New;
                }
                Held::Duplicate => return Placed::Duplicate,
                Held::FarBefore => return Placed::Dropped,
                Held::Full => self.counters.hold_overflows += 1,
            }
            if matches!(self.stage, Stage::Joining(_)) {
                // One that is itself older than all that is held would be the next to go.
                let Some(first) = self.hold.first().filter(|&first| first < seq) else {
                    return Placed::Dropped;
                };
                self.hold.remove(first);
                self.counters.held_dropped += 1;
            } else if self.config.snapshot.is_some() {
                self.start_join(now_ns);
            } else {
                self.lose_to(seq, handler);
                if self.expected == seq {
                    self.hand_on(seq, message, handler);
                    return Placed::New;
                }
            }
        }
    }

    /// Something is missing: decides what to do about the first gap.
    pub(super) fn open<H: FeedHandler>(&mut self, now_ns: u64, handler: &mut H) {
        while self.expected < self.known_next {
            let noticed_ns = self.hold.first().and_then(|first| self.hold.get(first));
            let noticed_ns = noticed_ns.map_or(self.known_ns, |(_, came_ns)| came_ns);
            let until_ns = noticed_ns.saturating_add(self.config.wait_ns);
            if now_ns < until_ns {
                self.stage = Stage::Waiting { until_ns };
                return;
            }
            if let Some(retransmit) = self.may_ask() {
                let deadline_ns = now_ns.saturating_add(retransmit.timeout_ns);
                let to = self.first_gap().to;
                self.stage = Stage::Asking(Ask { to, deadline_ns, tries: 0, due: true });
                return;
            }
            if self.config.snapshot.is_some() {
                self.start_join(now_ns);
                return;
            }
            self.lose_to(self.known_next, handler);
        }
        self.whole(handler);
    }

    fn may_ask(&self) -> Option<RetransmitConfig> {
        self.config.retransmit.filter(|r| r.tries_max > 0 && self.missing() <= r.messages_max)
    }

    fn first_gap(&self) -> Gap {
        Gap { from: self.expected, to: self.hold.first().unwrap_or(self.known_next) }
    }

    /// After something came: is all there, or is it another gap's turn?
    pub(super) fn settle<H: FeedHandler>(&mut self, now_ns: u64, is_answer: bool, handler: &mut H) {
        let is_whole = self.expected == self.known_next && !self.is_frozen();
        match self.stage {
            Stage::Start | Stage::Live => {}
            Stage::Joining(_) if is_whole => {
                self.cancel_join(now_ns);
                self.whole(handler);
            }
            Stage::Joining(_) => {}
            Stage::Waiting { .. } => self.open(now_ns, handler),
            Stage::Asking(ask) if is_whole || is_answer || self.expected >= ask.to => {
                self.open(now_ns, handler);
            }
            Stage::Asking(_) => {}
        }
    }

    /// Nothing is missing any more.
    pub(super) fn whole<H: FeedHandler>(&mut self, handler: &mut H) {
        self.stage = Stage::Live;
        if core::mem::replace(&mut self.behind, false) {
            handler.on_whole();
        }
        self.tell_end(handler);
    }

    /// Gives up the first gap, but nothing from `limit` on, and delivers what is held behind it.
    pub(super) fn lose_to<H: FeedHandler>(&mut self, limit: u64, handler: &mut H) {
        if self.expected == 0 {
            // A late join that comes to nothing: it starts where it came in.
            self.expected = self.first_gap().to.min(limit);
        }
        let mut gap = self.first_gap();
        gap.to = gap.to.min(limit);
        if gap.missing() > 0 {
            self.counters.lost_gaps += 1;
            self.counters.lost_messages += gap.missing();
            handler.on_lost(gap);
            self.expected = gap.to;
        }
        self.drain(handler);
    }

    /// Another session follows: what is missing of this one is lost.
    pub(super) fn lose_all<H: FeedHandler>(&mut self, now_ns: u64, handler: &mut H) {
        if let Stage::Joining(_) = self.stage {
            self.cancel_join(now_ns);
            self.tell_failure(handler);
        }
        while self.expected < self.known_next {
            self.lose_to(self.known_next, handler);
        }
        if self.end == End::Open {
            self.end = End::Told;
        }
        self.whole(handler);
    }

    /// Does what is due by the clock: gives up waiting, asks again, goes on to the next means. Says
    /// how many things were done.
    pub fn poll<H: FeedHandler>(&mut self, now_ns: u64, handler: &mut H) -> usize {
        match self.stage {
            Stage::Start | Stage::Live => 0,
            Stage::Waiting { until_ns } if now_ns >= until_ns => {
                self.open(now_ns, handler);
                1
            }
            Stage::Waiting { .. } => 0,
            Stage::Asking(ask) if now_ns >= ask.deadline_ns => {
                self.ask_again(now_ns, ask, handler);
                1
            }
            Stage::Asking(_) => 0,
            Stage::Joining(join) => self.poll_join(now_ns, join, handler),
        }
    }

    fn ask_again<H: FeedHandler>(&mut self, now_ns: u64, ask: Ask, handler: &mut H) {
        self.counters.request_timeouts += 1;
        let tries = ask.tries + 1;
        match self.may_ask() {
            Some(retransmit) if tries < retransmit.tries_max => {
                let deadline_ns = now_ns.saturating_add(retransmit.timeout_ns);
                self.stage = Stage::Asking(Ask { deadline_ns, tries, due: true, ..ask });
            }
            _ if self.config.snapshot.is_some() => self.start_join(now_ns),
            _ => {
                self.lose_to(self.known_next, handler);
                self.open(now_ns, handler);
            }
        }
    }

    /// Writes the request that should be sent now, if there is one.
    pub fn next_request(&mut self, now_ns: u64, out: &mut [u8; HEADER_LEN]) -> bool {
        let (Some(retransmit), Some(session)) = (self.config.retransmit, self.session) else {
            return false;
        };
        let gap = self.first_gap();
        let Stage::Asking(ask) = &mut self.stage else { return false };
        if !core::mem::replace(&mut ask.due, false) {
            return false;
        }
        let count_max = retransmit.request_messages_max.clamp(1, moldudp64::END_OF_SESSION - 1);
        let count = gap.missing().min(u64::from(count_max)) as u16;
        ask.to = gap.from + u64::from(count);
        ask.deadline_ns = now_ns.saturating_add(retransmit.timeout_ns);
        self.counters.requests += 1;
        out.copy_from_slice(Header::new(session, gap.from, count).as_bytes());
        true
    }
}
