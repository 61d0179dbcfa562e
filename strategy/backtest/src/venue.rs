//! The simulated venue: the recorded market at the exchange's time, with our orders in it.
//!
//! What the recording tells is never changed by us: others do as they did. Our orders trade with
//! it by these rules, which `docs/backtest.md` explains:
//! * a resting order is filled by a trade that it would have had first (`ghosts.rs`), and by an
//!   order that comes and crosses it; each with as many shares as traded or came, at its price;
//! * an order that comes takes what is shown, level by level, and a share is taken but once;
//! * nothing trades in a symbol that is halted, crosses excepted.
//!
//! Failure modes: what cannot be in the recording is left to the strategy's market to count; here
//! it changes nothing. Books that are full are a [`Trouble`].

mod orders;

use crate::answers::{self, Filled, Place, Sink, Writer};
use crate::ghosts::{Ghost, Ghosts, better};
use crate::shown::{Books, NotShown, Shown};
use crate::{HiddenPrints, Settings};
use book::Slot;
use types::{CancelReason, Price, Side, Symbol, Ticker, TimeInForce, TradingState};
use wire::itch::{self, Message};

/// Orders of ours that can rest at once; more are rejected.
const GHOSTS_MAX: usize = 1 << 16;
const NOBODY: u16 = u16::MAX;

/// Whom a recorded message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A traded symbol, or all.
    Ours,
    /// A symbol that is not traded.
    Others,
    /// An order from before the recording; nothing was done.
    Unknown,
    /// There was no room for it.
    Full,
}

/// What came to the venue from us, and what it said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VenueCounts {
    /// New orders.
    pub orders: u64,
    /// Shares in them, and those that replacements added.
    pub order_shares: u64,
    /// Replacements.
    pub replaces: u64,
    /// Cancels.
    pub cancels: u64,
    /// Account queries.
    pub queries: u64,
    /// Orders and replacements taken.
    pub accepted: u64,
    /// Orders and replacements rejected.
    pub rejected: u64,
    /// Shares canceled on request.
    pub canceled_by_us: u64,
    /// Shares canceled because the rest of the order was not to rest.
    pub canceled_unrested: u64,
    /// Shares canceled because a post-only order would have taken.
    pub canceled_post_only: u64,
    /// Shares canceled because the order met one of ours.
    pub canceled_self_match: u64,
    /// Shares canceled at the closing cross.
    pub canceled_closed: u64,
    /// Cancels and replacements that came too late for their order.
    pub late: u64,
    /// Messages under a number that was used before.
    pub repeated: u64,
    /// Messages that the simulation does not know, or cannot read.
    pub not_understood: u64,
}

impl VenueCounts {
    /// Every count with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [
            ("orders", self.orders),
            ("order_shares", self.order_shares),
            ("replaces", self.replaces),
            ("cancels", self.cancels),
            ("queries", self.queries),
            ("accepted", self.accepted),
            ("rejected", self.rejected),
            ("canceled_by_us", self.canceled_by_us),
            ("canceled_unrested", self.canceled_unrested),
            ("canceled_post_only", self.canceled_post_only),
            ("canceled_self_match", self.canceled_self_match),
            ("canceled_closed", self.canceled_closed),
            ("late", self.late),
            ("repeated", self.repeated),
            ("not_understood", self.not_understood),
        ]
        .into_iter()
    }
}

/// Whether a symbol trades, as H and h told it.
#[derive(Clone, Copy, Debug)]
struct State {
    told: TradingState,
    halted_here: bool,
    locate: u16,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Venue {
    names: Box<[Symbol]>,
    tickers: Box<[u16]>,
    states: Box<[State]>,
    books: Books,
    ghosts: Ghosts,
    writer: Writer,
    fills: crate::FillModel,
    hidden: HiddenPrints,
    counts: VenueCounts,
    last_user_ref: u32,
    /// What an order that comes takes: of whom, how much, at which price.
    takes: Vec<(Slot, u32, Price)>,
}

impl Venue {
    pub(crate) fn new(settings: &Settings) -> Venue {
        let state = State { told: TradingState::Trading, halted_here: false, locate: 0 };
        Venue {
            names: settings.tickers.clone().into_boxed_slice(),
            tickers: vec![NOBODY; 1 << 16].into_boxed_slice(),
            states: vec![state; settings.tickers.len()].into_boxed_slice(),
            books: Books::new(settings.capacity, settings.tickers.len()),
            ghosts: Ghosts::new(settings.tickers.len()),
            writer: Writer::default(),
            fills: settings.fills,
            hidden: settings.hidden,
            counts: VenueCounts::default(),
            last_user_ref: 0,
            takes: Vec::new(),
        }
    }

