//! A venue whose clients are programs that we did not write.
//!
//! They come over the kernel's TCP and UDP from network namespaces: SoupBinTCP by the package
//! `nasdaq-protocols`, OUCH 5.0 by the crate `slouch`, ITCH 5.0 by the package `itchfeed`, the
//! frames themselves by tshark, and `ping` and `nc` as everybody has them. Where no published
//! client speaks a message our second implementation does (`tests/peers/ouch5.py`, `itch5.py`),
//! written from the tables of the wire formats. `scripts/setup.sh --tests` installs what these
//! tests need.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

mod common;

#[path = "common/appliance.rs"]
mod appliance;
#[path = "common/market.rs"]
mod market;
#[path = "common/peers.rs"]
mod peers;
#[path = "strangers/slouch_client.rs"]
mod slouch_client;
#[path = "strangers/tshark.rs"]
mod tshark;

use appliance::{Ended, Running, Scratch, machine};
use common::Proc;
use common::netns::{Cable, run};
use market::{Market, VENUE};
use peers::Peer;

/// Where the venue is: given to this program when it is run inside a namespace as a client.
const SLOUCH_VENUE: &str = "PEREGRINE_SLOUCH_VENUE";

/// The Python that has the published packages, as `scripts/setup.sh --tests` installs it.
fn python() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a target directory");
    target.join("strangers/bin/python")
}

/// Whether `package` can be imported there; notes a skip of `test` where not.
fn need_package(test: &str, package: &str) -> bool {
    let found = run(Command::new(python()).args(["-c", &format!("import {package}")]));
    common::need(test, found.map_err(|why| format!("needs scripts/setup.sh --tests: {why}")))
}

/// A program of `tests/strangers`.
fn stranger(program: &str) -> PathBuf {
    common::repo_root().join("tests/strangers").join(program)
}

/// Ends the venue as its operator does, and returns what it left.
fn close(venue: Running<'_>) -> Ended {
    // What was asked for last is still on its way.
    std::thread::sleep(Duration::from_millis(200));
    venue.signal("INT");
    let ended = venue.wait();
    assert!(ended.status.success(), "{}{}", ended.stderr, ended.report().counted());
    ended
}

/// The last line of a program's output, as JSON.
fn last_line(text: &str) -> Value {
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {text:?}"))
}

/// Runs `command`, which must succeed; its last line.
fn told(command: &mut Command) -> Value {
    let shown = format!("{command:?}");
    let (succeeded, text) = Proc::start(command).finish();
    assert!(succeeded, "{shown}: {text}");
    last_line(&text)
}

/// What the venue has beyond the orders that every venue takes, by the names that
/// `tests/peers/ouch5_scenarios.py` gives; scenarios that need another feature wait for it.
const FEATURES: &str = "post_only_reject,min_qty,reserve,hidden,midpoint,gtt,mass_cancel,\
                        order_entry,aiq,cross,halt,broken_trade";

/// Where the venue listens to its operator, in the folder it runs in.
const CONTROL: &str = "control.sock";

/// A venue with rules: prices in cents, firms that do not trade with themselves, an operator.
fn exchange(post_only: &str) -> Market {
    let mut market = Market::new();
    let rules = format!(
        "lcore = 0\nticks = \"reg-nms\"\npost_only = \"{post_only}\"\ncontrol = \"{CONTROL}\"\n"
    );
    market.scenario = market
        .scenario
        .edit("lcore = 0\n", &rules)
        .edit("password = \"maker-pass\"", "password = \"maker-pass\"\nfirm = \"MAKE\"")
        .edit("password = \"taker-pass\"", "password = \"taker-pass\"\nfirm = \"TAKE\"");
    market
}

/// Our second implementation trades all it can with a venue that runs.
fn scenarios(market: &Market, transcript: &Path) {
    let summary = play(market, transcript, FEATURES);
    assert!(summary["passed"].as_u64() > Some(30), "{summary}");
}

/// The scenarios that need one of these features, and those that need none; their summary.
fn play(market: &Market, transcript: &Path, features: &str) -> Value {
    let mut program = peers::command(&market.cables[0], "ouch5.py");
    program.args(["--host", VENUE.0, "--port", &VENUE.1.to_string(), "--features", features]);
    let mut traders = Peer::start(program.arg("--transcript").arg(transcript));
    let mut failed = Vec::new();
    let summary = loop {
        let event = traders.next();
        match event["event"].as_str() {
            Some("scenario") if event["passed"] == true => {}
            Some("scenario") => failed.push(event.to_string()),
            Some("operator") => {
                operate(market, &event);
                traders.tell(json!({"done": true}));
            }
            Some("summary") => break event,
            _ => panic!("{event}"),
        }
    };
    assert_eq!(failed, Vec::<String>::new(), "{summary}");
    assert_eq!(summary["error"], Value::Null, "{summary}");
    summary
}

