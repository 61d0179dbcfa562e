//! IGMP, the host's side: says which multicast groups we listen to, so that switches and routers
//! send them.
//!
//! Why it exists: a feed handler's groups arrive only while somebody on its link says it wants
//! them. Reports go out when a group is joined, once more a second later in case the first was lost
//! (RFC 3376, 4.2.12 and 8.1), and after a random part of the time which a query gives (RFC 3376,
//! 5.2).
//!
//! Limits: any-source memberships; at most [`GROUPS_MAX`] groups, so that a version 3 report is one
//! frame. Version 2 reports are sent whether or not another host reported the group: a snooping
//! switch wants each port's.
//!
//! Failure modes: a version 2 query turns version 3 off for [`V2_QUERIER_NS`] (RFC 3376, 7.2.1). A
//! report that finds no room to be sent stays due.

use crate::classify::DropReason;
use crate::error::NetError;
use crate::frame_tx::FrameTx;
use crate::interface::Interface;
use crate::link::{Link, put};
use std::net::Ipv4Addr;
use wire::igmp::{self, Message, Record};
use wire::{IntoBytes, Ip4, checksum, ether, ipv4};

/// Groups a host may join; a version 3 report on all of them fits the least MTU.
pub(crate) const GROUPS_MAX: usize = 64;
/// The pause before the second, unasked report.
const REPEAT_NS: u64 = 1_000_000_000;
/// How long an old querier is remembered (RFC 3376, 8.12: about two query intervals and a
/// response).
const V2_QUERIER_NS: u64 = 260_000_000_000;
/// The unit of a query's response time.
const TENTH_NS: u64 = 100_000_000;
/// A version 1 query's response time.
const V1_RESPONSE_TENTHS: u8 = 100;
/// An IPv4 header with the router alert option.
const IP_LEN: usize = ipv4::HEADER_LEN + igmp::ROUTER_ALERT.len();

/// The version of the reports, as long as no querier wants an older one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IgmpVersion {
    /// RFC 2236: one report a group, to the group.
    V2,
    /// RFC 3376: one report on all groups, to 224.0.0.22.
    #[default]
    V3,
}

/// The joined groups and the reports due on them.
#[derive(Debug)]
pub(crate) struct Membership {
    groups: Vec<Ipv4Addr>,
    groups_max: usize,
    version: IgmpVersion,
    v2_until_ns: u64,
    due_ns: u64,
    record: Record,
    repeats: u8,
    random: u64,
}

impl Membership {
    pub(crate) fn new(groups_max: usize, version: IgmpVersion, seed: u64) -> Membership {
        Membership {
            groups: Vec::with_capacity(groups_max),
            groups_max,
            version,
            v2_until_ns: 0,
            due_ns: u64::MAX,
            record: Record::IsExclude,
            repeats: 0,
            random: seed | 1,
        }
    }

    /// The joined groups.
    pub(crate) fn groups(&self) -> &[Ipv4Addr] {
        &self.groups
    }

    /// Joins a group; the next poll reports it. Joining twice is joining once.
    pub(crate) fn join(&mut self, now_ns: u64, group: Ipv4Addr) -> Result<(), NetError> {
        if !group.is_multicast() {
            return Err(NetError::NotAGroup { ip: group });
        }
        if self.groups.contains(&group) {
            return Ok(());
        }
        if self.groups.len() >= self.groups_max {
            return Err(NetError::GroupsFull { groups: self.groups_max });
        }
        self.groups.push(group);
        self.announce(now_ns);
        Ok(())
    }

    /// Reports all groups from the next poll on, as if just joined.
    pub(crate) fn announce(&mut self, now_ns: u64) {
        if !self.groups.is_empty() {
            (self.due_ns, self.record, self.repeats) = (now_ns, Record::ToExclude, 1);
        }
    }

    /// Leaves a group and says so, if there is room to: routers find out by asking otherwise.
    pub(crate) fn leave<T: FrameTx>(
        &mut self,
        now_ns: u64,
        group: Ipv4Addr,
        interface: &Interface,
        tx: &mut T,
    ) -> bool {
        let Some(at) = self.groups.iter().position(|g| *g == group) else { return false };
        self.groups.swap_remove(at);
        let group = group.octets();
        let _sent = match self.version_at(now_ns) {
            IgmpVersion::V3 => report_v3(interface, Record::ToInclude, &[group], tx),
            IgmpVersion::V2 => message_v2(interface, igmp::LEAVE, igmp::ALL_ROUTERS, group, tx),
        };
        true
    }

    fn version_at(&self, now_ns: u64) -> IgmpVersion {
        if now_ns < self.v2_until_ns { IgmpVersion::V2 } else { self.version }
    }