    pub(crate) fn counts(&self) -> &VenueCounts {
        &self.counts
    }

    pub(crate) fn resting(&self) -> usize {
        self.ghosts.len()
    }

    #[inline]
    pub(crate) fn middle_twice(&self, ticker: Ticker) -> Option<u64> {
        self.books.middle_twice(ticker)
    }

    pub(crate) fn state_hash(&self) -> u64 {
        self.books.state_hash()
    }

    /// Which ticker a locate stands for.
    #[inline]
    fn ticker(&self, locate: u16) -> Option<Ticker> {
        Some(self.tickers[usize::from(locate)]).filter(|at| *at != NOBODY).map(Ticker)
    }

    fn is_trading(&self, ticker: Ticker) -> bool {
        let state = &self.states[usize::from(ticker.0)];
        state.told == TradingState::Trading && !state.halted_here
    }

    /// Takes one recorded message.
    #[inline]
    pub(crate) fn on_itch<S: Sink>(
        &mut self,
        now_ns: u64,
        message: &Message<'_>,
        sink: &mut S,
    ) -> Heard {
        let Some(ticker) = self.ticker(message.head().stock_locate.get()) else {
            return self.on_unlisted(message);
        };
        match message {
            Message::AddOrder(m) => {
                let terms = (m.buy_sell_indicator, m.shares.get(), m.price.get());
                self.add(now_ns, ticker, m.order_reference_number.get(), terms, sink)
            }
            Message::AddOrderMpid(m) => {
                let terms = (m.buy_sell_indicator, m.shares.get(), m.price.get());
                self.add(now_ns, ticker, m.order_reference_number.get(), terms, sink)
            }
            Message::OrderDelete(m) => match self.find(ticker, m.order_reference_number.get()) {
                Some(order) => self.leave(order, u32::MAX, sink),
                None => Heard::Unknown,
            },
            Message::OrderCancel(m) => match self.find(ticker, m.order_reference_number.get()) {
                Some(order) => self.leave(order, m.canceled_shares.get(), sink),
                None => Heard::Unknown,
            },
            Message::OrderExecuted(m) => {
                let (id, qty) = (m.order_reference_number.get(), m.executed_shares.get());
                self.execute(now_ns, ticker, id, qty, None, sink)
            }
            Message::OrderExecutedPrice(m) => {
                let (id, qty) = (m.order_reference_number.get(), m.executed_shares.get());
                // Not printable: part of a cross, which a Q tells.
                let price = (m.printable == b'Y').then(|| Price(m.execution_price.get()));
                self.execute(now_ns, ticker, id, qty, Some(price), sink)
            }
            Message::OrderReplace(m) => self.replace(now_ns, ticker, m, sink),
            Message::Trade(m) => self.on_hidden(now_ns, ticker, m, sink),
            Message::CrossTrade(m) => self.on_cross(now_ns, ticker, m, sink),
            _ => self.on_state(ticker, message),
        }
    }

    #[cold]
    fn on_unlisted(&mut self, message: &Message<'_>) -> Heard {
        let locate = message.head().stock_locate.get();
        let Message::StockDirectory(m) = message else {
            return if locate == 0 { Heard::Ours } else { Heard::Others };
        };
        let Some(at) = self.names.iter().position(|name| *name == Symbol(m.stock)) else {
            return Heard::Others;
        };
        // As the strategy's market has it: one locate a name, the first one that is told.
        if locate != 0 && self.states[at].locate == 0 {
            self.states[at].locate = locate;
            self.tickers[usize::from(locate)] = at as u16;
        }
        Heard::Ours
    }

    #[cold]
    fn on_state(&mut self, ticker: Ticker, message: &Message<'_>) -> Heard {
        let state = &mut self.states[usize::from(ticker.0)];
        match message {
            Message::StockTradingAction(m) => match m.trading_state {
                b'H' => state.told = TradingState::Halted,
                b'P' => state.told = TradingState::Paused,
                b'Q' => state.told = TradingState::Quotation,
                b'T' => state.told = TradingState::Trading,
                _ => {}
            },
            Message::OperationalHalt(m) if m.market_code == b'Q' => {
                match m.operational_halt_action {
                    b'H' => state.halted_here = true,
                    b'T' => state.halted_here = false,
                    _ => {}
                }
            }
            _ => {}
        }
        Heard::Ours
    }