/// Does what an operator does: halts, crosses, breaks trades. What `ouch5_scenarios.py` asks for is
/// in the operator's words already.
fn operate(market: &Market, event: &Value) {
    let mut tell = Command::new(env!("CARGO_BIN_EXE_peregrine"));
    tell.arg("tell").arg(market.scenario.folder().join(CONTROL)).arg(event["tell"].to_string());
    let (succeeded, text) = Proc::start(&mut tell).finish();
    assert!(succeeded, "{event}: {text}");
}

/// A day of those orders: what the venue left, and the tape as a file of messages.
fn trading_day(folder: &Path) -> (Ended, PathBuf, PathBuf) {
    let [tape, transcript] = ["tape.itch", "transcript.jsonl"].map(|name| folder.join(name));
    let market = exchange("reject");
    let listener = market.listen(&format!("--save {}", tape.display()));
    let mut venue = market.scenario.start();
    venue.wait_hot();
    scenarios(&market, &transcript);
    let ended = close(venue);
    let heard = listener.finish();
    assert_eq!(heard["gaps"], json!([]), "{heard}");
    (ended, tape, transcript)
}

/// What somebody counted on the tape, by type, is what the venue says that it published.
fn as_reported(ended: &Ended, types: &Value) {
    let report = ended.report();
    let counted = types.as_object().expect("counts by type");
    let of = |kind: &str| counted.get(kind).and_then(Value::as_u64).unwrap_or(0);
    let all: u64 = counted.keys().map(|kind| of(kind)).sum();
    for (group, name) in [("venue", "itch_published"), ("moldudp64", "messages")] {
        assert_eq!(report.counter("venue", group, name), all, "{types}\n{}", report.counted());
    }
}

/// An order that only adds is moved out of the way where the venue says so.
#[test]
fn an_order_that_only_adds_slides() {
    let name = "an_order_that_only_adds_slides";
    if !common::need_netns(name) || !common::need_tools(name, &["python3"]) {
        return;
    }
    let _machine = machine();
    let folder = Scratch::new();
    let market = exchange("slide");
    let mut venue = market.scenario.start();
    venue.wait_hot();
    play(&market, &folder.path().join("transcript.jsonl"), "post_only_slide");
    close(venue);
}

/// Our second implementation trades and listens; the tape and the replies tell one story.
#[test]
fn our_second_implementation_agrees_with_the_venue() {
    let name = "our_second_implementation_agrees_with_the_venue";
    if !common::need_netns(name) || !common::need_tools(name, &["python3"]) {
        return;
    }
    let _machine = machine();
    let folder = Scratch::new();
    let (ended, tape, transcript) = trading_day(folder.path());
    let mut compare = Command::new("python3");
    compare.arg(common::repo_root().join("tests/peers/itch5.py")).arg(&tape);
    let compared = told(compare.arg("--transcript").arg(&transcript));
    assert!(compared["compared"]["executions"].as_u64() > Some(10), "{compared}");
    assert!(compared["compared"]["orders"].as_u64() > Some(20), "{compared}");
    as_reported(&ended, &compared["types"]);
    let executed = ended.report().counter("venue", "venue", "shares_executed");
    assert_eq!(compared["shares_executed"], executed, "{compared}");
}

/// `itchfeed` reads every message that was published, and writes it back to the same bytes.
#[test]
fn itchfeed_counts_what_was_published() {
    let name = "itchfeed_counts_what_was_published";
    if !common::need_netns(name) || !need_package(name, "itch.parser") {
        return;
    }
    let _machine = machine();
    let folder = Scratch::new();
    let (ended, tape, _) = trading_day(folder.path());
    let counted = told(Command::new(python()).arg(stranger("itch_count.py")).arg(&tape));
    assert_eq!(counted["differ"], json!([]), "{counted}");
    as_reported(&ended, &counted["types"]);
    let executed = ended.report().counter("venue", "venue", "shares_executed");
    assert_eq!(counted["shares_executed"], executed, "{counted}");
}

