//! A venue whose clients are independent programs over the kernel's TCP and UDP.
//!
//! The venue's ports are `net_af_packet` (or `net_tap`) at one end of a cable; at the other, in a
//! network namespace, Python peers trade, listen and misbehave. What they counted is compared with
//! what the venue says it did.

use std::time::Duration;

use serde_json::{Value, json};

mod common;

#[path = "common/appliance.rs"]
mod appliance;
#[path = "common/peers.rs"]
mod peers;

use appliance::{Running, Scenario, machine};
use common::netns::{Cable, run};
use peers::Peer;

const VENUE: (&str, u16) = ("10.77.1.1", 26_400);
/// Dollars, as OUCH writes a price.
const DOLLAR: u64 = 10_000;

/// A venue and the cables to it: orders on the first, market data on the second.
struct Market {
    cables: [Cable; 2],
    scenario: Scenario,
}

impl Market {
    fn new() -> Market {
        let lay = |address| Cable::lay(address).expect("a cable");
        let cables = [lay("10.77.1.2/24"), lay("10.77.2.2/24")];
        let scenario = Scenario::new("tests/data/kernel-venue.toml")
            .edit("iface=ORDERS", &format!("iface={}", cables[0].host_if()))
            .edit("iface=MARKET", &format!("iface={}", cables[1].host_if()))
            .args("--no-huge");
        Market { cables, scenario }
    }

    fn login(&self, user: &str, sequence: u64, user_ref_num: u32) -> Peer {
        Peer::login(&self.cables[0], VENUE, user, (sequence, user_ref_num))
    }

    /// A listener on the venue's group, for `arguments` besides.
    fn listen(&self, arguments: &str) -> Peer {
        let mut program = peers::command(&self.cables[1], "mold_listen.py");
        program.args(["--group", "239.192.0.1:26477", "--interface", Cable::PEER_IF]);
        program.args(["--seconds", "60", "--first", "1", "--orders", "--each"]);
        program.args(arguments.split_whitespace());
        let mut listener = Peer::start(&mut program);
        listener.until("joined");
        listener
    }

    fn probe(&self, words: &str) {
        let mut probe = peers::command(&self.cables[0], "probe.py");
        run(probe.args(words.split(' '))).expect("the host answers as it should");
    }
}

fn enter(side: &str, quantity: u32, price: u64) -> Value {
    json!({"do": "enter", "side": side, "quantity": quantity, "symbol": "AAPL", "price": price})
}

fn ioc(side: &str, quantity: u32, price: u64) -> Value {
    let mut order = enter(side, quantity, price);
    order["time_in_force"] = "3".into();
    order
}

/// Fields of a message, to be compared with others.
fn fields(message: &Value, names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| message[*name].clone()).collect()
}

#[test]
fn a_venue_serves_kernel_clients() {
    if !common::need_netns("a_venue_serves_kernel_clients")
        || !common::need_tools("a_venue_serves_kernel_clients", &["python3"])
    {
        return;
    }
    let _machine = machine();
    let market = Market::new();
    let listener = market.listen("");
    let mut venue = market.scenario.start();
    venue.wait_hot();
    market.probe("ping 10.77.1.1 3 56");
    market.probe("ping 10.77.1.1 1 1400");

    let mut maker = market.login("MAKER", 1, 1);
    let mut taker = market.login("TAKER", 1, 1);
    trade(&mut maker, &mut taker);
    refuse(&mut maker);
    let (maker, heard) = lose_the_connection(&market, maker, &mut taker);
    let maker = replay_from_the_start(&market, maker, &heard);
    misbehave(&market, &mut taker);
    retransmit(&market);
    goodbye(venue, [maker, taker], listener);
}