    /// An order of the ticker's by its number.
    #[inline]
    fn find(&self, ticker: Ticker, id: u64) -> Option<Shown> {
        self.books.find(id).filter(|order| order.ticker == ticker)
    }

    #[inline]
    fn add<S: Sink>(
        &mut self,
        now_ns: u64,
        ticker: Ticker,
        id: u64,
        (letter, qty, price): (u8, u32, u32),
        sink: &mut S,
    ) -> Heard {
        let side = match letter {
            b'B' => Side::Buy,
            b'S' => Side::Sell,
            _ => return Heard::Ours,
        };
        // The middle as it was before, which what comes would change.
        let is_met = !self.ghosts.of(ticker, side.opposite()).is_empty();
        let middle_twice = if is_met { self.books.middle_twice(ticker) } else { None };
        match self.books.add(id, ticker, side, qty, Price(price)) {
            Ok(order) => {
                self.meet(now_ns, &order, middle_twice, sink);
                Heard::Ours
            }
            Err(NotShown::Nonsense) => Heard::Ours,
            Err(NotShown::Full) => Heard::Full,
        }
    }

    fn replace<S: Sink>(
        &mut self,
        now_ns: u64,
        ticker: Ticker,
        m: &itch::OrderReplace,
        sink: &mut S,
    ) -> Heard {
        let old = self.find(ticker, m.original_order_reference_number.get());
        let Some(old) = old else { return Heard::Unknown };
        self.leave(old, u32::MAX, sink);
        let terms = (old.side.letter(), m.shares.get(), m.price.get());
        self.add(now_ns, ticker, m.new_order_reference_number.get(), terms, sink)
    }

    /// Shares of a recorded order are gone: ours behind it move forward.
    #[inline]
    fn leave<S: Sink>(&mut self, order: Shown, qty: u32, sink: &mut S) -> Heard {
        let after = self.books.reduce(&order, qty);
        let shares = order.available() - after.available();
        for ghost in self.ghosts.of_mut(order.ticker, order.side) {
            if ghost.terms.price == order.price && order.came <= ghost.came && shares > 0 {
                ghost.ahead_shares = ghost.ahead_shares.saturating_sub(u64::from(shares));
                let gone = u32::from(after.available() == 0);
                ghost.ahead_orders = ghost.ahead_orders.saturating_sub(gone);
                sink.placed(&place(ghost));
            }
        }
        Heard::Ours
    }

    /// E and C. `price` is C's; its `None` is a trade that is told elsewhere.
    #[inline]
    fn execute<S: Sink>(
        &mut self,
        now_ns: u64,
        ticker: Ticker,
        id: u64,
        qty: u32,
        price: Option<Option<Price>>,
        sink: &mut S,
    ) -> Heard {
        let Some(order) = self.find(ticker, id) else { return Heard::Unknown };
        let is_quiet = self.ghosts.of(ticker, order.side).is_empty() || !self.is_trading(ticker);
        if !is_quiet && let Some(price) = price.unwrap_or(Some(order.price)) {
            // A feed that executes more than there is cannot fill us with it.
            let middle_twice = self.books.middle_twice(ticker);
            let shares = qty.min(order.qty);
            let fill = Fill { now_ns, shares, at: None, liquidity: b'A', middle_twice };
            let model = self.fills;
            let reached = |ghost: &Ghost| ghost.is_reached(model, price, &order);
            self.fill(ticker, order.side, fill, reached, sink);
        }
        self.leave(order, qty, sink)
    }

    /// An order comes that would have met ours first.
    #[inline]
    fn meet<S: Sink>(
        &mut self,
        now_ns: u64,
        order: &Shown,
        middle_twice: Option<u64>,
        sink: &mut S,
    ) {
        let side = order.side.opposite();
        let Some(best) = self.ghosts.best(order.ticker, side) else { return };
        if better(side, order.price, best) || !self.is_trading(order.ticker) {
            return;
        }
        let at_price = self.fills != crate::FillModel::Conservative;
        let reached = |ghost: &Ghost| {
            let ours = ghost.terms.price;
            better(side, ours, order.price) || at_price && ours == order.price
        };
        let fill = Fill { now_ns, shares: order.qty, at: None, liquidity: b'A', middle_twice };
        let taken = self.fill(order.ticker, side, fill, reached, sink);
        if taken > 0 {
            self.books.take(order.slot, taken);
        }
    }

