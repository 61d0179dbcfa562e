//! The modes that send on what they receive.

use dpdk::{Checksum, L4, Mbuf};
use hostcpu::TscClock;
use telemetry::CounterSet;
use wire::{Mac, ipv4};

use super::csum::{self, Found, Layers};
use super::echo;
use super::rewrite::{Done, set_macs, swap_five_tuple, swap_macs};
use super::{Engine, Route, Settings, Stream, StreamCounter, TxFull};

/// What a mode does to one frame.
pub(super) trait Rewrite {
    /// Whether it looks at the frame at all.
    const TOUCHES: bool = true;

    /// Prepares for frames of this way.
    fn new(settings: &Settings, route: &Route) -> Self;

    /// Changes it in place. False when the frame ends here, which it has counted.
    fn rewrite(&self, frame: &mut Mbuf<'_>, counters: &CounterSet<StreamCounter>) -> bool;
}

/// Receives a burst, changes each frame, and sends the burst.
#[derive(Debug)]
pub(super) struct Forward<R> {
    rewrite: R,
    burst: u16,
    full: TxFull,
}

impl<'e, R: Rewrite> Engine<'e> for Forward<R> {
    fn new(settings: &Settings, _: &TscClock, stream: &mut Stream<'e>) -> Self {
        let rewrite = R::new(settings, &stream.route);
        Forward { rewrite, burst: settings.burst, full: settings.tx_full }
    }

    #[inline]
    fn poll(&mut self, stream: &mut Stream<'e>) -> usize {
        if !stream.is_ready(self.full) {
            return 0;
        }
        let got = stream.receive(self.burst);
        if got == 0 {
            return 0;
        }
        if R::TOUCHES {
            self.rewrite_all(stream);
        }
        stream.send(self.full);
        got
    }
}

impl<R: Rewrite> Forward<R> {
    /// A frame that ends here is left empty until the burst has been gone through: most bursts
    /// have none, and are not gone through twice.
    #[inline]
    fn rewrite_all(&self, stream: &mut Stream<'_>) {
        let mut ended = false;
        let counters = &stream.stats.counters;
        for frame in &mut stream.frames {
            if !self.rewrite.rewrite(frame, counters) {
                ended = true;
                frame.trim(frame.len());
            }
        }
        if ended {
            stream.frames.retain(|frame| frame.len() > 0);
        }
    }
}

/// Counts a frame that could not be changed; false when it ends here.
#[inline]
fn judge(done: Done, counters: &CounterSet<StreamCounter>) -> bool {
    match done {
        Done::All => {}
        Done::Part => counters.inc(StreamCounter::Untouched),
        Done::Short => counters.inc(StreamCounter::DropShort),
    }
    done != Done::Short
}

/// Leaves the frame as it is.
#[derive(Debug)]
pub(super) struct Io;

impl Rewrite for Io {
    const TOUCHES: bool = false;

    fn new(_: &Settings, _: &Route) -> Io {
        Io
    }

    #[inline]
    fn rewrite(&self, _: &mut Mbuf<'_>, _: &CounterSet<StreamCounter>) -> bool {
        true
    }
}

/// Addresses the frame from the transmitting port to its peer.
#[derive(Debug)]
pub(super) struct SetMacs {
    dst: Mac,
    src: Mac,
}

impl Rewrite for SetMacs {
    fn new(_: &Settings, route: &Route) -> SetMacs {
        SetMacs { dst: route.peer_mac, src: route.tx_mac }
    }

    #[inline]
    fn rewrite(&self, frame: &mut Mbuf<'_>, counters: &CounterSet<StreamCounter>) -> bool {
        judge(set_macs(frame.data_mut(), self.dst, self.src), counters)
    }
}

/// Sends the frame back to where it came from, as far as Ethernet goes.
#[derive(Debug)]
pub(super) struct SwapMacs;

impl Rewrite for SwapMacs {
    fn new(_: &Settings, _: &Route) -> SwapMacs {
        SwapMacs
    }