/// Orders that rest, trade, shrink and go.
fn trade(maker: &mut Peer, taker: &mut Peer) {
    let price = 100 * DOLLAR;
    // Every session begins with the day.
    for client in [&mut *maker, &mut *taker] {
        let day = client.hear("S");
        assert_eq!(fields(&day, &["sequence", "event_code"]), [json!(1), json!("S")]);
    }
    let accepted = maker.ask(enter("B", 100, price), "A");
    let told = fields(&accepted, &["user_ref_num", "side", "quantity", "symbol", "price"]);
    assert_eq!(told, [json!(1), json!("B"), json!(100), json!("AAPL"), json!(price)]);
    assert_eq!(fields(&accepted, &["order_state", "clordid"]), ["L", "PEER1"]);

    taker.ask(ioc("S", 40, 99 * DOLLAR), "A");
    // At the price of the order that rested, and told to both.
    let shown = ["user_ref_num", "quantity", "price", "liquidity_flag"];
    let (took, made) = (taker.hear("E"), maker.hear("E"));
    assert_eq!(fields(&took, &shown), [json!(1), json!(40), json!(price), json!("R")]);
    assert_eq!(fields(&made, &shown), [json!(1), json!(40), json!(price), json!("A")]);
    assert_eq!(made["match_number"], took["match_number"]);

    // The intended size counts what was executed: 90 less 40 is left.
    let better = json!({"do": "replace", "orig_user_ref_num": 1, "quantity": 90,
                        "price": price + 100});
    let replaced = maker.ask(better, "U");
    assert_eq!(fields(&replaced, &["orig_user_ref_num", "user_ref_num"]), [1, 2]);
    assert_eq!(fields(&replaced, &["quantity", "price"]), [json!(50), json!(price + 100)]);
    let canceled = maker.ask(json!({"do": "cancel", "user_ref_num": 2, "quantity": 0}), "C");
    assert_eq!(canceled["quantity"], 50);
    assert_eq!(canceled["cancel_order_reason"], "U");

    // Nothing rests any more: an order that will not wait is gone.
    taker.ask(ioc("S", 10, price), "A");
    let gone = taker.hear("C");
    assert_eq!(fields(&gone, &["quantity", "cancel_order_reason"]), [json!(10), json!("I")]);
}

/// Orders that this venue does not take, each with OUCH's reason; none of them reaches the tape.
fn refuse(maker: &mut Peer) {
    for (field, value, reason) in [
        ("side", json!("Q"), 0x09),
        ("symbol", json!("NOSUCH"), 0x17),
        ("quantity", json!(0), 0x13),
        ("price", json!(0), 0x1D),
        ("price", json!(u64::MAX), 0x1D),
        ("display", json!("Z"), 0x03),
        ("cross_type", json!("S"), 0x14),
        ("time_in_force", json!("9"), 0x0F),
        ("quantity", json!(u32::MAX), 0x1E),
    ] {
        let mut order = enter("B", 100, 100 * DOLLAR);
        order[field] = value.clone();
        let rejected = maker.ask(order, "J");
        assert_eq!(rejected["rejected_order_reason"], reason, "{field} = {value}: {rejected}");
    }
    // A number that was used is no new order, whatever is in it: silence, and the next one counts.
    let mut again = enter("B", 100, 100 * DOLLAR);
    again["user_ref_num"] = 1.into();
    maker.tell(again);
    let next = maker.ask(json!({"do": "query"}), "Q");
    assert_eq!(next["next_user_ref_num"], 12, "{next}");
}