/// `nasdaq-protocols` logs in, trades, replays from everywhere, sits still and hears the end.
#[test]
fn nasdaq_protocols_holds_a_session() {
    let name = "nasdaq_protocols_holds_a_session";
    if !common::need_netns(name) || !need_package(name, "nasdaq_protocols.ouch") {
        return;
    }
    let _machine = machine();
    let market = Market::new();
    let mut venue = market.scenario.start();
    venue.wait_hot();
    let mut program = market.cables[0].command(&python().to_string_lossy());
    program.arg(stranger("soup_client.py")).args([VENUE.0, &VENUE.1.to_string()]);
    let mut client = Peer::start(&mut program);
    client.until("refused");
    assert_eq!(client.until("replayed")["messages"], 12);
    let silent = client.until("sat_still")["silent_seconds"].as_f64().expect("seconds");
    assert!((14.0..20.0).contains(&silent), "a silent client was ended after {silent} s");
    client.until("waiting");
    let ended = close(venue);
    assert_eq!(client.until("summary")["ended"], true);
    let report = ended.report();
    let count = |group, name| report.counter("venue", group, name);
    assert_eq!(count("venue", "shares_executed"), 150);
    assert_eq!(count("disconnects", "peer_silent"), 1, "{}", report.counted());
    // Those that traded, and one for each sequence number.
    assert_eq!(count("disconnects", "logged_out"), 2 + 13, "{}", report.counted());
}

/// The crate `slouch` enters, replaces, modifies, cancels and trades.
#[test]
fn slouch_trades() {
    let name = "slouch_trades";
    if let Ok(venue) = std::env::var(SLOUCH_VENUE) {
        // This is the client: the same test, run by itself below.
        return slouch_client::main(&venue);
    }
    if !common::need_netns(name) {
        return;
    }
    let _machine = machine();
    let market = Market::new();
    let mut venue = market.scenario.start();
    venue.wait_hot();
    let this = std::env::current_exe().expect("this program");
    let mut client = market.cables[0].command(&this.to_string_lossy());
    client.args(["--exact", name, "--nocapture"]);
    let (succeeded, text) =
        Proc::start(client.env(SLOUCH_VENUE, format!("{}:{}", VENUE.0, VENUE.1))).finish();
    assert!(succeeded && text.contains("1 passed"), "{text}");
    let ended = close(venue);
    let report = ended.report();
    assert_eq!(report.counter("venue", "venue", "shares_executed"), 40);
    assert_eq!(report.counter("venue", "disconnects", "logged_out"), 2, "{}", report.counted());
    assert_eq!(report.summary("drops"), 0, "{}", report.counted());
}

/// tshark finds nothing wrong with any frame, and counts what we count.
#[test]
fn tshark_finds_every_frame_well_formed() {
    let name = "tshark_finds_every_frame_well_formed";
    let tools = ["python3", "tcpdump", "tshark", "ping"];
    if !common::need_netns(name) || !common::need_tools(name, &tools) {
        return;
    }
    let _machine = machine();
    let folder = Scratch::new();
    let market = exchange("reject");
    let captures = ["orders.pcap", "market.pcap"].map(|file| folder.path().join(file));
    let dumps = [0, 1].map(|at| tshark::Capture::start(&market.cables[at], &captures[at]));
    let listener = market.listen("");
    let mut venue = market.scenario.start();
    venue.wait_hot();
    ping(&market.cables[0], "10.77.1.1", "-c 3 -i 0.05");
    ping(&market.cables[1], "10.77.2.1", "-c 3 -i 0.05 -s 1400");
    scenarios(&market, &folder.path().join("transcript.jsonl"));
    // Somebody late, who asks for all of it.
    market.listen("--count 20").finish();
    let ended = close(venue);
    listener.finish();
    dumps.into_iter().for_each(tshark::Capture::stop);

    let [orders, tape] = captures.map(|file| tshark::read(&file));
    for (capture, protocols) in [
        (&orders, &["arp", "icmp", "tcp", "soupbintcp"][..]),
        (&tape, &["arp", "icmp", "igmp", "udp", "moldudp64"]),
    ] {
        capture.is_well_formed();
        for protocol in protocols {
            assert!(capture.count(protocol) > 0, "no {protocol} was captured");
        }
    }
    let report = ended.report();
    let published = report.counter("venue", "moldudp64", "messages");
    assert_eq!(tape.messages_first_told("10.77.2.1"), published, "{}", report.counted());
    // Both were gone when each session was told that the day ends.
    let replies = report.counter("venue", "venue", "ouch_replies") - 2;
    assert_eq!(orders.soup_packets("S"), replies, "{}", report.counted());
}

fn ping(cable: &Cable, host: &str, words: &str) -> String {
    let mut command = cable.command("ping");
    let (_, text) = Proc::start(command.args(words.split(' ')).arg(host)).finish();
    assert!(text.contains(" 0% packet loss"), "ping {words} {host}: {text}");
    text
}

