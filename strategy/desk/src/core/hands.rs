//! The context that a strategy is given: the market to look at, the desk behind the gate.

use crate::{Desk, OrderWire};
use algos::{Context, OrderState, OrderView};
use book::{LevelView, Top};
use market::{Ahead, Breakers, Market, Notices, Status, Trade};
use risk::{Ask, Position, Quote, Refusal};
use types::{OrderId, Price, Qty, Side, Ticker, TradingState, UserRef};

/// Orders looked at when a place in a queue is asked for, at most.
const AHEAD_ORDERS_MAX: u32 = 4_096;

/// See the module.
pub(super) struct Hands<'a, W> {
    pub(super) market: &'a Market,
    pub(super) desk: &'a mut Desk,
    pub(super) wire: &'a mut W,
    /// The host's clock, which the desk and the gate go by.
    pub(super) host_ns: u64,
    /// The exchange's, for the strategy.
    pub(super) feed_ns: u64,
}

impl<W: OrderWire> Hands<'_, W> {
    /// The market as the gate needs it; the desk adds our own orders.
    #[inline]
    fn quote(&self, ticker: Ticker) -> Quote {
        let top = self.market.top(ticker);
        let status = self.market.status(ticker);
        Quote {
            bid: top.bid.map(|level| level.price),
            ask: top.ask.map(|level| level.price),
            own_bid: None,
            own_ask: None,
            halted: status.trading != TradingState::Trading,
            stale: status.currency != market::Currency::Current,
            suspect: status.suspect.is_some(),
            short_restricted: status.short_restricted,
        }
    }

    /// Asks for all orders in a symbol to be taken off; whether all could be asked for.
    #[cold]
    pub(super) fn cancel_in(&mut self, ticker: Ticker) -> bool {
        let stands = |o: &OrderView| o.ticker == ticker && o.state != OrderState::Canceling;
        loop {
            let Some(order) = self.desk.orders().find(stands) else { return true };
            if !self.desk.cancel(self.host_ns, order.user_ref, self.wire) {
                return false;
            }
        }
    }
}

/// How many tickers there are; a market has at most as many as their numbers tell apart.
pub(super) fn count(market: &Market) -> u16 {
    u16::try_from(market.tickers()).unwrap_or(u16::MAX)
}

impl<W: OrderWire> Context for Hands<'_, W> {
    #[inline]
    fn now_ns(&self) -> u64 {
        self.feed_ns
    }

    #[inline]
    fn host_ns(&self) -> u64 {
        self.host_ns
    }

    fn tickers(&self) -> u16 {
        count(self.market)
    }

    #[inline]
    fn top(&self, ticker: Ticker) -> Top {
        self.market.top(ticker)
    }

    fn levels(&self, ticker: Ticker, side: Side, out: &mut [LevelView]) -> usize {
        let mut count = 0;
        for (slot, level) in out.iter_mut().zip(self.market.levels(ticker, side)) {
            *slot = level;
            count += 1;
        }
        count
    }

    fn level(&self, ticker: Ticker, side: Side, price: Price) -> Option<LevelView> {
        self.market.level(ticker, side, price)
    }

    fn queue(
        &self,
        ticker: Ticker,
        side: Side,
        price: Price,
    ) -> impl Iterator<Item = book::OrderView<OrderId>> {
        self.market.orders(ticker, side, price)
    }

    #[inline]
    fn status(&self, ticker: Ticker) -> &Status {
        self.market.status(ticker)
    }

    fn notices(&self, ticker: Ticker) -> Notices {
        self.market.notices(ticker)
    }

    fn breakers(&self) -> Breakers {
        self.market.breakers()
    }

    fn last_trade(&self, ticker: Ticker) -> Option<Trade> {
        self.market.last_trade(ticker)
    }

    fn prints(&self) -> impl DoubleEndedIterator<Item = (Ticker, Trade)> {
        self.market.tape().iter()
    }

    fn position(&self, ticker: Ticker) -> Position {
        self.desk.gate().position(ticker)
    }

    fn order(&self, user_ref: UserRef) -> Option<OrderView> {
        self.desk.order(user_ref)
    }

    fn ahead(&self, user_ref: UserRef) -> Option<Ahead> {
        // A simulated venue knows what no feed shows: our place among orders that were.
        if let Some(ahead) = self.wire.ahead(user_ref) {
            return Some(ahead);
        }
        self.market.ahead(self.desk.order(user_ref)?.reference?, AHEAD_ORDERS_MAX)
    }

    fn can_trade(&self) -> bool {
        self.desk.can_trade()
    }

    #[inline]
    fn enter(&mut self, ask: &Ask) -> Result<UserRef, Refusal> {
        let at = self.quote(ask.ticker);
        self.desk.enter(self.host_ns, ask, at, self.wire)
    }

    fn replace(&mut self, user_ref: UserRef, qty: Qty, price: Price) -> Result<UserRef, Refusal> {
        let ticker = self.desk.order(user_ref).map(|order| order.ticker);
        let at = ticker.map(|ticker| self.quote(ticker)).unwrap_or_default();
        self.desk.replace(self.host_ns, user_ref, qty, price, at, self.wire)
    }

    fn cancel(&mut self, user_ref: UserRef) -> bool {
        self.desk.cancel(self.host_ns, user_ref, self.wire)
    }
}
