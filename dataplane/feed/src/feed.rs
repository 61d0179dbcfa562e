//! The feed itself: packets in, messages in order out.
//!
//! Layout: `expected` is the next message to be delivered, `known_next` one more than the last one
//! known to exist; while they are equal nothing is missing, a packet's messages are handed out
//! where they lie, and nothing is looked up or copied. `gap` holds what happens otherwise, `join`
//! the snapshots.

mod gap;
mod join;

use crate::config::FeedConfig;
use crate::counters::FeedCounters;
use crate::handler::FeedHandler;
use crate::hold::Hold;
use crate::line::{Line, LineState, LineStats};
use join::Join;
use session::{Gap, MoldError, PacketOutcome};
use wire::moldudp64::{self, Downstream, Kind, Session};

/// What a feed is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FeedState {
    /// No good packet has come yet.
    Start = 0,
    /// Nothing is missing.
    Live = 1,
    /// A gap is open and waited for.
    Waiting = 2,
    /// A gap is open and asked for.
    Asking = 3,
    /// A gap is open and a snapshot shall fill it.
    Joining = 4,
}

impl FeedState {
    /// Every state, in the order of its code.
    pub const ALL: [FeedState; 5] = [
        FeedState::Start,
        FeedState::Live,
        FeedState::Waiting,
        FeedState::Asking,
        FeedState::Joining,
    ];

    /// The state's name.
    pub const fn name(self) -> &'static str {
        match self {
            FeedState::Start => "start",
            FeedState::Live => "live",
            FeedState::Waiting => "waiting",
            FeedState::Asking => "asking",
            FeedState::Joining => "joining",
        }
    }
}

/// What is being done about the first gap.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Start,
    Live,
    Waiting { until_ns: u64 },
    Asking(Ask),
    Joining(Join),
}

/// An open question to the retransmission server.
#[derive(Clone, Copy, Debug)]
struct Ask {
    /// One more than the last message asked for, or to be asked for.
    to: u64,
    /// When the answer, or the request if it was not even sent, is late.
    deadline_ns: u64,
    /// Requests that came to nothing.
    tries: u32,
    /// Whether the request is still to be sent.
    due: bool,
}

/// Where the end of the session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    /// It has come, but something is missing before it.
    Untold,
    Told,
}

/// Where a late message came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Line,
    Reply,
}

/// What became of one message of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placed {
    New,
    Duplicate,
    Dropped,
}

/// The receiving side of one market data feed; see the crate.
#[derive(Debug)]
pub struct Feed {
    config: FeedConfig,
    stage: Stage,
    /// The next message to be delivered; 0, which no message has, while that is not known.
    expected: u64,
    /// One more than the last message known to exist; 0 before the first packet.
    known_next: u64,
    /// When `known_next` last moved while something was missing.
    known_ns: u64,
    session: Option<Session>,
    /// The session before this one: its stragglers must not bring it back.
    previous: Option<Session>,
    /// When the last good packet came.
    heard_ns: u64,
    end: End,
    /// Whether the handler was told to be behind and not yet to be whole.
    behind: bool,
    /// A snapshot that had begun broke off, and the handler does not know.
    failure_untold: bool,
    /// Before this no snapshot is asked for.
    join_not_before_ns: u64,
    lines: [LineState; Line::ALL.len()],
    counters: FeedCounters,
    hold: Hold,
}

impl Feed {
    /// A feed that has heard nothing. Takes, and touches, all memory it will ever use.
    pub fn new(config: &FeedConfig) -> Feed {
        Feed {
            config: FeedConfig { first_seq: config.first_seq.filter(|&seq| seq > 0), ..*config },
            stage: Stage::Start,
            expected: config.first_seq.unwrap_or(0),
            known_next: 0,
            known_ns: 0,
            session: None,
            previous: None,
            heard_ns: 0,
            end: End::Open,
            behind: false,
            failure_untold: false,
            join_not_before_ns: 0,
            lines: Default::default(),
            counters: FeedCounters::default(),
            hold: Hold::new(config.held_messages_max, config.held_bytes_max),
        }
    }

