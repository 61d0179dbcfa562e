//! What a host does for its link beside TCP: it announces itself, answers ARP and pings, reports
//! its groups, and drops what is for others; with a VLAN tag and without.
mod common;

use common::*;
use net::{DropReason, Interface};
use std::net::Ipv4Addr;
use wire::{IntoBytes, arp, ether, icmp, igmp, ipv4};

/// Station 2, with or without a tag.
fn station(vlan: Option<u16>) -> Station {
    Station::new(Interface { vlan, ..interface(2) }, config(1))
}

/// A frame from station 1.
fn frame(vlan: Option<u16>, dst: [u8; 6], ethertype: u16, parts: &[&[u8]]) -> Vec<u8> {
    let mut header = [0; 18];
    let from = interface(1);
    let tag = vlan.map(|tci| ether::Tag { tpid: 0x8100, tci });
    let len = ether::write(&mut header, dst, from.mac, tag, ethertype);
    [&header[..len.expect("room")], &parts.concat()].concat()
}

fn ping(vlan: Option<u16>, mac: [u8; 6], to: Ipv4Addr) -> Vec<u8> {
    let mut echo = [8, 0, 0, 0, 0, 7, 0, 9, 1, 2, 3, 4];
    let sum = wire::checksum::checksum(&echo).to_be_bytes();
    echo[2..4].copy_from_slice(&sum);
    let header = ipv4::Header::new(ipv4::ICMP, ip(1).octets(), to.octets(), 64, echo.len());
    frame(vlan, mac, ether::IPV4, &[header.as_bytes(), &echo])
}

#[test]
fn pings_are_answered() {
    for vlan in [None, Some(30)] {
        let mut host = station(vlan);
        host.hear(SEC, &ping(vlan, interface(2).mac, ip(2)));
        let answer = host.out.frames.pop_front().expect("an answer");
        let opened = ether::parse(&answer).expect("a frame");
        assert_eq!((opened.dst, opened.tags().len()), (interface(1).mac, vlan.iter().len()));
        let packet = ipv4::parse(opened.payload).expect("a packet");
        let (echo, data) = icmp::parse(packet.payload).expect("an echo");
        assert_eq!((echo.kind, data), (icmp::ECHO_REPLY, &[1, 2, 3, 4][..]));
        assert_eq!(echo.as_bytes()[4..], [0, 7, 0, 9]);
        assert_eq!(host.host.counters().echoes, 1);
    }
}

#[test]
fn what_is_for_others_is_dropped_and_counted() {
    let mut host = station(None);
    host.hear(SEC, &ping(None, interface(3).mac, ip(2)));
    host.hear(SEC, &ping(None, interface(2).mac, ip(3)));
    host.hear(SEC, &ping(Some(30), interface(2).mac, ip(2)));
    host.hear(SEC, &ping(None, ether::BROADCAST, ip(2)));
    let counters = host.host.counters();
    let dropped = [DropReason::NotOurMac, DropReason::NotOurAddress, DropReason::Vlan]
        .map(|reason| counters.dropped(reason));
    assert_eq!((dropped, host.out.frames.len()), ([2, 1, 1], 0));
}

#[test]
fn the_address_and_the_groups_are_announced_and_asked_for() {
    for vlan in [None, Some(30)] {
        let mut host = station(vlan);
        let group = Ipv4Addr::new(239, 1, 1, 1);
        host.host.join(SEC, group).expect("a group");
        host.host.start(SEC);
        host.host.poll(SEC, &mut host.out);
        let sent: Vec<Vec<u8>> = host.out.frames.drain(..).collect();
        let opened: Vec<_> = sent.iter().map(|f| ether::parse(f).expect("a frame")).collect();
        assert_eq!(opened.len(), 2);
        assert!(opened.iter().all(|frame| frame.tags().len() == vlan.iter().len()));
        // Gratuitous ARP: our address, asked of everyone.
        let announced = arp::parse(opened[0].payload).expect("ARP");
        assert_eq!(opened[0].dst, ether::BROADCAST);
        assert_eq!((announced.sender_ip, announced.target_ip), (ip(2).octets(), ip(2).octets()));
        let report = ipv4::parse(opened[1].payload).expect("a packet");
        assert_eq!((report.header.protocol, report.header.dst), (ipv4::IGMP, [224, 0, 0, 22]));

        let mut asked = *announced;
        (asked.sender_ip, asked.sender_mac) = (ip(1).octets(), interface(1).mac);
        host.hear(SEC, &frame(vlan, ether::BROADCAST, ether::ARP, &[asked.as_bytes()]));
        let answer = host.out.frames.pop_front().expect("an answer");
        let answer = arp::parse(ether::parse(&answer).expect("a frame").payload).expect("ARP");
        assert_eq!((answer.sender_mac, answer.target_ip), (interface(2).mac, ip(1).octets()));
        query(&mut host, vlan);
    }
}

/// A general query is answered within the time that it gives.
fn query(host: &mut Station, vlan: Option<u16>) {
    host.host.poll(3 * SEC, &mut host.out);
    host.out.frames.clear();
    let mut message = [0; 12];
    (message[0], message[1]) = (igmp::QUERY, 10);
    let sum = wire::checksum::checksum(&message).to_be_bytes();
    message[2..4].copy_from_slice(&sum);
    let to_all = [224, 0, 0, 1];
    let header = ipv4::Header::new(ipv4::IGMP, ip(1).octets(), to_all, 1, message.len());
    let parts = [header.as_bytes(), &message];
    host.hear(4 * SEC, &frame(vlan, ether::multicast(to_all), ether::IPV4, &parts));
    for tenth in 0..=10 {
        host.host.poll(4 * SEC + tenth * 100 * MS, &mut host.out);
    }
    let answered = host.out.frames.iter().any(|frame| {
        let packet = ether::parse(frame).ok().and_then(|f| ipv4::parse(f.payload).ok());
        packet.is_some_and(|packet| packet.header.protocol == ipv4::IGMP)
    });
    assert_eq!((host.host.counters().igmp_queries, answered), (1, true));
}
