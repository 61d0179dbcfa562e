//! The ports of a loopback run: opened by one list of devices, started, stopped, closed.

use anyhow::{Context, Result};
use dpdk::{Configured, Eal, Huge, Idle, Mempool, Port, PortConfig, PortId, PortInfo, SocketId};
use dpdk::{PortSettings, RxQueue, Started, TxQueue};
use lcore::loopback::Mode;

use super::LoopbackError;
use super::args::{CsumBy, LoopbackArgs};
use super::orders;
use crate::config::Config;
use crate::eal;

/// Slots of a direction of an in-memory cable.
const RING_SLOTS: u32 = 1024;
/// Bytes of an mbuf beside its data room: its own fields, and the mempool's.
const MBUF_OVERHEAD: u32 = 128 + 64;
/// Mbufs that wait at each lcore.
pub(crate) const POOL_CACHE: u32 = 256;
/// Memory that EAL and drivers take beside the pool, in MB.
const MEMORY_BASE_MB: u32 = 32;
/// Bytes of Ethernet header and two VLAN tags, and what DPDK keeps before a frame.
const ROOM_OVERHEAD: u16 = 22 + dpdk::HEADROOM;

/// What is opened.
pub(crate) struct Devices {
    /// EAL's settings.
    pub(crate) eal: dpdk::EalConfig,
    /// In-memory cables, by name: two ports each, before all others.
    cables: Vec<(String, u32)>,
    /// Names of the devices, as EAL knows them.
    names: Vec<String>,
    /// How each port is set up.
    port: PortConfig,
    data_room: u16,
    mbufs: u32,
}

impl Devices {
    /// What the arguments ask for: their devices, those of a configuration, or, without any, one
    /// cable.
    ///
    /// # Errors
    /// The configuration is wrong.
    pub(crate) fn of(args: &LoopbackArgs, lcores: usize) -> Result<Devices> {
        let ports = &args.ports;
        let mut config = ports.config.as_deref().map(Config::load).transpose()?;
        if let (Mode::Soup, Some(config)) = (args.mode, &mut config) {
            orders::keep_port(config).map_err(LoopbackError::from)?;
        }
        let mut cables = Vec::new();
        let mut settings = match &config {
            Some(config) => {
                cables.extend(config.links.iter().map(|link| (link.name.clone(), link.slots)));
                eal::settings(config)
            }
            None => dpdk::EalConfig {
                file_prefix: format!("peregrine-{}", std::process::id()),
                vdevs: ports.vdev.clone(),
                allow_pci: ports.allow_pci.clone(),
                ..dpdk::EalConfig::default()
            },
        };
        if ports.no_huge {
            settings.huge = Huge::Off;
        }
        let names: Vec<String> = match &config {
            Some(config) => {
                config.ports.iter().map(|port| port.device.dpdk_name().to_owned()).collect()
            }
            None => settings.vdevs.iter().chain(&settings.allow_pci).map(|d| name_of(d)).collect(),
        };
        if names.is_empty() && cables.is_empty() {
            cables.push(("loop".to_owned(), RING_SLOTS));
        }
        let port = port_config(args);
        let count = names.len() + 2 * cables.len();
        let data_room = data_room(port.mtu);
        let mbufs = ports.mbufs.unwrap_or_else(|| mbufs_needed(args, count, lcores));
        let pool_mb = (u64::from(mbufs) * u64::from(u32::from(data_room) + MBUF_OVERHEAD)) >> 20;
        let memory_mb = u32::try_from(pool_mb).unwrap_or(u32::MAX).saturating_add(MEMORY_BASE_MB);
        settings.memory_mb = match config {
            Some(_) => settings.memory_mb.max(memory_mb),
            None => memory_mb,
        };
        Ok(Devices { eal: settings, cables, names, port, data_room, mbufs })
    }

    /// Whether nothing but memory of this process is used.
    pub(crate) fn is_embedded(&self) -> bool {
        self.names.is_empty()
    }