    #[inline]
    fn rewrite(&self, frame: &mut Mbuf<'_>, counters: &CounterSet<StreamCounter>) -> bool {
        judge(swap_macs(frame.data_mut()), counters)
    }
}

/// Sends the frame back to the program that sent it.
#[derive(Debug)]
pub(super) struct SwapFiveTuple;

impl Rewrite for SwapFiveTuple {
    fn new(_: &Settings, _: &Route) -> SwapFiveTuple {
        SwapFiveTuple
    }

    #[inline]
    fn rewrite(&self, frame: &mut Mbuf<'_>, counters: &CounterSet<StreamCounter>) -> bool {
        judge(swap_five_tuple(frame.data_mut()), counters)
    }
}

/// Answers, or ends the frame.
#[derive(Debug)]
pub(super) struct Answer {
    own: Mac,
}

impl Rewrite for Answer {
    fn new(_: &Settings, route: &Route) -> Answer {
        Answer { own: route.tx_mac }
    }

    #[inline]
    fn rewrite(&self, frame: &mut Mbuf<'_>, counters: &CounterSet<StreamCounter>) -> bool {
        let answered = echo::answer(frame.data_mut(), self.own);
        if !answered {
            counters.inc(StreamCounter::Consumed);
        }
        answered
    }
}

/// Makes checksums right, and counts those that were not.
#[derive(Debug)]
pub(super) struct Csum {
    macs: SetMacs,
    /// What the transmitting device fills in, if it is to.
    device: [bool; 3],
}

impl Rewrite for Csum {
    fn new(settings: &Settings, route: &Route) -> Csum {
        let offloads = route.tx_offloads;
        let device =
            [offloads.tx_ipv4_checksum, offloads.tx_udp_checksum, offloads.tx_tcp_checksum];
        let device = device.map(|offload| offload && settings.csum_offload);
        Csum { macs: SetMacs::new(settings, route), device }
    }

    #[inline]
    fn rewrite(&self, frame: &mut Mbuf<'_>, counters: &CounterSet<StreamCounter>) -> bool {
        if !self.macs.rewrite(frame, counters) {
            return false;
        }
        let told = [frame.rx_ipv4_checksum(), frame.rx_l4_checksum()];
        match csum::layers(frame.data()) {
            Some(layers) => self.fix(frame, layers, told, counters),
            None => counters.inc(StreamCounter::Untouched),
        }
        true
    }
}

impl Csum {
    fn fix(
        &self,
        frame: &mut Mbuf<'_>,
        layers: Layers,
        told: [Checksum; 2],
        counters: &CounterSet<StreamCounter>,
    ) {
        let [ip, udp, tcp] = self.device;
        let ip = ip && layers.ipv4;
        let l4 = layers.l4.and_then(|(protocol, _)| match protocol {
            ipv4::UDP => udp.then_some(L4::Udp),
            _ => tcp.then_some(L4::Tcp),
        });
        let found = csum::fix(frame.data_mut(), layers, !ip, l4.is_none());
        let Found { ip_ok, l4_ok } = found;
        // What the receiving device found counts; where it did not look, what was found here.
        for (told, ok, counter) in [
            (told[0], ip_ok, StreamCounter::BadIpChecksum),
            (told[1], l4_ok, StreamCounter::BadL4Checksum),
        ] {
            let bad = told == Checksum::Bad || told == Checksum::Unknown && ok == Some(false);
            counters.add(counter, u64::from(bad));
        }
        if ip || l4.is_some() {
            self.ask_device(frame, layers, ip, l4);
        }
    }

    /// Lengths beyond the fields of an mbuf do not occur: tags are as many as fit a frame, but then
    /// the device would be asked for nonsense, so what has more than it knows of is done here.
    #[cold]
    fn ask_device(&self, frame: &mut Mbuf<'_>, layers: Layers, ip: bool, l4: Option<L4>) {
        let lengths = u8::try_from(layers.l2_len).ok().filter(|len| *len < 128);
        let Some((l2_len, l3_len)) = lengths.zip(u8::try_from(layers.l3_len).ok()) else {
            csum::fix(frame.data_mut(), layers, ip, l4.is_some());
            return;
        };
        if l4.is_some() {
            csum::leave_to_device(frame.data_mut(), layers);
        }
        frame.request_tx_checksums(l2_len, l3_len, ip, l4);
    }
}
