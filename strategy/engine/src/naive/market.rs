//! The continuous market: who meets whom, one at a time, by looking at everyone.

use super::{Naive, Order, Trade};
use crate::SelfMatch;
use crate::order::allows;
use types::{
    Aiq, BookAdd, BookRemove, BookReplace, CancelReason, Canceled, CrossKind, Display, Event,
    Executed, Firm, MatchId, OrderId, PostOnly, Price, Print, Qty, Restated, Side, SymbolId,
    TimeInForce,
};

impl Naive {
    pub(super) fn admit(&mut self, mut order: Order) {
        let matching = self.instrument(order.symbol).matches() && order.cross == CrossKind::None;
        if matching
            && order.terms.post_only != PostOnly::No
            && let Some((met, price)) = self.counterparty(&order)
            && !self.slide(&mut order, price)
        {
            return self.refuse_to_take(&order, &met);
        }
        self.trade(order, matching);
        self.after_change(order.symbol);
    }

    /// Moves an order one tick short of a price; false when it cannot be.
    fn slide(&mut self, order: &mut Order, price: Price) -> bool {
        let price = match order.side.side() {
            Side::Buy => price.0 - 1,
            Side::Sell => price.0 + 1,
        };
        let slides = order.terms.post_only == PostOnly::Slide && order.rests() && order.is_plain();
        if !slides || price == 0 || price > Price::LIMIT_MAX.0 {
            return false;
        }
        order.price = Price(price);
        let (displayed, _) = split(order);
        self.events.push(Event::Restated(Restated {
            party: order.party,
            reason: b'P',
            displayed: Qty(displayed),
            price: order.price,
        }));
        true
    }

    fn refuse_to_take(&mut self, order: &Order, met: &Order) {
        if let Some(order_id) = order.replaces {
            self.events.push(Event::BookRemove(BookRemove { order_id, symbol: order.symbol }));
        }
        let shown = met.shown();
        let reasons = [CancelReason::PostOnlyCancel, CancelReason::PostOnlyCancelContra];
        self.give_up(order, reasons[usize::from(shown)]);
        self.after_change(order.symbol);
    }

    fn give_up(&mut self, order: &Order, reason: CancelReason) {
        self.events.push(Event::Canceled(Canceled {
            party: order.party,
            symbol: order.symbol,
            qty: Qty(order.qty),
            leaves: Qty(0),
            shown: Qty(0),
            reason,
        }));
    }

    fn trade(&mut self, mut order: Order, matching: bool) {
        let meets = matching && self.may_start(&order);
        let first = if meets { self.counterparty(&order) } else { None };
        let quiet = order.shown() && order.rests() && first.is_none();
        if let Some(order_id) = order.replaces
            && !quiet
        {
            self.events.push(Event::BookRemove(BookRemove { order_id, symbol: order.symbol }));
        }
        if meets {
            self.sweep(&mut order);
        }
        match order.terms.tif {
            _ if order.qty == 0 => {}
            _ if order.rests() => self.rest(order, quiet),
            TimeInForce::Ioc => self.give_up(&order, CancelReason::ImmediateOrCancel),
            _ => self.give_up(&order, CancelReason::CannotBeExecuted),
        }
    }

    /// Meets one after the other; the shares that traded.
    fn sweep(&mut self, order: &mut Order) -> u32 {
        let before = order.executed;
        while order.qty > 0 {
            let Some((met, price)) = self.counterparty(order) else { break };
            if self.is_own(order, &met) {
                self.prevent(order, &met, price);
            } else {
                self.execute(order, &met, price);
            }
            order.terms.min_qty = order.terms.min_qty.min(Qty(order.qty));
        }
        order.executed - before
    }

    /// A minimum is met if it would be met: it is tried out on a copy.
    fn may_start(&self, order: &Order) -> bool {
        order.terms.min_qty.0 <= 1
            || self.clone().sweep(&mut order.clone()) >= order.terms.min_qty.0
    }

    fn is_own(&self, one: &Order, other: &Order) -> bool {
        let mode = self.config.self_match;
        mode != SelfMatch::Trade && !one.firm.is_blank() && one.firm == other.firm
    }

