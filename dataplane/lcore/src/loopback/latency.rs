//! Probes: datagrams that carry their number and the time they were due, and come back.
//!
//! Why it exists: the round trip of a frame through whatever forwards it (testpmd's `io` and
//! `macswap`, ours, a cable from one port to another) is the floor under that of an order over the
//! same link.
//!
//! Layout: Ethernet, an optional VLAN tag, IPv4, UDP, and a payload of [`PAYLOAD_LEN`] bytes at
//! least: `0 magic[4] · 4 trip[8] · 12 due_tsc[8]`, big-endian, then zeros. What comes back is
//! known by length and magic alone: a forwarder may exchange addresses and ports, or not.
//!
//! Limits: frames of [`frame_bytes_min`](Prober::frame_bytes_min) to what an mbuf holds. A time
//! stamp means something on this machine only: a probe must come back to where it started.

mod engine;

pub use engine::{Latency, ProbeSettings};

use super::trips::{RoundTrips, TripSettings, TripStats};
use hostcpu::TscClock;
use std::sync::Arc;
use wire::frame::{Route, UdpChecksum, UdpFrame};

/// Bytes of a probe behind its headers.
pub const PAYLOAD_LEN: usize = 20;
/// The frame that carries an Enter Order over SoupBinTCP: Ethernet, IPv4, TCP without options, the
/// packet's header and the message.
pub const ORDER_FRAME_BYTES: u16 = 14 + 20 + 20 + 3 + 47;

const MAGIC: [u8; 4] = *b"PGRT";

/// One stream of probes; see the module.
#[derive(Debug)]
pub struct Prober {
    trips: RoundTrips,
    headers: UdpFrame,
    frame_bytes: usize,
}

impl Prober {
    /// Probes of `frame_bytes` (without the frame check sequence) along `route`. Shorter ones than
    /// can be are made as long as they must.
    pub fn new(
        route: Route,
        frame_bytes: usize,
        settings: TripSettings,
        clock: &TscClock,
        stats: Arc<TripStats>,
    ) -> Prober {
        let headers = UdpFrame::new(route);
        let frame_bytes = frame_bytes.max(headers.header_len() + PAYLOAD_LEN);
        Prober { trips: RoundTrips::new(settings, clock, stats), headers, frame_bytes }
    }

    /// Bytes of the shortest probe, without the frame check sequence: 62, with a VLAN tag 66.
    pub const fn frame_bytes_min(tagged: bool) -> usize {
        let tag = if tagged { wire::ether::TAG_LEN } else { 0 };
        wire::frame::HEADER_MAX - wire::ether::TAG_LEN + tag + PAYLOAD_LEN
    }

    /// Bytes of a probe.
    pub fn frame_bytes(&self) -> usize {
        self.frame_bytes
    }

    /// The round trips: when probes are due, and what came of them.
    pub fn trips(&mut self) -> &mut RoundTrips {
        &mut self.trips
    }

    /// Writes the probe of `trip`, which was due at `due_tsc`, into a frame of
    /// [`frame_bytes`](Self::frame_bytes).
    #[inline]
    pub fn write(&self, trip: u64, due_tsc: u64, frame: &mut [u8]) {
        let payload = frame.get_mut(self.headers.header_len()..);
        let Some((head, rest)) = payload.and_then(|p| p.split_first_chunk_mut::<PAYLOAD_LEN>())
        else {
            return;
        };
        head[..4].copy_from_slice(&MAGIC);
        head[4..12].copy_from_slice(&trip.to_be_bytes());
        head[12..].copy_from_slice(&due_tsc.to_be_bytes());
        rest.fill(0);
        // The length was checked when the prober was made.
        let _ = self.headers.write(frame, trip as u16, UdpChecksum::Full);
    }

    /// Takes in a frame that came back at `now_tsc`. Whether it was a probe of ours: there may be
    /// ARP and other traffic on the port.
    #[inline]
    pub fn on_frame(&mut self, now_tsc: u64, frame: &[u8]) -> bool {
        let Some(trip) = self.read(frame) else { return false };
        self.trips.answered(trip, now_tsc);
        true
    }

    /// The number of a probe.
    #[inline]
    fn read(&self, frame: &[u8]) -> Option<u64> {
        let payload = frame.get(self.headers.header_len()..)?;
        let (magic, rest) = payload.split_first_chunk()?;
        let trip = rest.first_chunk()?;
        (frame.len() == self.frame_bytes && *magic == MAGIC).then(|| u64::from_be_bytes(*trip))
    }
}

#[cfg(test)]
mod tests;
