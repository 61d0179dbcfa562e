//! What people type, rightly and wrongly.

use std::io::{Cursor, Read};

use proptest::prelude::*;

use super::*;
use lcore::loopback::Mode;

fn read(line: &str) -> Result<Ask, Misread> {
    parse(line)
}

fn complaint(line: &str) -> String {
    read(line).expect_err(line).to_string()
}

#[test]
fn what_testpmds_users_type_is_understood() {
    for (line, ask) in [
        ("start", Ask::Start { tx_first: 0 }),
        ("  start   tx_first ", Ask::Start { tx_first: 1 }),
        ("start tx_first 32", Ask::Start { tx_first: 32 }),
        ("stop", Ask::Stop),
        ("quit", Ask::Quit),
        ("help", Ask::Help(None)),
        ("help display", Ask::Help(Some(Topic::Display))),
        ("show port stats all", Ask::ShowPort(PortView::Stats, Which::All)),
        ("show port stats 1", Ask::ShowPort(PortView::Stats, Which::One(1))),
        ("show port info all", Ask::ShowPort(PortView::Info, Which::All)),
        ("show port xstats 0", Ask::ShowPort(PortView::Xstats, Which::One(0))),
        ("show fwd stats all", Ask::ShowForward),
        ("show config fwd", Ask::ShowConfig(Config::Forward)),
        ("show config rxtx", Ask::ShowConfig(Config::RxTx)),
        ("show config cores", Ask::ShowConfig(Config::Cores)),
        ("show latency", Ask::ShowLatency),
        ("show events", Ask::ShowEvents),
        ("clear port stats all", Ask::ChangePort(PortChange::ClearStats, Which::All)),
        ("clear port xstats 2", Ask::ChangePort(PortChange::ClearXstats, Which::One(2))),
        ("clear fwd stats all", Ask::ClearForward),
        ("set fwd 5tswap", Ask::Change(Change::Mode(Mode::FiveTupleSwap))),
        ("set burst 64", Ask::Change(Change::Burst(64))),
        ("set txpkts 128", Ask::Change(Change::PacketBytes(128))),
        ("set rate 0", Ask::Change(Change::Rate(None))),
        ("set rate 1000", Ask::Change(Change::Rate(Some(1_000)))),
        ("set nbcore 2", Ask::Change(Change::Lcores(2))),
        ("set promisc all off", Ask::ChangePort(PortChange::Promiscuous(false), Which::All)),
        ("set promisc 1 on", Ask::ChangePort(PortChange::Promiscuous(true), Which::One(1))),
        ("port stop all", Ask::ChangePort(PortChange::Stop, Which::All)),
        ("port start 0", Ask::ChangePort(PortChange::Start, Which::One(0))),
        ("port close 1", Ask::ChangePort(PortChange::Close, Which::One(1))),
        ("", Ask::Nothing),
        ("  \t ", Ask::Nothing),
        ("# a comment in a script", Ask::Nothing),
    ] {
        assert_eq!(read(line), Ok(ask), "{line:?}");
    }
}

#[test]
fn what_is_wrong_is_told_with_what_would_be_right() {
    for (line, told) in [
        ("strat", "there is no command `strat`; did you mean `start`?"),
        ("sotp", "there is no command `sotp`; did you mean `stop`?"),
        (
            "show prot stats all",
            "`prot` cannot follow `show`: next comes one of port, fwd, config, \
                                 events, latency; did you mean `port`?",
        ),
        ("show port", "`show port` is not complete: next comes one of info, stats, xstats"),
        (
            "show port stats",
            "`show port stats` is not complete: next comes one of all, a port's \
                             number",
        ),
        (
            "show port stats -1",
            "`-1` cannot follow `show port stats`: next comes one of all, a \
                                port's number",
        ),
        ("set burst 0", "`0` cannot follow `set burst`: next comes burst, 1 to 512"),
        ("set burst", "`set burst` is not complete: next comes burst, 1 to 512"),
        (
            "set burst 18446744073709551616",
            "`18446744073709551616` cannot follow `set burst`: next \
                                            comes burst, 1 to 512",
        ),
        ("set txpkts 64,64", "`64,64` cannot follow `set txpkts`: next comes length, 60 to 9600"),
        (
            "set fwd macswp",
            "`macswp` cannot follow `set fwd`: next comes one of io, mac, macswap, 5tswap, \
             flowgen, rxonly, txonly, csum, icmpecho, noisy, latency, soup; did you mean \
             `macswap`?",
        ),
        ("set promisc all", "`set promisc all` is not complete: next comes one of on, off"),
        ("stop now", "`stop` is complete: `now` is too much"),
        ("start tx_first 5 6 7", "`start tx_first 5` is complete: `6 7` is too much"),
    ] {
        assert_eq!(complaint(line), told, "{line:?}");
    }
    assert_eq!(complaint("xyzzy"), "there is no command `xyzzy`", "nothing is like it");
    assert_eq!(complaint("sho"), "there is no command `sho`; did you mean `show`?");
    let long = "x".repeat(LINE_BYTES_MAX + 1);
    assert_eq!(complaint(&long), "a line has at most 256 bytes, this one has 257");
}