    pub(super) fn best(&self, symbol: SymbolId, side: Side) -> Option<Price> {
        let theirs = self.orders.iter().filter(|o| o.symbol == symbol && o.side.side() == side);
        let prices = theirs.filter(|o| o.shown()).map(|o| o.price);
        if side == Side::Buy { prices.max() } else { prices.min() }
    }

    fn midpoint(&self, symbol: SymbolId) -> Option<Price> {
        let (bid, ask) = (self.best(symbol, Side::Buy)?, self.best(symbol, Side::Sell)?);
        let mid = Price(((u64::from(bid.0) + u64::from(ask.0)) / 2) as u32);
        let bands = self.instrument(symbol).bands;
        bands.is_none_or(|(lower, upper)| lower <= mid && mid <= upper).then_some(mid)
    }

    /// Whom an order meets first, and at what price: the better price, shown before not, the older.
    fn counterparty(&self, order: &Order) -> Option<(Order, Price)> {
        let (side, mid) = (order.side.side(), self.midpoint(order.symbol));
        let bands = self.instrument(order.symbol).bands;
        let may = |price: Price| {
            let banded = match (order.price.is_market(), side, bands) {
                (true, Side::Buy, Some((_, upper))) => price <= upper,
                (true, Side::Sell, Some((lower, _))) => price >= lower,
                _ => true,
            };
            let follows = !order.follows() || mid.is_some_and(|mid| allows(side, mid, price));
            banded && follows && allows(side, order.price, price)
        };
        if order.follows() && !mid.is_some_and(may) {
            return None;
        }
        let price_of = |o: &Order| match o.follows() {
            false => Some(o.price),
            true => mid.filter(|mid| allows(o.side.side(), o.price, *mid)),
        };
        let others = self.orders.iter().filter(|o| {
            let there = o.symbol == order.symbol && o.cross == CrossKind::None;
            there && o.side.side() != side && o.terms.min_qty.0 <= order.qty
        });
        let offers = others.filter_map(|o| price_of(o).map(|price| (*o, price)));
        offers.filter(|(_, price)| may(*price)).min_by_key(|(o, price)| {
            let worse = if side == Side::Buy { price.0 } else { !price.0 };
            (worse, !o.shown(), o.party.order_id)
        })
    }

    fn execute(&mut self, order: &mut Order, met: &Order, price: Price) {
        let qty = order.qty.min(met.qty);
        order.qty -= qty;
        order.executed += qty;
        let adds = match (met.follows(), met.shown()) {
            (true, _) => b'k',
            (_, true) => b'A',
            _ => b'J',
        };
        let takes = if order.follows() || met.follows() { b'm' } else { b'R' };
        let told = if met.shown() { Print::Order } else { Print::Trade };
        let parties = [*met, *order];
        self.tell_trade(parties, price, qty, [adds, takes], [told, Print::Quiet]);
        self.fill(met.party.order_id, qty);
    }

    pub(super) fn tell_trade(
        &mut self,
        [first, second]: [Order; 2],
        price: Price,
        qty: u32,
        liquidity: [u8; 2],
        print: [Print; 2],
    ) {
        let executed = Executed {
            resting: first.party,
            aggressor: second.party,
            resting_side: first.side.side(),
            symbol: first.symbol,
            price,
            qty: Qty(qty),
            match_id: self.next_match(),
            liquidity,
            print,
        };
        let cl_ord_ids = [first.cl_ord_id, second.cl_ord_id];
        self.trades.push(Trade { executed, cl_ord_ids, broken: false });
        self.instrument_mut(first.symbol).last = price;
        self.events.push(Event::Executed(executed));
    }

    pub(super) fn next_match(&mut self) -> MatchId {
        self.matches_given += 1;
        MatchId(self.matches_given)
    }

