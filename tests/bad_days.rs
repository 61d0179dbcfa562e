//! The trader's bad days: a cable of orders that loses and damages, a process that is killed, a
//! feed that lies. What is left of each is held against the venue's ledger.

mod common;

#[path = "common/appliance.rs"]
mod appliance;

use std::path::Path;

use appliance::{Report, Scenario, cpus, machine};

/// The quickstart with an impairment stage on the cable of the trader's orders, both ways.
fn stormy(rates: &str) -> Scenario {
    let impair = format!(
        "[[impair]]\nname = \"weather\"\nlcore = 1\na = \"order.b\"\nb = \"storm.a\"\nseed = 11\n\
         [impair.a_to_b]\n{rates}\n[impair.b_to_a]\n{rates}\n[[loadgen]]"
    );
    Scenario::new("config/quickstart.toml")
        .edit("[pool]", "[[link]]\nname = \"storm\"\nslots = 1024\n\n[pool]")
        .edit("port = \"order.b\"", "port = \"storm.b\"")
        .edit("[[loadgen]]", &impair)
        .edit("drain_ms = 500", "drain_ms = 20000")
        .args("--no-huge --pace 50000/s")
}

#[test]
fn orders_cross_a_storm_and_are_all_accounted_for() {
    let _machine = machine();
    let rates = "loss = 0.03\nduplicate = 0.03\nreorder = 0.03\ncorrupt = 0.01";
    let ended = stormy(rates).run();
    let report = ended.passed();
    for harm in ["lost", "duplicated", "reordered", "corrupted"] {
        assert!(report.counter("weather", "a_to_b", harm) > 0, "{harm}: {}", report.counted());
    }
    assert!(report.summary("fills") > 0);
    assert!(report.is_ok("positions are the ledger's"));
}

/// The sample's messages behind the day's listings, with lies among them.
fn lying(folder: &Path) -> String {
    let root = common::repo_root();
    let read = |name: &str| {
        std::fs::read(root.join(format!("data/sample/{name}.itch"))).expect("the sample")
    };
    let (mut day, morning) = (read("sod"), read("aapl"));
    let half = message_at(&morning, 30_000);
    day.extend_from_slice(&morning[..half]);
    let add = find(&morning, b'A', half);
    let mut reference = [0; 8];
    reference.copy_from_slice(&add[11..19]);
    // A price of zero under a number of its own; the number that stands already; more shares
    // executed than there are; one that nobody was told of; a symbol that was never listed.
    push(&mut day, &edited(add, &[(11, &(1u64 << 60).to_be_bytes()), (32, &[0; 4])]));
    push(&mut day, add);
    push(&mut day, add);
    let mut execution = vec![0; 31];
    execution[..11].copy_from_slice(&add[..11]);
    execution[0] = b'E';
    execution[11..19].copy_from_slice(&reference);
    execution[19..23].copy_from_slice(&1_000_000u32.to_be_bytes());
    push(&mut day, &execution);
    push(&mut day, &edited(&execution, &[(11, &(1u64 << 61).to_be_bytes())]));
    push(&mut day, &edited(add, &[(1, &[0x03, 0xF0])]));
    push(&mut day, &edited(add, &[(5, &[0; 6]), (11, &(1u64 << 59).to_be_bytes())]));
    day.extend_from_slice(&morning[half..]);
    let path = folder.join("lies.itch");
    std::fs::write(&path, day).expect("a file");
    path.display().to_string()
}

/// Where message number `count` begins.
fn message_at(file: &[u8], count: usize) -> usize {
    (0..count).fold(0, |at, _| at + 2 + usize::from(u16::from_be_bytes([file[at], file[at + 1]])))
}

/// The first message of this type from `at` on.
fn find(file: &[u8], kind: u8, mut at: usize) -> &[u8] {
    loop {
        let length = usize::from(u16::from_be_bytes([file[at], file[at + 1]]));
        let message = &file[at + 2..at + 2 + length];
        if message[0] == kind {
            return message;
        }
        at += 2 + length;
    }
}

