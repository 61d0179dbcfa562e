//! Which clock a strategy sees: the exchange's, wherever and whenever the host is.

use super::rig::*;
use super::say::Told;
use crate::CoreConfig;
use algos::{Builtin, Strategy};
use types::OrderSide;

const S_NS: u64 = 1_000_000_000;
const H_NS: u64 = 3_600 * S_NS;
/// Hosts at any time of day, on the second day of their run, too.
const HOSTS_NS: [u64; 6] =
    [1, 9 * H_NS, 15 * H_NS + 59 * 60 * S_NS, 21 * H_NS, 24 * H_NS - S_NS, 40 * H_NS];

/// A rig whose host's clock stands at `host_ns` and whose exchange's at `feed_ns`.
fn at<S: Strategy>(strategy: S, host_ns: u64, feed_ns: u64) -> Rig<S> {
    let mut rig = Rig::new(strategy, CoreConfig::default(), limits());
    (rig.now_ns, rig.feed_ns) = (host_ns, feed_ns);
    let mut rig = rig.ready();
    rig.quote(A, 1_000_000, 1_000_400);
    rig
}

fn builtin(kind: &str, set: &[(&str, i64)]) -> Builtin {
    let mut values = Builtin::defaults(kind).unwrap();
    let specs = Builtin::KINDS.iter().find(|known| known.name == kind).unwrap().params;
    for (name, value) in set {
        values[specs.iter().position(|spec| spec.name == *name).unwrap()] = *value;
    }
    Builtin::new(kind, &names(), &values).unwrap()
}

/// So much time passes at the host, and the exchange says something of the other symbol.
fn pass<S: Strategy>(rig: &mut Rig<S>, host_ns: u64, feed_ns: u64) {
    rig.now_ns += host_ns;
    rig.feed_ns += feed_ns;
    rig.tell(B, Told::State { name: 1, letter: b'T' });
    rig.answer();
    rig.tick();
    rig.answer();
}

#[test]
fn a_market_maker_quotes_by_the_exchanges_day_whatever_the_hosts_says() {
    for host_ns in HOSTS_NS {
        let mut rig = at(builtin("market-maker", &[]), host_ns, 10 * H_NS);
        pass(&mut rig, S_NS, S_NS);
        assert_eq!(rig.live().len(), 2, "the host at {host_ns}");
        pass(&mut rig, S_NS, 6 * H_NS - 62 * S_NS);
        pass(&mut rig, S_NS, 1);
        assert_eq!(rig.live().len(), 2, "15:58:59, the host at {host_ns}");
        // The feed says nothing more: the clock goes on by the host's.
        rig.now_ns += 3 * S_NS;
        rig.tick();
        rig.answer();
        assert_eq!(rig.live().len(), 0, "15:59, the host at {host_ns}");
    }
}

#[test]
fn quotes_go_when_a_symbol_is_quiet_in_the_exchanges_time() {
    // Fifty times as fast as recorded, and as it comes.
    for pace in [50, 1] {
        let mut rig = at(builtin("market-maker", &[("quiet_ms_max", 5_000)]), 0, 10 * H_NS);
        for s in 1..=4 {
            pass(&mut rig, S_NS / pace, S_NS);
            assert_eq!(rig.live().len(), 2, "{s} s at {pace}");
        }
        pass(&mut rig, S_NS / pace, S_NS);
        pass(&mut rig, S_NS / pace, S_NS);
        assert_eq!(rig.live().len(), 0, "at {pace}");
        rig.tell(A, Told::State { name: 0, letter: b'T' });
        pass(&mut rig, S_NS / pace, 1);
        assert_eq!(rig.live().len(), 2, "news at {pace}");
    }
}

#[test]
fn an_executor_works_in_its_window_of_the_exchanges_day() {
    let set = [("total_shares", 1_000), ("start_s", 36_000), ("end_s", 39_600)];
    for host_ns in HOSTS_NS {
        let mut rig = at(builtin("executor", &set), host_ns, 10 * H_NS - 10 * S_NS);
        pass(&mut rig, S_NS, S_NS);
        assert_eq!(rig.live().len(), 0, "09:59:51, the host at {host_ns}");
        pass(&mut rig, S_NS, 10 * S_NS);
        pass(&mut rig, S_NS, S_NS);
        assert_eq!(rig.live().len(), 1, "10:00:02, the host at {host_ns}");
        pass(&mut rig, S_NS, H_NS);
        pass(&mut rig, S_NS, S_NS);
        assert_eq!(rig.live().len(), 0, "11:00:02, the host at {host_ns}");
    }
}

#[test]
fn a_feed_that_counts_on_after_midnight_begins_another_day() {
    let mut rig = at(builtin("market-maker", &[]), 0, 23 * H_NS);
    pass(&mut rig, S_NS, S_NS);
    assert_eq!(rig.live().len(), 0, "23:00 is past quote_until_s");
    pass(&mut rig, S_NS, H_NS);
    pass(&mut rig, S_NS, S_NS);
    assert_eq!(rig.live().len(), 2, "00:00:02");
}

#[test]
fn a_new_session_begins_the_clock_anew_and_intervals_go_on() {
    let mut rig = at(builtin("market-maker", &[]), 0, 20 * H_NS);
    pass(&mut rig, S_NS, S_NS);
    assert_eq!(rig.core.feed_ns(rig.now_ns) / H_NS, 20);
    rig.feed_session();
    assert_eq!(rig.core.feed_ns(rig.now_ns), 0);
    rig.feed_ns = 9 * H_NS;
    rig.list();
    assert_eq!(rig.core.feed_ns(rig.now_ns) / H_NS, 9);
    rig.quote(A, 1_000_000, 1_000_400);
    pass(&mut rig, S_NS, S_NS);
    assert_eq!(rig.live().len(), 2);
}

#[test]
fn a_snapshot_tells_the_time() {
    let mut rig = Rig::scribe(CoreConfig::default(), limits());
    rig.feed_ns = 11 * H_NS;
    rig.core.on_snapshot_begin();
    for lot in [100, 200] {
        rig.feed_ns += 1;
        rig.snapshot(A, Told::Directory { name: 0, lot });
    }
    assert_eq!(rig.core.feed_ns(rig.now_ns + 5), 11 * H_NS + 7);
}

#[test]
fn the_gate_and_the_desk_go_by_the_hosts_clock() {
    let mut rig = at(Scribe::default(), 21 * H_NS, 10 * H_NS);
    let order = rig.enter(ask(A, OrderSide::Buy, 1, 900_000)).unwrap();
    let entered_ns = rig.core.desk().order(order).unwrap().entered_ns;
    assert_eq!(entered_ns, rig.now_ns);
    rig.enter(ask(A, OrderSide::Buy, 0, 900_000)).unwrap_err();
    assert_eq!(rig.wire.refused[0].at_ns, rig.now_ns);
}
