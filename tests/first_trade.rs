//! A whole market in one process or two, held to figures that are counted here from the samples.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

mod common;

#[path = "common/appliance.rs"]
mod appliance;

use appliance::{Ended, Report, Running, Scenario, machine};

const QUICKSTART: &str = "config/quickstart.toml";
/// Orders of the sample that were entered before it begins, as Nasdaq's book of that day shows.
const UNKNOWN_ORDER_REFS: u64 = 3_970;

fn sample(name: &str) -> PathBuf {
    common::repo_root().join("data/sample").join(name)
}

/// What the samples hold, read without any of the crates' codecs.
#[derive(Debug, Default)]
struct Counted {
    by_type: BTreeMap<char, u64>,
    live: HashMap<u64, u32>,
    unknown: u64,
    /// Where the last message's length stands in the last file.
    last_at: usize,
}

impl Counted {
    fn samples() -> Counted {
        let mut counted = Counted::default();
        for name in ["sod.itch", "aapl.itch"] {
            let bytes = fs::read(sample(name)).expect("a sample");
            let mut at = 0;
            while at < bytes.len() {
                let length = usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
                counted.message(&bytes[at + 2..at + 2 + length]);
                counted.last_at = at;
                at += 2 + length;
            }
        }
        counted
    }

    /// Follows orders as the specification's section on order books says.
    fn message(&mut self, message: &[u8]) {
        let kind = char::from(message[0]);
        *self.by_type.entry(kind).or_default() += 1;
        let id = |at: usize| u64::from_be_bytes(message[at..at + 8].try_into().expect("width"));
        let shares = |at: usize| u32::from_be_bytes(message[at..at + 4].try_into().expect("width"));
        match kind {
            'A' | 'F' => {
                self.live.insert(id(11), shares(20));
            }
            'E' | 'C' | 'X' => match self.live.get_mut(&id(11)) {
                Some(left) if *left > shares(19) => *left -= shares(19),
                Some(_) => {
                    self.live.remove(&id(11));
                }
                None => self.unknown += 1,
            },
            'D' if self.live.remove(&id(11)).is_none() => self.unknown += 1,
            // What replaces an order of unknown side cannot be put into a book.
            'U' if self.live.remove(&id(11)).is_none() => self.unknown += 1,
            'U' => {
                self.live.insert(id(19), shares(27));
            }
            _ => {}
        }
    }
}

/// Holds a run of the quickstart to what the samples hold, whatever the pace and the strategy.
fn holds(ended: &Ended) -> &Report {
    let (report, counted) = (ended.passed(), Counted::samples());
    assert_eq!(report.0["interrupted"], false);
    assert_eq!(report.types("feed"), counted.by_type);
    assert_eq!(report.summary("messages_decoded"), counted.by_type.values().sum::<u64>());
    assert_eq!(counted.unknown, UNKNOWN_ORDER_REFS);
    assert_eq!(report.summary("unknown_order_refs"), UNKNOWN_ORDER_REFS);
    let books = report.0["books"].as_array().expect("books");
    let heard = books.iter().find(|b| b["symbol"] == "AAPL at trader").expect("the trader's book");
    assert_eq!(heard["live_orders"], counted.live.len() as u64);
    for zero in ["drops", "gaps", "allocations_hot"] {
        assert_eq!(report.summary(zero), 0, "{zero}");
    }
    assert!(report.summary("fills") > 0 && report.summary("shares_filled") > 0);
    let [sent, accepted, rejected] =
        ["orders_sent", "orders_accepted", "orders_rejected"].map(|n| report.summary(n));
    assert_eq!(sent, accepted + rejected);
    // The venue is asked, too: it has seen what its clients say they have sent.
    let clients = report.counter("trader", "order_link", "messages_sent")
        + report.counter("loadgen", "order_link", "messages_sent");
    assert_eq!(report.counter("venue", "venue", "ouch_messages"), clients);
    assert_eq!(
        report.counter("venue", "engine", "accepted"),
        accepted + report.counter("loadgen", "loadgen", "orders_accepted")
    );
    report
}

