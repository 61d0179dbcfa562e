//! UDP on the way out: headers that are built once for a flow.
//!
//! Why it exists: a feed publisher sends to the same group from morning to evening. A frame then
//! costs a copy of 42 bytes and four patched words, and the payload is written where the frame
//! lies.

use crate::frame_tx::FrameTx;
use crate::interface::{Interface, TxChecks};
use std::net::SocketAddrV4;
use wire::frame::{Route, UdpChecksum, UdpFrame};
use wire::{Mac, ether, ipv4, udp};

/// The headers of one flow.
#[derive(Clone, Debug)]
pub struct UdpTemplate {
    frame: UdpFrame,
    checksum: UdpChecksum,
    payload_max: usize,
    id: u16,
}

impl UdpTemplate {
    /// A flow from `src_port` to one station whose Ethernet address is known, 64 hops far at most.
    pub fn unicast(
        interface: &Interface,
        src_port: u16,
        dst: SocketAddrV4,
        dst_mac: Mac,
        checks: TxChecks,
    ) -> UdpTemplate {
        UdpTemplate::new(interface, src_port, dst, dst_mac, 64, checks)
    }

    /// A flow to a multicast group, whose Ethernet address follows from it (RFC 1112, 6.4). A `ttl`
    /// of 1 keeps it on the link.
    pub fn multicast(
        interface: &Interface,
        src_port: u16,
        group: SocketAddrV4,
        ttl: u8,
        checks: TxChecks,
    ) -> UdpTemplate {
        let mac = ether::multicast(group.ip().octets());
        UdpTemplate::new(interface, src_port, group, mac, ttl, checks)
    }

    fn new(
        interface: &Interface,
        src_port: u16,
        dst: SocketAddrV4,
        dst_mac: Mac,
        ttl: u8,
        checks: TxChecks,
    ) -> UdpTemplate {
        let frame = UdpFrame::new(Route {
            src_mac: interface.mac,
            dst_mac,
            tag: interface.tag(),
            src_ip: interface.ip.octets(),
            dst_ip: dst.ip().octets(),
            src_port,
            dst_port: dst.port(),
            ttl,
        });
        let checksum = if checks.l4 { UdpChecksum::Offload } else { UdpChecksum::Full };
        let headers = ipv4::HEADER_LEN + udp::HEADER_LEN;
        let payload_max = usize::from(interface.mtu).saturating_sub(headers);
        UdpTemplate { frame, checksum, payload_max, id: 0 }
    }

    /// Bytes of header: where the payload lies in a frame that is given to [`seal`](Self::seal).
    pub const fn header_len(&self) -> usize {
        self.frame.header_len()
    }

    /// The longest payload the MTU allows.
    pub const fn payload_max(&self) -> usize {
        self.payload_max
    }

    /// Writes the headers in front of a payload that lies in `frame` from
    /// [`header_len`](Self::header_len) to its end. Gives `false` and writes nothing when the frame
    /// is too short or too long for them.
    #[must_use]
    pub fn seal(&mut self, frame: &mut [u8]) -> bool {
        if frame.len() > self.header_len() + self.payload_max {
            return false;
        }
        self.id = self.id.wrapping_add(1);
        self.frame.write(frame, self.id, self.checksum)
    }

    /// Sends a datagram of `len` bytes, which `fill` writes. Gives `false` when there is no room,
    /// or when `len` is above [`payload_max`](Self::payload_max).
    #[must_use]
    pub fn send<T: FrameTx>(
        &mut self,
        tx: &mut T,
        len: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> bool {
        if len > self.payload_max {
            return false;
        }
        let header_len = self.header_len();
        tx.send(header_len + len, |frame| {
            if let Some(payload) = frame.get_mut(header_len..) {
                fill(payload);
            }
            // Lengths were checked above, so the headers fit.
            let _ = self.seal(frame);
        })
    }
}

#[cfg(test)]
mod tests;