fn edited(message: &[u8], edits: &[(usize, &[u8])]) -> Vec<u8> {
    let mut message = message.to_vec();
    for (at, bytes) in edits {
        message[*at..at + bytes.len()].copy_from_slice(bytes);
    }
    message
}

fn push(file: &mut Vec<u8>, message: &[u8]) {
    file.extend_from_slice(&(message.len() as u16).to_be_bytes());
    file.extend_from_slice(message);
}

/// A run that is told lies, with what the trader makes of a suspect symbol.
fn lied_to(suspect: &str) -> Report {
    let scenario = Scenario::new("config/quickstart.toml");
    let path = lying(scenario.folder());
    let files = "files = [\"";
    let start = "suspect = \"stop\"                # after";
    let scenario = scenario
        .edit(start, &format!("suspect = \"{suspect}\" # after"))
        .cut(files, "pace = ")
        .edit("pace = \"50x\"", &format!("files = [\"{path}\"]\npace = \"50x\""))
        .args("--no-huge --pace 100000/s");
    let ended = scenario.run();
    // The flow enters what it was told too: only the trader's own checks are looked at here.
    ended.report.expect("a report")
}

#[test]
fn a_feed_that_lies_is_counted_and_its_symbol_let_be() {
    let _machine = machine();
    let told = lied_to("stop");
    for lie in [
        "zero_price",
        "duplicate_reference",
        "executed_beyond_size",
        "unknown_reference",
        "unlisted_symbol",
        "time_went_back",
    ] {
        assert!(told.counter("trader", "lies", lie) > 0, "{lie}: {}", told.counted());
    }
    assert!(told.counter("trader", "gate_refused", "suspect") > 0, "{}", told.counted());
    assert!(told.is_ok("positions are the ledger's"));
    let trusting = lied_to("trade");
    assert_eq!(trusting.counter("trader", "gate_refused", "suspect"), 0);
    assert!(trusting.summary("orders_sent") > 0);
}

/// The venue's process and the clients' over shared memory, on a CPU each.
fn two_processes() -> [Scenario; 2] {
    let parts = ["venue", "clients"].map(|name| {
        let cpu = cpus()[usize::from(name == "clients")];
        Scenario::new(&format!("tests/data/split-{name}.toml"))
            .edit("cpus = [0]", &format!("cpus = [{cpu}]"))
            .args("--no-huge")
    });
    let socket = format!("{}.sock", parts[0].prefix());
    parts.map(|s| s.edit("split.sock", &socket))
}

#[test]
fn a_trader_that_was_killed_has_its_positions_back() {
    let _machine = machine();
    let [venue, clients] = two_processes();
    let clients = clients.edit("trader-password", "quickstart").edit("mode = 1", "mode = 0");
    let mut market = venue.start();
    market.wait_hot();
    let mut first = clients.start();
    first.wait_hot();
    std::thread::sleep(std::time::Duration::from_secs(3));
    first.signal("KILL");
    first.wait();
    // DPDK's memif lets a port go some time after the peer has died; one that comes sooner hangs.
    std::thread::sleep(std::time::Duration::from_secs(1));
    let mut again = clients.start();
    again.wait_hot();
    std::thread::sleep(std::time::Duration::from_secs(2));
    again.signal("INT");
    let report = again.wait();
    let report = report.report();
    assert!(report.counter("trader", "orders", "recovered") > 0, "{}", report.counted());
    let held = report.note("trader", "AAPL: position ");
    market.signal("INT");
    let theirs = market.wait();
    let ledger = theirs.report().note("venue", "TRADE1: AAPL ");
    let shares = |note: &str, word: &str| -> i64 {
        let after = note.split(word).nth(1).and_then(|rest| rest.split(' ').next());
        after.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{note}"))
    };
    assert_eq!(shares(&held, "position "), shares(&ledger, "AAPL "), "{held} and {ledger}");
}
