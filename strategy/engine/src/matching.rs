//! Matching: an incoming order against the other side, best price first, oldest first.

use crate::engine::{Engine, Incoming, live_key, rests};
use types::{
    BookAdd, BookRemove, BookReplace, CancelReason, Canceled, Event, EventSink, Executed, MatchId,
    Qty, Side, TimeInForce,
};

impl Engine {
    /// Trades an order as far as it goes, then lets it rest or cancels what is left.
    #[inline]
    pub(crate) fn trade<S: EventSink>(&mut self, mut order: Incoming, sink: &mut S) {
        let side = order.owner.side.side();
        let rests = rests(order.owner.tif, order.price);
        let quiet = order.replaces.filter(|_| rests && !self.crosses(&order, side));
        if let (Some(order_id), None) = (order.replaces, quiet) {
            sink.on_event(&Event::BookRemove(BookRemove { order_id, symbol: order.symbol }));
        }
        while order.leaves > Qty::ZERO && self.crosses(&order, side) {
            self.execute(&mut order, side, sink);
        }
        if order.leaves == Qty::ZERO {
            return;
        }
        if !rests {
            return cancel_rest(&order, sink);
        }
        self.rest(&order, side, quiet.is_some(), sink);
    }

    /// Whether the other side's best price is good enough.
    #[inline]
    fn crosses(&self, order: &Incoming, side: Side) -> bool {
        let Some(best) = self.book.best(order.symbol, side.opposite()) else { return false };
        order.price.is_market()
            || match side {
                Side::Buy => best.price <= order.price,
                Side::Sell => best.price >= order.price,
            }
    }

    /// One match with the first order of the other side's best level.
    #[inline]
    fn execute<S: EventSink>(&mut self, order: &mut Incoming, side: Side, sink: &mut S) {
        let Some(slot) = self.book.front(order.symbol, side.opposite()) else { return };
        let resting = self.book.order(slot);
        let qty = order.leaves.min(resting.qty);
        if qty == resting.qty {
            self.live.remove(live_key(resting.payload.session, resting.payload.user_ref));
        } else {
            self.book.payload_mut(slot).executed += qty.0;
        }
        self.book.reduce(slot, qty);
        order.leaves = Qty(order.leaves.0 - qty.0);
        order.owner.executed += qty.0;
        let match_id = MatchId(self.next_match);
        self.next_match += 1;
        self.counters.matches += 1;
        sink.on_event(&Event::Executed(Executed {
            resting: resting.payload.party(),
            aggressor: order.owner.party(),
            resting_side: side.opposite(),
            symbol: order.symbol,
            price: resting.price,
            qty,
            match_id,
        }));
    }

    /// Puts what is left into the book. There is room: that was checked before anything happened,
    /// and matching has only made more.
    fn rest<S: EventSink>(&mut self, order: &Incoming, side: Side, quiet: bool, sink: &mut S) {
        let Incoming { owner, symbol, price, leaves, replaces } = *order;
        let inserted = self.book.insert(symbol, side, price, leaves, owner);
        debug_assert!(inserted.is_ok(), "room was checked");
        let Ok((slot, _)) = inserted else { return cancel_rest(order, sink) };
        let known = self.live.insert(live_key(owner.session, owner.user_ref), slot.index());
        debug_assert!(known, "a place for each resting order");
        let new = owner.order_id;
        match replaces.filter(|_| quiet) {
            Some(old) => sink.on_event(&Event::BookReplace(BookReplace {
                old,
                new,
                symbol,
                qty: leaves,
                price,
            })),
            None => sink.on_event(&Event::BookAdd(BookAdd {
                order_id: new,
                side,
                qty: leaves,
                symbol,
                price,
            })),
        }
    }
}

/// Cancels what is left of an order that does not rest.
fn cancel_rest<S: EventSink>(order: &Incoming, sink: &mut S) {
    let reason = match order.owner.tif {
        TimeInForce::Ioc => CancelReason::ImmediateOrCancel,
        TimeInForce::Day if order.price.is_market() => CancelReason::CannotBeExecuted,
        TimeInForce::Day => CancelReason::SystemCancel,
    };
    sink.on_event(&Event::Canceled(Canceled {
        party: order.owner.party(),
        symbol: order.symbol,
        qty: order.leaves,
        leaves: Qty::ZERO,
        rested: false,
        reason,
    }));
}
