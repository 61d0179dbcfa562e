//! What the devices are, and what they say of themselves.

use std::ffi::CStr;
use std::fmt;

use dpdk_sys as sys;

/// The number of a port, as DPDK gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(pub(crate) u16);

impl PortId {
    /// The number.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for PortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A NUMA node to take memory from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SocketId(pub i32);

impl SocketId {
    /// Whichever node has memory.
    pub const ANY: SocketId = SocketId(-1);
}

/// A set of offloads. Only those that Peregrine has a use for are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offloads {
    /// Checks IPv4 header checksums on receive.
    pub rx_ipv4_checksum: bool,
    /// Checks UDP checksums on receive.
    pub rx_udp_checksum: bool,
    /// Checks TCP checksums on receive.
    pub rx_tcp_checksum: bool,
    /// Stamps frames on receive.
    pub rx_timestamp: bool,
    /// Leaves the RSS hash in the mbuf.
    pub rx_rss_hash: bool,
    /// Fills IPv4 header checksums on transmit.
    pub tx_ipv4_checksum: bool,
    /// Fills UDP checksums on transmit.
    pub tx_udp_checksum: bool,
    /// Fills TCP checksums on transmit.
    pub tx_tcp_checksum: bool,
}

impl Offloads {
    pub(crate) fn from_bits(rx: u64, tx: u64) -> Offloads {
        Offloads {
            rx_ipv4_checksum: rx & sys::PG_RX_OFFLOAD_IPV4_CKSUM != 0,
            rx_udp_checksum: rx & sys::PG_RX_OFFLOAD_UDP_CKSUM != 0,
            rx_tcp_checksum: rx & sys::PG_RX_OFFLOAD_TCP_CKSUM != 0,
            rx_timestamp: rx & sys::PG_RX_OFFLOAD_TIMESTAMP != 0,
            rx_rss_hash: rx & sys::PG_RX_OFFLOAD_RSS_HASH != 0,
            tx_ipv4_checksum: tx & sys::PG_TX_OFFLOAD_IPV4_CKSUM != 0,
            tx_udp_checksum: tx & sys::PG_TX_OFFLOAD_UDP_CKSUM != 0,
            tx_tcp_checksum: tx & sys::PG_TX_OFFLOAD_TCP_CKSUM != 0,
        }
    }
}

/// Lists the names of the offloads in the set, apart by blanks; "none" for the empty set.
impl fmt::Display for Offloads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = [
            (self.rx_ipv4_checksum, "rx-ipv4-checksum"),
            (self.rx_udp_checksum, "rx-udp-checksum"),
            (self.rx_tcp_checksum, "rx-tcp-checksum"),
            (self.rx_timestamp, "rx-timestamp"),
            (self.rx_rss_hash, "rx-rss-hash"),
            (self.tx_ipv4_checksum, "tx-ipv4-checksum"),
            (self.tx_udp_checksum, "tx-udp-checksum"),
            (self.tx_tcp_checksum, "tx-tcp-checksum"),
        ];
        let names: Vec<&str> = named.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
        f.write_str(if names.is_empty() { "none" } else { "" })?;
        f.write_str(&names.join(" "))
    }
}

/// What is known of a port before anyone takes it.
#[derive(Clone, Debug)]
pub struct PortInfo {
    /// Its number.
    pub id: PortId,
    /// As EAL names the device: `net_ring_a`, `0000:01:00.0`.
    pub name: String,
    /// The poll-mode driver.
    pub driver: String,
    /// The device's own Ethernet address.
    pub mac: [u8; 6],
    /// The NUMA node it is attached to, or [`SocketId::ANY`].
    pub socket: SocketId,
    /// The kernel's index of the interface that it is on, where it is on one.
    pub kernel_index: Option<u32>,
    /// Whether the link is up, as far as the driver knows without waiting.
    pub link_up: bool,
    /// Mbit/s; none where the driver does not know.
    pub speed_mbps: Option<u32>,
    /// Receive queues that can be had.
    pub rx_queues_max: u16,
    /// Transmit queues that can be had.
    pub tx_queues_max: u16,
    /// Descriptors of a receive queue, least and most.
    pub rx_slots: (u16, u16),
    /// Descriptors of a transmit queue, least and most.
    pub tx_slots: (u16, u16),
    /// The MTU in force, in bytes.
    pub mtu: u16,
    /// The largest MTU the device takes, in bytes.
    pub mtu_max: u16,
    /// The offloads it has.
    pub offloads: Offloads,
    /// Whether it spreads flows over its receive queues.
    pub rss: bool,
}

/// The state of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Whether it is up.
    pub up: bool,
    /// Whether both sides may send at once.
    pub full_duplex: bool,
    /// Mbit/s; none where the driver does not know.
    pub speed_mbps: Option<u32>,
}

