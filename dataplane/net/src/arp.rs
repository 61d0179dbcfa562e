//! ARP (RFC 826): who has an address, and that we have ours.
//!
//! Layout: a fixed table of neighbours, looked through in order; it is read when a connection
//! begins, not for every frame. Only addresses that were asked for have an entry, so that no
//! stranger can fill the table.
//!
//! Limits: a request is repeated [`TRIES_MAX`] times with growing pauses, then given up. A
//! neighbour known for longer than [`AGE_NS`] is still used while it is asked for again.
//!
//! Failure modes: a neighbour whose Ethernet address changes is believed, as ARP has no proof to
//! offer; another station that claims our own address is counted and answered with an announcement.

use crate::error::NetError;
use crate::frame_tx::FrameTx;
use crate::interface::Interface;
use crate::link::{FRAME_MIN, Link, put};
use std::net::Ipv4Addr;
use wire::{IntoBytes, Mac, arp, ether};

/// Requests sent before an address is given up.
const TRIES_MAX: u8 = 6;
/// The pause after the first request; it doubles, up to [`PAUSE_MAX_NS`].
const PAUSE_NS: u64 = 50_000_000;
/// The longest pause between requests.
const PAUSE_MAX_NS: u64 = 1_000_000_000;
/// How long an answer is good (RFC 1122, 2.3.2.1 asks for a way to flush entries out of date).
const AGE_NS: u64 = 600_000_000_000;
/// Announcements of our own address, and the pause between them (RFC 5227, 1.1).
const ANNOUNCE_TIMES: u8 = 2;
const ANNOUNCE_PAUSE_NS: u64 = 2_000_000_000;

/// How far a neighbour is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    Asking,
    Known,
    /// Known, but so long ago that it is being asked for again.
    Aged,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    ip: Ipv4Addr,
    mac: Mac,
    state: State,
    tries: u8,
    /// When the next request is due, or when the answer becomes old.
    due_ns: u64,
}

const FREE: Entry = Entry {
    ip: Ipv4Addr::UNSPECIFIED,
    mac: [0; 6],
    state: State::Free,
    tries: 0,
    due_ns: u64::MAX,
};

/// What a packet taught us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Learnt {
    /// Nothing of use.
    Nothing,
    /// A neighbour we asked for, or one that moved to another Ethernet address.
    Neighbour(Ipv4Addr, Mac),
    /// Somebody else claims our address.
    Conflict,
}

/// The neighbour table.
#[derive(Debug)]
pub(crate) struct Neighbours {
    entries: Box<[Entry]>,
    /// No entry needs anything before this.
    next_due_ns: u64,
    announce_left: u8,
    announce_due_ns: u64,
    /// Our address is not defended again before this.
    defended_ns: u64,
}

impl Neighbours {
    pub(crate) fn new(entries: usize) -> Neighbours {
        Neighbours {
            entries: vec![FREE; entries].into_boxed_slice(),
            next_due_ns: u64::MAX,
            announce_left: 0,
            announce_due_ns: u64::MAX,
            defended_ns: 0,
        }
    }

    /// Announces our address from the next poll on.
    pub(crate) fn announce(&mut self, now_ns: u64) {
        self.announce_left = ANNOUNCE_TIMES;
        self.announce_due_ns = now_ns;
    }

    /// Announces our address once, unless that is about to happen anyway: somebody else claims it.
    /// Not more often than every [`ANNOUNCE_PAUSE_NS`], or two stubborn stations would fill the
    /// link (RFC 5227, 2.4 (b)).
    pub(crate) fn defend(&mut self, now_ns: u64) {
        if self.announce_left == 0 && now_ns >= self.defended_ns {
            self.announce_left = 1;
            self.announce_due_ns = now_ns;
            self.defended_ns = now_ns.saturating_add(ANNOUNCE_PAUSE_NS);
        }
    }

    /// The Ethernet address of `ip`, or `None` and it will be asked for.
    pub(crate) fn resolve(&mut self, now_ns: u64, ip: Ipv4Addr) -> Result<Option<Mac>, NetError> {
        if let Some(entry) = self.find(ip) {
            return Ok((entry.state != State::Asking).then_some(entry.mac));
        }
        let entries = self.entries.len();
        // An entry that is known can be asked for again; one being asked for has somebody waiting.
        let oldest = self.entries.iter_mut().filter(|e| e.state != State::Asking);
        let entry = oldest
            .min_by_key(|e| (e.state != State::Free, e.due_ns))
            .ok_or(NetError::NeighboursFull { entries })?;
        *entry = Entry { ip, mac: [0; 6], state: State::Asking, tries: 0, due_ns: now_ns };
        self.next_due_ns = self.next_due_ns.min(now_ns);
        Ok(None)
    }