fn shows_tables_and_pictures(ended: &Ended) {
    for told in ["all ", "Quickstart", "Orders and fills", "Verdicts", "✓ pass", "tick to trade"]
    {
        assert!(ended.stdout.contains(told), "no {told:?} in {}", ended.stdout);
    }
    assert!(ended.page.contains("<svg") && ended.page.contains("Quickstart"));
    for outside in ["http://", "https://", "src=", "<link", "@import", "url("] {
        // The name of SVG's namespace is no address that anything is loaded from.
        let page = ended.page.replace("http://www.w3.org/2000/svg", "");
        assert!(!page.contains(outside), "the page asks for {outside:?}");
    }
}

#[test]
fn the_quickstart_trades_flat_out() {
    let _machine = machine();
    let ended = Scenario::new(QUICKSTART).args("--no-huge --pace max").run();
    let report = holds(&ended);
    assert_eq!(report.0["host"]["huge"], false);
    shows_tables_and_pictures(&ended);
}

#[test]
fn the_quickstart_trades_at_a_multiple_of_the_recorded_pace() {
    let _machine = machine();
    let report_of = Scenario::new(QUICKSTART).args("--no-huge --pace 200x").run();
    let report = holds(&report_of);
    let lag = latency(report, "loadgen", "replay_lag");
    assert_eq!(lag["count"], report.counter("loadgen", "loadgen", "messages"));
}

#[test]
fn the_quickstart_trades_at_a_set_rate() {
    let _machine = machine();
    let ended = Scenario::new(QUICKSTART).args("--no-huge --pace 200000/s --quiet").run();
    holds(&ended);
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""), "quiet is quiet");
}

fn latency<'r>(report: &'r Report, role: &str, name: &str) -> &'r Value {
    let mut roles = report.0["roles"].as_array().expect("roles").iter();
    let role = roles.find(|r| r["name"] == role).expect("the role");
    let mut latencies = role["latencies"].as_array().expect("latencies").iter();
    latencies.find(|l| l["name"] == name).expect("the latency")
}

#[test]
fn a_strategy_that_rests_and_cancels_balances_too() {
    let _machine = machine();
    let join = Scenario::new(QUICKSTART).edit("mode = 0 ", "mode = 1 ");
    let ended = join.args("--no-huge --pace 200x").run();
    let report = holds(&ended);
    assert!(report.counter("trader", "orders", "cancels_sent") > 0);
}

#[test]
fn a_gzip_copy_of_the_samples_is_the_same_market() {
    let _machine = machine();
    let mut run = Scenario::new(QUICKSTART).args("--no-huge --pace max");
    for name in ["sod.itch", "aapl.itch"] {
        let copy = run.folder().join(format!("{name}.gz"));
        let file = fs::File::create(&copy).expect("a file");
        let mut zip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        std::io::Write::write_all(&mut zip, &fs::read(sample(name)).expect("a sample")).unwrap();
        zip.finish().expect("all is written");
        run = run.edit(&sample(name).to_string_lossy(), &copy.to_string_lossy());
    }
    holds(&run.run());
}

#[test]
fn a_file_that_breaks_off_is_named_with_the_place() {
    let _machine = machine();
    let mut run = Scenario::new(QUICKSTART).args("--no-huge --pace max");
    let broken = run.folder().join("broken.itch");
    let whole = fs::read(sample("aapl.itch")).expect("a sample");
    fs::write(&broken, &whole[..whole.len() - 5]).expect("a file");
    run = run.edit(&sample("aapl.itch").to_string_lossy(), &broken.to_string_lossy());
    let ended = run.run();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    let counted = Counted::samples();
    let place =
        format!("{}: ends inside the message at byte {}:", broken.display(), counted.last_at);
    assert!(ended.stderr.contains(&place), "{place} is not in {}", ended.stderr);
    // Everything before it was traded, and is reported.
    let heard = ended.report().summary("messages_decoded");
    assert_eq!(heard, counted.by_type.values().sum::<u64>() - 1);
    assert!(ended.page.contains("<svg"));
}

