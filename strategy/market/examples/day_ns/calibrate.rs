//! What a real symbol's messages are like, measured from a sample: the generator draws from what
//! was seen, so that the frequencies are the sample's own.

use market::{Capacity, Market, MarketConfig};
use types::{Price, Side, Symbol, Ticker};
use wire::itch::{Blocks, Message, parse};

/// A price step, a cent.
pub(crate) const STEP: u32 = 100;

/// Everything is a list of what was seen, to draw from.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Types of messages, of those that can be understood without the day before them.
    pub(crate) kinds: Vec<u8>,
    /// Of a deleted, canceled or replaced order, how many were added after it and still rest.
    pub(crate) ranks: Vec<u32>,
    /// Steps between an order's price and the middle of the market when it came.
    pub(crate) distances: Vec<u32>,
    /// Shares of orders.
    pub(crate) sizes: Vec<u32>,
    /// Whether an execution took the whole order.
    pub(crate) is_whole: Vec<bool>,
    /// Orders resting at the end.
    pub(crate) live: usize,
}

/// One order that rests, in the order they came.
struct Resting {
    id: u64,
    qty: u32,
}

/// Measures the messages of one symbol.
pub(crate) fn calibrate(data: &[u8]) -> Option<Seen> {
    let mut seen = Seen::default();
    let mut resting: Vec<Resting> = vec![];
    let mut market: Option<Market> = None;
    for block in Blocks::to_end(data).flatten() {
        let message = parse(block.data).ok()?;
        let market = match &mut market {
            Some(market) => market,
            None => match message {
                Message::AddOrder(m) => market.insert(listed(m.head.stock_locate.get(), m.stock)?),
                _ => continue,
            },
        };
        see(&mut seen, &mut resting, market, &message);
        market.on_message(block.data);
    }
    seen.live = resting.len();
    Some(seen).filter(|seen| !seen.kinds.is_empty() && !seen.distances.is_empty())
}

fn listed(locate: u16, stock: [u8; 8]) -> Option<Market> {
    let config = MarketConfig {
        capacity: Capacity { orders: 1 << 16, levels: 1 << 14, books: u32::from(locate) + 1 },
        tickers: vec![Symbol(stock)],
        only_tickers: false,
        tape_len: 1,
    };
    let mut market = Market::new(&config).ok()?;
    market.on_message(&crate::day::listing(locate, stock));
    Some(market)
}

fn see(seen: &mut Seen, resting: &mut Vec<Resting>, market: &Market, message: &Message<'_>) {
    let kind = message.head().message_type;
    let mut leave = |id: u64, qty: Option<u32>| {
        let at = resting.iter().position(|order| order.id == id)?;
        let rank = (resting.len() - 1 - at) as u32;
        let left = qty.map_or(0, |qty| resting[at].qty.saturating_sub(qty));
        resting[at].qty = left;
        if left == 0 {
            resting.remove(at);
        }
        Some((rank, left == 0))
    };
    let come = |seen: &mut Seen, side: Side, price: u32, qty: u32| {
        seen.sizes.push(qty);
        if let (Some(bid), Some(ask)) = (market.top(Ticker(0)).bid, market.top(Ticker(0)).ask) {
            let Price(bid) = bid.price;
            let middle = bid + (ask.price.0 - bid) / 2;
            let away = if side == Side::Buy {
                middle.saturating_sub(price)
            } else {
                price.saturating_sub(middle)
            };
            seen.distances.push(away / STEP);
        }
    };
    match message {
        Message::AddOrder(m) => {
            let side = if m.buy_sell_indicator == b'B' { Side::Buy } else { Side::Sell };
            come(seen, side, m.price.get(), m.shares.get());
            resting.push(Resting { id: m.order_reference_number.get(), qty: m.shares.get() });
            seen.kinds.push(kind);
        }
        Message::OrderExecuted(m) => {
            let id = m.order_reference_number.get();
            let Some((_, whole)) = leave(id, Some(m.executed_shares.get())) else { return };
            seen.is_whole.push(whole);
            seen.kinds.push(kind);
        }
        Message::OrderCancel(m) => {
            let id = m.order_reference_number.get();
            let Some((rank, _)) = leave(id, Some(m.canceled_shares.get())) else { return };
            seen.ranks.push(rank);
            seen.kinds.push(kind);
        }
        Message::OrderDelete(m) => {
            let Some((rank, _)) = leave(m.order_reference_number.get(), None) else { return };
            seen.ranks.push(rank);
            seen.kinds.push(kind);
        }
        Message::OrderReplace(m) => {
            let old = m.original_order_reference_number.get();
            let Some((rank, _)) = leave(old, None) else { return };
            let id = m.new_order_reference_number.get();
            resting.push(Resting { id, qty: m.shares.get() });
            seen.ranks.push(rank);
            seen.kinds.push(kind);
        }
        Message::Trade(_) => seen.kinds.push(kind),
        _ => {}
    }
}