    fn find(&mut self, ip: Ipv4Addr) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|e| e.state != State::Free && e.ip == ip)
    }

    /// Reads a packet; the answer it may need is [`reply`]'s.
    pub(crate) fn learn(
        &mut self,
        now_ns: u64,
        interface: &Interface,
        packet: &arp::Packet,
    ) -> Learnt {
        let (ip, mac) = (Ipv4Addr::from(packet.sender_ip), packet.sender_mac);
        if ip == interface.ip {
            return if mac == interface.mac { Learnt::Nothing } else { Learnt::Conflict };
        }
        if ether::is_group(mac) || mac == [0; 6] || !interface.is_host(ip) {
            return Learnt::Nothing;
        }
        let Some(entry) = self.find(ip) else { return Learnt::Nothing };
        let news = entry.state == State::Asking || entry.mac != mac;
        let due_ns = now_ns.saturating_add(AGE_NS);
        *entry = Entry { ip, mac, state: State::Known, tries: 0, due_ns };
        self.next_due_ns = self.next_due_ns.min(due_ns);
        if news { Learnt::Neighbour(ip, mac) } else { Learnt::Nothing }
    }

    /// When something is due.
    #[inline]
    pub(crate) fn due_ns(&self) -> u64 {
        self.announce_due_ns.min(self.next_due_ns)
    }

    /// Sends what is due; `lost` is called for each address that was given up. Gives the frames
    /// sent.
    pub(crate) fn poll<T: FrameTx>(
        &mut self,
        now_ns: u64,
        interface: &Interface,
        tx: &mut T,
        mut lost: impl FnMut(Ipv4Addr),
    ) -> usize {
        let mut sent = 0;
        if now_ns >= self.announce_due_ns && announce(interface, tx) {
            sent += 1;
            self.announce_left = self.announce_left.saturating_sub(1);
            let again = now_ns.saturating_add(ANNOUNCE_PAUSE_NS);
            self.announce_due_ns = if self.announce_left == 0 { u64::MAX } else { again };
        }
        if now_ns < self.next_due_ns {
            return sent;
        }
        for entry in self.entries.iter_mut().filter(|e| e.due_ns <= now_ns) {
            if entry.tries >= TRIES_MAX {
                if entry.state == State::Asking {
                    lost(entry.ip);
                }
                *entry = FREE;
            } else if request(interface, entry.ip, tx) {
                sent += 1;
                let pause = (PAUSE_NS << entry.tries).min(PAUSE_MAX_NS);
                entry.tries += 1;
                entry.due_ns = now_ns.saturating_add(pause);
                if entry.state == State::Known {
                    entry.state = State::Aged;
                }
            }
        }
        self.next_due_ns = self.entries.iter().map(|e| e.due_ns).min().unwrap_or(u64::MAX);
        sent
    }
}

/// Whether `packet` asks for our address (RFC 826: "am I the target, and is it a request?").
pub(crate) fn asks_us(interface: &Interface, packet: &arp::Packet) -> bool {
    packet.operation.get() == arp::REQUEST && packet.target_ip == interface.ip.octets()
}

/// Answers a request for our address. A full queue costs the asker one request.
pub(crate) fn reply<T: FrameTx>(interface: &Interface, packet: &arp::Packet, tx: &mut T) -> bool {
    send(interface, packet.sender_mac, &packet.reply(interface.mac), tx)
}

/// Tells everyone that we have our address (RFC 5227, 2.3): a request for it, from it.
pub(crate) fn announce<T: FrameTx>(interface: &Interface, tx: &mut T) -> bool {
    request(interface, interface.ip, tx)
}

fn request<T: FrameTx>(interface: &Interface, ip: Ipv4Addr, tx: &mut T) -> bool {
    let sender = (interface.mac, interface.ip.octets());
    let packet = arp::Packet::new(arp::REQUEST, sender, ([0; 6], ip.octets()));
    send(interface, ether::BROADCAST, &packet, tx)
}

fn send<T: FrameTx>(interface: &Interface, dst: Mac, packet: &arp::Packet, tx: &mut T) -> bool {
    let link = Link::new(interface, dst, ether::ARP);
    let len = (link.len() + size_of::<arp::Packet>()).max(FRAME_MIN);
    tx.send(len, |frame| put(link.write(frame), &[packet.as_bytes()]))
}

#[cfg(test)]
mod tests;
