//! Crosses: everyone who waits trades at one price.
//!
//! The price is the one at which most shares trade; among those, the one that leaves the fewest
//! over; among those, the one nearest to the reference (the lower of two equally near). Without a
//! reference the last trade's price serves, and without that the middle of the prices that remain.
//! What is looked at are the prices within the bands; without bands, from a tick below the lowest
//! limit to a tick above the highest, and the reference. Limits and their neighbours on the grid,
//! the reference's, and the ends of the bands are all the prices at which one of the three can
//! change, so that no other needs a look.
//!
//! Who takes part: the orders of the continuous book, hidden and in reserve too, and those for this
//! cross alone. Minimum quantities do not bind in a cross, a firm may meet itself, and orders that
//! follow the midpoint wait. Market orders come first, then price, shown before hidden, then age.

use crate::Engine;
use crate::matching::party;
use crate::order::{Resting, Zone};
use types::{
    CancelReason, CrossDone, CrossKind, Event, EventSink, Executed, Imbalance, Price, Print, Qty,
    Side, SymbolId,
};

/// Shares at one price; then, summed up, those that a price brings together.
#[derive(Clone, Copy, Debug, Default)]
struct Point {
    price: u32,
    buy: u64,
    sell: u64,
}

/// Where a cross is worked out. Taken once, for as many prices as there are levels.
#[derive(Clone, Debug)]
pub(crate) struct Scratch(Vec<Point>);

impl Scratch {
    pub(crate) fn new(levels: u32) -> Scratch {
        Scratch(Vec::with_capacity(levels as usize))
    }

    /// Adds shares; of the same price as the last ones in the same entry.
    fn add(&mut self, price: u32, buy: u64, sell: u64) {
        match self.0.last_mut() {
            Some(last) if last.price == price => {
                last.buy += buy;
                last.sell += sell;
            }
            _ => self.0.push(Point { price, buy, sell }),
        }
    }

    /// Sorts by price, sums sales up from the lowest price and purchases from the highest.
    fn sum_up(&mut self) {
        let points = &mut self.0;
        points.sort_unstable_by_key(|p| p.price);
        let mut sell = 0;
        for point in points.iter_mut() {
            sell += point.sell;
            point.sell = sell;
        }
        let mut buy = 0;
        for point in points.iter_mut().rev() {
            buy += point.buy;
            point.buy = buy;
        }
    }

    /// Shares that would be bought and sold at a price.
    fn at(&self, price: u32) -> (u64, u64) {
        let from = self.0.partition_point(|p| p.price < price);
        let after = self.0.partition_point(|p| p.price <= price);
        let buy = self.0.get(from).map_or(0, |p| p.buy);
        let sell = after.checked_sub(1).map_or(0, |at| self.0[at].sell);
        (buy, sell)
    }
}

/// How a cross turns out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) price: Price,
    pub(crate) buy: u64,
    pub(crate) sell: u64,
}

impl Outcome {
    fn paired(&self) -> u64 {
        self.buy.min(self.sell)
    }

    fn left_over(&self) -> u64 {
        self.buy.abs_diff(self.sell)
    }
}

const MARKET_BUY: u32 = u32::MAX;
const MARKET_SELL: u32 = 0;

impl Engine {
    /// Holds a cross: trades, tells, and cancels what was for it alone and did not trade.
    pub(crate) fn cross<S: EventSink>(&mut self, symbol: SymbolId, kind: CrossKind, sink: &mut S) {
        let zone = Zone::for_cross(kind);
        let outcome = self.work_out(symbol, zone).filter(|o| o.paired() > 0);
        let mut traded = 0;
        if let Some(outcome) = outcome {
            while let Some((buy, sell)) = self.next_pair(symbol, zone, &outcome, traded) {
                traded += u64::from(self.pair(&buy, &sell, outcome.price, kind, sink).0);
            }
        }
        let match_id = self.take_match_id();
        self.counters.crosses += 1;
        let price = outcome.map_or(Price(0), |o| o.price);
        sink.on_event(&Event::CrossDone(CrossDone { symbol, kind, price, qty: traded, match_id }));
        if let Some(instrument) = self.instruments.get_mut(symbol)
            && price > Price(0)
        {
            instrument.reference = price;
        }
        if zone != Zone::Main {
            self.clear(symbol, zone, CancelReason::CrossCanceled, sink);
        }
    }

