//! Connections of ours: a port and a slot, then the next hop's Ethernet address, then the SYN.

use super::slot::Phase;
use super::table::Tuple;
use super::{CloseReason, ConnId, EPHEMERAL_FIRST, TcpHost};
use crate::error::NetError;
use std::net::{Ipv4Addr, SocketAddrV4};
use wire::Mac;

impl TcpHost {
    /// Opens a connection from `local_port` (0: any) through `next_hop`. Without its Ethernet
    /// address `mac` the connection waits for [`on_neighbour`](Self::on_neighbour). The SYN leaves
    /// with the next poll or flush.
    ///
    /// # Errors
    /// Ports or addresses that cannot be, that are in use, or no slot.
    pub fn connect(
        &mut self,
        now_ns: u64,
        local_port: u16,
        remote: SocketAddrV4,
        next_hop: Ipv4Addr,
        mac: Option<Mac>,
    ) -> Result<ConnId, NetError> {
        let now_ns = self.tick(now_ns);
        if remote.port() == 0 {
            return Err(NetError::PortZero);
        }
        if !self.interface.is_host(*remote.ip()) || *remote.ip() == self.interface.ip {
            return Err(NetError::Address { ip: *remote.ip() });
        }
        let local_port = self.free_port(local_port, remote)?;
        if let Some(old) = self.table.get(Tuple::new(local_port, remote)) {
            // Only a connection that both sides have ended can be there.
            self.release(old as usize);
        }
        let slots = self.config.slots;
        let slot = self.take_slot(now_ns).map_err(|_| NetError::NoSlot { slots })?;
        let place = &mut self.slots[slot];
        place.begin(now_ns, (local_port, remote));
        (place.accepted, place.next_hop) = (false, next_hop);
        place.phase = Phase::Resolving;
        self.resolving += 1;
        self.table.insert(Tuple::new(local_port, remote), slot as u32);
        if let Some(mac) = mac {
            self.launch(now_ns, slot, mac);
        }
        Ok(self.id(slot))
    }

    /// The port asked for, or one that is free towards `remote`.
    fn free_port(&mut self, local_port: u16, remote: SocketAddrV4) -> Result<u16, NetError> {
        let is_free = |host: &TcpHost, port| match host.table.get(Tuple::new(port, remote)) {
            None => true,
            Some(slot) => host.slots[slot as usize].phase == Phase::TimeWait,
        };
        if local_port != 0 {
            let free = is_free(self, local_port);
            return free.then_some(local_port).ok_or(NetError::InUse { local_port, remote });
        }
        // One more try than there are slots always finds one, unless slots outnumber ports.
        for _ in 0..=self.config.slots.min(usize::from(u16::MAX - EPHEMERAL_FIRST)) {
            let port = self.next_port;
            self.next_port = port.checked_add(1).unwrap_or(EPHEMERAL_FIRST);
            if is_free(self, port) && !self.is_listening(port) {
                return Ok(port);
            }
        }
        Err(NetError::InUse { local_port, remote })
    }

    /// Sends the SYN of a slot that was resolving, with the next poll.
    fn launch(&mut self, now_ns: u64, slot: usize, mac: Mac) {
        let place = &self.slots[slot];
        let first = self.first_sequence(now_ns, (place.local_port, place.remote));
        let place = &mut self.slots[slot];
        place.face(&self.interface, mac, self.checks);
        place.phase = Phase::Open;
        place.machine.connect(now_ns, first, &self.config);
        place.seen = place.machine.state;
        self.resolving -= 1;
        self.dirty.insert(slot);
    }

    /// A neighbour's Ethernet address is known, or has changed.
    pub fn on_neighbour(&mut self, now_ns: u64, ip: Ipv4Addr, mac: Mac) {
        let now_ns = self.tick(now_ns);
        for slot in 0..self.slots.len() {
            if self.slots[slot].next_hop != ip {
                continue;
            }
            match self.slots[slot].phase {
                Phase::Resolving => self.launch(now_ns, slot, mac),
                Phase::Open | Phase::HalfOpen | Phase::TimeWait => {
                    self.slots[slot].face(&self.interface, mac, self.checks);
                }
                Phase::Free | Phase::Dead => {}
            }
        }
    }

    /// A neighbour did not answer: connections that waited for it are over.
    pub fn on_unreachable(&mut self, ip: Ipv4Addr) {
        if self.resolving == 0 {
            return;
        }
        for slot in 0..self.slots.len() {
            let place = &mut self.slots[slot];
            if place.phase == Phase::Resolving && place.next_hop == ip {
                place.reason = CloseReason::Unreachable;
                self.end(slot);
            }
        }
    }
}
