//! A real morning: `data/sample` has the day's listings, then 49,947 messages of one symbol, cut
//! from the middle of the day, so that many speak of orders from before the cut.

use market::{Capacity, Lie, Market, MarketConfig, News};
use std::collections::HashMap;
use types::{OrderId, Side, Symbol, SymbolId, Ticker, TradingState};
use wire::itch::{Blocks, Message, SystemEvent, parse};

/// Messages about orders that were added before the cut.
const UNKNOWN: u64 = 3_970;
const AAPL: Ticker = Ticker(1);

fn sample(name: &str) -> Vec<u8> {
    let path = format!("{}/../../data/sample/{name}.itch", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn market(only_tickers: bool) -> Market {
    let config = MarketConfig {
        capacity: Capacity { orders: 1 << 16, levels: 1 << 14, books: 1 << 14 },
        tickers: ["A", "AAPL"].iter().filter_map(|name| Symbol::new(name)).collect(),
        only_tickers,
        tape_len: 1 << 12,
    };
    Market::new(&config).expect("a market")
}

fn open(market: &mut Market) {
    let open = SystemEvent { head: SystemEvent::head(0, market.time_ns()), event_code: b'Q' };
    let message = Message::SystemEvent(&open);
    assert!(market.on_message(message.as_bytes()).has(News::DAY));
}

/// Who comes late knows neither the orders nor the opening: the orders are counted and no lie, and
/// the feed's clock tells the opening. A snapshot ends that.
#[test]
fn who_joins_late_suspects_nobody_of_what_it_missed() {
    let mut market = market(false);
    market.join_late();
    let mut days = 0;
    for block in Blocks::to_end(&sample("sod")).chain(Blocks::to_end(&sample("aapl"))) {
        days += u64::from(market.on_message(block.unwrap().data).has(News::DAY));
    }
    assert_eq!(market.lies()[Lie::UnknownReference as usize], UNKNOWN);
    let status = market.status(AAPL);
    assert_eq!((status.suspect, status.market_hours), (None, true));
    assert!(days >= 1, "the clock's turn is news");
    market.clear();
    for block in Blocks::to_end(&sample("aapl")).skip(100) {
        market.on_message(block.unwrap().data);
    }
    assert_eq!(market.status(AAPL).suspect, Some(Lie::UnknownReference));
}

#[test]
fn a_real_morning_is_never_crossed_and_lies_only_by_its_cut() {
    let mut market = market(false);
    let mut listed = 0;
    for block in Blocks::to_end(&sample("sod")) {
        listed += u64::from(market.on_message(block.unwrap().data).has(News::LISTED));
    }
    assert_eq!(listed, 993);
    assert_eq!(market.locate(AAPL), Some(SymbolId(13)));
    assert_eq!(market.ticker(SymbolId(13)), Some(AAPL));
    assert_eq!(market.lies(), &[0; Lie::COUNT]);
    open(&mut market);
    let (mut shares, mut volume, mut ticks) = (HashMap::new(), 0u64, 0);
    for block in Blocks::to_end(&sample("aapl")) {
        let data = block.unwrap().data;
        let executed = within_its_order(&mut shares, &parse(data).unwrap());
        let news = market.on_message(data);
        assert!(news.is_nothing() || news.ticker == AAPL);
        assert_eq!(news.has(News::TRADE), executed.is_some());
        volume += executed.unwrap_or(0);
        ticks += u64::from(news.has(News::TOP));
        let top = market.top(AAPL);
        if let (Some(bid), Some(ask)) = (top.bid, top.ask) {
            assert!(bid.price <= ask.price, "crossed at {} ns", market.time_ns());
        }
    }
    let mut expected = [0; Lie::COUNT];
    expected[Lie::UnknownReference as usize] = UNKNOWN;
    assert_eq!(market.lies(), &expected);
    let status = market.status(AAPL);
    assert_eq!(status.suspect, Some(Lie::UnknownReference));
    assert_eq!((status.trading, status.market_hours), (TradingState::Trading, true));
    assert_eq!((status.volume, market.counters().ticks), (volume, ticks));
    assert_eq!(market.counters().messages, 1_000 + 1 + 49_947);
    let kinds = |kind: u8| market.by_type()[usize::from(kind)];
    assert_eq!((kinds(b'A'), kinds(b'D'), kinds(b'P')), (22_121, 24_150, 281));
    assert_eq!(market.tape().total(), market.counters().trades);
    market.absolve(AAPL);
    assert_eq!(market.status(AAPL).suspect, None);
    assert_eq!(market.suspect(SymbolId(13)), None);
}

/// Keeps the shares of each order: what a message executes, which is never more than there is.
fn within_its_order(shares: &mut HashMap<u64, u32>, message: &Message<'_>) -> Option<u64> {
    let take = |shares: &mut HashMap<u64, u32>, id: u64, qty: u32| {
        let left = shares.get_mut(&id)?;
        *left = left.checked_sub(qty).expect("within the order's size");
        Some(u64::from(qty))
    };
    match message {
        Message::AddOrder(m) => {
            shares.insert(m.order_reference_number.get(), m.shares.get());
            None
        }
        Message::AddOrderMpid(m) => {
            shares.insert(m.order_reference_number.get(), m.shares.get());
            None
        }
        Message::OrderReplace(m) => {
            shares.remove(&m.original_order_reference_number.get())?;
            shares.insert(m.new_order_reference_number.get(), m.shares.get());
            None
        }
        Message::OrderCancel(m) => {
            take(shares, m.order_reference_number.get(), m.canceled_shares.get());
            None
        }
        Message::OrderDelete(m) => {
            shares.remove(&m.order_reference_number.get());
            None
        }
        Message::OrderExecuted(m) => {
            take(shares, m.order_reference_number.get(), m.executed_shares.get())
        }
        Message::OrderExecutedPrice(m) => {
            let qty = take(shares, m.order_reference_number.get(), m.executed_shares.get())?;
            assert_eq!(m.printable, b'Y');
            Some(qty)
        }
        Message::Trade(m) => Some(u64::from(m.shares.get())),
        _ => None,
    }
}

/// With books of the tickers alone, the ticker's book is the same and the rest is left.
#[test]
fn subscribed_symbols_only_have_the_same_books() {
    let (mut all, mut only) = (market(false), market(true));
    let data = [sample("sod"), sample("aapl")].concat();
    for (at, block) in Blocks::to_end(&data).enumerate() {
        let message = block.unwrap().data.to_vec();
        let mut other = message.clone();
        // Every other message again, of another symbol and with a number of its own.
        let moved = at % 2 == 0 && message[0] == b'A';
        if moved {
            other[1..3].copy_from_slice(&1u16.to_be_bytes());
            other[11] = 7;
            other[24..32].copy_from_slice(b"A       ");
        }
        for market in [&mut all, &mut only] {
            market.on_message(&message);
            if moved {
                market.on_message(&other);
            }
        }
    }
    for side in [Side::Buy, Side::Sell] {
        assert!(all.levels(AAPL, side).eq(only.levels(AAPL, side)));
        for level in all.levels(AAPL, side) {
            let orders = all.orders(AAPL, side, level.price);
            assert!(orders.eq(only.orders(AAPL, side, level.price)));
        }
    }
    assert_eq!(all.state_hash(), only.state_hash());
    assert_eq!(all.ahead(OrderId(1), 3), None);
}

/// A market of one ticker leaves the messages of others unread.
#[test]
fn other_symbols_are_skipped() {
    let config = MarketConfig {
        capacity: Capacity { orders: 1 << 10, levels: 1 << 8, books: 1 << 14 },
        tickers: vec![Symbol::new("A").unwrap()],
        only_tickers: true,
        tape_len: 8,
    };
    let mut market = Market::new(&config).unwrap();
    let data = [sample("sod"), sample("aapl")].concat();
    for block in Blocks::to_end(&data) {
        market.on_message(block.unwrap().data);
    }
    // The first listings have three H and three Y, of A and of two others, which are skipped.
    assert_eq!(market.counters().skipped, 49_947 + 4);
    assert_eq!(market.lies(), &[0; Lie::COUNT]);
    assert!(market.books().is_empty());
}
