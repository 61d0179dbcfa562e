use super::*;
use crate::frame_tx::Frames;

const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER_MAC: Mac = [2, 0, 0, 0, 0, 2];
const SEC: u64 = 1_000_000_000;

fn us() -> Interface {
    Interface {
        mac: [2, 0, 0, 0, 0, 1],
        ip: Ipv4Addr::new(10, 0, 0, 1),
        prefix_len: 24,
        gateway: None,
        vlan: None,
        mtu: 1_500,
    }
}

fn answer(ip: Ipv4Addr, mac: Mac) -> arp::Packet {
    arp::Packet::new(arp::REPLY, (mac, ip.octets()), (us().mac, us().ip.octets()))
}

fn parse(frame: &[u8]) -> arp::Packet {
    assert_eq!(frame.len(), FRAME_MIN);
    *arp::parse(ether::parse(frame).unwrap().payload).unwrap()
}

#[test]
fn a_neighbour_is_asked_for_and_found() {
    let (mut table, mut tx) = (Neighbours::new(2), Frames::default());
    assert_eq!(table.resolve(0, PEER), Ok(None));
    assert_eq!(table.poll(0, &us(), &mut tx, |_| panic!()), 1);
    let asked = parse(&tx.list[0]);
    assert_eq!((asked.operation.get(), asked.target_ip), (arp::REQUEST, PEER.octets()));
    let learnt = table.learn(5, &us(), &answer(PEER, PEER_MAC));
    assert_eq!(learnt, Learnt::Neighbour(PEER, PEER_MAC));
    assert_eq!(table.resolve(6, PEER), Ok(Some(PEER_MAC)));
    // Told again, it is no news; moved, it is.
    assert_eq!(table.learn(7, &us(), &answer(PEER, PEER_MAC)), Learnt::Nothing);
    let moved = [2, 0, 0, 0, 0, 9];
    assert_eq!(table.learn(8, &us(), &answer(PEER, moved)), Learnt::Neighbour(PEER, moved));
    assert_eq!(table.poll(SEC, &us(), &mut tx, |_| panic!()), 0);
}

#[test]
fn requests_are_repeated_ever_more_slowly_then_given_up() {
    let (mut table, mut tx) = (Neighbours::new(1), Frames::default());
    table.resolve(0, PEER).unwrap();
    let (mut times, mut lost) = (Vec::new(), None);
    for now_ms in 0..10_000 {
        let sent = table.poll(now_ms * 1_000_000, &us(), &mut tx, |ip| lost = Some(ip));
        times.extend((sent > 0).then_some(now_ms));
    }
    assert_eq!(times, [0, 50, 150, 350, 750, 1_550]);
    assert_eq!(lost, Some(PEER));
    assert_eq!(table.resolve(SEC, PEER), Ok(None), "it can be asked for anew");
}

#[test]
fn a_request_without_room_waits() {
    let (mut table, mut tx) = (Neighbours::new(1), Frames::default());
    tx.full = true;
    table.resolve(0, PEER).unwrap();
    assert_eq!(table.poll(0, &us(), &mut tx, |_| panic!()), 0);
    tx.full = false;
    assert_eq!(table.poll(1, &us(), &mut tx, |_| panic!()), 1);
}

#[test]
fn a_full_table_gives_up_what_it_knows_but_not_what_it_asks_for() {
    let mut table = Neighbours::new(2);
    let ip = |last| Ipv4Addr::new(10, 0, 0, last);
    table.resolve(0, ip(2)).unwrap();
    table.resolve(0, ip(3)).unwrap();
    assert_eq!(table.resolve(0, ip(4)), Err(NetError::NeighboursFull { entries: 2 }));
    table.learn(1, &us(), &answer(ip(2), PEER_MAC));
    assert_eq!(table.resolve(2, ip(4)), Ok(None));
    assert_eq!(table.resolve(2, ip(3)), Ok(None));
}

#[test]
fn an_old_answer_is_used_while_it_is_asked_for_again() {
    let (mut table, mut tx) = (Neighbours::new(1), Frames::default());
    table.resolve(0, PEER).unwrap();
    table.learn(0, &us(), &answer(PEER, PEER_MAC));
    assert_eq!(table.poll(AGE_NS, &us(), &mut tx, |_| panic!()), 1);
    assert_eq!(table.resolve(AGE_NS, PEER), Ok(Some(PEER_MAC)));
    for second in 1..20 {
        table.poll(AGE_NS + second * SEC, &us(), &mut tx, |_| panic!());
    }
    assert_eq!(table.resolve(AGE_NS + 20 * SEC, PEER), Ok(None));
}

#[test]
fn strangers_do_not_enter_and_lies_are_not_believed() {
    let mut table = Neighbours::new(2);
    assert_eq!(table.learn(0, &us(), &answer(PEER, PEER_MAC)), Learnt::Nothing);
    assert_eq!(table.resolve(0, PEER), Ok(None));
    assert_eq!(table.learn(0, &us(), &answer(PEER, [3; 6])), Learnt::Nothing);
    assert_eq!(table.learn(0, &us(), &answer(PEER, [0; 6])), Learnt::Nothing);
    assert_eq!(table.learn(0, &us(), &answer(us().ip, PEER_MAC)), Learnt::Conflict);
}

#[test]
fn our_address_is_announced_twice_and_defended_with_restraint() {
    let (mut table, mut tx) = (Neighbours::new(1), Frames::default());
    table.announce(0);
    for second in 0..10 {
        table.poll(second * SEC, &us(), &mut tx, |_| panic!());
    }
    assert_eq!(tx.list.len(), 2);
    let told = parse(&tx.list[0]);
    assert_eq!((told.sender_ip, told.target_ip), (us().ip.octets(), us().ip.octets()));
    for _ in 0..100 {
        table.defend(20 * SEC);
        table.poll(20 * SEC, &us(), &mut tx, |_| panic!());
    }
    assert_eq!(tx.list.len(), 3);
}