    /// Takes one packet, a UDP payload, that came by `line`. In the outcome, messages that are held
    /// back count as delivered, and those for which there was no room as neither.
    #[inline]
    pub fn on_packet<H: FeedHandler>(
        &mut self,
        line: Line,
        now_ns: u64,
        payload: &[u8],
        handler: &mut H,
    ) -> PacketOutcome {
        self.counters.packets += 1;
        let outcome = match self.admit(now_ns, payload) {
            Ok(packet) => self.take(now_ns, &packet, handler),
            Err(error) => {
                self.counters.refused[error as usize] += 1;
                PacketOutcome::Refused(error)
            }
        };
        self.lines[line as usize].note(now_ns, &outcome);
        outcome
    }

    /// Checks all that can be wrong with a packet before anything is believed.
    #[inline]
    fn admit<'a>(&self, now_ns: u64, payload: &'a [u8]) -> Result<Downstream<'a>, MoldError> {
        let packet = moldudp64::parse(payload).map_err(|_| MoldError::Short)?;
        let header = packet.header;
        let is_same = self.session == Some(header.session);
        if !is_same && !self.may_enter(now_ns, header.session) {
            return Err(MoldError::OtherSession);
        }
        check(&packet)?;
        let first = header.sequence_number.get();
        let known = if is_same { self.known_next } else { self.config.first_seq.unwrap_or(first) };
        if first.saturating_sub(known) > self.config.jump_max {
            return Err(MoldError::SequenceJump);
        }
        Ok(packet)
    }

    #[inline]
    fn take<H: FeedHandler>(
        &mut self,
        now_ns: u64,
        packet: &Downstream<'_>,
        handler: &mut H,
    ) -> PacketOutcome {
        let first = packet.header.sequence_number.get();
        if self.session != Some(packet.header.session) {
            self.enter_session(now_ns, packet.header.session, first, handler);
        }
        self.heard_ns = now_ns;
        let gap = if first > self.known_next { self.notice(now_ns, first, handler) } else { None };
        match packet.kind() {
            // Mold 1.00: a heartbeat's sequence number is that of the next message to come.
            Kind::Heartbeat => {
                self.counters.heartbeats += 1;
                PacketOutcome::Heartbeat { gap }
            }
            Kind::EndOfSession => {
                self.on_end(handler);
                PacketOutcome::EndOfSession { gap }
            }
            Kind::Messages(count) => {
                let (delivered, duplicates) = match self.stage {
                    Stage::Live => self.deliver(packet, first, count, handler),
                    _ => self.take_behind(now_ns, packet, first, Source::Line, handler),
                };
                PacketOutcome::Messages { delivered, duplicates, gap }
            }
        }
    }

    /// Nothing is missing: hands out what is new, all or the tail of a packet that overlaps.
    #[inline]
    fn deliver<H: FeedHandler>(
        &mut self,
        packet: &Downstream<'_>,
        first: u64,
        count: u16,
        handler: &mut H,
    ) -> (u16, u16) {
        let expected = self.expected;
        let next = first + u64::from(count);
        if next <= expected {
            self.counters.duplicates += u64::from(count);
            return (0, count);
        }
        // Live, so `first <= known_next == expected`, and the difference is less than `count`.
        let duplicates = (expected - first) as u16;
        for (seq, message) in (first..).zip(packet.messages().flatten()) {
            if seq >= expected {
                handler.on_message(seq, message.data);
            }
        }
        self.expected = next;
        self.known_next = next;
        let delivered = count - duplicates;
        self.counters.delivered += u64::from(delivered);
        self.counters.duplicates += u64::from(duplicates);
        (delivered, duplicates)
    }

    /// Whether packets of a session that is not the present one are to be believed.
    #[cold]
    fn may_enter(&self, now_ns: u64, session: Session) -> bool {
        if self.session.is_none() {
            return self.config.session.is_none_or(|wanted| wanted == session);
        }
        let is_over = self.end == End::Told
            || now_ns.saturating_sub(self.heard_ns) >= self.config.session_silence_ns;
        self.config.session.is_none() && self.previous != Some(session) && is_over
    }

    /// The first session, or one that replaces another. `first` is the number of its first packet.
    #[cold]
    fn enter_session<H: FeedHandler>(
        &mut self,
        now_ns: u64,
        session: Session,
        first: u64,
        handler: &mut H,
    ) {
        if self.session.is_some() {
            self.lose_all(now_ns, handler);
            self.previous = self.session;
            self.counters.session_changes += 1;
        }
        self.session = Some(session);
        self.end = End::Open;
        handler.on_session(&session);
        let joins = self.config.snapshot.is_some_and(|snapshot| snapshot.join_at_start);
        self.stage = Stage::Live;
        self.expected = self.config.first_seq.unwrap_or(first);
        (self.known_next, self.known_ns) = (self.expected, now_ns);
        // With the very first message at hand there is nothing that a snapshot could add.
        if self.config.first_seq.is_none() && joins && first > 1 {
            self.expected = 0;
            self.behind = true;
            handler.on_behind(Gap { from: 1, to: first });
            self.start_join(now_ns);
        }
    }

    #[cold]
    fn on_end<H: FeedHandler>(&mut self, handler: &mut H) {
        self.counters.ends += 1;
        if self.end == End::Open {
            self.end = End::Untold;
        }
        if matches!(self.stage, Stage::Live) {
            self.tell_end(handler);
        }
    }

    fn tell_end<H: FeedHandler>(&mut self, handler: &mut H) {
        if self.end == End::Untold {
            self.end = End::Told;
            handler.on_end_of_session(self.expected);
        }
    }

    /// What it is doing.
    pub fn state(&self) -> FeedState {
        match self.stage {
            Stage::Start => FeedState::Start,
            Stage::Live => FeedState::Live,
            Stage::Waiting { .. } => FeedState::Waiting,
            Stage::Asking(_) => FeedState::Asking,
            Stage::Joining(_) => FeedState::Joining,
        }
    }

    /// The next message to be delivered, once known.
    pub fn expected_seq(&self) -> Option<u64> {
        (self.expected != 0).then_some(self.expected)
    }

    /// One more than the last message known to exist, once known.
    pub fn known_next_seq(&self) -> Option<u64> {
        (self.known_next != 0).then_some(self.known_next)
    }

    /// Messages known to exist that have not come; 0 while a late join does not know its first.
    pub fn missing(&self) -> u64 {
        match self.expected {
            0 => 0,
            expected => {
                self.known_next.saturating_sub(expected).saturating_sub(self.hold.len() as u64)
            }
        }
    }

    /// Messages held now.
    pub fn held(&self) -> usize {
        self.hold.len()
    }

    /// The session listened to, once known.
    pub fn session(&self) -> Option<Session> {
        self.session
    }

    /// Whether the end of the session was told.
    pub fn is_ended(&self) -> bool {
        self.end == End::Told
    }

    /// What one line brought.
    pub fn line(&self, line: Line) -> &LineStats {
        &self.lines[line as usize].stats
    }

    /// How long ago a line's last good packet came, in ns; `None` before its first.
    pub fn line_silence_ns(&self, line: Line, now_ns: u64) -> Option<u64> {
        self.lines[line as usize].last_packet_ns.map(|last| now_ns.saturating_sub(last))
    }

    /// What it saw and did so far.
    pub fn counters(&self) -> &FeedCounters {
        &self.counters
    }
}

/// What must hold of any downstream packet, whoever sends it.
#[inline]
fn check(packet: &Downstream<'_>) -> Result<(), MoldError> {
    packet.check().map_err(|_| MoldError::Malformed)?;
    let first = packet.header.sequence_number.get();
    let next = first.checked_add(u64::from(packet.count()));
    match first != 0 && next.is_some_and(|next| next != u64::MAX) {
        true => Ok(()),
        false => Err(MoldError::SequenceRange),
    }
}

#[cfg(test)]
mod tests;
