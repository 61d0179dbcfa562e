//! Ports: what one does to a device off the hot path, in the only order that DPDK allows.
//!
//! ```text
//!   eal.port(id)        configure            start
//!   ───────────▶ Idle ───────────▶ Configured ─────▶ Started, and its queues
//!                 ▲  ◀─── unconfigure ──┘   ▲  ◀─────── stop(queues) ──┘
//!                 └─ release: back to Eal
//! ```
//! A port that is dropped in any state stays as it is until EAL goes, and cannot be taken again.

use dpdk_sys as sys;

use crate::error::reason;
use crate::info::{self, Link, Offloads, PortStats};
use crate::mempool::HEADROOM;
use crate::{Eal, Error, Mempool, PortId, PortInfo, RxQueue, TxQueue};

/// Bytes of a frame beside its payload: Ethernet header and two VLAN tags.
const FRAME_OVERHEAD: usize = 14 + 2 * 4;

/// What is asked of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortConfig {
    /// Receive queues. With several, flows are spread over them by hash where the device can.
    pub rx_queues: u16,
    /// Transmit queues.
    pub tx_queues: u16,
    /// Descriptors of each receive queue; brought to what the device can.
    pub rx_slots: u16,
    /// Descriptors of each transmit queue; brought to what the device can.
    pub tx_slots: u16,
    /// The MTU in bytes; 0 leaves it as it is.
    pub mtu: u16,
    /// Take frames for any Ethernet address, where the device can.
    pub promiscuous: bool,
    /// Take frames for any multicast address, where the device can.
    pub allmulticast: bool,
    /// Have the device check IPv4, UDP and TCP checksums, as far as it can.
    pub rx_checksums: bool,
    /// Have the device fill in IPv4, UDP and TCP checksums, as far as it can. Each frame then has
    /// to ask for it, see [`crate::Mbuf::request_tx_checksums`].
    pub tx_checksums: bool,
}

impl Default for PortConfig {
    fn default() -> PortConfig {
        PortConfig {
            rx_queues: 1,
            tx_queues: 1,
            rx_slots: 1024,
            tx_slots: 1024,
            mtu: 1500,
            promiscuous: false,
            allmulticast: false,
            rx_checksums: false,
            tx_checksums: false,
        }
    }
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortSettings {
    /// Receive queues.
    pub rx_queues: u16,
    /// Transmit queues.
    pub tx_queues: u16,
    /// Descriptors of each receive queue.
    pub rx_slots: u16,
    /// Descriptors of each transmit queue.
    pub tx_slots: u16,
    /// The MTU in bytes.
    pub mtu: u16,
    /// The offloads in use.
    pub offloads: Offloads,
    /// Whether frames for any address are taken. Known once the port is started.
    pub promiscuous: bool,
    /// Whether frames for any multicast address are taken. Known once the port is started.
    pub allmulticast: bool,
}

/// A port that was taken.
#[derive(Debug)]
pub struct Idle(());

/// A port with queues that are not yet at work.
#[derive(Debug)]
pub struct Configured {
    config: PortConfig,
    settings: PortSettings,
    /// Whether a received frame may come in several mbufs.
    chains: bool,
}

/// A port at work.
#[derive(Debug)]
pub struct Started {
    config: PortConfig,
    settings: PortSettings,
    chains: bool,
}

/// A port in one of its states [`Idle`], [`Configured`] and [`Started`], and the only owner of it.
#[derive(Debug)]
pub struct Port<'e, S> {
    eal: &'e Eal,
    id: PortId,
    state: S,
}

impl<'e, S> Port<'e, S> {
    /// Its number.
    pub fn id(&self) -> PortId {
        self.id
    }

    /// All that is known of it.
    pub fn info(&self) -> Result<PortInfo, Error> {
        let _control = self.eal.control();
        info::port_info(self.id).map_err(|code| failed(self.id, "ask for its abilities", code))
    }

    /// Its Ethernet address; zeroes where the device has none.
    pub fn mac(&self) -> [u8; 6] {
        self.info().map(|info| info.mac).unwrap_or_default()
    }

    /// The state of its wire, without waiting for it.
    pub fn link(&self) -> Result<Link, Error> {
        let _control = self.eal.control();
        info::port_link(self.id).map_err(|code| failed(self.id, "ask for its link", code))
    }