/// Whoever pings is answered, however much and however often.
#[test]
fn ping_is_answered() {
    let name = "ping_is_answered";
    if !common::need_netns(name) || !common::need_tools(name, &["ping", "python3"]) {
        return;
    }
    let _machine = machine();
    let market = Market::new();
    let mut venue = market.scenario.start();
    venue.wait_hot();
    for (cable, host) in market.cables.iter().zip(["10.77.1.1", "10.77.2.1"]) {
        ping(cable, host, "-c 5 -i 0.02");
        // As much as a frame takes without fragments.
        ping(cable, host, "-c 5 -i 0.02 -M do -s 1472");
        ping(cable, host, "-c 5 -i 0.02 -s 0");
        ping(cable, host, "-q -f -c 1000 -w 30");
    }
    // More than a frame takes comes in fragments, which nobody needs here: no answer, no harm.
    let mut giant = market.cables[0].command("ping");
    let (answered, text) =
        Proc::start(giant.args("-c 2 -i 0.02 -W 1 -s 8000 10.77.1.1".split(' '))).finish();
    assert!(!answered, "{text}");
    serves(&market, 1);
    let ended = close(venue);
    let answered = |role| ended.report().counter("venue", role, "echoes");
    assert_eq!(["orders.0 net", "itch net"].map(answered), [1015, 1015]);
}

/// A client that behaves enters an order and takes it back.
fn serves(market: &Market, user_ref_num: u32) {
    let mut client = market.login("MAKER", 0, user_ref_num);
    let order = json!({"do": "enter", "side": "B", "quantity": 100, "symbol": "AAPL",
                       "price": 1_000_000});
    client.ask(order, "A");
    let cancel = json!({"do": "cancel", "user_ref_num": user_ref_num, "quantity": 0});
    assert_eq!(client.ask(cancel, "C")["quantity"], 100);
    client.tell(json!({"do": "logout"}));
    client.finish();
}

/// `nc` sends what is no SoupBinTCP, and the venue goes on serving those who speak it.
#[test]
fn rubbish_from_nc_does_no_harm() {
    let name = "rubbish_from_nc_does_no_harm";
    if !common::need_netns(name) || !common::need_tools(name, &["nc", "python3"]) {
        return;
    }
    let _machine = machine();
    let folder = Scratch::new();
    let market = Market::new();
    let mut venue = market.scenario.start();
    venue.wait_hot();
    serves(&market, 1);
    let rubbish = rubbish();
    for (at, bytes) in rubbish.iter().enumerate() {
        let file = folder.path().join(at.to_string());
        fs::write(&file, bytes).expect("a file");
        let mut nc = market.cables[0].command("nc");
        nc.args(["-N", "-w", "5", VENUE.0, &VENUE.1.to_string()]);
        nc.stdin(File::open(&file).expect("a file")).stdout(Stdio::null());
        // How the venue closes is its own affair: nc may call it an error.
        nc.status().expect("nc runs");
        serves(&market, u32::try_from(at).expect("few") + 2);
    }
    let ended = close(venue);
    let report = ended.report();
    let all = rubbish.len() as u64;
    assert_eq!(report.counter("venue", "venue", "connections"), 2 * all + 1);
    assert_eq!(report.counter("venue", "disconnects", "logged_out"), all + 1);
    let met = [
        "zero_length",
        "packet_too_long",
        "unknown_type",
        "packet_length",
        "not_login",
        "login_number",
        "not_authorized",
        "transport_closed",
    ]
    .map(|name| (name, report.counter("venue", "disconnects", name)));
    let sum: u64 = met.iter().map(|(_, count)| count).sum();
    assert_eq!(sum, all, "each was counted once: {met:?}\n{}", report.counted());
}

/// What nc sends, a connection each.
fn rubbish() -> Vec<Vec<u8>> {
    let mut state = 1_u32;
    let mut random = |length: usize| -> Vec<u8> {
        let next = |_| {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            (state >> 16) as u8
        };
        (0..length).map(next).collect()
    };
    let login = b"\0\x2fLMAKER maker-pass                             1".to_vec();
    assert_eq!(login.len(), 2 + 47);
    let mut heartbeat_first = b"\0\x01R".to_vec();
    heartbeat_first.extend(&login);
    let mut all = vec![
        Vec::new(),
        b"\0".to_vec(),
        login[..20].to_vec(),
        login[..48].to_vec(),
        heartbeat_first,
        b"\0\0\0\0".to_vec(),
        b"GET / HTTP/1.1\r\nHost: venue\r\n\r\n".to_vec(),
        vec![0xFF; 70_000],
    ];
    all.extend((0..8).map(|step| random(1 << (2 * step))));
    all
}
