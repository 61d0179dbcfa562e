//! A command log that anyone may have written, its seal made right: replaying never panics, and the
//! engine still holds.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "engine/mod.rs"]
mod common;

use common::{Base, base, config, sealed};
use engine::{Engine, replay};

fuzz_target!(|bytes: &[u8]| {
    let mut engine = Engine::new(&config());
    let mut events = Vec::new();
    drop(replay(bytes, &mut engine, &mut events));
    let Base { log, .. } = base();
    let Some(damaged) = sealed(log, bytes) else { return };
    if replay(&damaged, &mut engine, &mut events).is_ok() {
        assert_eq!(engine.check(), Ok(()));
    }
});
