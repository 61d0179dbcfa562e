//! Bytes that mean harm: random ones, real messages with bytes changed, cut or grown, and every
//! message twice. Nothing panics, and every message is accounted for.

use market::{Capacity, Market, MarketConfig, MarketConfigError};
use proptest::prelude::*;
use types::{OrderId, Price, Side, Symbol, SymbolId, Ticker};
use wire::itch::{Blocks, TYPES};

fn config() -> MarketConfig {
    MarketConfig {
        capacity: Capacity { orders: 300, levels: 60, books: 64 },
        tickers: ["AAPL", "A", "AA"].iter().filter_map(|name| Symbol::new(name)).collect(),
        only_tickers: false,
        tape_len: 8,
    }
}

fn samples() -> Vec<Vec<u8>> {
    let mut all = vec![];
    for name in ["sod", "aapl"] {
        let path = format!("{}/../../data/sample/{name}.itch", env!("CARGO_MANIFEST_DIR"));
        let data = std::fs::read(&path).expect("the sample is there");
        all.extend(
            Blocks::to_end(&data).take(2_000).map(|block| block.expect("whole").data.to_vec()),
        );
    }
    all
}

fn assert_accounted(market: &Market) {
    let counters = market.counters();
    let readable: u64 = market.by_type().iter().sum();
    assert_eq!(counters.messages, readable + counters.unreadable);
    for ticker in (0..4).map(Ticker) {
        let _ = (market.status(ticker), market.last_trade(ticker), market.notices(ticker));
        for side in [Side::Buy, Side::Sell] {
            let orders: u32 = market.levels(ticker, side).map(|level| level.orders).sum();
            let queued = market.levels(ticker, side).map(|l| market.orders(ticker, side, l.price));
            assert_eq!(orders as usize, queued.map(Iterator::count).sum::<usize>());
        }
    }
    assert_eq!(counters.iter().count(), 12);
}

#[test]
fn real_messages_torn_and_twisted() {
    let samples = samples();
    let mut market = Market::new(&config()).unwrap();
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut below = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 20) as usize % bound
    };
    for round in 0..400_000usize {
        let mut message = samples[below(samples.len())].clone();
        for _ in 0..below(4) {
            let at = below(message.len());
            message[at] = match below(4) {
                0 => 0,
                1 => 0xFF,
                2 => message[at].wrapping_add(1),
                _ => below(256) as u8,
            };
        }
        match below(20) {
            0 => message.truncate(below(message.len() + 1)),
            1 => message.push(0),
            _ => {}
        }
        let before = market.counters().messages;
        market.on_message(&message);
        assert_eq!(market.counters().messages, before + 1);
        if round % 20_000 == 0 {
            assert_accounted(&market);
            if round % 100_000 == 0 {
                market.clear_day()
            } else {
                market.clear()
            }
            assert!(market.books().is_empty());
        }
    }
    assert_accounted(&market);
    assert!(market.counters().unreadable > 1_000 && market.lies().iter().sum::<u64>() > 100_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Known types in their own length, all else random; and bytes that are nothing.
    #[test]
    fn random_bytes(
        all in prop::collection::vec(
            (0..TYPES.len() + 3, prop::collection::vec(any::<u8>(), 60), 0..61usize, any::<bool>()),
            1..200,
        ),
    ) {
        let mut market = Market::new(&config()).unwrap();
        for (kind, mut bytes, len, small) in all {
            if let Some((letter, _, len)) = TYPES.get(kind) {
                bytes.truncate(*len);
                bytes[0] = *letter;
                if small { bytes[1] = 0; bytes[2] &= 63; }
            } else {
                bytes.truncate(len);
            }
            market.warm([&bytes[..]; 3].into_iter());
            market.on_message(&bytes);
        }
        assert_accounted(&market);
    }
}

#[test]
fn a_market_without_room_or_names_is_no_panic() {
    let capacity = Capacity { orders: 0, levels: 0, books: 0 };
    let config = MarketConfig { capacity, tickers: vec![], only_tickers: true, tape_len: 1 };
    let mut market = Market::new(&config).unwrap();
    for message in samples() {
        market.warm([&message[..]].into_iter());
        market.on_message(&message);
    }
    assert_accounted(&market);
    let nobody = Ticker(9);
    assert_eq!(market.top(nobody), market::Top::default());
    assert_eq!(market.level(nobody, Side::Buy, Price(1)), None);
    assert_eq!(market.ahead(OrderId(1), 5), None);
    assert_eq!((market.ticker(SymbolId(13)), market.locate(nobody)), (None, None));
    market.absolve(nobody);
    market.clear_day();
    assert_eq!(market.tickers(), 0);
}

#[test]
fn configurations_that_cannot_be_are_told() {
    let bad = |change: fn(&mut MarketConfig)| {
        let mut config = config();
        change(&mut config);
        Market::new(&config).map(|_| ()).unwrap_err()
    };
    let twice = bad(|config| config.tickers.push(config.tickers[0]));
    let symbol = Symbol::new("AAPL").unwrap();
    assert_eq!(twice, MarketConfigError::DuplicateTicker { symbol });
    assert_eq!(bad(|c| c.tape_len = 12), MarketConfigError::TapeLen { len: 12 });
    assert_eq!(bad(|c| c.tape_len = 0), MarketConfigError::TapeLen { len: 0 });
    let books = (1 << 16) + 1;
    let many = bad(|c| c.capacity.books = (1 << 16) + 1);
    assert_eq!(many, MarketConfigError::TooManyBooks { books });
}
