//! A snapshot that anyone may have written, its seal made right: restoring never panics, and what
//! is restored holds, can be snapshotted and restored to the same, and lives through a day's end.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "engine/mod.rs"]
mod common;

use common::{Base, base, config, sealed};
use engine::Engine;
use types::{Command, Nanos, Operation, Phase, SessionId, SymbolId};

fuzz_target!(|bytes: &[u8]| {
    let config = config();
    drop(Engine::restore(&config, bytes));
    let Base { snapshot, .. } = base();
    let Some(damaged) = sealed(snapshot, bytes) else { return };
    let Ok(mut engine) = Engine::restore(&config, &damaged) else { return };
    assert_eq!(engine.check(), Ok(()));
    let again = engine.snapshot().expect("memory");
    let twin = Engine::restore(&config, &again).expect("its own snapshot");
    assert_eq!(twin.state_hash(), engine.state_hash());
    let mut events = Vec::new();
    let symbol = SymbolId(0);
    let whole_day = [
        Operation::Clock,
        Operation::Imbalance { symbol },
        Operation::Resume { symbol },
        Operation::CancelSession { session: SessionId(0) },
        Operation::Phase { symbol, phase: Phase::Continuous },
        Operation::Phase { symbol, phase: Phase::Closed },
        Operation::Phase { symbol, phase: Phase::End },
    ];
    for operation in whole_day {
        engine.apply(&Command::Operate(operation), Nanos(u64::MAX), &mut events);
        assert_eq!(engine.check(), Ok(()));
    }
    assert_eq!(engine.live_orders(), 0);
});
