use super::*;

#[test]
fn counts_have_separators() {
    let cases = [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")];
    for (value, text) in cases {
        assert_eq!(count(value), text);
    }
    assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
}

#[test]
fn nanoseconds_find_their_unit() {
    let cases = [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_000, "1.00 µs"),
        (9_996, "10.0 µs"),
        (31_049, "31.0 µs"),
        (812_345, "812 µs"),
        (999_600, "1.00 ms"),
        (1_240_000, "1.24 ms"),
        (2_500_000_000, "2.50 s"),
        (7_200_000_000_000, "7,200 s"),
    ];
    for (value, text) in cases {
        assert_eq!(ns(value), text, "{value}");
    }
    assert!(ns(u64::MAX).ends_with(" s"));
}

#[test]
fn ticks_say_no_more_than_they_must() {
    let cases = [
        (1.0, "1 ns"),
        (50.0, "50 ns"),
        (1_000.0, "1 µs"),
        (2_000.000_1, "2 µs"),
        (999.999_999, "1 µs"),
        (150_000.0, "150 µs"),
        (1e9, "1 s"),
        (0.5, "0.5 ns"),
    ];
    for (value, text) in cases {
        assert_eq!(ns_short(value), text);
    }
}

#[test]
fn shares_are_never_rounded_to_all_or_nothing() {
    assert_eq!(percent(0, 0), "0 %");
    assert_eq!(percent(5, 0), "0 %");
    assert_eq!(percent(1, 1_000_000_000), "< 0.01 %");
    assert_eq!(percent(1, 200), "0.50 %");
    assert_eq!(percent(1, 3), "33.3 %");
    assert_eq!(percent(999_999, 1_000_000), "> 99.9 %");
    assert_eq!(percent(7, 7), "100 %");
}

#[test]
fn rates_and_durations() {
    assert_eq!((rate(850, 1.0), rate(12_345, 1.0)), ("850/s".to_owned(), "12.3 k/s".to_owned()));
    assert_eq!(
        (rate(999_400, 1.0), rate(4_560_000, 1.0)),
        ("999 k/s".to_owned(), "4.56 M/s".to_owned())
    );
    assert_eq!(rate(100, 0.0), "0/s");
    let cases = [
        (-1.0, "0 ms"),
        (0.85, "850 ms"),
        (12.345, "12.3 s"),
        (185.0, "3 min 05 s"),
        (59.99, "1 min 00 s"),
        (7_380.0, "2 h 03 min"),
        (3_599.9, "1 h 00 min"),
    ];
    for (seconds, text) in cases {
        assert_eq!(duration(seconds), text);
    }
}

#[test]
fn words_and_plurals() {
    assert_eq!(words("tick_to_trade"), "tick to trade");
    assert_eq!((plural(1, "book"), plural(0, "book")), ("1 book".to_owned(), "0 books".to_owned()));
}

#[test]
fn nothing_printable_moves_the_cursor() {
    assert_eq!(printable("plain – ünï × ¢"), "plain – ünï × ¢");
    assert_eq!(printable("a\u{1b}[2Jb\nc\0\u{202e}"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}\u{fffd}");
}
