use super::*;
use crate::report::fixture;
use crate::report::model::RunReport;

#[test]
fn no_line_is_wider_than_it_may_be() {
    for report in [fixture::report(), fixture::hostile(), RunReport::default()] {
        for line in render(&report, false).lines() {
            assert!(line.chars().count() <= usize::from(COLUMNS_MAX), "{line}");
        }
    }
}

#[test]
fn says_what_a_person_wants_to_know() {
    let text = render(&fixture::report(), false);
    let wanted = [
        "one tick, one trade",
        "1 of 3 checks failed",
        "12,345,678",
        "What ran where",
        "Add Order",
        "MSFT",
        "orders sent",
        "tick to trade",
        "order to ack",
        "p99.9",
        "µs",
        "Stages of mkt (venue)",
        "Hot path",
        "net_ring0",
        "✓ pass",
        "✗ fail",
        "books agree",
        "matching stopped at the closing cross",
    ];
    for wanted in wanted {
        assert!(text.contains(wanted), "{wanted} is missing from\n{text}");
    }
    assert!(!text.contains("Counters of"), "counters are for the page");
}

#[test]
fn colour_is_for_those_who_asked() {
    assert!(!render(&fixture::report(), false).contains('\u{1b}'));
    assert!(render(&fixture::report(), true).contains("\u{1b}["));
}

#[test]
fn a_hostile_name_cannot_speak_to_the_terminal() {
    let text = render(&fixture::hostile(), false);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    assert!(!text.contains('\u{202e}'));
}
