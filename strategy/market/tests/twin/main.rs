//! The market against its naive twin: the same in every view, after every message of streams that
//! make sense and of streams that do not.

mod naive;
#[path = "../say/mod.rs"]
mod say;

use market::{Ahead, Capacity, Currency, Market, MarketConfig};
use naive::{BOOKS, Naive};
use proptest::prelude::*;
use say::{NAMES, Told, bytes, told};
use types::{OrderId, Price, Side, Symbol, SymbolId, Ticker};

#[derive(Clone, Debug)]
enum Step {
    Told { locate: u16, back_ns: u64, told: Told },
    Clear,
    ClearDay,
    Absolve(u16),
    Currency(Currency),
}

fn step() -> impl Strategy<Value = Step> {
    let message = (1u16..4, prop_oneof![20 => Just(0u64), 1 => 0..9u64]).prop_flat_map(
        |(locate, back_ns)| {
            let told = told(usize::from(locate) - 1);
            told.prop_map(move |told| Step::Told { locate, back_ns, told })
        },
    );
    let odd = (prop::sample::select(&[0u16, 4, 5, u16::MAX][..]), told(3))
        .prop_map(|(locate, told)| Step::Told { locate, back_ns: 0, told });
    let currencies = [Currency::Current, Currency::Behind, Currency::Lossy, Currency::Silent];
    prop_oneof![
        80 => message,
        2 => odd,
        1 => Just(Step::Clear),
        1 => prop_oneof![3 => Just(Step::Clear), 1 => Just(Step::ClearDay)],
        2 => (0..3u16).prop_map(Step::Absolve),
        1 => prop::sample::select(currencies.to_vec()).prop_map(Step::Currency),
    ]
}

/// Tickers are AAA and CCC; BBB has a book unless only tickers do.
const TICKERS: [usize; 2] = [0, 2];
const TAPE: usize = 4;

fn pair(orders: u32, levels: u32, only_tickers: bool) -> (Market, Naive) {
    let config = MarketConfig {
        capacity: Capacity { orders, levels, books: u32::from(BOOKS) },
        tickers: TICKERS.map(|name| Symbol(*NAMES[name])).to_vec(),
        only_tickers,
        tape_len: TAPE as u32,
    };
    let room = (orders as usize, levels as usize, TAPE);
    (Market::new(&config).expect("a market"), Naive::new(room, &TICKERS, only_tickers))
}

fn assert_same(market: &Market, naive: &Naive) {
    assert_eq!(market.books().len(), naive.len());
    assert_eq!(market.lies(), &naive.lies);
    assert_eq!(*market.counters(), naive.counters);
    let tape: Vec<_> = market.tape().iter().collect();
    assert_eq!(tape, naive.tape[naive.tape.len().saturating_sub(TAPE)..]);
    assert_eq!(market.tape().total(), naive.tape.len() as u64);
    for (at, ticker) in (0..).map(Ticker).take(TICKERS.len()).enumerate() {
        let locate = naive.locate(at);
        assert_eq!(market.locate(ticker), locate.map(SymbolId));
        assert_eq!(market.symbol(ticker), naive.symbol(at));
        assert_eq!(*market.status(ticker), naive.status[at]);
        assert_eq!(market.last_trade(ticker), naive.last[at]);
        let locate = locate.unwrap_or(0);
        assert_eq!(market.top(ticker), naive.top(locate));
        for side in [Side::Buy, Side::Sell] {
            let levels: Vec<_> = market.levels(ticker, side).collect();
            assert_eq!(levels, naive.levels(locate, side));
            assert_eq!(market.level(ticker, side, Price(59)), None);
            for level in levels {
                assert_eq!(market.level(ticker, side, level.price), Some(level));
                assert_queue(market, naive, (ticker, locate), side, level.price);
            }
        }
    }
    for locate in 0..BOOKS {
        let listed = naive.listed.get(&locate);
        assert_eq!(market.suspect(SymbolId(locate)), listed.and_then(|listed| listed.suspect));
        assert_eq!(market.books().top(SymbolId(locate)), naive.top(locate));
    }
}

