//! A recorded market as an order flow: each ITCH message becomes what a client would have sent.
//!
//! | ITCH | OUCH |
//! |---|---|
//! | A, F | Enter Order, day, at that price |
//! | E, C | Enter Order on the other side, immediate or cancel, at the resting order's price |
//! | X | Cancel Order to what is left |
//! | D | Cancel Order to 0 |
//! | U | Replace Order |
//!
//! So a venue that starts empty comes to hold the recorded book, and real orders for others to
//! trade with. The venue's own matching decides who trades: where it differs from the record
//! (another client took the shares first), the later messages of that order ask for what is gone,
//! and the venue ignores or rejects them as it must; both are counted.
//!
//! Limits: `orders_max` recorded orders live at once; one more is left out, and counted.

use book::RefMap;
use desk::requests::{REQUEST_LEN_MAX, cancel, enter, replace};
use types::{OrderSide, TimeInForce};
use wire::IntoBytes;
use wire::itch::Message;

/// What the flow did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowCounts {
    /// Orders entered from adds.
    pub entered: u64,
    /// Orders entered from executions.
    pub takers: u64,
    /// Cancels from X and D.
    pub cancels: u64,
    /// Replaces from U.
    pub replaces: u64,
    /// Messages about orders that were never entered (they predate the file, or there was no room).
    pub unknown: u64,
    /// Adds left out because `orders_max` were live.
    pub no_room: u64,
    /// Adds in symbols that are not traded here.
    pub other_symbols: u64,
}

/// A recorded order that was entered at the venue.
#[derive(Clone, Copy, Debug, Default)]
struct Entered {
    user_ref: u32,
    symbol: [u8; 8],
    price: u32,
    leaves: u32,
    executed: u32,
    sell: bool,
}

/// Turns ITCH into OUCH; see the module.
#[derive(Debug)]
pub struct Flow {
    symbols: Vec<[u8; 8]>,
    by_order: RefMap,
    by_user_ref: RefMap,
    entered: Box<[Entered]>,
    free: Vec<u32>,
    next_user_ref: u32,
    counts: FlowCounts,
}

impl Flow {
    /// A flow in `symbols` (all, when empty) with room for `orders_max` live orders.
    pub fn new(symbols: Vec<[u8; 8]>, orders_max: u32) -> Flow {
        Flow {
            symbols,
            by_order: RefMap::with_capacity(orders_max as usize),
            by_user_ref: RefMap::with_capacity(orders_max as usize),
            entered: vec![Entered::default(); orders_max as usize].into_boxed_slice(),
            free: (0..orders_max).rev().collect(),
            next_user_ref: 1,
            counts: FlowCounts::default(),
        }
    }

    /// What was done so far.
    pub fn counts(&self) -> &FlowCounts {
        &self.counts
    }

    /// Writes what a client would send at this message; the length, or 0 when that is nothing.
    #[inline]
    pub fn translate(&mut self, message: &Message<'_>, out: &mut [u8; REQUEST_LEN_MAX]) -> usize {
        match message {
            Message::AddOrder(m) => self.add(
                m.order_reference_number.get(),
                m.buy_sell_indicator,
                m.shares.get(),
                m.stock,
                m.price.get(),
                out,
            ),
            Message::AddOrderMpid(m) => self.add(
                m.order_reference_number.get(),
                m.buy_sell_indicator,
                m.shares.get(),
                m.stock,
                m.price.get(),
                out,
            ),
            Message::OrderExecuted(m) => {
                self.take(m.order_reference_number.get(), m.executed_shares.get(), out)
            }
            Message::OrderExecutedPrice(m) => {
                self.take(m.order_reference_number.get(), m.executed_shares.get(), out)
            }
            Message::OrderCancel(m) => {
                self.reduce(m.order_reference_number.get(), m.canceled_shares.get(), out)
            }
            Message::OrderDelete(m) => self.delete(m.order_reference_number.get(), out),
            Message::OrderReplace(m) => self.replace(
                m.original_order_reference_number.get(),
                m.new_order_reference_number.get(),
                m.shares.get(),
                m.price.get(),
                out,
            ),
            _ => 0,
        }
    }

    /// The number of the newest order, 0 before the first.
    pub fn last_user_ref(&self) -> u32 {
        self.next_user_ref - 1
    }

    /// The venue says that an order of ours traded.
    pub fn on_executed(&mut self, user_ref: u32, shares: u32) {
        if let Some(slot) = self.by_user_ref.get(u64::from(user_ref)) {
            let order = &mut self.entered[slot as usize];
            order.executed = order.executed.saturating_add(shares);
        }
    }

