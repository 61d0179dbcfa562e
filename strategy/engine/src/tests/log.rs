//! The command log: whole or refused.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_damaged_log_is_refused_whole(
        Script(commands) in script(Menu::All, 20),
        at in any::<prop::sample::Index>(),
        flip in 1u8..=255,
        cut in any::<prop::sample::Index>(),
        more in prop::collection::vec(any::<u8>(), 1..20),
    ) {
        let bytes = log_of(&commands).to_bytes().unwrap();
        let mut flipped = bytes.clone();
        flipped[at.index(bytes.len())] ^= flip;
        let short = bytes[..cut.index(bytes.len())].to_vec();
        let long = [&bytes[..], &more].concat();
        let mut engine = Engine::new(&config(32, 32));
        let before = engine.state_hash();
        for damaged in [flipped, short, long, more] {
            let mut events = Vec::new();
            prop_assert!(replay(&damaged, &mut engine, &mut events).is_err());
            prop_assert!(events.is_empty());
            prop_assert_eq!(engine.state_hash(), before);
            prop_assert_eq!(engine.counters().commands, 0);
        }
    }
}

fn record(command: Command) -> Record {
    Record { now: Nanos(0), command }
}

/// Each byte of one log in turn, and each length below its own.
#[test]
fn no_byte_of_a_log_can_change_or_go_missing() {
    let enter = semantics::enter(0, 1, OrderSide::Buy, 5, 100);
    let bytes = log_of(&[enter, semantics::cancel(0, 1, 2)].map(record)).to_bytes().unwrap();
    let mut engine = Engine::new(&config(4, 4));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            assert!(replay(&flipped, &mut engine, &mut Vec::new()).is_err(), "byte {at} bit {bit}");
        }
        assert!(replay(&bytes[..at], &mut engine, &mut Vec::new()).is_err(), "{at} bytes");
    }
    assert!(replay(b"PEREGRINE", &mut engine, &mut Vec::new()).is_err());
    assert_eq!(engine.counters().commands, 0);
    assert_eq!(replay(&bytes, &mut engine, &mut Vec::new()), Ok(2));
}

#[test]
fn an_empty_log_is_a_log_and_a_full_one_says_so() {
    let mut log = CommandLog::with_capacity(1);
    assert!(log.is_empty() && log.is_whole());
    let mut engine = Engine::new(&config(4, 4));
    assert_eq!(replay(&log.to_bytes().unwrap(), &mut engine, &mut Vec::new()), Ok(0));
    assert!(log.push(Nanos(0), &semantics::cancel(0, 1, 0)));
    assert!(!log.push(Nanos(1), &semantics::cancel(0, 1, 0)));
    assert!(!log.is_whole() && log.len() == 1);
}