    /// Makes the cables and the pool, and starts every port.
    ///
    /// # Errors
    /// A device that is not there, or that refuses its settings.
    pub(crate) fn open<'e>(&self, eal: &'e Eal) -> Result<(Mempool<'e>, Vec<Slot<'e>>)> {
        let cache = POOL_CACHE.min(self.mbufs / 2);
        let pool = eal.mempool("mbufs", self.mbufs, cache, self.data_room, SocketId::ANY)?;
        let mut ids = Vec::new();
        for (name, slots) in &self.cables {
            let ends = ["a", "b"].map(|end| format!("{name}.{end}"));
            let (a, b) = eal.ring_pair(&ends[0], &ends[1], *slots, SocketId::ANY)?;
            ids.extend([(a, "net_ring".to_owned()), (b, "net_ring".to_owned())]);
        }
        for name in &self.names {
            let id = eal.port_by_name(name).or_else(|| eal.port_by_name(&format!("0000:{name}")));
            let id = id.ok_or_else(|| LoopbackError::NoPort {
                device: name.clone(),
                known: eal.ports().into_iter().map(|port| port.name).collect(),
            })?;
            ids.push((id, name.clone()));
        }
        let open = |(id, device): (PortId, String)| Slot::open(eal, id, device, &self.port, pool);
        let slots = ids.into_iter().map(open).collect::<Result<Vec<_>>>()?;
        Ok((pool, slots))
    }
}

fn port_config(args: &LoopbackArgs) -> PortConfig {
    PortConfig {
        rx_queues: args.ports.rxq,
        tx_queues: args.ports.txq,
        rx_slots: args.ports.rxd,
        tx_slots: args.ports.txd,
        mtu: args.ports.mtu.unwrap_or(0),
        promiscuous: true,
        allmulticast: false,
        rx_checksums: args.ports.enable_rx_cksum,
        tx_checksums: args.forward.csum == CsumBy::Hw,
    }
}

/// The device's name: what comes before its arguments.
fn name_of(device: &str) -> String {
    device.split(',').next().unwrap_or_default().to_owned()
}

/// An mbuf's buffer, for frames of this MTU.
fn data_room(mtu: u16) -> u16 {
    // In whole cache lines.
    let needed = mtu.saturating_add(ROOM_OVERHEAD).div_ceil(64).saturating_mul(64);
    needed.max(dpdk::DATA_ROOM)
}

/// As many as can be anywhere at once: in descriptors and rings, in streams, in lcores' caches, in
/// the buffers of mode noisy.
fn mbufs_needed(args: &LoopbackArgs, ports: usize, lcores: usize) -> u32 {
    let u64s = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let (ports, lcores) = (u64s(ports), u64s(lcores));
    let queues = u64::from(args.ports.rxq.min(args.ports.txq)) * ports;
    let in_devices = ports
        * (u64::from(args.ports.rxq) * u64::from(args.ports.rxd)
            + u64::from(args.ports.txq) * u64::from(args.ports.txd));
    let in_streams = queues
        * (2 * u64::from(args.forward.burst) + u64::from(args.noisy.noisy_tx_sw_buffer_size));
    // A cache holds half as much again before it gives back.
    let in_caches = (lcores + 1) * u64::from(POOL_CACHE) * 3 / 2;
    // Memory is used best when the number is a power of two less one.
    let sum = (in_devices + in_streams + in_caches).next_power_of_two() - 1;
    u32::try_from(sum).unwrap_or(u32::MAX)
}

/// A port in whichever state it is.
enum State<'e> {
    Started(Port<'e, Started>, Vec<Option<RxQueue<'e>>>, Vec<Option<TxQueue<'e>>>),
    Stopped(Port<'e, Configured>),
    Closed,
}

/// A port of the run.
pub(crate) struct Slot<'e> {
    /// EAL's number of it.
    pub(crate) id: PortId,
    /// What was known of it when it was opened.
    pub(crate) info: PortInfo,
    /// What became of what was asked of it.
    pub(crate) settings: PortSettings,
    state: State<'e>,
}