/// The maker is killed, its order goes on trading, and it hears of exactly that when it is back.
/// Returns it, and what it had missed.
fn lose_the_connection(market: &Market, mut maker: Peer, taker: &mut Peer) -> (Peer, Vec<Value>) {
    maker.ask(enter("B", 300, 100 * DOLLAR), "A");
    let shrunk = json!({"do": "cancel", "user_ref_num": 12, "quantity": 200});
    let last = maker.ask(shrunk, "C");
    assert_eq!(last["quantity"], 100);
    assert_eq!(maker.early(), Vec::<Value>::new());
    let next = last["sequence"].as_u64().expect("a sequence number") + 1;
    drop(maker);

    let mut matches = Vec::new();
    for _ in 0..3 {
        taker.ask(ioc("S", 50, 100 * DOLLAR), "A");
        matches.push(taker.hear("E")["match_number"].clone());
    }
    let mut maker = market.login("MAKER", next, 13);
    let missed: Vec<Value> = (0..3).map(|_| maker.hear("E")).collect();
    let heard: Vec<&Value> = missed.iter().map(|m| &m["match_number"]).collect();
    assert_eq!(heard, matches.iter().collect::<Vec<_>>());
    let sequences: Vec<u64> = missed.iter().filter_map(|m| m["sequence"].as_u64()).collect();
    assert_eq!(sequences, [next, next + 1, next + 2]);
    let answer = maker.ask(json!({"do": "query"}), "Q");
    assert_eq!(answer["sequence"], next + 3, "nothing was repeated in between");
    assert_eq!(answer["next_user_ref_num"], 13);
    assert_eq!(maker.early(), Vec::<Value>::new());
    (maker, missed)
}

/// A client that lost everything asks from message 1; what it heard before comes as it came then.
fn replay_from_the_start(market: &Market, maker: Peer, heard: &[Value]) -> Peer {
    let next = maker.finish()["next_sequence"].as_u64().expect("a sequence number");
    let mut maker = market.login("MAKER", 1, 13);
    let answer = maker.ask(json!({"do": "query"}), "Q");
    // That of the first query was the first one of its type to come.
    assert!(answer["sequence"].as_u64() < Some(next));
    maker.hear("Q");
    maker.hear("Q");
    let mut all = maker.early();
    all.push(answer);
    all.sort_by_key(|m| m["sequence"].as_u64());
    let plain = |message: &Value| {
        let mut message = message.clone();
        message["t_ns"] = Value::Null;
        message
    };
    for old in heard {
        let mut same = all.iter().filter(|m| m["sequence"] == old["sequence"]);
        assert_eq!(same.next().map(plain), Some(plain(old)));
        assert_eq!(same.next(), None);
    }
    let count = |kind: &str| all.iter().filter(|m| m["type"] == kind).count();
    assert_eq!(["A", "E", "U", "C", "J"].map(count), [2, 4, 1, 2, 9]);
    maker
}

/// A stranger, rubbish before and after the login: each is shown out, and the others trade on.
fn misbehave(market: &Market, taker: &mut Peer) {
    let mut stranger = Peer::connect(&market.cables[0], VENUE, ("TAKER", "guess"), (1, 1));
    assert_eq!(stranger.until("login_rejected")["reason"], "A");
    for bytes in ["ffffffffffffffff", "0000", "000148", "474554202f20485454502f312e310d0a0d0a"] {
        market.probe(&format!("rubbish {} {} {bytes}", VENUE.0, VENUE.1));
    }
    // An OUCH type that there is not, and one cut short: dropped, and the session goes on.
    taker.tell(json!({"do": "raw", "hex": "7e00"}));
    taker.tell(json!({"do": "raw", "hex": "4f00"}));
    taker.ask(ioc("S", 20, 100 * DOLLAR), "A");
    assert_eq!(taker.hear("E")["quantity"], 20);
}

/// What was published before a listener joined comes to it alone when it asks.
fn retransmit(market: &Market) {
    let late = market.listen("--recover 10.77.2.1:26477 --count 15");
    let summary = late.finish();
    assert_eq!(summary["gaps"], json!([]), "{summary}");
    assert_eq!(summary["messages"], 15, "{summary}");
    assert!(summary["lines"]["recovery"].as_u64() > Some(0), "{summary}");
}

