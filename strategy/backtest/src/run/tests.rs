use super::*;
use crate::{FillModel, Latencies, Outcome};
use algos::{Ask, Context, Fill, ParamSpec};
use desk::{CoreConfig, Desk, DeskConfig};
use market::{Market, MarketConfig, News};
use proptest::prelude::{ProptestConfig, any, prop, prop_assert, prop_assert_eq, proptest};
use risk::{GateLimits, OrderLimits, Restriction, TickerLimits};
use types::{OrderSide, Price, Qty, Side, Symbol, TimeInForce};
use wire::itch::{AddOrder, OrderDelete, OrderExecuted};

const NAME: [u8; 8] = *b"AAPL    ";
const LOCATE: u16 = 13;
/// 10:00.
const TEN_NS: u64 = 36_000_000_000_000;

/// Buys once when it first sees an offer, and notes when it saw what.
#[derive(Debug)]
struct Once {
    tif: TimeInForce,
    /// Below the offer, in 1/10000 dollar.
    below: u32,
    done: bool,
    seen_ns: Vec<(u64, u64)>,
    filled_ns: Vec<(u64, u64)>,
    ahead: Vec<Option<u64>>,
    order: Option<types::UserRef>,
}

impl Once {
    fn new(tif: TimeInForce, below: u32) -> Once {
        Once {
            tif,
            below,
            done: false,
            seen_ns: Vec::new(),
            filled_ns: Vec::new(),
            ahead: Vec::new(),
            order: None,
        }
    }
}

impl Strategy for Once {
    fn on_book<C: Context>(&mut self, ticker: Ticker, _: News, ctx: &mut C) {
        self.seen_ns.push((ctx.now_ns(), ctx.host_ns()));
        if let Some(order) = self.order {
            self.ahead.push(ctx.ahead(order).map(|ahead| ahead.shares));
        }
        let Some(ask) = ctx.top(ticker).ask.filter(|_| ctx.can_trade() && !self.done) else {
            return;
        };
        let ask = Ask {
            ticker,
            side: OrderSide::Buy,
            qty: Qty(100),
            price: Price(ask.price.0 - self.below),
            tif: self.tif,
            post_only: false,
        };
        self.order = ctx.enter(&ask).ok();
        self.done = true;
    }

    fn on_fill<C: Context>(&mut self, fill: &Fill, ctx: &mut C) {
        self.filled_ns.push((fill.at_ns, ctx.host_ns()));
    }

    fn params(&self) -> &'static [ParamSpec] {
        &[]
    }

    fn param(&self, _: usize) -> i64 {
        0
    }

    fn set_param(&mut self, _: usize, _: i64) {}
}

fn settings(order_ns: u64) -> Settings {
    let mut settings = Settings::of(vec![Symbol(NAME)]);
    settings.latencies =
        Latencies { feed_ns: 5_000, order_ns, answer_ns: 7_000, jitter_ns: 0, seed: 1 };
    settings.capacity = book::Capacity { orders: 1 << 10, levels: 1 << 8, books: 0 };
    settings.feed_in_flight_max = 1 << 10;
    settings.horizons_ns = vec![1_000, 1_000_000];
    settings
}

fn core(strategy: Once) -> Core<Once> {
    let tickers = vec![Symbol(NAME)];
    let market = Market::new(&MarketConfig {
        capacity: book::Capacity { orders: 1 << 10, levels: 1 << 8, books: 64 },
        tickers: tickers.clone(),
        only_tickers: true,
        tape_len: 64,
    });
    let limits = GateLimits {
        order: OrderLimits { qty_max: Qty(1_000), notional_max: u64::MAX, collar_bps: 0 },
        account_exposure_max: u64::MAX,
        account_gross_shares_max: u64::MAX,
        open_orders_max: 8,
        orders_per_second_max: 1_000,
        messages_per_second_max: 1_000,
        duplicate_window_ns: 0,
        duplicates_max: 0,
        loss_max: 0,
        runaway_refusals_max: 0,
        stale_is_refused: true,
        suspect_is_refused: true,
        market_orders: true,
    };
    let ticker = TickerLimits {
        position_max: 10_000,
        exposure_max: u64::MAX,
        open_orders_max: 8,
        restriction: Restriction::None,
        locate_shares: 0,
        tick: Price(0),
    };
    let desk = Desk::new(&DeskConfig {
        tickers,
        slots: 64,
        limits,
        ticker_limits: vec![ticker],
        firm: None,
        answer_timeout_ns: 0,
    });
    Core::new(market.unwrap(), desk, strategy, CoreConfig::default())
}

