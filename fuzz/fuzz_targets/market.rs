//! The market: any bytes as messages, with clearings between, leave every message accounted for and
//! every book whole.
//!
//! The input is a run of `what[1] length[1] message[length]`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use market::{Capacity, Currency, Lie, Market, MarketConfig};
use types::{Side, Symbol, Ticker};

fn market(only_tickers: bool) -> Option<Market> {
    let config = MarketConfig {
        capacity: Capacity { orders: 24, levels: 12, books: 64 },
        tickers: ["AAPL", "A"].iter().filter_map(|name| Symbol::new(name)).collect(),
        only_tickers,
        tape_len: 8,
    };
    Market::new(&config).ok()
}

fn check(market: &Market) {
    let counters = market.counters();
    let readable: u64 = market.by_type().iter().sum();
    assert_eq!(counters.messages, readable + counters.unreadable);
    assert!(market.lies()[Lie::Unreadable as usize] >= counters.unreadable);
    assert!(market.tape().len() <= 8);
    for ticker in (0..3).map(Ticker) {
        let top = market.top(ticker);
        for (side, best) in [(Side::Buy, top.bid), (Side::Sell, top.ask)] {
            assert_eq!(market.levels(ticker, side).next(), best);
            for level in market.levels(ticker, side) {
                let (mut orders, mut shares) = (0, 0);
                for order in market.orders(ticker, side, level.price) {
                    orders += 1;
                    shares += u64::from(order.qty.0);
                    assert!(market.ahead(order.payload, 64).is_some());
                }
                assert_eq!((orders, shares), (level.orders, level.qty));
            }
        }
        // A ticker and its locate agree on whether the feed has lied about it.
        if let Some(locate) = market.locate(ticker) {
            let suspect = market.status(ticker).suspect.is_some();
            assert_eq!(suspect, market.suspect(locate).is_some());
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, mut rest)) = bytes.split_first() else { return };
    let Some(mut market) = market(first & 1 != 0) else { return };
    if first & 2 != 0 {
        market.join_late();
    }
    while let [what, length, tail @ ..] = rest {
        let (message, after) = tail.split_at(tail.len().min(usize::from(*length)));
        rest = after;
        match what {
            250 => market.clear(),
            251 => market.clear_day(),
            252 => market.absolve(Ticker(u16::from(*length & 1))),
            253 => market.set_currency(Currency::Behind),
            254 => market.set_currency(Currency::Current),
            _ => {
                market.warm(std::iter::once(message));
                let news = market.on_message(message);
                assert!(news.is_nothing() || news.ticker.0 < 2 || news.ticker.0 == u16::MAX);
            }
        }
    }
    check(&market);
});
