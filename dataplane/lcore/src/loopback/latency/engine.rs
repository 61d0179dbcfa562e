//! Mode `latency` on a stream: probes out, and the same probes in.

use super::Prober;
use crate::loopback::trips::{Pacing, TripSettings, TripStats};
use crate::loopback::{Engine, Settings, Stream, StreamCounter, TxFull};
use arrayvec::ArrayVec;
use dpdk::Mbuf;
use hostcpu::{TscClock, tsc};
use std::net::SocketAddrV4;
use std::sync::Arc;
use wire::ether::Tag;
use wire::frame::Route;

/// Frames taken from the port at once.
const RX_MAX: usize = 64;
/// The 802.1Q tag protocol identifier.
const TPID: u16 = 0x8100;

/// Where probes go, and how long they are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeSettings {
    /// The address and port they come from; a stream adds the number of its queue to the port.
    pub src: SocketAddrV4,
    /// The address and port they go to.
    pub dst: SocketAddrV4,
    /// Their VLAN, if they are to have a tag.
    pub vlan: Option<u16>,
    /// Probes under way at most, where they are sent at a rate.
    pub in_flight_max: u32,
    /// Probes at the beginning that are not measured.
    pub warm_up: u64,
    /// A probe that has not come back after so long is lost, in ns.
    pub timeout_ns: u64,
}

impl Default for ProbeSettings {
    /// Addresses of the networks for benchmarks (RFC 2544).
    fn default() -> ProbeSettings {
        let TripSettings { in_flight_max, warm_up, timeout_ns, .. } = TripSettings::default();
        ProbeSettings {
            src: SocketAddrV4::new([198, 18, 0, 1].into(), 9_000),
            dst: SocketAddrV4::new([198, 18, 0, 2].into(), 9_000),
            vlan: None,
            in_flight_max,
            warm_up,
            timeout_ns,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Latency<'e> {
    prober: Prober,
    started: bool,
    burst: usize,
    received: ArrayVec<Mbuf<'e>, RX_MAX>,
    /// Mbufs that brought a probe, for the next ones.
    spare: ArrayVec<Mbuf<'e>, RX_MAX>,
    timeout_ticks: u64,
}

fn prober(settings: &Settings, clock: &TscClock, stream: &Stream<'_>) -> Prober {
    let ProbeSettings { src, dst, vlan, in_flight_max, warm_up, timeout_ns } = settings.probe;
    let route = Route {
        src_mac: stream.route.tx_mac,
        dst_mac: stream.route.peer_mac,
        tag: vlan.map(|vlan| Tag { tpid: TPID, tci: vlan }),
        src_ip: src.ip().octets(),
        dst_ip: dst.ip().octets(),
        src_port: src.port().wrapping_add(stream.route.tx_queue),
        dst_port: dst.port(),
        ttl: 64,
    };
    let trips = TripSettings {
        // No rate: one at a time.
        pacing: settings.rate_pps.map_or(Pacing::PingPong, |rate| Pacing::PerSecond(rate as u64)),
        in_flight_max,
        trips_max: settings.frames_max.unwrap_or(u64::MAX),
        warm_up,
        timeout_ns,
    };
    let stats = Arc::clone(&stream.stats.trips);
    Prober::new(route, usize::from(settings.frame_bytes), trips, clock, stats)
}

impl<'e> Latency<'e> {
    /// Takes in what has come back.
    #[inline]
    fn receive(&mut self, stream: &mut Stream<'e>) -> usize {
        let got = stream.rx.rx(&mut self.received);
        if got == 0 {
            return 0;
        }
        let now_tsc = tsc();
        let counters = &stream.stats.counters;
        counters.add(StreamCounter::RxFrames, got as u64);
        for mbuf in self.received.drain(..) {
            let is_probe = self.prober.on_frame(now_tsc, mbuf.data());
            counters.inc(if is_probe { StreamCounter::Consumed } else { StreamCounter::Untouched });
            // A full store gives it back: dropping an mbuf returns it to its pool.
            let _ = self.spare.try_push(mbuf);
        }
        got
    }

    /// Sends what is due.
    #[inline]
    fn send(&mut self, stream: &mut Stream<'e>) -> usize {
        let mut made = 0;
        while made < self.burst && !stream.frames.is_full() {
            let now_tsc = tsc();
            let Some((trip, due_tsc)) = self.prober.trips().due(now_tsc) else { break };
            let Some(mut mbuf) = self.spare.pop().or_else(|| stream.pool.alloc()) else {
                stream.stats.counters.inc(StreamCounter::NoMbuf);
                self.prober.trips().held();
                break;
            };
            mbuf.reset();
            let bytes = self.prober.frame_bytes();
            // A frame that no mbuf holds was refused when the session was set up.
            let Some(frame) = mbuf.append(bytes) else { break };
            self.prober.write(trip, due_tsc, frame);
            self.prober.trips().sent(due_tsc, now_tsc);
            stream.frames.push(mbuf);
            made += 1;
        }
        if made > 0 {
            stream.send(TxFull::Wait);
        }
        made
    }
}

impl<'e> Engine<'e> for Latency<'e> {
    fn new(settings: &Settings, clock: &TscClock, stream: &mut Stream<'e>) -> Latency<'e> {
        Latency {
            prober: prober(settings, clock, stream),
            started: false,
            burst: usize::from(settings.burst).min(RX_MAX),
            received: ArrayVec::new(),
            spare: ArrayVec::new(),
            timeout_ticks: clock.ticks(settings.probe.timeout_ns),
        }
    }

    fn poll(&mut self, stream: &mut Stream<'e>) -> usize {
        if !self.started {
            self.started = true;
            self.prober.trips().start(tsc());
        }
        let got = self.receive(stream);
        // What the transmit queue did not take goes first.
        let sent = match stream.frames.is_empty() || stream.send(TxFull::Wait) {
            true => self.send(stream),
            false => 0,
        };
        let now_tsc = tsc();
        self.prober.trips().expire(now_tsc);
        let behind = self.prober.trips().behind(now_tsc);
        stream.stats.counters.set(StreamCounter::Behind, behind);
        got + sent
    }

    /// What is under way is waited for, no longer than any probe is.
    fn stop(&mut self, stream: &mut Stream<'e>) {
        self.prober.trips().end();
        let began = tsc();
        while !self.prober.trips().is_over() && tsc().saturating_sub(began) < self.timeout_ticks {
            self.poll(stream);
        }
    }
}

impl Latency<'_> {
    /// What became of the probes.
    pub fn stats(&mut self) -> &Arc<TripStats> {
        self.prober.trips().stats()
    }
}