    fn add(
        &mut self,
        id: u64,
        side: u8,
        shares: u32,
        symbol: [u8; 8],
        price: u32,
        out: &mut [u8; REQUEST_LEN_MAX],
    ) -> usize {
        if !self.symbols.is_empty() && !self.symbols.contains(&symbol) {
            self.counts.other_symbols += 1;
            return 0;
        }
        if self.by_order.get(id).is_some() {
            self.counts.unknown += 1;
            return 0;
        }
        let Some(slot) = self.free.pop() else {
            self.counts.no_room += 1;
            return 0;
        };
        let user_ref = self.take_user_ref();
        let sell = side == b'S';
        self.entered[slot as usize] =
            Entered { user_ref, symbol, price, leaves: shares, executed: 0, sell };
        self.map(id, user_ref, slot);
        self.counts.entered += 1;
        let side = if sell { OrderSide::Sell } else { OrderSide::Buy };
        put(out, enter(user_ref, side, shares, symbol, price, TimeInForce::Day).as_bytes())
    }

    /// Whoever hit the recorded order comes again: the other side, at its price, and gone at once.
    fn take(&mut self, id: u64, shares: u32, out: &mut [u8; REQUEST_LEN_MAX]) -> usize {
        let Some(slot) = self.find(id) else { return 0 };
        let order = &mut self.entered[slot as usize];
        order.leaves = order.leaves.saturating_sub(shares);
        let (order, done) = (*order, order.leaves == 0);
        if done {
            self.unmap(id, slot);
        }
        self.counts.takers += 1;
        let user_ref = self.take_user_ref();
        let side = if order.sell { OrderSide::Buy } else { OrderSide::Sell };
        let taker = enter(user_ref, side, shares, order.symbol, order.price, TimeInForce::Ioc);
        put(out, taker.as_bytes())
    }

    fn reduce(&mut self, id: u64, shares: u32, out: &mut [u8; REQUEST_LEN_MAX]) -> usize {
        let Some(slot) = self.find(id) else { return 0 };
        let order = &mut self.entered[slot as usize];
        order.leaves = order.leaves.saturating_sub(shares);
        let (user_ref, left) = (order.user_ref, order.leaves);
        // OUCH counts the intended size, executed shares included; nothing left is a full cancel.
        let intended = if left == 0 { 0 } else { order.executed.saturating_add(left) };
        if left == 0 {
            self.unmap(id, slot);
        }
        self.counts.cancels += 1;
        put(out, cancel(user_ref, intended).as_bytes())
    }

    fn delete(&mut self, id: u64, out: &mut [u8; REQUEST_LEN_MAX]) -> usize {
        let Some(slot) = self.find(id) else { return 0 };
        let user_ref = self.entered[slot as usize].user_ref;
        self.unmap(id, slot);
        self.counts.cancels += 1;
        put(out, cancel(user_ref, 0).as_bytes())
    }

    fn replace(
        &mut self,
        old: u64,
        new: u64,
        shares: u32,
        price: u32,
        out: &mut [u8; REQUEST_LEN_MAX],
    ) -> usize {
        let Some(slot) = self.find(old) else { return 0 };
        let was = self.entered[slot as usize];
        if new != old && self.by_order.get(new).is_some() {
            self.counts.unknown += 1;
            return 0;
        }
        self.by_order.remove(old);
        self.by_user_ref.remove(u64::from(was.user_ref));
        let user_ref = self.take_user_ref();
        self.entered[slot as usize] = Entered { user_ref, price, leaves: shares, ..was };
        self.map(new, user_ref, slot);
        self.counts.replaces += 1;
        let message = replace(was.user_ref, user_ref, was.executed.saturating_add(shares), price);
        put(out, message.as_bytes())
    }

    fn find(&mut self, id: u64) -> Option<u32> {
        let slot = self.by_order.get(id);
        self.counts.unknown += u64::from(slot.is_none());
        slot
    }

    fn map(&mut self, id: u64, user_ref: u32, slot: u32) {
        // Both maps hold as many entries as there are slots: they cannot be full here.
        let _ = self.by_order.insert(id, slot);
        let _ = self.by_user_ref.insert(u64::from(user_ref), slot);
    }

    fn unmap(&mut self, id: u64, slot: u32) {
        self.by_order.remove(id);
        self.by_user_ref.remove(u64::from(self.entered[slot as usize].user_ref));
        self.free.push(slot);
    }

    fn take_user_ref(&mut self) -> u32 {
        let user_ref = self.next_user_ref;
        self.next_user_ref = user_ref.saturating_add(1);
        user_ref
    }
}

fn put(out: &mut [u8; REQUEST_LEN_MAX], bytes: &[u8]) -> usize {
    out[..bytes.len()].copy_from_slice(bytes);
    bytes.len()
}

#[cfg(test)]
mod tests;
