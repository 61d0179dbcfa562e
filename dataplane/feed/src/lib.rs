//! One market data feed over two lines, and gap detection.
//!
//! Why it exists: an exchange sends every packet twice, on lines A and B, so that a packet lost on
//! the one is there on the other. A [`Feed`] takes both, delivers each message from whichever line
//! brings it first, and keeps account of what each line was worth.
//!
//! Layout: one [`MoldReceiver`] with one expected sequence number serves both lines; that alone
//! makes the first one win. [`LineStats`] is per line.
//!
//! Policy of this version: the receiver's. A gap is reported as soon as either line shows it and is
//! not waited for, so a message that line A lost and line B brings later than A's next packet
//! counts as missing. Holding back, asking for retransmission and joining from a snapshot have
//! their place at [`MoldHandler::on_gap`] and are not here yet.
//!
//! Limits: two lines, no memory beyond the counters.
//!
//! Failure modes: what a line sends wrongly is refused and counted for that line; a line that falls
//! silent shows in [`Feed::line_silence_ns`].
#![forbid(unsafe_code)]

#[cfg(test)]
mod tests;

use session::{MoldHandler, MoldReceiver, PacketOutcome, ReceiverConfig};

/// Which of the two lines a packet came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Line {
    /// The first line.
    A = 0,
    /// The second line.
    B = 1,
}

impl Line {
    /// Both lines.
    pub const ALL: [Line; 2] = [Line::A, Line::B];

    /// The line's name.
    pub const fn name(self) -> &'static str {
        match self {
            Line::A => "line_a",
            Line::B => "line_b",
        }
    }
}

/// What one line brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineStats {
    /// Packets, the refused included.
    pub packets: u64,
    /// Messages that this line brought first.
    pub delivered: u64,
    /// Messages that the other line had brought, or that came too late.
    pub duplicates: u64,
    /// Gaps that this line showed first.
    pub gaps: u64,
    /// Messages missing in them.
    pub missing: u64,
    /// Heartbeats.
    pub heartbeats: u64,
    /// Packets refused.
    pub refused: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct LineState {
    stats: LineStats,
    last_packet_ns: Option<u64>,
}

/// One feed over two lines.
#[derive(Clone, Debug)]
pub struct Feed {
    receiver: MoldReceiver,
    lines: [LineState; Line::ALL.len()],
}

impl Feed {
    /// A feed that has seen nothing.
    pub fn new(config: ReceiverConfig) -> Feed {
        Feed { receiver: MoldReceiver::new(config), lines: Default::default() }
    }

    /// Takes one packet, a UDP payload, that came by `line`.
    #[inline]
    pub fn on_packet<H: MoldHandler>(
        &mut self,
        line: Line,
        now_ns: u64,
        payload: &[u8],
        handler: &mut H,
    ) -> PacketOutcome {
        let outcome = self.receiver.on_packet(now_ns, payload, handler);
        let LineState { stats, last_packet_ns } = &mut self.lines[line as usize];
        stats.packets += 1;
        if let Some(gap) = outcome.gap() {
            stats.gaps += 1;
            stats.missing += gap.missing();
        }
        match outcome {
            PacketOutcome::Messages { delivered, duplicates, .. } => {
                stats.delivered += u64::from(delivered);
                stats.duplicates += u64::from(duplicates);
            }
            PacketOutcome::Heartbeat { .. } => stats.heartbeats += 1,
            PacketOutcome::EndOfSession { .. } => {}
            PacketOutcome::Refused(_) => {
                stats.refused += 1;
                return outcome;
            }
        }
        *last_packet_ns = Some(now_ns);
        outcome
    }

    /// What both lines together brought.
    pub fn receiver(&self) -> &MoldReceiver {
        &self.receiver
    }

    /// What one line brought.
    pub fn line(&self, line: Line) -> &LineStats {
        &self.lines[line as usize].stats
    }

    /// How long ago a line's last good packet came, in ns; `None` before its first.
    pub fn line_silence_ns(&self, line: Line, now_ns: u64) -> Option<u64> {
        self.lines[line as usize].last_packet_ns.map(|last| now_ns.saturating_sub(last))
    }
}