impl<'e> Slot<'e> {
    fn open(
        eal: &'e Eal,
        id: PortId,
        device: String,
        config: &PortConfig,
        pool: Mempool<'e>,
    ) -> Result<Slot<'e>> {
        let place = || format!("port {device}");
        let idle: Port<'e, Idle> = eal.port(id).with_context(place)?;
        let info = idle.info().with_context(place)?;
        let configured = idle.configure(config, pool).with_context(place)?;
        let settings = configured.settings();
        let mut slot = Slot { id, info, settings, state: State::Stopped(configured) };
        slot.start().with_context(|| match device.starts_with("net_memif") {
            true => format!("{} (is the process with role=server up? It starts first)", place()),
            false => place(),
        })?;
        Ok(slot)
    }

    /// Starts a port that is stopped. One that is started stays so.
    ///
    /// # Errors
    /// It is closed, or the device does not start; it is closed then.
    pub(crate) fn start(&mut self) -> Result<()> {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Stopped(port) => {
                let (port, rx, tx) = port.start()?;
                self.settings = port.settings();
                let (rx, tx) = (rx.into_iter().map(Some), tx.into_iter().map(Some));
                self.state = State::Started(port, rx.collect(), tx.collect());
            }
            State::Closed => anyhow::bail!("the port is closed"),
            started => self.state = started,
        }
        Ok(())
    }

    /// Stops a port, all of whose queues are here. One that is stopped stays so.
    ///
    /// # Errors
    /// It is closed, or the device does not stop; it is closed then.
    pub(crate) fn stop(&mut self) -> Result<()> {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Started(port, rx, tx) => {
                let (rx, tx) = (rx.into_iter().flatten(), tx.into_iter().flatten());
                self.state = State::Stopped(port.stop(rx.collect(), tx.collect())?);
            }
            State::Closed => anyhow::bail!("the port is closed"),
            stopped => self.state = stopped,
        }
        Ok(())
    }

    /// Closes the device for good. A port that is closed stays so.
    ///
    /// # Errors
    /// The device does not stop or close.
    pub(crate) fn close(&mut self) -> Result<()> {
        if let State::Started(..) = self.state {
            self.stop()?;
        }
        if let State::Stopped(port) = std::mem::replace(&mut self.state, State::Closed) {
            port.unconfigure().close()?;
        }
        Ok(())
    }

    /// Lets it take frames for any address, or for its own only.
    ///
    /// # Errors
    /// It is not started, or the device cannot.
    pub(crate) fn set_promiscuous(&mut self, on: bool) -> Result<()> {
        let State::Started(port, ..) = &mut self.state else {
            anyhow::bail!("the port is not started");
        };
        port.set_promiscuous(on)?;
        self.settings.promiscuous = on;
        Ok(())
    }

    /// Whether it is started.
    pub(crate) fn is_started(&self) -> bool {
        matches!(self.state, State::Started(..))
    }

    /// Whether it is there at all.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(self.state, State::Closed)
    }

    /// Takes a receive queue, to poll it.
    pub(crate) fn take_rx(&mut self, queue: u16) -> Option<RxQueue<'e>> {
        let State::Started(_, rx, _) = &mut self.state else { return None };
        rx.get_mut(usize::from(queue))?.take()
    }

    /// Takes a transmit queue.
    pub(crate) fn take_tx(&mut self, queue: u16) -> Option<TxQueue<'e>> {
        let State::Started(_, _, tx) = &mut self.state else { return None };
        tx.get_mut(usize::from(queue))?.take()
    }

    /// Takes queues of its back.
    pub(crate) fn give_back(&mut self, rx: Option<RxQueue<'e>>, tx: Option<TxQueue<'e>>) {
        let State::Started(_, all_rx, all_tx) = &mut self.state else { return };
        if let Some(queue) = rx
            && let Some(place) = all_rx.get_mut(usize::from(queue.index()))
        {
            *place = Some(queue);
        }
        if let Some(queue) = tx
            && let Some(place) = all_tx.get_mut(usize::from(queue.index()))
        {
            *place = Some(queue);
        }
    }

    /// Takes off every receive queue what is there. Bounded: a peer that goes on sending never lets
    /// one run dry.
    pub(crate) fn drain(&mut self) {
        let State::Started(_, rx, _) = &mut self.state else { return };
        let mut late = lcore::port_io::Burst::new();
        for queue in rx.iter_mut().flatten() {
            for _ in 0..DRAIN_BURSTS_MAX {
                if queue.rx(&mut late) == 0 {
                    break;
                }
                late.clear();
            }
        }
    }
}

/// Bursts taken off a queue at its end, at most.
const DRAIN_BURSTS_MAX: usize = 4096;