    /// What it counted so far; zeroes where the device does not count.
    pub fn stats(&self) -> PortStats {
        let _control = self.eal.control();
        info::port_stats(self.id).unwrap_or_default()
    }

    fn with<T>(self, state: T) -> Port<'e, T> {
        Port { eal: self.eal, id: self.id, state }
    }
}

impl<'e> Port<'e, Idle> {
    pub(crate) fn idle(eal: &'e Eal, id: PortId) -> Port<'e, Idle> {
        Port { eal, id, state: Idle(()) }
    }

    /// Gives the port back; it can be taken again.
    pub fn release(self) {
        self.eal.release(self.id);
    }

    /// Closes the device. Its number is free then, and may come to stand for another.
    pub fn close(self) -> Result<(), Error> {
        let code = {
            let _control = self.eal.control();
            // SAFETY: the port is ours and not started.
            unsafe { sys::rte_eth_dev_close(self.id.0) }
        };
        self.eal.release(self.id);
        if code == 0 { Ok(()) } else { Err(failed(self.id, "close", code)) }
    }

    /// Sets the port up as asked, with received frames going into mbufs of `pool`. Offloads that
    /// the device lacks are left out: [`Port::settings`] tells. On failure the port is released.
    pub fn configure(
        self,
        config: &PortConfig,
        pool: Mempool<'e>,
    ) -> Result<Port<'e, Configured>, Error> {
        match self.apply(config, pool) {
            Ok((settings, chains)) => {
                Ok(self.with(Configured { config: *config, settings, chains }))
            }
            Err(error) => {
                self.release();
                Err(error)
            }
        }
    }

    fn apply(&self, config: &PortConfig, pool: Mempool<'e>) -> Result<(PortSettings, bool), Error> {
        let info = self.info()?;
        let mtu = if config.mtu == 0 { info.mtu } else { config.mtu };
        let needed = usize::from(mtu) + FRAME_OVERHEAD;
        let room = usize::from(pool.data_room() - HEADROOM);
        if needed > room {
            let pool = pool.name().to_owned();
            return Err(Error::MtuTooBig { port: self.id, mtu, needed, room, pool });
        }
        let asked = sys::pg_port_conf {
            rx_queues: config.rx_queues,
            tx_queues: config.tx_queues,
            rx_slots: config.rx_slots,
            tx_slots: config.tx_slots,
            mtu: config.mtu,
            rx_offloads: if config.rx_checksums { RX_CHECKSUMS } else { 0 },
            tx_offloads: if config.tx_checksums { TX_CHECKSUMS } else { 0 },
        };
        let mut done = sys::pg_port_done::default();
        let code = {
            let _control = self.eal.control();
            // SAFETY: the port is not started, for we have it and it is idle; the pool lives as
            // long as EAL; the numbers are checked by DPDK.
            unsafe { sys::pg_port_configure(self.id.0, &asked, pool.as_ptr(), &mut done) }
        };
        if code != 0 {
            // SAFETY: the step is a string literal, set before each call that can fail.
            let step = unsafe { std::ffi::CStr::from_ptr(done.step) };
            return Err(failed(self.id, &step.to_string_lossy(), code));
        }
        let settings = PortSettings {
            rx_queues: config.rx_queues,
            tx_queues: config.tx_queues,
            rx_slots: done.rx_slots,
            tx_slots: done.tx_slots,
            mtu: done.mtu,
            offloads: Offloads::from_bits(done.rx_offloads, done.tx_offloads),
            promiscuous: false,
            allmulticast: false,
        };
        // Over a ring come the mbufs that were sent into it, and these are never chains. Other
        // drivers have just written the head of each mbuf, so that looking at it costs little.
        Ok((settings, info.driver != "net_ring"))
    }
}

const RX_CHECKSUMS: u64 =
    sys::PG_RX_OFFLOAD_IPV4_CKSUM | sys::PG_RX_OFFLOAD_UDP_CKSUM | sys::PG_RX_OFFLOAD_TCP_CKSUM;
const TX_CHECKSUMS: u64 =
    sys::PG_TX_OFFLOAD_IPV4_CKSUM | sys::PG_TX_OFFLOAD_UDP_CKSUM | sys::PG_TX_OFFLOAD_TCP_CKSUM;

/// What [`Port::start`] gives: the port, its receive queues and its transmit queues.
pub type StartedPort<'e> = (Port<'e, Started>, Vec<RxQueue<'e>>, Vec<TxQueue<'e>>);