    /// Tells how a cross would turn out now.
    pub(crate) fn tell_imbalance<S: EventSink>(&mut self, symbol: SymbolId, sink: &mut S) {
        let instrument = self.instruments.get(symbol);
        let (kind, reference) = (instrument.next_cross(), instrument.cross_reference());
        let outcome = self.work_out(symbol, Zone::for_cross(kind));
        let (buy, sell) = outcome.map_or((0, 0), |o| (o.buy, o.sell));
        let paired = buy.min(sell);
        let price = outcome.filter(|_| paired > 0).map_or(Price(0), |o| o.price);
        let side = match buy.cmp(&sell) {
            core::cmp::Ordering::Greater => Some(Side::Buy),
            core::cmp::Ordering::Less => Some(Side::Sell),
            core::cmp::Ordering::Equal => None,
        };
        sink.on_event(&Event::Imbalance(Imbalance {
            symbol,
            kind,
            paired,
            imbalance: buy.abs_diff(sell),
            side,
            price,
            reference,
        }));
    }

    /// The price of a cross and what it brings together; `None` without any order or price.
    pub(crate) fn work_out(&mut self, symbol: SymbolId, zone: Zone) -> Option<Outcome> {
        let mut scratch = core::mem::replace(&mut self.scratch, Scratch(Vec::new()));
        scratch.0.clear();
        self.collect(symbol, zone, &mut scratch);
        scratch.sum_up();
        let outcome = self.choose(symbol, &scratch);
        self.scratch = scratch;
        outcome
    }

    fn collect(&self, symbol: SymbolId, zone: Zone, scratch: &mut Scratch) {
        for side in [Side::Buy, Side::Sell] {
            for zone in zones(zone) {
                for (slot, view) in self.book.served(zone.book(symbol), side) {
                    let order = Resting::new(slot, view);
                    let shares = u64::from(self.live_qty(&order).0);
                    match side {
                        Side::Buy if order.price.is_market() => scratch.add(MARKET_BUY, shares, 0),
                        Side::Sell if order.price.is_market() => {
                            scratch.add(MARKET_SELL, 0, shares);
                        }
                        Side::Buy => scratch.add(order.price.0, shares, 0),
                        Side::Sell => scratch.add(order.price.0, 0, shares),
                    }
                }
            }
        }
    }

    fn choose(&self, symbol: SymbolId, scratch: &Scratch) -> Option<Outcome> {
        let reference = self.instruments.get(symbol).cross_reference();
        let best = self.best_outcome(symbol, scratch, Some(reference).filter(|r| *r > Price(0)));
        if reference > Price(0) {
            return best.map(|(_, _, outcome)| outcome);
        }
        let (low, high, _) = best?;
        let middle = Price(low.0 + (high.0 - low.0) / 2);
        self.best_outcome(symbol, scratch, Some(middle)).map(|(_, _, outcome)| outcome)
    }

    /// The best outcome, and the lowest and the highest price that bring together as much and leave
    /// as little.
    fn best_outcome(
        &self,
        symbol: SymbolId,
        scratch: &Scratch,
        reference: Option<Price>,
    ) -> Option<(Price, Price, Outcome)> {
        let mut best: Option<(Price, Price, Outcome)> = None;
        let limits = scratch.0.iter().map(|p| Price(p.price));
        let limits = limits.filter(|p| (1..MARKET_BUY).contains(&p.0));
        let grid = &self.instruments;
        let around =
            limits.flat_map(|p| [grid.below(symbol, p), Some(p), grid.above(symbol, p)]).flatten();
        let near = self.landmarks(symbol, reference);
        for price in around.chain(near).filter(|p| self.may_cross_at(symbol, *p)) {
            let (buy, sell) = scratch.at(price.0);
            let outcome = Outcome { price, buy, sell };
            let Some((low, high, so_far)) = &mut best else {
                best = Some((price, price, outcome));
                continue;
            };
            let new = (outcome.paired(), u64::MAX - outcome.left_over());
            let old = (so_far.paired(), u64::MAX - so_far.left_over());
            if new > old {
                best = Some((price, price, outcome));
            } else if new == old {
                (*low, *high) = ((*low).min(price), (*high).max(price));
                let away = |p: Price| (reference.map_or(0, |r| r.0.abs_diff(p.0)), p);
                if away(price) < away(so_far.price) {
                    *so_far = outcome;
                }
            }
        }
        best
    }