fn assert_queue(market: &Market, naive: &Naive, whose: (Ticker, u16), side: Side, price: Price) {
    let queue: Vec<_> = market.orders(whose.0, side, price).map(|o| (o.payload, o.qty.0)).collect();
    assert_eq!(queue, naive.queue(whose.1, side, price));
    let mut shares = 0;
    for (orders, (id, qty)) in (0u32..).zip(queue) {
        let ahead = |most| market.ahead(id, most).expect("it rests");
        assert_eq!(ahead(99), Ahead { shares, orders, at_least: false });
        assert_eq!(ahead(1).orders, orders.min(1));
        assert_eq!(ahead(1).at_least, orders > 1);
        shares += u64::from(qty);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn the_market_is_its_naive_twin(
        (orders, levels) in (4u32..20, 3u32..12),
        only_tickers: bool,
        list_first in prop::bool::weighted(0.9),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let (mut market, mut naive) = pair(orders, levels, only_tickers);
        let listing = |name| Told::Directory { name, lot: 100 };
        let first = (0..3usize).filter(|_| list_first).map(|name| {
            Step::Told { locate: name as u16 + 1, back_ns: 0, told: listing(name) }
        });
        let open = Step::Told { locate: 0, back_ns: 0, told: Told::Event { letter: b'Q' } };
        let mut now_ns = 1_000;
        for step in first.chain([open]).chain(steps) {
            match &step {
                Step::Told { locate, back_ns, told } => {
                    now_ns += 2;
                    let at_ns = now_ns - back_ns;
                    let message = bytes(*locate, at_ns, told);
                    market.warm([&message[..]].into_iter());
                    let news = market.on_message(&message);
                    prop_assert_eq!(news, naive.on_message(*locate, at_ns, told), "{:?}", step);
                }
                Step::Clear => { market.clear(); naive.clear(); }
                Step::ClearDay => { market.clear_day(); naive.clear_day(); }
                Step::Absolve(at) => {
                    market.absolve(Ticker(*at));
                    if usize::from(*at) < TICKERS.len() { naive.absolve(usize::from(*at)); }
                }
                Step::Currency(currency) => {
                    market.set_currency(*currency);
                    naive.status.iter_mut().for_each(|status| status.currency = *currency);
                }
            }
            assert_same(&market, &naive);
        }
        prop_assert_eq!(market.ahead(OrderId(77), 9), None);
    }

    /// A market that was cleared and told its orders again is the market that was told nothing
    /// else.
    #[test]
    fn cleared_and_told_again_is_as_if_new(
        before in prop::collection::vec((1u16..4).prop_flat_map(|locate| {
            told(usize::from(locate) - 1).prop_map(move |told| (locate, told))
        }), 0..80),
        after in prop::collection::vec(
            (1u16..4, 0..40u64, 1..9u32, 60..68u32, any::<bool>()),
            0..40,
        ),
        another_day: bool,
    ) {
        let (mut worn, _) = pair(30, 20, false);
        let (mut fresh, _) = pair(30, 20, false);
        let listing = |name| bytes(name as u16 + 1, 5, &Told::Directory { name, lot: 100 });
        (0..3).for_each(|name| { worn.on_message(&listing(name)); });
        for (locate, told) in &before {
            worn.on_message(&bytes(*locate, 9, told));
        }
        if another_day { worn.clear_day() } else { worn.clear() }
        for market in [&mut worn, &mut fresh] {
            // The day's hours outlive a clearing: both are told the same.
            market.on_message(&bytes(0, 5, &Told::Event { letter: b'M' }));
            (0..3).for_each(|name| { market.on_message(&listing(name)); });
            for (locate, id, qty, price, buy) in &after {
                let (letter, name) = (if *buy { b'B' } else { b'S' }, usize::from(*locate) - 1);
                let (id, qty, price) = (*id, *qty, *price);
                let add = Told::Add { id, letter, qty, name, price, mpid: false };
                market.on_message(&bytes(*locate, 7, &add));
            }
        }
        prop_assert_eq!(worn.state_hash(), fresh.state_hash());
        prop_assert_eq!(worn.books().len(), fresh.books().len());
        for ticker in [Ticker(0), Ticker(1)] {
            prop_assert_eq!(worn.top(ticker), fresh.top(ticker));
            prop_assert_eq!(worn.status(ticker).suspect, fresh.status(ticker).suspect);
        }
    }
}
