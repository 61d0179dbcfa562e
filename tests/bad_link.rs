//! Orders of the kernel's TCP to a venue, over a link that loses, doubles, reorders, delays and
//! damages frames both ways: every order is acknowledged in its turn, once.
//!
//! The link is an impairment stage between the venue and the port that the client's cable ends in:
//! it needs no `netem` of the kernel's.

mod common;

#[path = "common/appliance.rs"]
mod appliance;
#[path = "common/peers.rs"]
mod peers;

use appliance::{Report, Scenario, machine};
use common::netns::{Cable, run};
use peers::Peer;
use serde_json::{Value, json};

const VENUE: (&str, u16) = ("10.77.1.1", 26_400);
const VENUE_MAC: &str = "02:00:00:00:77:01";
/// Orders of a run, and how many of them are under way at a time. A busy kernel sends those in one
/// segment: so there are thirty frames each way at least, and the rates below harm some of them.
const ORDERS: u32 = 600;
const UNDER_WAY: u32 = 20;

/// A venue behind a link that does this both ways.
fn venue_behind(harm: &str, cables: &[Cable; 2]) -> Scenario {
    let stage = format!(
        "[[link]]\nname = \"hurt\"\nslots = 1024\n\n[[impair]]\nname = \"weather\"\nlcore = 1\n\
         a = \"orders\"\nb = \"hurt.a\"\nseed = 5\n\n[impair.a_to_b]\n{harm}\n\n\
         [impair.b_to_a]\n{harm}\n\n[[venue]]"
    );
    let behind = format!("[venue.orders]\nport = \"hurt.b\"\nmac = \"{VENUE_MAC}\"");
    Scenario::new("tests/data/kernel-venue.toml")
        .edit("iface=ORDERS", &format!("iface={}", cables[0].host_if()))
        .edit("iface=MARKET", &format!("iface={}", cables[1].host_if()))
        .edit("[[venue]]", &stage)
        .edit("[venue.orders]\nport = \"orders\"", &behind)
        .args("--no-huge")
}

/// The next message, which is an acceptance of the order with this number.
fn accepted(client: &mut Peer, number: u32) {
    let message = client.until("message");
    assert_eq!((&message["type"], &message["user_ref_num"]), (&json!("A"), &json!(number)));
}

/// Enters all orders, many at a time; they rest.
fn enter(client: &mut Peer) {
    client.hear("S");
    for first in (1..=ORDERS).step_by(UNDER_WAY as usize) {
        for number in first..first + UNDER_WAY {
            let price = 1_000_000 + 100 * u64::from(number);
            let order: Value = json!({"do": "enter", "side": "B", "quantity": 100,
                                      "symbol": "AAPL", "price": price});
            client.tell(order);
        }
        client.tell(json!({"do": "wait", "type": "A", "count": UNDER_WAY}));
        (first..first + UNDER_WAY).for_each(|number| accepted(client, number));
    }
}

/// What the venue says of a session that is read from its start: the same, and no more.
fn read_again(cable: &Cable) {
    let mut client = Peer::login(cable, VENUE, "MAKER", (1, ORDERS + 1));
    client.tell(json!({"do": "wait", "type": "A", "count": ORDERS}));
    assert_eq!(client.until("message")["type"], "S");
    (1..=ORDERS).for_each(|number| accepted(&mut client, number));
    client.tell(json!({"do": "sleep", "seconds": 0.1}));
    let told = client.finish();
    assert_eq!(told["counts"]["A"], ORDERS, "{told}");
}

/// All that a link may do, and what it is then counted as.
const WEATHERS: [(&str, &[&str]); 6] = [
    ("loss = 0.03", &["lost"]),
    ("burst_loss = 0.03\nburst_frames_max = 6", &["lost_in_bursts"]),
    ("reorder = 0.1\nreorder_frames_max = 4\nduplicate = 0.1", &["reordered", "duplicated"]),
    ("corrupt = 0.03", &["corrupted"]),
    ("delay_us = 2000\nloss = 0.03", &["delayed", "lost"]),
    (
        "loss = 0.03\nduplicate = 0.05\nreorder = 0.05\nreorder_frames_max = 5\n\
         corrupt = 0.03\ndelay_us = 200",
        &["lost", "duplicated", "reordered", "corrupted", "delayed"],
    ),
];

#[test]
fn kernel_clients_trade_over_a_bad_link() {
    const NAME: &str = "kernel_clients_trade_over_a_bad_link";
    if !common::need_netns(NAME) || !common::need_tools(NAME, &["python3"]) {
        return;
    }
    let _machine = machine();
    let lay = |address| Cable::lay(address).expect("a cable");
    let cables = [lay("10.77.1.2/24"), lay("10.77.2.2/24")];
    // ARP has no checksum, and a damaged answer would be believed for a while.
    let mut neighbour = cables[0].command("ip");
    neighbour.args(["neigh", "replace", VENUE.0, "lladdr", VENUE_MAC, "nud", "permanent"]);
    run(neighbour.args(["dev", Cable::PEER_IF])).expect("a neighbour");
    for (harm, counters) in WEATHERS {
        println!("{harm}");
        let scenario = venue_behind(harm, &cables);
        let mut venue = scenario.start();
        venue.wait_hot();
        let mut client = Peer::login(&cables[0], VENUE, "MAKER", (1, 1));
        enter(&mut client);
        drop(client);
        read_again(&cables[0]);
        venue.signal("INT");
        let ended = venue.wait();
        assert!(ended.status.success(), "{harm}: {}", ended.stderr);
        check(harm, ended.report(), counters);
    }
}

fn check(harm: &str, report: &Report, counters: &[&str]) {
    let did = |way, what| report.counter("weather", way, what);
    for counter in counters {
        for way in ["a_to_b", "b_to_a"] {
            assert!(did(way, counter) > 0, "{harm}: none {counter} {way}\n{}", report.counted());
        }
    }
    let accepted = report.counter("venue", "engine", "accepted");
    assert_eq!(accepted, u64::from(ORDERS), "{harm}\n{}", report.counted());
}