    /// Prices that matter whatever the limits are: the reference's neighbours on the grid, and the
    /// ends of the bands.
    fn landmarks(
        &self,
        symbol: SymbolId,
        reference: Option<Price>,
    ) -> impl Iterator<Item = Price> + use<> {
        let grid = &self.instruments;
        let instrument = grid.get(symbol);
        let bands = instrument.has_bands();
        let near = [
            reference.and_then(|r| grid.at_or_below(symbol, r)),
            reference.and_then(|r| grid.at_or_above(symbol, r)),
            Some(instrument.lower).filter(|_| bands).and_then(|p| grid.at_or_above(symbol, p)),
            Some(instrument.upper).filter(|_| bands).and_then(|p| grid.at_or_below(symbol, p)),
        ];
        near.into_iter().flatten()
    }

    fn may_cross_at(&self, symbol: SymbolId, price: Price) -> bool {
        let banded = self.instruments.get(symbol).within_bands(price);
        price > Price(0) && price <= Price::LIMIT_MAX && banded
    }

    /// The next buyer and seller of a cross.
    fn next_pair(
        &self,
        symbol: SymbolId,
        zone: Zone,
        outcome: &Outcome,
        traded: u64,
    ) -> Option<(Resting, Resting)> {
        if traded >= outcome.paired() {
            return None;
        }
        Some((self.first_of(symbol, zone, Side::Buy)?, self.first_of(symbol, zone, Side::Sell)?))
    }

    /// Who is served first on a side, over the continuous book and the cross's own.
    fn first_of(&self, symbol: SymbolId, zone: Zone, side: Side) -> Option<Resting> {
        let front = |zone: Zone| self.book.front(zone.book(symbol), side).map(|s| self.resting(s));
        let main = front(Zone::Main);
        if zone == Zone::Main {
            return main;
        }
        match (main, front(zone)) {
            (Some(main), Some(own)) => {
                Some(if urgency(&main) <= urgency(&own) { main } else { own })
            }
            (main, own) => main.or(own),
        }
    }

    fn pair<S: EventSink>(
        &mut self,
        buy: &Resting,
        sell: &Resting,
        price: Price,
        kind: CrossKind,
        sink: &mut S,
    ) -> Qty {
        let qty = buy.qty.min(sell.qty);
        let match_id = self.take_match_id();
        let flag = liquidity(kind);
        let print = |o: &Resting| if o.shown { Print::Cross } else { Print::Quiet };
        let executed = Executed {
            resting: buy.owner.party(),
            aggressor: sell.owner.party(),
            resting_side: Side::Buy,
            symbol: buy.symbol,
            price,
            qty,
            match_id,
            liquidity: [flag; 2],
            print: [print(buy), print(sell)],
        };
        self.record(&executed, [party(buy, flag), party(sell, flag)]);
        sink.on_event(&Event::Executed(executed));
        self.fill(buy, qty, sink);
        self.fill(sell, qty, sink);
        qty
    }

    /// Takes off all orders of one of an instrument's books.
    pub(crate) fn clear<S: EventSink>(
        &mut self,
        symbol: SymbolId,
        zone: Zone,
        reason: CancelReason,
        sink: &mut S,
    ) {
        for side in [Side::Buy, Side::Sell] {
            while let Some(slot) = self.book.front(zone.book(symbol), side) {
                self.expel(slot, reason, sink);
            }
        }
    }
}

/// Lower is served earlier.
fn urgency(order: &Resting) -> (bool, u32, bool, u64) {
    let price = match order.side {
        Side::Buy => !order.price.0,
        Side::Sell => order.price.0,
    };
    (!order.price.is_market(), price, !order.shown, order.owner.order_id.0)
}

fn zones(zone: Zone) -> impl Iterator<Item = Zone> {
    [Zone::Main].into_iter().chain((zone != Zone::Main).then_some(zone))
}

/// OUCH's liquidity flag of a cross.
fn liquidity(kind: CrossKind) -> u8 {
    match kind {
        CrossKind::Opening => b'M',
        CrossKind::Closing => b'L',
        CrossKind::Halt | CrossKind::None => b'K',
    }
}
