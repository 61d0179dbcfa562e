//! `dip`: buys a clip when a symbol has fallen so far from its high, sells it when it is back.

use algos::{Context, OrderReport, ParamSpec, Strategy, What};
use market::{Currency, News};
use risk::Ask;
use types::{OrderSide, Price, Qty, Ticker, TimeInForce, TradingState, UserRef};

const DIP: usize = 0;
const CLIP: usize = 1;
const PARAMS: [ParamSpec; 2] = [
    ParamSpec { name: "dip_bps", min: 1, max: 5_000, default: 50, help: "fall to buy at" },
    ParamSpec { name: "clip_shares", min: 1, max: 10_000, default: 100, help: "shares to hold" },
];

/// What is kept of a symbol. Made once, for all symbols: a strategy allocates nothing later.
#[derive(Clone, Copy, Default)]
struct Seen {
    high: Price,
    order: Option<UserRef>,
}

pub struct Dip {
    values: [i64; 2],
    seen: Vec<Seen>,
}

impl Dip {
    pub fn new(tickers: u16, values: [i64; 2]) -> Dip {
        Dip { values, seen: vec![Seen::default(); usize::from(tickers)] }
    }
}

impl Strategy for Dip {
    fn on_book<C: Context>(&mut self, ticker: Ticker, news: News, ctx: &mut C) {
        let Some(seen) = self.seen.get_mut(usize::from(ticker.0)) else { return };
        let top = ctx.top(ticker);
        let (Some(bid), Some(offer)) = (top.bid, top.ask) else { return };
        let status = ctx.status(ticker);
        let sound = status.trading == TradingState::Trading
            && status.suspect.is_none()
            && status.currency == Currency::Current;
        if !news.has(News::TOP) || !sound || bid.price >= offer.price {
            return;
        }
        seen.high = seen.high.max(bid.price);
        // One order at a time: what became of the last is asked of the context, never guessed.
        if seen.order.is_some_and(|order| ctx.order(order).is_some()) {
            return;
        }
        let high = i64::from(seen.high.0);
        let low = high - high * self.values[DIP] / 10_000;
        let held = ctx.position(ticker).shares;
        let (side, shares, price) = if held > 0 && bid.price == seen.high {
            (OrderSide::Sell, held, bid.price)
        } else if held < self.values[CLIP] && i64::from(offer.price.0) <= low {
            (OrderSide::Buy, self.values[CLIP] - held, offer.price)
        } else {
            return;
        };
        let Ok(qty) = u32::try_from(shares).map(Qty) else { return };
        let ask = Ask { ticker, side, qty, price, tif: TimeInForce::Ioc, post_only: false };
        // The gate may say no; it counts that and logs it, and the next tick asks again.
        seen.order = ctx.enter(&ask).ok();
    }

    fn on_order<C: Context>(&mut self, report: &OrderReport, ctx: &mut C) {
        // It is from before a restart, and nobody here wants it.
        if report.what == What::Recovered {
            ctx.cancel(report.order.user_ref);
        }
    }

    fn params(&self) -> &'static [ParamSpec] {
        &PARAMS
    }

    fn param(&self, at: usize) -> i64 {
        self.values[at]
    }

    fn set_param(&mut self, at: usize, value: i64) {
        self.values[at] = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use algos::OrderView;
    use book::{LevelView, Top};
    use market::{Ahead, Breakers, Notices, Status, Trade};
    use risk::{Position, Refusal};
    use types::{OrderId, Side};

    /// One symbol with a top and a position, where orders are written down and fill at once.
    #[derive(Default)]
    struct Paper {
        top: Top,
        status: Status,
        shares: i64,
        asks: Vec<Ask>,
    }

    impl Paper {
        fn quote(&mut self, dip: &mut Dip, bid: u32, offer: u32) {
            let level = |price| Some(LevelView { price: Price(price), qty: 100, orders: 1 });
            self.top = Top { bid: level(bid), ask: level(offer) };
            dip.on_book(Ticker(0), News::new(Ticker(0), News::TOP), self);
        }
    }

    impl Context for Paper {
        fn now_ns(&self) -> u64 {
            0
        }
        fn host_ns(&self) -> u64 {
            0
        }
        fn tickers(&self) -> u16 {
            1
        }
        fn top(&self, _: Ticker) -> Top {
            self.top
        }
        fn levels(&self, _: Ticker, _: Side, _: &mut [LevelView]) -> usize {
            0
        }
        fn level(&self, _: Ticker, _: Side, _: Price) -> Option<LevelView> {
            None
        }
        fn queue(
            &self,
            _: Ticker,
            _: Side,
            _: Price,
        ) -> impl Iterator<Item = book::OrderView<OrderId>> {
            std::iter::empty()
        }
        fn status(&self, _: Ticker) -> &Status {
            &self.status
        }
        fn notices(&self, _: Ticker) -> Notices {
            Notices::default()
        }
        fn breakers(&self) -> Breakers {
            Breakers::default()
        }
        fn last_trade(&self, _: Ticker) -> Option<Trade> {
            None
        }
        fn prints(&self) -> impl DoubleEndedIterator<Item = (Ticker, Trade)> {
            std::iter::empty()
        }
        fn position(&self, _: Ticker) -> Position {
            Position { shares: self.shares, ..Position::default() }
        }
        fn order(&self, _: UserRef) -> Option<OrderView> {
            None
        }
        fn ahead(&self, _: UserRef) -> Option<Ahead> {
            None
        }
        fn can_trade(&self) -> bool {
            true
        }
        fn enter(&mut self, ask: &Ask) -> Result<UserRef, Refusal> {
            self.asks.push(*ask);
            let shares = i64::from(ask.qty.0);
            self.shares += if ask.side == OrderSide::Buy { shares } else { -shares };
            Ok(UserRef(self.asks.len() as u32))
        }
        fn replace(&mut self, _: UserRef, _: Qty, _: Price) -> Result<UserRef, Refusal> {
            Err(Refusal::UnknownOrder)
        }
        fn cancel(&mut self, _: UserRef) -> bool {
            false
        }
    }

    #[test]
    fn buys_the_dip_and_sells_the_high() {
        let (mut dip, mut paper) = (Dip::new(1, [50, 100]), Paper::default());
        paper.quote(&mut dip, 1_000_000, 1_000_100);
        paper.quote(&mut dip, 995_000, 995_100);
        assert!(paper.asks.is_empty(), "49 hundredths of a percent");
        paper.quote(&mut dip, 994_900, 995_000);
        paper.quote(&mut dip, 994_900, 995_000);
        assert_eq!(paper.shares, 100, "once");
        paper.quote(&mut dip, 1_000_000, 1_000_100);
        assert_eq!(paper.shares, 0);
        assert_eq!(paper.asks[1].price, Price(1_000_000));
    }

    #[test]
    fn lets_a_halted_symbol_be() {
        let (mut dip, mut paper) = (Dip::new(1, [50, 100]), Paper::default());
        paper.quote(&mut dip, 1_000_000, 1_000_100);
        paper.status.trading = TradingState::Halted;
        paper.quote(&mut dip, 990_000, 990_100);
        assert!(paper.asks.is_empty());
    }
}
