//! The headers towards one peer, prebuilt: a segment copies them and patches what is its own.
//!
//! Layout: Ethernet with its tag, IPv4, TCP without options, one behind the other, and the sums of
//! what does not change. A segment's checksums are then its few words added to these, and its
//! bytes.

use super::ahead::ask;
use crate::frame_tx::FrameTx;
use crate::interface::{Interface, TxChecks};
use crate::link::{HEADER_MAX, Link};
use std::net::SocketAddrV4;
use wire::checksum::{Sum, pseudo_header};
use wire::{IntoBytes, Mac, ether, ipv4, tcp};

/// Bytes of IPv4's and TCP's headers.
const PACKET_HEADERS: usize = ipv4::HEADER_LEN + tcp::HEADER_LEN;
/// Behind Ethernet's header without and with a tag.
const PLAIN: usize = ether::HEADER_LEN + PACKET_HEADERS;
const TAGGED: usize = HEADER_MAX + PACKET_HEADERS;

/// See the module.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Template {
    headers: [u8; TAGGED],
    is_tagged: bool,
    /// IPv4's header but its length, complemented only at the end; `None` where the port writes it.
    ip_sum: Option<Sum>,
    /// Addresses, protocol and ports.
    tcp_sum: Sum,
    /// Addresses and protocol alone, where the port does the rest.
    pseudo: Option<Sum>,
}

const _: () = assert!(size_of::<Template>() == 128);

/// What a segment says for itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    pub(crate) sequence: u32,
    pub(crate) acknowledgment: u32,
    pub(crate) flags: u8,
    pub(crate) window: u16,
    /// Bytes of options, which come first in the payload given: a multiple of 4.
    pub(crate) options: u8,
}

impl Template {
    /// From `local_port` of ours to `remote`, whose next hop has the Ethernet address `mac`.
    pub(crate) fn new(
        interface: &Interface,
        mac: Mac,
        (local_port, remote): (u16, SocketAddrV4),
        checks: TxChecks,
    ) -> Template {
        let link = Link::new(interface, mac, ether::IPV4);
        let (src, dst) = (interface.ip.octets(), remote.ip().octets());
        let mut ip = ipv4::Header::new(ipv4::TCP, src, dst, 64, 0);
        (ip.total_length, ip.checksum) = (0.into(), 0.into());
        let ports = (u32::from(local_port) << 16 | u32::from(remote.port())).to_be_bytes();
        let mut headers = [0; TAGGED];
        let packet = link.write(&mut headers);
        packet[..ipv4::HEADER_LEN].copy_from_slice(ip.as_bytes());
        packet[ipv4::HEADER_LEN..][..4].copy_from_slice(&ports);
        let pseudo = pseudo_header(src, dst, ipv4::TCP, 0);
        Template {
            headers,
            is_tagged: link.len() == HEADER_MAX,
            ip_sum: (!checks.ipv4).then(|| Sum::new().bytes(ip.as_bytes())),
            tcp_sum: pseudo.bytes(&ports),
            pseudo: checks.l4.then_some(pseudo),
        }
    }

    /// Asks memory for it: it is on two lines.
    #[inline]
    pub(crate) fn ask(&self) {
        ask(&self.headers);
        ask(&self.pseudo);
    }

    /// Sends a segment with a payload that lies in two runs; `false` without room.
    #[inline]
    pub(crate) fn send<T: FrameTx>(&self, words: &Words, payload: [&[u8]; 2], tx: &mut T) -> bool {
        let len = payload[0].len() + payload[1].len();
        if self.is_tagged {
            return tx.send(TAGGED + len, |frame| self.write::<TAGGED>(frame, words, payload));
        }
        tx.send(PLAIN + len, |frame| self.write::<PLAIN>(frame, words, payload))
    }

    #[inline]
    fn write<const HEADERS: usize>(&self, frame: &mut [u8], words: &Words, payload: [&[u8]; 2]) {
        let Some((to, body)) = frame.split_first_chunk_mut::<HEADERS>() else { return };
        let Some(headers) = self.headers.first_chunk::<HEADERS>() else { return };
        *to = *headers;
        let (first, second) = body.split_at_mut(payload[0].len().min(body.len()));
        first.copy_from_slice(&payload[0][..first.len()]);
        second.copy_from_slice(&payload[1][..second.len()]);
        self.patch(&mut to[HEADERS - PACKET_HEADERS..], body, words);
    }

    /// Writes a segment's own words and the checksums into `packet`, IPv4's and TCP's headers.
    #[inline]
    fn patch(&self, packet: &mut [u8], body: &[u8], words: &Words) {
        let Some(packet) = packet.first_chunk_mut::<PACKET_HEADERS>() else { return };
        let (ip, segment) = packet.split_at_mut(ipv4::HEADER_LEN);
        let length = (tcp::HEADER_LEN + body.len()) as u16;
        let total = length + ipv4::HEADER_LEN as u16;
        ip[2..4].copy_from_slice(&total.to_be_bytes());
        if let Some(sum) = self.ip_sum {
            ip[10..12].copy_from_slice(&sum.word(total).finish().to_be_bytes());
        }
        let offset = (5 + words.options / 4) << 4;
        let fourth = u32::from_be_bytes([offset, words.flags, 0, 0]) | u32::from(words.window);
        segment[4..8].copy_from_slice(&words.sequence.to_be_bytes());
        segment[8..12].copy_from_slice(&words.acknowledgment.to_be_bytes());
        segment[12..16].copy_from_slice(&fourth.to_be_bytes());
        let sum = match self.pseudo {
            Some(pseudo) => !pseudo.word(length).finish(),
            None => self
                .tcp_sum
                .word(length)
                .double_word(words.sequence)
                .double_word(words.acknowledgment)
                .double_word(fourth)
                .bytes(body)
                .finish(),
        };
        segment[16..18].copy_from_slice(&sum.to_be_bytes());
    }
}

#[cfg(test)]
mod tests;
