//! The same inputs with the same stamps make the same venue: its engine, what every session is
//! sent, and the feed, sequence numbers and bytes.
//!
//! A stream of hostile messages, operators' commands and ticks goes through one core, as a venue's
//! loop would take it, and what it noted beside through another: from the first on, and from an
//! image that was taken on the way. `PEREGRINE_SEED` repeats a run.

#[path = "hostile/floor.rs"]
mod floor;
#[path = "hostile/forge.rs"]
mod forge;

use floor::{OPEN_NS, SESSIONS, core, engine_config, sessions};
use forge::{Forge, Rng};
use session::{MoldPublisher, PublisherConfig, ReplayStore, SessionId, Sessions, StoreConfig};
use types::{Echo, Input, Nanos, Open};
use venue::{Beside, Core, Stores};

const RUNS: u64 = 24;
const MESSAGES: u64 = 5_000;

/// Every input as it was noted; the optional fields lie beside.
#[derive(Default)]
struct Tape(Vec<(Nanos, Input<'static>, Vec<u8>)>);

impl Beside for Tape {
    fn note(&mut self, sequence: u64, stamp: Nanos, input: &Input<'_>) {
        assert_eq!(sequence, self.0.len() as u64 + 1, "numbers are without a gap");
        let (input, optional): (Input<'static>, &[u8]) = match *input {
            Input::Command(command, echo) => {
                let Echo { display, capacity, iso, cl_ord_id, optional } = echo;
                let kept = Echo { display, capacity, iso, cl_ord_id, optional: &[] };
                (Input::Command(command, kept), optional)
            }
            Input::Scheduled(operation) => (Input::Scheduled(operation), &[]),
            Input::AccountQuery(who) => (Input::AccountQuery(who), &[]),
            Input::Open(open) => (Input::Open(open), &[]),
            Input::Close => (Input::Close, &[]),
            Input::Nothing => (Input::Nothing, &[]),
        };
        self.0.push((stamp, input, optional.to_vec()));
    }
}

struct Floor {
    core: Core,
    sessions: Sessions,
    publisher: MoldPublisher,
}

impl Floor {
    fn new() -> Floor {
        let store = StoreConfig { messages_max: 1 << 7, bytes_max: 1 << 13 };
        let config = PublisherConfig { store, ..PublisherConfig::new(*b"HOSTILE   ") };
        let publisher = MoldPublisher::new(config).expect("a publisher");
        Floor { core: core(), sessions: sessions(), publisher }
    }

    fn stores(&mut self) -> (&mut Core, Stores<'_>) {
        let Floor { core, sessions, publisher } = self;
        (core, Stores { sessions, publisher })
    }

    fn submit(&mut self, now: Nanos, input: &Input<'_>, tape: &mut Tape) {
        let (core, stores) = self.stores();
        core.submit(now, input, stores, None, tape);
    }

    fn all(&self) -> impl Iterator<Item = &ReplayStore> {
        let of = |who| self.sessions.store(SessionId(who));
        (0..SESSIONS).filter_map(of).chain([self.publisher.store()])
    }
}

fn live(seed: u64) -> (Floor, Tape) {
    let (mut floor, mut tape) = (Floor::new(), Tape::default());
    let mut forge = Forge::new(Rng::new(seed), SESSIONS);
    let mut now = Nanos(OPEN_NS);
    floor.submit(
        now,
        &Input::Open(Open { trades: seed.is_multiple_of(2), date: 20_000, config: 7 }),
        &mut tape,
    );
    for at in 0..MESSAGES {
        if at == MESSAGES / 2 && seed.is_multiple_of(5) {
            // Another day: sessions and feed begin anew.
            floor.submit(now, &Input::Close, &mut tape);
            let open = Open { trades: true, date: 20_001, config: 8 };
            floor.submit(now, &Input::Open(open), &mut tape);
        }
        now.0 += forge.rng.below(10_000_000);
        let (core, stores) = floor.stores();
        core.keep_time(now, stores, &mut tape);
        if forge.rng.one_in(200) {
            let operation = forge.operation(MESSAGES);
            let scheduled = forge.rng.one_in(2);
            let input = Input::Scheduled(operation);
            let input = if scheduled { input } else { Input::operate(operation) };
            floor.submit(now, &input, &mut tape);
        }
        if forge.rng.one_in(100) {
            let who = SessionId(forge.rng.below(u64::from(SESSIONS) + 2) as u16);
            let asks = forge.rng.one_in(2);
            let input = if asks { Input::AccountQuery(who) } else { Input::Nothing };
            floor.submit(now, &input, &mut tape);
        }
        let (core, stores) = floor.stores();
        let (who, message) = forge.message(now.0, |who| core.engine().last_user_ref(who));
        core.on_message(now, stores, who, message, &mut tape);
    }
    if seed.is_multiple_of(3) {
        floor.submit(now, &Input::Close, &mut tape);
    }
    (floor, tape)
}

impl Floor {
    /// Takes what the tape has from input `from` on, up to `to`.
    fn replay(&mut self, tape: &Tape, from: usize, to: usize) {
        for (at, (stamp, input, optional)) in tape.0.iter().enumerate().take(to).skip(from) {
            let input = match *input {
                Input::Command(command, echo) => Input::Command(command, Echo { optional, ..echo }),
                other => other,
            };
            let (core, stores) = self.stores();
            assert_eq!(core.enact(*stamp, &input, stores, None), at as u64 + 1);
        }
    }

    /// Another one, made of what this one saved.
    fn again(&self) -> Floor {
        let image = self.core.save(&self.sessions, &self.publisher).expect("an image");
        let mut again = Floor::new();
        let Floor { core, sessions, publisher } = &mut again;
        core.load(&engine_config(), &image, sessions, publisher).expect("its own image");
        for cut in [0, 7, 8, 100, image.len() - 1] {
            let mut other = Floor::new();
            let Floor { core, sessions, publisher } = &mut other;
            assert!(core.load(&engine_config(), &image[..cut], sessions, publisher).is_err());
        }
        again
    }
}

fn same(a: &ReplayStore, b: &ReplayStore) -> bool {
    let held = |store: &ReplayStore| store.oldest_seq()..store.next_seq();
    held(a) == held(b) && held(a).all(|seq| a.get(seq) == b.get(seq))
}

#[test]
fn what_was_noted_makes_the_same_venue() {
    let from = std::env::var("PEREGRINE_SEED").ok().and_then(|s| s.parse().ok());
    let seeds = from.map_or(1..RUNS + 1, |seed| seed..seed + 1);
    let mut fields = 0;
    for seed in seeds {
        println!("PEREGRINE_SEED={seed}");
        let (was, tape) = live(seed);
        let (all, half) = (tape.0.len(), tape.0.len() * (seed as usize % 10) / 10);
        let mut whole = Floor::new();
        whole.replay(&tape, 0, half);
        let mut rest = whole.again();
        rest.replay(&tape, half, all);
        whole.replay(&tape, half, all);
        for is in [whole, rest] {
            let hashes = (was.core.engine().state_hash(), is.core.engine().state_hash());
            assert_eq!(hashes.0, hashes.1, "seed {seed}");
            assert_eq!(was.core.day(), is.core.day(), "seed {seed}");
            assert!(was.all().zip(is.all()).all(|(a, b)| same(a, b)), "seed {seed}");
            let ended = |f: &Floor| (0..SESSIONS).all(|w| f.sessions.is_ended(SessionId(w)));
            assert_eq!(ended(&was), ended(&is), "seed {seed}");
        }
        assert!(was.publisher.store().evicted() > 0, "seed {seed}: more than a store holds");
        fields += tape.0.iter().filter(|(.., optional)| !optional.is_empty()).count();
    }
    assert!(fields > 0, "optional fields are among what is repeated");
}