impl<'e> Port<'e, Configured> {
    /// What became of what was asked for.
    pub fn settings(&self) -> PortSettings {
        self.state.settings
    }

    /// Makes it idle, to be configured otherwise.
    pub fn unconfigure(self) -> Port<'e, Idle> {
        self.with(Idle(()))
    }

    /// Gives the port back; it can be taken again.
    pub fn release(self) {
        self.unconfigure().release();
    }

    /// Starts it, and hands out its queues. On failure the port is released.
    pub fn start(self) -> Result<StartedPort<'e>, Error> {
        let Configured { config, mut settings, chains } = self.state;
        let control = self.eal.control();
        // SAFETY: the port is configured, and its queues are set up.
        let code = unsafe { sys::rte_eth_dev_start(self.id.0) };
        if code != 0 {
            drop(control);
            self.eal.release(self.id);
            return Err(failed(self.id, "start", code));
        }
        // Some devices can do these only when started. Those that cannot at all deliver what they
        // have, which on a virtual wire is everything.
        // SAFETY: the port is started.
        unsafe {
            settings.promiscuous =
                config.promiscuous && sys::rte_eth_promiscuous_enable(self.id.0) == 0;
            settings.allmulticast =
                config.allmulticast && sys::rte_eth_allmulticast_enable(self.id.0) == 0;
        }
        drop(control);
        let prepare = config.tx_checksums
            && (settings.offloads.tx_ipv4_checksum
                || settings.offloads.tx_udp_checksum
                || settings.offloads.tx_tcp_checksum);
        // SAFETY: the port is started with so many queues, and `stop` takes all of them back
        // before there can be others.
        let rx =
            (0..settings.rx_queues).map(|queue| unsafe { RxQueue::new(self.id, queue, chains) });
        // SAFETY: as above.
        let tx =
            (0..settings.tx_queues).map(|queue| unsafe { TxQueue::new(self.id, queue, prepare) });
        let (rx, tx) = (rx.collect(), tx.collect());
        let port = Port { eal: self.eal, id: self.id, state: Started { config, settings, chains } };
        Ok((port, rx, tx))
    }
}

impl<'e> Port<'e, Started> {
    /// What became of what was asked for.
    pub fn settings(&self) -> PortSettings {
        self.state.settings
    }

    /// Takes frames for any Ethernet address from now on, or for its own only.
    pub fn set_promiscuous(&mut self, on: bool) -> Result<(), Error> {
        let _control = self.eal.control();
        // SAFETY: the port is started.
        let code = unsafe {
            match on {
                true => sys::rte_eth_promiscuous_enable(self.id.0),
                false => sys::rte_eth_promiscuous_disable(self.id.0),
            }
        };
        if code != 0 {
            return Err(failed(self.id, "change whether it is promiscuous", code));
        }
        self.state.config.promiscuous = on;
        self.state.settings.promiscuous = on;
        Ok(())
    }

    /// Stops it. All of its queues must come back, so that nobody polls it any more; if one is
    /// missing, [`Error::QueuesMissing`], the port goes on without anybody until EAL goes.
    pub fn stop(
        self,
        rx: Vec<RxQueue<'e>>,
        tx: Vec<TxQueue<'e>>,
    ) -> Result<Port<'e, Configured>, Error> {
        let Started { config, settings, chains } = self.state;
        // Each queue exists once, so the right number of this port's are all of them.
        let rx_all = rx.len() == usize::from(settings.rx_queues)
            && rx.iter().all(|queue| queue.port() == self.id);
        let tx_all = tx.len() == usize::from(settings.tx_queues)
            && tx.iter().all(|queue| queue.port() == self.id);
        if !rx_all || !tx_all {
            return Err(Error::QueuesMissing { port: self.id });
        }
        let code = {
            let _control = self.eal.control();
            // SAFETY: the port is started, and nobody has a queue of it any more.
            unsafe { sys::rte_eth_dev_stop(self.id.0) }
        };
        if code != 0 {
            return Err(failed(self.id, "stop", code));
        }
        Ok(Port { eal: self.eal, id: self.id, state: Configured { config, settings, chains } })
    }
}

pub(crate) fn failed(port: PortId, step: &str, code: i32) -> Error {
    Error::Port { port, step: step.to_owned(), reason: reason(code) }
}