    /// Reads a message; a query makes a report due.
    pub(crate) fn on_message(&mut self, now_ns: u64, bytes: &[u8]) -> Result<(), DropReason> {
        let message = igmp::parse(bytes).map_err(|_| DropReason::IgmpMalformed)?;
        if message.kind != igmp::QUERY {
            return Err(DropReason::IgmpKind);
        }
        // RFC 3376, 7.1: a query of eight bytes is version 2, of twelve and more version 3.
        if bytes.len() < 12 {
            self.v2_until_ns = now_ns.saturating_add(V2_QUERIER_NS);
        }
        if !self.groups.iter().any(|group| message.asks(group.octets())) {
            return Ok(());
        }
        // Codes of 128 and more mean still longer times; an earlier answer is as good.
        let tenths = match message.max_response {
            0 => V1_RESPONSE_TENTHS,
            tenths => tenths.min(127),
        };
        let within_ns = u64::from(tenths) * TENTH_NS;
        let due_ns = now_ns.saturating_add(self.next_random() % within_ns);
        if due_ns < self.due_ns {
            self.due_ns = due_ns;
        }
        Ok(())
    }

    /// xorshift64: spreads the answers of many hosts, nothing more.
    fn next_random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    /// When something is due.
    #[inline]
    pub(crate) fn due_ns(&self) -> u64 {
        self.due_ns
    }

    /// Sends the reports that are due; gives the frames sent.
    pub(crate) fn poll<T: FrameTx>(
        &mut self,
        now_ns: u64,
        interface: &Interface,
        tx: &mut T,
    ) -> usize {
        if now_ns < self.due_ns {
            return 0;
        }
        let sent = match self.version_at(now_ns) {
            IgmpVersion::V3 => {
                let mut all: [Ip4; GROUPS_MAX] = [[0; 4]; GROUPS_MAX];
                for (to, group) in all.iter_mut().zip(&self.groups) {
                    *to = group.octets();
                }
                let groups = all.get(..self.groups.len()).unwrap_or(&all);
                usize::from(!groups.is_empty() && report_v3(interface, self.record, groups, tx))
            }
            IgmpVersion::V2 => {
                let octets = self.groups.iter().map(|group| group.octets());
                octets.take_while(|g| message_v2(interface, igmp::REPORT_V2, *g, *g, tx)).count()
            }
        };
        let wanted = match self.version_at(now_ns) {
            IgmpVersion::V3 => usize::from(!self.groups.is_empty()),
            IgmpVersion::V2 => self.groups.len(),
        };
        if sent < wanted {
            return sent;
        }
        if self.repeats > 0 {
            self.repeats -= 1;
            self.due_ns = now_ns.saturating_add(REPEAT_NS);
        } else {
            (self.due_ns, self.record) = (u64::MAX, Record::IsExclude);
        }
        sent
    }
}

fn report_v3<T: FrameTx>(
    interface: &Interface,
    record: Record,
    groups: &[Ip4],
    tx: &mut T,
) -> bool {
    let len = igmp::report_v3_len(groups.len());
    send(interface, igmp::ALL_V3_ROUTERS, len, tx, |room| {
        // The room was made for this length.
        let _ = igmp::write_report_v3(room, record, groups);
    })
}

fn message_v2<T: FrameTx>(
    interface: &Interface,
    kind: u8,
    dst: Ip4,
    group: Ip4,
    tx: &mut T,
) -> bool {
    let message = Message::new(kind, group);
    send(interface, dst, igmp::HEADER_LEN, tx, |room| put(room, &[message.as_bytes()]))
}

/// RFC 3376, 4: "IP TTL of 1, … IP Router Alert option".
fn send<T: FrameTx>(
    interface: &Interface,
    dst: Ip4,
    len: usize,
    tx: &mut T,
    fill: impl FnOnce(&mut [u8]),
) -> bool {
    let mut ip = [0; IP_LEN];
    let header = ipv4::Header {
        version_ihl: 0x46,
        total_length: u16::try_from(IP_LEN + len).unwrap_or(u16::MAX).into(),
        checksum: 0.into(),
        ..ipv4::Header::new(ipv4::IGMP, interface.ip.octets(), dst, 1, 0)
    };
    put(&mut ip, &[header.as_bytes(), &igmp::ROUTER_ALERT]);
    let check = checksum::checksum(&ip).to_be_bytes();
    put(&mut ip[10..12], &[&check]);
    let link = Link::new(interface, ether::multicast(dst), ether::IPV4);
    tx.send(link.len() + IP_LEN + len, |frame| {
        if let Some((to, room)) = link.write(frame).split_at_mut_checked(IP_LEN) {
            to.copy_from_slice(&ip);
            fill(room);
        }
    })
}

#[cfg(test)]
mod tests;
