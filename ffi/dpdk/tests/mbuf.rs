//! The operations on an mbuf against a vector that does the same.
#![allow(clippy::unwrap_used)]

use dpdk::{Checksum, Eal, EalConfig, HEADROOM, Huge, L4, Mempool, SocketId};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Small, so that the bounds are met often.
const DATA_ROOM: u16 = HEADROOM + 200;

#[derive(Clone, Debug)]
enum Op {
    Append(usize, u8),
    Extend(Vec<u8>),
    Prepend(usize, u8),
    Trim(usize),
    Adj(usize),
    SetLen(usize),
    Write(usize, u8),
    Reset,
}

fn op() -> impl Strategy<Value = Op> {
    let count = || prop_oneof![8 => 0..80usize, 1 => 80..400usize, 1 => Just(usize::MAX)];
    prop_oneof![
        4 => (count(), any::<u8>()).prop_map(|(n, byte)| Op::Append(n, byte)),
        2 => proptest::collection::vec(any::<u8>(), 0..250).prop_map(Op::Extend),
        2 => (count(), any::<u8>()).prop_map(|(n, byte)| Op::Prepend(n, byte)),
        2 => count().prop_map(Op::Trim),
        2 => count().prop_map(Op::Adj),
        2 => count().prop_map(Op::SetLen),
        2 => (0..300usize, any::<u8>()).prop_map(|(n, byte)| Op::Write(n, byte)),
        1 => Just(Op::Reset),
    ]
}

/// The twin: the whole buffer as it should be, and where the frame lies in it.
struct Twin {
    frame: Vec<u8>,
    headroom: usize,
}

impl Twin {
    fn tailroom(&self) -> usize {
        usize::from(DATA_ROOM) - self.headroom - self.frame.len()
    }
}

fn check(pool: Mempool<'_>, ops: &[Op]) -> Result<(), TestCaseError> {
    let mut mbuf = pool.alloc().unwrap();
    let mut twin = Twin { frame: Vec::new(), headroom: usize::from(HEADROOM) };
    for op in ops {
        match op {
            Op::Append(n, byte) => {
                let room = mbuf.append(*n);
                prop_assert_eq!(room.is_some(), *n <= twin.tailroom());
                if let Some(room) = room {
                    prop_assert_eq!(room.len(), *n);
                    room.fill(*byte);
                    twin.frame.resize(twin.frame.len() + n, *byte);
                }
            }
            Op::Extend(bytes) => {
                let fits = bytes.len() <= twin.tailroom();
                prop_assert_eq!(mbuf.extend(bytes), fits);
                if fits {
                    twin.frame.extend(bytes);
                }
            }
            Op::Prepend(n, byte) => {
                let room = mbuf.prepend(*n);
                prop_assert_eq!(room.is_some(), *n <= twin.headroom);
                if let Some(room) = room {
                    prop_assert_eq!(room.len(), *n);
                    room.fill(*byte);
                    twin.frame.splice(0..0, std::iter::repeat_n(*byte, *n));
                    twin.headroom -= n;
                }
            }
            Op::Trim(n) => {
                let fits = *n <= twin.frame.len();
                prop_assert_eq!(mbuf.trim(*n), fits);
                if fits {
                    twin.frame.truncate(twin.frame.len() - n);
                }
            }
            Op::Adj(n) => {
                let fits = *n <= twin.frame.len();
                prop_assert_eq!(mbuf.adj(*n), fits);
                if fits {
                    twin.frame.drain(..n);
                    twin.headroom += n;
                }
            }
            Op::SetLen(n) => {
                let fits = *n <= twin.frame.len() + twin.tailroom();
                prop_assert_eq!(mbuf.set_len(*n).is_ok(), fits);
                if fits {
                    let old = twin.frame.len();
                    twin.frame.resize(*n, 0);
                    // What the frame gains may hold anything: make it known.
                    if let Some(gained) = mbuf.data_mut().get_mut(old..) {
                        gained.fill(0);
                    }
                }
            }
            Op::Write(at, byte) => {
                let ours = mbuf.data_mut().get_mut(*at);
                prop_assert_eq!(ours.is_some(), *at < twin.frame.len());
                if let (Some(ours), Some(theirs)) = (ours, twin.frame.get_mut(*at)) {
                    *ours = *byte;
                    *theirs = *byte;
                }
            }
            Op::Reset => {
                mbuf.reset();
                twin = Twin { frame: Vec::new(), headroom: usize::from(HEADROOM) };
            }
        }
        prop_assert_eq!(mbuf.data(), &twin.frame);
        prop_assert_eq!(mbuf.len(), twin.frame.len());
        prop_assert_eq!(mbuf.headroom(), twin.headroom);
        prop_assert_eq!(mbuf.tailroom(), twin.tailroom());
    }
    Ok(())
}

#[test]
fn an_mbuf_does_as_a_vector_does() {
    let config = EalConfig { huge: Huge::Off, memory_mb: 32, ..EalConfig::default() };
    let eal = Eal::init(&config).unwrap();
    let pool = eal.mempool("mbufs", 31, 0, DATA_ROOM, SocketId::ANY).unwrap();

    let ops = proptest::collection::vec(op(), 1..40);
    let config = Config { failure_persistence: None, ..Config::with_cases(2_000) };
    TestRunner::new(config).run(&ops, |ops| check(pool, &ops)).unwrap();
    assert_eq!(pool.in_use(), 0);

    // What goes along with a frame starts as nothing, and reset makes it so.
    let mut mbuf = pool.alloc().unwrap();
    assert_eq!((mbuf.port(), mbuf.rss_hash()), (None, None));
    assert_eq!(mbuf.rx_l4_checksum(), Checksum::Unknown);
    mbuf.append(60).unwrap();
    mbuf.request_tx_checksums(14, 20, true, Some(L4::Tcp));
    mbuf.request_tx_checksums(14, 20, true, Some(L4::Udp));
    let raw = mbuf.into_raw();
    // SAFETY: a valid mbuf that is ours; it goes back into an owner right away.
    let (flags, offload, pkt_len) = unsafe {
        let fields = raw.cast::<dpdk_sys::pg_mbuf>().as_ref();
        (fields.ol_flags, fields.tx_offload, fields.pkt_len)
    };
    assert_eq!(
        flags,
        dpdk_sys::PG_MBUF_TX_IPV4 | dpdk_sys::PG_MBUF_TX_IP_CKSUM | dpdk_sys::PG_MBUF_TX_UDP_CKSUM
    );
    assert_eq!((offload, pkt_len), (14 | 20 << 7, 60));
    // SAFETY: as it was handed out.
    let mut mbuf = unsafe { dpdk::Mbuf::from_raw(raw) };
    mbuf.reset();
    // SAFETY: as above.
    assert_eq!(unsafe { raw.cast::<dpdk_sys::pg_mbuf>().as_ref() }.ol_flags, 0);
    drop(mbuf);
    assert_eq!(pool.in_use(), 0);
}
