//! Differences, sums and rates; the names that JSON promises.

use super::*;
use crate::loopback::fixture;

#[test]
fn a_difference_holds_what_came_between() {
    let (early, late) = (fixture::snapshot(2), fixture::snapshot(5));
    let between = late.since(&early);
    assert_eq!(between.elapsed_ns, 3_000_000_000);
    assert_eq!(between.ports[0].device.rx_packets, 3_000_003);
    assert_eq!(between.ports[0].xstats.get("rx_good_packets"), 3_000_000);
    assert_eq!(between.streams[0].rx_packets, 3_000_000);
    assert_eq!(between.streams[0].drops.get("tx_full"), 3);
    assert_eq!(between.streams[0].rx_bursts, [(0, 375_000), (16, 93_750), (32, 46_875)]);
    assert_eq!(between.events, [], "both events were known before");
    assert_eq!(late.since(&late).streams[0].rx_bursts, []);
}

#[test]
fn events_that_are_new_are_told_once_though_old_ones_are_forgotten() {
    let mut early = fixture::snapshot(2);
    let mut late = fixture::snapshot(3);
    late.events.push(Event { at_ns: 5, ..late.events[0].clone() });
    assert_eq!(late.since(&early).events.len(), 1);
    // Two of three are gone, one of them known.
    early.events.truncate(1);
    late.events.drain(..2);
    late.events_forgotten = 2;
    assert_eq!(late.since(&early).events.len(), 1);
}

#[test]
fn a_port_that_was_not_there_counts_from_nothing() {
    let mut early = fixture::snapshot(2);
    early.ports.pop();
    early.streams.pop();
    let between = fixture::snapshot(3).since(&early);
    assert_eq!(between.ports[1].device.tx_packets, 3_000_000);
    assert_eq!(between.streams[1].tx_packets, 3_000_000);
}

#[test]
fn losses_count_at_the_port_they_were_to_leave_by() {
    let now = fixture::snapshot(4);
    let (first, second) = (now.port_totals(0), now.port_totals(1));
    assert_eq!((first.dropped, first.rx_missed), (0, 4));
    assert_eq!((second.dropped, second.rx_missed), (4, 0));
    assert_eq!(second.rx_packets, 4_000_000);
    assert_eq!(second.tx_packets, 3_999_996);
    let all = now.totals();
    assert_eq!(all.rx_packets, first.rx_packets + second.rx_packets);
    assert_eq!(all.tx_packets, first.tx_packets + second.tx_packets);
    assert_eq!(all.lost(), first.lost() + second.lost());
    assert_eq!(all.drops.get("tx_full"), 4);
}

#[test]
fn a_mode_that_only_receives_loses_where_it_receives() {
    let mut now = fixture::snapshot(4);
    now.streams[0].tx = None;
    assert_eq!(now.port_totals(0).dropped, 4);
    assert_eq!(now.port_totals(1).dropped, 0);
}

#[test]
fn rates_are_over_the_time_between() {
    let rates = fixture::snapshot(5).since(&fixture::snapshot(1)).rates();
    assert_eq!((rates.seconds, rates.rx_pps), (4.0, 2e6));
    assert_eq!(rates.rx_bps, 2e6 * 64.0 * 8.0);
    assert_eq!(rates.lost_pps, 2.0);
    assert_eq!(Snapshot::default().rates(), Rates::default(), "no time, no rate");
}

#[test]
fn json_has_the_promised_names() {
    let mut now = fixture::snapshot(1);
    now.latency.push(fixture::latency());
    let json = serde_json::to_value(&now).expect("JSON");
    let keys = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().expect("an object").keys().cloned().collect()
    };
    let promised = [
        "elapsed_ns",
        "events",
        "events_forgotten",
        "forwarding",
        "latency",
        "mode",
        "ports",
        "streams",
    ];
    let mut found = keys(&json);
    found.sort();
    assert_eq!(found, promised);
    assert_eq!(json["streams"][0]["drops"]["tx_full"], 1);
    assert_eq!(json["streams"][0]["rx"], serde_json::json!({"port": 0, "queue": 0}));
    assert_eq!(json["streams"][0]["rx_bursts"][1], serde_json::json!([16, 31_250]));
    assert_eq!(json["ports"][1]["device"]["tx_packets"], 1_000_000);
    assert_eq!(json["latency"][0]["p99_9_ns"], 31_000);
    assert_eq!(json["events"][0]["kind"], "link_down");
}

#[test]
fn a_distribution_is_told_by_its_quantiles() {
    let histogram = telemetry::Histogram::new();
    (1..=1_000).for_each(|ns| histogram.record(ns * 100));
    let told = LatencySnapshot::of("round trip", &histogram);
    assert_eq!((told.count, told.max_ns), (1_000, 100_000));
    let within = |ns: u64, of: u64| ns.abs_diff(of) * 64 < of;
    assert!(within(told.min_ns, 100), "{told:?}");
    assert!(within(told.p50_ns, 50_000) && within(told.p99_ns, 99_000), "{told:?}");
    let empty = LatencySnapshot::of("round trip", &telemetry::Histogram::new());
    assert_eq!((empty.count, empty.p99_ns, empty.max_ns), (0, 0, 0));
}

#[test]
fn names_add_up_in_the_order_they_came() {
    let mut sum: Named = [("a", 1), ("b", 0)].into_iter().collect();
    sum.add(&[("b", 2), ("c", 3)].into_iter().collect());
    assert_eq!(sum, [("a", 1), ("b", 2), ("c", 3)].into_iter().collect());
    assert_eq!((sum.sum(), sum.get("z")), (6, 0));
    assert_eq!(serde_json::to_string(&sum).expect("JSON"), r#"{"a":1,"b":2,"c":3}"#);
}