    /// Traded shares leave a resting order; its reserve comes up at the back, as a new order.
    pub(super) fn fill(&mut self, id: OrderId, qty: u32) {
        let order = self.at(id);
        order.qty -= qty;
        order.executed += qty;
        order.terms.min_qty = order.terms.min_qty.min(Qty(order.live()));
        match (order.qty, order.reserve) {
            (0, 0) => drop(self.take_out(id)),
            (0, _) => self.refresh(id),
            _ => {}
        }
    }

    fn refresh(&mut self, id: OrderId) {
        let mut order = self.take_out(id);
        order.party.order_id = self.next_order();
        order.qty = order.reserve.min(order.terms.max_floor.0);
        order.reserve -= order.qty;
        let displayed = Qty(order.qty);
        let (party, price) = (order.party, order.price);
        self.events.push(Event::Restated(Restated { party, reason: b'R', displayed, price }));
        self.tell_add(&order);
        self.orders.push(order);
    }

    fn prevent(&mut self, order: &mut Order, met: &Order, price: Price) {
        let prevented = order.qty.min(met.qty);
        let (theirs, ours) = match self.config.self_match {
            SelfMatch::Trade => return,
            SelfMatch::CancelNewest => (0, order.qty),
            SelfMatch::CancelOldest => (met.live(), 0),
            SelfMatch::Decrement => (prevented, prevented),
        };
        let aiq = |o: &Order, qty: u32, shown: u32, liquidity: u8| {
            Event::Aiq(Aiq {
                party: o.party,
                symbol: o.symbol,
                qty: Qty(qty),
                leaves: Qty(o.live() - qty),
                shown: Qty(shown),
                prevented: Qty(prevented),
                price,
                liquidity,
            })
        };
        if theirs > 0 {
            let shown = if met.shown() { theirs.min(met.qty) } else { 0 };
            self.events.push(aiq(met, theirs, shown, b'A'));
            let id = met.party.order_id;
            if theirs == met.live() {
                self.take_out(id);
            } else {
                let resting = self.at(id);
                resting.qty -= theirs;
                resting.terms.min_qty = resting.terms.min_qty.min(Qty(resting.live()));
                if resting.qty == 0 {
                    self.refresh(id);
                }
            }
        }
        if ours > 0 {
            self.events.push(aiq(order, ours, 0, b'R'));
            order.qty -= ours;
        }
    }

    fn rest(&mut self, mut order: Order, quiet: bool) {
        (order.qty, order.reserve) = split(&order);
        self.rests += 1;
        order.rested = self.rests;
        match order.replaces.take() {
            Some(old) if quiet => self.events.push(Event::BookReplace(BookReplace {
                old,
                new: order.party.order_id,
                symbol: order.symbol,
                qty: Qty(order.qty),
                price: order.price,
            })),
            _ if order.shown() => self.tell_add(&order),
            _ => {}
        }
        self.orders.push(order);
    }

    fn tell_add(&mut self, order: &Order) {
        let named = order.terms.display == Display::Attributable;
        self.events.push(Event::BookAdd(BookAdd {
            order_id: order.party.order_id,
            side: order.side.side(),
            qty: Qty(order.qty),
            symbol: order.symbol,
            price: order.price,
            firm: if named { order.firm } else { Firm::BLANK },
        }));
    }

    /// Orders that follow the midpoint trade where they now can, the youngest coming in; and the
    /// bands are watched.
    pub(super) fn after_change(&mut self, symbol: SymbolId) {
        while self.instrument(symbol).matches() {
            let pegs = self.orders.iter().filter(|o| o.symbol == symbol && o.follows());
            let stirred = pegs.filter(|o| self.may_start(o) && self.counterparty(o).is_some());
            let Some(youngest) = stirred.max_by_key(|o| o.party.order_id).copied() else { break };
            self.take_out(youngest.party.order_id);
            self.trade(youngest, true);
        }
        self.watch_bands(symbol);
    }
}

/// Shares in the book and in reserve of an order that comes to rest.
fn split(order: &Order) -> (u32, u32) {
    let floor = order.terms.max_floor.0;
    let shown = if floor == 0 { order.qty } else { order.qty.min(floor) };
    (shown, order.qty - shown)
}
