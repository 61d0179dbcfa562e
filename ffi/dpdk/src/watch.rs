//! What one may ask of a port without having it: for whoever watches while others poll.
//!
//! Nothing here touches a queue, so it may be asked from any thread while lcores forward. The
//! drivers' answers come from memory, but for the link of some NICs, which is a register.

use std::ffi::CStr;

use dpdk_sys as sys;

use crate::info::{self, Link, PortStats};
use crate::port::failed;
use crate::{Eal, Error, PortId};

/// The most counters that are read of a driver; one with 64 queues has some 600.
const XSTATS_MAX: u32 = 4096;

/// A counter of a driver's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Xstat {
    /// As the driver names it: `rx_good_packets`, `rx_q0_errors`.
    pub name: String,
    /// Its value.
    pub value: u64,
}

/// What a driver counted for a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueStats {
    /// Frames through it.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Frames in error.
    pub errors: u64,
}

impl Eal {
    /// The state of a port's wire, without waiting for it.
    pub fn link(&self, id: PortId) -> Result<Link, Error> {
        let _control = self.control();
        info::port_link(id).map_err(|code| failed(id, "ask for its link", code))
    }

    /// What a port's device counted so far.
    pub fn stats(&self, id: PortId) -> Result<PortStats, Error> {
        let _control = self.control();
        info::port_stats(id).map_err(|code| failed(id, "ask for its counters", code))
    }

    /// Everything that a port's driver counts, by its own names and in its own order.
    pub fn xstats(&self, id: PortId) -> Result<Vec<Xstat>, Error> {
        let read = |code: i32| failed(id, "ask for its driver's counters", code);
        let _control = self.control();
        // SAFETY: with no room nothing is written; the number is checked by DPDK.
        let count = unsafe { sys::pg_port_xstats(id.0, std::ptr::null_mut(), 0) };
        let room = u32::try_from(count).map_err(|_| read(count))?.min(XSTATS_MAX);
        let mut raw = vec![sys::pg_xstat { name: [0; 64], value: 0 }; room as usize];
        // SAFETY: there is room for as many as is said.
        let count = unsafe { sys::pg_port_xstats(id.0, raw.as_mut_ptr(), room) };
        let count = usize::try_from(count).map_err(|_| read(count))?;
        raw.truncate(count);
        Ok(raw.iter().map(Xstat::of).collect())
    }

    /// What a port's driver counted for a receive queue; none where it does not tell queues apart.
    pub fn rx_queue_stats(&self, id: PortId, queue: u16) -> Option<QueueStats> {
        QueueStats::find(&self.xstats(id).ok()?, "rx", queue)
    }

    /// What a port's driver counted for a transmit queue; none where it does not tell queues apart.
    pub fn tx_queue_stats(&self, id: PortId, queue: u16) -> Option<QueueStats> {
        QueueStats::find(&self.xstats(id).ok()?, "tx", queue)
    }

    /// Lets a port's device count from nothing. Not all can.
    pub fn reset_stats(&self, id: PortId) -> Result<(), Error> {
        let _control = self.control();
        // SAFETY: the number is checked by DPDK.
        match unsafe { sys::rte_eth_stats_reset(id.0) } {
            0 => Ok(()),
            code => Err(failed(id, "set its counters back", code)),
        }
    }

    /// Lets a port's driver count from nothing, by its own names. Not all can.
    pub fn reset_xstats(&self, id: PortId) -> Result<(), Error> {
        let _control = self.control();
        // SAFETY: the number is checked by DPDK.
        match unsafe { sys::rte_eth_xstats_reset(id.0) } {
            0 => Ok(()),
            code => Err(failed(id, "set its driver's counters back", code)),
        }
    }

    /// Whether the device was taken out: unplugged, or gone with its driver. Most virtual devices
    /// cannot tell and say no.
    pub fn is_removed(&self, id: PortId) -> bool {
        let _control = self.control();
        // SAFETY: the number is checked by DPDK.
        info::port_name(id).is_none() || unsafe { sys::rte_eth_dev_is_removed(id.0) } == 1
    }

    /// Whether a port takes frames for any Ethernet address.
    pub fn is_promiscuous(&self, id: PortId) -> bool {
        let _control = self.control();
        // SAFETY: the number is checked by DPDK.
        unsafe { sys::rte_eth_promiscuous_get(id.0) == 1 }
    }
}

impl Xstat {
    fn of(raw: &sys::pg_xstat) -> Xstat {
        // SAFETY: the name was cleared and then written by snprintf, so there is a NUL in it.
        let name = unsafe { CStr::from_ptr(raw.name.as_ptr()) };
        Xstat { name: name.to_string_lossy().into_owned(), value: raw.value }
    }
}

impl QueueStats {
    /// Out of the names that ethdev gives every driver's counters by queue.
    fn find(stats: &[Xstat], way: &str, queue: u16) -> Option<QueueStats> {
        let value = |what: &str| {
            let name = format!("{way}_q{queue}_{what}");
            stats.iter().find(|stat| stat.name == name).map(|stat| stat.value)
        };
        let packets = value("packets")?;
        let [bytes, errors] = ["bytes", "errors"].map(|what| value(what).unwrap_or(0));
        Some(QueueStats { packets, bytes, errors })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_found_by_ethdevs_names() {
        let stat = |name: &str, value| Xstat { name: name.to_owned(), value };
        let stats = [
            stat("rx_good_packets", 9),
            stat("rx_q1_packets", 7),
            stat("rx_q1_bytes", 420),
            stat("rx_q10_packets", 1),
        ];
        let found = QueueStats::find(&stats, "rx", 1);
        assert_eq!(found, Some(QueueStats { packets: 7, bytes: 420, errors: 0 }));
        assert_eq!(QueueStats::find(&stats, "rx", 0), None);
        assert_eq!(QueueStats::find(&stats, "tx", 1), None);
    }
}
