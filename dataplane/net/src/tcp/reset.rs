//! Segments without payload that no machine makes: resets to strangers, challenges.

use super::template::{Template, Words};
use crate::classify::TcpIn;
use crate::frame_tx::FrameTx;
use crate::interface::{Interface, TxChecks};
use wire::tcp;

/// RFC 9293, 3.10.7.1: "if the ACK bit is off, sequence number zero is used, ACK = SEG.SEQ +
/// SEG.LEN; if it is on, SEQ = SEG.ACK". A reset is never answered.
pub(crate) fn refuse<T: FrameTx>(
    interface: &Interface,
    checks: TxChecks,
    segment: &TcpIn<'_>,
    tx: &mut T,
) -> bool {
    let was = segment.header;
    let (sequence, acknowledgment, flags) = if was.has(tcp::ACK) {
        (was.acknowledgment.get(), 0, tcp::RST)
    } else {
        let controls = u32::from(was.has(tcp::SYN)) + u32::from(was.has(tcp::FIN));
        let length = u32::try_from(segment.payload.len()).unwrap_or(0).wrapping_add(controls);
        (0, was.sequence.get().wrapping_add(length), tcp::RST | tcp::ACK)
    };
    let words = Words { sequence, acknowledgment, flags, window: 0, options: 0 };
    answer(interface, checks, segment, &words, tx)
}

/// Sends a segment without payload to where `segment` came from; `false` without room.
pub(crate) fn answer<T: FrameTx>(
    interface: &Interface,
    checks: TxChecks,
    segment: &TcpIn<'_>,
    words: &Words,
    tx: &mut T,
) -> bool {
    let ends = (segment.header.dst_port.get(), segment.remote());
    Template::new(interface, segment.ip.src_mac, ends, checks).send(words, [&[], &[]], tx)
}