#[test]
fn every_command_of_the_help_is_one() {
    let example = |word: &str| match word {
        "all|PORT" => "all".to_owned(),
        "on|off" => "on".to_owned(),
        "MODE" => "io".to_owned(),
        "SUBJECT" => "ports".to_owned(),
        word if word.chars().all(char::is_uppercase) => "64".to_owned(),
        word => word.to_owned(),
    };
    let text = help(None);
    let lines = text.lines().filter(|line| line.starts_with("  ")).map(|line| &line[2..33]);
    let mut known = 0;
    for line in lines {
        let words: Vec<String> = line.split_whitespace().map(example).collect();
        let line = words.join(" ").replace("verbose 64", "verbose 0");
        assert!(read(&line).is_ok(), "{line}");
        known += 1;
    }
    assert_eq!(known, PATTERNS.len());
    let ports = help(Some(Topic::Ports));
    assert!(ports.contains("port close") && !ports.contains("show"), "{ports}");
}

#[test]
fn tab_knows_what_can_come() {
    let next = |line| completions(line);
    assert_eq!(next(""), ["start", "stop", "help", "quit", "show", "clear", "set", "port"]);
    assert_eq!(next("st"), ["start", "stop"]);
    assert_eq!(next("show "), ["port", "fwd", "config", "events", "latency"]);
    assert_eq!(next("show port s"), ["stats"]);
    assert_eq!(next("set fwd mac"), ["mac", "macswap"]);
    assert_eq!(next("set promisc 3 "), ["on", "off"]);
    assert_eq!(next("rubbish "), Vec::<&str>::new());
    assert_eq!(next("stop "), Vec::<&str>::new());
}

#[test]
fn lines_come_one_by_one_whatever_their_end() {
    let mut input = Cursor::new(b"start\r\n\nquit".to_vec());
    let mut next = || lines::read_line(&mut input).expect("a line");
    assert_eq!(next().as_deref(), Some("start"));
    assert_eq!(next().as_deref(), Some(""));
    assert_eq!(next().as_deref(), Some("quit"));
    assert_eq!(next(), None);
}

#[test]
fn a_line_without_end_is_passed_over_and_refused() {
    let endless = std::io::repeat(b'x').take(10_000_000);
    let mut input = std::io::BufReader::new(endless.chain(&b"\nstop\n"[..]));
    let first = lines::read_line(&mut input).expect("a line").expect("one");
    assert!(first.len() <= LINE_BYTES_MAX + 2);
    assert!(matches!(read(&first), Err(Misread::TooLong { .. })));
    assert_eq!(lines::read_line(&mut input).expect("a line").as_deref(), Some("stop"));
    // One that is as long as a line may be ends where it ends.
    let longest = "y".repeat(LINE_BYTES_MAX);
    let mut input = Cursor::new(format!("{longest}\nstop\n").into_bytes());
    let read = lines::read_line(&mut input).expect("a line");
    assert_eq!(read.as_deref(), Some(longest.as_str()));
    assert_eq!(lines::read_line(&mut input).expect("a line").as_deref(), Some("stop"));
}

#[test]
fn bytes_that_are_no_text_are_a_line_all_the_same() {
    let mut input = Cursor::new(b"\xff\xfe\nstop\n".to_vec());
    let first = lines::read_line(&mut input).expect("a line").expect("one");
    assert!(matches!(read(&first), Err(Misread::Unknown { .. })), "{first:?}");
    assert_eq!(lines::read_line(&mut input).expect("a line").as_deref(), Some("stop"));
}

/// Words of the grammar in any order, numbers, and rubbish between them.
fn wordy() -> impl Strategy<Value = String> {
    let known: Vec<&'static str> =
        PATTERNS.iter().flat_map(|p| p.tokens).flat_map(|t| t.words()).collect();
    let word = prop_oneof![
        6 => prop::sample::select(known).prop_map(str::to_owned),
        2 => any::<i64>().prop_map(|number| number.to_string()),
        1 => "\\PC{0,8}",
    ];
    prop::collection::vec(word, 0..7).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn no_text_panics(line in any::<String>()) {
        let _ = read(&line);
        let _ = completions(&line);
    }

    #[test]
    fn no_words_panic_and_what_is_refused_is_told_in_one_line(line in wordy()) {
        let _ = completions(&line);
        if let Err(why) = read(&line) {
            prop_assert!(!why.to_string().contains('\n'));
        }
    }

    #[test]
    fn what_completion_offers_goes_on_to_a_command(line in wordy()) {
        for word in completions(&format!("{line} ")) {
            let longer = format!("{line} {word}");
            let fits = matches!(read(&longer), Ok(_) | Err(Misread::Incomplete { .. }));
            prop_assert!(fits || longer.len() > LINE_BYTES_MAX, "{}", longer);
        }
    }
}
