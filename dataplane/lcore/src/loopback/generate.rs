//! The modes that make frames, and the one that ends them.
//!
//! A frame that is made is UDP over IPv4 with the headers that testpmd writes. What lies behind
//! them is what the mbuf held before: only frames of this process can have been there.
//!
//! A rate is kept open-loop: what is due follows from the clock alone, so that time lost to a full
//! queue is made up for, and what cannot be made up for shows as [`StreamCounter::Behind`].

use arrayvec::ArrayVec;
use dpdk::{Mbuf, Mempool};
use hostcpu::{TscClock, tsc};
use wire::frame::{Route as Header, UdpChecksum, UdpFrame};
use wire::{Ip4, Mac};

use super::{BURST_MAX, Engine, Settings, Stream, StreamCounter, TxFull};

/// Bytes of a made frame's headers: no frame is shorter.
pub const FRAME_BYTES_MIN: u16 = 42;
/// Bytes that `flowgen` takes off a frame's, for the check sequence that the device adds.
const FCS: u16 = 4;
const TTL: u8 = 64;
/// The discard port, to which `txonly` sends (RFC 863).
const DISCARD: u16 = 9;
/// The benchmark network (RFC 2544), in which `txonly` sends from one address to another.
const TXONLY_SRC: u32 = 0xC612_0001;
const TXONLY_DST: u32 = 0xC612_0002;
const FLOWGEN_SRC: u32 = 0x0AFE_0000;
const FLOWGEN_DST: u32 = 0x0AFD_0000;
const FLOWGEN_MACS: (Mac, Mac) = ([0, 1, 2, 3, 4, 0], [0, 1, 2, 3, 4, 1]);
const FLOWGEN_PORTS: (u16, u16) = (1000, 1001);

/// The frames of one mode, flow after flow.
#[derive(Debug)]
pub(super) struct Frames {
    /// The whole header of each flow.
    headers: Vec<[u8; FRAME_BYTES_MIN as usize]>,
    next: usize,
    bytes: usize,
}

impl Frames {
    /// As `txonly` has them: flows differ by source.
    pub(super) fn txonly(settings: &Settings, stream: &Stream<'_>) -> Frames {
        let route = &stream.route;
        let header = |flow: u32| Header {
            src_mac: route.tx_mac,
            dst_mac: route.peer_mac,
            tag: None,
            src_ip: ip(TXONLY_SRC.wrapping_add(if flow == 0 { 0 } else { flow + 1 })),
            dst_ip: ip(TXONLY_DST),
            src_port: DISCARD,
            dst_port: DISCARD,
            ttl: TTL,
        };
        Frames::new(settings.frame_bytes, (0..settings.flows).map(header))
    }

    /// As `flowgen` has them: flows differ by destination.
    fn flowgen(settings: &Settings) -> Frames {
        let header = |flow: u32| Header {
            src_mac: FLOWGEN_MACS.0,
            dst_mac: FLOWGEN_MACS.1,
            tag: None,
            src_ip: ip(FLOWGEN_SRC),
            dst_ip: ip(FLOWGEN_DST.wrapping_add(flow)),
            src_port: FLOWGEN_PORTS.0,
            dst_port: FLOWGEN_PORTS.1,
            ttl: TTL,
        };
        let bytes = settings.frame_bytes.saturating_sub(FCS).max(FRAME_BYTES_MIN);
        Frames::new(bytes, (0..settings.flows).map(header))
    }

    fn new(bytes: u16, headers: impl Iterator<Item = Header>) -> Frames {
        let bytes = usize::from(bytes.max(FRAME_BYTES_MIN));
        let mut frame = vec![0; bytes];
        let headers = headers.map(|header| {
            // Written for the length of the whole frame; of it the header alone is kept.
            let written = UdpFrame::new(header).write(&mut frame, 0, UdpChecksum::None);
            debug_assert!(written, "a frame has room for its headers");
            frame.first_chunk().copied().unwrap_or([0; FRAME_BYTES_MIN as usize])
        });
        Frames { headers: headers.collect(), next: 0, bytes }
    }

