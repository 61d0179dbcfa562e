//! The two lines and what each was worth.

use session::PacketOutcome;

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

/// A line's account.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LineState {
    pub(crate) stats: LineStats,
    pub(crate) last_packet_ns: Option<u64>,
}

impl LineState {
    /// Enters what became of one of its packets.
    #[inline]
    pub(crate) fn note(&mut self, now_ns: u64, outcome: &PacketOutcome) {
        let stats = &mut self.stats;
        stats.packets += 1;
        if let Some(gap) = outcome.gap() {
            stats.gaps += 1;
            stats.missing += gap.missing();
        }
        match *outcome {
            PacketOutcome::Messages { delivered, duplicates, .. } => {
                stats.delivered += u64::from(delivered);
                stats.duplicates += u64::from(duplicates);
            }
            PacketOutcome::Heartbeat { .. } => stats.heartbeats += 1,
            PacketOutcome::EndOfSession { .. } => {}
            PacketOutcome::Refused(_) => {
                stats.refused += 1;
                return;
            }
        }
        self.last_packet_ns = Some(now_ns);
    }
}
