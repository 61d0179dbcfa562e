//! EAL, the mempool and the ports: from the configuration's names to started queue pairs.

use crate::config::{Config, Endpoint};
use anyhow::{Context, Result, anyhow, bail};
use dpdk::{Configured, Eal, Mempool, Port, PortConfig, PortId, PortInfo, PortStats};
use dpdk::{RxQueue, SocketId, Started, TxQueue};
use lcore::port_io::{Burst, PortIo};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A started port and what it is.
struct Open<'e> {
    device: String,
    info: PortInfo,
    port: Port<'e, Started>,
    queues: Option<(RxQueue<'e>, TxQueue<'e>)>,
}

/// All ports of a run, by the configuration's names.
pub(crate) struct Ports<'e> {
    pool: Mempool<'e>,
    open: BTreeMap<String, Open<'e>>,
}

/// What the report says of a port.
pub(crate) struct PortFacts {
    /// The configuration's name.
    pub(crate) name: String,
    /// EAL's name.
    pub(crate) device: String,
    /// The poll-mode driver.
    pub(crate) driver: String,
    /// The device's own counters.
    pub(crate) stats: PortStats,
}

impl<'e> Ports<'e> {
    /// Makes the links, finds the devices, and starts every port that a role uses.
    ///
    /// # Errors
    /// A device that is not there, or that refuses its settings.
    pub(crate) fn open(eal: &'e Eal, config: &Config) -> Result<Ports<'e>> {
        let pool = &config.pool;
        let cache = pool.cache;
        let pool = eal.mempool("mbufs", pool.mbufs, cache, pool.data_room, SocketId::ANY)?;
        let mut ids = BTreeMap::new();
        for link in &config.links {
            let names = [format!("{}.a", link.name), format!("{}.b", link.name)];
            let (a, b) = eal.ring_pair(&names[0], &names[1], link.slots, SocketId::ANY)?;
            let [name_a, name_b] = names;
            ids.insert(name_a, (a, "net_ring".to_owned(), PortConfig::default()));
            ids.insert(name_b, (b, "net_ring".to_owned(), PortConfig::default()));
        }
        for port in &config.ports {
            let device = port.device.dpdk_name();
            let id = eal.port_by_name(device).ok_or_else(|| missing(eal, &port.name, device))?;
            let settings = PortConfig {
                rx_slots: port.rx_slots,
                tx_slots: port.tx_slots,
                mtu: 0,
                rx_checksums: true,
                allmulticast: true,
                ..PortConfig::default()
            };
            ids.insert(port.name.clone(), (id, port.device.to_string(), settings));
        }
        let mut ports = Ports { pool, open: BTreeMap::new() };
        for name in config.ports_used() {
            let Some((id, device, settings)) = ids.remove(name) else {
                bail!("port {name:?} is used twice or does not exist");
            };
            ports.start(eal, name, id, device, &settings)?;
        }
        Ok(ports)
    }

    fn start(
        &mut self,
        eal: &'e Eal,
        name: &str,
        id: PortId,
        device: String,
        settings: &PortConfig,
    ) -> Result<()> {
        let place = || format!("port {name:?} ({device})");
        let idle = eal.port(id).with_context(place)?;
        let info = idle.info().with_context(place)?;
        let port = idle.configure(settings, self.pool).with_context(place)?;
        let (port, rx, tx) = port.start().with_context(|| match device.as_str() {
            d if d.starts_with("net_memif") && d.contains("role=client") => {
                format!("{} (is the process with role=server up? It starts first)", place())
            }
            _ => place(),
        })?;
        let queues = rx.into_iter().next().zip(tx.into_iter().next());
        self.open.insert(name.to_owned(), Open { device, info, port, queues });
        Ok(())
    }

    /// The queue pair of an endpoint's port, and the device's own address.
    ///
    /// # Errors
    /// A port that another role has taken.
    pub(crate) fn take(&mut self, endpoint: &Endpoint) -> Result<(PortIo<'e>, [u8; 6])> {
        let name = &endpoint.port;
        let io = self.take_bare(name)?;
        let open = self.open.get(name).ok_or_else(|| anyhow!("no port {name:?}"))?;
        Ok((io, open.info.mac))
    }

    /// The queue pair of a port on which nobody has an address.
    ///
    /// # Errors
    /// A port that another role has taken.
    pub(crate) fn take_bare(&mut self, name: &str) -> Result<PortIo<'e>> {
        let open = self.open.get_mut(name).ok_or_else(|| anyhow!("no port {name:?}"))?;
        let (rx, tx) = open.queues.take().ok_or_else(|| anyhow!("port {name:?} is taken"))?;
        Ok(PortIo::new(rx, tx, self.pool))
    }

    /// The pool that all frames are from.
    pub(crate) fn pool(&self) -> Mempool<'e> {
        self.pool
    }

    /// One line a port: what it is and what it offers.
    pub(crate) fn describe(&self) -> String {
        let mut text = String::new();
        for (name, open) in &self.open {
            let Open { device, info, .. } = open;
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "port {name}: {device} ({}), offloads: {}",
                info.driver, info.offloads
            );
        }
        text
    }

    /// What each port's device has counted.
    pub(crate) fn facts(&self) -> Vec<PortFacts> {
        let fact = |(name, open): (&String, &Open<'_>)| PortFacts {
            name: name.clone(),
            device: open.device.clone(),
            driver: open.info.driver.clone(),
            stats: open.port.stats(),
        };
        self.open.iter().map(fact).collect()
    }

    /// Takes the queues back and stops every port; gives the mbufs that nobody gave back, which is
    /// only known where all ports are links: a device may keep some until it is closed.
    ///
    /// # Errors
    /// A port that does not stop.
    pub(crate) fn close(mut self, ios: impl Iterator<Item = PortIo<'e>>) -> Result<Option<u32>> {
        let mut queues: Vec<_> = ios.map(PortIo::into_queues).collect();
        for (rx, _) in &mut queues {
            // What was still on a link belongs to nobody any more. Bounded: a peer that goes on
            // sending, or a device that makes packets up, never runs dry.
            let mut late = Burst::new();
            for _ in 0..LATE_BURSTS_MAX {
                if rx.rx(&mut late) == 0 {
                    break;
                }
                late.clear();
            }
        }
        let links_only = self.open.values().all(|open| open.info.driver == "net_ring");
        for (name, open) in std::mem::take(&mut self.open) {
            let id = open.port.id();
            let mine = queues.iter().position(|(rx, _)| rx.port() == id);
            let (rx, tx) = match (mine, open.queues) {
                (Some(at), _) => queues.swap_remove(at),
                (None, Some(unused)) => unused,
                (None, None) => bail!("the queues of port {name:?} were not given back"),
            };
            let stopped: Port<'e, Configured> = open.port.stop(vec![rx], vec![tx])?;
            stopped.release();
        }
        Ok(links_only.then(|| self.pool.in_use()))
    }
}

/// Bursts taken off a port at its end, at most: the largest ring there is, in bursts of one.
const LATE_BURSTS_MAX: usize = 1 << 16;

/// Names the device that is missing, and what there is.
fn missing(eal: &Eal, name: &str, device: &str) -> anyhow::Error {
    let there: Vec<String> = eal.ports().into_iter().map(|p| p.name).collect();
    let there = if there.is_empty() { "no port at all".to_owned() } else { there.join(", ") };
    anyhow!(
        "port {name:?}: no device {device:?}; DPDK found {there}. Is it bound to vfio-pci \
         (dpdk-devbind.py --status), or, for a virtual device, spelled as its driver wants it?"
    )
}
