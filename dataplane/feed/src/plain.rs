//! Two lines with today's plain policy: a gap is told as soon as it shows, and passed.
//!
//! What `Feed` does without means of recovery; here for callers that have not moved to it.

use crate::line::{Line, LineState, LineStats};
use session::{MoldHandler, MoldReceiver, PacketOutcome, ReceiverConfig};

/// One feed over two lines.
#[derive(Clone, Debug)]
pub struct PlainFeed {
    receiver: MoldReceiver,
    lines: [LineState; Line::ALL.len()],
}

impl PlainFeed {
    /// A feed that has seen nothing.
    pub fn new(config: ReceiverConfig) -> PlainFeed {
        PlainFeed { receiver: MoldReceiver::new(config), lines: Default::default() }
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
        self.lines[line as usize].note(now_ns, &outcome);
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

#[cfg(test)]
mod tests;
