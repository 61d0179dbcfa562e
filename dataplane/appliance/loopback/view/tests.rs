//! The picture on a terminal of cells, and what keys do.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::loopback::fixture;

/// A run that notes what is asked of it.
#[derive(Debug, Default)]
struct Noted {
    toggles: u32,
    clears: u32,
    refuses: bool,
}

impl Watched for Noted {
    fn tick(&mut self) -> bool {
        true
    }

    fn snapshot(&mut self) -> Snapshot {
        fixture::snapshot(1)
    }

    fn toggle(&mut self) -> Result<(), String> {
        self.toggles += 1;
        if self.refuses { Err("port 1 is stopped".to_owned()) } else { Ok(()) }
    }

    fn clear(&mut self) {
        self.clears += 1;
    }
}

fn drawn(view: &View, columns: u16, rows: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a terminal");
    terminal.draw(|frame| view.draw(frame)).expect("a picture");
    terminal.backend().to_string()
}

fn two_snapshots() -> View {
    let mut view = View::default();
    view.take(fixture::snapshot(1));
    view.take(fixture::snapshot(3));
    view
}

fn expect(picture: &str, parts: &[&str]) {
    for part in parts {
        assert!(picture.contains(part), "{part:?} is not in:\n{picture}");
    }
}

#[test]
fn it_shows_rates_ports_streams_losses_and_events() {
    let picture = drawn(&two_snapshots(), 110, 40);
    expect(
        &picture,
        &[
            "loopback macswap  forwarding  3.0 s",
            "q quit  s stop/start  space hold  c clear",
            "rx 2.00 Mpps  tx 2.00 Mpps  lost 6",
            "peak 2.00 Mpps",
            "net_memif0",
            "10 Gbit/s",
            "1.00 Mpps  512 Mbit/s",
            "0/q0      1/q0",
            "tx full                           3",
            "device missed                     3",
            "bad ip checksum                   6",
            "this mode times nothing",
            "port 1 (net_memif1): link up",
        ],
    );
    let curve = picture.lines().filter(|line| line.contains('█')).count();
    assert!(curve > 0, "{picture}");
}

#[test]
fn it_shows_a_distribution_where_there_is_one() {
    let mut now = fixture::snapshot(2);
    now.latency.push(fixture::latency());
    let mut view = View::default();
    view.take(now);
    let picture = drawn(&view, 110, 40);
    expect(&picture, &["round trip: 12,345 timed", "p99.9    31.0 µs █", "   max    1.20 ms ████"]);
}

#[test]
fn a_wire_that_is_down_and_a_run_that_stopped_are_said() {
    let mut now = fixture::snapshot(2);
    now.forwarding = false;
    now.ports[0].link_up = false;
    now.ports[1].started = false;
    let mut view = View::default();
    view.take(now);
    expect(&drawn(&view, 110, 40), &["macswap  stopped", "down", "nothing lost"][..2]);
}

#[test]
fn no_terminal_is_too_small_and_no_run_too_large() {
    let mut now = fixture::snapshot(2);
    for _ in 0..300 {
        now.streams.push(now.streams[0].clone());
    }
    now.latency.push(fixture::latency());
    let mut view = View::default();
    for second in 0..600 {
        now.elapsed_ns += second;
        view.take(now.clone());
    }
    for (columns, rows) in [(1, 1), (10, 3), (40, 10), (80, 24), (300, 100)] {
        drawn(&view, columns, rows);
    }
    assert!(drawn(&view, 120, 60).contains("286 more not shown"));
    drawn(&View::default(), 80, 24);
}

#[test]
fn a_picture_that_is_held_stays() {
    let mut view = two_snapshots();
    let mut run = Noted::default();
    assert!(view.press(Press::Hold, &mut run));
    view.take(fixture::snapshot(9));
    expect(&drawn(&view, 110, 40), &["held  3.0 s"]);
    assert!(view.press(Press::Hold, &mut run));
    view.take(fixture::snapshot(9));
    expect(&drawn(&view, 110, 40), &["forwarding  9.0 s"]);
}

#[test]
fn counting_from_nothing_does_not_turn_rates_around() {
    let mut view = two_snapshots();
    view.take(fixture::snapshot(1));
    expect(&drawn(&view, 110, 40), &["rx 2.00 Mpps"]);
}

#[test]
fn a_first_look_that_comes_at_once_has_no_rates() {
    let mut early = fixture::snapshot(1);
    early.elapsed_ns = 1_000;
    let mut view = View::default();
    view.take(early);
    expect(&drawn(&view, 110, 40), &["rx 0 pps  tx 0 pps", "peak 0 pps"]);
}

#[test]
fn keys_do_what_the_title_says() {
    let key = |code| Press::of(KeyEvent::new(code, KeyModifiers::NONE));
    assert_eq!(key(KeyCode::Char('q')), Some(Press::Quit));
    assert_eq!(key(KeyCode::Char('s')), Some(Press::Toggle));
    assert_eq!(key(KeyCode::Char(' ')), Some(Press::Hold));
    assert_eq!(key(KeyCode::Char('c')), Some(Press::Clear));
    assert_eq!(key(KeyCode::Char('x')), None);
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(Press::of(interrupt), Some(Press::Quit));

    let (mut view, mut run) = (two_snapshots(), Noted::default());
    assert!(view.press(Press::Toggle, &mut run) && view.press(Press::Clear, &mut run));
    assert_eq!((run.toggles, run.clears), (1, 1));
    run.refuses = true;
    assert!(view.press(Press::Toggle, &mut run));
    expect(&drawn(&view, 110, 40), &["port 1 is stopped"]);
    assert!(!view.press(Press::Quit, &mut run));
}
