//! The safe face of DPDK.
//!
//! # What it is for
//! A NIC is driven from user space: frames are taken from its queues and put onto them by polling,
//! without the kernel. This crate gives that to the rest of Peregrine with no trading words in it,
//! and in such a shape that misuse does not compile:
//!
//! | what must not happen | what stands against it |
//! |---|---|
//! | anything used after EAL is gone | everything borrows the [`Eal`]: the lifetime `'e` |
//! | an mbuf with two owners, or used after it was sent | [`Mbuf`] is moved, never copied |
//! | a queue polled by two threads | [`RxQueue`] and [`TxQueue`] take `&mut self`, are not `Sync` |
//! | frames through a port that is not started | only [`Port<Configured>::start`] makes queues |
//! | a port reconfigured while it is polled | [`Port<Started>::stop`] wants the queues back |
//!
//! # Layout
//! [`Eal`] starts DPDK, owns the [`Mempool`]s and hands out each [`Port`] once. [`Lcore`] makes the
//! calling thread one that polls. The receive and transmit bursts call the driver through DPDK's
//! table of fast-path functions without passing through C; the fields of an mbuf are read and
//! written where they lie. What is cold, or needs a thread-local of DPDK's, is a C function.
//!
//! # Limits
//! EAL starts once a process. A frame lies in one piece: chains are dropped on receive, see
//! [`RxQueue::rx`]. Frames are as long as one mbuf, and [`Port::configure`] checks that the MTU is.
//!
//! # Example
//! ```
//! use arrayvec::ArrayVec;
//! use dpdk::{Eal, EalConfig, Huge, Mbuf, PortConfig, SocketId};
//!
//! # fn main() -> Result<(), dpdk::Error> {
//! let eal = Eal::init(&EalConfig { huge: Huge::Off, memory_mb: 64, ..EalConfig::default() })?;
//! let pool = eal.mempool("frames", 1023, 64, dpdk::DATA_ROOM, SocketId::ANY)?;
//! let (a, b) = eal.ring_pair("a", "b", 256, SocketId::ANY)?;
//! let (_port_a, _, mut tx) = eal.port(a)?.configure(&PortConfig::default(), pool)?.start()?;
//! let (_port_b, mut rx, _) = eal.port(b)?.configure(&PortConfig::default(), pool)?.start()?;
//!
//! let mut burst: ArrayVec<Mbuf, 32> = ArrayVec::new();
//! let mut frame = pool.alloc().expect("the pool is full of mbufs");
//! frame.append(60).expect("an mbuf has room for this").fill(7);
//! burst.push(frame);
//! assert_eq!(tx[0].tx(&mut burst), 1);
//! assert_eq!(rx[0].rx(&mut burst), 1);
//! assert_eq!(burst[0].data(), [7; 60]);
//! # Ok(())
//! # }
//! ```
//!
//! # What does not compile
//! A frame after it was handed over:
//! ```compile_fail,E0382
//! # use arrayvec::ArrayVec;
//! # use dpdk::{Mbuf, Mempool, TxQueue};
//! fn send_twice<'e>(pool: Mempool<'e>, tx: &mut TxQueue<'e>) {
//!     let mut burst: ArrayVec<Mbuf<'e>, 4> = ArrayVec::new();
//!     let frame = pool.alloc().unwrap();
//!     burst.push(frame);
//!     tx.tx(&mut burst);
//!     frame.data();
//! }
//! ```
//! A second owner:
//! ```compile_fail,E0599
//! # use dpdk::{Mbuf, Mempool};
//! fn two_owners<'e>(frame: Mbuf<'e>) -> (Mbuf<'e>, Mbuf<'e>) {
//!     (frame.clone(), frame)
//! }
//! ```
//! A frame that outlives EAL:
//! ```compile_fail,E0505
//! # use dpdk::{Eal, SocketId};
//! fn keep_a_frame(eal: Eal) {
//!     let pool = eal.mempool("p", 63, 0, dpdk::DATA_ROOM, SocketId::ANY).unwrap();
//!     let frame = pool.alloc().unwrap();
//!     drop(eal);
//!     frame.data();
//! }
//! ```
//! ```compile_fail,E0597
//! # use dpdk::{Eal, EalConfig, SocketId};
//! let frame = {
//!     let eal = Eal::init(&EalConfig::default()).unwrap();
//!     let pool = eal.mempool("p", 63, 0, dpdk::DATA_ROOM, SocketId::ANY).unwrap();
//!     pool.alloc().unwrap()
//! };
//! frame.data();
//! ```
//! A queue that two threads share:
//! ```compile_fail,E0499
//! # use arrayvec::ArrayVec;
//! # use dpdk::{Mbuf, RxQueue};
//! fn poll_twice<'e>(rx: &mut RxQueue<'e>) {
//!     std::thread::scope(|threads| {
//!         threads.spawn(|| rx.rx(&mut ArrayVec::<Mbuf, 4>::new()));
//!         threads.spawn(|| rx.rx(&mut ArrayVec::<Mbuf, 4>::new()));
//!     });
//! }
//! ```
//! ```compile_fail,E0277
//! # use dpdk::RxQueue;
//! fn look_from_afar(rx: &RxQueue<'_>) {
//!     std::thread::scope(|threads| {
//!         threads.spawn(|| rx.port());
//!     });
//! }
//! ```
//! Receiving from a port that is not started, and configuring one that is:
//! ```compile_fail,E0599
//! # use arrayvec::ArrayVec;
//! # use dpdk::{Configured, Mbuf, Port};
//! fn too_early(port: Port<'_, Configured>) {
//!     port.rx(&mut ArrayVec::<Mbuf, 4>::new());
//! }
//! ```
//! ```compile_fail,E0599
//! # use dpdk::{Mempool, Port, PortConfig, Started};
//! fn too_late<'e>(port: Port<'e, Started>, pool: Mempool<'e>) {
//!     port.configure(&PortConfig::default(), pool);
//! }
//! ```
//! Starting a port twice:
//! ```compile_fail,E0382
//! # use dpdk::{Configured, Port};
//! fn start_twice(port: Port<'_, Configured>) {
//!     let first = port.start();
//!     let second = port.start();
//! }
//! ```
//! An lcore that moves to another thread:
//! ```compile_fail,E0277
//! # use dpdk::Lcore;
//! fn emigrate(lcore: Lcore<'static>) {
//!     std::thread::spawn(move || drop(lcore));
//! }
//! ```

mod affinity;
mod eal;
mod error;
mod hugepages;
mod info;
mod lcore;
mod mbuf;
mod mempool;
mod port;
mod queue;
mod ring_pair;
mod watch;

pub use eal::{Eal, EalConfig, Huge, dpdk_version};
pub use error::Error;
pub use hugepages::HugeLack;
pub use info::{Link, Offloads, PortId, PortInfo, PortStats, SocketId};
pub use lcore::Lcore;
pub use mbuf::{Checksum, L4, Mbuf};
pub use mempool::{DATA_ROOM, HEADROOM, Mempool};
pub use port::{Configured, Idle, Port, PortConfig, PortSettings, Started, StartedPort};
pub use queue::{RxQueue, TxQueue};
pub use watch::{QueueStats, Xstat};