fn listing() -> Vec<u8> {
    let mut listing = vec![b' '; 39];
    listing[0] = b'R';
    listing[1..3].copy_from_slice(&LOCATE.to_be_bytes());
    listing[3..11].fill(0);
    listing[11..19].copy_from_slice(&NAME);
    listing[21..25].copy_from_slice(&100_u32.to_be_bytes());
    listing
}

fn add(at_ns: u64, id: u64, side: Side, qty: u32, price: u32) -> Vec<u8> {
    let message = AddOrder {
        head: AddOrder::head(LOCATE, TEN_NS + at_ns),
        order_reference_number: id.into(),
        buy_sell_indicator: side.letter(),
        shares: qty.into(),
        stock: NAME,
        price: price.into(),
    };
    message.as_bytes().to_vec()
}

fn delete(at_ns: u64, id: u64) -> Vec<u8> {
    let head = OrderDelete::head(LOCATE, TEN_NS + at_ns);
    OrderDelete { head, order_reference_number: id.into() }.as_bytes().to_vec()
}

fn execute(at_ns: u64, id: u64, qty: u32) -> Vec<u8> {
    let message = OrderExecuted {
        head: OrderExecuted::head(LOCATE, TEN_NS + at_ns),
        order_reference_number: id.into(),
        executed_shares: qty.into(),
        match_number: 1.into(),
    };
    message.as_bytes().to_vec()
}

fn run(settings: Settings, strategy: Once, messages: &[Vec<u8>]) -> Outcome {
    let mut test = Backtest::new(core(strategy), settings);
    for message in messages {
        test.on_message(message).unwrap();
    }
    test.finish().unwrap()
}

/// An offer that the strategy sees once it is logged in, and that is gone 20 µs later.
fn fleeting() -> Vec<Vec<u8>> {
    vec![
        listing(),
        add(0, 1, Side::Buy, 300, 1_000_000),
        add(1_000_000, 2, Side::Sell, 300, 1_000_100),
        delete(1_020_000, 2),
        add(2_000_000, 3, Side::Sell, 300, 1_000_200),
    ]
}

#[test]
fn an_order_meets_the_market_as_it_is_when_it_arrives() {
    // Seen at 1,005 µs; at the exchange at 1,015 or at 1,026 µs, when the offer is gone.
    let mut messages = fleeting();
    messages.push(add(3_000_000, 4, Side::Buy, 1, 999_000));
    let fast = run(settings(10_000), Once::new(TimeInForce::Ioc, 0), &messages);
    let [fill] = &fast.fills[..] else { panic!("{:?}", fast.fills) };
    assert_eq!(fill.at_ns, TEN_NS + 1_015_000);
    assert_eq!((fill.qty, fill.price, fill.liquidity), (100, Price(1_000_100), b'R'));
    assert_eq!(fill.middle_twice, Some(2_000_100));
    // A microsecond later the offer still stood; a millisecond later there is another.
    assert_eq!(fill.later_twice[..2], [Some(2_000_100), Some(2_000_200)]);
    assert_eq!((fill.edge_twice(), fill.mark_out_twice(1)), (Some(-100), Some(0)));
    assert!(fast.reconciled && fast.live_orders == 0);
    assert_eq!((fast.symbols[0].held, fast.symbols[0].open), (100, 0));
    let slow = run(settings(21_000), Once::new(TimeInForce::Ioc, 0), &messages);
    assert_eq!((slow.fills.len(), slow.venue.canceled_unrested), (0, 100));
    assert_ne!(fast.state_hash, slow.state_hash);
}

#[test]
fn feed_and_answers_are_late_by_their_latencies() {
    let mut test = Backtest::new(core(Once::new(TimeInForce::Ioc, 0)), settings(10_000));
    for message in fleeting() {
        test.on_message(&message).unwrap();
    }
    test.on_message(&add(3_000_000, 4, Side::Buy, 1, 999_000)).unwrap();
    let strategy = test.core().strategy();
    // The exchange's time as it was when the message left, and the host's when it came.
    let seen = strategy.seen_ns.iter().map(|(feed_ns, at_ns)| (feed_ns - TEN_NS, at_ns - TEN_NS));
    let late = [0, 1_000_000, 1_020_000, 2_000_000].map(|feed_ns| (feed_ns, feed_ns + 5_000));
    assert_eq!(seen.collect::<Vec<_>>(), late);
    assert_eq!(strategy.filled_ns, [(TEN_NS + 1_015_000, TEN_NS + 1_022_000)]);
}

