//! The listening side: hands out each message once, in order, and says what is missing.
//!
//! Layout: one expected sequence number. A packet is checked as a whole before any of it is handed
//! out, so that bytes which are not what they claim move nothing; its messages are then given as
//! slices of the packet itself.
//!
//! Policy of this version: what comes after a gap is delivered at once and the gap is reported and
//! counted; what then arrives late counts as a duplicate. Delivered messages and gaps together
//! are every message of the session, none of them twice. Recovery would hold back at
//! [`MoldHandler::on_gap`]: it is called before anything behind the gap is delivered.
//!
//! Failure modes: everything hostile is a [`MoldError`] with a counter. A sequence number far ahead
//! is refused rather than believed, since believing it would turn all that follows into duplicates.

use wire::moldudp64::{self, Downstream, Kind, Session};

/// A run of sequence numbers that were never delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first one missing.
    pub from: u64,
    /// The first one after it that is not.
    pub to: u64,
}

impl Gap {
    /// How many messages are missing; at least one.
    pub fn missing(&self) -> u64 {
        self.to.saturating_sub(self.from)
    }
}

/// Who takes what a [`MoldReceiver`] delivers.
pub trait MoldHandler {
    /// The message with this sequence number; a slice of the packet it came in.
    fn on_message(&mut self, seq: u64, message: &[u8]);

    /// Messages were missed. Called before the message behind the gap is delivered.
    fn on_gap(&mut self, gap: Gap) {
        let _ = gap;
    }

    /// The session is over; `next_seq` is one more than its last sequence number. Called once.
    fn on_end_of_session(&mut self, next_seq: u64) {
        let _ = next_seq;
    }
}

/// Why a packet was refused whole. One byte, one counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum MoldError {
    /// Fewer bytes than a header.
    Short = 0,
    /// The blocks do not fill the packet as the header says.
    Malformed = 1,
    /// Another session's name.
    OtherSession = 2,
    /// Sequence number 0, or one that runs over the end of its eight bytes.
    SequenceRange = 3,
    /// So far ahead that it cannot be loss.
    SequenceJump = 4,
}

impl MoldError {
    /// Every reason, in the order of its code.
    pub const ALL: [MoldError; 5] = [
        MoldError::Short,
        MoldError::Malformed,
        MoldError::OtherSession,
        MoldError::SequenceRange,
        MoldError::SequenceJump,
    ];

    /// The counter's name.
    pub const fn name(self) -> &'static str {
        match self {
            MoldError::Short => "packet_short",
            MoldError::Malformed => "packet_malformed",
            MoldError::OtherSession => "packet_other_session",
            MoldError::SequenceRange => "packet_sequence_range",
            MoldError::SequenceJump => "packet_sequence_jump",
        }
    }
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketOutcome {
    /// It carried messages.
    Messages {
        /// Handed to the handler.
        delivered: u16,
        /// Seen before (or late, behind a gap already reported).
        duplicates: u16,
        /// What was missing before them.
        gap: Option<Gap>,
    },
    /// A heartbeat.
    Heartbeat {
        /// What its number showed to be missing.
        gap: Option<Gap>,
    },
    /// The session is over.
    EndOfSession {
        /// What its number showed to be missing.
        gap: Option<Gap>,
    },
    /// Refused whole.
    Refused(MoldError),
}

impl PacketOutcome {
    /// The gap this packet revealed.
    pub fn gap(&self) -> Option<Gap> {
        match *self {
            PacketOutcome::Messages { gap, .. }
            | PacketOutcome::Heartbeat { gap }
            | PacketOutcome::EndOfSession { gap } => gap,
            PacketOutcome::Refused(_) => None,
        }
    }
}

/// What a receiver listens to.
#[derive(Clone, Copy, Debug)]
pub struct ReceiverConfig {
    /// The session's name; `None` takes that of the first good packet.
    pub session: Option<Session>,
    /// The first message wanted: 1 reports everything before a late join as a gap; `None` starts
    /// with whatever comes first.
    pub first_seq: Option<u64>,
    /// The longest gap that is taken for loss, in messages.
    pub jump_max: u64,
}

impl Default for ReceiverConfig {
    /// Any session, from wherever it is; 2^30 messages is more than Nasdaq's busiest day.
    fn default() -> Self {
        ReceiverConfig { session: None, first_seq: None, jump_max: 1 << 30 }
    }
}

/// What a receiver saw since its birth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiverCounters {
    /// Packets of any kind, the refused included.
    pub packets: u64,
    /// Messages delivered.
    pub delivered: u64,
    /// Messages that were there before, or came too late.
    pub duplicates: u64,
    /// Gaps.
    pub gaps: u64,
    /// Messages missing in them.
    pub missing: u64,
    /// Heartbeats.
    pub heartbeats: u64,
    /// End of session packets.
    pub ends: u64,
    /// Packets refused, by [`MoldError`].
    pub refused: [u64; MoldError::ALL.len()],
}

