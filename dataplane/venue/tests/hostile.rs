//! Hostile OUCH against everything behind a venue's ports, with its invariants checked after each
//! message.
//!
//! A seeded stream of messages, sound, odd, mutated and random, from several sessions goes through
//! OUCH, the gate, the engine, the replies and the tape, as the venue's loop would take it; now and
//! then an operator halts, crosses and breaks trades. After each message:
//!
//! * no book is crossed that should not be, and its best prices on the tape are the engine's;
//! * what the replies say of each order adds up (entered = executed + taken off + live), and is
//!   what the engine has;
//! * cash and shares of the ledger sum to zero;
//! * every match was told to a buyer and a seller for as many shares at one price.
//!
//! Every 10,000 messages the engine checks itself, and all orders and books are compared one by
//! one. `PEREGRINE_SEED` repeats a run, whose seed is shown.

#[path = "hostile/audit.rs"]
mod audit;
#[path = "hostile/floor.rs"]
mod floor;
#[path = "hostile/forge.rs"]
mod forge;

use audit::Audit;
use floor::{NAMES, OPEN_NS, SESSIONS, core, sessions};
use forge::{Forge, Rng};
use session::{MoldPublisher, PublisherConfig};
use types::Nanos;
use venue::Stores;

/// Messages between thorough checks.
const CHECK_EVERY: u64 = 10_000;
const MESSAGES: u64 = 1_000_000;

#[test]
fn a_venue_holds_after_each_hostile_message() {
    let seed = std::env::var("PEREGRINE_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    println!("{MESSAGES} messages, PEREGRINE_SEED={seed}");
    let (mut core, mut sessions) = (core(), sessions());
    let config = PublisherConfig::new(*b"HOSTILE   ");
    let mut publisher = MoldPublisher::new(config).expect("a publisher");
    let mut forge = Forge::new(Rng::new(seed), SESSIONS);
    let mut audit = Audit::new(usize::from(SESSIONS), NAMES.len() as u16);
    let mut now = Nanos(OPEN_NS);
    for at in 0..MESSAGES {
        now.0 += forge.rng.below(1_000_000);
        if forge.rng.one_in(400) {
            let operation = forge.operation(audit.last_match());
            let stores = Stores { sessions: &mut sessions, publisher: &mut publisher };
            core.operate(now, &operation, stores, None, &mut ());
        }
        let (who, message) = forge.message(now.0, |who| core.engine().last_user_ref(who));
        let stores = Stores { sessions: &mut sessions, publisher: &mut publisher };
        core.on_message(now, stores, who, message, &mut ());
        while core.next_dirty().is_some() {}
        let heard = audit.hear(&sessions, publisher.store()).and_then(|()| audit.quick(&core));
        heard.unwrap_or_else(|wrong| panic!("message {at} of seed {seed}: {wrong}: {message:?}"));
        if at % CHECK_EVERY == 0 || at + 1 == MESSAGES {
            core.engine().check().unwrap_or_else(|wrong| panic!("message {at}: {wrong}"));
            audit.thorough(&core).unwrap_or_else(|wrong| panic!("message {at}: {wrong}"));
        }
    }
    audit.everything_happened(&core);
}
