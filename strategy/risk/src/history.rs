//! The last fills, so that a bust or a correction undoes one exactly.
//!
//! A moving cost basis depends on the order of the trades, so a trade in the past is undone by
//! replaying its symbol without it. A ring keeps the last fills of all symbols; what falls out of
//! it is settled into a base holding a symbol. A bust is rare and may walk the ring; a fill writes
//! twelve bytes. A trade older than the ring cannot be found, and the caller falls back to
//! [`Holding::reverse`].

use crate::holding::Holding;
use types::{Price, Qty, Side, Ticker};

/// Fills remembered by a gate, 12 bytes each.
pub(crate) const FILLS_KEPT: usize = 1 << 16;

#[derive(Clone, Copy, Debug)]
struct Fill {
    qty: Qty,
    price: Price,
    ticker: Ticker,
    side: Side,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct History {
    ring: Vec<Fill>,
    kept_max: usize,
    /// The oldest fill's place, once the ring is full.
    oldest: usize,
    base: Box<[Holding]>,
}

impl History {
    /// Remembers `kept_max` fills, at least one.
    pub(crate) fn new(tickers: usize, kept_max: usize) -> History {
        let kept_max = kept_max.max(1);
        // Written to from end to end: a page is faulted in here, and not under a fill.
        let filler = Fill { qty: Qty(1), price: Price(1), ticker: Ticker(1), side: Side::Buy };
        let mut ring = vec![filler; kept_max];
        ring.clear();
        History {
            ring,
            kept_max,
            oldest: 0,
            base: vec![Holding::default(); tickers].into_boxed_slice(),
        }
    }

    /// Remembers a fill; `ticker` is known.
    #[inline]
    pub(crate) fn note(&mut self, ticker: Ticker, side: Side, qty: Qty, price: Price) {
        let fill = Fill { qty, price, ticker, side };
        if self.ring.len() < self.kept_max {
            self.ring.push(fill);
            return;
        }
        let Some(slot) = self.ring.get_mut(self.oldest) else { return };
        let gone = core::mem::replace(slot, fill);
        self.oldest = if self.oldest + 1 == self.kept_max { 0 } else { self.oldest + 1 };
        if let Some(base) = self.base.get_mut(usize::from(gone.ticker.0)) {
            base.trade(gone.side, gone.qty, gone.price);
        }
    }

    /// Undoes the newest such fill, or puts its price right, and gives what is then held. `None`
    /// when no such fill is remembered.
    #[cold]
    pub(crate) fn amend(
        &mut self,
        (ticker, side, qty, was): (Ticker, Side, Qty, Price),
        is: Option<Price>,
    ) -> Option<Holding> {
        let (newer, older) = self.ring.split_at_mut(self.oldest);
        let fill = newer.iter_mut().rev().chain(older.iter_mut().rev()).find(|fill| {
            (fill.ticker, fill.side, fill.qty, fill.price) == (ticker, side, qty, was)
        })?;
        match is {
            Some(price) => fill.price = price,
            // A fill of nothing changes nothing when it is replayed or falls out.
            None => fill.qty = Qty::ZERO,
        }
        let mut held = *self.base.get(usize::from(ticker.0))?;
        let (newer, older) = self.ring.split_at(self.oldest);
        for fill in older.iter().chain(newer).filter(|fill| fill.ticker == ticker) {
            held.trade(fill.side, fill.qty, fill.price);
        }
        Some(held)
    }

    /// A trade older than all that is remembered was reversed in the base.
    #[cold]
    pub(crate) fn rebase(&mut self, ticker: Ticker, change: impl FnOnce(&mut Holding)) -> Holding {
        let Some(base) = self.base.get_mut(usize::from(ticker.0)) else {
            return Holding::default();
        };
        change(base);
        let mut held = *base;
        let (newer, older) = self.ring.split_at(self.oldest);
        for fill in older.iter().chain(newer).filter(|fill| fill.ticker == ticker) {
            held.trade(fill.side, fill.qty, fill.price);
        }
        held
    }
}

#[cfg(test)]
mod tests;
