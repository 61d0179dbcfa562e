use super::*;
use crate::report::fixture;

#[test]
fn a_moment_is_written_as_rfc_3339() {
    let text = |seconds: u64| Utc::from_unix_ns(seconds * 1_000_000_000).to_string();
    assert_eq!(text(0), "1970-01-01T00:00:00Z");
    assert_eq!(text(951_782_399), "2000-02-28T23:59:59Z");
    assert_eq!(text(951_782_400), "2000-02-29T00:00:00Z");
    assert_eq!(text(1_700_000_000), "2023-11-14T22:13:20Z");
    assert_eq!(text(4_107_542_399), "2100-02-28T23:59:59Z");
    assert_eq!(text(4_107_542_400), "2100-03-01T00:00:00Z", "2100 is no leap year");
    assert_eq!(Utc::from_unix_ns(u64::MAX).to_string(), "2554-07-21T23:34:33Z");
}

#[test]
fn every_day_follows_the_one_before() {
    let mut last = civil_date(0);
    for days in 1..200_000 {
        let date = civil_date(days);
        let next_day = (last.0, last.1, last.2 + 1);
        let next_month = (last.0, last.1 + 1, 1);
        let next_year = (last.0 + 1, 1, 1);
        assert!([next_day, next_month, next_year].contains(&date), "{last:?} then {date:?}");
        last = date;
    }
}

#[test]
fn survives_json() {
    let report = fixture::report();
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<RunReport>(&text).unwrap(), report);
}

#[test]
fn json_keeps_its_order_and_its_units() {
    let text = serde_json::to_string(&fixture::report()).unwrap();
    let keys = [
        "\"title\"",
        "\"started_utc\":\"2023-11-14T22:13:20Z\"",
        "\"wall_s\"",
        "\"summary\"",
        "\"verdicts\"",
        "\"host\"",
        "\"lcores\"",
        "\"roles\"",
        "\"ports\"",
        "\"messages_by_type\"",
        "\"books\":[",
    ];
    let places: Vec<_> = keys.iter().map(|key| text.find(key).unwrap()).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(text.contains("\"p999_ns\""));
}

#[test]
fn a_stage_keeps_what_the_histogram_said() {
    let stage = fixture::latency("match", 180, 500);
    assert_eq!((stage.name.as_str(), stage.count), ("match", 500));
    assert_eq!(stage.buckets.iter().map(|bucket| bucket.2).sum::<u64>(), 500);
    assert!(stage.min_ns <= stage.p50_ns && stage.p50_ns <= stage.p99_ns);
    assert!(stage.p99_ns <= stage.p9999_ns && stage.p9999_ns <= stage.max_ns);
}
