//! Orders that follow the midpoint of the best shown bid and offer.
//!
//! They stand in a book of their own, ranked by their limits; those whose limit allows the midpoint
//! all have the midpoint as their price, and the oldest of them is served first. Finding it looks
//! at every eligible order. With one side of the market missing, or a midpoint outside the bands,
//! there is none and they wait.

use crate::Engine;
use crate::matching::Counterparty;
use crate::order::{Incoming, Resting, Zone, allows, unrank};
use types::{EventSink, Price, Qty, Side, SymbolId, Terms};

impl Engine {
    /// The midpoint, rounded down to 1/10000 dollar. Bands do not keep offers from standing above
    /// them, nor bids below, so that it may lie outside: then there is none.
    pub(crate) fn midpoint(&self, symbol: SymbolId) -> Option<Price> {
        let top = self.top(symbol);
        let (bid, ask) = (top.bid?.price.0, top.ask?.price.0);
        let mid = Price(bid / 2 + ask / 2 + (bid & ask & 1));
        Some(mid).filter(|mid| self.instruments.get(symbol).within_bands(*mid))
    }

    /// The pegged order that an order on `side` would meet first.
    pub(crate) fn first_pegged(
        &self,
        order: &Incoming,
        side: Side,
        limit: Price,
    ) -> Option<Counterparty> {
        let mid = self.midpoint(order.symbol).filter(|mid| allows(side, limit, *mid))?;
        let order = self.oldest_peg(order.symbol, side.opposite(), mid, order.leaves)?;
        Some(Counterparty { order, price: mid })
    }

    /// The oldest pegged order on a side whose limit allows the midpoint and whose minimum allows
    /// the quantity.
    fn oldest_peg(&self, symbol: SymbolId, side: Side, mid: Price, qty: Qty) -> Option<Resting> {
        let book = Zone::Peg.book(symbol);
        let mut oldest: Option<Resting> = None;
        for level in self.book.levels(book, side) {
            let (limit, _) = unrank(side, level.price);
            if !allows(side, limit, mid) {
                break;
            }
            // One that traded in part came back behind younger ones: queues are not by age.
            let queue = self.book.slots(book, side, level.price).map(|slot| self.resting(slot));
            for order in queue.filter(|order| self.accepts(order, qty)) {
                if oldest.is_none_or(|o| order.owner.order_id < o.owner.order_id) {
                    oldest = Some(order);
                }
            }
        }
        oldest
    }

    /// After the best prices may have moved: pegged orders that now meet something trade, the
    /// oldest first.
    pub(crate) fn follow_midpoint<S: EventSink>(&mut self, symbol: SymbolId, sink: &mut S) {
        while self.is_matching(symbol) && self.instruments.get(symbol).pegs > 0 {
            let Some(order) = self.stirred_peg(symbol) else { return };
            let incoming = self.lift(&order);
            self.trade(incoming, true, sink);
        }
    }

    /// A pegged order that would trade if it came now: the youngest of those that meet each other,
    /// so that the older one keeps its place as the one that rested.
    fn stirred_peg(&self, symbol: SymbolId) -> Option<Resting> {
        let mid = self.midpoint(symbol)?;
        let sides = [Side::Buy, Side::Sell];
        if !sides.iter().any(|side| self.touches(symbol, *side, mid)) {
            return None;
        }
        let mut stirred: Option<Resting> = None;
        for side in sides {
            let book = Zone::Peg.book(symbol);
            for level in self.book.levels(book, side) {
                let (limit, _) = unrank(side, level.price);
                if !allows(side, limit, mid) {
                    break;
                }
                for slot in self.book.slots(book, side, level.price) {
                    let order = self.resting(slot);
                    if stirred.is_some_and(|s| s.owner.order_id > order.owner.order_id) {
                        continue;
                    }
                    let probe = self.as_incoming(&order);
                    if self.would_trade(&probe) {
                        stirred = Some(order);
                    }
                }
            }
        }
        stirred
    }

    /// Whether the first pegged order on `side` may trade at the midpoint, and the first order of
    /// the other side, pegged or not, may too. Tells most changes of the market from those that
    /// need a search.
    fn touches(&self, symbol: SymbolId, side: Side, mid: Price) -> bool {
        let reaches = |zone: Zone, side: Side| {
            let best = self.book.best(zone.book(symbol), side);
            best.is_some_and(|level| allows(side, unrank(side, level.price).0, mid))
        };
        let other = side.opposite();
        reaches(Zone::Peg, side) && (reaches(Zone::Peg, other) || reaches(Zone::Main, other))
    }

    fn would_trade(&self, order: &Incoming) -> bool {
        self.may_start(order) && self.counterparty(order).is_some()
    }

    /// A resting pegged order as one that comes in.
    fn as_incoming(&self, order: &Resting) -> Incoming {
        let extra = self.extras.get(order.owner.extra);
        let terms = Terms {
            tif: order.owner.tif,
            display: order.owner.display,
            peg: types::Peg::Midpoint,
            min_qty: extra.min_qty,
            expire_s: extra.expire_s,
            ..Terms::default()
        };
        Incoming {
            owner: order.owner,
            symbol: order.symbol,
            price: order.price,
            value: order.value(),
            leaves: order.qty,
            terms,
            zone: Zone::Peg,
            replaces: None,
        }
    }

    /// Takes a pegged order out of its book, to come in again; the ledger goes on counting it.
    fn lift(&mut self, order: &Resting) -> Incoming {
        let mut incoming = self.as_incoming(order);
        self.book.remove(order.slot);
        self.forget(order);
        incoming.owner.extra = crate::order::NIL;
        incoming
    }
}
