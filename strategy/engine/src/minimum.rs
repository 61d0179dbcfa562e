//! Minimum quantities: whether what stands in the book is enough for an order to begin.
//!
//! An order with a minimum trades when that many shares are sure to trade at once. What it would
//! meet is counted as it would be met: its own shares run out meanwhile, so that an order further
//! back may find too few left for a minimum of its own; and its own firm's orders do not count, or
//! end the count where they would end the order. Where orders that follow the midpoint stand in
//! between, who comes first is not followed in detail and what is in doubt is not counted.

use crate::Engine;
use crate::config::SelfMatch;
use crate::order::{Incoming, NIL, Resting, Zone, allows};
use types::{Price, Qty, Side};

/// A count on its way.
#[derive(Clone, Copy, Debug)]
struct Reach {
    /// Shares that the order would still have.
    left: u64,
    /// Shares that are sure to trade.
    sure: u64,
}

impl Reach {
    fn trade(&mut self, qty: u64) {
        self.sure += qty.min(self.left);
        self.lose(qty);
    }

    fn lose(&mut self, qty: u64) {
        self.left -= qty.min(self.left);
    }
}

impl Engine {
    /// Whether a resting order's minimum quantity lets it trade so many shares.
    #[inline]
    pub(crate) fn accepts(&self, resting: &Resting, qty: Qty) -> bool {
        resting.owner.extra == NIL || self.extras.get(resting.owner.extra).min_qty <= qty
    }

    /// Whether an order's own minimum quantity can be met now.
    #[inline]
    pub(crate) fn may_start(&self, order: &Incoming) -> bool {
        order.terms.min_qty <= Qty(1) || self.reachable(order) >= u64::from(order.terms.min_qty.0)
    }

    /// Shares that are sure to trade at once, counted no further than the minimum.
    fn reachable(&self, order: &Incoming) -> u64 {
        let Some(limit) = self.limit(order) else { return 0 };
        let mut reach = Reach { left: u64::from(order.leaves.0), sure: 0 };
        let mut pegged = 0;
        if self.instruments.get(order.symbol).pegs > 0 {
            let Some(shares) = self.reach_pegs(order, limit, &mut reach) else { return 0 };
            pegged = shares;
        }
        self.reach_main(order, limit, pegged, &mut reach);
        reach.sure
    }

    /// Counts the continuous book, level by level: what is shown of each order, then the reserves.
    /// Up to `pegged` shares may have been lost to pegged orders at any point.
    fn reach_main(&self, order: &Incoming, limit: Price, pegged: u64, reach: &mut Reach) {
        let side = order.side();
        let enough = u64::from(order.terms.min_qty.0);
        let uncounted = pegged.saturating_sub(u64::from(order.leaves.0) - reach.left);
        let (mut level, mut reserve, mut own_reserve) = (None, 0, 0);
        for (slot, view) in self.book.served(Zone::Main.book(order.symbol), side.opposite()) {
            let resting = Resting::new(slot, view);
            if level.replace(view.price) != Some(view.price) {
                reach.lose(core::mem::take(&mut own_reserve));
                reach.trade(core::mem::take(&mut reserve));
            }
            let done = reach.left == 0 || reach.sure >= enough;
            if done || !allows(side, limit, resting.price) {
                return;
            }
            if !self.accepts(&resting, Qty(reach.left.saturating_sub(uncounted) as u32)) {
                continue;
            }
            let more = u64::from(self.extras.get(resting.owner.extra).reserve.0);
            match self.prevention(order, &resting) {
                SelfMatch::Trade => {
                    reach.trade(u64::from(resting.qty.0));
                    reserve += more;
                }
                SelfMatch::Decrement => {
                    reach.lose(u64::from(resting.qty.0));
                    own_reserve += more;
                }
                SelfMatch::CancelOldest => {}
                SelfMatch::CancelNewest => return,
            }
        }
        reach.lose(own_reserve);
        reach.trade(reserve);
    }

    /// Counts the orders that follow the midpoint, where they come before anything shown. Shares of
    /// all that might be met as prices move; `None` where one of its own firm might end the order.
    fn reach_pegs(&self, order: &Incoming, limit: Price, reach: &mut Reach) -> Option<u64> {
        let side = order.side();
        let book = Zone::Peg.book(order.symbol);
        let pegs = || self.book.served(book, side.opposite()).map(|(s, v)| Resting::new(s, v));
        let mut all = 0;
        for peg in pegs().filter(|peg| allows(peg.side, peg.price, limit) || limit.is_market()) {
            match self.prevention(order, &peg) {
                SelfMatch::CancelNewest => return None,
                SelfMatch::Decrement => reach.lose(u64::from(peg.qty.0)),
                SelfMatch::CancelOldest => continue,
                SelfMatch::Trade => {}
            }
            all += u64::from(peg.qty.0);
        }
        let mid = self.midpoint(order.symbol).filter(|mid| self.inside(order, *mid));
        let Some(mid) = mid.filter(|mid| allows(side, limit, *mid)) else { return Some(all) };
        let before = self.shares_within(order, mid) + all;
        for peg in pegs().take_while(|peg| allows(peg.side, peg.price, mid)) {
            let qty = u64::from(peg.qty.0);
            let left = u64::from(order.leaves.0).saturating_sub(before - qty);
            let own = self.prevention(order, &peg) != SelfMatch::Trade;
            if !own && self.accepts(&peg, Qty(left as u32)) {
                reach.trade(qty);
            }
        }
        Some(all)
    }

    /// Whether the midpoint is better than the best shown price that an order would meet.
    fn inside(&self, order: &Incoming, mid: Price) -> bool {
        let top = self.top(order.symbol);
        match order.side() {
            Side::Buy => top.ask.is_some_and(|ask| mid < ask.price),
            Side::Sell => top.bid.is_some_and(|bid| mid > bid.price),
        }
    }

    /// Shares of the continuous book that an order would meet at a price or better.
    fn shares_within(&self, order: &Incoming, price: Price) -> u64 {
        let side = order.side();
        let served = self.book.served(Zone::Main.book(order.symbol), side.opposite());
        let orders = served.map(|(slot, view)| Resting::new(slot, view));
        let within = orders.take_while(|resting| allows(side, price, resting.price));
        within.map(|resting| u64::from(self.live_qty(&resting).0)).sum()
    }

    /// What keeps two orders from trading; [`SelfMatch::Trade`] when nothing does.
    fn prevention(&self, order: &Incoming, resting: &Resting) -> SelfMatch {
        let own = self.same_firm(order.owner.firm, resting.owner.firm);
        if own { self.config.self_match } else { SelfMatch::Trade }
    }
}