#[test]
fn a_place_is_seen_no_sooner_than_the_feed_tells() {
    let messages = [
        listing(),
        add(0, 1, Side::Buy, 300, 1_000_000),
        add(1_000_000, 2, Side::Sell, 300, 1_000_100),
        // The order arrives at 1,015 µs behind 300; 1,019 µs is before its place can be seen.
        add(1_014_000, 3, Side::Sell, 300, 1_000_200),
        execute(1_100_000, 1, 50),
        delete(1_200_000, 3),
        add(9_000_000, 9, Side::Sell, 1, 1_000_300),
    ];
    let strategy = Once::new(TimeInForce::Day, 100);
    let mut test = Backtest::new(core(strategy), settings(10_000));
    for message in &messages {
        test.on_message(message).unwrap();
    }
    assert_eq!(test.core().strategy().ahead, [None, Some(250), Some(250)]);
    let outcome = test.finish().unwrap();
    assert_eq!((outcome.venue.cancels, outcome.venue.canceled_by_us), (1, 100));
    assert_eq!(outcome.live_orders, 0);
}

#[test]
fn models_and_starts_have_names() {
    assert_eq!(FillModel::ALL.map(FillModel::name), ["queue", "touch", "conservative"]);
    assert_eq!(Start::ALL.map(Start::name), ["auto", "beginning", "middle"]);
}

#[test]
fn orders_from_before_a_recording_are_left_out_and_said() {
    let mut messages = fleeting();
    messages.insert(1, delete(0, 77));
    let outcome = run(settings(10_000), Once::new(TimeInForce::Ioc, 0), &messages);
    assert!(outcome.feed.in_the_middle && outcome.feed.left_out == 1);
    assert_eq!((outcome.fills.len(), outcome.symbols[0].suspect), (1, None));
    let told = Settings { start: Start::Beginning, ..settings(10_000) };
    let outcome = run(told, Once::new(TimeInForce::Ioc, 0), &messages);
    assert_eq!((outcome.feed.left_out, outcome.fills.len()), (0, 0));
    assert!(outcome.symbols[0].suspect.is_some());
}

#[test]
fn what_does_not_fit_is_an_error() {
    let mut small = settings(10_000);
    small.feed_in_flight_max = 4;
    let mut test = Backtest::new(core(Once::new(TimeInForce::Ioc, 0)), small);
    let told = (0..9).map(|n| test.on_message(&add(n, n + 1, Side::Buy, 1, 1_000))).count();
    assert_eq!(told, 9, "of a symbol that is not listed nothing is in flight");
    test.on_message(&listing()).unwrap();
    let all = (0..9)
        .try_for_each(|n| test.on_message(&add(100 + n, n + 20, Side::Buy, 1, 1_000)).map(|_| ()));
    assert_eq!(all, Err(Overflow::Feed { max: 4 }));
    let mut small = settings(10_000);
    small.capacity.orders = 4;
    let mut test = Backtest::new(core(Once::new(TimeInForce::Ioc, 0)), small);
    test.on_message(&listing()).unwrap();
    let all = (0..9)
        .try_for_each(|n| test.on_message(&add(100 + n, n + 20, Side::Buy, 1, 1_000)).map(|_| ()));
    assert_eq!(all, Err(Overflow::Books { orders: 4, levels: 256 }));
}

#[test]
fn a_window_opens_and_closes() {
    let mut window = settings(10_000);
    (window.from_ns, window.to_ns) = (TEN_NS + 1_500_000, TEN_NS + 3_000_000);
    let mut messages = fleeting();
    messages.push(add(4_000_000, 8, Side::Sell, 1, 1_000_300));
    messages.push(add(90_000_000_000, 9, Side::Sell, 1, 1_000_300));
    let mut test = Backtest::new(core(Once::new(TimeInForce::Day, 100)), window);
    let courses: Vec<_> = messages.iter().map(|m| test.on_message(m).unwrap()).collect();
    assert_eq!(courses.last(), Some(&Progress::Over));
    assert_eq!(test.finish().unwrap().fills.len(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_same_bytes_give_the_same_outcome_and_none_panics(
        messages in prop::collection::vec(
            (any::<u8>(), 0_u64..50_000, prop::collection::vec(any::<u8>(), 0..90)), 1..300)
    ) {
        let hostile: Vec<Vec<u8>> = messages.into_iter().map(|(kind, at_ns, mut bytes)| {
            let (letter, _, len) = itch::TYPES[usize::from(kind) % itch::TYPES.len()];
            if kind < 240 {
                bytes.resize(len, kind);
                bytes[0] = letter;
                bytes[1..3].copy_from_slice(&LOCATE.to_be_bytes());
                bytes[5..11].copy_from_slice(&(TEN_NS + at_ns).to_be_bytes()[2..]);
            }
            bytes
        }).collect();
        let mut all = fleeting();
        all.extend(hostile);
        let twice = [(); 2].map(|()| run(settings(10_000), Once::new(TimeInForce::Day, 0), &all));
        prop_assert_eq!(twice[0].state_hash, twice[1].state_hash);
        prop_assert_eq!(&twice[0].fills, &twice[1].fills);
        prop_assert!(twice[0].reconciled);
    }
}
