//! A real morning, mutated, and a venue whose answers come damaged, twice and in any order, under a
//! clock that jumps: no panic, counters add up, positions stay numbers.

use super::rig::*;
use super::say::Told;
use super::storm::value;
use crate::{Command, CoreConfig, Silence};
use algos::{Builtin, Strategy};
use market::Currency;
use types::{OrderSide, Symbol};
use wire::itch::Blocks;

/// Messages of ITCH a strategy is told, in rounds of a core each.
const ROUNDS: u64 = 40;
const STEPS: u64 = 2_000;
/// The sample's first messages, up to AAPL's listing.
const LISTED: usize = 14;

/// xorshift64*.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }

    fn damage(&mut self, message: &mut Vec<u8>) {
        match self.below(6) {
            0 => message.truncate(self.below(message.len() + 1)),
            1 => message.push(self.next() as u8),
            2 => message.fill(self.next() as u8),
            _ => {
                for _ in 0..=self.below(3) {
                    let at = self.below(message.len());
                    message[at] = [0, 255, message[at] ^ 1, self.next() as u8][self.below(4)];
                }
            }
        }
    }
}

fn sample() -> Vec<Vec<u8>> {
    let read = |name: &str| {
        let path = format!("{}/../../data/sample/{name}.itch", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
    };
    let bytes = [read("sod"), read("aapl")].concat();
    Blocks::to_end(&bytes).map(|block| block.unwrap().data.to_vec()).collect()
}

fn tickers() -> Vec<Symbol> {
    ["AAPL", "A"].iter().map(|name| Symbol::new(name).unwrap()).collect()
}

/// A round: listings, then the sample from some place on, and everything else between.
fn round<S: Strategy>(strategy: S, sample: &[Vec<u8>], chance: &mut Chance) -> Rig<S> {
    let config = CoreConfig {
        kill_on_lossy_feed: chance.below(2) == 0,
        kill_feed_silence_ns: 1 << 62,
        kill_control_silence_ns: 1 << 62,
        kill_disconnected_ns: 1 << 62,
        cancel_on_suspect: chance.below(2) == 0,
    };
    let mut rig = Rig::of(tickers(), strategy, config, limits(), ticker_limits());
    sample[..LISTED].iter().for_each(|message| rig.itch(message));
    rig.connect();
    let (mut at, mut answers) = (1_000 + chance.below(sample.len() - 1_000), Vec::new());
    for step in 0..STEPS {
        if at + 1 == sample.len() {
            at = 1_000;
            rig.core.on_snapshot_begin();
        }
        at += 1;
        let mut message = sample[at].clone();
        match chance.below(40) {
            0 => chance.damage(&mut message),
            1 => message = sample[chance.below(sample.len())].clone(),
            _ => {}
        }
        // A time far ahead would make lies of all that follow: seldom.
        if message.len() >= 11 && chance.below(4_000) > 0 {
            message[5..11].copy_from_slice(&sample[at][5..11]);
        }
        rig.itch(&message);
        if chance.below(2) == 0 {
            disturb(&mut rig, sample, chance, &mut answers);
        }
        if step % 100 == 0 {
            rig.check();
        }
    }
    rig.check();
    rig
}

fn disturb<S: Strategy>(
    rig: &mut Rig<S>,
    sample: &[Vec<u8>],
    chance: &mut Chance,
    answers: &mut Vec<Vec<u8>>,
) {
    for request in std::mem::take(&mut rig.wire.out) {
        answers.extend(rig.venue.answers(&request));
    }
    match chance.below(48) {
        0..=9 => say_some(rig, chance, answers),
        10..=17 => {
            rig.now_ns = rig.now_ns.saturating_add(chance.next() % (1 << 30));
            rig.tick();
        }
        18 => {
            let jump = [0, u64::MAX, chance.next()][chance.below(3)];
            rig.now_ns = if chance.below(3) == 0 { jump } else { START_NS };
        }
        19 | 20 => {
            let feed = [Currency::Behind, Currency::Lossy, Currency::Silent][chance.below(3)];
            rig.core.on_feed(rig.now_ns, feed, &mut rig.wire);
        }
        21 if chance.below(8) == 0 => rig.disconnect(),
        22 if chance.below(8) == 0 => {
            let session = [b"DAY1      ", b"DAY2      "][chance.below(8) / 7];
            let next = [chance.next(), 0, rig.heard + 1][chance.below(40).min(2)];
            rig.core.on_login(rig.now_ns, session, next);
        }
        23 if chance.below(4) == 0 => rig.connect(),
        25 => {
            let (at, raw) = (chance.below(40), chance.next());
            let specs = rig.core.strategy().params();
            if let Some(spec) = specs.get(at) {
                rig.command(Command::SetParam { at: at as u8, value: value(spec, raw) });
            }
        }
        24 if chance.below(4) == 0 => {
            let silence = Silence { feed_ns: chance.next(), control_ns: chance.next() };
            rig.core.tick(rig.now_ns, silence, &mut rig.wire);
        }
        27 => rig.wire.room = [0, 3, usize::MAX][chance.below(3)],
        28 if chance.below(32) == 0 => {
            rig.feed_session();
            sample[..LISTED].iter().for_each(|message| rig.itch(message));
        }
        29 if chance.below(8) == 0 => rig.core.on_snapshot_begin(),
        30 => rig.snapshot(A, Told::Delete { id: chance.next() }),
        _ => {
            rig.core.on_feed(rig.now_ns, Currency::Current, &mut rig.wire);
            rig.command(Command::Revive);
            rig.command(Command::Absolve { ticker: A });
            rig.wire.room = usize::MAX;
        }
    }
}

/// The venue is heard: some of what it has to say, in any order, now and then damaged or twice.
fn say_some<S: Strategy>(rig: &mut Rig<S>, chance: &mut Chance, answers: &mut Vec<Vec<u8>>) {
    if let Some(fill) = rig.venue.fill(chance.below(9), 1 + chance.below(200) as u32) {
        answers.push(fill);
    }
    let in_order = chance.below(16) > 0;
    for _ in 0..chance.below(12) {
        if answers.is_empty() {
            return;
        }
        let at = if in_order { 0 } else { chance.below(answers.len()) };
        let mut message = answers[at].clone();
        if chance.below(64) > 0 {
            answers.remove(at);
        }
        if chance.below(100) == 0 {
            chance.damage(&mut message);
        }
        rig.ouch(&message);
    }
}

#[test]
fn a_morning_of_lies_and_a_venue_of_noise_break_nothing() {
    let (sample, mut chance) = (sample(), Chance(0x9E37_79B9_7F4A_7C15));
    for kind in Builtin::KINDS {
        let (mut told, mut heard, mut sent) = (0, 0, 0);
        for _ in 0..ROUNDS {
            let value = |spec| value(spec, chance.next());
            let values: Vec<i64> = kind.params.iter().map(value).collect();
            let strategy = Builtin::new(kind.name, &tickers(), &values).unwrap();
            let rig = round(strategy, &sample, &mut chance);
            (told, heard) = (told + rig.told, heard + rig.heard);
            sent += rig.wire.left.iter().sum::<u64>();
        }
        println!("{}: {told} ITCH, {heard} OUCH, {sent} sent", kind.name);
        assert!(told >= ROUNDS * STEPS && heard > 300);
    }
}

/// A strategy without judgement, so that the gate, the desk and the switch have much to do.
#[test]
fn a_strategy_that_asks_for_anything_breaks_nothing() {
    let (sample, mut chance) = (sample(), Chance(0xD1B5_4A32_D192_ED03));
    for _ in 0..ROUNDS {
        let scribe = Scribe::default();
        {
            let mut log = scribe.0.borrow_mut();
            log.period_ns = 1_000;
            for at in 0..STEPS as u32 {
                let side = [OrderSide::Buy, OrderSide::Sell, OrderSide::SellShort][at as usize % 3];
                let qty = [u32::MAX, 0, 1, 100][chance.below(40).min(3)];
                let price = [1_500_000, 1, 0, u32::MAX, 0x7FFF_FFFF][chance.below(5)];
                let order = types::UserRef(at / 2);
                let ticker = types::Ticker(chance.below(3) as u16);
                let wish = match chance.below(6) {
                    0 => Wish::Cancel(order),
                    1 => Wish::Replace(order, qty, price),
                    _ => Wish::Enter(ask(ticker, side, qty, price)),
                };
                log.wishes.push_back(wish);
            }
        }
        round(scribe, &sample, &mut chance);
    }
}