    /// P: the feed does not say which side rested, so ours of either may have been passed by.
    fn on_hidden<S: Sink>(
        &mut self,
        now_ns: u64,
        ticker: Ticker,
        m: &itch::Trade,
        sink: &mut S,
    ) -> Heard {
        let (price, at_price) = (Price(m.price.get()), self.hidden == HiddenPrints::AtPrice);
        if self.hidden == HiddenPrints::Ignored || price.0 == 0 || !self.is_trading(ticker) {
            return Heard::Ours;
        }
        let middle_twice = self.books.middle_twice(ticker);
        let mut shares = m.shares.get();
        for side in [Side::Buy, Side::Sell] {
            let reached = |ghost: &Ghost| {
                let ours = ghost.terms.price;
                better(side, ours, price) || at_price && ours == price
            };
            let fill = Fill { now_ns, shares, at: None, liquidity: b'A', middle_twice };
            shares -= self.fill(ticker, side, fill, reached, sink);
        }
        Heard::Ours
    }

    /// Q: what was to be had better than the cross's price is in the cross, on each side as many
    /// shares as crossed. Who else stood at that very price is not told, so nothing there is ours.
    fn on_cross<S: Sink>(
        &mut self,
        now_ns: u64,
        ticker: Ticker,
        m: &itch::CrossTrade,
        sink: &mut S,
    ) -> Heard {
        let price = Price(m.cross_price.get());
        let shares = u32::try_from(m.cross_shares.get()).unwrap_or(u32::MAX);
        let liquidity = match m.cross_type {
            b'O' => b'M',
            b'C' => b'L',
            _ => b'K',
        };
        let middle_twice = self.books.middle_twice(ticker);
        for side in [Side::Buy, Side::Sell] {
            if price.0 > 0 && shares > 0 {
                let fill = Fill { now_ns, shares, at: Some(price), liquidity, middle_twice };
                let reached = |ghost: &Ghost| better(side, ghost.terms.price, price);
                self.fill(ticker, side, fill, reached, sink);
            }
            if m.cross_type == b'C' {
                self.close(now_ns, ticker, side, sink);
            }
        }
        Heard::Ours
    }

    /// Orders for the day end with the closing cross.
    fn close<S: Sink>(&mut self, now_ns: u64, ticker: Ticker, side: Side, sink: &mut S) {
        for ghost in self.ghosts.of_mut(ticker, side) {
            if ghost.terms.tif == TimeInForce::Day.letter() {
                let (user_ref, qty) = (ghost.terms.user_ref, ghost.leaves);
                answers::canceled(now_ns, user_ref, qty, CancelReason::Closed, sink);
                ghost.leaves = 0;
                sink.placed(&place(ghost));
                self.counts.canceled_closed += u64::from(qty);
            }
        }
        self.ghosts.sweep(ticker, side);
    }

    /// Fills those of ours that are reached, the first to be served first; how many shares.
    fn fill<S: Sink>(
        &mut self,
        ticker: Ticker,
        side: Side,
        fill: Fill,
        reached: impl Fn(&Ghost) -> bool,
        sink: &mut S,
    ) -> u32 {
        let mut left = fill.shares;
        let mut ended = false;
        for ghost in self.ghosts.of_mut(ticker, side) {
            if left == 0 {
                break;
            }
            if !reached(ghost) {
                continue;
            }
            let qty = left.min(ghost.leaves);
            left -= qty;
            ghost.leaves -= qty;
            ghost.terms.executed += qty;
            ended |= ghost.leaves == 0;
            let filled = Filled {
                at_ns: fill.now_ns,
                user_ref: ghost.terms.user_ref,
                ticker,
                side,
                qty,
                price: fill.at.unwrap_or(ghost.terms.price),
                liquidity: fill.liquidity,
                match_id: self.writer.next_match(),
                middle_twice: fill.middle_twice,
            };
            answers::executed(&filled, sink);
            if ghost.leaves == 0 {
                sink.placed(&place(ghost));
            }
        }
        if ended {
            self.ghosts.sweep(ticker, side);
        }
        fill.shares - left
    }
}

/// What can be filled.
#[derive(Clone, Copy, Debug)]
struct Fill {
    now_ns: u64,
    /// Shares at most.
    shares: u32,
    /// At which price; `None` for the order's own.
    at: Option<Price>,
    liquidity: u8,
    /// Twice the middle of the book before.
    middle_twice: Option<u64>,
}

fn place(ghost: &Ghost) -> Place {
    Place {
        user_ref: ghost.terms.user_ref,
        shares: ghost.ahead_shares,
        orders: ghost.ahead_orders,
        gone: ghost.leaves == 0,
    }
}

#[cfg(test)]
mod tests;