/// What a device counted since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortStats {
    /// Frames received.
    pub rx_packets: u64,
    /// Frames sent.
    pub tx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Frames lost because the receive queue was full.
    pub rx_missed: u64,
    /// Frames received in error.
    pub rx_errors: u64,
    /// Frames that could not be sent.
    pub tx_errors: u64,
    /// Times the pool had no mbuf for a frame that came in.
    pub rx_no_mbuf: u64,
}

fn speed(mbps: u32) -> Option<u32> {
    (mbps != sys::PG_SPEED_UNKNOWN && mbps != 0).then_some(mbps)
}

/// The numbers of all ports, in order.
pub(crate) fn port_ids() -> impl Iterator<Item = PortId> {
    let mut next = 0u16;
    std::iter::from_fn(move || {
        // SAFETY: looks through DPDK's static table of ports; any number may be asked for.
        let found = unsafe { sys::pg_port_next(next) };
        next = found.saturating_add(1);
        (found < sys::PG_PORTS_MAX).then_some(PortId(found))
    })
}

/// The name of a port; none when there is no such port.
pub(crate) fn port_name(id: PortId) -> Option<String> {
    // RTE_ETH_NAME_MAX_LEN is 64, its NUL included, in every release so far.
    let mut name = [0 as std::ffi::c_char; 256];
    // SAFETY: the buffer is longer than any name DPDK keeps, and the number is checked by DPDK.
    let code = unsafe { sys::rte_eth_dev_get_name_by_port(id.0, name.as_mut_ptr()) };
    if code != 0 {
        return None;
    }
    // SAFETY: on success the buffer holds a NUL-terminated string.
    Some(unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned())
}

/// The number of the port of this name.
pub(crate) fn port_by_name(name: &CStr) -> Option<PortId> {
    let mut id = 0u16;
    // SAFETY: reads a NUL-terminated string and writes one number.
    let code = unsafe { sys::rte_eth_dev_get_port_by_name(name.as_ptr(), &mut id) };
    (code == 0).then_some(PortId(id))
}

/// All that is known of a port, or DPDK's error number.
pub(crate) fn port_info(id: PortId) -> Result<PortInfo, i32> {
    let mut raw = sys::pg_port_info::default();
    // SAFETY: fills the structure; the number is checked by DPDK.
    let code = unsafe { sys::pg_port_info(id.0, &mut raw) };
    if code != 0 {
        return Err(code);
    }
    // SAFETY: pg_port_info ends the driver's name with a NUL.
    let driver = unsafe { CStr::from_ptr(raw.driver.as_ptr()) }.to_string_lossy().into_owned();
    Ok(PortInfo {
        id,
        name: port_name(id).unwrap_or_default(),
        driver,
        mac: raw.mac,
        socket: SocketId(raw.socket),
        kernel_index: (raw.kernel_index != 0).then_some(raw.kernel_index),
        link_up: raw.link_up,
        speed_mbps: speed(raw.speed_mbps),
        rx_queues_max: raw.max_rx_queues,
        tx_queues_max: raw.max_tx_queues,
        rx_slots: (raw.rx_slots_min, raw.rx_slots_max),
        tx_slots: (raw.tx_slots_min, raw.tx_slots_max),
        mtu: raw.mtu,
        mtu_max: raw.mtu_max,
        offloads: Offloads::from_bits(raw.rx_offloads, raw.tx_offloads),
        rss: raw.rss_functions != 0,
    })
}

/// The state of a port's wire, or DPDK's error number.
pub(crate) fn port_link(id: PortId) -> Result<Link, i32> {
    let mut raw = sys::pg_link::default();
    // SAFETY: fills the structure; the number is checked by DPDK.
    match unsafe { sys::pg_port_link(id.0, &mut raw) } {
        0 => {
            Ok(Link { up: raw.up, full_duplex: raw.full_duplex, speed_mbps: speed(raw.speed_mbps) })
        }
        code => Err(code),
    }
}

/// A port's counters, or DPDK's error number.
pub(crate) fn port_stats(id: PortId) -> Result<PortStats, i32> {
    let mut raw = sys::pg_stats::default();
    // SAFETY: fills the structure; the number is checked by DPDK.
    match unsafe { sys::pg_port_stats(id.0, &mut raw) } {
        0 => Ok(PortStats {
            rx_packets: raw.rx_packets,
            tx_packets: raw.tx_packets,
            rx_bytes: raw.rx_bytes,
            tx_bytes: raw.tx_bytes,
            rx_missed: raw.rx_missed,
            rx_errors: raw.rx_errors,
            tx_errors: raw.tx_errors,
            rx_no_mbuf: raw.rx_no_mbuf,
        }),
        code => Err(code),
    }
}