/// The venue is told to end: everyone hears of it, and all counts agree.
fn goodbye(venue: Running<'_>, clients: [Peer; 2], mut listener: Peer) {
    let clients = clients.map(|mut client| {
        client.tell(json!({"do": "sleep", "seconds": 20}));
        client
    });
    std::thread::sleep(Duration::from_millis(100));
    venue.signal("INT");
    let [maker, taker] = clients.map(|mut client| {
        client.until("end_of_session");
        client.finish()
    });
    let ended = venue.wait();
    let report = ended.report();
    assert!(ended.status.success(), "{}", ended.stderr);
    let mut tape = Vec::new();
    let summary = loop {
        let event = listener.next();
        if event["event"] == "summary" {
            break event;
        }
        tape.push(event);
    };
    assert_eq!(summary["ended"], true, "{summary}");
    assert_eq!(summary["gaps"], json!([]), "{summary}");
    let types = json!({"S": 6, "R": 1, "H": 1, "A": 2, "E": 5, "U": 1, "D": 1, "X": 1});
    assert_eq!(summary["types"], types);
    let events = tape.iter().filter(|m| m["type"] == "S");
    let events: Vec<&str> = events.filter_map(|m| m["event_code"].as_str()).collect();
    assert_eq!(events, ["O", "S", "Q", "M", "E", "C"]);
    let count = |group, name| report.counter("venue", group, name);
    assert_eq!(count("moldudp64", "messages"), summary["messages"]);
    assert_eq!(count("venue", "itch_published"), summary["messages"]);
    assert_eq!(count("venue", "shares_executed"), 40 + 3 * 50 + 20);
    let replies = [&maker, &taker].map(|s| s["next_sequence"].as_u64().unwrap_or(0) - 1);
    assert_eq!(count("venue", "ouch_replies"), replies[0] + replies[1]);
    assert_eq!(count("moldudp64", "ends_of_session"), 1);
    assert!(count("moldudp64", "requests_answered") > 0);
    assert_eq!(count("disconnects", "not_authorized"), 1);
    let drops = report.summary("drops");
    assert_eq!(drops, 0, "messages that were none are no loss:\n{}", report.counted());
}

/// The same over `net_tap`, whose interface comes and goes with the venue.
#[test]
fn a_venue_on_a_tap_serves_a_kernel_client() {
    if !common::need_netns("a_venue_on_a_tap_serves_a_kernel_client")
        || !common::need_tools("a_venue_on_a_tap_serves_a_kernel_client", &["python3"])
    {
        return;
    }
    let _machine = machine();
    // For its namespace; nothing goes over the cable itself.
    let cable = Cable::lay("10.77.9.2/24").expect("a cable");
    let taps = ["a", "b"].map(|end| format!("pg{}t{end}", std::process::id()));
    let scenario = Scenario::new("tests/data/kernel-venue.toml")
        .edit("net_af_packet0,iface=ORDERS", &format!("net_tap0,iface={}", taps[0]))
        .edit("net_af_packet1,iface=MARKET", &format!("net_tap1,iface={}", taps[1]))
        .args("--no-huge");
    let mut venue = scenario.start();
    venue.wait_hot();
    for (tap, address) in taps.iter().zip(["10.77.1.2/24", "10.77.2.2/24"]) {
        cable.adopt(tap, address).expect("the tap moves");
    }
    let mut client = Peer::login(&cable, VENUE, "MAKER", (1, 1));
    client.ask(enter("B", 100, 100 * DOLLAR), "A");
    let canceled = client.ask(json!({"do": "cancel", "user_ref_num": 1, "quantity": 0}), "C");
    assert_eq!(canceled["quantity"], 100);
    client.tell(json!({"do": "sleep", "seconds": 20}));
    std::thread::sleep(Duration::from_millis(100));
    venue.signal("INT");
    client.until("end_of_session");
    let ended = venue.wait();
    let report = ended.passed();
    assert_eq!(report.counter("venue", "venue", "ouch_messages"), 2);
    // Five to open the day, the order and its end, three to close it.
    assert_eq!(report.counter("venue", "moldudp64", "messages"), 5 + 2 + 3);
}
