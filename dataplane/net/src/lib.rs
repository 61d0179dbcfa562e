//! ARP, IGMP, ICMP echo, UDP and TCP over a port.
//!
//! Why it exists: a role's lcore sees Ethernet frames and wants sessions and datagrams. [`Host`] is
//! one IPv4 address on one port: a frame goes in and is answered, or comes out as a UDP payload
//! that is still borrowed from the frame, or as a TCP connection that has bytes to read.
//!
//! Layout: [`classify()`] takes a frame apart and says whether it is ours; `arp`, `igmp` and `icmp`
//! answer for themselves; [`UdpTemplate`] writes datagrams behind prebuilt headers; [`TcpHost`] is
//! a fixed set of connection slots, each with a state machine, behind a table of 4-tuples. Frames
//! leave through [`FrameTx`], which the lcore implements over mbufs and tests over vectors.
//!
//! Limits: IPv4 only, one address a host, no fragments, no IP options sent but router alert. All
//! memory is taken in the constructors; nothing is allocated afterwards. No clocks: time is the
//! parameter `now_ns`, from any start, which is taken to stand still when it goes backwards.
//!
//! Failure modes: a frame may hold anything, and is then dropped with a [`DropReason`] that has its
//! own counter. No room to send is never an error: what must go out stays where it is until a later
//! [`Host::poll`].
#![forbid(unsafe_code)]

mod arp;
mod classify;
mod counters;
mod error;
mod frame_tx;
mod host;
mod icmp;
mod igmp;
mod interface;
mod link;
mod tcp;
mod udp;

pub use classify::{Class, DropReason, Packet4, TcpIn, UdpIn, classify};
pub use counters::HostCounters;
pub use error::NetError;
pub use frame_tx::FrameTx;
pub use host::{Host, HostConfig, Input};
pub use igmp::IgmpVersion;
pub use interface::{Interface, RxChecks, TxChecks};
pub use tcp::{
    AHEAD_MAX, Ahead, CloseReason, ConnId, ConnState, NetEvent, RX_BYTES_MAX, TcpConfig,
    TcpCounters, TcpData, TcpHost,
};
pub use udp::UdpTemplate;
pub use wire::Mac;
