//! Segments without payload that no socket makes: resets to strangers, challenges.

use super::device::Said;
use crate::classify::TcpIn;
use crate::frame_tx::FrameTx;
use crate::interface::{Interface, TxChecks};
use crate::link::{Link, put};
use wire::checksum::pseudo_header;
use wire::{IntoBytes, ether, ipv4, tcp};

/// What the header of an [`answer`] says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    sequence: u32,
    acknowledgment: u32,
    flags: u8,
    window: u16,
}

impl From<Said> for Words {
    /// An acknowledgment that moves nothing: what the peer was last told.
    fn from(said: Said) -> Words {
        let Said { next, acknowledgment, window } = said;
        Words { sequence: next, acknowledgment, flags: tcp::ACK, window }
    }
}

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
        let length = u32::try_from(segment.payload_len).unwrap_or(0).wrapping_add(controls);
        (0, was.sequence.get().wrapping_add(length), tcp::RST | tcp::ACK)
    };
    let words = Words { sequence, acknowledgment, flags, window: 0 };
    answer(interface, checks, segment, words, tx)
}

/// Sends a segment without payload to where `segment` came from; `false` without room.
pub(crate) fn answer<T: FrameTx>(
    interface: &Interface,
    checks: TxChecks,
    segment: &TcpIn<'_>,
    words: Words,
    tx: &mut T,
) -> bool {
    let (src, dst) = (interface.ip.octets(), segment.ip.src.octets());
    let pseudo = pseudo_header(src, dst, ipv4::TCP, tcp::HEADER_LEN as u16);
    let mut header = tcp::Header {
        src_port: segment.header.dst_port,
        dst_port: segment.header.src_port,
        sequence: words.sequence.into(),
        acknowledgment: words.acknowledgment.into(),
        data_offset: 5 << 4,
        flags: words.flags,
        window: words.window.into(),
        checksum: 0.into(),
        urgent: 0.into(),
    };
    let sum = if checks.l4 { !pseudo.finish() } else { pseudo.bytes(header.as_bytes()).finish() };
    header.checksum = sum.into();
    let ip = ipv4::Header::new(ipv4::TCP, src, dst, 64, tcp::HEADER_LEN);
    let link = Link::new(interface, segment.ip.src_mac, ether::IPV4);
    let len = link.len() + ipv4::HEADER_LEN + tcp::HEADER_LEN;
    tx.send(len, |frame| put(link.write(frame), &[ip.as_bytes(), header.as_bytes()]))
}
