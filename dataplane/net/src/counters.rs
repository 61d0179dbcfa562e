//! What a host counted.

use crate::classify::DropReason;
use crate::tcp::TcpCounters;

/// A host's counters; plain numbers, as one lcore owns them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostCounters {
    /// Frames dropped, by [`DropReason`].
    pub drops: [u64; DropReason::COUNT],
    /// Frames looked at.
    pub frames: u64,
    /// Datagrams handed to the caller.
    pub datagrams: u64,
    /// ARP requests answered.
    pub arp_answered: u64,
    /// ARP packets in which another station claims our address.
    pub arp_conflicts: u64,
    /// Neighbours that were asked for and did not answer.
    pub arp_unreachable: u64,
    /// ARP packets sent of our own accord.
    pub arp_sent: u64,
    /// Echo requests answered.
    pub echoes: u64,
    /// IGMP queries taken in.
    pub igmp_queries: u64,
    /// IGMP messages sent.
    pub igmp_sent: u64,
    /// TCP's own.
    pub tcp: TcpCounters,
}

impl Default for HostCounters {
    fn default() -> HostCounters {
        HostCounters {
            drops: [0; DropReason::COUNT],
            frames: 0,
            datagrams: 0,
            arp_answered: 0,
            arp_conflicts: 0,
            arp_unreachable: 0,
            arp_sent: 0,
            echoes: 0,
            igmp_queries: 0,
            igmp_sent: 0,
            tcp: TcpCounters::default(),
        }
    }
}

impl HostCounters {
    pub(crate) fn drop(&mut self, reason: DropReason) {
        if let Some(counter) = self.drops.get_mut(reason as usize) {
            *counter += 1;
        }
    }

    /// How often a reason was met.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.drops.get(reason as usize).copied().unwrap_or(0)
    }

    /// Shows every counter: its group (`net`, `net_drop`, `tcp`), its name, its value.
    pub fn each(&self, mut show: impl FnMut(&'static str, &'static str, u64)) {
        for (name, value) in [
            ("frames", self.frames),
            ("datagrams", self.datagrams),
            ("arp_answered", self.arp_answered),
            ("arp_conflicts", self.arp_conflicts),
            ("arp_unreachable", self.arp_unreachable),
            ("arp_sent", self.arp_sent),
            ("echoes", self.echoes),
            ("igmp_queries", self.igmp_queries),
            ("igmp_sent", self.igmp_sent),
        ] {
            show("net", name, value);
        }
        let tcp = &self.tcp;
        for (name, value) in [
            ("segments_in", tcp.segments_in),
            ("segments_out", tcp.segments_out),
            ("segments_repeated", tcp.segments_repeated),
            ("accepted", tcp.accepted),
            ("connected", tcp.connected),
            ("closed", tcp.closed),
            ("half_open_dropped", tcp.half_open_dropped),
            ("resets_out", tcp.resets_out),
            ("challenges_out", tcp.challenges_out),
        ] {
            show("tcp", name, value);
        }
        for reason in DropReason::ALL {
            show("net_drop", reason.name(), self.dropped(*reason));
        }
    }
}
