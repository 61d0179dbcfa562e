//! Commands against a run that notes what is asked of it.

use super::*;
use crate::loopback::fixture;

/// Two ports; what was asked of them, in order.
#[derive(Debug, Default)]
struct Noted {
    seconds: u64,
    forwarding: bool,
    asked: Vec<String>,
}

impl Noted {
    fn note(&mut self, asked: String) {
        self.asked.push(asked);
    }
}

impl Driven for Noted {
    type Error = &'static str;

    fn snapshot(&mut self) -> Snapshot {
        fixture::snapshot(self.seconds)
    }

    fn port_facts(&mut self, port: u16) -> Option<PortFacts> {
        (port < 2).then(PortFacts::default)
    }

    fn forward_facts(&self) -> ForwardFacts {
        ForwardFacts { mode: "macswap".to_owned(), lcores: 2, ..ForwardFacts::default() }
    }

    fn start(&mut self, tx_first: u64) -> Result<(), &'static str> {
        if self.forwarding {
            return Err("it forwards already");
        }
        self.forwarding = true;
        self.note(format!("start {tx_first}"));
        Ok(())
    }

    fn stop(&mut self) -> Result<(), &'static str> {
        if !self.forwarding {
            return Err("it does not forward");
        }
        self.forwarding = false;
        self.note("stop".to_owned());
        Ok(())
    }

    fn change(&mut self, change: Change) -> Result<(), &'static str> {
        if self.forwarding {
            return Err("stop forwarding first");
        }
        self.note(format!("{change:?}"));
        Ok(())
    }

    fn change_port(&mut self, port: u16, change: PortChange) -> Result<(), &'static str> {
        if self.forwarding && change == PortChange::Stop {
            return Err("stop forwarding first");
        }
        self.note(format!("{port} {change:?}"));
        Ok(())
    }

    fn clear_forward(&mut self) {
        self.note("clear".to_owned());
    }
}

/// What each line was answered with.
fn obey(run: &mut Noted, lines: &[&str]) -> Vec<Outcome> {
    let mut console = Console::default();
    lines.iter().map(|line| console.obey(line, run)).collect()
}

fn shown(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Done(text) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn commands_reach_the_run_in_order() {
    let mut run = Noted { seconds: 1, ..Noted::default() };
    let lines = [
        "# warm up",
        "set fwd mac",
        "set burst 16",
        "set txpkts 128",
        "set rate 0",
        "set rate 9",
        "set nbcore 1",
        "set promisc all off",
        "start tx_first 4",
        "clear fwd stats all",
        "clear port stats 1",
        "stop",
        "port stop all",
        "port start 0",
        "port close 1",
        "quit",
    ];
    let outcomes = obey(&mut run, &lines);
    let expected = [
        "Mode(Mac)",
        "Burst(16)",
        "PacketBytes(128)",
        "Rate(None)",
        "Rate(Some(9))",
        "Lcores(1)",
        "0 Promiscuous(false)",
        "1 Promiscuous(false)",
        "start 4",
        "clear",
        "1 ClearStats",
        "stop",
        "0 Stop",
        "1 Stop",
        "0 Start",
        "1 Close",
    ];
    assert_eq!(run.asked, expected);
    assert_eq!(outcomes[0], Outcome::Done(String::new()));
    assert_eq!(shown(&outcomes[2]), "Number of packets per burst set to 16\n");
    assert_eq!(outcomes.last(), Some(&Outcome::Quit));
    assert!(shown(&outcomes[8]).contains("Logical Core 0 (CPU 0) forwards packets on 1 stream"));
    assert!(shown(&outcomes[11]).contains("Accumulated forward statistics"), "stop shows them");
}

#[test]
fn what_cannot_be_done_is_said_and_changes_nothing() {
    let mut run = Noted { seconds: 1, ..Noted::default() };
    let lines =
        ["stop", "start", "start", "set fwd io", "port stop all", "show port stats 7", "sart"];
    let refused: Vec<String> = obey(&mut run, &lines)
        .into_iter()
        .filter_map(|outcome| match outcome {
            Outcome::Refused(why) => Some(why),
            _ => None,
        })
        .collect();
    assert_eq!(
        refused,
        [
            "it does not forward",
            "it forwards already",
            "stop forwarding first",
            "port 0: stop forwarding first",
            "there is no port 7, only 0 to 1",
            "there is no command `sart`; did you mean `start`?",
        ]
    );
    assert_eq!(run.asked, ["start 0"]);
}

#[test]
fn what_is_repeated_of_a_wrong_word_is_no_longer_able_to_harm() {
    let outcome = &obey(&mut Noted::default(), &["set fwd \u{1b}[2J"])[0];
    let Outcome::Refused(why) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("cannot follow `set fwd`") && !why.contains('\u{1b}'), "{why:?}");
}

#[test]
fn rates_are_since_the_last_look() {
    let (mut run, mut console) = (Noted { seconds: 1, ..Noted::default() }, Console::default());
    let first = console.obey("show port stats 0", &mut run);
    assert!(shown(&first).contains("Rx-pps:            0"), "{first:?}");
    run.seconds = 3;
    let second = console.obey("show port stats 0", &mut run);
    assert!(shown(&second).contains("Rx-pps:      1000001"), "{second:?}");
    let other = console.obey("show port stats 1", &mut run);
    assert!(shown(&other).contains("Rx-pps:            0"), "{other:?}");
    let forward = console.obey("show fwd stats all", &mut run);
    assert!(shown(&forward).contains("Rx-pps:      2000000"), "{forward:?}");
    // Counted from nothing, and so less than what was shown.
    run.seconds = 1;
    console.obey("clear fwd stats all", &mut run);
    let cleared = console.obey("show fwd stats all", &mut run);
    assert!(shown(&cleared).contains("Rx-pps:      2000000"), "{cleared:?}");
}

#[test]
fn everything_that_can_be_shown_is() {
    let mut run = Noted { seconds: 2, ..Noted::default() };
    for (line, part) in [
        ("help", "show port stats all|PORT"),
        ("help ports", "port close all|PORT"),
        ("show port info all", "Infos for port 1"),
        ("show port xstats 1", "rx_good_packets: 2000000"),
        ("show config fwd", "macswap packet forwarding - ports=2 - cores=2"),
        ("show config rxtx", "port 1: RX queue number"),
        ("show config cores", "List of forwarding CPUs: 0 1"),
        ("show events", "link down"),
        ("show latency", "the mode macswap times nothing"),
    ] {
        let outcome = &obey(&mut run, &[line])[0];
        assert!(shown(outcome).contains(part), "{line}: {outcome:?}");
    }
}
