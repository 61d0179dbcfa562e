//! `smoltcp`'s device: one packet in, frames out through a [`FrameTx`].

use crate::frame_tx::FrameTx;
use crate::interface::TxChecks;
use crate::link::Link;
use smoltcp::phy::{Checksum, ChecksumCapabilities, Device, DeviceCapabilities, Medium};
use smoltcp::phy::{RxToken, TxToken};
use smoltcp::time::Instant;
use wire::checksum::pseudo_header;
use wire::{ipv4, tcp};

/// What the socket machine needs to know of the port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caps {
    pub(crate) mtu: usize,
    pub(crate) checks: TxChecks,
}

impl Caps {
    /// Nothing is verified on the way in: `classify` has done it.
    fn capabilities(self) -> DeviceCapabilities {
        let tx = |offloaded| if offloaded { Checksum::None } else { Checksum::Tx };
        let mut checksum = ChecksumCapabilities::ignored();
        checksum.ipv4 = tx(self.checks.ipv4);
        checksum.tcp = tx(self.checks.l4);
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu;
        capabilities.checksum = checksum;
        capabilities
    }
}

/// What the last segment of a connection told the peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// The sequence number behind it.
    pub(crate) next: u32,
    pub(crate) acknowledgment: u32,
    pub(crate) window: u16,
}

impl Said {
    /// Reads it off a packet on its way out.
    fn note(&mut self, packet: &[u8]) {
        let Ok(ip) = ipv4::parse(packet) else { return };
        let Ok(segment) = tcp::parse(ip.payload) else { return };
        let header = segment.header;
        let controls = u32::from(header.has(tcp::SYN)) + u32::from(header.has(tcp::FIN));
        let length = segment.payload.len() as u32 + controls;
        *self = Said {
            next: header.sequence.get().wrapping_add(length),
            acknowledgment: header.acknowledgment.get(),
            window: header.window.get(),
        };
    }
}

/// One slot's view of the port for the time of one call.
pub(crate) struct SlotDevice<'a, T> {
    pub(crate) packet: Option<&'a [u8]>,
    pub(crate) tx: &'a mut T,
    pub(crate) out: &'a mut Out,
    pub(crate) link: &'a Link,
    pub(crate) said: &'a mut Said,
    pub(crate) caps: Caps,
}

/// What all slots share on the way out.
#[derive(Debug)]
pub(crate) struct Out {
    /// Where a segment is written which nobody took.
    pub(crate) scratch: Box<[u8]>,
    /// Segments sent.
    pub(crate) sent: u64,
    /// Segments written into the scratch: immediate answers that found no room. Peers ask again.
    pub(crate) lost: u64,
}

impl<T: FrameTx> Device for SlotDevice<'_, T> {
    type RxToken<'b>
        = Received<'b>
    where
        Self: 'b;
    type TxToken<'b>
        = Room<'b, T>
    where
        Self: 'b;

    /// A packet is taken even without room to answer it: what it acknowledges or brings must not be
    /// lost.
    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, Room<'_, T>)> {
        let packet = self.packet.take()?;
        let SlotDevice { tx, out, link, said, caps, .. } = self;
        Some((Received(packet), Room { tx, out, link, said, caps: *caps }))
    }

    /// No room, no token: the socket then keeps what it has to say.
    fn transmit(&mut self, _: Instant) -> Option<Room<'_, T>> {
        let SlotDevice { tx, out, link, said, caps, .. } = self;
        tx.ready().then_some(Room { tx, out, link, said, caps: *caps })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        self.caps.capabilities()
    }
}

/// The packet that came.
pub(crate) struct Received<'a>(&'a [u8]);

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

/// Room for one packet.
pub(crate) struct Room<'a, T> {
    tx: &'a mut T,
    out: &'a mut Out,
    link: &'a Link,
    said: &'a mut Said,
    caps: Caps,
}

impl<T: FrameTx> TxToken for Room<'_, T> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        let (mut write, mut answer) = (Some(write), None);
        let taken = self.tx.send(self.link.len() + len, |frame| {
            let packet = self.link.write(frame);
            if let Some(write) = write.take() {
                answer = Some(write(packet));
            }
            self.said.note(packet);
            if self.caps.checks.l4 {
                leave_pseudo_sum(packet);
            }
        });
        self.out.sent += u64::from(taken);
        match (answer, write) {
            (Some(answer), _) => answer,
            (None, Some(write)) => {
                self.out.lost += 1;
                let len = len.min(self.out.scratch.len());
                write(&mut self.out.scratch[..len])
            }
            (None, None) => unreachable!("writing gives an answer"),
        }
    }
}

/// Puts the pseudo header's sum into the TCP checksum, which the port completes.
fn leave_pseudo_sum(packet: &mut [u8]) {
    let Ok(ip) = ipv4::parse(packet) else { return };
    let (src, dst, at) = (ip.header.src, ip.header.dst, ip.header_len());
    let length = u16::try_from(ip.payload.len()).unwrap_or(u16::MAX);
    let sum = !pseudo_header(src, dst, ipv4::TCP, length).finish();
    if let Some(field) = packet.get_mut(at + 16..at + 18) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
}