/// The listening side of one MoldUDP64 session.
#[derive(Clone, Debug)]
pub struct MoldReceiver {
    config: ReceiverConfig,
    session: Option<Session>,
    expected_seq: Option<u64>,
    last_packet_ns: Option<u64>,
    ended: bool,
    counters: ReceiverCounters,
}

impl MoldReceiver {
    /// A receiver that has seen nothing.
    pub fn new(config: ReceiverConfig) -> MoldReceiver {
        MoldReceiver {
            config,
            session: config.session,
            expected_seq: config.first_seq,
            last_packet_ns: None,
            ended: false,
            counters: ReceiverCounters::default(),
        }
    }

    /// Takes one downstream packet, a UDP payload.
    #[inline]
    pub fn on_packet<H: MoldHandler>(
        &mut self,
        now_ns: u64,
        payload: &[u8],
        handler: &mut H,
    ) -> PacketOutcome {
        self.counters.packets += 1;
        match self.admit(payload) {
            Ok(packet) => {
                self.last_packet_ns = Some(now_ns);
                self.take(&packet, handler)
            }
            Err(error) => {
                self.counters.refused[error as usize] += 1;
                PacketOutcome::Refused(error)
            }
        }
    }

    /// Checks all that can be wrong with a packet before anything is believed.
    #[inline]
    fn admit<'a>(&self, payload: &'a [u8]) -> Result<Downstream<'a>, MoldError> {
        let packet = moldudp64::parse(payload).map_err(|_| MoldError::Short)?;
        let header = packet.header;
        if self.session.is_some_and(|session| session != header.session) {
            return Err(MoldError::OtherSession);
        }
        packet.check().map_err(|_| MoldError::Malformed)?;
        let first = header.sequence_number.get();
        let next = first.checked_add(u64::from(packet.count()));
        if first == 0 || next.is_none_or(|next| next == u64::MAX) {
            return Err(MoldError::SequenceRange);
        }
        let ahead = self.expected_seq.map_or(0, |expected| first.saturating_sub(expected));
        if ahead > self.config.jump_max {
            return Err(MoldError::SequenceJump);
        }
        Ok(packet)
    }

    #[inline]
    fn take<H: MoldHandler>(&mut self, packet: &Downstream<'_>, handler: &mut H) -> PacketOutcome {
        let first = packet.header.sequence_number.get();
        self.session.get_or_insert(packet.header.session);
        let gap = self.notice_gap(first, handler);
        match packet.kind() {
            // Mold 1.00: a heartbeat's sequence number is that of the next message to come.
            Kind::Heartbeat => {
                self.counters.heartbeats += 1;
                PacketOutcome::Heartbeat { gap }
            }
            Kind::EndOfSession => {
                self.counters.ends += 1;
                if !core::mem::replace(&mut self.ended, true) {
                    handler.on_end_of_session(first);
                }
                PacketOutcome::EndOfSession { gap }
            }
            Kind::Messages(count) => {
                let (delivered, duplicates) = self.deliver(packet, first, count, handler);
                PacketOutcome::Messages { delivered, duplicates, gap }
            }
        }
    }

    /// Moves on to `first` when it lies ahead, and reports what lies between.
    #[inline]
    fn notice_gap<H: MoldHandler>(&mut self, first: u64, handler: &mut H) -> Option<Gap> {
        let expected = *self.expected_seq.get_or_insert(first);
        if first <= expected {
            return None;
        }
        self.expected_seq = Some(first);
        let gap = Gap { from: expected, to: first };
        self.counters.gaps += 1;
        self.counters.missing += gap.missing();
        handler.on_gap(gap);
        Some(gap)
    }

    /// Hands out the messages not seen before: all, or the tail of a packet that overlaps.
    #[inline]
    fn deliver<H: MoldHandler>(
        &mut self,
        packet: &Downstream<'_>,
        first: u64,
        count: u16,
        handler: &mut H,
    ) -> (u16, u16) {
        let expected = self.expected_seq.unwrap_or(first);
        // `notice_gap` saw to it that `first <= expected`.
        let duplicates = expected.saturating_sub(first).min(u64::from(count)) as u16;
        let mut seq = first;
        for message in packet.messages().flatten() {
            if seq >= expected {
                handler.on_message(seq, message.data);
            }
            seq += 1;
        }
        self.expected_seq = Some(expected.max(seq));
        self.counters.duplicates += u64::from(duplicates);
        let delivered = count - duplicates;
        self.counters.delivered += u64::from(delivered);
        (delivered, duplicates)
    }

    /// The session listened to, once known.
    pub fn session(&self) -> Option<Session> {
        self.session
    }

    /// The next sequence number wanted, once known.
    pub fn expected_seq(&self) -> Option<u64> {
        self.expected_seq
    }

    /// Whether the session has ended.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// How long ago the last good packet came, in ns; `None` before the first. A second is normal.
    pub fn silence_ns(&self, now_ns: u64) -> Option<u64> {
        self.last_packet_ns.map(|last| now_ns.saturating_sub(last))
    }

    /// What it saw so far.
    pub fn counters(&self) -> &ReceiverCounters {
        &self.counters
    }
}