    /// Makes `count` frames behind those of `into`; false, and none, when there are no mbufs.
    #[inline]
    pub(super) fn make<'e>(
        &mut self,
        pool: &Mempool<'e>,
        into: &mut ArrayVec<Mbuf<'e>, BURST_MAX>,
        count: usize,
    ) -> bool {
        let before = into.len();
        if !pool.alloc_bulk(into, count) {
            return false;
        }
        for frame in into.iter_mut().skip(before) {
            let Some(room) = frame.append(self.bytes) else { continue };
            if let (Some(to), Some(header)) = (room.first_chunk_mut(), self.headers.get(self.next))
            {
                *to = *header;
            }
            self.next += 1;
            if self.next >= self.headers.len() {
                self.next = 0;
            }
        }
        true
    }
}

fn ip(number: u32) -> Ip4 {
    number.to_be_bytes()
}

/// What is due by a rate.
#[derive(Debug)]
struct Pace {
    frames_per_tick: f64,
    began: Option<u64>,
}

impl Pace {
    /// Frames due in all.
    #[inline]
    fn due(&mut self) -> u64 {
        let now = tsc();
        let began = *self.began.get_or_insert(now);
        (now.wrapping_sub(began) as f64 * self.frames_per_tick) as u64
    }
}

/// Makes frames and sends them; `RECEIVES`, as `flowgen` does, it also ends those that come in.
#[derive(Debug)]
pub(super) struct Generate<'e, const RECEIVES: bool> {
    frames: Frames,
    burst: u16,
    full: TxFull,
    pace: Option<Pace>,
    made: u64,
    made_max: u64,
    sink: ArrayVec<Mbuf<'e>, BURST_MAX>,
}

impl<'e, const RECEIVES: bool> Engine<'e> for Generate<'e, RECEIVES> {
    fn new(settings: &Settings, clock: &TscClock, stream: &mut Stream<'e>) -> Self {
        let frames = match RECEIVES {
            true => Frames::flowgen(settings),
            false => Frames::txonly(settings, stream),
        };
        let pace = |pps: f64| Pace { frames_per_tick: pps / clock.hz() as f64, began: None };
        Generate {
            frames,
            burst: settings.burst,
            full: settings.tx_full,
            pace: settings.rate_pps.map(pace),
            made: 0,
            made_max: settings.frames_max.unwrap_or(u64::MAX),
            sink: ArrayVec::new(),
        }
    }

    #[inline]
    fn poll(&mut self, stream: &mut Stream<'e>) -> usize {
        if RECEIVES {
            stream.receive_into(&mut self.sink, self.burst);
            Mempool::free_bulk(&mut self.sink);
        }
        let count = self.count(stream);
        if !stream.is_ready(self.full) || count == 0 {
            return 0;
        }
        if !self.frames.make(&stream.pool, &mut stream.frames, count) {
            stream.stats.counters.add(StreamCounter::NoMbuf, count as u64);
            return 0;
        }
        self.made += count as u64;
        stream.send(self.full);
        count
    }
}

impl<const RECEIVES: bool> Generate<'_, RECEIVES> {
    /// How many frames to make now.
    #[inline]
    fn count(&mut self, stream: &Stream<'_>) -> usize {
        let mut count = u64::from(self.burst).min(self.made_max - self.made);
        if let Some(pace) = &mut self.pace {
            let behind = pace.due().saturating_sub(self.made);
            stream.stats.counters.set(StreamCounter::Behind, behind);
            count = count.min(behind);
        }
        count as usize
    }
}

/// Ends what comes in.
#[derive(Debug)]
pub(super) struct RxOnly {
    burst: u16,
}

impl<'e> Engine<'e> for RxOnly {
    fn new(settings: &Settings, _: &TscClock, _: &mut Stream<'e>) -> RxOnly {
        RxOnly { burst: settings.burst }
    }

    #[inline]
    fn poll(&mut self, stream: &mut Stream<'e>) -> usize {
        let got = stream.receive(self.burst);
        Mempool::free_bulk(&mut stream.frames);
        got
    }
}
