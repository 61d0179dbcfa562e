//! What can be wrong with a configuration or a request of the caller. Frames cause none of these.

use std::net::{Ipv4Addr, SocketAddrV4};

/// Why something asked for cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
    /// The interface's Ethernet address is zero or a group's.
    #[error("{mac:02x?} is not a station's Ethernet address")]
    Mac {
        /// The address.
        mac: [u8; 6],
    },
    /// The interface's IPv4 address, or a peer's, is not a unicast address of a host.
    #[error("{ip} is not a host's address")]
    Address {
        /// The address.
        ip: Ipv4Addr,
    },
    /// The prefix is longer than an address, or so short that it would cover classes of its own.
    #[error("prefix length {prefix_len} is not within 1..=32")]
    Prefix {
        /// The prefix length.
        prefix_len: u8,
    },
    /// The gateway does not lie in the interface's own network.
    #[error("gateway {gateway} is not in the interface's network")]
    Gateway {
        /// The gateway.
        gateway: Ipv4Addr,
    },
    /// A VLAN number that cannot be used.
    #[error("VLAN {vlan} is not within 1..=4094")]
    Vlan {
        /// The VLAN.
        vlan: u16,
    },
    /// A capacity or duration out of its bounds.
    #[error("{what} is {value}, outside {min}..={max}")]
    Bound {
        /// The setting.
        what: &'static str,
        /// Its value.
        value: u64,
        /// The least it may be.
        min: u64,
        /// The most it may be.
        max: u64,
    },
    /// The keep-alive interval is not below half the timeout, so a healthy idle connection would
    /// time out.
    #[error("keep-alive of {keep_alive_ns} ns must be at most half the timeout of {timeout_ns} ns")]
    KeepAlive {
        /// The keep-alive interval.
        keep_alive_ns: u64,
        /// The timeout.
        timeout_ns: u64,
    },
    /// All connection slots are in use.
    #[error("all {slots} connection slots are in use")]
    NoSlot {
        /// Slots there are.
        slots: usize,
    },
    /// A live connection has these addresses and ports already, or no ephemeral port is free.
    #[error("port {local_port} to {remote} is in use")]
    InUse {
        /// Our port.
        local_port: u16,
        /// The peer.
        remote: SocketAddrV4,
    },
    /// The peer is not in our network and there is no gateway.
    #[error("no route to {ip}: not in our network, and no gateway is configured")]
    NoRoute {
        /// The peer.
        ip: Ipv4Addr,
    },
    /// The neighbour table has no entry to spare.
    #[error("the neighbour table's {entries} entries are all being resolved")]
    NeighboursFull {
        /// Entries there are.
        entries: usize,
    },
    /// The neighbour's Ethernet address is not known yet; it has been asked for.
    #[error("the Ethernet address of {ip} is not known yet; it was asked for")]
    Unresolved {
        /// The next hop.
        ip: Ipv4Addr,
    },
    /// No further port can be listened on.
    #[error("{ports} ports are listened on, no more are possible")]
    ListenersFull {
        /// Ports there may be.
        ports: usize,
    },
    /// A port of 0.
    #[error("port 0 cannot be used")]
    PortZero,
    /// No further group can be joined.
    #[error("{groups} groups are joined, no more are possible")]
    GroupsFull {
        /// Groups there may be.
        groups: usize,
    },
    /// The address is not a multicast group.
    #[error("{ip} is not a multicast group")]
    NotAGroup {
        /// The address.
        ip: Ipv4Addr,
    },
}

/// Checks `value` against its bounds.
pub(crate) fn bound(what: &'static str, value: u64, min: u64, max: u64) -> Result<(), NetError> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(NetError::Bound { what, value, min, max })
    }
}
