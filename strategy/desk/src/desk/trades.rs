//! What the venue says of trades: done, broken, corrected.
//!
//! Whatever of it contradicts us, the position follows where the message tells whose shares they
//! are: the venue's ledger is the one that counts.

use super::{Desk, DeskEvent};
use crate::fills::Done;
use crate::working::{NOBODY, Order};
use algos::{Fill, OrderReport, OrderState, OrderView, What};
use types::{MatchId, Price, Qty, Side, UserRef};
use wire::ouch::outbound::{BrokenTrade, OrderExecuted, TradeCorrection};

/// A price that is told, kept within what a price can be, and whether it was.
fn price_of(raw: u64) -> (Price, bool) {
    let price = u32::try_from(raw).unwrap_or(u32::MAX);
    let kept = price.min(Price::LIMIT_MAX.0);
    (Price(kept), u64::from(kept) == raw && raw > 0)
}

/// Whether a trade at `price` is beyond the order's limit.
fn is_beyond(order: &Order, price: Price) -> bool {
    match order.side.side() {
        _ if order.price.is_market() => false,
        Side::Buy => price > order.price,
        Side::Sell => price < order.price,
    }
}

impl Desk {
    pub(super) fn on_executed(&mut self, now_ns: u64, m: &OrderExecuted) -> Option<DeskEvent> {
        let (user_ref, qty) = (UserRef(m.user_ref_num.get()), Qty(m.quantity.get()));
        let (price, sound) = price_of(m.price.get());
        let Some(order) = self.orders.known(user_ref).copied() else {
            self.contradicted(now_ns);
            return None;
        };
        let within = order.live && order.answered && qty <= order.leaves;
        if qty == Qty::ZERO || !sound || !within || is_beyond(&order, price) {
            self.contradicted(now_ns);
            if qty == Qty::ZERO {
                return None;
            }
        }
        let open = qty.min(order.leaves);
        let leaves = Qty(order.leaves.0 - open.0);
        if open > Qty::ZERO {
            self.gate.on_fill(order.ticker, order.side.side(), open, price, order.price);
        }
        self.book_excess(&order, Qty(qty.0 - open.0), price);
        if let Some(order) = self.orders.get_mut(user_ref) {
            order.leaves = leaves;
            order.executed = Qty(order.executed.0.saturating_add(qty.0));
        }
        let match_id = MatchId(m.match_number.get());
        let Order { ticker, side, .. } = order;
        self.fills.note(Done { match_id, user_ref, qty, price, ticker, side });
        self.counters.fills += 1;
        self.counters.shares_filled += u64::from(qty.0);
        if leaves == Qty::ZERO {
            self.end(user_ref);
        }
        let fill = Fill {
            user_ref,
            ticker,
            side: side.side(),
            qty,
            price,
            liquidity: m.liquidity_flag,
            match_id,
            at_ns: m.timestamp.get(),
            leaves,
        };
        (!order.is_foreign()).then_some(DeskEvent::Fill(fill))
    }

    /// Shares traded that were not open: they are ours all the same.
    fn book_excess(&mut self, order: &Order, qty: Qty, price: Price) {
        if qty > Qty::ZERO {
            let (ticker, side) = (order.ticker, order.side.side());
            self.gate.adopt(ticker, side, qty, price);
            self.gate.on_fill(ticker, side, qty, price, price);
            self.gate.on_done(ticker);
        }
    }

    pub(super) fn on_broken(&mut self, now_ns: u64, m: &BrokenTrade) -> Option<DeskEvent> {
        let (user_ref, match_id) = (UserRef(m.user_ref_num.get()), MatchId(m.match_number.get()));
        self.counters.broken += 1;
        let Some(kept) = self.fills.find(match_id, user_ref) else {
            // Neither shares nor price stand in the message.
            self.contradicted(now_ns);
            return None;
        };
        let done = *kept;
        kept.qty = Qty::ZERO;
        self.gate.on_broken(done.ticker, done.side.side(), done.qty, done.price);
        self.told_of_trade(&done, What::Broken { match_id })
    }

    pub(super) fn on_corrected(&mut self, now_ns: u64, m: &TradeCorrection) -> Option<DeskEvent> {
        let (user_ref, match_id) = (UserRef(m.user_ref_num.get()), MatchId(m.match_number.get()));
        let (qty, (is, sound)) = (Qty(m.quantity.get()), price_of(m.price.get()));
        self.counters.corrected += 1;
        let kept = self.fills.find(match_id, user_ref);
        let Some(kept) = kept.filter(|_| sound && qty > Qty::ZERO) else {
            self.contradicted(now_ns);
            return None;
        };
        let done = *kept;
        (kept.price, kept.qty) = (is, qty);
        let (ticker, side, was) = (done.ticker, done.side.side(), done.price);
        if qty == done.qty {
            self.gate.on_corrected(ticker, side, qty, was, is);
        } else {
            // OUCH corrects prices. Other shares are taken over, and looked into.
            self.contradicted(now_ns);
            self.gate.on_broken(ticker, side, done.qty, was);
            self.gate.adopt(ticker, side, qty, is);
            self.gate.on_fill(ticker, side, qty, is, is);
            self.gate.on_done(ticker);
        }
        self.told_of_trade(&done, What::Corrected { match_id, was, is })
    }

    /// Tells of a trade's order as it is, or what is still known of it.
    fn told_of_trade(&self, done: &Done, what: What) -> Option<DeskEvent> {
        if done.ticker == Order::FOREIGN || done.user_ref == NOBODY {
            return None;
        }
        let gone = OrderView {
            user_ref: done.user_ref,
            ticker: done.ticker,
            side: done.side,
            price: done.price,
            leaves: Qty::ZERO,
            executed: done.qty,
            state: OrderState::Live,
            reference: None,
            entered_ns: 0,
        };
        let order = self.orders.known(done.user_ref).map_or(gone, Order::view);
        Some(DeskEvent::Order(OrderReport { order, what }))
    }
}