fn huge_files(prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir("/dev/hugepages").into_iter().flatten().flatten();
    entries.map(|e| e.path()).filter(|p| p.to_string_lossy().contains(prefix)).collect()
}

#[test]
fn hugepages_are_used_and_given_back() {
    // First alone: other tests here take some of the pages that are asked for.
    let _machine = machine();
    if !common::need_hugepages("hugepages_are_used_and_given_back", 100) {
        return;
    }
    let require = ("huge = \"auto\"", "huge = \"require\"");
    let run = Scenario::new(QUICKSTART).edit(require.0, require.1).args("--pace max");
    assert_eq!(holds(&run.run()).0["host"]["huge"], true);
    assert_eq!(huge_files(run.prefix()), Vec::<PathBuf>::new());

    let killed = Scenario::new(QUICKSTART).edit(require.0, require.1).args("--pace recorded");
    let mut running = killed.start();
    running.wait_hot();
    running.signal("KILL");
    assert_eq!(running.wait().status.code(), None, "killed by a signal");
    assert_eq!(huge_files(killed.prefix()), Vec::<PathBuf>::new());
    // The pages themselves are free again: a second run gets them.
    let again = Scenario::new(QUICKSTART).edit(require.0, require.1).args("--pace max");
    holds(&again.run());
}

/// The two processes of `tests/data/split-*.toml`, joined by a socket of this test alone.
fn split(password: &str) -> [Scenario; 2] {
    let [first, last] = appliance::cpus();
    let parts = [("venue", first), ("clients", last)].map(|(name, cpu)| {
        let scenario = Scenario::new(&format!("tests/data/split-{name}.toml"));
        scenario.edit("cpus = [0]", &format!("cpus = [{cpu}]")).args("--no-huge")
    });
    let socket = format!("{}.sock", parts[0].prefix());
    let [venue, clients] = parts.map(|s| s.edit("split.sock", &socket));
    [venue, clients.edit("trader-password", password)]
}

/// Ends a run that goes on until a signal.
fn interrupted(running: Running<'_>) -> Ended {
    running.signal("INT");
    let ended = running.wait();
    assert_eq!(ended.passed().0["interrupted"], true);
    ended
}

#[test]
fn two_processes_trade_over_shared_memory() {
    let _machine = machine();
    let [venue, clients] = split("quickstart");
    let mut venue = venue.start();
    venue.wait_hot();
    let mut clients = clients.start();
    clients.wait_hot();
    std::thread::sleep(std::time::Duration::from_secs(2));
    let (clients, venue) = (interrupted(clients), interrupted(venue));
    let (clients, venue) = (clients.report(), venue.report());
    assert!(clients.summary("fills") > 0, "{}", clients.0["summary"]);
    let of_clients = |name| {
        let trader = clients.counter("trader", "orders", name);
        trader + clients.counter("loadgen", "loadgen", name)
    };
    let matched = venue.counter("venue", "venue", "shares_executed");
    assert!(matched > 0);
    assert_eq!(2 * matched, of_clients("shares_filled"));
    assert_eq!(matched, clients.counter("loadgen", "watch", "shares_executed"));
    let accepted = clients.summary("orders_accepted");
    let flow = clients.counter("loadgen", "loadgen", "orders_accepted");
    assert_eq!(venue.counter("venue", "engine", "accepted"), accepted + flow);
}

#[test]
fn a_wrong_password_ends_the_client_and_not_the_venue() {
    let _machine = machine();
    let [venue, clients] = split("wrong");
    let mut venue = venue.start();
    venue.wait_hot();
    let ended = clients.run();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("\"trader\""), "{}", ended.stderr);
    assert!(ended.stderr.contains("user or password is wrong"), "{}", ended.stderr);
    let ended = interrupted(venue);
    let refused = ended.report().counter("venue", "disconnects", "not_authorized");
    assert!(refused > 0, "{}", ended.stdout);
}
