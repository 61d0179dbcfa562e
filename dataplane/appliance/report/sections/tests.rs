use super::*;
use crate::report::fixture;
use crate::report::model::{BookReport, RunReport};

fn find<'a>(all: &'a [Section], title: &str) -> &'a Section {
    all.iter().find(|section| section.title == title).unwrap()
}

fn row_texts(section: &Section, row: usize) -> Vec<&str> {
    section.rows[row].iter().map(|cell| cell.text.as_str()).collect()
}

#[test]
fn every_row_is_as_wide_as_its_table() {
    for report in [fixture::report(), fixture::hostile(), RunReport::default()] {
        for section in sections(&report, PAGE_ROWS_MAX) {
            assert!(section.rows.iter().all(|row| row.len() == section.columns.len()));
        }
    }
}

#[test]
fn says_what_ran_where() {
    let all = sections(&fixture::report(), PAGE_ROWS_MAX);
    let placement = find(&all, "What ran where");
    assert_eq!(row_texts(placement, 0), ["0", "2", "mkt", "51,000,000", "14.3 %", "no"]);
    assert_eq!(row_texts(placement, 1)[1], "–");
    assert_eq!(placement.rows[1][5].tone, Tone::Warn);
}

#[test]
fn the_busiest_come_first_and_the_rest_is_counted() {
    let mut report = fixture::report();
    let book =
        |n: u64| BookReport { symbol: format!("S{n}"), live_orders: n, ..Default::default() };
    report.books = (0..30).map(book).collect();
    let all = sections(&report, TERMINAL_ROWS_MAX);
    let books = find(&all, "Books, by live orders");
    assert_eq!(row_texts(books, 0)[0], "S29");
    assert_eq!((books.rows.len(), books.note.as_str()), (12, "18 books more in report.json"));
    assert_eq!(
        row_texts(find(&all, "Messages decoded, by type"), 0)[..3],
        ["alpha A", "A", "Add Order"]
    );
}

#[test]
fn a_drop_is_shown_and_so_is_none() {
    let all = sections(&fixture::report(), PAGE_ROWS_MAX);
    let drops = find(&all, "Drops and gaps");
    let figures: Vec<_> =
        drops.rows.iter().map(|row| (row[1].text.as_str(), row[1].tone)).collect();
    let (good, bad) = (Tone::Good, Tone::Bad);
    let expected = [
        ("0", good),
        ("2", Tone::Warn),
        ("0", good),
        ("3", bad),
        ("0", good),
        ("0", good),
        ("0", good),
    ];
    assert_eq!(figures, expected);
}

#[test]
fn latencies_name_their_role_and_an_idle_stage_has_no_figures() {
    let all = sections(&fixture::report(), PAGE_ROWS_MAX);
    let ends = find(&all, "Tick to trade, order to ack");
    assert_eq!(row_texts(ends, 0)[..3], ["tick to trade", "alpha", "20,000"]);
    let venue = find(&all, "Stages of mkt (venue), rx to tx");
    assert_eq!(row_texts(venue, 3), ["snapshot", "0", "–", "–", "–", "–", "–"]);
}

#[test]
fn the_outcome_counts_what_failed() {
    let mut report = fixture::report();
    assert_eq!(outcome(&report).text, "1 of 3 checks failed");
    report.verdicts.retain(|verdict| verdict.ok);
    assert_eq!(
        (outcome(&report).text.as_str(), outcome(&report).tone),
        ("all 2 checks passed", Tone::Good)
    );
    report.verdicts.clear();
    assert_eq!(outcome(&report).tone, Tone::Muted);
}

#[test]
fn an_interrupted_run_says_so() {
    let mut report = fixture::report();
    assert_eq!(headline(&report), "2023-11-14T22:13:20Z · 12.3 s");
    report.interrupted = true;
    assert!(headline(&report).ends_with(", interrupted"));
}
